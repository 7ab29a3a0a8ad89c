/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls that take memory away pass the core when it is mapped for DMA. */
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include "shim_test.h"

#define PAGE 4096ul

static int device;

static void set_range(void *start, size_t len, bool is_holding)
{
	struct fake_range range = { start, len, is_holding };

	assert_int_equal(ioctl(device, FAKE_SET_RANGE, &range), 0);
}

static int setup(void **state)
{
	(void)state;
	device = open_device();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	set_range(NULL, 0, false);
	return close(device);
}

static char *map_pages(size_t n)
{
	char *map = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	return map;
}

/* The core was told of exactly this since the last call. */
static void assert_left(void *start, size_t len)
{
	static unsigned int n_before;
	unsigned int n = log_count("leaving");
	char line[64];

	snprintf(line, sizeof(line), "leaving %#lx %zu\n", (unsigned long)start,
		 len);
	assert_true(log_count(line) > 0);
	assert_int_equal(n, n_before + 1);
	n_before = n;
}

static void test_unmapping(void **state)
{
	unsigned int n = log_count("leaving");
	char *map = map_pages(8);

	(void)state;
	/* Not mapped for DMA: nothing is said. */
	assert_int_equal(madvise(map, PAGE, MADV_DONTNEED), 0);
	assert_int_equal(munmap(map + 7 * PAGE, PAGE), 0);
	assert_int_equal(log_count("leaving"), n);
	set_range(map, 4 * PAGE, false);
	assert_int_equal(munmap(map + 5 * PAGE, PAGE), 0);
	assert_int_equal(madvise(map, PAGE, MADV_WILLNEED), 0);
	assert_int_equal(log_count("leaving"), n);
	assert_int_equal(munmap(map, PAGE - 1), 0);
	assert_left(map, PAGE);
	assert_int_equal(madvise(map + PAGE, PAGE, MADV_DONTNEED), 0);
	assert_left(map + PAGE, PAGE);
	assert_int_equal(madvise(map + PAGE, PAGE, MADV_FREE), 0);
	assert_left(map + PAGE, PAGE);
	assert_int_equal(mprotect(map + PAGE, PAGE, PROT_READ), 0);
	assert_int_equal(log_count("protect"), 1);
	assert_int_equal(mprotect(map + 1, PAGE, PROT_READ), -1);
	assert_int_equal(errno, EINVAL);
	assert_ptr_equal(mmap(map + 2 * PAGE, PAGE, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 map + 2 * PAGE);
	assert_left(map + 2 * PAGE, PAGE);
	assert_ptr_equal(mmap(map + 3 * PAGE, PAGE, PROT_READ,
			      MAP_SHARED | MAP_FIXED, device, 0),
			 map + 3 * PAGE);
	assert_left(map + 3 * PAGE, PAGE);
	assert_int_equal(syscall(SYS_munmap, map, 7 * PAGE), 0);
	assert_left(map, 7 * PAGE);
}

static void test_remapping(void **state)
{
	char *map = map_pages(4), *other = map_pages(4), *moved;

	(void)state;
	map[0] = 'x';
	set_range(map, PAGE, false);
	moved = mremap(map, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	assert_ptr_not_equal(moved, MAP_FAILED);
	assert_int_equal(log_count("remap 8192 262144"), 1);
	assert_int_equal(moved[0], 'x');
	set_range(other, PAGE, false);
	map = mremap(moved, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other);
	assert_ptr_equal(map, other);
	assert_left(other, PAGE);
	set_range(map, PAGE, false);
	assert_ptr_equal(mremap(map, 0, PAGE, 0), MAP_FAILED);
}

static void test_shared_memory(void **state)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600);
	char *map;

	(void)state;
	if (id < 0)
		skip();
	map = shmat(id, NULL, 0);
	shmctl(id, IPC_RMID, NULL);
	assert_ptr_not_equal(map, (void *)-1);
	set_range(map, PAGE, false);
	assert_int_equal(shmdt(map), 0);
	assert_left(map, 3 * PAGE);
}

static void test_break(void **state)
{
	char *end = sbrk(4 * (intptr_t)PAGE);
	char *aligned = (char *)(((uintptr_t)end + PAGE - 1) & ~(PAGE - 1));

	(void)state;
	assert_ptr_not_equal(end, (void *)-1);
	set_range(aligned, PAGE, false);
	assert_ptr_not_equal(sbrk(-4 * (intptr_t)PAGE), (void *)-1);
	assert_true(log_count("leaving") > 0);
	assert_left(aligned, 4 * PAGE);
}

static void test_freeing(void **state)
{
	unsigned int n = log_count("hold");
	char *small = malloc(1000), *big = malloc(1 << 20), *other;
	volatile uintptr_t address;

	(void)state;
	set_range(small, 1000, true);
	free(small);
	assert_int_equal(log_count("hold"), n);
	set_range(big, 1 << 20, true);
	((volatile char *)big)[5] = 'k';
	address = (uintptr_t)big;
	free(big);
	assert_int_equal(log_count("hold 1"), n + 1);
	/* Held back: it is still there, and not given out again. */
	assert_int_equal(((char *)address)[5], 'k');
	other = malloc(1 << 20);
	assert_int_not_equal((uintptr_t)other, address);
	set_range(NULL, 0, false);
	free(other);
	free((void *)address);
}

static void test_reallocating(void **state)
{
	unsigned int n = log_count("hold");
	char *block = malloc(1 << 20), *more;
	volatile uintptr_t address = (uintptr_t)block;

	(void)state;
	memset(block, 'm', 1 << 20);
	set_range(block, 1 << 20, true);
	more = realloc(block, 4 << 20);
	assert_non_null(more);
	assert_int_not_equal((uintptr_t)more, address);
	assert_int_equal(more[(1 << 20) - 1], 'm');
	assert_int_equal(log_count("hold"), n + 1);
	assert_int_equal(((char *)address)[0], 'm');
	set_range(NULL, 0, false);
	more = realloc(more, 2 << 20);
	assert_int_equal(more[(1 << 20) - 1], 'm');
	free(more);
	free((void *)address);
}

static void test_told(void **state)
{
	struct rlimit limit;
	int fd;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	assert_int_equal(log_count("memlock"), 0);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	assert_int_equal(log_count("memlock"), 1);
	assert_int_equal(prlimit(0, RLIMIT_MEMLOCK, NULL, &limit), 0);
	assert_int_equal(log_count("memlock"), 1);
	assert_int_equal(prlimit(0, RLIMIT_MEMLOCK, &limit, NULL), 0);
	assert_int_equal(log_count("memlock"), 2);
	fd = open("/dev/kvm", O_RDWR);
	assert_int_equal(log_count("kvm"), fd >= 0);
	if (fd >= 0)
		close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_unmapping, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_remapping, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_shared_memory, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_break, setup, teardown),
		cmocka_unit_test_setup_teardown(test_freeing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reallocating, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
