/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A1, A2, A5, B2: map, unmap and look up in an address space of n mappings.
 *
 * n mappings of 4 KiB, 64 KiB apart, are made in random order in all indexes.
 * Each round maps and unmaps a batch more, and looks up random ones of the n.
 * A look-up is a DMA of 64 bytes in a burst, on our side, and a search of the
 * index with a copy of as many bytes from the same place, on the other's. All
 * pages lead to a few that the cache holds: the index is what is measured.
 *
 * usage: bench/maps N
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "bench/inside/inside.h"
#include "client.h"
#include "yard.h"

enum {
	N_ARENA_PAGES = 64,
	DMA_LEN = 64,
	BURST = 32,
};

/* 64 TiB from here on meet no other mapping. */
#define LENGTH_IOVA (1ull << 47)

enum index_kind {
	INDEX_RADIX,
	INDEX_TREE,
	INDEX_JUDY,
	INDEX_OURS,
	N_INDEXES,
};

static const char *const index_names[N_INDEXES] = { "radix", "tsearch", "JudyL",
						    "ours" };

/**
 * struct maps - all indexes, with the same mappings
 * @n: mappings that stay
 * @n_batch: mappings that a round makes and takes away
 * @n_repeats: batches in a round
 * @records: of all @n + @n_batch, in order of their making
 * @unmap_order: numbers of the batch's records
 * @lookups: random IOVAs of the first @n
 * @n_lookups: their number
 * @is_dependent: the next look-up waits for the last
 * @unmap_ns: what the last batches of each index cost to unmap
 */
static struct maps {
	struct client client;
	struct inside_device *device;
	struct radix radix;
	void *tree;
	void *judy;
	uint32_t n;
	uint32_t n_batch;
	uint32_t n_repeats;
	struct record *records;
	uint32_t *unmap_order;
	uint64_t *lookups;
	uint32_t n_lookups;
	bool is_dependent;
	double unmap_ns[N_INDEXES];
} maps;

/* ---- one mapping ------------------------------------------------------- */

static void map_one(enum index_kind kind, struct record *record)
{
	switch (kind) {
	case INDEX_RADIX:
		*radix_leaf_make(&maps.radix, record->iova) = record->va;
		break;
	case INDEX_TREE:
		bench_consume(
			(uintptr_t)tsearch(record, &maps.tree, record_compare));
		break;
	case INDEX_JUDY:
#if HAVE_JUDY
		*(void **)JudyLIns(&maps.judy, record->iova, PJE0) = record;
#endif
		break;
	default:
		bench_check(!client_map(&maps.client, record->iova,
					(void *)record->va, BENCH_PAGE_LEN),
			    "a mapping failed");
	}
}

static void unmap_one(enum index_kind kind, struct record *record)
{
	switch (kind) {
	case INDEX_RADIX:
		*radix_leaf_make(&maps.radix, record->iova) = 0;
		break;
	case INDEX_TREE:
		bench_consume(
			(uintptr_t)tdelete(record, &maps.tree, record_compare));
		break;
	case INDEX_JUDY:
#if HAVE_JUDY
		JudyLDel(&maps.judy, record->iova, PJE0);
#endif
		break;
	default:
		bench_check(!client_unmap(&maps.client, record->iova,
					  BENCH_PAGE_LEN),
			    "an unmap failed");
	}
}

/* Inlined with a constant kind: each yardstick has a loop of its own. */
static inline __attribute__((always_inline)) void
batches_run(enum index_kind kind, double *map_ns, double *unmap_ns)
{
	struct record *batch = maps.records + maps.n;
	uint64_t map_time = 0, unmap_time = 0;
	double n_all = (double)maps.n_batch * maps.n_repeats;

	for (uint32_t repeat = 0; repeat < maps.n_repeats; repeat++) {
		uint64_t start = bench_thread_time(), middle;

		for (uint32_t i = 0; i < maps.n_batch; i++)
			map_one(kind, &batch[i]);
		middle = bench_thread_time();
		for (uint32_t i = 0; i < maps.n_batch; i++)
			unmap_one(kind, &batch[maps.unmap_order[i]]);
		map_time += middle - start;
		unmap_time += bench_thread_time() - middle;
	}
	*map_ns = (double)map_time / n_all;
	*unmap_ns = (double)unmap_time / n_all;
}

