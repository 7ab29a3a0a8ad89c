/* SPDX-License-Identifier: BSD-3-Clause */
/* Automatic placement, against trying every address. */
#include <errno.h>
#include <string.h>
#include "fixture.h"

/* The window that is tried out: small, so that it fills up. */
#define WINDOW_START 0x1000u
#define WINDOW_LAST 0x40fffu

/* One byte for each address, 1: taken. */
static char taken[WINDOW_LAST + 1];

static __u64 power_of_two_above(__u64 len)
{
	__u64 power = 1;

	while (power < len)
		power *= 2;
	return power;
}

/* Return: the lowest place in [start, last], or 0. */
static __u64 brute_place(__u64 address, __u64 len, __u64 start, __u64 last)
{
	__u64 alignment = power_of_two_above(len);
	__u64 iova;

	if (address && (address & -address) < alignment)
		alignment = address & -address;
	for (iova = start; iova + len - 1 <= last; iova++) {
		/* The offset in the page is kept whatever the alignment. */
		if (iova % PAGE != address % PAGE)
			continue;
		if (alignment > PAGE && iova % alignment)
			continue;
		if (!memchr(taken + iova, 1, len))
			return iova;
	}
	return 0;
}

static void take(__u64 iova, __u64 len, char value)
{
	memset(taken + iova, value, len);
}

/* Random lengths and addresses; some are unmapped again. */
static void place_randomly(struct file *file, __u32 id, __u64 start, __u64 last)
{
	enum {
		N_SLOTS = 64
	};
	__u64 iovas[N_SLOTS] = { 0 };
	__u64 lens[N_SLOTS] = { 0 };
	struct harness_random random;
	unsigned int round;

	harness_random_init(&random);
	for (round = 0; round < 1500; round++) {
		unsigned int slot =
			(unsigned int)harness_random_below(&random, N_SLOTS);
		__u64 address = harness_random_below(&random, 0x100000);
		__u64 len = 1 + harness_random_below(&random, 0x4000);
		__u64 expected;
		__u64 iova = 0;
		int rc;

		if (lens[slot]) {
			unmap(file, id, iovas[slot], lens[slot]);
			take(iovas[slot], lens[slot], 0);
			lens[slot] = 0;
			continue;
		}
		/* Every second one is made of whole pages. */
		if (round & 1) {
			address &= ~(PAGE - 1);
			len = (len + PAGE - 1) & ~(PAGE - 1);
		}
		expected = brute_place(address, len, start, last);
		rc = do_map(file, id, READ, (void *)address, len, &iova);
		assert_int_equal(rc, expected ? 0 : -ENOSPC);
		if (rc)
			continue;
		assert_true(iova == expected);
		iovas[slot] = iova;
		lens[slot] = len;
		take(iova, len, 1);
	}
}

static void test_against_brute_force(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 id = ioas_alloc(file);

	memset(taken, 0, sizeof(taken));
	/* What is above the window is one big area, to the last place. */
	map_fixed(file, id, NULL, ~0ull - PAGE - WINDOW_LAST, WINDOW_LAST + 1);
	place_randomly(file, id, WINDOW_START, WINDOW_LAST);
}

/* Two allowed ranges: nothing is placed elsewhere, or across. */
static void test_allowed(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	const struct iommu_iova_range allowed[2] = {
		{ 0x20000, WINDOW_LAST },
		{ 0x8000, 0xffff },
	};
	__u32 id = ioas_alloc(file);

	assert_int_equal(do_allow(file, id, allowed, 2), 0);
	memset(taken, 1, sizeof(taken));
	memset(taken + 0x8000, 0, 0x8000);
	memset(taken + 0x20000, 0, WINDOW_LAST + 1 - 0x20000);
	place_randomly(file, id, WINDOW_START, WINDOW_LAST);
	/* A place of the program's own choice is not bound to the list. */
	map_fixed(file, id, NULL, PAGE, 0x1000);
}

static void test_around_the_hole(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	/* Two gigabytes do not fit below the hole twice. */
	const size_t len = 2ul << 30;
	char *memory = fixture_memory(len);
	__u32 id = ioas_alloc(file);
	struct bound bound;
	__u64 iova = 0;
	__u32 pt = id;

	bound_init(&bound, file, fixture_unit);
	assert_int_equal(attach(&bound, &pt), 0);
	assert_int_equal(do_map(file, id, READ, memory, len, &iova), 0);
	assert_true(iova < UNIT_MSI_START);
	assert_int_equal(do_map(file, id, READ, memory, len, &iova), 0);
	assert_true(iova > UNIT_MSI_LAST);
	bound_deinit(&bound);
	fixture_free(memory, len);
}

static void test_alignment_of_address(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 id = ioas_alloc(file);
	__u64 iova = 0;

	/* Long and well aligned: two megabytes and no more. */
	assert_int_equal(do_map(file, id, READ, (void *)(1ull << 40), 1 << 30,
				&iova),
			 0);
	assert_int_equal(iova, 0x200000);
	/* Only as good as the address. */
	assert_int_equal(do_map(file, id, READ, (void *)0x4000, 0x8000, &iova),
			 0);
	assert_int_equal(iova, 0x4000);
	/* Address 0 says nothing against the length. */
	assert_int_equal(do_map(file, id, READ, NULL, 0x8000, &iova), 0);
	assert_int_equal(iova, 0x10000);
	/* The first page is never given. */
	assert_int_equal(do_map(file, id, READ, (void *)0x1234, 4, &iova), 0);
	assert_int_equal(iova, 0x1234);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_against_brute_force),
		fixture_test(test_allowed),
		fixture_test(test_around_the_hole),
		fixture_test(test_alignment_of_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
