/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reserved and allowed ranges, and the search for a free place.
 *
 * There are few ranges of both kinds (a device reserves one or two), so the
 * search goes window by window: each stretch that is allowed and not reserved
 * is one query to the index of areas, whose cost does not depend on the
 * number of areas.
 */
#include <linux/iommufd.h>
#include <errno.h>
#include "base/mem.h"
#include "base/uaccess.h"
#include "iommufd/ioas.h"
#include "iommufd/reserved.h"
#include "mm/mm.h"

/* Automatic placement leaves the first and the last page alone. */
#define PLACE_FIRST ((__u64)MM_PAGE_LEN)
#define PLACE_LAST (~(__u64)0 - MM_PAGE_LEN)

/* More alignment than a middle-sized page brings nothing. */
#define PLACE_ALIGNMENT_MAX ((__u64)2 << 20)

/**
 * struct reserved - a range that cannot be used
 * @range: in the tree of its address space
 * @owner: the device or HWPT that cannot use it
 */
struct reserved {
	struct interval range;
	const void *owner;
};

/* A range that the program wants to be given; struct interval is all of it. */
struct allowed {
	struct interval range;
};

int reserved_add_locked(struct ioas *ioas, __u64 start, __u64 last,
			const void *owner)
{
	struct reserved *reserved;

	lock_assert_held(&ioas->lock);
	if (iommu_space_first(ioas->space, start, last))
		return -EADDRINUSE;
	if (interval_first(&ioas->allowed, start, last))
		return -EADDRINUSE;
	reserved = mem_alloc(sizeof(*reserved));
	if (!reserved)
		return -ENOMEM;
	reserved->range.start = start;
	reserved->range.last = last;
	reserved->owner = owner;
	interval_insert(&ioas->reserved, &reserved->range);
	return 0;
}

/* Remove the ranges of one owner, or all. */
static void reserved_remove_some(struct ioas *ioas, bool all, const void *owner)
{
	struct interval *range = NULL;
	struct reserved *reserved;
	struct interval *next;

	if (ioas->reserved.root)
		range = interval_first(&ioas->reserved, 0, ~(__u64)0);
	for (; range; range = next) {
		next = interval_next(range, 0, ~(__u64)0);
		reserved = container_of(range, struct reserved, range);
		if (all || reserved->owner == owner) {
			interval_remove(&ioas->reserved, range);
			mem_free(reserved);
		}
	}
}

void reserved_remove_locked(struct ioas *ioas, const void *owner)
{
	lock_assert_held(&ioas->lock);
	reserved_remove_some(ioas, false, owner);
}

void reserved_clear_locked(struct ioas *ioas)
{
	lock_assert_held(&ioas->lock);
	reserved_remove_some(ioas, true, NULL);
	allowed_free(&ioas->allowed);
}

bool reserved_meets_locked(const struct ioas *ioas, __u64 start, __u64 last)
{
	return ioas->reserved.root &&
	       interval_first(&ioas->reserved, start, last);
}

/* There is at most one gap more than there are reserved ranges. */
static __u32 reserved_count(const struct ioas *ioas)
{
	const struct interval *range;
	__u32 n = 0;

	for (range = interval_first(&ioas->reserved, 0, ~(__u64)0); range;
	     range = interval_next(range, 0, ~(__u64)0))
		n++;
	return n;
}

int reserved_get_gaps_locked(const struct ioas *ioas,
			     struct reserved_gaps *gaps)
{
	struct iommu_iova_range *range;
	__u64 start = 0;
	__u64 last;

	lock_assert_held(&ioas->lock);
	gaps->n = 0;
	gaps->ranges = mem_alloc(array_size(reserved_count(ioas) + (size_t)1,
					    sizeof(gaps->ranges[0])));
	if (!gaps->ranges)
		return -ENOMEM;
	while (interval_next_gap(&ioas->reserved, &start, ~(__u64)0, &last)) {
		range = &gaps->ranges[gaps->n++];
		range->start = start;
		range->last = last;
		if (last == ~(__u64)0)
			break;
		start = last + 1;
	}
	return 0;
}

