/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Views and their stamps.
 *
 * Stamps are 64-bit numbers handed out in blocks of 2^32. A view's own number
 * walks through the lower half of a block, a part's number adds at most the
 * other half, so sums of different views never meet. When a half is used up
 * the view takes another block.
 */
#include "base/mem.h"
#include "iommu/view.h"

#define STAMP_BLOCK_LEN (1ull << 32)
#define STAMP_HALF (STAMP_BLOCK_LEN / 2)
/* A longer range invalidates the whole view. */
#define VIEW_N_PARTS_MAX 16u

static _Atomic __u64 stamp_next_block = STAMP_BLOCK_LEN;

/* Every stamp of the view is a new one. */
static void view_take_block(struct space_view *view)
{
	__u64 block = atomic_fetch_add(&stamp_next_block, STAMP_BLOCK_LEN);

	view->stamp_limit = block + STAMP_HALF - 1;
	atomic_store_explicit(&view->stamp, block, memory_order_release);
}

struct space_view *view_create(struct iommu_space *space)
{
	struct space_view *view = mem_alloc_aligned(sizeof(*view), CACHE_LINE);

	if (!view)
		return NULL;
	view->space = space;
	view_take_block(view);
	return view;
}

void view_destroy(struct space_view *view)
{
	mem_free(view);
}

void view_invalidate_all(struct space_view *view)
{
	__u64 stamp = atomic_load_explicit(&view->stamp, memory_order_relaxed);

	if (stamp == view->stamp_limit)
		view_take_block(view);
	else
		atomic_store_explicit(&view->stamp, stamp + 1,
				      memory_order_release);
}

static void view_invalidate_part(struct space_view *view, __u64 start)
{
	unsigned int number = view_part(start);
	_Atomic __u32 *part = &view->parts[number];
	__u32 value = atomic_load_explicit(part, memory_order_relaxed);

	/*
	 * The exchange is the fence between the change of the index and the
	 * look at the mark. The mark goes before the stamp does: who sees the
	 * new stamp marks the part anew.
	 */
	if (!atomic_exchange(&view->in_use[number], 0))
		return;
	view->has_readers = true;
	if (value + 1 < STAMP_HALF) {
		atomic_store_explicit(part, value + 1, memory_order_release);
		return;
	}
	/* The new block first: no sum of the old one is repeated. */
	view_take_block(view);
	atomic_store_explicit(part, 0, memory_order_release);
}

void view_invalidate(struct space_view *view, __u64 start, __u64 last)
{
	__u64 first_part = start >> VIEW_PART_LG2;
	__u64 last_part = last >> VIEW_PART_LG2;

	if (last_part - first_part >= VIEW_N_PARTS_MAX) {
		view->has_readers = true;
		view_invalidate_all(view);
		return;
	}
	for (; first_part <= last_part; first_part++)
		view_invalidate_part(view, first_part << VIEW_PART_LG2);
}

void view_note_removed(struct space_view *view, __u64 start, __u64 last)
{
	struct view_range *range =
		&view->removed[view->n_removed++ % VIEW_N_REMOVED];

	range->start = start;
	range->last = last;
}

bool view_find_removed(const struct space_view *view, __u64 iova,
		       struct view_range *range)
{
	__u64 n = view->n_removed;
	unsigned int i;

	/* The one removed last first. */
	for (i = 0; i < VIEW_N_REMOVED && i < n; i++) {
		*range = view->removed[(n - 1 - i) % VIEW_N_REMOVED];
		if (iova >= range->start && iova <= range->last)
			return true;
	}
	return false;
}
