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

/* Handlers of a thread, one inside the other, of which we know. */
#define SELF_HANDLERS 4u

/**
 * struct self_handler - a handler of the program's that was called by us
 * @frame: it runs below this address of its stack
 * @blocked: struct self's, before it was called
 * @is_on_other_stack: that of sigaltstack()
 */
struct self_handler {
	uintptr_t frame;
	unsigned int blocked;
	bool is_on_other_stack;
};

/**
 * struct self - a thread
 * @slots: where it says which entries it is using; see fds.h
 * @core_depth: above 0 while the core runs, and always in the core's own
 *	threads: what they call is passed on as it is
 * @blocked: SIGSEGV and SIGBUS as the program believes to have masked them
 * @n_handlers: how many of @handlers run, or were left by siglongjmp()
 * @handlers: the innermost last
 *
 * Written by its thread alone, signal handlers included.
 */
struct self {
	struct fd_slots *slots;
	unsigned int core_depth;
	unsigned int blocked;
	unsigned int n_handlers;
	struct self_handler handlers[SELF_HANDLERS];
};

extern __thread struct self self
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

#endif /* PRELOAD_SELF_H */