int allowed_read(struct interval_tree *list, __u64 ranges, __u32 n)
{
	struct iommu_iova_range range;
	struct allowed *allowed;
	__u32 i;
	int rc;

	for (i = 0; i < n; i++, ranges += sizeof(range)) {
		rc = copy_from_user(&range, (void *)(uintptr_t)ranges,
				    sizeof(range));
		if (rc)
			return rc;
		if (range.start >= range.last)
			return -EINVAL;
		if (interval_first(list, range.start, range.last))
			return -EINVAL;
		allowed = mem_alloc(sizeof(*allowed));
		if (!allowed)
			return -ENOMEM;
		allowed->range.start = range.start;
		allowed->range.last = range.last;
		interval_insert(list, &allowed->range);
	}
	return 0;
}

int allowed_replace_locked(struct ioas *ioas, struct interval_tree *list)
{
	struct interval_tree old = ioas->allowed;
	const struct interval *range;

	lock_assert_held(&ioas->lock);
	for (range = interval_first(list, 0, ~(__u64)0); range;
	     range = interval_next(range, 0, ~(__u64)0))
		if (interval_first(&ioas->reserved, range->start, range->last))
			return -EADDRINUSE;
	ioas->allowed = *list;
	*list = old;
	return 0;
}

void allowed_free(struct interval_tree *list)
{
	struct interval *range;

	while ((range = list->root)) {
		interval_remove(list, range);
		mem_free(container_of(range, struct allowed, range));
	}
}

/* The lowest place in a window, reserved ranges left out. */
static int place_in_window(struct ioas *ioas, const struct iommu_gap *window,
			   __u64 *iova)
{
	struct iommu_gap gap = *window;

	if (!ioas->reserved.root)
		return iommu_space_find_gap(ioas->space, window, iova);
	while (interval_next_gap(&ioas->reserved, &gap.from, window->last,
				 &gap.last)) {
		if (!iommu_space_find_gap(ioas->space, &gap, iova))
			return 0;
		if (gap.last == window->last)
			break;
		gap.from = gap.last + 1;
	}
	return -ENOSPC;
}

/* The lowest place in what is allowed. */
static int place_in_allowed(struct ioas *ioas, struct iommu_gap *window,
			    __u64 *iova)
{
	const struct interval *range;

	for (range = interval_first(&ioas->allowed, PLACE_FIRST, PLACE_LAST);
	     range; range = interval_next(range, PLACE_FIRST, PLACE_LAST)) {
		window->from = range->start < PLACE_FIRST ? PLACE_FIRST
							  : range->start;
		window->last = range->last > PLACE_LAST ? PLACE_LAST
							: range->last;
		if (!place_in_window(ioas, window, iova))
			return 0;
	}
	return -ENOSPC;
}

/* @len is below 2^63. */
static __u64 round_up_power_of_two(__u64 len)
{
	return len < 2 ? 1 : (__u64)1 << (64 - __builtin_clzll(len - 1));
}

int reserved_find_place_locked(struct ioas *ioas, __u64 address, __u64 len,
			       __u64 *iova)
{
	struct iommu_gap window = { PLACE_FIRST, PLACE_LAST, len, 0, 0 };
	__u64 alignment;

	lock_assert_held(&ioas->lock);
	if (len >= ~(__u64)0 / 2)
		return -EOVERFLOW;
	alignment = round_up_power_of_two(len);
	if (address && (address & -address) < alignment)
		alignment = address & -address;
	if (alignment > PLACE_ALIGNMENT_MAX)
		alignment = PLACE_ALIGNMENT_MAX;
	if (alignment < ioas->alignment)
		return -EINVAL;

	/* To keep the offset in a page is to be aligned to a page plus it. */
	window.alignment = alignment > MM_PAGE_LEN ? alignment : MM_PAGE_LEN;
	window.phase = address % MM_PAGE_LEN;
	if (ioas->allowed.root)
		return place_in_allowed(ioas, &window, iova);
	return place_in_window(ioas, &window, iova);
}
