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
 *
 * A section is deep from the moment on in which its thread begins to follow
 * pointers that a writer may free. Sections that stay shallow use what they
 * remember, and look at nothing else but what says whether that still holds. A
 * writer that knows that nobody remembers what it took away waits for the deep
 * ones only, and its look at them costs the other readers nothing.
 */
#ifndef BASE_RCU_H
#define BASE_RCU_H

#include <stdatomic.h>
#include "base/compiler.h"

/* What CPUs fetch together: two lines. */
#define RCU_LINE ((size_t)2 * CACHE_LINE)

/**
 * struct rcu_reader - one thread, as writers see it
 * @deep: number of the section if that is deep, else 0
 * @in_use: the slot belongs to a live thread
 * @next: the registry, never shrinks; a slot is reused after its thread ended
 * @section: number of the section that is open, else 0
 * @number: of the last section, never used again; of this thread only
 * @depth: sections open; likewise
 * @is_deep: the section is deep; likewise
 *
 * What every writer looks at, what some do, and what is the thread's alone
 * stand in lines of their own.
 */
struct rcu_reader {
	atomic_ulong deep;
	atomic_bool in_use;
	struct rcu_reader *next;
	atomic_ulong section __attribute__((aligned(RCU_LINE)));
	unsigned long number cacheline_aligned;
	unsigned int depth;
	bool is_deep;
} __attribute__((aligned(RCU_LINE)));

extern __thread struct rcu_reader *rcu_self
	__attribute__((tls_model("initial-exec")));

/**
 * rcu_thread_register() - give this thread a slot
 *
 * Called by itself at the first section of a thread; the slot is given back
 * when the thread ends.
 *
 * Return: 0 or -ENOMEM.
 */
int rcu_thread_register(void);

/* Is this thread inside a section? */
static always_inline bool rcu_read_is_held(void)
{
	const struct rcu_reader *self = rcu_self;

	return self && self->depth;
}

/* The caller is registered. */
static always_inline void rcu_read_lock(void)
{
	struct rcu_reader *self = rcu_self;

	if (self->depth++)
		return;
	/* The exchange is the fence: nothing below moves above it. */
	atomic_exchange_explicit(&self->section, ++self->number,
				 memory_order_seq_cst);
}

/* Inside a section, which is deep from now to its end. */
static always_inline void rcu_read_deepen(void)
{
	struct rcu_reader *self = rcu_self;

	if (self->is_deep)
		return;
	self->is_deep = true;
	atomic_exchange_explicit(&self->deep, self->number,
				 memory_order_seq_cst);
}

static always_inline void rcu_read_unlock(void)
{
	struct rcu_reader *self = rcu_self;

	if (--self->depth)
		return;
	atomic_store_explicit(&self->section, 0, memory_order_release);
	if (unlikely(self->is_deep)) {
		self->is_deep = false;
		atomic_store_explicit(&self->deep, 0, memory_order_release);
	}
}

/**
 * rcu_synchronize() - wait for every section that is open now
 *
 * What was made unreachable before the call is used by nobody when it
 * returns. Context: not inside a section. May hold locks that no section
 * takes.
 */
void rcu_synchronize(void);

/* As rcu_synchronize(), for those sections that are deep. */
void rcu_synchronize_deep(void);

/* The thread is in no section, whatever it began. For the child of a fork. */
void rcu_forget_sections(struct rcu_reader *reader);

/* In the child of a fork: the other threads, and their sections, are gone. */
void rcu_after_fork_child(void);

#endif /* BASE_RCU_H */
