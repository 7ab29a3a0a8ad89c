/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set of ranges of 64-bit numbers that may overlap and repeat: an augmented
 * balanced tree. For what is not on a fast path: reserved ranges, allowed
 * ranges, the program's memory that is mapped for DMA.
 *
 * Context: the caller serialises all calls.
 */
#ifndef BASE_INTERVAL_H
#define BASE_INTERVAL_H

#include "base/compiler.h"

/**
 * struct interval - one range, embedded in what it describes
 * @start: first number
 * @last: last number, inclusive
 * The rest belongs to the tree.
 */
struct interval {
	__u64 start;
	__u64 last;
	__u64 subtree_last;
	struct interval *parent;
	struct interval *left;
	struct interval *right;
	unsigned int height;
};

struct interval_tree {
	struct interval *root;
};

void interval_insert(struct interval_tree *tree, struct interval *entry);
void interval_remove(struct interval_tree *tree, struct interval *entry);

/* Return: the entry with the lowest start that meets [start, last], or NULL. */
struct interval *interval_first(const struct interval_tree *tree, __u64 start,
				__u64 last);

/* Return: the entry after @entry that meets [start, last], or NULL. */
struct interval *interval_next(const struct interval *entry, __u64 start,
			       __u64 last);

/**
 * interval_next_gap() - the first stretch of a range that no entry covers
 * @start: of the range; becomes the start of the gap
 * @last: of the range
 * @gap_last: the last number of the gap
 *
 * Return: false when all of the range is covered.
 */
bool interval_next_gap(const struct interval_tree *tree, __u64 *start,
		       __u64 last, __u64 *gap_last);

#endif /* BASE_INTERVAL_H */
