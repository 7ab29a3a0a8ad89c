/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic at its ends, and pointers that are errors. */
#include "base/err.h"
#include "base/overflow.h"
#include "harness/harness.h"

static void test_range_last(void **state)
{
	__u64 last;

	(void)state;
	assert_true(range_last(0, 0, &last));
	assert_true(range_last(5, 0, &last));
	assert_false(range_last(5, 1, &last));
	assert_int_equal(last, 5);
	assert_false(range_last(0, UINT64_MAX, &last));
	assert_int_equal(last, UINT64_MAX - 1);
	assert_false(range_last(UINT64_MAX, 1, &last));
	assert_int_equal(last, UINT64_MAX);
	assert_true(range_last(UINT64_MAX, 2, &last));
	assert_true(range_last(2, UINT64_MAX, &last));
}

static void test_array_size(void **state)
{
	(void)state;
	assert_int_equal(array_size(3, 8), 24);
	assert_int_equal(array_size(0, 8), 0);
	assert_int_equal(array_size(SIZE_MAX / 2, 3), SIZE_MAX);
}

static void test_align(void **state)
{
	(void)state;
	assert_true(is_aligned(0x3000, 0x1000));
	assert_false(is_aligned(0x3001, 0x1000));
	assert_int_equal(align_down(0x3fff, 0x1000), 0x3000);
	assert_int_equal(align_up(0x3001, 0x1000), 0x4000);
	assert_int_equal(align_up(0x3000, 0x1000), 0x3000);
	/* Beyond 32 bits, with an alignment of 32 bits. */
	assert_int_equal(align_down(0x500000fffULL, 0x1000u), 0x500000000ULL);
}

static void test_err_ptr(void **state)
{
	int object;

	(void)state;
	assert_true(is_err(err_ptr(-ENOMEM)));
	assert_int_equal(ptr_err(err_ptr(-ENOMEM)), -ENOMEM);
	assert_true(is_err(err_ptr(-ERR_MAX)));
	assert_false(is_err(err_ptr(-ERR_MAX - 1)));
	assert_false(is_err(&object));
	assert_false(is_err(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_range_last),
		harness_test(test_array_size),
		harness_test(test_align),
		harness_test(test_err_ptr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
