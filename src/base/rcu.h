/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Read sections, and waiting for them.
 *
 * A thread publishes that it is inside a section with one full fence (about
 * 8 ns), and whoever took something away looks at every thread's word and
 * waits for those that were inside already. This makes a grace period cost
 * some hundred nanoseconds even while a device thread spins on the other
 * CPU. The alternative, readers without a fence and sys_membarrier() by the
 * writer (liburcu's memb flavour), costs 18 to 35 microseconds each time the
 * other CPU runs this process, thirty times the price of pinning a page, and
 * an unmap cannot return before its grace period is over.
 *
 * Sections nest; only the outermost pays. A burst of DMA is one section.
 */
#ifndef BASE_RCU_H
#define BASE_RCU_H

#include <stdatomic.h>
#include "base/compiler.h"

/**
 * struct rcu_reader - one thread, as writers see it
 * @epoch: 0 outside; inside, the epoch read when the section began, odd
 * @depth: sections open, of this thread only
 * @next: the registry, never shrinks; a slot is reused after its thread ended
 * @in_use: the slot belongs to a live thread
 */
struct rcu_reader {
	atomic_ulong epoch;
	unsigned int depth;
	atomic_bool in_use;
	struct rcu_reader *next;
} cacheline_aligned;

extern __thread struct rcu_reader *rcu_self
	__attribute__((tls_model("initial-exec")));
extern atomic_ulong rcu_epoch;

/**
 * rcu_thread_register() - give this thread a slot
 *
 * Called by itself at the first section of a thread; the slot is given back
 * when the thread ends.
 *
 * Return: 0 or -ENOMEM.
 */
int rcu_thread_register(void);

/* The caller is registered. */
static always_inline void rcu_read_lock(void)
{
	struct rcu_reader *self = rcu_self;

	if (self->depth++)
		return;
	/* The exchange is the fence: nothing below moves above it. */
	atomic_exchange_explicit(&self->epoch,
				 atomic_load_explicit(&rcu_epoch,
						      memory_order_relaxed),
				 memory_order_seq_cst);
}

static always_inline void rcu_read_unlock(void)
{
	struct rcu_reader *self = rcu_self;

	if (--self->depth)
		return;
	atomic_store_explicit(&self->epoch, 0, memory_order_release);
}

/**
 * rcu_synchronize() - wait for every section that is open now
 *
 * What was made unreachable before the call is used by nobody when it
 * returns. Context: not inside a section. May hold locks that no section
 * takes.
 */
void rcu_synchronize(void);

/* In the child of a fork: the other threads, and their sections, are gone. */
void rcu_after_fork_child(void);

#endif /* BASE_RCU_H */
