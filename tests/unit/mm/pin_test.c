/* SPDX-License-Identifier: BSD-3-Clause */
/* Pinning: what is validated, charged, and refused. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/err.h"
#include "harness/harness.h"
#include "mm/mm.h"

#define PAGE 4096ull

static char *map_pages(size_t n, int prot)
{
	char *map =
		mmap(NULL, n * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	return map;
}

static int pin(const void *start, size_t len, bool is_writable)
{
	uintptr_t address = 0;
	int err = mm_pin(mm_process(), (uintptr_t)start, len, is_writable,
			 MM_ACCOUNT_USER, &address);

	if (!err)
		assert_int_equal(address, (uintptr_t)start);
	return err;
}

static void unpin(const void *start, size_t len)
{
	mm_unpin(mm_process(), (uintptr_t)start, len, MM_ACCOUNT_USER);
}

static __u64 pinned_pages(void)
{
	struct mm_stats stats;

	mm_stats(&stats);
	return stats.pinned_pages;
}

static void every_page_must_exist_and_permit(void **state)
{
	char *map = map_pages(4, PROT_READ | PROT_WRITE);

	(void)state;
	assert_int_equal(pin(map, 4 * PAGE, true), 0);
	assert_true(mm_is_pinned(map + PAGE, 1));
	assert_int_equal(pinned_pages(), 4);
	unpin(map, 4 * PAGE);
	assert_int_equal(pinned_pages(), 0);
	assert_false(mm_is_pinned(map, 4 * PAGE));

	mprotect(map + 2 * PAGE, PAGE, PROT_READ);
	assert_int_equal(pin(map, 4 * PAGE, true), -EFAULT);
	assert_int_equal(pin(map, 4 * PAGE, false), 0);
	unpin(map, 4 * PAGE);
	munmap(map + PAGE, PAGE);
	assert_int_equal(pin(map, 4 * PAGE, false), -EFAULT);
	assert_int_equal(pin(NULL, PAGE, false), -EFAULT);
	assert_int_equal(pinned_pages(), 0);
	munmap(map, 4 * PAGE);
}

static void parts_of_pages_charge_whole_ones(void **state)
{
	char *map = map_pages(2, PROT_READ | PROT_WRITE);

	(void)state;
	assert_int_equal(pin(map + PAGE - 1, 2, true), 0);
	assert_int_equal(pinned_pages(), 2);
	assert_int_equal(pin(map + PAGE - 1, 2, true), 0);
	assert_int_equal(pinned_pages(), 4);
	unpin(map + PAGE - 1, 2);
	assert_true(mm_is_pinned(map, 2 * PAGE));
	unpin(map + PAGE - 1, 2);
	assert_false(mm_is_pinned(map, 2 * PAGE));
	munmap(map, 2 * PAGE);
}

static void files_are_mapped_once_and_checked(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct mm_memory *memory;
	uintptr_t first;
	uintptr_t second;

	(void)state;
	assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
	memory = mm_file_get(fd);
	assert_false(is_err(memory));
	assert_int_equal(
		mm_pin(memory, PAGE, PAGE, true, MM_ACCOUNT_USER, &first), 0);
	assert_int_equal(mm_pin(memory, 2 * PAGE, PAGE, true, MM_ACCOUNT_USER,
				&second),
			 0);
	assert_int_equal(second - first, PAGE);
	assert_int_equal(pwrite(fd, "seen", 4, PAGE), 4);
	assert_memory_equal((void *)first, "seen", 4);
	assert_int_equal(mm_pin(memory, 3 * PAGE, 2 * PAGE, true,
				MM_ACCOUNT_USER, &second),
			 -EINVAL);
	assert_int_equal(ftruncate(fd, 8 * PAGE), 0);
	assert_int_equal(mm_pin(memory, 3 * PAGE, 2 * PAGE, true,
				MM_ACCOUNT_USER, &second),
			 0);
	mm_unpin(memory, second, 2 * PAGE, MM_ACCOUNT_USER);
	mm_unpin(memory, first, PAGE, MM_ACCOUNT_USER);
	mm_unpin(memory, first + PAGE, PAGE, MM_ACCOUNT_USER);
	assert_ptr_equal(mm_file_get(fd), memory);
	mm_memory_put(memory);
	mm_memory_put(memory);
	close(fd);
	assert_int_equal(pinned_pages(), 0);
}

static void files_of_other_kinds_are_refused(void **state)
{
	char path[] = "/proc/self/fd/000000";
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct mm_memory *memory;
	uintptr_t address;
	int other;

	(void)state;
	assert_int_equal(ptr_err(mm_file_get(-1)), -EBADF);
	assert_int_equal(ptr_err(mm_file_get(1 << 20)), -EBADF);
	other = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	memory = mm_file_get(other);
	assert_false(is_err(memory));
	assert_int_equal(mm_pin(memory, 0, PAGE, false, MM_ACCOUNT_USER,
				&address),
			 -EINVAL);
	mm_memory_put(memory);
	close(other);

	assert_int_equal(ftruncate(fd, PAGE), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_RDONLY | O_CLOEXEC);
	memory = mm_file_get(other);
	assert_int_equal(mm_pin(memory, 0, PAGE, true, MM_ACCOUNT_USER,
				&address),
			 -EFAULT);
	assert_int_equal(
		mm_pin(memory, 0, PAGE, false, MM_ACCOUNT_USER, &address), 0);
	mm_unpin(memory, address, PAGE, MM_ACCOUNT_USER);
	mm_memory_put(memory);
	close(other);
	close(fd);
}

/* CAP_IPC_LOCK is what the limit does not hold for. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

	assert_int_equal(syscall(SYS_capset, &header, none), 0);
}

/* As fork() under the preload library. */
static pid_t fork_without_pins(void)
{
	pid_t child;

	mm_fork_prepare();
	child = fork();
	if (child)
		mm_fork_parent();
	else
		mm_fork_child();
	return child;
}

