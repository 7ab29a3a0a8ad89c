/* SPDX-License-Identifier: BSD-3-Clause */
/* COPY: what may be copied, and that memory is shared and charged once. */
#include <errno.h>
#include "fixture.h"

#define MAX (~0ull)

/* A copy that must be refused, and with what; of [0x10000, 0x13000). */
static const struct copy_row {
	__u32 flags;
	__u32 dst;
	__u32 src;
	int rc;
	__u64 len;
	__u64 dst_iova;
	__u64 src_iova;
} rows[] = {
	{ 8, 1, 1, -EOPNOTSUPP, MAX, 0, 0 },
	{ FIXED, 1, 1, -EOVERFLOW, MAX, 0, 0 },
	{ FIXED, 1, 1, -EOVERFLOW, 0, MAX, 0 },
	{ FIXED, 1, 1, -EOVERFLOW, 0, 0, MAX },
	{ FIXED, 1, 9, -EINVAL, 0, 0, 0 },
	{ FIXED | READ, 9, 9, -ENOENT, 0, 0, 0 },
	{ FIXED | READ, 9, 1, -EINVAL, 0, 0, 0 },
	{ FIXED | READ, 9, 1, -EOVERFLOW, MAX - 1, 0, 3 },
	{ FIXED | READ, 2, 1, -ENOENT, 0x1000, 0, 0 },
	{ FIXED | READ, 2, 1, -ENOENT, 0x4000, 0, 0x10000 },
	{ FIXED | READ, 2, 1, -ENOENT, 0x1000, 0, 0xffff },
	{ FIXED | READ, 9, 1, -ENOENT, 0x1000, 0, 0x10000 },
	{ FIXED | READ, 2, 1, -EOVERFLOW, 0x1000, MAX - 1, 0x10000 },
	{ FIXED | READ, 1, 1, -EEXIST, 0x1000, 0x12fff, 0x10000 },
	{ FIXED | READ, 1, 1, -EEXIST, 0x3000, 0xe000, 0x10000 },
	/* The second area was mapped for reading only. */
	{ FIXED | WRITE, 2, 1, -EPERM, 0x1000, 0, 0x11000 },
	{ FIXED | WRITE, 2, 1, -EPERM, 0x3000, 0, 0x10000 },
};

static void map_source(struct file *file, __u32 id, const char *memory)
{
	__u64 iova = 0x11000;

	map_fixed(file, id, memory, PAGE, 0x10000);
	assert_int_equal(
		do_map(file, id, FIXED | READ, memory + PAGE, PAGE, &iova), 0);
	map_fixed(file, id, memory + 2 * PAGE, PAGE, 0x12000);
}

static void test_errors(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	const struct copy_row *row;
	struct iommu_ioas_copy args = { 0 };
	__u64 len = MAX;
	int rc;

	ioas_alloc(file);
	ioas_alloc(file);
	map_source(file, 1, (char *)0x700000);
	for (row = rows; row < rows + array_len(rows); row++) {
		args.flags = row->flags;
		args.dst_ioas_id = row->dst;
		args.src_ioas_id = row->src;
		args.length = row->len;
		args.dst_iova = row->dst_iova;
		args.src_iova = row->src_iova;
		rc = do_copy(file, &args);
		if (rc != row->rc)
			fail_msg("row %zu: %d, not %d", (size_t)(row - rows),
				 rc, row->rc);
	}
	assert_int_equal(do_unmap(file, 2, 0, &len), 0);
	assert_int_equal(len, 0);
}

/* Parts of areas, three of them in one call, each an area of its own. */
static void test_parts(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	struct iommu_ioas_copy args = {
		.flags = FIXED | READ,
		.length = 0x1002,
		.dst_iova = 0x5000,
		.src_iova = 0x10fff,
	};
	__u32 src = ioas_alloc(file);
	__u32 dst = ioas_alloc(file);

	args.src_ioas_id = src;
	args.dst_ioas_id = dst;
	map_source(file, src, (char *)0x700000);
	assert_int_equal(do_copy(file, &args), 0);
	/* The source may go. */
	unmap(file, src, 0x10000, 0x3000);
	unmap(file, dst, 0x5000, 1);
	unmap(file, dst, 0x5001, 0x1000);
	unmap(file, dst, 0x6001, 1);
}

