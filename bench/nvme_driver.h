/* SPDX-License-Identifier: BSD-3-Clause */
/* An NVMe controller of the machine, with one I/O queue pair, polled. */
#ifndef BENCH_NVME_DRIVER_H
#define BENCH_NVME_DRIVER_H

#include "client.h"
#include "ring.h"

/**
 * nvme_start() - enable the controller of @client's device
 * @memory: mapped at RING_IOVA by this call
 *
 * Return: the I/O queues. The controller's thread is bound to CPU 1.
 */
struct ring *nvme_start(struct client *client, struct ring_memory *memory);
void nvme_stop(struct client *client);

/* One command without data, so that the controller's thread goes on polling. */
void nvme_keep_polling(struct ring *ring);

#endif /* BENCH_NVME_DRIVER_H */
