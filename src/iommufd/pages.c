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
 *
 * Where covered memory lies is not noted here, for it may move: the area that
 * holds it follows moves, and is asked. Areas are pinned and unpinned in limbo
 * (mm/mm.h), so the answer stays true until the one who asked is told of moves
 * himself.
 */
#include <errno.h>
#include "base/lock.h"
#include "base/mem.h"
#include "base/overflow.h"
#include "iommufd/area.h"
#include "iommufd/context.h"
#include "iommufd/pages.h"

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

/* The last byte that the area shows, as an offset in its memory. */
static __u64 area_last_offset(const struct area *area)
{
	return area->offset + (area_len(area) - 1);
}

/**
 * pin_address() - where memory that is covered lies now
 * @pin: covers @at
 * @last: the last byte of the piece that @at is in
 *
 * Return: the address of @at, or 0 when it was lost.
 */
static uintptr_t pin_address(const struct page_pin *pin, __u64 at, __u64 *last)
{
	struct area *area = pin->area;
	__u64 area_last = area_last_offset(area);
	__u64 shown = at;
	uintptr_t address;
	__u64 len;

	/* The rest of an outer page goes where the page goes. */
	if (shown < area->offset)
		shown = area->offset;
	if (shown > area_last)
		shown = area_last;
	address = iommu_map_piece_at(pin->space, &area->map,
				     area->map.start + (shown - area->offset),
				     &len);
	*last = shown + (len - 1);
	if (*last == area_last)
		*last = pin->range.last;
	return address ? address + (at - shown) : 0;
}

/**
 * struct pages_pin - an area on its way in
 * @ioas: its address space
 * @pages: what it shows
 * @start: the first byte that it is to hold
 * @last: the last one
 * @delta: address less offset, the same for all of it
 * @is_delta_known: @delta is set
 */
struct pages_pin {
	struct ioas *ioas;
	struct pages *pages;
	__u64 start;
	__u64 last;
	uintptr_t delta;
	bool is_delta_known;
};

/*
 * The memory of an area must lie in one piece: where its pages were moved
 * apart before (pages aside on one side, the program's own on the other) it
 * cannot be had any more.
 */
static bool pages_pin_fits(struct pages_pin *pin, uintptr_t delta)
{
	if (pin->is_delta_known)
		return delta == pin->delta;
	pin->delta = delta;
	pin->is_delta_known = true;
	return true;
}

/* Use what is covered at @at, up to @last, which is set. */
static int pages_pin_covered(struct pages_pin *pin,
			     const struct page_pin *cover, __u64 at,
			     __u64 *last)
{
	uintptr_t address = pin_address(cover, at, last);

	if (!address || !pages_pin_fits(pin, address - at))
		return -EFAULT;
	if (*last > pin->last)
		*last = pin->last;
	return 0;
}

/* Pin the hole [start, last]. */
static int pages_pin_hole(struct pages_pin *pin, __u64 start, __u64 last)
{
	struct pages *pages = pin->pages;
	enum mm_account account = pin->ioas->ctx->account;
	__u64 len = last - start + 1;
	uintptr_t address;
	int rc;

	rc = mm_pin(pages->memory, start, len, pages->is_writable, account,
		    &address);
	if (rc)
		return rc;
	if (!pages_pin_fits(pin, address - start)) {
		mm_unpin(pages->memory, address, len, account);
		return -EFAULT;
	}
	return 0;
}

/* Unpin the holes before @end, which were pinned by a failing call. */
static void pages_pin_undo(const struct pages_pin *pin, __u64 end)
{
	__u64 start = pin->start;
	__u64 last;

	while (start < end &&
	       interval_next_gap(&pin->pages->pins, &start, end - 1, &last)) {
		mm_unpin(pin->pages->memory, start + pin->delta,
			 last - start + 1, pin->ioas->ctx->account);
		start = last + 1;
	}
}

/* Piece by piece: find what another area covers, pin what none does. */
static int pages_pin_pieces(struct pages_pin *pin)
{
	struct interval_tree *pins = &pin->pages->pins;
	struct interval *cover;
	__u64 at = pin->start;
	__u64 last;
	int rc;

	for (;; at = last + 1) {
		cover = interval_first(pins, at, at);
		if (cover) {
			rc = pages_pin_covered(pin, to_pin(cover), at, &last);
		} else {
			interval_next_gap(&pin->pages->pins, &at, pin->last,
					  &last);
			rc = pages_pin_hole(pin, at, last);
		}
		if (rc) {
			pages_pin_undo(pin, at);
			return rc;
		}
		if (last == pin->last)
			return 0;
	}
}

/* The area holds its memory from now on. Context: share_lock. */
static void pages_hold(struct ioas *ioas, struct page_pin *pin,
		       struct area *area)
{
	struct pages *pages = area_pages(area);

	pages_range(pages, area, &pin->range.start, &pin->range.last);
	pin->pages = pages;
	pin->space = ioas->space;
	pin->area = area;
	interval_insert(&pages->pins, &pin->range);
	area_set_pin(area, pin);
}

int pages_pin(struct ioas *ioas, struct area *area)
{
	struct page_pin *hold = mem_alloc(sizeof(*hold));
	struct pages_pin pin = {
		.ioas = ioas,
		.pages = area_pages(area),
		.delta = area->map.address - area->offset,
		.is_delta_known = area->map.address,
	};
	int rc;

	if (!hold)
		return -ENOMEM;
	pages_range(pin.pages, area, &pin.start, &pin.last);
	lock_acquire(&ioas->ctx->share_lock);
	rc = pages_pin_pieces(&pin);
	if (!rc) {
		area->map.address = area->offset + pin.delta;
		pages_hold(ioas, hold, area);
	}
	lock_release(&ioas->ctx->share_lock);
	if (rc)
		mem_free(hold);
	return rc;
}

int pages_adopt(struct ioas *ioas, struct area *area)
{
	struct page_pin *hold = mem_alloc(sizeof(*hold));

	if (!hold)
		return -ENOMEM;
	lock_acquire(&ioas->ctx->share_lock);
	pages_hold(ioas, hold, area);
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
	while (interval_next_gap(&unpin->pages->pins, &start, piece_last,
				 &last)) {
		mm_unpin(unpin->pages->memory, start + delta, last - start + 1,
			 unpin->account);
		if (last == piece_last)
			break;
		start = last + 1;
	}
}

void pages_unpin(struct ioas *ioas, struct area *area)
{
	struct page_pin *pin = area_pin_of(area);
	struct pages_unpin unpin = {
		.pages = pin->pages,
		.account = ioas->ctx->account,
		.start = pin->range.start,
		.last = pin->range.last,
		.offset = area->offset,
		.area_last = area_last_offset(area),
	};

	lock_acquire(&ioas->ctx->share_lock);
	interval_remove(&pin->pages->pins, &pin->range);
	area_set_pages(area, pin->pages);
	iommu_map_for_each_piece(ioas->space, &area->map, pages_unpin_piece,
				 &unpin);
	lock_release(&ioas->ctx->share_lock);
	mem_free(pin);
}
