/* SPDX-License-Identifier: BSD-3-Clause */
/* The fixture, the failure sweep and the small helpers of all tests. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/uaccess.h"
#include "harness/harness.h"

static size_t blocks_before;
static unsigned int warnings_before;
static unsigned int warnings_expected;

int harness_setup(void **state)
{
	(void)state;
	fault_arm(0);
	blocks_before = mem_n_blocks();
	warnings_before = warn_count();
	warnings_expected = 0;
	return 0;
}

int harness_teardown(void **state)
{
	(void)state;
	fault_arm(0);
	assert_int_equal(warn_count() - warnings_before, warnings_expected);
	assert_int_equal(mem_n_blocks(), blocks_before);
	return 0;
}

void harness_expect_warnings(unsigned int n)
{
	warnings_expected = n;
}

unsigned int fail_nth_sweep(int (*run)(void *arg), void *arg)
{
	size_t n_blocks = mem_n_blocks();
	unsigned int n_warnings = warn_count();
	unsigned int nth = 0;
	bool was_hit;
	int err;

	do {
		fault_arm(++nth);
		err = run(arg);
		was_hit = fault_was_hit();
		fault_arm(0);
		if (mem_n_blocks() != n_blocks)
			fail_msg("fault %u: %zu blocks before, %zu after", nth,
				 n_blocks, mem_n_blocks());
		if (warn_count() != n_warnings)
			fail_msg("fault %u: an invariant is broken", nth);
		if (!was_hit && err)
			fail_msg("no fault before %u, yet error %d", nth, err);
	} while (was_hit);
	return nth - 1;
}

void harness_random_init(struct harness_random *random)
{
	const char *text = getenv("HARNESS_SEED");

	random->state = text ? strtoull(text, NULL, 0) : time_now_ns();
	if (!random->state)
		random->state = 1;
	print_message("HARNESS_SEED=%llu\n", (unsigned long long)random->state);
}

/* Marsaglia's xorshift, with 64 bits of state. */
__u64 harness_random_next(struct harness_random *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return random->state;
}

__u64 harness_random_below(struct harness_random *random, __u64 n)
{
	return (harness_random_next(random) >> 16) % n;
}

static void fault_caught(int sig, siginfo_t *info, void *ucontext)
{
	(void)info;
	if (uaccess_fixup(ucontext))
		return;
	/* Not ours: the next fault ends the program. */
	signal(sig, SIG_DFL);
}

void harness_catch_faults(void)
{
	struct sigaction action = {
		.sa_sigaction = fault_caught,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};

	sigemptyset(&action.sa_mask);
	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
	assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
}

static size_t page_len(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void *harness_map_before_hole(size_t len)
{
	char *map = mmap(NULL, len + page_len(), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + len, page_len(), PROT_NONE), 0);
	return map;
}

void harness_unmap_before_hole(void *map, size_t len)
{
	assert_int_equal(munmap(map, len + page_len()), 0);
}
