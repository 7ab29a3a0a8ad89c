/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Physical region pages, NVMe 1.4 section 4.3.
 *
 * PRP1 may begin inside a page. What is left after it lies in the page PRP2
 * if that is enough, else PRP2 is the address of a list. A list runs to the
 * end of its page; if more is needed, its last entry is the address of the
 * next list. Pages that adjoin become one segment.
 */
#include "devices/nvme/prp.h"

static void segments_add(struct nvme_segments *segments, iova_t iova,
			 size_t len)
{
	struct nvme_segment *last = &segments->array[segments->n - 1];

	if (segments->n && last->iova + last->len == iova) {
		last->len += (__u32)len;
		return;
	}
	segments->array[segments->n++] =
		(struct nvme_segment){ .iova = iova, .len = (__u32)len };
}

static __u16 prp_walk_list(struct nvme *nvme, iova_t list, size_t len,
			   struct nvme_segments *segments)
{
	size_t page = (size_t)1 << nvme->page_lg2;
	__u64 entries[NVME_SEGMENTS_MAX];
	size_t n_wanted, n_room, n_data, i, part;

	if (list & 7)
		return NVME_INVALID_PRP_OFFSET;
	while (len) {
		n_wanted = (len + page - 1) / page;
		n_room = (page - (list & (page - 1))) / sizeof(__u64);
		n_data = n_wanted > n_room ? n_room - 1 : n_wanted;
		if (vfio_dma_read(nvme->device, list, entries,
				  (n_wanted > n_room ? n_room : n_wanted) *
					  sizeof(__u64)))
			return NVME_DATA_TRANSFER_ERROR;
		for (i = 0; i < n_data; i++) {
			if (entries[i] & (page - 1))
				return NVME_INVALID_PRP_OFFSET;
			part = len < page ? len : page;
			segments_add(segments, entries[i], part);
			len -= part;
		}
		if (!len)
			break;
		list = entries[n_data];
		if (list & (page - 1))
			return NVME_INVALID_PRP_OFFSET;
	}
	return NVME_SUCCESS;
}

__u16 nvme_prp_walk(struct nvme *nvme, const struct nvme_sqe *sqe, size_t len,
		    struct nvme_segments *segments)
{
	size_t page = (size_t)1 << nvme->page_lg2;
	size_t part = page - (sqe->prp1 & (page - 1));

	if (sqe->prp1 & 3)
		return NVME_INVALID_PRP_OFFSET;
	if (part > len)
		part = len;
	segments->n = 1;
	segments->array[0].iova = sqe->prp1;
	segments->array[0].len = (__u32)part;
	len -= part;
	if (!len)
		return NVME_SUCCESS;
	if (len > page)
		return prp_walk_list(nvme, sqe->prp2, len, segments);
	if (sqe->prp2 & (page - 1))
		return NVME_INVALID_PRP_OFFSET;
	segments_add(segments, sqe->prp2, len);
	return NVME_SUCCESS;
}

__u16 nvme_prp_write(struct nvme *nvme, const struct nvme_sqe *sqe,
		     const void *buf, size_t len)
{
	struct nvme_segments segments;
	const __u8 *bytes = buf;
	unsigned int i;
	__u16 status;

	status = nvme_prp_walk(nvme, sqe, len, &segments);
	if (status)
		return status;
	for (i = 0; i < segments.n; i++) {
		if (vfio_dma_write(nvme->device, segments.array[i].iova, bytes,
				   segments.array[i].len))
			return NVME_DATA_TRANSFER_ERROR;
		bytes += segments.array[i].len;
	}
	return NVME_SUCCESS;
}

__u16 nvme_prp_read(struct nvme *nvme, const struct nvme_sqe *sqe, void *buf,
		    size_t len)
{
	struct nvme_segments segments;
	__u8 *bytes = buf;
	unsigned int i;
	__u16 status;

	status = nvme_prp_walk(nvme, sqe, len, &segments);
	if (status)
		return status;
	for (i = 0; i < segments.n; i++) {
		if (vfio_dma_read(nvme->device, segments.array[i].iova, bytes,
				  segments.array[i].len))
			return NVME_DATA_TRANSFER_ERROR;
		bytes += segments.array[i].len;
	}
	return NVME_SUCCESS;
}
