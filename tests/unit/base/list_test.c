/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists: order, removal while walking, a removed entry alone. */
#include "base/list.h"
#include "harness/harness.h"

struct item {
	int value;
	struct list_head link;
};

static void fill(struct list_head *head, struct item *items, int n)
{
	int i;

	list_init(head);
	for (i = 0; i < n; i++) {
		items[i].value = i;
		list_add_tail(&items[i].link, head);
	}
}

static void test_keeps_order(void **state)
{
	struct item items[5], *item;
	struct list_head head;
	int expected = 0;

	(void)state;
	list_init(&head);
	assert_true(list_is_empty(&head));
	fill(&head, items, 5);
	assert_false(list_is_empty(&head));
	assert_ptr_equal(list_first_entry(&head, struct item, link), &items[0]);
	list_for_each_entry(item, &head, link)
		assert_int_equal(item->value, expected++);
	assert_int_equal(expected, 5);
}

static void test_removes_while_walking(void **state)
{
	struct item items[6], *item, *after;
	struct list_head head;
	int expected = 1;

	(void)state;
	fill(&head, items, 6);
	list_for_each_entry_safe(item, after, &head, link) {
		if (item->value % 2 == 0) {
			list_remove(&item->link);
			item->value = -1;
		}
	}
	list_for_each_entry(item, &head, link) {
		assert_int_equal(item->value, expected);
		expected += 2;
	}
	assert_int_equal(expected, 7);
	list_for_each_entry_safe(item, after, &head, link)
		list_remove(&item->link);
	assert_true(list_is_empty(&head));
}

static void test_removed_entry_is_empty_list(void **state)
{
	struct item items[2];
	struct list_head head;

	(void)state;
	fill(&head, items, 2);
	list_remove(&items[0].link);
	assert_true(list_is_empty(&items[0].link));
	/* Twice does no harm to the list it was in. */
	list_remove(&items[0].link);
	assert_ptr_equal(head.next, &items[1].link);
	assert_ptr_equal(head.prev, &items[1].link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_keeps_order),
		harness_test(test_removes_while_walking),
		harness_test(test_removed_entry_is_empty_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
