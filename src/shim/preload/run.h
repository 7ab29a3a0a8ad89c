/* SPDX-License-Identifier: BSD-3-Clause */
/* The run that this process belongs to: whether there is one, and where. */
#ifndef PRELOAD_RUN_H
#define PRELOAD_RUN_H

#include <stdatomic.h>
#include "base/compiler.h"

/* Longest path of a run directory's tree. */
#define RUN_PATH_MAX 512u

enum run_state {
	RUN_UNKNOWN, /* nobody has looked */
	RUN_STARTING, /* somebody is looking */
	RUN_NONE, /* not under "run": everything is passed on */
	RUN_ACTIVE,
};

/**
 * struct run - the run; constant once it is RUN_ACTIVE
 * @dir: the run directory
 * @tree: the directory of the files served, no slash at the end
 * @tree_len: its length
 * @preload: LD_PRELOAD as it was at the start
 * @library: path of this library
 */
struct run {
	atomic_int state;
	char dir[RUN_PATH_MAX];
	char tree[RUN_PATH_MAX];
	size_t tree_len;
	char preload[2 * RUN_PATH_MAX];
	char library[RUN_PATH_MAX];
};

extern struct run run __attribute__((visibility("hidden")));

/* Looks at the environment. Return: is there a run? */
bool run_start(void);

static inline bool run_is_active(void)
{
	int state = atomic_load_explicit(&run.state, memory_order_acquire);

	if (likely(state >= RUN_STARTING))
		return state == RUN_ACTIVE;
	return run_start();
}

/* One line on standard error, by one write, prefixed with our name. */
void run_log(const char *format, ...) printf_like(1, 2);

#endif /* PRELOAD_RUN_H */