static double map_side(void *arg)
{
	enum index_kind kind = *(const enum index_kind *)arg;
	double map_ns = 0;

	if (kind == INDEX_RADIX)
		batches_run(INDEX_RADIX, &map_ns, &maps.unmap_ns[kind]);
	else if (kind == INDEX_TREE)
		batches_run(INDEX_TREE, &map_ns, &maps.unmap_ns[kind]);
	else if (kind == INDEX_JUDY)
		batches_run(INDEX_JUDY, &map_ns, &maps.unmap_ns[kind]);
	else
		batches_run(INDEX_OURS, &map_ns, &maps.unmap_ns[kind]);
	if (kind == INDEX_OURS)
		/* What was unmapped is gone. */
		bench_check(client_unmap(&maps.client,
					 maps.records[maps.n].iova,
					 BENCH_PAGE_LEN) == -ENOENT,
			    "an unmapped range is still there");
	return map_ns;
}

/* Stands behind map_side() of the same index. */
static double unmap_side(void *arg)
{
	return maps.unmap_ns[*(const enum index_kind *)arg];
}

/* ---- look-ups ---------------------------------------------------------- */

static inline uint64_t find_one(enum index_kind kind, uint64_t iova)
{
	switch (kind) {
	case INDEX_RADIX:
		return radix_find(&maps.radix, iova);
	case INDEX_TREE:
		return tree_find(&maps.tree, iova);
	default:
#if HAVE_JUDY
		return judy_find(maps.judy, iova);
#else
		/* Nobody asks; the compiler sees an address all the same. */
		return (uintptr_t)maps.records;
#endif
	}
}

static inline __attribute__((always_inline)) double
lookups_run(enum index_kind kind)
{
	bool is_dependent = maps.is_dependent;
	uint64_t start = bench_thread_time();
	uint64_t sum = 0;
	uint64_t buf[DMA_LEN / 8] = { 0 };

	for (uint32_t i = 0; i < maps.n_lookups; i++) {
		uint64_t iova = maps.lookups[i];

		/* It is 0, but the CPU knows only when it was read. */
		if (is_dependent)
			iova += buf[0];
		memcpy(buf, (void *)find_one(kind, iova), DMA_LEN);
		bench_consume((uintptr_t)buf);
		sum += buf[0];
	}
	bench_check(sum == 0, "a yardstick read the wrong place");
	return (double)(bench_thread_time() - start) / maps.n_lookups;
}

static double lookups_run_ours(void)
{
	uint64_t buf[DMA_LEN / 8] = { 0 };
	struct inside_work work = {
		.iovas = maps.lookups,
		.n = maps.n_lookups,
		.buf = buf,
		.len = DMA_LEN,
		.n_burst = BURST,
		.is_dependent = maps.is_dependent,
	};
	uint64_t start = bench_thread_time();
	uint64_t sum = inside_run(maps.device, &work);

	bench_check(sum == 0, "DMA failed, or read the wrong place");
	return (double)(bench_thread_time() - start) / maps.n_lookups;
}

static double lookup_side(void *arg)
{
	switch (*(const enum index_kind *)arg) {
	case INDEX_RADIX:
		return lookups_run(INDEX_RADIX);
	case INDEX_TREE:
		return lookups_run(INDEX_TREE);
	case INDEX_JUDY:
		return lookups_run(INDEX_JUDY);
	default:
		return lookups_run_ours();
	}
}

/* ---- the report -------------------------------------------------------- */

/**
 * struct goal - how much faster than each yardstick at 1e7; 0: no target
 * @what: of the row
 * @faster: times faster than it, at least; than the radix tree: times its
 *	time, at most
 */
struct goal {
	const char *what;
	double faster[INDEX_OURS];
};

static void report_against(const struct goal *goal, enum index_kind kind,
			   struct bench_row row)
{
	double target = maps.n == 10000000 ? goal->faster[kind] : 0;
	const char *relation = kind == INDEX_RADIX ? "time over"
						   : "faster than";

