/* SPDX-License-Identifier: BSD-3-Clause */
/* What this library keeps for each thread. */
#ifndef PRELOAD_SELF_H
#define PRELOAD_SELF_H

#include "base/compiler.h"

struct fd_slots;

/* Bits of struct self's blocked. */
enum self_signal {
	SELF_SEGV = 1u << 0,
	SELF_BUS = 1u << 1,
};

/**
 * struct self - a thread
 * @slots: where it says which entries it is using; see fds.h
 * @core_depth: above 0 while the core runs, and always in the core's own
 *	threads: what they call is passed on as it is
 * @blocked: SIGSEGV and SIGBUS as the program believes to have masked them
 *
 * Written by its thread alone, signal handlers included.
 */
struct self {
	struct fd_slots *slots;
	unsigned int core_depth;
	unsigned int blocked;
};

extern __thread struct self self
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

#endif /* PRELOAD_SELF_H */
