/* SPDX-License-Identifier: BSD-3-Clause */
/* The countdown fails one step, the right one, of the right thread. */
#include <pthread.h>
#include <string.h>
#include "base/fault.h"
#include "harness/harness.h"

static void test_nth_step_fails_once(void **state)
{
	(void)state;
	fault_arm(3);
	assert_false(fault_inject(FAULT_ALLOC));
	assert_false(fault_inject(FAULT_PIN));
	assert_false(fault_was_hit());
	assert_true(fault_inject(FAULT_FD));
	assert_true(fault_was_hit());
	assert_false(fault_inject(FAULT_FD));
	fault_arm(0);
	assert_false(fault_was_hit());
	assert_false(fault_inject(FAULT_FD));
}

static void *inject_in_thread(void *arg)
{
	*(bool *)arg = fault_inject(FAULT_ALLOC);
	return NULL;
}

static void test_other_threads_are_not_armed(void **state)
{
	bool is_hit = true;
	pthread_t thread;

	(void)state;
	fault_arm(1);
	assert_int_equal(
		pthread_create(&thread, NULL, inject_in_thread, &is_hit), 0);
	pthread_join(thread, NULL);
	assert_false(is_hit);
	assert_true(fault_inject(FAULT_ALLOC));
}

static void test_guards_hold_and_have_names(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i < GUARD_N; i++) {
		assert_non_null(guard_name((enum guard)i));
		for (k = 0; k < i; k++)
			assert_string_not_equal(guard_name((enum guard)i),
						guard_name((enum guard)k));
		if (guard_off == GUARD_N)
			assert_true(guard_holds((enum guard)i));
	}
	assert_null(guard_name(GUARD_N));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_nth_step_fails_once),
		harness_test(test_other_threads_are_not_armed),
		harness_test(test_guards_hold_and_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
