/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counted extents.
 *
 * The registry is a set of disjoint extents with a count each. Pinning raises
 * the counts in a range: extents are cut at its ends, gaps become extents
 * with count one. Neighbours that are alike are joined again at once, so a
 * buffer pinned page by page is one extent.
 *
 * Joining means that unpinning may have to cut. It must not fail, so a few
 * extents are held in reserve; every pin fills the reserve up, or fails.
 */
#include <string.h>
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "mm/registry.h"

#define RESERVE_MAX 8u

static struct extent *to_extent(struct interval *range)
{
	return range ? container_of(range, struct extent, range) : NULL;
}

struct extent *registry_first(struct registry *registry, __u64 start,
			      __u64 last)
{
	return to_extent(interval_first(&registry->tree, start, last));
}

int registry_prepare(struct registry *registry)
{
	if (!registry->slab)
		registry->slab = slab_create(sizeof(struct extent),
					     _Alignof(struct extent));
	if (!registry->slab)
		return -ENOMEM;
	while (registry->n_reserve < RESERVE_MAX) {
		struct extent *extent = slab_alloc(registry->slab);

		if (!extent)
			return -ENOMEM;
		registry->reserve[registry->n_reserve++] = extent;
	}
	return 0;
}

/* Never fails after registry_prepare(), up to RESERVE_MAX times in a row. */
static struct extent *extent_take(struct registry *registry)
{
	struct extent *extent = slab_alloc(registry->slab);

	if (!extent && registry->n_reserve)
		extent = registry->reserve[--registry->n_reserve];
	return extent;
}

static void extent_give(struct registry *registry, struct extent *extent)
{
	if (registry->n_reserve < RESERVE_MAX) {
		memset(extent, 0, sizeof(*extent));
		registry->reserve[registry->n_reserve++] = extent;
	} else {
		slab_free(registry->slab, extent);
	}
}

static void extent_remove(struct registry *registry, struct extent *extent)
{
	interval_remove(&registry->tree, &extent->range);
	registry->n_extents--;
	extent_give(registry, extent);
}

static void extent_resize(struct registry *registry, struct extent *extent,
			  __u64 start, __u64 last)
{
	interval_remove(&registry->tree, &extent->range);
	extent->range.start = start;
	extent->range.last = last;
	interval_insert(&registry->tree, &extent->range);
}

static struct extent *extent_add(struct registry *registry, __u64 start,
				 __u64 last, __u32 n_pins)
{
	struct extent *extent = extent_take(registry);

	if (!extent)
		return NULL;
	extent->range.start = start;
	extent->range.last = last;
	extent->n_pins = n_pins;
	interval_insert(&registry->tree, &extent->range);
	registry->n_extents++;
	return extent;
}

/* Join @extent with the one before it, when they are alike. */
static struct extent *extent_join(struct registry *registry,
				  struct extent *extent)
{
	struct extent *before;
	__u64 start = extent->range.start;

	if (!start)
		return extent;
	before = registry_first(registry, start - 1, start - 1);
	if (!before || before->n_pins != extent->n_pins ||
	    before->is_aside != extent->is_aside)
		return extent;
	start = extent->range.last;
	extent_remove(registry, extent);
	extent_resize(registry, before, before->range.start, start);
	return before;
}

/* Join at both ends of [start, last] and everywhere between. */
static void registry_join(struct registry *registry, __u64 start, __u64 last)
{
	struct extent *extent = registry_first(registry, start, last);
	__u64 until = last == UINT64_MAX ? last : last + 1;

	while (extent) {
		struct interval *next;

		extent = extent_join(registry, extent);
		next = interval_next(&extent->range, extent->range.start,
				     until);
		extent = to_extent(next);
	}
}

/*
 * Cut the extent that holds both @at - 1 and @at. Return: false when there is
 * no memory; an extent that could not be cut stays pinned as a whole.
 */
static bool registry_cut(struct registry *registry, __u64 at)
{
	struct extent *extent = registry_first(registry, at, at);
	struct extent *tail;

	if (!extent || extent->range.start == at)
		return true;
	tail = extent_add(registry, at, extent->range.last, extent->n_pins);
	if (!tail)
		return false;
	tail->is_aside = extent->is_aside;
	extent_resize(registry, extent, extent->range.start, at - 1);
	return true;
}

static bool registry_cut_ends(struct registry *registry, __u64 start,
			      __u64 last)
{
	return registry_cut(registry, start) &&
	       (last == UINT64_MAX || registry_cut(registry, last + 1));
}

/* Take back the counts of [start, last]; every byte of it has one to give. */
static void registry_lower(struct registry *registry, __u64 start, __u64 last,
			   void (*gone)(__u64 start, __u64 last))
{
	struct extent *extent = registry_first(registry, start, last);

	while (extent) {
		struct interval *next =
			interval_next(&extent->range, start, last);

		if (--extent->n_pins == 0) {
			if (extent->is_aside && gone)
				gone(extent->range.start, extent->range.last);
			extent_remove(registry, extent);
		}
		extent = to_extent(next);
	}
}

int registry_pin(struct registry *registry, __u64 start, __u64 last)
{
	struct extent *extent;
	__u64 at = start;

	if (registry_prepare(registry))
		return -ENOMEM;
	if (!registry_cut_ends(registry, start, last))
		return -ENOMEM;
	for (;;) {
		__u64 gap_last;

		extent = registry_first(registry, at, last);
		gap_last = extent ? extent->range.start - 1 : last;
		if (!extent || extent->range.start > at) {
			if (!extent_add(registry, at, gap_last, 1))
				goto err_lower;
		}
		if (!extent)
			break;
		extent->n_pins++;
		if (extent->range.last == last)
			break;
		at = extent->range.last + 1;
	}
	registry_join(registry, start, last);
	return 0;

err_lower:
	if (at > start)
		registry_lower(registry, start, at - 1, NULL);
	registry_join(registry, start, last);
	return -ENOMEM;
}

void registry_unpin(struct registry *registry, __u64 start, __u64 last,
		    void (*gone)(__u64 start, __u64 last))
{
	if (!registry_cut_ends(registry, start, last)) {
		/* No memory at all: what cannot be told apart stays kept. */
		registry_join(registry, start, last);
		return;
	}
	registry_lower(registry, start, last, gone);
	registry_join(registry, start, last);
}

void registry_relocate(struct registry *registry, __u64 start, __u64 last,
		       __u64 now, bool is_aside)
{
	struct extent *extent;
	__u64 offset;

	if (warn_on(!registry_cut_ends(registry, start, last)))
		return;
	while ((extent = registry_first(registry, start, last))) {
		offset = extent->range.start - start;
		extent->is_aside = is_aside;
		extent_resize(registry, extent, now + offset,
			      now + (extent->range.last - start));
	}
	registry_join(registry, now, now + (last - start));
}

void registry_clear(struct registry *registry)
{
	slab_destroy(registry->slab);
	memset(registry, 0, sizeof(*registry));
}
