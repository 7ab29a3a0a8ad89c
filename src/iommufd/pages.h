/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that several areas share, since one was copied from the other.
 *
 * It is pinned and charged once, whatever the number of areas: an area that
 * is pinned adds a pin for what no other pinned area covers, and takes away
 * what no other covers any more. Areas that no copy shares have no such
 * object; it is made with the first copy.
 */
#ifndef IOMMUFD_PAGES_H
#define IOMMUFD_PAGES_H

#include <stdatomic.h>
#include "base/interval.h"

struct area;
struct ioas;
struct iommu_space;
struct mm_memory;

/**
 * struct pages - shared memory
 * @memory: whose; a reference is held
 * @start: first byte that any area may show, an offset in @memory
 * @last: last one
 * @is_writable: the first mapping was made with write permission
 * @n_areas: areas that share it; the last one frees it
 * @pins: struct page_pin of each pinned area, by offset in @memory. Guarded
 *	by the context's share_lock
 */
struct pages {
	struct mm_memory *memory;
	__u64 start;
	__u64 last;
	bool is_writable;
	atomic_uint n_areas;
	struct interval_tree pins;
};

/**
 * struct page_pin - what one pinned area holds
 * @range: offsets in the memory
 * @pages: the memory
 * @space: where @area is, or was until it was removed
 * @area: knows where the memory lies, for as long as the pin is in the tree
 */
struct page_pin {
	struct interval range;
	struct pages *pages;
	struct iommu_space *space;
	struct area *area;
};

/**
 * pages_create() - memory of one area, to be shared with a second
 * @memory: the reference passes over
 *
 * Return: pages with one area, or NULL.
 */
struct pages *pages_create(struct mm_memory *memory, __u64 start, __u64 last,
			   bool is_writable);

static inline void pages_get(struct pages *pages)
{
	atomic_fetch_add_explicit(&pages->n_areas, 1, memory_order_relaxed);
}

void pages_put(struct pages *pages);

/**
 * pages_adopt() - take note of the pin that an area had before it was shared
 * Context: in limbo. Return: 0 or -ENOMEM.
 */
int pages_adopt(struct ioas *ioas, struct area *area);

/**
 * pages_pin() - pin what an area shows
 * @area: its range is set; address is filled in. If it is set already, from
 *	the area it is copied from, the memory must lie there
 *
 * What another area has pinned is used where it lies now.
 *
 * Context: @ioas's lock; in limbo. Return: 0, -EFAULT (also where memory of
 * the area has been moved apart), -EINVAL, -ENOMEM.
 */
int pages_pin(struct ioas *ioas, struct area *area);

/* Undo pages_pin() or pages_adopt(). Never fails. Context: in limbo. */
void pages_unpin(struct ioas *ioas, struct area *area);

#endif /* IOMMUFD_PAGES_H */
