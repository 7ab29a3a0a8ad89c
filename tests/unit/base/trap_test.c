/* SPDX-License-Identifier: BSD-3-Clause */
/* Trapping ranges: found, gone when removed, and never used after that. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/trap.h"
#include "harness/harness.h"

#define N_RANGES 40u
#define RANGE_LEN 0x1000u
#define RANGE_STRIDE 0x3000u
#define BASE ((uintptr_t)0x100000)

static struct trap_range ranges[N_RANGES];

static const struct trap_ops no_ops;

static void range_init(unsigned int i, const struct trap_ops *ops)
{
	ranges[i] = (struct trap_range){
		.start = BASE + (uintptr_t)i * RANGE_STRIDE,
		.len = RANGE_LEN,
		.ops = ops,
	};
}

static struct trap_range *find(uintptr_t address)
{
	struct trap_range *range = trap_begin(address);

	if (range)
		trap_end();
	return range;
}

static void check_range(unsigned int i, bool is_in)
{
	struct trap_range *expected = is_in ? &ranges[i] : NULL;
	uintptr_t start = ranges[i].start;

	assert_null(find(start - 1));
	assert_ptr_equal(find(start), expected);
	assert_ptr_equal(find(start + RANGE_LEN - 1), expected);
	assert_null(find(start + RANGE_LEN));
	assert_int_equal(trap_meets(start - 10, 10), false);
	assert_int_equal(trap_meets(start - 10, 11), is_in);
	assert_int_equal(trap_meets(start + RANGE_LEN - 1, 100), is_in);
	assert_int_equal(trap_meets(start + RANGE_LEN, 100), false);
	assert_int_equal(trap_meets(start - 10, RANGE_LEN + 20), is_in);
	assert_int_equal(trap_meets(start, 0), false);
}

static void test_finds_what_was_added(void **state)
{
	bool is_in[N_RANGES] = { false };
	struct harness_random random;
	unsigned int i, step;

	(void)state;
	harness_random_init(&random);
	for (i = 0; i < N_RANGES; i++)
		range_init(i, &no_ops);
	for (step = 0; step < 2000; step++) {
		i = (unsigned int)harness_random_below(&random, N_RANGES);
		if (is_in[i])
			trap_remove(&ranges[i]);
		else
			assert_int_equal(trap_add(&ranges[i]), 0);
		is_in[i] = !is_in[i];
		for (i = 0; i < N_RANGES; i++)
			check_range(i, is_in[i]);
	}
	for (i = 0; i < N_RANGES; i++) {
		if (is_in[i])
			trap_remove(&ranges[i]);
	}
	assert_null(find(BASE));
	assert_false(trap_meets(0, UINTPTR_MAX));
}

static int add_two(void *arg)
{
	int err;

	(void)arg;
	range_init(0, &no_ops);
	range_init(1, &no_ops);
	err = trap_add(&ranges[0]);
	if (err)
		return err;
	err = trap_add(&ranges[1]);
	check_range(0, true);
	check_range(1, !err);
	if (!err)
		trap_remove(&ranges[1]);
	trap_remove(&ranges[0]);
	return err;
}

static void test_failed_add_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(fail_nth_sweep(add_two, NULL), 2);
}

static unsigned int n_unmapped;
static bool removes_itself;

static void note_unmapped(struct trap_range *range, uintptr_t start, size_t len)
{
	assert_true(range->start < start + len);
	assert_true(range->start + range->len > start);
	n_unmapped++;
	if (removes_itself)
		trap_remove(range);
}

static const struct trap_ops unmapped_ops = { .unmapped = note_unmapped };

static void test_unmapped_tells_all_it_meets(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		range_init(i, &unmapped_ops);
		assert_int_equal(trap_add(&ranges[i]), 0);
	}
	n_unmapped = 0;
	removes_itself = false;
	trap_unmapped(ranges[1].start - 8, 8);
	assert_int_equal(n_unmapped, 0);
	/* The end of 1, all of 2, the first byte of 3. */
	trap_unmapped(ranges[1].start + 0x800,
		      ranges[3].start + 1 - (ranges[1].start + 0x800));
	assert_int_equal(n_unmapped, 3);
	removes_itself = true;
	trap_unmapped(BASE - 100, N_RANGES * (size_t)RANGE_STRIDE);
	assert_int_equal(n_unmapped, 8);
	assert_false(trap_meets(0, UINTPTR_MAX));
	trap_unmapped(BASE - 100, N_RANGES * (size_t)RANGE_STRIDE);
	assert_int_equal(n_unmapped, 8);
}

