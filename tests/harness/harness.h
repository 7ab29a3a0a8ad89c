/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What all test programs share: the check that nothing was left behind, the
 * failure sweep, random numbers that can be had again, bad memory.
 *
 * It brings cmocka in with the headers that cmocka wants before itself.
 */
#ifndef HARNESS_HARNESS_H
#define HARNESS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/compiler.h"

/*
 * Before and after a test: the blocks on the heap must be as many as before,
 * and no invariant of ours may have been found broken.
 */
int harness_setup(void **state);
int harness_teardown(void **state);

/* An entry of a cmocka test table that is checked so. */
#define harness_test(function)                                   \
	cmocka_unit_test_setup_teardown(function, harness_setup, \
					harness_teardown)

/* This test breaks invariants on purpose: exactly @n warnings must come. */
void harness_expect_warnings(unsigned int n);

/**
 * fail_nth_sweep() - fail every step that can fail, one a run
 * @run: does something and undoes all of it, also when it fails midway.
 *	Return: 0 or -errno
 * @arg: passed on
 *
 * Runs @run with its 1st, 2nd, ... nth fault point failing, until a run does
 * not reach the fault; that run must succeed. After each run nothing may be
 * left on the heap and no warning may have been given.
 *
 * Return: the runs in which a fault was hit.
 */
unsigned int fail_nth_sweep(int (*run)(void *arg), void *arg);

/* Say why this test cannot run here, and skip it. */
#define skip_with_reason(...)                        \
	do {                                         \
		print_message("SKIP: " __VA_ARGS__); \
		print_message("\n");                 \
		skip();                              \
	} while (0)

/**
 * struct harness_random - numbers that the printed seed gives again
 * @state: never 0
 */
struct harness_random {
	__u64 state;
};

/* The seed is HARNESS_SEED of the environment, else the time; it is printed. */
void harness_random_init(struct harness_random *random);
__u64 harness_random_next(struct harness_random *random);

/* Return: 0 to @n - 1. */
__u64 harness_random_below(struct harness_random *random, __u64 n);

/**
 * harness_catch_faults() - let copies of ours survive bad memory
 *
 * To be called in the test itself: cmocka takes the signals for itself before
 * each test and each fixture, and puts everything back after it.
 */
void harness_catch_faults(void);

/*
 * Memory of @len bytes, a multiple of a page, with a page without any access
 * right behind it.
 */
void *harness_map_before_hole(size_t len);
void harness_unmap_before_hole(void *map, size_t len);

#endif /* HARNESS_HARNESS_H */
