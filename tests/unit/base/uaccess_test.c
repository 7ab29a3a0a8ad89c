/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every copy routine that this CPU can run: all short lengths at all
 * misalignments, and a fault at every byte, on either side.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/copy_x86_64.h"
#include "base/fault.h"
#include "base/uaccess.h"
#include "harness/harness.h"

#define PAGE ((size_t)4096)
#define LEN_SHORT 300u
#define MISALIGNED 64u
/* Room around the destination that no copy may touch. */
#define MARGIN 64u
#define UNTOUCHED 0xee

struct variant {
	const char *name;
	copy_routine *copy;
	bool is_supported;
};

static struct variant variants[] = {
	{ "sse2", copy_may_fault_sse2, true },
	{ "avx2", copy_may_fault_avx2, false },
	{ "avx512", copy_may_fault_avx512, false },
	{ "best", copy_may_fault, true },
};

static void find_variants(void)
{
	variants[1].is_supported = __builtin_cpu_supports("avx2");
	variants[2].is_supported = __builtin_cpu_supports("avx512f") &&
				   __builtin_cpu_supports("avx512vl");
}

static void for_each_variant(void (*run)(copy_routine *copy))
{
	size_t i;

	harness_catch_faults();
	for (i = 0; i < array_len(variants); i++) {
		if (variants[i].is_supported)
			run(variants[i].copy);
		else
			print_message("SKIP: this CPU has no %s\n",
				      variants[i].name);
	}
}

/* Byte i of every source: no two neighbours, and no two pages, are alike. */
static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 7 + i / 251 + 1);
}

static void fill_pattern(unsigned char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = pattern(i);
}

static bool is_untouched(const unsigned char *bytes, size_t len)
{
	while (len--) {
		if (bytes[len] != UNTOUCHED)
			return false;
	}
	return true;
}

static void copy_once(copy_routine *copy, size_t dst_offset, size_t src_offset,
		      size_t len)
{
	static unsigned char src[LEN_SHORT + 2 * MISALIGNED];
	static unsigned char dst[LEN_SHORT + MISALIGNED + 2 * MARGIN];
	unsigned char *to = dst + MARGIN + dst_offset;

	fill_pattern(src, sizeof(src));
	memset(dst, UNTOUCHED, sizeof(dst));
	assert_int_equal(copy(to, src + src_offset, len), 0);
	assert_memory_equal(to, src + src_offset, len);
	assert_true(is_untouched(dst, (size_t)(to - dst)));
	assert_true(is_untouched(to + len,
				 (size_t)(dst + sizeof(dst) - (to + len))));
}

static void copy_short(copy_routine *copy)
{
	size_t dst_offset, src_offset, len;

	for (len = 0; len <= LEN_SHORT; len++) {
		for (dst_offset = 0; dst_offset < MISALIGNED; dst_offset += 3)
			copy_once(copy, dst_offset, 5, len);
		for (src_offset = 0; src_offset < MISALIGNED; src_offset += 5)
			copy_once(copy, 3, src_offset, len);
	}
	for (dst_offset = 0; dst_offset < MISALIGNED; dst_offset++) {
		for (src_offset = 0; src_offset < MISALIGNED; src_offset++)
			copy_once(copy, dst_offset, src_offset, 97);
	}
}

static void test_short_copies(void **state)
{
	(void)state;
	for_each_variant(copy_short);
}

static void copy_long(copy_routine *copy)
{
	static const size_t lens[] = {
		511,  512,  513,   1000,	   4095,     4096,
		4097, 8191, 65537, (1u << 20) - 1, 1u << 20, (1u << 20) + 77
	};
	static unsigned char src[(1u << 20) + 256], dst[(1u << 20) + 512];
	size_t i, offset;

	fill_pattern(src, sizeof(src));
	for (i = 0; i < array_len(lens); i++) {
		for (offset = 0; offset < 128; offset += 31) {
			memset(dst, UNTOUCHED, sizeof(dst));
			assert_int_equal(copy(dst + MARGIN + offset, src + 9,
					      lens[i]),
					 0);
			assert_memory_equal(dst + MARGIN + offset, src + 9,
					    lens[i]);
			assert_true(is_untouched(dst, MARGIN + offset));
			assert_true(is_untouched(
				dst + MARGIN + offset + lens[i], MARGIN));
		}
	}
}

static void test_long_copies(void **state)
{
	(void)state;
	for_each_variant(copy_long);
}

/* The last @n_good bytes before the hole can be read; all after cannot. */
static void fault_on_source(copy_routine *copy, unsigned char *page,
			    size_t n_good, size_t len)
{
	static unsigned char dst[4 * PAGE];
	unsigned char *from = page + PAGE - n_good;

	memset(dst, UNTOUCHED, sizeof(dst));
	assert_int_equal(copy(dst + 1, from, len), len - n_good);
	assert_memory_equal(dst + 1, from, n_good);
	assert_true(is_untouched(dst + 1 + n_good, len - n_good + MARGIN));
}