static void test_within_one(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 id = ioas_alloc(file);
	struct iommu_ioas_copy args = {
		.flags = READ | WRITE,
		.dst_ioas_id = id,
		.src_ioas_id = id,
		.length = 0x1000,
		.src_iova = 0x10000,
	};

	map_source(file, id, (char *)0x700000);
	assert_int_equal(do_copy(file, &args), 0);
	assert_int_equal(args.dst_iova, 0x1000);
	/* A copy of the copy. */
	args.src_iova = 0x1000;
	assert_int_equal(do_copy(file, &args), 0);
	assert_int_equal(args.dst_iova, 0x2000);
	unmap(file, id, 0x1000, 0x1000);
	unmap(file, id, 0x2000, 0x1000);
	unmap(file, id, 0x10000, 0x3000);
}

/* The same bytes by both, pinned and charged once. */
static void test_shares_memory(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(3 * PAGE);
	__u32 src = ioas_alloc(file);
	__u32 dst = ioas_alloc(file);
	struct iommu_ioas_copy args = {
		.flags = FIXED | READ | WRITE,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = 2 * PAGE,
		.dst_iova = 0x80000,
		.src_iova = 0x11000,
	};
	struct bound one;
	struct bound two;
	__u32 pt = src;
	char byte = 0;

	bound_init(&one, file, fixture_unit);
	bound_init(&two, file, fixture_unit);
	map_fixed(file, src, memory, 3 * PAGE, 0x10000);
	assert_int_equal(do_copy(file, &args), 0);
	assert_int_equal(fixture_pinned(), 0);
	assert_int_equal(attach(&one, &pt), 0);
	assert_int_equal(fixture_pinned(), 3);
	pt = dst;
	assert_int_equal(attach(&two, &pt), 0);
	assert_int_equal(fixture_pinned(), 3);
	assert_int_equal(dma_put(&one, 0x12005, 's'), 0);
	assert_int_equal(dma_get(&two, 0x81005, &byte), 0);
	assert_int_equal(byte, 's');

	/* What the source leaves, the copy keeps. */
	unmap(file, src, 0x10000, 3 * PAGE);
	assert_int_equal(fixture_pinned(), 2);
	assert_int_equal(dma_get(&two, 0x81005, &byte), 0);
	detach(&two);
	assert_int_equal(fixture_pinned(), 0);
	pt = dst;
	assert_int_equal(attach(&two, &pt), 0);
	assert_int_equal(fixture_pinned(), 2);
	assert_int_equal(dma_get(&two, 0x81005, &byte), 0);
	assert_int_equal(byte, 's');
	bound_deinit(&one);
	bound_deinit(&two);
	fixture_free(memory, 3 * PAGE);
}

/* A copy of what is pinned into what pins adds nothing. */
static void test_copy_of_pinned(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(4 * PAGE);
	__u32 id = ioas_alloc(file);
	struct iommu_ioas_copy args = {
		.flags = FIXED | READ,
		.dst_ioas_id = id,
		.src_ioas_id = id,
		.length = PAGE,
		.dst_iova = 0x80000,
		.src_iova = 0x11000,
	};
	struct bound bound;
	__u32 pt = id;
	char byte = 0;

	bound_init(&bound, file, fixture_unit);
	assert_int_equal(attach(&bound, &pt), 0);
	map_fixed(file, id, memory, 4 * PAGE, 0x10000);
	assert_int_equal(do_copy(file, &args), 0);
	args.dst_iova = 0x90000;
	args.src_iova = 0x80000;
	assert_int_equal(do_copy(file, &args), 0);
	assert_int_equal(fixture_pinned(), 4);
	memory[PAGE] = 'p';
	assert_int_equal(dma_get(&bound, 0x90000, &byte), 0);
	assert_int_equal(byte, 'p');
	assert_int_equal(dma_put(&bound, 0x90000, 'q'), -EIO);
	unmap(file, id, 0x10000, 4 * PAGE);
	assert_int_equal(fixture_pinned(), 1);
	unmap(file, id, 0x80000, PAGE);
	assert_int_equal(fixture_pinned(), 1);
	unmap(file, id, 0x90000, PAGE);
	assert_int_equal(fixture_pinned(), 0);
	bound_deinit(&bound);
	fixture_free(memory, 4 * PAGE);
}

