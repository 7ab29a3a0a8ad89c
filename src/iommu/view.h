/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A view: what DMA needs to know of an address space that has domains.
 *
 * Its stamps make cached translations invalid. A stamp is a number for each
 * part of the address space, never used before by any part of any space: the
 * sum of a number of the whole view and one of the part. An entry of an IOTLB
 * carries the stamp that its part had before it was looked up, and is good as
 * long as the part has the same. Taking a range out changes the stamps of its
 * parts, which costs the same for 1 and for 10,000 devices.
 */
#ifndef IOMMU_VIEW_H
#define IOMMU_VIEW_H

#include <stdatomic.h>
#include "base/compiler.h"

struct iommu_space;

#define VIEW_N_PARTS 1024u
/* Addresses that share a part are this many bytes apart, or neighbours. */
#define VIEW_PART_LG2 21u
#define VIEW_N_REMOVED 64u

/**
 * struct view_range - a range that was mapped once
 */
struct view_range {
	__u64 start;
	__u64 last;
};

/**
 * struct space_view - of one space
 * @stamp: of the whole view
 * @space: whose
 * @stamp_limit: @stamp stays below
 * @parts: what to add for each part, at most half the numbers of a block
 * @removed: ranges taken out last, a ring; under index_lock()
 * @n_removed: all ever taken out
 *
 * Written under the lock of the space's owner, or index_lock().
 */
struct space_view {
	_Atomic __u64 stamp;
	struct iommu_space *space;
	__u64 stamp_limit;
	_Atomic __u32 parts[VIEW_N_PARTS];
	struct view_range removed[VIEW_N_REMOVED];
	__u64 n_removed;
};

/* Return: a view with stamps of its own, or NULL. */
struct space_view *view_create(struct iommu_space *space);
void view_destroy(struct space_view *view);

/* Cached translations of the range are not used by new DMA any more. */
void view_invalidate(struct space_view *view, __u64 start, __u64 last);
void view_invalidate_all(struct space_view *view);

/* Remember a removed range, for the reports. */
void view_note_removed(struct space_view *view, __u64 start, __u64 last);

/* Return: true when @iova was in a range of those remembered. */
bool view_find_removed(const struct space_view *view, __u64 iova,
		       struct view_range *range);

static always_inline __u64 view_stamp(struct space_view *view, __u64 iova)
{
	_Atomic __u32 *part =
		&view->parts[(iova >> VIEW_PART_LG2) % VIEW_N_PARTS];

	return atomic_load_explicit(part, memory_order_acquire) +
	       atomic_load_explicit(&view->stamp, memory_order_acquire);
}

#endif /* IOMMU_VIEW_H */