	if (kind == INDEX_JUDY && !HAVE_JUDY)
		row.absent = "libjudy-dev is not installed";
	if (target <= 0)
		bench_info(row, "%s, n=%.0e: %s %s", goal->what, (double)maps.n,
			   relation, index_names[kind]);
	else if (kind == INDEX_RADIX)
		bench_at_most(row, target, "%s, n=%.0e: %s %s (aim)",
			      goal->what, (double)maps.n, relation,
			      index_names[kind]);
	else
		bench_at_least(row, target, "%s, n=%.0e: %s %s (aim)",
			       goal->what, (double)maps.n, relation,
			       index_names[kind]);
}

/* @sides: of each index, @stride apart. */
static void report(const struct goal *goal, const struct bench_side *sides,
		   unsigned int stride, bool is_noisy)
{
	const struct bench_side *ours = &sides[stride * INDEX_OURS];

	for (unsigned int i = 0; i < N_INDEXES; i++)
		if (i != INDEX_JUDY || HAVE_JUDY)
			bench_info(bench_row("ns",
					     bench_figure(&sides[stride * i]),
					     is_noisy),
				   "%s, n=%.0e: %s", goal->what, (double)maps.n,
				   index_names[i]);
	for (unsigned int i = 0; i < INDEX_OURS; i++) {
		const struct bench_side *peer = &sides[stride * i];
		struct bench_figure ratio = i == INDEX_RADIX
						    ? bench_ratio(ours, peer)
						    : bench_ratio(peer, ours);

		report_against(goal, (enum index_kind)i,
			       bench_row("x", ratio, is_noisy));
	}
}

static void measure_maps(void)
{
	static const struct goal map_goal = { "A1 map", { 4.5, 10, 3 } };
	static const struct goal unmap_goal = { "A2 unmap", { 0, 15, 3 } };
	static enum index_kind kinds[N_INDEXES];
	struct bench_side sides[2 * N_INDEXES];
	bool is_noisy;

	for (unsigned int i = 0; i < N_INDEXES; i++) {
		kinds[i] = (enum index_kind)i;
		sides[2 * i] = (struct bench_side){ .run = map_side,
						    .arg = &kinds[i] };
		sides[2 * i].is_yardstick = i == INDEX_RADIX;
		sides[2 * i + 1] = (struct bench_side){ .run = unmap_side,
							.arg = &kinds[i] };
	}
	is_noisy = bench_rounds(sides, 2 * N_INDEXES);
	report(&map_goal, sides, 2, is_noisy);
	report(&unmap_goal, sides + 1, 2, is_noisy);
}

static void measure_lookups(bool is_dependent)
{
	static const struct goal goal = { "B2 DMA 64 B at random",
					  { 2.2, 60, 6 } };
	static const struct goal dependent_goal = {
		"B2 DMA 64 B at random, dependent", { 1.5, 0, 0 }
	};
	static enum index_kind kinds[N_INDEXES];
	struct bench_side sides[N_INDEXES];
	bool is_noisy;

	maps.is_dependent = is_dependent;
	for (unsigned int i = 0; i < N_INDEXES; i++) {
		kinds[i] = (enum index_kind)i;
		sides[i] = (struct bench_side){ .run = lookup_side,
						.arg = &kinds[i] };
		sides[i].is_yardstick = i == INDEX_RADIX;
		if (i == INDEX_JUDY && !HAVE_JUDY)
			kinds[i] = INDEX_RADIX;
	}
	is_noisy = bench_rounds(sides, N_INDEXES);
	report(is_dependent ? &dependent_goal : &goal, sides, 1, is_noisy);
}

/* A5: the length of a mapping does not matter. Nothing is pinned yet. */
static double length_side(void *arg)
{
	uint64_t len = *(const uint64_t *)arg;
	uint64_t n = bench_pick(20000, 5000, 10);
	void *va = maps.records;
	uint64_t start;

	if (len > BENCH_PAGE_LEN)
		/* Only a name: where it would be is never looked at. */
		va = (void *)(1ull << 45);
	start = bench_thread_time();
	for (uint64_t i = 0; i < n; i++) {
		bench_check(!client_map(&maps.client, LENGTH_IOVA, va, len),
			    "a big mapping failed");
		bench_check(!client_unmap(&maps.client, LENGTH_IOVA, len),
			    "a big unmap failed");
	}
	return (double)(bench_thread_time() - start) / (double)n;
}

