/* SPDX-License-Identifier: BSD-3-Clause */
/* Which bytes of this process are pinned, and how often. */
#ifndef MM_REGISTRY_H
#define MM_REGISTRY_H

#include "base/interval.h"

/**
 * struct extent - a range whose bytes are alike
 * @range: place in the registry; extents never overlap
 * @n_pins: how often each byte is pinned, at least 1
 * @is_aside: the memory is ours: pages that the program let go of. Unmapped
 *	with the last pin
 */
struct extent {
	struct interval range;
	__u32 n_pins;
	bool is_aside;
};

/**
 * struct registry - all extents
 * @tree: by address
 * @slab: of extents
 * @reserve: extents kept so that unpinning never has to allocate
 * @n_reserve: their number
 * @n_extents: alive in the tree
 */
struct registry {
	struct interval_tree tree;
	struct slab *slab;
	struct extent *reserve[8];
	unsigned int n_reserve;
	__u64 n_extents;
};

/* Return: 0 or -ENOMEM; nothing changed then. */
int registry_pin(struct registry *registry, __u64 start, __u64 last);

/**
 * registry_unpin() - count one pin less
 * @gone: called with each range of memory of ours that nobody pins any more
 */
void registry_unpin(struct registry *registry, __u64 start, __u64 last,
		    void (*gone)(__u64 start, __u64 last));

/* Return: the first extent that meets the range, or NULL. */
struct extent *registry_first(struct registry *registry, __u64 start,
			      __u64 last);

/**
 * registry_prepare() - make sure registry_relocate() has what it needs
 * Return: 0 or -ENOMEM.
 */
int registry_prepare(struct registry *registry);

/**
 * registry_relocate() - memory of [start, last] is now at @now
 * @is_aside: it is ours there
 *
 * The bytes of the range that are pinned keep their counts. Never fails after
 * registry_prepare(), for a range that meets one extent.
 */
void registry_relocate(struct registry *registry, __u64 start, __u64 last,
		       __u64 now, bool is_aside);

/* Forget everything; frees no memory of the program. */
void registry_clear(struct registry *registry);

#endif /* MM_REGISTRY_H */
