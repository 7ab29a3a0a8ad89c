/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the benchmarks share: the clock, rounds that interleave what is
 * compared, and the rows of the report.
 *
 * A time counts only as a ratio inside one run: each round runs every side
 * once, and a ratio is taken round by round. A row is printed as one line of
 * JSON, which bench/run collects.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BENCH_ROUNDS = 9,
	BENCH_PAGE_LEN = 4096,
	BENCH_NAME_LEN = 96,
};

/* How much is measured: environment variable BENCH_SCALE. */
enum bench_scale {
	BENCH_SMOKE, /* every row, nothing that means anything */
	BENCH_QUICK, /* about a minute */
	BENCH_FULL,
};

enum bench_scale bench_scale(void);

/* Return: @full, @quick or @smoke, as the scale is. */
uint64_t bench_pick(uint64_t full, uint64_t quick, uint64_t smoke);

/* Rounds of this run: BENCH_ROUNDS, less for the smoke test. */
unsigned int bench_n_rounds(void);

/* Print what failed and exit: a benchmark has no way on. */
void bench_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* Fail unless @is_true. */
void bench_check(bool is_true, const char *what);

/* The calling thread, or thread @tid, runs on this CPU only. */
void bench_pin_cpu(unsigned int cpu);
void bench_pin_thread(int tid, unsigned int cpu);

/* How many CPUs there are to run on. */
unsigned int bench_n_cpus(void);

/*
 * Nanoseconds: monotonic; of the calling thread on a CPU, for what waits for
 * nobody, since other work of the machine does not count then; of all threads.
 */
uint64_t bench_now(void);
uint64_t bench_thread_time(void);
uint64_t bench_cpu_time(void);

/* Resident memory of the process in bytes, exact. */
uint64_t bench_resident(void);

/* Zeroed memory that is there already, in pages of 4 KiB. Never freed. */
void *bench_alloc(uint64_t len);

/* The compiler must believe that @value is used, and memory with it. */
static inline void bench_consume(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

/* Pseudo-random numbers, the same in each run. @state is never 0. */
static inline uint64_t bench_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Put @n numbers into random order. */
void bench_shuffle(uint32_t *numbers, uint32_t n, uint64_t seed);

/* ---- rounds ------------------------------------------------------------ */

/**
 * struct bench_side - one of the things compared
 * @run: measure once. Return: nanoseconds for one operation
 * @arg: its argument
 * @is_yardstick: the run is noisy when this one's spread is too large
 * @values: a result a round
 */
struct bench_side {
	double (*run)(void *arg);
	void *arg;
	bool is_yardstick;
	double values[BENCH_ROUNDS];
};

/**
 * struct bench_figure - the outcome of the rounds
 * @median: of all
 * @spread: from the lower to the upper quartile, as a part of the median
 */
struct bench_figure {
	double median;
	double spread;
};

/**
 * bench_rounds() - run all sides in turn, again and again
 *
 * When a yardstick's spread is above 15 %, all is done again: three times at
 * most, and not when that has taken more than 10 s.
 *
 * Return: true when it still was at the end: noisy.
 */
bool bench_rounds(struct bench_side *sides, unsigned int n_sides);

struct bench_figure bench_figure(const struct bench_side *side);

/* Of a's values divided by b's, round by round; or a's minus b's. */
struct bench_figure bench_ratio(const struct bench_side *a,
				const struct bench_side *b);
struct bench_figure bench_excess(const struct bench_side *a,
				 const struct bench_side *b);

/* ---- rows -------------------------------------------------------------- */

enum bench_sense {
	BENCH_INFO, /* no target */
	BENCH_AT_MOST,
	BENCH_AT_LEAST,
};

/**
 * struct bench_row - one line of the report
 * @name: what
 * @unit: of the value
 * @figure: the value and its spread
 * @sense: what the target means
 * @target: the value to reach
 * @is_noisy: a yardstick was
 * @is_absent: the peer is not there; why is in @unit's place in the table
 */
struct bench_row {
	char name[BENCH_NAME_LEN];
	const char *unit;
	struct bench_figure figure;
	enum bench_sense sense;
	double target;
	bool is_noisy;
	const char *absent;
};

void bench_report(const struct bench_row *row);

/* Shorter: the name is made as by printf(). */
struct bench_row bench_row(const char *unit, struct bench_figure figure,
			   bool is_noisy);
void bench_at_most(struct bench_row row, double target, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
void bench_at_least(struct bench_row row, double target, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
void bench_info(struct bench_row row, const char *name, ...)
	__attribute__((format(printf, 2, 3)));

/* One value without rounds. */
struct bench_figure bench_exact(double value);

#endif /* BENCH_BENCH_H */
