/* SPDX-License-Identifier: BSD-3-Clause */
/* The clock, memory, and chance: what every benchmark needs. */
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"

enum bench_scale bench_scale(void)
{
	const char *scale = getenv("BENCH_SCALE");

	if (scale && !strcmp(scale, "smoke"))
		return BENCH_SMOKE;
	if (scale && !strcmp(scale, "quick"))
		return BENCH_QUICK;
	return BENCH_FULL;
}

uint64_t bench_pick(uint64_t full, uint64_t quick, uint64_t smoke)
{
	switch (bench_scale()) {
	case BENCH_SMOKE:
		return smoke;
	case BENCH_QUICK:
		return quick;
	default:
		return full;
	}
}

void bench_fail(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "bench: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1);
}

void bench_check(bool is_true, const char *what)
{
	if (!is_true)
		bench_fail("%s", what);
}

unsigned int bench_n_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(getpid(), sizeof(set), &set))
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

void bench_pin_thread(int tid, unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* On a machine with one CPU all is measured, and worth little. */
	sched_setaffinity(tid, sizeof(set), &set);
}

void bench_pin_cpu(unsigned int cpu)
{
	bench_pin_thread(0, cpu);
}

static uint64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t bench_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

uint64_t bench_thread_time(void)
{
	return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t bench_cpu_time(void)
{
	return clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

/* statm is behind by some pages a thread; this one walks the page tables. */
uint64_t bench_resident(void)
{
	unsigned long kib = 0;
	char line[256];
	FILE *file;

	file = fopen("/proc/self/smaps_rollup", "r");
	bench_check(file, "/proc/self/smaps_rollup cannot be read");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Rss: %lu kB", &kib) == 1)
			break;
	fclose(file);
	return (uint64_t)kib * 1024;
}

void *bench_alloc(uint64_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	bench_check(memory != MAP_FAILED, "out of memory");
	madvise(memory, len, MADV_NOHUGEPAGE);
	/* Write: pages that were only read are all the same page of zeroes. */
	for (uint64_t i = 0; i < len; i += BENCH_PAGE_LEN)
		((volatile char *)memory)[i] = 0;
	return memory;
}

void bench_shuffle(uint32_t *numbers, uint32_t n, uint64_t seed)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t k = (uint32_t)(bench_random(&seed) % i);
		uint32_t number = numbers[i - 1];

		numbers[i - 1] = numbers[k];
		numbers[k] = number;
	}
}