static int pin_as(const void *start, size_t len, enum mm_account account)
{
	uintptr_t address;

	return mm_pin(mm_process(), (uintptr_t)start, len, true, account,
		      &address);
}

static void pin_up_to_the_limit(void)
{
	struct rlimit limit = { .rlim_cur = 2 * PAGE, .rlim_max = 2 * PAGE };
	char *map = map_pages(4, PROT_READ | PROT_WRITE);

	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	assert_int_equal(pin(map, 4 * PAGE, true), 0); /* only counted */
	unpin(map, 4 * PAGE);
	mm_enforce_limit();
	assert_int_equal(pin(map, 3 * PAGE, true), -ENOMEM);
	assert_int_equal(pinned_pages(), 0);
	assert_int_equal(pin(map, 2 * PAGE, true), 0);
	assert_int_equal(pin(map, 1, true), -ENOMEM);
	/* The two modes are counted apart. */
	assert_int_equal(pin_as(map, 2 * PAGE, MM_ACCOUNT_PROCESS), 0);
	assert_int_equal(pin_as(map, 1, MM_ACCOUNT_PROCESS), -ENOMEM);
	mm_unpin(mm_process(), (uintptr_t)map, 2 * PAGE, MM_ACCOUNT_PROCESS);
	unpin(map, 2 * PAGE);
	assert_int_equal(pin(map, 2 * PAGE, true), 0);
	unpin(map, 2 * PAGE);
	assert_int_equal(pinned_pages(), 0);
}

/* In a child: what it gives up is not given back. */
static void the_limit_holds_when_enforced(void **state)
{
	pid_t child;
	int status;

	(void)state;
	child = fork_without_pins();
	if (!child) {
		drop_capabilities();
		pin_up_to_the_limit();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void who_may_lock_anything_does(void **state)
{
	pid_t child;
	int status;

	(void)state;
	child = fork_without_pins();
	if (!child) {
		struct rlimit limit = { .rlim_cur = 0, .rlim_max = 0 };
		char *map = map_pages(1, PROT_READ | PROT_WRITE);

		setrlimit(RLIMIT_MEMLOCK, &limit);
		mm_enforce_limit();
		_exit(pin(map, PAGE, true) ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), geteuid() ? 1 : 0);
}

static void huge_pages_are_pinned(void **state)
{
	const size_t len = 2u << 20;
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_HUGETLB);
	struct mm_memory *memory;
	uintptr_t address;

	(void)state;
	if (fd < 0 || ftruncate(fd, (off_t)len))
		skip_with_reason("no hugetlbfs here");
	memory = mm_file_get(fd);
	assert_false(is_err(memory));
	assert_int_equal(
		mm_pin(memory, PAGE, PAGE, true, MM_ACCOUNT_USER, &address), 0);
	assert_int_equal(pinned_pages(), 1);
	mm_unpin(memory, address, PAGE, MM_ACCOUNT_USER);
	assert_int_equal(mm_pin(memory, len, 1, true, MM_ACCOUNT_USER,
				&address),
			 -EINVAL);
	mm_memory_put(memory);
	close(fd);
}

static int pin_and_unpin(void *arg)
{
	int err = pin(arg, PAGE, true);

	if (!err)
		unpin(arg, PAGE);
	assert_int_equal(pinned_pages(), 0);
	return err;
}

static int pin_file(void *arg)
{
	struct mm_memory *memory = mm_file_get(*(int *)arg);
	uintptr_t address;
	int err;

	if (is_err(memory))
		return ptr_err(memory);
	err = mm_pin(memory, 0, PAGE, true, MM_ACCOUNT_USER, &address);
	if (!err)
		mm_unpin(memory, address, PAGE, MM_ACCOUNT_USER);
	mm_memory_put(memory);
	assert_int_equal(pinned_pages(), 0);
	return err;
}

static void every_failure_leaves_nothing(void **state)
{
	char *map = map_pages(1, PROT_READ | PROT_WRITE);
	int fd = memfd_create("test", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_true(fail_nth_sweep(pin_and_unpin, map) > 0);
	assert_true(fail_nth_sweep(pin_file, &fd) > 0);
	close(fd);
	munmap(map, PAGE);
}

/* The registry of the process keeps a little memory from the first pin on. */
static int warm_up(void **state)
{
	char *map = map_pages(1, PROT_READ | PROT_WRITE);

	(void)state;
	assert_int_equal(pin(map, PAGE, true), 0);
	unpin(map, PAGE);
	munmap(map, PAGE);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(every_page_must_exist_and_permit),
		harness_test(parts_of_pages_charge_whole_ones),
		harness_test(files_are_mapped_once_and_checked),
		harness_test(files_of_other_kinds_are_refused),
		harness_test(the_limit_holds_when_enforced),
		harness_test(who_may_lock_anything_does),
		harness_test(huge_pages_are_pinned),
		harness_test(every_failure_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, warm_up, NULL);
}
