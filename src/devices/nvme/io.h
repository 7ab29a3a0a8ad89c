/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands on I/O queues. */
#ifndef DEVICES_NVME_IO_H
#define DEVICES_NVME_IO_H

#include "devices/nvme/controller.h"

/* Return: enum nvme_status; NVME_PENDING: it completes by itself. */
__u16 nvme_io_run(struct nvme *nvme, struct nvme_sq *sq,
		  const struct nvme_sqe *sqe);

/* The blocks of a command that runs soon come into the cache meanwhile. */
static always_inline void nvme_io_prefetch(const struct nvme *nvme,
					   const struct nvme_sqe *sqe)
{
	__u64 offset = (__u64)sqe->cdw10 << NVME_BLOCK_LG2;
	const __u8 *at;
	unsigned int i;

	/* Not checked yet: no address but one inside is formed. */
	if (!nvme->ns->bytes || sqe->cdw11 || offset >= nvme->ns->len)
		return;
	at = nvme->ns->bytes + offset;
	for (i = 0; i < NVME_BLOCK_LEN; i += CACHE_LINE)
		__builtin_prefetch(at + i);
}

#endif /* DEVICES_NVME_IO_H */