static void measure_lengths(void)
{
	static uint64_t page = BENCH_PAGE_LEN;
	static uint64_t most = 64ull << 40;
	struct bench_side sides[] = {
		{ .run = length_side, .arg = &page, .is_yardstick = true },
		{ .run = length_side, .arg = &most },
	};
	bool is_noisy = bench_rounds(sides, 2);

	bench_info(bench_row("ns", bench_figure(&sides[0]), is_noisy),
		   "A5 map and unmap 4 KiB, n=%.0e", (double)maps.n);
	bench_at_most(bench_row("x", bench_ratio(&sides[1], &sides[0]),
				is_noisy),
		      2, "A5 map and unmap: time of 64 TiB over 4 KiB, n=%.0e",
		      (double)maps.n);
}

/* ---- set-up ------------------------------------------------------------ */

static void maps_fill_records(uint32_t n_all)
{
	char *arena = bench_alloc(N_ARENA_PAGES * BENCH_PAGE_LEN);
	uint32_t *order = bench_alloc(n_all * sizeof(*order));

	for (uint32_t i = 0; i < n_all; i++)
		order[i] = i;
	bench_shuffle(order, n_all, 1);
	maps.records = bench_alloc(n_all * sizeof(*maps.records));
	for (uint32_t i = 0; i < n_all; i++) {
		uint64_t iova = layout_iova(LAYOUT_STRIDE, order[i]);
		uint64_t page = order[i] % N_ARENA_PAGES * BENCH_PAGE_LEN;

		maps.records[i] = (struct record){
			.iova = iova,
			.last = iova + BENCH_PAGE_LEN - 1,
			.va = (uintptr_t)arena + page,
			.prot = 3,
		};
	}
}

static void maps_start(uint32_t n)
{
	uint64_t seed = 88172645463325252ull;

	maps.n = n;
	maps.n_batch = n < 50000 ? n : 50000;
	maps.n_repeats = 1 + (uint32_t)bench_pick(50000, 20000, 0) / n;
	maps.n_lookups = (uint32_t)bench_pick(100000, 50000, 1000);
	maps_fill_records(n + maps.n_batch);
	maps.unmap_order = bench_alloc(maps.n_batch * sizeof(uint32_t));
	for (uint32_t i = 0; i < maps.n_batch; i++)
		maps.unmap_order[i] = i;
	bench_shuffle(maps.unmap_order, maps.n_batch, 2);
	maps.lookups = bench_alloc(maps.n_lookups * sizeof(uint64_t));
	for (uint32_t i = 0; i < maps.n_lookups; i++)
		maps.lookups[i] = maps.records[bench_random(&seed) % n].iova +
				  bench_random(&seed) %
					  (BENCH_PAGE_LEN / DMA_LEN) * DMA_LEN;
	maps.radix.root = radix_table();
	client_start(&maps.client, NULL);
	for (unsigned int kind = 0; kind < N_INDEXES; kind++)
		for (uint32_t i = 0; i < n; i++)
			map_one((enum index_kind)kind, &maps.records[i]);
}

static void check_refused(void)
{
	char buf[DMA_LEN];

	bench_check(!client_unmap(&maps.client, maps.records[0].iova,
				  BENCH_PAGE_LEN),
		    "an unmap failed");
	bench_check(inside_dma(maps.device, maps.records[0].iova, buf, DMA_LEN,
			       false) == -EIO,
		    "DMA to what was unmapped was not refused");
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtod(argv[1], NULL) : 1000;

	bench_check(n >= 100 && n <= 100000000, "usage: bench/maps N");
	bench_pin_cpu(0);
	maps_start(n);
	measure_maps();
	measure_lengths();
	maps.device = inside_attach(maps.client.fd, maps.client.ioas_id);
	bench_check(maps.device, "the device cannot be attached");
	measure_lookups(false);
	measure_lookups(true);
	check_refused();
	/* To take down 10 million mappings takes a while, and shows nothing. */
	fflush(stdout);
	_exit(0);
}
