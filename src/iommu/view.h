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
 *
 * A part is in use since a reader looked something up in it. Taking out a range
 * whose parts are not in use leaves their stamps alone, and has to wait for no
 * reader that lives on cached translations: there are none. So maps that come
 * and go where no device looks disturb no device.
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
 * @in_use: parts that readers looked something up in since their stamps
 *	changed. Set by readers
 * @has_readers: a range was taken out of a part in use; whoever took it out
 *	has to wait for all sections. Under the lock of the space's owner
 * @removed: ranges taken out last, a ring; under index_lock()
 * @n_removed: all ever taken out
 *
 * Written under the lock of the space's owner, or index_lock().
 */
struct space_view {
	_Atomic __u64 stamp;
	struct iommu_space *space;
	__u64 stamp_limit;
	_Atomic __u32 parts[VIEW_N_PARTS] cacheline_aligned;
	_Atomic __u8 in_use[VIEW_N_PARTS] cacheline_aligned;
	bool has_readers cacheline_aligned;
	struct view_range removed[VIEW_N_REMOVED];
	__u64 n_removed;
};

/* Return: a view with stamps of its own, or NULL. */
struct space_view *view_create(struct iommu_space *space);
void view_destroy(struct space_view *view);

/*
 * Cached translations of the range are not used by new DMA any more. The range
 * is out of the index.
 */
void view_invalidate(struct space_view *view, __u64 start, __u64 last);
void view_invalidate_all(struct space_view *view);

/* Remember a removed range, for the reports. */
void view_note_removed(struct space_view *view, __u64 start, __u64 last);

/* Return: true when @iova was in a range of those remembered. */
bool view_find_removed(const struct space_view *view, __u64 iova,
		       struct view_range *range);

/* Neighbours are not in the same cache line: one that changes is alone. */
static always_inline unsigned int view_part(__u64 iova)
{
	return (iova >> (VIEW_PART_LG2 - 4) & (VIEW_N_PARTS - 16)) |
	       (iova >> (VIEW_PART_LG2 + 6) & 15);
}

static always_inline __u64 view_stamp(struct space_view *view, __u64 iova)
{
	_Atomic __u32 *part = &view->parts[view_part(iova)];

	return atomic_load_explicit(part, memory_order_acquire) +
	       atomic_load_explicit(&view->stamp, memory_order_acquire);
}

/*
 * Before @iova is looked up in the index, and after its stamp was read: who
 * took something out of the part either sees the mark, or is seen to have taken
 * it out; and who finds the mark of old has the stamp of old.
 */
static always_inline void view_use(struct space_view *view, __u64 iova)
{
	_Atomic __u8 *in_use = &view->in_use[view_part(iova)];

	if (unlikely(!atomic_load_explicit(in_use, memory_order_acquire)))
		atomic_exchange(in_use, 1);
}

#endif /* IOMMU_VIEW_H */
