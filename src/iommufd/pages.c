/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pins of shared memory.
 *
 * A pin is a whole number of pages, cut to the memory that the first mapping
 * named, so two pins meet at the end of a page and no page is charged twice.
 *
 * covered: bytes that at least one struct page_pin of the tree holds; exactly
 *	these are pinned in mm
 * hole: a stretch that is not covered
 */
#include <errno.h>
#include "base/lock.h"
#include "base/mem.h"
#include "base/overflow.h"
#include "iommufd/area.h"
#include "iommufd/context.h"
#include "iommufd/pages.h"

/**
 * struct page_pin - what one pinned area holds
 * @range: offsets in the memory
 * @delta: address less offset, at the time of the pin
 */
struct page_pin {
	struct interval range;
	uintptr_t delta;
};

struct pages *pages_create(struct mm_memory *memory, __u64 start, __u64 last,
			   bool is_writable)
{
	struct pages *pages = mem_alloc(sizeof(*pages));

	if (!pages)
		return NULL;
	pages->memory = memory;
	pages->start = start;
	pages->last = last;
	pages->is_writable = is_writable;
	atomic_init(&pages->n_areas, 1);
	return pages;
}

void pages_put(struct pages *pages)
{
	if (atomic_fetch_sub_explicit(&pages->n_areas, 1,
				      memory_order_acq_rel) != 1)
		return;
	mm_memory_put(pages->memory);
	mem_free(pages);
}

static inline struct page_pin *to_pin(struct interval *range)
{
	return container_of(range, struct page_pin, range);
}

/* What an area holds: its bytes, out to the ends of their pages. */
static void pages_range(const struct pages *pages, const struct area *area,
			__u64 *start, __u64 *last)
{
	*start = align_down(area->offset, MM_PAGE_LEN);
	if (*start < pages->start)
		*start = pages->start;
	*last = (area->offset + (area_len(area) - 1)) | (MM_PAGE_LEN - 1);
	if (*last > pages->last)
		*last = pages->last;
}

/**
 * pages_next_hole() - the first stretch of a range that is not covered
 * @start: of the range; becomes the start of the hole
 * @last: of the range
 * @hole_last: the last byte of the hole
 *
 * Return: false when all of the range is covered.
 */
static bool pages_next_hole(const struct pages *pages, __u64 *start, __u64 last,
			    __u64 *hole_last)
{
	const struct interval *range;

	*hole_last = last;
	while ((range = interval_first(&pages->pins, *start, last))) {
		if (range->start > *start) {
			*hole_last = range->start - 1;
			return true;
		}
		if (range->last >= last)
			return false;
		*start = range->last + 1;
	}
	return true;
}

/* Unpin the holes of [start, end), which were pinned by a failing call. */
static void pages_unpin_holes(struct ioas *ioas, struct pages *pages,
			      const struct page_pin *pin, __u64 end)
{
	__u64 start = pin->range.start;
	__u64 last;

	while (start < end && pages_next_hole(pages, &start, end - 1, &last)) {
		mm_unpin(pages->memory, start + pin->delta, last - start + 1,
			 ioas->ctx->account);
		start = last + 1;
	}
}

/*
 * Pin what no other area covers. The memory of an area must lie in one piece:
 * where its pages were moved apart before (pages aside on one side, the
 * program's own on the other) it cannot be had any more.
 */
static int pages_pin_holes(struct ioas *ioas, struct pages *pages,
			   struct page_pin *pin, bool is_delta_known)
{
	__u64 start = pin->range.start;
	uintptr_t address;
	__u64 last;
	int rc;

	while (pages_next_hole(pages, &start, pin->range.last, &last)) {
		rc = mm_pin(pages->memory, start, last - start + 1,
			    pages->is_writable, ioas->ctx->account, &address);
		if (!rc && is_delta_known && address - start != pin->delta) {
			mm_unpin(pages->memory, address, last - start + 1,
				 ioas->ctx->account);
			rc = -EFAULT;
		}
		if (rc) {
			pages_unpin_holes(ioas, pages, pin, start);
			return rc;
		}
		pin->delta = address - start;
		is_delta_known = true;
		if (last == pin->range.last)
			break;
		start = last + 1;
	}
	return 0;
}

