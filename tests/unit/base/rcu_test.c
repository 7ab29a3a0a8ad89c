/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A writer poisons what it took away after each grace period: a reader that
 * finds poison shows that the wait was too short.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/rcu.h"
#include "base/thread.h"
#include "harness/harness.h"

#define N_OBJECTS 4
/* A reader that is preempted inside a section costs a time slice. */
#define N_UPDATES_MIN 50
#define UPDATES_NS 500000000u
#define N_READERS 2
#define ALIVE 0x600d
#define POISON 0xdead

/* Plain on purpose: the thread sanitizer must see the grace period order it. */
static unsigned long objects[N_OBJECTS];
static _Atomic(unsigned long *) current;
static atomic_bool stop;
static atomic_uint n_poisoned, n_started;

static void *read_until_stopped(void *arg)
{
	unsigned long *object;
	int i;

	assert_int_equal(rcu_thread_register(), 0);
	atomic_fetch_add(&n_started, 1);
	while (!atomic_load(&stop)) {
		rcu_read_lock();
		object = atomic_load_explicit(&current, memory_order_acquire);
		for (i = 0; i < 20; i++) {
			rcu_read_lock();
			if (*object != ALIVE)
				atomic_fetch_add(&n_poisoned, 1);
			rcu_read_unlock();
		}
		rcu_read_unlock();
		sched_yield();
	}
	return arg;
}

static void update(int round)
{
	unsigned long *fresh = &objects[round % N_OBJECTS];
	unsigned long *old;

	*fresh = ALIVE;
	old = atomic_exchange(&current, fresh);
	rcu_synchronize();
	*old = POISON;
}

static void test_grace_period_waits_for_readers(void **state)
{
	pthread_t threads[N_READERS];
	__u64 begin;
	int i;

	(void)state;
	atomic_store(&stop, false);
	objects[0] = ALIVE;
	atomic_store(&current, &objects[0]);
	for (i = 0; i < N_READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						read_until_stopped, NULL),
				 0);
	while (atomic_load(&n_started) < N_READERS)
		sched_yield();
	begin = time_now_ns();
	for (i = 1; i <= N_UPDATES_MIN || time_now_ns() - begin < UPDATES_NS;
	     i++)
		update(i);
	atomic_store(&stop, true);
	for (i = 0; i < N_READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&n_poisoned), 0);
}

static atomic_int stage;

static void *hold_a_section(void *arg)
{
	assert_int_equal(rcu_thread_register(), 0);
	rcu_read_lock();
	rcu_read_lock();
	rcu_read_unlock();
	atomic_store(&stage, 1);
	/* The writer must not come back before us, long as we take. */
	usleep(50000);
	assert_int_equal(atomic_exchange(&stage, 2), 1);
	rcu_read_unlock();
	return arg;
}

static void test_waits_for_a_long_nested_section(void **state)
{
	pthread_t thread;

	(void)state;
	atomic_store(&stage, 0);
	assert_int_equal(pthread_create(&thread, NULL, hold_a_section, NULL),
			 0);
	while (atomic_load(&stage) != 1)
		sched_yield();
	rcu_synchronize();
	assert_int_equal(atomic_load(&stage), 2);
	pthread_join(thread, NULL);
}

/* Shallow at stage 1, deep at stage 3; over at stage 4. */
static void *hold_two_sections(void *arg)
{
	assert_int_equal(rcu_thread_register(), 0);
	rcu_read_lock();
	atomic_store(&stage, 1);
	while (atomic_load(&stage) != 2)
		sched_yield();
	rcu_read_deepen();
	rcu_read_deepen();
	atomic_store(&stage, 3);
	usleep(50000);
	assert_int_equal(atomic_exchange(&stage, 4), 3);
	rcu_read_unlock();
	return arg;
}

static void test_deep_wait_is_for_deep_sections(void **state)
{
	pthread_t thread;

	(void)state;
	atomic_store(&stage, 0);
	assert_int_equal(pthread_create(&thread, NULL, hold_two_sections, NULL),
			 0);
	while (atomic_load(&stage) != 1)
		sched_yield();
	/* It would hang if it did wait. */
	rcu_synchronize_deep();
	atomic_store(&stage, 2);
	while (atomic_load(&stage) == 2)
		sched_yield();
	rcu_synchronize_deep();
	assert_int_equal(atomic_load(&stage), 4);
	pthread_join(thread, NULL);
}

static void *note_slot(void *arg)
{
	assert_int_equal(rcu_thread_register(), 0);
	assert_int_equal(rcu_thread_register(), 0);
	*(struct rcu_reader **)arg = rcu_self;
	return NULL;
}

static void test_slot_of_an_ended_thread_is_reused(void **state)
{
	struct rcu_reader *first = NULL, *second = NULL;
	pthread_t thread;

	(void)state;
	pthread_create(&thread, NULL, note_slot, &first);
	pthread_join(thread, NULL);
	pthread_create(&thread, NULL, note_slot, &second);
	pthread_join(thread, NULL);
	assert_non_null(first);
	assert_ptr_equal(first, second);
}

static void test_synchronize_inside_a_section_is_refused(void **state)
{
	(void)state;
	harness_expect_warnings(1);
	assert_int_equal(rcu_thread_register(), 0);
	rcu_read_lock();
	rcu_synchronize();
	rcu_read_unlock();
	rcu_synchronize();
}

/* The section that a parent's other thread had open must not stop a child. */
static void test_fork_forgets_other_threads(void **state)
{
	pthread_t thread;
	int status;
	pid_t pid;

	(void)state;
	atomic_store(&stage, 0);
	assert_int_equal(pthread_create(&thread, NULL, hold_a_section, NULL),
			 0);
	while (atomic_load(&stage) != 1)
		sched_yield();
	pid = fork();
	if (!pid) {
		alarm(10);
		rcu_after_fork_child();
		rcu_synchronize();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_grace_period_waits_for_readers),
		harness_test(test_waits_for_a_long_nested_section),
		harness_test(test_deep_wait_is_for_deep_sections),
		harness_test(test_slot_of_an_ended_thread_is_reused),
		harness_test(test_synchronize_inside_a_section_is_refused),
		harness_test(test_fork_forgets_other_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
