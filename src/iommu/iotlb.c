/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IOTLBs: one direct-mapped table a thread, for all devices that the thread
 * runs, so its memory does not grow with devices. Entries are told apart by
 * their stamps, which no two address spaces share (view.h), and are never
 * visited by an invalidation.
 */
#include <pthread.h>
#include <sys/mman.h>
#include "base/fault.h"
#include "iommu/iotlb.h"

/* More is never asked for in one DMA; keeps sums from wrapping. */
#define IOTLB_LEN_MAX (1ull << 62)

__thread struct iotlb_entry *iotlb_self;

static pthread_key_t iotlb_key;
static bool iotlb_key_is_there;
static pthread_once_t iotlb_once = PTHREAD_ONCE_INIT;

#define IOTLB_LEN (IOTLB_N * sizeof(struct iotlb_entry))

static void iotlb_thread_ended(void *table)
{
	iotlb_self = NULL;
	munmap(table, IOTLB_LEN);
}

static void iotlb_make_key(void)
{
	iotlb_key_is_there =
		!pthread_key_create(&iotlb_key, iotlb_thread_ended);
}

/*
 * Not by mem_alloc(), which counts blocks: a table lives as long as its
 * thread, and whoever compares counts would see a leak. Fresh pages are zero,
 * and those that are not used stay untouched.
 */
void iotlb_thread_start(void)
{
	void *table;

	pthread_once(&iotlb_once, iotlb_make_key);
	if (!iotlb_key_is_there || fault_inject(FAULT_ALLOC))
		return;
	table = mmap(NULL, IOTLB_LEN, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (table == MAP_FAILED)
		return;
	if (pthread_setspecific(iotlb_key, table))
		munmap(table, IOTLB_LEN);
	else
		iotlb_self = table;
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
	entry->tag = page | (~prot & (IOMMU_READ | IOMMU_WRITE));
	entry->stamp = stamp;
	entry->address = piece->address - (iova - page);
	entry->len = len_less_1 + 1;
}
