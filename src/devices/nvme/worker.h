/* SPDX-License-Identifier: BSD-3-Clause */
/* Who runs the controller: a thread of its own, or whoever rings. */
#ifndef DEVICES_NVME_WORKER_H
#define DEVICES_NVME_WORKER_H

#include "devices/nvme/controller.h"

/**
 * nvme_worker_start() - have the thread run, if it does not yet
 *
 * Nothing to do in synchronous mode. Return: 0 or -errno.
 */
int nvme_worker_start(struct nvme *nvme);

/* No command is in flight and no DMA follows when it returns. */
void nvme_worker_stop(struct nvme *nvme);

/* There may be something to do. Context: a signal handler included. */
void nvme_worker_kick(struct nvme *nvme);

/* Ask for something and kick. */
void nvme_worker_attend(struct nvme *nvme, enum nvme_attention what);

/* Reset the controller; returns when it is done. */
void nvme_worker_reset(struct nvme *nvme);

#endif /* DEVICES_NVME_WORKER_H */
