/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The index against a list of ranges that is searched from end to end: random
 * operations over layouts that fill it, cluster, or reach both ends of the 64
 * bits. After each operation a few look-ups and a search for a gap must agree.
 */
#include <errno.h>
#include <string.h>
#include "harness/harness.h"
#include "iommu/space.h"

#define N_MAPS 64u
#define N_ROUNDS 60u
#define N_STEPS 300u

enum layout {
	LAYOUT_BYTES, /* single bytes, near 0 */
	LAYOUT_TOP, /* near 2^64 - 1 */
	LAYOUT_PAGES, /* neighbouring pages */
	LAYOUT_SPARSE, /* pages, 64 KiB apart */
	LAYOUT_CLUSTERS, /* a few bits anywhere */
	LAYOUT_ANY, /* all 64 bits, any length */
	LAYOUT_N,
};

/**
 * struct model - what is tested, and what it is held to
 * @is_in: which maps are in the space
 * @gap: the last one asked for
 */
struct model {
	struct iommu_space *space;
	struct iommu_map maps[N_MAPS];
	bool is_in[N_MAPS];
	struct iommu_gap gap;
	enum layout layout;
	struct harness_random random;
};

static __u64 below(struct model *model, __u64 n)
{
	return harness_random_below(&model->random, n);
}

static iova_t random_iova(struct model *model)
{
	switch (model->layout) {
	case LAYOUT_BYTES:
		return below(model, 200);
	case LAYOUT_TOP:
		return UINT64_MAX - below(model, 200);
	case LAYOUT_PAGES:
		return below(model, 80) << 12;
	case LAYOUT_SPARSE:
		return below(model, 80) << 16;
	case LAYOUT_CLUSTERS:
		return below(model, 64) << below(model, 58);
	default:
		return harness_random_next(&model->random);
	}
}

static __u64 random_len(struct model *model)
{
	switch (model->layout) {
	case LAYOUT_BYTES:
	case LAYOUT_TOP:
		return 1 + below(model, 8);
	case LAYOUT_ANY:
		return 1 + below(model, 1ull << below(model, 61));
	default:
		return below(model, 4) ? 4096 : 1 + below(model, 0x3000);
	}
}

static bool meets(const struct iommu_map *map, iova_t start, iova_t last)
{
	return map->start <= last && map->last >= start;
}

/* The first range of the list that meets [start, last]. */
static struct iommu_map *model_first(struct model *model, iova_t start,
				     iova_t last)
{
	struct iommu_map *first = NULL;
	unsigned int i;

	for (i = 0; i < N_MAPS; i++)
		if (model->is_in[i] && meets(&model->maps[i], start, last) &&
		    (!first || model->maps[i].start < first->start))
			first = &model->maps[i];
	return first;
}

static bool model_try_gap(struct model *model, const struct iommu_gap *gap,
			  iova_t start, iova_t *iova)
{
	iova_t last;

	if (start < gap->from)
		start = gap->from;
	if (add_overflow(start, (gap->phase - start) & (gap->alignment - 1),
			 &start) ||
	    range_last(start, gap->len, &last) || last > gap->last ||
	    model_first(model, start, last))
		return false;
	if (start < *iova)
		*iova = start;
	return true;
}

/* The lowest place is at the lower bound or right behind a range. */
static int model_find_gap(struct model *model, const struct iommu_gap *gap,
			  iova_t *iova)
{
	bool is_found;
	unsigned int i;

	*iova = UINT64_MAX;
	is_found = model_try_gap(model, gap, gap->from, iova);
	for (i = 0; i < N_MAPS; i++)
		if (model->is_in[i] && model->maps[i].last != UINT64_MAX)
			is_found |= model_try_gap(
				model, gap, model->maps[i].last + 1, iova);
	return is_found ? 0 : -ENOSPC;
}

