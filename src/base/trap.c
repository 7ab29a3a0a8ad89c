/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ranges that trap, for a fault handler to search.
 *
 * The ranges stand sorted in a table that a handler reads without a lock. To
 * add one, a new table is made and published; the old one is kept until no
 * handler can be reading it. To remove one its entry is emptied, which needs
 * no memory and so cannot fail; the entry goes when the next table is made.
 *
 * Handlers are counted in one of two counters, picked by the low bit of a
 * phase number. A remover that advances the phase and sees the counter of the
 * phase before at 0 knows that every handler that could have found the range
 * is done, while handlers that came later do not delay it. This is not
 * base/rcu.h since a handler may interrupt anything, and cannot register its
 * thread; next to the price of a trap a shared counter is nothing.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include "base/mem.h"
#include "base/overflow.h"
#include "base/trap.h"

/**
 * struct trap_entry - a range as it was when it was added
 * @start: first address
 * @last: last address
 * @range: or NULL once it was removed
 */
struct trap_entry {
	uintptr_t start;
	uintptr_t last;
	_Atomic(struct trap_range *) range;
};

/**
 * struct trap_table - the ranges, by start
 * @retired: an older table that a handler may still read
 * @n_entries: entries, emptied ones included
 */
struct trap_table {
	struct trap_table *retired;
	size_t n_entries;
	struct trap_entry entries[];
};

/* Writers of the table, of its entries and of the phase. */
static pthread_mutex_t trap_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct trap_table *) trap_table;
static atomic_ulong trap_phase;
static atomic_ulong trap_n_readers[2];

/* This thread's open sections, and the counter that the outermost is in. */
static __thread unsigned int trap_depth
	__attribute__((tls_model("initial-exec")));
static __thread unsigned int trap_counter
	__attribute__((tls_model("initial-exec")));

/*
 * A handler may interrupt these two anywhere and call them itself: the depth
 * is raised after the count, and what is still needed after it was lowered is
 * read before.
 */
static void trap_enter(void)
{
	unsigned long phase;

	if (trap_depth) {
		trap_depth++;
		return;
	}
	for (;;) {
		phase = atomic_load(&trap_phase);
		atomic_fetch_add(&trap_n_readers[phase & 1], 1);
		if (phase == atomic_load(&trap_phase))
			break;
		/* A remover may have missed us. */
		atomic_fetch_sub(&trap_n_readers[phase & 1], 1);
	}
	trap_counter = phase & 1;
	atomic_signal_fence(memory_order_seq_cst);
	trap_depth = 1;
}

static void trap_leave(void)
{
	unsigned int counter = trap_counter;

	atomic_signal_fence(memory_order_seq_cst);
	if (!--trap_depth)
		atomic_fetch_sub(&trap_n_readers[counter], 1);
}

static void trap_free_tables(struct trap_table *table)
{
	struct trap_table *older;

	for (; table; table = older) {
		older = table->retired;
		mem_free(table);
	}
}

/* Free retired tables. The caller knows that no handler reads them. */
static void trap_free_retired_locked(void)
{
	struct trap_table *table = atomic_load(&trap_table);

	if (!table)
		return;
	trap_free_tables(table->retired);
	table->retired = NULL;
}

/* Wait for every handler that is in a section now. */
static void trap_wait_locked(void)
{
	unsigned long phase = atomic_fetch_add(&trap_phase, 1);

	while (atomic_load(&trap_n_readers[phase & 1]))
		sched_yield();
}

/* Copy the entries that are alive, and @range in its place. */
static void trap_table_fill(struct trap_table *table,
			    const struct trap_table *old,
			    struct trap_range *range)
{
	struct trap_entry entry = {
		.start = range->start,
		.last = range->start + (range->len - 1),
		.range = range,
	};
	size_t i, n = 0;

	for (i = 0; old && i < old->n_entries; i++) {
		if (!old->entries[i].range)
			continue;
		if (entry.range && entry.start < old->entries[i].start) {
			table->entries[n++] = entry;
			entry.range = NULL;
		}
		table->entries[n++] = old->entries[i];
	}
	if (entry.range)
		table->entries[n++] = entry;
	table->n_entries = n;
}

int trap_add(struct trap_range *range)
{
	struct trap_table *old, *table;
	size_t n;

	pthread_mutex_lock(&trap_mutex);
	old = atomic_load(&trap_table);
	n = old ? old->n_entries + 1 : 1;
	table = mem_alloc(sizeof(*table) +
			  array_size(n, sizeof(table->entries[0])));
	if (!table) {
		pthread_mutex_unlock(&trap_mutex);
		return -ENOMEM;
	}
	trap_table_fill(table, old, range);
	table->retired = old;
	atomic_store(&trap_table, table);
	/*
	 * Waiting here could wait for a handler that waits for a lock of the
	 * caller's. Most of the time there is no handler at all.
	 */
	if (!atomic_load(&trap_n_readers[0]) &&
	    !atomic_load(&trap_n_readers[1]))
		trap_free_retired_locked();
	pthread_mutex_unlock(&trap_mutex);
	return 0;
}

