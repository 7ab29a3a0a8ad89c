/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks exclude, know their owner, and notice a wrong order. */
#include <pthread.h>
#include <time.h>
#include "base/lock.h"
#include "base/log.h"
#include "harness/harness.h"

#define N_ROUNDS 20000

static struct lock leaf = LOCK_INITIALIZER(LOCK_RANK_LEAF);
static unsigned long counter;

static void *count_up(void *arg)
{
	int i;

	for (i = 0; i < N_ROUNDS; i++) {
		lock_acquire(&leaf);
		lock_assert_held(&leaf);
		counter++;
		lock_release(&leaf);
	}
	return arg;
}

static void test_excludes(void **state)
{
	pthread_t threads[3];
	size_t i;

	(void)state;
	for (i = 0; i < array_len(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, count_up, NULL), 0);
	for (i = 0; i < array_len(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter, N_ROUNDS * array_len(threads));
}

/* Return: the processor time that taking the lock cost, in milliseconds. */
static void *wait_for_leaf(void *arg)
{
	struct timespec used;

	(void)arg;
	lock_acquire(&leaf);
	counter++;
	lock_release(&leaf);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (void *)(uintptr_t)(used.tv_sec * 1000 + used.tv_nsec / 1000000);
}

/* All get the lock in the end, and none burns the processor meanwhile. */
static void test_waiters_sleep(void **state)
{
	const struct timespec held_for = { .tv_nsec = 200000000 };
	pthread_t threads[4];
	void *used_ms;
	size_t i;

	(void)state;
	counter = 0;
	lock_acquire(&leaf);
	for (i = 0; i < array_len(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						wait_for_leaf, NULL),
				 0);
	nanosleep(&held_for, NULL);
	assert_int_equal(counter, 0);
	lock_release(&leaf);
	for (i = 0; i < array_len(threads); i++) {
		pthread_join(threads[i], &used_ms);
		assert_in_range((uintptr_t)used_ms, 0, 100);
	}
	assert_int_equal(counter, array_len(threads));
}

static void *assert_held_elsewhere(void *arg)
{
	lock_assert_held(arg);
	return NULL;
}

static void test_assert_held_sees_owner(void **state)
{
	struct lock lock;
	pthread_t thread;

	(void)state;
#ifdef NDEBUG
	skip_with_reason("debug builds alone know the owner");
#endif
	harness_expect_warnings(2);
	lock_init(&lock, LOCK_RANK_MM);
	lock_assert_held(&lock);
	lock_acquire(&lock);
	lock_assert_held(&lock);
	assert_int_equal(
		pthread_create(&thread, NULL, assert_held_elsewhere, &lock), 0);
	pthread_join(thread, NULL);
	lock_release(&lock);
	lock_deinit(&lock);
}

/* Return: the warnings that taking one lock under another gives. */
static lock_unchecked unsigned int take_both(enum lock_rank outer_rank,
					     enum lock_rank inner_rank)
{
	struct lock outer, inner;
	unsigned int before = warn_count();

	lock_init(&outer, outer_rank);
	lock_init(&inner, inner_rank);
	lock_acquire(&outer);
	lock_acquire(&inner);
	lock_release(&outer);
	lock_release(&inner);
	lock_deinit(&outer);
	lock_deinit(&inner);
	return warn_count() - before;
}

static void test_order_is_checked(void **state)
{
	(void)state;
#ifdef NDEBUG
	skip_with_reason("the order is checked in debug builds only");
#endif
	assert_int_equal(take_both(LOCK_RANK_MACHINE, LOCK_RANK_LEAF), 0);
	assert_int_equal(take_both(LOCK_RANK_IOAS, LOCK_RANK_IOAS), 0);
	harness_expect_warnings(3);
	assert_int_equal(take_both(LOCK_RANK_LEAF, LOCK_RANK_MACHINE), 1);
	assert_int_equal(take_both(LOCK_RANK_LEAF, LOCK_RANK_LEAF), 1);
	assert_int_equal(take_both(LOCK_RANK_MM, LOCK_RANK_IOAS), 1);
	/* What was taken wrongly is forgotten with its release. */
	assert_int_equal(take_both(LOCK_RANK_MACHINE, LOCK_RANK_MM), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_excludes),
		harness_test(test_waiters_sleep),
		harness_test(test_assert_held_sees_owner),
		harness_test(test_order_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
