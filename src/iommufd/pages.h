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
 * Return: 0 or -ENOMEM.
 */
int pages_adopt(struct ioas *ioas, struct pages *pages,
		const struct area *area);

/**
 * pages_pin() - pin what an area shows
 * @area: its range is set; address is filled in. If it is set already, from
 *	the area it is copied from, it is used for what is pinned anyway
 *
 * Context: @ioas's lock. Return: 0, -EFAULT, -EINVAL, -ENOMEM.
 */
int pages_pin(struct ioas *ioas, struct area *area);

/* Undo pages_pin(). Never fails. */
void pages_unpin(struct ioas *ioas, struct area *area);

#endif /* IOMMUFD_PAGES_H */