static void check_lookup(struct model *model)
{
	iova_t start = random_iova(model);
	iova_t last = random_iova(model);
	struct iommu_map *map;

	assert_ptr_equal(index_find(&model->space->index, start),
			 model_first(model, start, start));
	if (last < start)
		last = start;
	map = iommu_space_first(model->space, start, last);
	assert_ptr_equal(map, model_first(model, start, last));
	if (map && map->last < UINT64_MAX)
		assert_ptr_equal(iommu_space_next(model->space, map,
						  UINT64_MAX),
				 model_first(model, map->last + 1, UINT64_MAX));
}

static void check_gap(struct model *model)
{
	struct iommu_gap gap = {
		.from = random_iova(model),
		.last = below(model, 4) ? UINT64_MAX : random_iova(model),
		.len = random_len(model),
		.alignment = 1ull << below(model, 16),
	};
	iova_t wanted, found = UINT64_MAX;
	int rc;

	if (below(model, 2))
		gap.from = 0;
	gap.phase = below(model, gap.alignment);
	/* Programs ask the same again and again. */
	if (model->gap.len && below(model, 4))
		gap = model->gap;
	model->gap = gap;
	rc = iommu_space_find_gap(model->space, &gap, &found);
	assert_int_equal(rc, model_find_gap(model, &gap, &wanted));
	assert_int_equal(found, wanted);
}

static void change(struct model *model)
{
	unsigned int i = (unsigned int)below(model, N_MAPS);
	struct iommu_map *map = &model->maps[i];
	bool is_taken;

	if (model->is_in[i]) {
		iommu_space_remove(model->space, map);
		model->is_in[i] = false;
		if (below(model, 2))
			iommu_space_sync(model->space);
		return;
	}
	map->start = random_iova(model);
	if (range_last(map->start, random_len(model), &map->last))
		map->last = UINT64_MAX;
	is_taken = model_first(model, map->start, map->last);
	assert_int_equal(iommu_space_insert(model->space, map),
			 is_taken ? -EEXIST : 0);
	model->is_in[i] = !is_taken;
}

static void run_round(struct model *model)
{
	unsigned int i;

	memset(model->is_in, 0, sizeof(model->is_in));
	model->space = iommu_space_create();
	for (i = 0; i < N_STEPS; i++) {
		change(model);
		check_lookup(model);
		check_gap(model);
	}
	for (i = 0; i < N_MAPS; i++)
		if (model->is_in[i])
			iommu_space_remove(model->space, &model->maps[i]);
	assert_int_equal(iommu_space_n_maps(model->space), 0);
	assert_null(iommu_space_first(model->space, 0, UINT64_MAX));
	iommu_space_destroy(model->space);
}

static void test_layouts_agree_with_a_list(void **state)
{
	static struct model model;
	unsigned int i;

	(void)state;
	harness_random_init(&model.random);
	for (model.layout = 0; model.layout < LAYOUT_N; model.layout++)
		for (i = 0; i < N_ROUNDS; i++)
			run_round(&model);
}

static void test_ranges_at_both_ends(void **state)
{
	struct iommu_space *space = iommu_space_create();
	struct iommu_map all = { .start = 0, .last = UINT64_MAX };
	struct iommu_map first = { .start = 0, .last = 0 };
	struct iommu_map last = { .start = UINT64_MAX, .last = UINT64_MAX };
	struct iommu_gap gap = { .last = UINT64_MAX,
				 .len = UINT64_MAX - 1,
				 .alignment = 1 };
	iova_t iova;

	(void)state;
	assert_int_equal(iommu_space_insert(space, &all), 0);
	assert_int_equal(iommu_space_insert(space, &last), -EEXIST);
	assert_ptr_equal(index_find(&space->index, UINT64_MAX), &all);
	assert_int_equal(iommu_space_find_gap(space, &gap, &iova), -ENOSPC);
	iommu_space_remove(space, &all);
	assert_int_equal(iommu_space_insert(space, &first), 0);
	assert_int_equal(iommu_space_insert(space, &last), 0);
	assert_ptr_equal(index_find(&space->index, UINT64_MAX), &last);
	assert_null(index_find(&space->index, 1));
	assert_int_equal(iommu_space_find_gap(space, &gap, &iova), 0);
	assert_int_equal(iova, 1);
	gap.len++;
	assert_int_equal(iommu_space_find_gap(space, &gap, &iova), -ENOSPC);
	iommu_space_remove(space, &first);
	iommu_space_remove(space, &last);
	iommu_space_destroy(space);
}

