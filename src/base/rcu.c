/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registry of readers, and the wait for them.
 *
 * Every thread that reads has a slot in a list that only grows; the slot of
 * an ended thread is taken by the next one that registers. A writer looks at
 * the word of each slot: 0 is outside of a section, else it is the section's
 * number, and is waited for until it is another one: that section is over then,
 * and one that began since finds nothing of what the writer took away.
 *
 * The writer begins with a locked instruction, as does the reader: of a writer
 * that misses a reader's word and a reader that still finds what the writer
 * took away, at most one can happen.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "base/fault.h"
#include "base/log.h"
#include "base/rcu.h"

#define RCU_SPINS 1000u

__thread struct rcu_reader *rcu_self;

static _Atomic(struct rcu_reader *) rcu_readers;
static atomic_uint rcu_n_waits;
static pthread_key_t rcu_key;
static int rcu_key_err;
static pthread_once_t rcu_once = PTHREAD_ONCE_INIT;

void rcu_forget_sections(struct rcu_reader *reader)
{
	reader->depth = 0;
	reader->is_deep = false;
	atomic_store(&reader->section, 0);
	atomic_store(&reader->deep, 0);
}

/* The thread ends: its slot is another's. */
static void rcu_thread_ended(void *slot)
{
	struct rcu_reader *self = slot;

	warn_on(self->depth);
	rcu_self = NULL;
	rcu_forget_sections(self);
	atomic_store_explicit(&self->in_use, false, memory_order_release);
}

static void rcu_make_key(void)
{
	rcu_key_err = -pthread_key_create(&rcu_key, rcu_thread_ended);
}

static struct rcu_reader *rcu_take_ended_slot(void)
{
	struct rcu_reader *slot = atomic_load(&rcu_readers);
	bool expected;

	for (; slot; slot = slot->next) {
		expected = false;
		if (atomic_compare_exchange_strong(&slot->in_use, &expected,
						   true))
			return slot;
	}
	return NULL;
}

/*
 * Not by mem_alloc(), which counts blocks: slots outlive their threads by
 * design, and whoever compares counts would see a leak.
 */
static struct rcu_reader *rcu_new_slot(void)
{
	struct rcu_reader *slot;
	void *ptr;

	if (fault_inject(FAULT_ALLOC) ||
	    posix_memalign(&ptr, RCU_LINE, sizeof(*slot)))
		return NULL;
	slot = memset(ptr, 0, sizeof(*slot));
	atomic_init(&slot->in_use, true);
	slot->next = atomic_load(&rcu_readers);
	while (!atomic_compare_exchange_weak(&rcu_readers, &slot->next, slot))
		;
	return slot;
}

int rcu_thread_register(void)
{
	struct rcu_reader *slot;
	int err;

	if (likely(rcu_self))
		return 0;
	pthread_once(&rcu_once, rcu_make_key);
	if (rcu_key_err)
		return -ENOMEM;
	slot = rcu_take_ended_slot();
	if (!slot)
		slot = rcu_new_slot();
	if (!slot)
		return -ENOMEM;
	err = pthread_setspecific(rcu_key, slot);
	if (err) {
		atomic_store(&slot->in_use, false);
		return -ENOMEM;
	}
	rcu_self = slot;
	return 0;
}

/* Wait until the section of that number is over. */
static no_inline void rcu_wait_for(atomic_ulong *word, unsigned long number)
{
	unsigned int n_spins = 0;

	while (atomic_load_explicit(word, memory_order_seq_cst) == number) {
		if (++n_spins < RCU_SPINS)
			__builtin_ia32_pause();
		else
			sched_yield();
	}
}

static always_inline void rcu_wait_for_all(bool is_deep)
{
	struct rcu_reader *self = rcu_self;
	struct rcu_reader *reader;
	unsigned long number;
	atomic_ulong *word;

	/* It would wait for itself. */
	if (self && warn_on(self->depth))
		return;
	/* The fence. */
	atomic_fetch_add_explicit(&rcu_n_waits, 1, memory_order_seq_cst);
	reader = atomic_load_explicit(&rcu_readers, memory_order_seq_cst);
	for (; reader; reader = reader->next) {
		word = is_deep ? &reader->deep : &reader->section;
		number = atomic_load_explicit(word, memory_order_seq_cst);
		if (unlikely(number) && reader != self)
			rcu_wait_for(word, number);
	}
}

void rcu_synchronize(void)
{
	rcu_wait_for_all(false);
}

void rcu_synchronize_deep(void)
{
	rcu_wait_for_all(true);
}

void rcu_after_fork_child(void)
{
	struct rcu_reader *reader = atomic_load(&rcu_readers);

	for (; reader; reader = reader->next) {
		if (reader == rcu_self)
			continue;
		rcu_forget_sections(reader);
		atomic_store(&reader->in_use, false);
	}
}