/* Return: whether ranges are left. */
static bool trap_table_empty_entry(struct trap_table *table,
				   const struct trap_range *range)
{
	bool some_left = false;
	size_t i;

	for (i = 0; i < table->n_entries; i++) {
		if (table->entries[i].range == range)
			table->entries[i].range = NULL;
		else if (table->entries[i].range)
			some_left = true;
	}
	return some_left;
}

void trap_remove(struct trap_range *range)
{
	unsigned int depth = trap_depth;
	struct trap_table *table;
	bool some_left;

	/*
	 * In an unmapped op the caller is in a section of trap_unmapped(),
	 * which looks at no range after the op returned.
	 */
	if (depth) {
		trap_depth = 1;
		trap_leave();
	}
	pthread_mutex_lock(&trap_mutex);
	table = atomic_load(&trap_table);
	if (table) {
		/* Older tables hold the range too, until they are freed. */
		some_left = trap_table_empty_entry(table, range);
		if (!some_left)
			atomic_store(&trap_table, NULL);
		trap_wait_locked();
		if (some_left)
			trap_free_retired_locked();
		else
			trap_free_tables(table);
	}
	pthread_mutex_unlock(&trap_mutex);
	if (depth) {
		trap_enter();
		trap_depth = depth;
	}
}

/*
 * The other threads are gone, whatever they were doing. One that was changing
 * the table may have left it half freed: then it is abandoned as it is.
 */
void trap_after_fork_child(void)
{
	struct trap_table *table = atomic_exchange(&trap_table, NULL);
	bool was_at_rest = !pthread_mutex_trylock(&trap_mutex);

	trap_mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	atomic_store(&trap_n_readers[0], 0);
	atomic_store(&trap_n_readers[1], 0);
	if (trap_depth)
		atomic_store(&trap_n_readers[trap_counter], 1);
	else if (was_at_rest)
		trap_free_tables(table);
}

/* Return: the number of entries that start at or before @address. */
static size_t trap_table_count_to(const struct trap_table *table,
				  uintptr_t address)
{
	size_t low = 0;
	size_t high = table->n_entries;
	size_t middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (table->entries[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * The last range that begins at or before @last and is still there: ranges do
 * not overlap, so it alone can hold @last.
 */
static struct trap_range *trap_find(uintptr_t start, uintptr_t last)
{
	const struct trap_table *table = atomic_load(&trap_table);
	struct trap_range *range;
	size_t i;

	if (!table)
		return NULL;
	for (i = trap_table_count_to(table, last); i--;) {
		range = atomic_load(&table->entries[i].range);
		if (range)
			return table->entries[i].last >= start ? range : NULL;
	}
	return NULL;
}

struct trap_range *trap_begin(uintptr_t address)
{
	struct trap_range *range;

	trap_enter();
	range = trap_find(address, address);
	if (!range)
		trap_leave();
	return range;
}

void trap_end(void)
{
	trap_leave();
}

bool trap_meets(uintptr_t start, size_t len)
{
	bool is_met;

	if (!len)
		return false;
	trap_enter();
	is_met = trap_find(start, start + (len - 1));
	trap_leave();
	return is_met;
}

/*
 * Call @tell for every range that meets [start, start + len), from the last
 * one down, so that it may remove the range, and put others in its place.
 */
static int trap_tell(uintptr_t start, size_t len,
		     int (*tell)(struct trap_range *range, uintptr_t start,
				 size_t len, int prot),
		     int prot)
{
	uintptr_t last = start + (len - 1);
	struct trap_range *range;
	uintptr_t range_start;
	int err = 0;

	if (!len)
		return 0;
	trap_enter();
	while (!err && (range = trap_find(start, last))) {
		range_start = range->start;
		err = tell(range, start, len, prot);
		if (range_start <= start)
			break;
		last = range_start - 1;
	}
	trap_leave();
	return err;
}

static int trap_tell_unmapped(struct trap_range *range, uintptr_t start,
			      size_t len, int prot)
{
	(void)prot;
	if (range->ops->unmapped)
		range->ops->unmapped(range, start, len);
	return 0;
}

void trap_unmapped(uintptr_t start, size_t len)
{
	trap_tell(start, len, trap_tell_unmapped, 0);
}

static int trap_tell_protected(struct trap_range *range, uintptr_t start,
			       size_t len, int prot)
{
	if (!range->ops->protected)
		return 0;
	return range->ops->protected(range, start, len, prot);
}

int trap_protected(uintptr_t start, size_t len, int prot)
{
	return trap_tell(start, len, trap_tell_protected, prot);
}
