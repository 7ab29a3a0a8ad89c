/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands on I/O queues. */
#ifndef DEVICES_NVME_IO_H
#define DEVICES_NVME_IO_H

#include "devices/nvme/controller.h"

/* Return: enum nvme_status; NVME_PENDING: it completes by itself. */
__u16 nvme_io_run(struct nvme *nvme, struct nvme_sq *sq,
		  const struct nvme_sqe *sqe);

#endif /* DEVICES_NVME_IO_H */
