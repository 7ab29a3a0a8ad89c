/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IOTLBs: one direct-mapped table a thread, for all devices that the thread
 * runs, so its memory does not grow with devices. Entries are told apart by
 * their stamps, which no two address spaces share (view.h), and are never
 * visited by an invalidation.
 */
#include <pthread.h>
#include "base/mem.h"
#include "iommu/iotlb.h"

/* More is never asked for in one DMA; keeps sums from wrapping. */
#define IOTLB_LEN_MAX (1ull << 62)

__thread struct iotlb_entry *iotlb_self;

static __thread void *iotlb_block __attribute__((tls_model("initial-exec")));
static pthread_key_t iotlb_key;
static bool iotlb_key_is_there;
static pthread_once_t iotlb_once = PTHREAD_ONCE_INIT;

static void iotlb_thread_ended(void *block)
{
	iotlb_self = NULL;
	iotlb_block = NULL;
	mem_free(block);
}

static void iotlb_make_key(void)
{
	iotlb_key_is_there =
		!pthread_key_create(&iotlb_key, iotlb_thread_ended);
}

void iotlb_thread_start(void)
{
	void *block;

	pthread_once(&iotlb_once, iotlb_make_key);
	if (!iotlb_key_is_there)
		return;
	/* A big zeroed block: pages of it that are not used stay untouched. */
	block = mem_alloc(array_size(IOTLB_N, sizeof(struct iotlb_entry)) +
			  CACHE_LINE);
	if (!block)
		return;
	if (pthread_setspecific(iotlb_key, block)) {
		mem_free(block);
		return;
	}
	iotlb_block = block;
	iotlb_self = (void *)align_up((uintptr_t)block, CACHE_LINE);
}

void iotlb_fill(__u64 stamp, iova_t iova, const struct map_piece_at *piece,
		unsigned int prot)
{
	iova_t page = iova & IOTLB_PAGE_MASK;
	__u64 len_less_1 = piece->last - page;
	struct iotlb_entry *entry;

	if (!iotlb_self || piece->start > page)
		return;
	if (len_less_1 >= IOTLB_LEN_MAX)
		len_less_1 = IOTLB_LEN_MAX - 1;
	entry = iotlb_entry_of(iotlb_self, iova);
	entry->tag = page | prot;
	entry->stamp = stamp;
	entry->address = piece->address - (iova - page);
	entry->len = len_less_1 + 1;
}