#define MODEL_PAGES 16u
#define MODEL_AREAS 40u

/* Against counting: an area is a run of pages; a page is charged once. */
static void test_charges_against_model(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(MODEL_PAGES * PAGE);
	__u32 src = ioas_alloc(file);
	__u32 dst = ioas_alloc(file);
	unsigned int first[MODEL_AREAS] = { 0 };
	unsigned int n[MODEL_AREAS] = { 0 };
	struct harness_random random;
	struct bound bound;
	unsigned int round;
	__u32 pt = dst;

	harness_random_init(&random);
	bound_init(&bound, file, fixture_unit);
	map_fixed(file, src, memory, MODEL_PAGES * PAGE, 0);
	assert_int_equal(attach(&bound, &pt), 0);
	for (round = 0; round < 2000; round++) {
		unsigned int slot = (unsigned int)harness_random_below(
			&random, MODEL_AREAS);
		__u64 iova = 0x100000 + slot * 0x100000ull;
		__u64 covered = 0;
		unsigned int i;

		if (n[slot]) {
			unmap(file, dst, iova, n[slot] * PAGE);
			n[slot] = 0;
		} else {
			struct iommu_ioas_copy args = {
				.flags = FIXED | READ,
				.dst_ioas_id = dst,
				.src_ioas_id = src,
				.dst_iova = iova,
			};

			first[slot] = (unsigned int)harness_random_below(
				&random, MODEL_PAGES);
			n[slot] =
				1 + (unsigned int)harness_random_below(
					    &random, MODEL_PAGES - first[slot]);
			args.src_iova = first[slot] * PAGE;
			args.length = n[slot] * PAGE;
			assert_int_equal(do_copy(file, &args), 0);
		}
		for (i = 0; i < MODEL_AREAS; i++)
			covered |= ((1ull << n[i]) - 1) << first[i];
		assert_int_equal(fixture_pinned(),
				 __builtin_popcountll(covered));
	}
	bound_deinit(&bound);
	assert_int_equal(fixture_pinned(), 0);
	fixture_free(memory, MODEL_PAGES * PAGE);
}

/* A copy that fails midway leaves nothing of itself. */
static void test_all_or_nothing(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(PAGE);
	__u32 src = ioas_alloc(file);
	__u32 dst = ioas_alloc(file);
	struct iommu_ioas_copy args = {
		.flags = FIXED | READ,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = 2 * PAGE,
		.dst_iova = 0x40000,
		.src_iova = 0x10000,
	};
	struct bound bound;
	__u64 len = MAX;
	__u32 pt = dst;

	bound_init(&bound, file, fixture_unit);
	assert_int_equal(attach(&bound, &pt), 0);
	map_fixed(file, src, memory, PAGE, 0x10000);
	map_fixed(file, src, NULL, PAGE, 0x11000);
	assert_int_equal(do_copy(file, &args), -EFAULT);
	assert_int_equal(fixture_pinned(), 0);
	assert_int_equal(do_unmap(file, dst, 0, &len), 0);
	assert_int_equal(len, 0);
	bound_deinit(&bound);
	fixture_free(memory, PAGE);
}

/* Bytes of a page are charged as the page, once. */
static void test_parts_of_pages(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(2 * PAGE);
	__u32 src = ioas_alloc(file);
	__u32 dst = ioas_alloc(file);
	struct iommu_ioas_copy args = {
		.flags = FIXED | READ,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = PAGE,
		.dst_iova = 0x40000,
		.src_iova = 0x10100,
	};
	struct bound bound;
	__u32 pt = dst;

	bound_init(&bound, file, fixture_unit);
	map_fixed(file, src, memory, 2 * PAGE, 0x10000);
	assert_int_equal(do_copy(file, &args), 0);
	/* Memory off a page is nothing for a domain. */
	assert_int_equal(attach(&bound, &pt), -EADDRINUSE);
	assert_int_equal(fixture_pinned(), 0);
	bound_deinit(&bound);
	fixture_free(memory, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_errors),
		fixture_test(test_parts),
		fixture_test(test_within_one),
		fixture_test(test_shares_memory),
		fixture_test(test_copy_of_pinned),
		fixture_test(test_charges_against_model),
		fixture_test(test_all_or_nothing),
		fixture_test(test_parts_of_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
