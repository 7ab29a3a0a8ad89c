/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Yardsticks for an index of mappings: a radix tree of four levels as an IOMMU
 * has it, glibc's binary tree, and Judy arrays where they are installed.
 */
#ifndef BENCH_YARD_H
#define BENCH_YARD_H

#include <search.h>
#include <stdlib.h>
#include "bench.h"

/* ---- radix ------------------------------------------------------------- */

#define RADIX_BITS 9u
#define RADIX_FANOUT (1u << RADIX_BITS)
#define RADIX_LEVELS 4u

/* 48 bits of IOVA in four steps; a leaf is a word. */
struct radix {
	uint64_t *root;
};

/* Return: a table of zeroes. */
uint64_t *radix_table(void);

static inline uint64_t *radix_slot(uint64_t *table, uint64_t iova,
				   unsigned int level)
{
	return &table[iova >> (12 + RADIX_BITS * level) & (RADIX_FANOUT - 1)];
}

/* Return: the leaf's place. Tables in between are made. */
static inline uint64_t *radix_leaf_make(struct radix *radix, uint64_t iova)
{
	uint64_t *table = radix->root;
	unsigned int level;

	for (level = RADIX_LEVELS - 1; level; level--) {
		uint64_t *slot = radix_slot(table, iova, level);

		if (__builtin_expect(!*slot, 0))
			*slot = (uintptr_t)radix_table();
		table = (uint64_t *)*slot;
	}
	return radix_slot(table, iova, 0);
}

/* Return: what was stored for the page, or 0. */
static inline uint64_t radix_find(const struct radix *radix, uint64_t iova)
{
	uint64_t *table = radix->root;
	unsigned int level;

	for (level = RADIX_LEVELS - 1; level; level--) {
		table = (uint64_t *)*radix_slot(table, iova, level);
		if (__builtin_expect(!table, 0))
			return 0;
	}
	return *radix_slot(table, iova, 0);
}

/* ---- records in a tree ------------------------------------------------- */

/**
 * struct record - a mapping, as a program would keep it
 * @iova: the key
 * @last: its last address
 * @va: where it leads
 * @prot: what is allowed
 */
struct record {
	uint64_t iova;
	uint64_t last;
	uint64_t va;
	uint64_t prot;
};

static inline int record_compare(const void *a, const void *b)
{
	const struct record *x = a;
	const struct record *y = b;

	return (x->iova > y->iova) - (x->iova < y->iova);
}

/* Return: the address for @iova, or 0. */
static inline uint64_t tree_find(void *const *tree, uint64_t iova)
{
	struct record key = { .iova = iova & ~(uint64_t)4095 };
	struct record **found = tfind(&key, tree, record_compare);

	return found ? (*found)->va + (iova & 4095) : 0;
}

/* ---- Judy -------------------------------------------------------------- */

#if defined(HAVE_JUDY) && HAVE_JUDY
#include <Judy.h>

static inline uint64_t judy_find(void *judy, uint64_t iova)
{
	void **slot = JudyLGet(judy, iova & ~(uint64_t)4095, PJE0);

	return slot ? ((struct record *)*slot)->va + (iova & 4095) : 0;
}
#endif

#endif /* BENCH_YARD_H */
