/* SPDX-License-Identifier: BSD-3-Clause */
/* Files: references, missing operations, numbers with and without a host. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/err.h"
#include "base/fault.h"
#include "base/file.h"
#include "harness/harness.h"

static int n_released;

static void count_release(struct file *file)
{
	n_released++;
	file_free(file);
}

static long echo_ioctl(struct file *file, unsigned int cmd, void *arg)
{
	return file->priv == arg ? (long)cmd : -EINVAL;
}

static const struct file_ops echo_ops = {
	.name = "echo",
	.ioctl = echo_ioctl,
	.release = count_release,
};

static const struct file_ops empty_ops = { .name = "empty" };

static void test_missing_operations(void **state)
{
	struct file *file = file_alloc(&empty_ops, NULL, NULL);
	struct file_mmap request = { .len = 4096 };

	(void)state;
	assert_int_equal(file_ioctl(file, 1, NULL), -ENOTTY);
	assert_int_equal(file_pread(file, NULL, 1, 0), -EINVAL);
	assert_int_equal(file_pwrite(file, NULL, 1, 0), -EINVAL);
	assert_int_equal(ptr_err(file_mmap(file, &request)), -ENODEV);
	/* Without release it is freed all the same. */
	file_put(file);
}

static void test_last_reference_releases(void **state)
{
	int priv;
	struct file *file = file_alloc(&echo_ops, &priv, NULL);

	(void)state;
	n_released = 0;
	assert_int_equal(file_ioctl(file, 42, &priv), 42);
	file_get(file);
	file_put(file);
	assert_int_equal(n_released, 0);
	file_put(file);
	assert_int_equal(n_released, 1);
}

static void test_own_table(void **state)
{
	struct file *first = file_alloc(&echo_ops, NULL, NULL);
	struct file *second = file_alloc(&echo_ops, NULL, NULL);
	int fd1 = file_install(first, O_RDWR);
	int fd2 = file_install(second, O_RDWR);

	(void)state;
	n_released = 0;
	assert_int_equal(fd1, 0x40000000);
	assert_int_equal(fd2, 0x40000001);
	assert_ptr_equal(file_from_fd(fd2), second);
	file_put(second);
	assert_null(file_from_fd(fd2 + 1));
	assert_null(file_from_fd(0));
	assert_null(file_from_fd(-1));
	assert_int_equal(file_uninstall(fd1), 0);
	assert_int_equal(n_released, 1);
	assert_null(file_from_fd(fd1));
	assert_int_equal(file_uninstall(fd1), -EBADF);
	assert_int_equal(file_uninstall(3), -EBADF);
	/* A file outlives its number as long as somebody uses it. */
	assert_ptr_equal(file_from_fd(fd2), second);
	assert_int_equal(file_uninstall(fd2), 0);
	assert_int_equal(n_released, 1);
	file_put(second);
	assert_int_equal(n_released, 2);
}

static int install_one(void *arg)
{
	struct file *file = file_alloc(&echo_ops, NULL, NULL);
	int fd;

	(void)arg;
	if (!file)
		return -ENOMEM;
	fd = file_install(file, 0);
	if (fd < 0) {
		file_put(file);
		return fd;
	}
	return file_uninstall(fd);
}

static void test_failed_install_changes_nothing(void **state)
{
	(void)state;
	/* The file, the number, its ID, the node of the ID. */
	assert_int_equal(fail_nth_sweep(install_one, NULL), 4);
}

static int hidden, unhidden;

static struct file *host_get(int fd)
{
	(void)fd;
	return NULL;
}

static int host_install(struct file *file, int flags)
{
	(void)file;
	return 1000 + flags;
}

static void host_hide(int fd)
{
	hidden = fd;
}

static void host_unhide(int fd)
{
	/* Still open: nobody else can have got the number yet. */
	assert_true(fcntl(fd, F_GETFD) >= 0);
	unhidden = fd;
}

static const struct file_host host = {
	.get = host_get,
	.install = host_install,
	.hide = host_hide,
	.unhide = host_unhide,
};

static void test_claimed_descriptors(void **state)
{
	int fd = open("/dev/null", O_RDWR);
	struct rlimit limit;
	int claimed, dup;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	file_host_set(&host);
	assert_int_equal(file_install(NULL, 7), 1007);
	dup = fd_claim_dup(fd);
	assert_int_equal(hidden, dup);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	claimed = fd_claim(fd);
	assert_int_equal(hidden, claimed);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_true((rlim_t)claimed >= limit.rlim_cur / 4 * 3 ||
		    claimed >= 1 << 20);
	assert_int_equal(fcntl(claimed, F_GETFD), FD_CLOEXEC);
	fd_release(claimed);
	assert_int_equal(unhidden, claimed);
	assert_int_equal(fcntl(claimed, F_GETFD), -1);
	fd_release(dup);
	fd_release(-1);
	file_host_set(NULL);
}

/* A limit whose upper part is in use must not make claiming fail. */
static void test_claim_when_high_numbers_are_used(void **state)
{
	struct rlimit before, low;
	int claimed[32];
	int n = 0;
	int fd = open("/dev/null", O_RDWR);

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = before;
	low.rlim_cur = 32;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (n < 32 && (claimed[n] = fd_claim_dup(fd)) >= 0)
		n++;
	/* 24 to 31 first, then whatever is free below, then none. */
	assert_in_range(n, 9, 31);
	assert_int_equal(claimed[0], 24);
	assert_int_equal(claimed[n], -EMFILE);
	while (n--)
		fd_release(claimed[n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	close(fd);
}

static void test_failed_claim_closes(void **state)
{
	int fd = open("/dev/null", O_RDWR);

	(void)state;
	fault_arm(1);
	assert_int_equal(fd_claim(fd), -EMFILE);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(fd_claim_dup(fd), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_missing_operations),
		harness_test(test_last_reference_releases),
		harness_test(test_own_table),
		harness_test(test_failed_install_changes_nothing),
		harness_test(test_claimed_descriptors),
		harness_test(test_claim_when_high_numbers_are_used),
		harness_test(test_failed_claim_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
