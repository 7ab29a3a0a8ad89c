/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The descriptor table alone, raced over: a file must be released after its
 * last use, and once. Linked with the table and nothing else of the preload
 * library, so that the thread sanitizer sees all of it.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "shim/preload/core.h"
#include "shim/preload/fds.h"
#include "shim/preload/process.h"

#define N_USERS 4
#define N_ROUNDS 2000
#define FD 30

__thread struct self self;

/* What the table needs of its neighbours. */

static atomic_uint n_released;

void core_file_put(struct file *file)
{
	/* Not atomic: a use that overlaps is a race. */
	assert_non_null(file->priv);
	file->priv = NULL;
	atomic_fetch_add(&n_released, 1);
	free(file);
}

bool process_is_guest(void)
{
	return false;
}

static void install(void)
{
	struct file *file = calloc(1, sizeof(*file));
	struct fd_entry *entry;
	__u64 mask;

	assert_non_null(file);
	file->priv = file;
	mask = fds_lock();
	entry = fd_entry_alloc_locked(FD_DEVICE, "/dev/iommu");
	assert_non_null(entry);
	entry->file = file;
	atomic_fetch_add(&fd_n_served, 1);
	fd_set_locked(FD, entry);
	fds_unlock(mask);
}

static atomic_bool is_over;

static void *use(void *arg)
{
	unsigned long *n_uses = arg;
	struct fd_entry *entry;
	struct fd_hold hold;

	while (!atomic_load(&is_over)) {
		entry = fd_hold(FD, &hold);
		if (!entry)
			continue;
		if (entry->file->priv != entry->file)
			return NULL;
		++*n_uses;
		fd_drop(&hold);
	}
	return arg;
}

static void race(void)
{
	unsigned long n_uses[N_USERS] = { 0 };
	pthread_t users[N_USERS];
	void *ret;
	int i;

	atomic_store(&is_over, false);
	atomic_store(&n_released, 0);
	for (i = 0; i < N_USERS; i++)
		assert_int_equal(
			pthread_create(&users[i], NULL, use, &n_uses[i]), 0);
	for (i = 0; i < N_ROUNDS; i++) {
		install();
		fd_leave(FD);
		fd_left();
	}
	atomic_store(&is_over, true);
	for (i = 0; i < N_USERS; i++) {
		assert_int_equal(pthread_join(users[i], &ret), 0);
		assert_non_null(ret);
	}
	assert_int_equal(atomic_load(&fd_n_leaving), 0);
	assert_int_equal(atomic_load(&n_released), N_ROUNDS);
	assert_int_equal(atomic_load(&fd_n_served), 0);
}

static void test_race(void **state)
{
	(void)state;
	fds_prepare_devices();
	assert_false(fd_needs_fence);
	race();
}

/* Where the kernel has no membarrier, each use pays for a fence. */
static void test_race_with_fences(void **state)
{
	(void)state;
	fd_needs_fence = true;
	race();
}

/* More uses at once than slots, one inside the other as signals make them. */
static void test_nested_uses(void **state)
{
	struct fd_hold holds[FD_SLOTS + 3], vain;
	size_t i;

	(void)state;
	atomic_store(&n_released, 0);
	install();
	for (i = 0; i < array_len(holds); i++)
		assert_non_null(fd_hold(FD, &holds[i]));
	fd_leave(FD);
	fd_left();
	assert_null(fd_hold(FD, &vain));
	while (i-- > 0) {
		assert_int_equal(atomic_load(&n_released), 0);
		fd_drop(&holds[i]);
	}
	assert_int_equal(atomic_load(&n_released), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_race_with_fences),
		cmocka_unit_test(test_nested_uses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
