/* SPDX-License-Identifier: BSD-3-Clause */
/* Interval trees against a look at every entry. */
#include <string.h>
#include "base/interval.h"
#include "harness/harness.h"

#define N_ENTRIES 300
#define N_STEPS 20000

static struct interval entries[N_ENTRIES];
static bool is_in[N_ENTRIES];

/* Few numbers, so that ranges meet, repeat and reach both ends. */
static __u64 random_number(struct harness_random *random)
{
	__u64 n = harness_random_below(random, 100);

	if (n < 3)
		return n;
	if (n > 96)
		return UINT64_MAX - (99 - n);
	return n << 50;
}

static void random_range(struct harness_random *random, __u64 *start,
			 __u64 *last)
{
	__u64 a = random_number(random);
	__u64 b = random_number(random);

	*start = a < b ? a : b;
	*last = a < b ? b : a;
	/* Long ranges would make every search end at once. */
	if (*last - *start > (__u64)8 << 50)
		*last = *start + ((__u64)harness_random_below(random, 8) << 50);
}

static unsigned int check_node(const struct interval *node,
			       const struct interval *parent)
{
	unsigned int left, right;
	__u64 last;

	if (!node)
		return 0;
	left = check_node(node->left, node);
	right = check_node(node->right, node);
	last = node->last;
	if (node->left && node->left->subtree_last > last)
		last = node->left->subtree_last;
	if (node->right && node->right->subtree_last > last)
		last = node->right->subtree_last;
	assert_ptr_equal(node->parent, parent);
	assert_int_equal(node->subtree_last, last);
	assert_in_range(left, right ? right - 1 : 0, right + 1);
	assert_int_equal(node->height, 1 + (left > right ? left : right));
	return node->height;
}

static void check_search(const struct interval_tree *tree, __u64 start,
			 __u64 last)
{
	bool is_found[N_ENTRIES] = { false };
	struct interval *entry;
	__u64 previous = 0;
	size_t i;

	for (entry = interval_first(tree, start, last); entry;
	     entry = interval_next(entry, start, last)) {
		i = (size_t)(entry - entries);
		assert_false(is_found[i]);
		is_found[i] = true;
		assert_true(entry->start >= previous);
		previous = entry->start;
	}
	for (i = 0; i < N_ENTRIES; i++) {
		bool meets = is_in[i] && entries[i].start <= last &&
			     entries[i].last >= start;

		assert_int_equal(is_found[i], meets);
	}
}

static bool is_covered(__u64 number)
{
	for (size_t i = 0; i < N_ENTRIES; i++)
		if (is_in[i] && entries[i].start <= number &&
		    entries[i].last >= number)
			return true;
	return false;
}

/* Gaps and what lies between them take turns, and make up all of the range. */
static void check_gaps(const struct interval_tree *tree, __u64 start,
		       __u64 last)
{
	__u64 at = start;
	__u64 gap_last;

	while (interval_next_gap(tree, &at, last, &gap_last)) {
		assert_in_range(at, start, last);
		assert_in_range(gap_last, at, last);
		assert_null(interval_first(tree, at, gap_last));
		/* As long as can be, and nothing before it was passed over. */
		assert_true(at == start || is_covered(at - 1));
		assert_true(gap_last == last || is_covered(gap_last + 1));
		if (gap_last == last)
			return;
		start = gap_last + 1;
		at = start;
	}
	assert_true(is_covered(start));
	assert_true(is_covered(last));
}

static void test_agrees_with_brute_force(void **state)
{
	struct interval_tree tree = { NULL };
	struct harness_random random;
	__u64 start, last;
	int step;
	size_t i;

	(void)state;
	harness_random_init(&random);
	for (step = 0; step < N_STEPS; step++) {
		i = harness_random_below(&random, N_ENTRIES);
		if (is_in[i]) {
			interval_remove(&tree, &entries[i]);
		} else {
			random_range(&random, &entries[i].start,
				     &entries[i].last);
			interval_insert(&tree, &entries[i]);
		}
		is_in[i] = !is_in[i];
		random_range(&random, &start, &last);
		check_search(&tree, start, last);
		check_gaps(&tree, start, last);
		if (step % 16 == 0)
			check_node(tree.root, NULL);
	}
	check_search(&tree, 0, UINT64_MAX);
	for (i = 0; i < N_ENTRIES; i++) {
		if (is_in[i])
			interval_remove(&tree, &entries[i]);
	}
	assert_null(tree.root);
}

static void test_empty(void **state)
{
	struct interval_tree tree = { NULL };

	(void)state;
	assert_null(interval_first(&tree, 0, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_empty),
		harness_test(test_agrees_with_brute_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