static void fault_on_destination(copy_routine *copy, unsigned char *page,
				 size_t n_good, size_t len)
{
	static unsigned char src[4 * PAGE];
	unsigned char *to = page + PAGE - n_good;

	fill_pattern(src, sizeof(src));
	memset(page, UNTOUCHED, PAGE);
	assert_int_equal(copy(to, src + 3, len), len - n_good);
	assert_memory_equal(to, src + 3, n_good);
	assert_true(is_untouched(page, PAGE - n_good));
}

static const size_t faulting_lens[] = { 1,   2,	  3,   4,   7,	 8,   15,
					16,  17,  31,  32,  33,	 63,  64,
					65,  100, 128, 129, 200, 256, 257,
					300, 512, 513, 777, 1100 };

/* Sources must keep their pattern, destinations lose it: a page for each. */
static void copy_with_faults(copy_routine *copy)
{
	unsigned char *src_page = harness_map_before_hole(PAGE);
	unsigned char *dst_page = harness_map_before_hole(PAGE);
	size_t i, n_good;

	fill_pattern(src_page, PAGE);
	for (i = 0; i < array_len(faulting_lens); i++) {
		for (n_good = 0; n_good < faulting_lens[i]; n_good++) {
			fault_on_source(copy, src_page, n_good,
					faulting_lens[i]);
			fault_on_destination(copy, dst_page, n_good,
					     faulting_lens[i]);
		}
	}
	harness_unmap_before_hole(src_page, PAGE);
	harness_unmap_before_hole(dst_page, PAGE);
}

static void test_fault_at_every_byte(void **state)
{
	(void)state;
	for_each_variant(copy_with_faults);
}

/* Long enough for "rep movsb". */
static void copy_long_with_faults(copy_routine *copy)
{
	static unsigned char other[2u << 20];
	size_t room = (size_t)1 << 20, len = room + room / 2;
	unsigned char *map = harness_map_before_hole(room);
	size_t n_good;

	fill_pattern(map, room);
	for (n_good = 0; n_good <= room; n_good += room / 7) {
		assert_int_equal(copy(other, map + room - n_good, len),
				 len - n_good);
		assert_memory_equal(other, map + room - n_good, n_good);
		assert_int_equal(copy(map + room - n_good, other, len),
				 len - n_good);
	}
	harness_unmap_before_hole(map, room);
}

static void test_fault_in_long_copies(void **state)
{
	(void)state;
	for_each_variant(copy_long_with_faults);
}

static void copy_bad_addresses(copy_routine *copy)
{
	void *bad[] = { NULL, (void *)8, (void *)0x8000000000000000,
			(void *)0x0123456789abcdef, (void *)(UINTPTR_MAX - 3) };
	unsigned char bytes[700];
	size_t lens[] = { 1, 2, 4, 8, 16, 40, 64, 100, 200, 400, 700 };
	size_t i, k;

	memset(bytes, 1, sizeof(bytes));
	for (i = 0; i < array_len(bad); i++) {
		for (k = 0; k < array_len(lens); k++) {
			assert_int_equal(copy(bytes, bad[i], lens[k]), lens[k]);
			assert_int_equal(copy(bad[i], bytes, lens[k]), lens[k]);
		}
		assert_int_equal(copy(bytes, bad[i], 0), 0);
	}
}

static void test_addresses_that_never_were(void **state)
{
	(void)state;
	for_each_variant(copy_bad_addresses);
}

/* A file that became shorter than its mapping gives SIGBUS. */
static void copy_truncated(copy_routine *copy)
{
	static unsigned char bytes[3 * PAGE];
	int fd = memfd_create("truncated", MFD_CLOEXEC);
	unsigned char *map;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 2 * PAGE), 0);
	map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	fill_pattern(map, 2 * PAGE);
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(copy(bytes, map + 100, PAGE), 100);
	assert_memory_equal(bytes, map + 100, PAGE - 100);
	assert_int_equal(copy(map + PAGE - 10, bytes, 20), 10);
	assert_int_equal(munmap(map, 2 * PAGE), 0);
	close(fd);
}

static void test_truncated_file(void **state)
{
	(void)state;
	for_each_variant(copy_truncated);
}