static atomic_int stage;

static void *hold_range(void *arg)
{
	assert_ptr_equal(trap_begin(BASE), &ranges[0]);
	atomic_store(&stage, 1);
	usleep(50000);
	assert_int_equal(atomic_exchange(&stage, 2), 1);
	trap_end();
	return arg;
}

static void test_remove_waits_for_user(void **state)
{
	pthread_t thread;

	(void)state;
	atomic_store(&stage, 0);
	range_init(0, &no_ops);
	range_init(1, &no_ops);
	assert_int_equal(trap_add(&ranges[0]), 0);
	assert_int_equal(pthread_create(&thread, NULL, hold_range, NULL), 0);
	while (atomic_load(&stage) != 1)
		sched_yield();
	/* Adding does not wait. */
	assert_int_equal(trap_add(&ranges[1]), 0);
	assert_int_equal(atomic_load(&stage), 1);
	trap_remove(&ranges[0]);
	assert_int_equal(atomic_load(&stage), 2);
	pthread_join(thread, NULL);
	trap_remove(&ranges[1]);
}

static atomic_bool stop;
static atomic_ulong n_found;

/* Plain, so that the thread sanitizer sees a use after removal. */
static void *look_up(void *arg)
{
	struct trap_range *range;

	while (!atomic_load(&stop)) {
		range = trap_begin(BASE + 5);
		if (!range)
			continue;
		assert_int_equal(range->start, BASE);
		assert_int_equal(range->len, RANGE_LEN);
		atomic_fetch_add(&n_found, 1);
		trap_end();
	}
	return arg;
}

static void test_readers_against_writer(void **state)
{
	pthread_t threads[2];
	int i;

	(void)state;
	atomic_store(&stop, false);
	for (i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, look_up, NULL), 0);
	for (i = 0; i < 3000 || !atomic_load(&n_found); i++) {
		range_init(0, &no_ops);
		range_init(1, &no_ops);
		assert_int_equal(trap_add(&ranges[i & 1]), 0);
		assert_int_equal(trap_add(&ranges[~i & 1]), 0);
		trap_remove(&ranges[0]);
		memset(&ranges[0], 0xff, sizeof(ranges[0]));
		trap_remove(&ranges[1]);
	}
	atomic_store(&stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

static void test_fork_forgets(void **state)
{
	pthread_t thread;
	int status;
	pid_t pid;

	(void)state;
	atomic_store(&stage, 0);
	range_init(0, &no_ops);
	assert_int_equal(trap_add(&ranges[0]), 0);
	assert_int_equal(pthread_create(&thread, NULL, hold_range, NULL), 0);
	while (atomic_load(&stage) != 1)
		sched_yield();
	pid = fork();
	if (!pid) {
		alarm(10);
		trap_after_fork_child();
		if (trap_meets(0, UINTPTR_MAX) || trap_add(&ranges[0]) ||
		    find(BASE) != &ranges[0])
			_exit(1);
		/* The thread that used the range is not here to wait for. */
		trap_remove(&ranges[0]);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	pthread_join(thread, NULL);
	trap_remove(&ranges[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_finds_what_was_added),
		harness_test(test_failed_add_changes_nothing),
		harness_test(test_unmapped_tells_all_it_meets),
		harness_test(test_remove_waits_for_user),
		harness_test(test_readers_against_writer),
		harness_test(test_fork_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
