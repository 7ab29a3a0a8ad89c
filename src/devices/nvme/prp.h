/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the data of a command is in program memory. */
#ifndef DEVICES_NVME_PRP_H
#define DEVICES_NVME_PRP_H

#include "devices/nvme/controller.h"

/* Pages of the longest transfer, which may begin inside one. */
#define NVME_SEGMENTS_MAX (NVME_TRANSFER_MAX / 4096u + 1)

struct nvme_segment {
	iova_t iova;
	__u32 len;
};

/**
 * struct nvme_segments - a scattered buffer
 * @n: their number
 * @array: pieces that do not adjoin, in order
 */
struct nvme_segments {
	unsigned int n;
	struct nvme_segment array[NVME_SEGMENTS_MAX];
};

/**
 * nvme_prp_walk() - find the pages of a command, NVMe 4.3
 * @sqe: PRP1 and PRP2
 * @len: bytes, 1 to NVME_TRANSFER_MAX
 * @segments: the result
 *
 * Return: NVME_SUCCESS, NVME_INVALID_PRP_OFFSET or NVME_DATA_TRANSFER_ERROR.
 */
__u16 nvme_prp_walk(struct nvme *nvme, const struct nvme_sqe *sqe, size_t len,
		    struct nvme_segments *segments);

/* Move @len bytes between a buffer and the pages of a command. */
__u16 nvme_prp_write(struct nvme *nvme, const struct nvme_sqe *sqe,
		     const void *buf, size_t len);
__u16 nvme_prp_read(struct nvme *nvme, const struct nvme_sqe *sqe, void *buf,
		    size_t len);

#endif /* DEVICES_NVME_PRP_H */
