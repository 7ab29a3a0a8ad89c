/* SPDX-License-Identifier: BSD-3-Clause */
/* The ID table against an array that is searched from its beginning. */
#include <errno.h>
#include <string.h>
#include "base/idtable.h"
#include "base/mem.h"
#include "harness/harness.h"

#define N_MODEL 9000
#define N_STEPS 60000

enum model_state {
	MODEL_FREE,
	MODEL_RESERVED,
	MODEL_PUBLISHED
};

static unsigned char model[N_MODEL + 1];
static char names[N_MODEL + 1];

static __u32 model_lowest_free(void)
{
	__u32 id = 1;

	while (model[id] != MODEL_FREE)
		id++;
	return id;
}

static void check_find(const struct id_table *table, __u32 id)
{
	void *expected = model[id] == MODEL_PUBLISHED ? &names[id] : NULL;

	assert_ptr_equal(id_table_find(table, id), expected);
}

static void check_next(const struct id_table *table, __u32 from)
{
	__u32 expected = from ? from : 1;
	__u32 id = from;
	void *object = id_table_next(table, &id);

	while (expected <= N_MODEL && model[expected] != MODEL_PUBLISHED)
		expected++;
	if (expected > N_MODEL) {
		assert_null(object);
		return;
	}
	assert_ptr_equal(object, &names[expected]);
	assert_int_equal(id, expected);
}

static void step(struct id_table *table, struct harness_random *random,
		 bool grows)
{
	__u32 id = (__u32)harness_random_below(random, N_MODEL - 1) + 1;
	__u32 taken;

	if (model[id] == MODEL_RESERVED) {
		id_table_publish(table, id, &names[id]);
		model[id] = MODEL_PUBLISHED;
	} else if (model[id] == MODEL_PUBLISHED && !grows) {
		id_table_remove(table, id);
		model[id] = MODEL_FREE;
	} else if (grows && model_lowest_free() < N_MODEL) {
		assert_int_equal(id_table_reserve(table, &taken), 0);
		assert_int_equal(taken, model_lowest_free());
		model[taken] = MODEL_RESERVED;
	}
	check_find(table, id);
	check_next(table, id);
	check_next(table, (__u32)harness_random_below(random, N_MODEL + 1));
}

static __u32 model_n_ids(void)
{
	__u32 id, n = 0;

	for (id = 1; id <= N_MODEL; id++)
		n += model[id] != MODEL_FREE;
	return n;
}

static void test_agrees_with_model(void **state)
{
	struct harness_random random;
	struct id_table table;
	size_t before = mem_n_blocks();
	__u32 id;
	int i;

	(void)state;
	harness_random_init(&random);
	memset(model, 0, sizeof(model));
	id_table_init(&table);
	for (i = 0; i < N_STEPS; i++)
		step(&table, &random, i / 7000 % 2 == 0);
	assert_int_equal(table.n_ids, model_n_ids());
	for (id = 1; id <= N_MODEL; id++) {
		check_find(&table, id);
		if (model[id] != MODEL_FREE)
			id_table_remove(&table, id);
	}
	/* All empty: nothing is left even before deinit. */
	assert_int_equal(table.n_ids, 0);
	assert_int_equal(mem_n_blocks(), before);
	id_table_deinit(&table);
}

static void test_ends_of_the_number_space(void **state)
{
	struct id_table table;
	__u32 id = 0;

	(void)state;
	id_table_init(&table);
	assert_null(id_table_find(&table, 0));
	assert_null(id_table_find(&table, 1));
	assert_null(id_table_next(&table, &id));
	assert_int_equal(id_table_reserve(&table, &id), 0);
	assert_int_equal(id, 1);
	id_table_publish(&table, id, &table);
	assert_null(id_table_find(&table, 0));
	assert_null(id_table_find(&table, 65));
	assert_null(id_table_find(&table, ID_MAX));
	assert_null(id_table_find(&table, ID_MAX + 1));
	assert_null(id_table_find(&table, UINT32_MAX));
	id = UINT32_MAX;
	assert_null(id_table_next(&table, &id));
	id_table_deinit(&table);
}

#define N_MANY 300000u

static void test_many_ids(void **state)
{
	struct id_table table;
	__u32 i, id;

	(void)state;
	id_table_init(&table);
	for (i = 1; i <= N_MANY; i++) {
		assert_int_equal(id_table_reserve(&table, &id), 0);
		assert_int_equal(id, i);
		id_table_publish(&table, id, &table);
	}
	assert_int_equal(table.height, 4);
	id_table_remove(&table, 5);
	id_table_remove(&table, 200000);
	assert_int_equal(id_table_reserve(&table, &id), 0);
	assert_int_equal(id, 5);
	assert_int_equal(id_table_reserve(&table, &id), 0);
	assert_int_equal(id, 200000);
	id_table_deinit(&table);
}

static void test_wrong_ids_are_refused(void **state)
{
	struct id_table table;
	__u32 id;

	(void)state;
	harness_expect_warnings(3);
	id_table_init(&table);
	assert_int_equal(id_table_reserve(&table, &id), 0);
	id_table_remove(&table, 0);
	id_table_remove(&table, 2);
	id_table_publish(&table, 4000, &table);
	assert_int_equal(table.n_ids, 1);
	id_table_deinit(&table);
}

/* 65 IDs: the last one makes the tree higher, which takes two nodes. */
static int reserve_65(void *arg)
{
	struct id_table table;
	__u32 id, n = 0;
	int err = 0;

	(void)arg;
	id_table_init(&table);
	while (n < 65 && !err) {
		err = id_table_reserve(&table, &id);
		n += !err;
	}
	assert_int_equal(table.n_ids, n);
	/* A failure has changed nothing: the next one gets the same ID. */
	if (err) {
		assert_int_equal(id_table_reserve(&table, &id), 0);
		assert_int_equal(id, n + 1);
	}
	while (table.n_ids)
		id_table_remove(&table, table.n_ids);
	assert_null(table.root);
	return err;
}

static void test_failures_change_nothing(void **state)
{
	(void)state;
	assert_int_equal(fail_nth_sweep(reserve_65, NULL), 65 + 1 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_agrees_with_model),
		harness_test(test_ends_of_the_number_space),
		harness_test(test_many_ids),
		harness_test(test_wrong_ids_are_refused),
		harness_test(test_failures_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