/* Where memory that is covered lies: a pin that covers the byte says it. */
static bool pages_find_delta(const struct pages *pages, __u64 offset,
			     uintptr_t *delta)
{
	struct interval *range = interval_first(&pages->pins, offset, offset);

	if (!range)
		return false;
	*delta = to_pin(range)->delta;
	return true;
}

int pages_pin(struct ioas *ioas, struct area *area)
{
	struct pages *pages = area_pages(area);
	struct page_pin *pin = mem_alloc(sizeof(*pin));
	bool is_delta_known;
	int rc;

	if (!pin)
		return -ENOMEM;
	pages_range(pages, area, &pin->range.start, &pin->range.last);
	lock_acquire(&ioas->ctx->share_lock);
	is_delta_known = area->map.address;
	if (is_delta_known)
		pin->delta = area->map.address - area->offset;
	else
		is_delta_known =
			pages_find_delta(pages, area->offset, &pin->delta);
	rc = pages_pin_holes(ioas, pages, pin, is_delta_known);
	if (rc)
		goto err_unlock;
	interval_insert(&pages->pins, &pin->range);
	area->map.address = area->offset + pin->delta;
	lock_release(&ioas->ctx->share_lock);
	return 0;

err_unlock:
	lock_release(&ioas->ctx->share_lock);
	mem_free(pin);
	return rc;
}

int pages_adopt(struct ioas *ioas, struct pages *pages, const struct area *area)
{
	struct page_pin *pin = mem_alloc(sizeof(*pin));

	if (!pin)
		return -ENOMEM;
	pages_range(pages, area, &pin->range.start, &pin->range.last);
	pin->delta = area->map.address - area->offset;
	lock_acquire(&ioas->ctx->share_lock);
	interval_insert(&pages->pins, &pin->range);
	lock_release(&ioas->ctx->share_lock);
	return 0;
}

/**
 * struct pages_unpin - an area on its way out, piece by piece
 * @pages: without the pin of the area
 * @account: who was charged
 * @start: what the area held and is not yet looked at
 * @last: the end of what the area held
 * @offset: of the next piece
 * @area_last: the last byte that the area shows
 */
struct pages_unpin {
	const struct pages *pages;
	enum mm_account account;
	__u64 start;
	__u64 last;
	__u64 offset;
	__u64 area_last;
};

/* The outer pieces stand for the rest of their pages, too. */
static void pages_unpin_piece(void *arg, uintptr_t address, __u64 len)
{
	struct pages_unpin *unpin = arg;
	uintptr_t delta = address - unpin->offset;
	__u64 start = unpin->start;
	__u64 piece_last = unpin->offset + (len - 1);
	__u64 last;

	if (piece_last == unpin->area_last)
		piece_last = unpin->last;
	unpin->offset += len;
	unpin->start = piece_last + 1;
	while (pages_next_hole(unpin->pages, &start, piece_last, &last)) {
		mm_unpin(unpin->pages->memory, start + delta, last - start + 1,
			 unpin->account);
		if (last == piece_last)
			break;
		start = last + 1;
	}
}

void pages_unpin(struct ioas *ioas, struct area *area)
{
	struct pages *pages = area_pages(area);
	struct pages_unpin unpin = {
		.pages = pages,
		.account = ioas->ctx->account,
		.offset = area->offset,
		.area_last = area->offset + (area_len(area) - 1),
	};
	struct interval *range;

	pages_range(pages, area, &unpin.start, &unpin.last);
	lock_acquire(&ioas->ctx->share_lock);
	/* Pins of the same range are alike: any of them is ours. */
	range = interval_first(&pages->pins, unpin.start, unpin.last);
	while (range->start != unpin.start || range->last != unpin.last)
		range = interval_next(range, unpin.start, unpin.last);
	interval_remove(&pages->pins, range);
	iommu_map_for_each_piece(ioas->space, &area->map, pages_unpin_piece,
				 &unpin);
	lock_release(&ioas->ctx->share_lock);
	mem_free(to_pin(range));
}
