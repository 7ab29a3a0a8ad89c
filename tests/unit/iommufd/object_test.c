/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of objects: reserve, publish, references, removal. */
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include "base/fault.h"
#include "base/mem.h"
#include "harness/harness.h"
#include "iommufd/object.h"

/* An object that counts how often it was destroyed, and holds another. */
struct thing {
	struct object object;
	struct object *holds;
	unsigned int n_destroyed;
};

static void thing_destroy(struct object *object)
{
	struct thing *thing = container_of(object, struct thing, object);

	thing->n_destroyed++;
	if (thing->holds)
		object_put(thing->holds);
}

static const struct object_ops thing_ops = {
	.name = "thing",
	.destroy = thing_destroy,
};

static const struct object_ops other_ops = {
	.name = "other",
	.destroy = thing_destroy,
};

static void test_reserve_and_publish(void **state)
{
	struct object_table table;
	struct thing thing = { 0 };

	(void)state;
	object_table_init(&table);
	assert_int_equal(table.ids.n_ids, 0);
	assert_int_equal(object_reserve(&table, &thing.object, &thing_ops), 0);
	assert_int_equal(table.ids.n_ids, 1);
	/* Hidden: neither found nor destroyed. */
	assert_null(object_get(&table, thing.object.id, NULL));
	assert_int_equal(object_destroy(&table, thing.object.id), -ENOENT);
	object_abort(&table, &thing.object);
	assert_int_equal(table.ids.n_ids, 0);
	assert_int_equal(object_reserve(&table, &thing.object, &thing_ops), 0);
	assert_int_equal(thing.object.id, 1);
	object_publish(&table, &thing.object);
	assert_ptr_equal(object_get(&table, 1, &thing_ops), &thing.object);
	object_put(&thing.object);
	/* A wrong type is as good as nothing. */
	assert_null(object_get(&table, 1, &other_ops));
	assert_int_equal(object_destroy(&table, 1), 0);
	assert_int_equal(thing.n_destroyed, 1);
	object_table_deinit(&table);
	assert_int_equal(thing.n_destroyed, 1);
}

static void test_destroy_needs_no_user(void **state)
{
	struct object_table table;
	struct thing thing = { 0 };

	(void)state;
	object_table_init(&table);
	assert_int_equal(object_reserve(&table, &thing.object, &thing_ops), 0);
	object_publish(&table, &thing.object);
	assert_non_null(object_get(&table, 1, NULL));
	assert_int_equal(object_destroy(&table, 1), -EBUSY);
	assert_int_equal(thing.n_destroyed, 0);
	object_put(&thing.object);
	assert_int_equal(object_destroy(&table, 1), 0);
	object_table_deinit(&table);
}

/* Closing destroys in whatever order the references ask for. */
static void test_deinit_in_passes(void **state)
{
	enum {
		N = 5
	};
	struct thing things[N] = { 0 };
	struct object_table table;
	unsigned int i;

	(void)state;
	object_table_init(&table);
	for (i = 0; i < N; i++) {
		assert_int_equal(object_reserve(&table, &things[i].object,
						&thing_ops),
				 0);
		object_publish(&table, &things[i].object);
	}
	/* Each is held by the one with the next number. */
	for (i = 1; i < N; i++) {
		things[i].holds = &things[i - 1].object;
		object_ref(&things[i - 1].object);
	}
	object_table_deinit(&table);
	for (i = 0; i < N; i++)
		assert_int_equal(things[i].n_destroyed, 1);
}

static void *put_later(void *arg)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	nanosleep(&pause, NULL);
	object_put(arg);
	return NULL;
}

static void test_remove_waits(void **state)
{
	struct object_table table;
	struct thing thing = { 0 };
	pthread_t thread;

	(void)state;
	object_table_init(&table);
	assert_int_equal(object_reserve(&table, &thing.object, &thing_ops), 0);
	object_publish(&table, &thing.object);
	object_ref(&thing.object); /* ours */
	assert_non_null(object_get(&table, 1, NULL)); /* the thread's */
	assert_int_equal(
		pthread_create(&thread, NULL, put_later, &thing.object), 0);
	object_remove(&table, &thing.object, 1);
	assert_int_equal(atomic_load(&thing.object.n_refs), 1);
	assert_null(object_get(&table, 1, NULL));
	pthread_join(thread, NULL);
	object_table_deinit(&table);
	assert_int_equal(thing.n_destroyed, 0);
}

static int reserve_one(void *arg)
{
	struct object_table table;
	struct thing thing = { 0 };
	int rc;

	(void)arg;
	object_table_init(&table);
	rc = object_reserve(&table, &thing.object, &thing_ops);
	if (!rc)
		object_abort(&table, &thing.object);
	object_table_deinit(&table);
	return rc;
}

static void test_reserve_fails(void **state)
{
	(void)state;
	assert_true(fail_nth_sweep(reserve_one, NULL) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_reserve_and_publish),
		harness_test(test_destroy_needs_no_user),
		harness_test(test_deinit_in_passes),
		harness_test(test_remove_waits),
		harness_test(test_reserve_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
