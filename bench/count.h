/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What bench/run has callgrind count. A program that counts does everything
 * else as well without callgrind.
 */
#ifndef BENCH_COUNT_H
#define BENCH_COUNT_H

#if defined(HAVE_CALLGRIND) && HAVE_CALLGRIND
#include <valgrind/callgrind.h>
#endif

static inline void count_start(void)
{
#if defined(HAVE_CALLGRIND) && HAVE_CALLGRIND
	CALLGRIND_ZERO_STATS;
	CALLGRIND_START_INSTRUMENTATION;
#endif
}

/* @name: "count", what, for which n, how often */
static inline void count_end(const char *name)
{
	(void)name;
#if defined(HAVE_CALLGRIND) && HAVE_CALLGRIND
	CALLGRIND_STOP_INSTRUMENTATION;
	CALLGRIND_DUMP_STATS_AT(name);
#endif
}

#endif /* BENCH_COUNT_H */
