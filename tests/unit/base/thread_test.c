/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads: their signals, name and failure; waiters: no wake is lost. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/file.h"
#include "base/thread.h"
#include "harness/harness.h"

struct seen {
	sigset_t blocked;
	char name[16];
	cpu_set_t affinity;
};

static void look_around(void *arg)
{
	struct seen *seen = arg;

	pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
	pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
	sched_getaffinity(0, sizeof(seen->affinity), &seen->affinity);
}

static void test_signals_and_name(void **state)
{
	struct thread thread;
	struct seen seen;
	sigset_t now;

	(void)state;
	assert_int_equal(thread_start(&thread, "a name that is too long",
				      look_around, &seen),
			 0);
	thread_join(&thread);
	assert_string_equal(seen.name, "a name that is ");
	assert_false(sigismember(&seen.blocked, SIGSEGV));
	assert_false(sigismember(&seen.blocked, SIGBUS));
	assert_true(sigismember(&seen.blocked, SIGINT));
	assert_true(sigismember(&seen.blocked, SIGALRM));
	assert_true(sigismember(&seen.blocked, SIGRTMAX));
	/* The creator's mask is as before. */
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	assert_false(sigismember(&now, SIGINT));
}

/* A creator that has blocked SIGSEGV must not pass that on. */
static void test_segv_is_open_in_any_case(void **state)
{
	struct thread thread;
	struct seen seen;
	sigset_t segv;

	(void)state;
	sigemptyset(&segv);
	sigaddset(&segv, SIGSEGV);
	pthread_sigmask(SIG_BLOCK, &segv, NULL);
	assert_int_equal(thread_start(&thread, "t", look_around, &seen), 0);
	thread_join(&thread);
	pthread_sigmask(SIG_UNBLOCK, &segv, NULL);
	assert_false(sigismember(&seen.blocked, SIGSEGV));
}

static void test_first_affinity(void **state)
{
	cpu_set_t before, one;
	struct thread thread;
	struct seen seen;
	int cpu = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (CPU_EQUAL(&one, &before))
		skip_with_reason("this process may use one CPU only");
	thread_save_affinity();
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(thread_start(&thread, "t", look_around, &seen), 0);
	thread_join(&thread);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_true(CPU_EQUAL(&seen.affinity, &before));
}

static void test_start_is_a_fault_point(void **state)
{
	struct thread thread;
	struct seen seen;

	(void)state;
	fault_arm(1);
	assert_int_equal(thread_start(&thread, "t", look_around, &seen),
			 -EAGAIN);
}

static pthread_t told_by;

static void note_thread(void)
{
	told_by = pthread_self();
}

static void note_self(void *arg)
{
	*(pthread_t *)arg = pthread_self();
}

static void test_host_is_told(void **state)
{
	static const struct file_host host = { .thread_started = note_thread };
	struct thread thread;
	pthread_t self;

	(void)state;
	file_host_set(&host);
	assert_int_equal(thread_start(&thread, "t", note_self, &self), 0);
	thread_join(&thread);
	file_host_set(NULL);
	assert_true(pthread_equal(self, told_by));
}

static void test_waiter_keeps_an_early_wake(void **state)
{
	struct waiter waiter = { 0 };

	(void)state;
	waiter_wake(&waiter);
	waiter_wake(&waiter);
	waiter_wait(&waiter);
	/* Two wakes before a wait are one. */
	assert_false(waiter_wait_for(&waiter, 1000));
	waiter_wake(&waiter);
	assert_true(waiter_wait_for(&waiter, 0));
}

static void test_waiter_timeout(void **state)
{
	struct waiter waiter = { 0 };
	__u64 before = time_now_ns();

	(void)state;
	assert_false(waiter_wait_for(&waiter, 20000000));
	assert_true(time_now_ns() - before >= 20000000);
	waiter_wake(&waiter);
	assert_true(waiter_wait_for(&waiter, UINT64_MAX));
}

#define N_TURNS 5000

struct ping {
	struct waiter there;
	struct waiter back;
	/* Plain, so that the thread sanitizer sees whether a wake orders. */
	int n_turns;
	bool uses_timeout;
};

static void pong(void *arg)
{
	struct ping *ping = arg;
	int i;

	for (i = 0; i < N_TURNS; i++) {
		if (ping->uses_timeout) {
			while (!waiter_wait_for(&ping->there, 30000))
				;
		} else {
			waiter_wait(&ping->there);
		}
		ping->n_turns++;
		waiter_wake(&ping->back);
	}
}

/* A lost wake hangs it: the alarm then ends the test. */
static void ping_pong(bool uses_timeout)
{
	struct ping ping = { .uses_timeout = uses_timeout };
	struct thread thread;
	int i;

	alarm(40);
	assert_int_equal(thread_start(&thread, "pong", pong, &ping), 0);
	for (i = 0; i < N_TURNS; i++) {
		assert_int_equal(ping.n_turns, i);
		waiter_wake(&ping.there);
		waiter_wait(&ping.back);
	}
	thread_join(&thread);
	alarm(0);
	assert_int_equal(ping.n_turns, N_TURNS);
}

static void test_no_wake_is_lost(void **state)
{
	(void)state;
	ping_pong(false);
	ping_pong(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_signals_and_name),
		harness_test(test_segv_is_open_in_any_case),
		harness_test(test_first_affinity),
		harness_test(test_start_is_a_fault_point),
		harness_test(test_host_is_told),
		harness_test(test_waiter_keeps_an_early_wake),
		harness_test(test_waiter_timeout),
		harness_test(test_no_wake_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
