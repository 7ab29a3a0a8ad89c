/* SPDX-License-Identifier: BSD-3-Clause */
/* Pinning: what is validated, charged, and refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
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
		harness_test(every_failure_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, warm_up, NULL);
}
