/* SPDX-License-Identifier: BSD-3-Clause */
/* A child of a fork can do what other threads did in its parent. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/file.h"
#include "base/fork.h"
#include "base/mem.h"
#include "harness/harness.h"

#define N_FORKS 300u
#define CHILD_SECONDS_MAX 10u

static const struct file_ops nothing_ops = { .name = "nothing" };
static atomic_bool is_over;

/* Take each of base's locks once. Return: 0 when all went well. */
static int use_base(void)
{
	struct file *file = file_alloc(&nothing_ops, NULL, NULL);
	struct slab *slab = slab_create(64, 8);
	int fd;

	if (!file || !slab || !slab_alloc(slab) || !mem_n_blocks())
		return 1;
	fd = file_install(file, 0);
	if (fd < 0 || file_from_fd(fd) != file)
		return 2;
	file_put(file);
	slab_destroy(slab);
	return file_uninstall(fd) ? 3 : 0;
}

static void *use_base_thread(void *arg)
{
	(void)arg;
	while (!atomic_load(&is_over))
		if (use_base())
			return &is_over;
	return NULL;
}

static void test_child_finds_locks_free(void **state)
{
	pthread_t threads[2];
	unsigned int i;
	void *failed;
	int status;
	pid_t pid;

	(void)state;
	for (i = 0; i < array_len(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						use_base_thread, NULL),
				 0);
	for (i = 0; i < N_FORKS; i++) {
		base_fork_prepare();
		pid = fork();
		if (!pid) {
			/* Ends a child that waits for ever. */
			alarm(CHILD_SECONDS_MAX);
			base_fork_child();
			_exit(use_base());
		}
		base_fork_parent();
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	atomic_store(&is_over, true);
	for (i = 0; i < array_len(threads); i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_child_finds_locks_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