/* Every gap has a code not above it, and codes are in the order of gaps. */
static void test_codes_of_gaps(void **state)
{
	unsigned int shift, i, code, before = 0;

	(void)state;
	for (shift = 0; shift < 64; shift++) {
		__u64 power = 1ull << shift;

		assert_int_equal(gap_decode(gap_encode(power)), power);
		for (i = 0; i < 1000; i++) {
			__u64 gap = power + power / 1000 * i;

			code = gap_encode(gap);
			assert_true(code >= before);
			assert_true(gap_decode(code) <= gap);
			assert_true(code == gap_encode(UINT64_MAX) ||
				    gap_decode(code + 1) > gap);
			before = code;
		}
	}
	assert_true((gap_encode(UINT64_MAX) + 1) * 2 + 1 <= INT16_MAX);
	assert_int_equal(gap_encode(0), 0);
}

/* Nodes go back: memory after unmapping all is that before mapping. */
static void test_memory_goes_back(void **state)
{
	static struct iommu_map maps[20000];
	struct iommu_space *space = iommu_space_create();
	size_t n_before = mem_n_blocks();
	unsigned int i;

	(void)state;
	for (i = 0; i < array_len(maps); i++) {
		maps[i].start = (iova_t)i * i << 12;
		maps[i].last = maps[i].start + 4095;
		if (i)
			assert_int_equal(iommu_space_insert(space, &maps[i]),
					 0);
	}
	/* At most one node a map, and one slab. */
	assert_true(mem_n_blocks() - n_before < array_len(maps));
	for (i = 1; i < array_len(maps); i++)
		iommu_space_remove(space, &maps[i]);
	iommu_space_sync(space);
	assert_int_equal(mem_n_blocks() - n_before, 1);
	iommu_space_destroy(space);
}

/**
 * struct visits - ranges in the order in which they came
 */
struct visits {
	unsigned int n;
	iova_t last;
};

static void count_visit(void *arg, struct iommu_map *map)
{
	struct visits *visits = arg;

	assert_true(!visits->n || map->start > visits->last);
	assert_true(atomic_load(&map->flags) & MAP_IS_DEAD);
	visits->last = map->last;
	visits->n++;
}

/* All at once, also twice before a sync, and the space is as new. */
static void test_all_are_removed_at_once(void **state)
{
	static struct iommu_map maps[3000];
	struct iommu_space *space = iommu_space_create();
	struct visits visits;
	unsigned int i, round;
	size_t n_before;

	(void)state;
	n_before = mem_n_blocks();
	for (round = 0; round < 5; round++) {
		for (i = 0; i < array_len(maps); i++) {
			maps[i].start = (iova_t)i * (i % 7 + 1) << 16 | i;
			maps[i].last = maps[i].start;
			assert_int_equal(iommu_space_insert(space, &maps[i]),
					 0);
		}
		memset(&visits, 0, sizeof(visits));
		iommu_space_remove_all(space, count_visit, &visits);
		assert_int_equal(visits.n, array_len(maps));
		assert_int_equal(iommu_space_n_maps(space), 0);
		assert_null(index_find(&space->index, maps[5].start));
		assert_null(iommu_space_first(space, 0, UINT64_MAX));
		if (round % 2)
			continue;
		iommu_space_sync(space);
		/* The nodes went as a whole. */
		assert_int_equal(mem_n_blocks() - n_before, 0);
	}
	iommu_space_remove_all(space, count_visit, &visits);
	assert_int_equal(visits.n, array_len(maps));
	iommu_space_destroy(space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_layouts_agree_with_a_list),
		harness_test(test_ranges_at_both_ends),
		harness_test(test_codes_of_gaps),
		harness_test(test_memory_goes_back),
		harness_test(test_all_are_removed_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
