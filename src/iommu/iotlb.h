/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The translations that a thread has used last; see iotlb.c.
 *
 * Context: the thread's own table, inside a read section.
 */
#ifndef IOMMU_IOTLB_H
#define IOMMU_IOTLB_H

#include "iommu/space.h"

#define IOTLB_PAGE_LG2 12u
#define IOTLB_PAGE_LEN (1ull << IOTLB_PAGE_LG2)
#define IOTLB_PAGE_MASK (~(IOTLB_PAGE_LEN - 1))
#define IOTLB_ENTRY_LG2 5u
#define IOTLB_N_LG2 13u
#define IOTLB_N (1u << IOTLB_N_LG2)

/**
 * struct iotlb_entry - where an IOVA page is
 * @tag: the page, and in the low bits those of enum iommu_prot that it lacks
 * @stamp: of the page's part of the address space when this was looked up; 0
 *	is none, so an entry never filled matches nothing
 * @address: of the page's first byte
 * @len: contiguous bytes from there on, all in one map: more than a page
 */
struct iotlb_entry {
	__u64 tag;
	__u64 stamp;
	uintptr_t address;
	__u64 len;
};

_Static_assert(sizeof(struct iotlb_entry) == 1u << IOTLB_ENTRY_LG2, "as said");

/* This thread's entries, or NULL. */
extern __thread struct iotlb_entry *iotlb_self
	__attribute__((tls_model("initial-exec")));

/**
 * iotlb_thread_start() - give this thread a table
 *
 * Without memory for one DMA works, only slower. The table goes with the
 * thread.
 */
void iotlb_thread_start(void);

/*
 * Neighbouring pages never meet, nor do pages at a stride of some pages: the
 * bits above the index are folded into it. Computed as an offset in bytes.
 */
static always_inline struct iotlb_entry *
iotlb_entry_of(struct iotlb_entry *table, iova_t iova)
{
	__u64 folded = iova >> (IOTLB_PAGE_LG2 - IOTLB_ENTRY_LG2) ^
		       iova >> (IOTLB_PAGE_LG2 + IOTLB_N_LG2 - IOTLB_ENTRY_LG2);

	folded &= (__u64)(IOTLB_N - 1) << IOTLB_ENTRY_LG2;
	return (void *)((char *)table + folded);
}

/* Return: where [iova, iova + len) is, or 0 if that is not in the table. */
static always_inline uintptr_t iotlb_find(struct iotlb_entry *table,
					  struct space_view *view, iova_t iova,
					  size_t len, unsigned int prot)
{
	struct iotlb_entry *entry = iotlb_entry_of(table, iova);
	__u64 offset = iova & ~IOTLB_PAGE_MASK;

	if ((entry->tag & (IOTLB_PAGE_MASK | prot)) != (iova & IOTLB_PAGE_MASK))
		return 0;
	if (entry->stamp != view_stamp(view, iova) || offset + len > entry->len)
		return 0;
	return entry->address + offset;
}

/**
 * iotlb_fill() - remember a translation
 * @stamp: of @iova, read before the map was looked up
 * @piece: the memory at @iova
 * @prot: of the map
 */
void iotlb_fill(__u64 stamp, iova_t iova, const struct map_piece_at *piece,
		unsigned int prot);

#endif /* IOMMU_IOTLB_H */
