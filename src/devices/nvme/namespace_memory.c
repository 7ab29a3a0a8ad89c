/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A namespace in memory, which begins as zeroes and is gone with the device.
 *
 * Data is copied once, between this memory and the program's. Every command
 * completes at once.
 */
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/overflow.h"
#include "devices/nvme/controller.h"
#include "devices/nvme/namespace.h"
#include "devices/nvme/prp.h"

#define PAGE_LEN 4096u
/* From this length on, giving pages back is cheaper than clearing them. */
#define ZERO_BY_DISCARD_LEN (64ull << 10)
/*
 * Up to here huge pages: random access then misses no TLB. Beyond, sparse use
 * (a file system just made) would cost up to 512 times its memory.
 */
#define HUGE_PAGES_LEN (1ull << 30)

static __u8 *memory_at(struct nvme *nvme, __u64 offset)
{
	return nvme->ns->bytes + offset;
}

typedef int (*dma_move)(struct vfio_device *device, iova_t iova, void *buf,
			size_t len);

static int dma_to_program(struct vfio_device *device, iova_t iova, void *buf,
			  size_t len)
{
	return vfio_dma_write(device, iova, buf, len);
}

static inline __u16 memory_move_one(struct nvme *nvme, iova_t iova, __u8 *bytes,
				    size_t len, dma_move move)
{
	size_t part;

	for (; len; len -= part) {
		part = len < 65536 ? len : 65536;
		if (unlikely(move(nvme->device, iova, bytes, part)))
			return NVME_DATA_TRANSFER_ERROR;
		iova += part;
		bytes += part;
		nvme_burst_count(nvme, part);
	}
	return NVME_SUCCESS;
}

static no_inline __u16 memory_move_segments(
	struct nvme *nvme, const struct nvme_io_command *command, dma_move move)
{
	__u8 *bytes = memory_at(nvme, command->offset);
	struct nvme_segments segments;
	unsigned int i;
	__u16 status;

	status = nvme_prp_walk(nvme, command->sqe, command->len, &segments);
	for (i = 0; !status && i < segments.n; i++) {
		status = memory_move_one(nvme, segments.array[i].iova, bytes,
					 segments.array[i].len, move);
		bytes += segments.array[i].len;
	}
	return status;
}

static always_inline __u16 memory_move(struct nvme *nvme,
				       const struct nvme_io_command *command,
				       dma_move move)
{
	__u64 page = 1ull << nvme->page_lg2;
	iova_t iova = command->sqe->prp1;

	/* All in the page of PRP1: what most small transfers are. */
	if (likely(command->len <= page - (iova & (page - 1)) && !(iova & 3)))
		return memory_move_one(nvme, iova,
				       memory_at(nvme, command->offset),
				       command->len, move);
	return memory_move_segments(nvme, command, move);
}

static __u16 memory_read(struct nvme *nvme,
			 const struct nvme_io_command *command)
{
	return memory_move(nvme, command, dma_to_program);
}

static __u16 memory_write(struct nvme *nvme,
			  const struct nvme_io_command *command)
{
	return memory_move(nvme, command, vfio_dma_read);
}

static __u16 memory_flush(struct nvme *nvme,
			  const struct nvme_io_command *command)
{
	(void)nvme;
	(void)command;
	return NVME_SUCCESS;
}

static void memory_clear(struct nvme *nvme, __u64 offset, __u64 len)
{
	__u64 start = align_up(offset, PAGE_LEN);
	__u64 end = align_down(offset + len, PAGE_LEN);

	if (len < ZERO_BY_DISCARD_LEN) {
		memset(memory_at(nvme, offset), 0, len);
		return;
	}
	memset(memory_at(nvme, offset), 0, start - offset);
	memset(memory_at(nvme, end), 0, offset + len - end);
	if (madvise(memory_at(nvme, start), end - start, MADV_DONTNEED))
		memset(memory_at(nvme, start), 0, end - start);
}

static __u16 memory_zero(struct nvme *nvme,
			 const struct nvme_io_command *command)
{
	vfio_dma_burst_end();
	memory_clear(nvme, command->offset, command->len);
	nvme_burst_begin(nvme);
	return NVME_SUCCESS;
}

static unsigned int memory_submit(struct nvme *nvme)
{
	(void)nvme;
	return 0;
}

static unsigned int memory_reap(struct nvme *nvme, bool is_waiting)
{
	(void)nvme;
	(void)is_waiting;
	return 0;
}

static void memory_destroy(struct nvme_namespace *ns)
{
	munmap(ns->bytes, ns->len);
	mem_free(ns);
}

static const struct nvme_namespace_ops namespace_memory_ops = {
	.read = memory_read,
	.write = memory_write,
	.flush = memory_flush,
	.zero = memory_zero,
	.deallocate = memory_clear,
	.submit = memory_submit,
	.reap = memory_reap,
	.destroy = memory_destroy,
};

struct nvme_namespace *nvme_namespace_memory_create(__u64 len)
{
	struct nvme_namespace *ns;
	void *bytes;

	ns = mem_alloc(sizeof(*ns));
	if (!ns)
		return err_ptr(-ENOMEM);
	bytes = mmap(NULL, len, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED) {
		mem_free(ns);
		return err_ptr(-ENOMEM);
	}
	if (len <= HUGE_PAGES_LEN)
		madvise(bytes, len, MADV_HUGEPAGE);
	ns->bytes = bytes;
	ns->ops = &namespace_memory_ops;
	ns->len = len;
	ns->n_free = UINT_MAX;
	return ns;
}