static void test_copy_from_and_to_user(void **state)
{
	unsigned char *page = harness_map_before_hole(PAGE);
	int value = 5, other = 0;

	(void)state;
	harness_catch_faults();
	assert_int_equal(copy_to_user(page, &value, sizeof(value)), 0);
	assert_int_equal(copy_from_user(&other, page, sizeof(other)), 0);
	assert_int_equal(other, 5);
	assert_int_equal(copy_from_user(&other, page + PAGE - 2, sizeof(other)),
			 -EFAULT);
	assert_int_equal(copy_to_user(page + PAGE - 2, &value, sizeof(value)),
			 -EFAULT);
	fault_arm(1);
	assert_int_equal(copy_from_user(&other, page, sizeof(other)), -EFAULT);
	fault_arm(1);
	assert_int_equal(copy_to_user(page, &value, sizeof(value)), -EFAULT);
	harness_unmap_before_hole(page, PAGE);
}

static void test_check_zeroed(void **state)
{
	unsigned char *page = harness_map_before_hole(PAGE);
	size_t i;

	(void)state;
	harness_catch_faults();
	assert_int_equal(check_zeroed_user(page, PAGE), 0);
	assert_int_equal(check_zeroed_user(NULL, 0), 0);
	assert_int_equal(check_zeroed_user(page, PAGE + 1), -EFAULT);
	for (i = 0; i < PAGE; i += 85) {
		page[i] = 1;
		assert_int_equal(check_zeroed_user(page, PAGE), -E2BIG);
		/* The byte comes before the hole. */
		assert_int_equal(check_zeroed_user(page, PAGE + 1), -E2BIG);
		assert_int_equal(check_zeroed_user(page, i), 0);
		page[i] = 0;
	}
	harness_unmap_before_hole(page, PAGE);
}

/* A variable, so that the compiler does not see how bad it is. */
static volatile char *volatile bad_address = (volatile char *)16;

static void exit_with_7(int sig, siginfo_t *info, void *ucontext)
{
	(void)sig;
	(void)info;
	(void)ucontext;
	_exit(7);
}

/* Runs in a child; the exit status is the line of what went wrong, or 0. */
#define child_assert(cond)                          \
	do {                                        \
		if (!(cond))                        \
			_exit(__LINE__ % 200 + 20); \
	} while (0)

static void child_with_handlers(void)
{
	struct sigaction action = { .sa_sigaction = exit_with_7,
				    .sa_flags = SA_SIGINFO };
	struct sigaction now;
	char byte;

	child_assert(!sigaction(SIGSEGV, &action, NULL));
	child_assert(!uaccess_install_handlers(NULL));
	child_assert(!sigaction(SIGSEGV, NULL, &now));
	child_assert(now.sa_sigaction != exit_with_7);
	/* The second time changes nothing: no handler that calls itself. */
	child_assert(!uaccess_install_handlers(NULL));
	child_assert(copy_may_fault(&byte, (void *)16, 1) == 1);
	/* Not ours: the earlier handler ends the child. */
	*bad_address = 1;
	_exit(1);
}

static bool make_readable(const siginfo_t *info, void *ucontext)
{
	(void)ucontext;
	return info->si_addr != (void *)16 &&
	       !mprotect(info->si_addr, PAGE, PROT_READ);
}

/* A fault that somebody else knows is asked of him, after our copies. */
static void child_other_handles(void)
{
	char *page =
		mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char byte;

	child_assert(page != MAP_FAILED);
	child_assert(!uaccess_install_handlers(make_readable));
	child_assert(copy_may_fault(&byte, page, 1) == 1);
	child_assert(*(volatile char *)page == 0);
	child_assert(copy_may_fault(&byte, page, 1) == 0);
	_exit(0);
}

static void child_default_action(void)
{
	signal(SIGSEGV, SIG_DFL);
	child_assert(!uaccess_install_handlers(NULL));
	*bad_address = 1;
	_exit(1);
}

static void child_host_owns(void)
{
	struct sigaction action = { .sa_sigaction = exit_with_7,
				    .sa_flags = SA_SIGINFO };
	struct sigaction now;

	child_assert(!sigaction(SIGSEGV, &action, NULL));
	uaccess_host_handles_faults();
	child_assert(!uaccess_install_handlers(NULL));
	child_assert(!sigaction(SIGSEGV, NULL, &now));
	child_assert(now.sa_sigaction == exit_with_7);
	_exit(0);
}

static int status_of(void (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		alarm(20);
		run();
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_own_handlers(void **state)
{
	int status = status_of(child_with_handlers);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	status = status_of(child_other_handles);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	status = status_of(child_default_action);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	status = status_of(child_host_owns);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_short_copies),
		harness_test(test_long_copies),
		harness_test(test_fault_at_every_byte),
		harness_test(test_fault_in_long_copies),
		harness_test(test_addresses_that_never_were),
		harness_test(test_truncated_file),
		harness_test(test_copy_from_and_to_user),
		harness_test(test_check_zeroed),
		harness_test(test_own_handlers),
	};

	find_variants();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
