/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The descriptor table: sharing and taking away its entries. See fds.h for
 * how readers are protected.
 *
 * States of an FD_DEVICE entry: installed (n_fds > 0) -> leaving (no number
 * leads here, on the list) -> freed (no slot and no reference names it; the
 * file is given up). In a forked child it becomes FD_FOREIGN.
 *
 * Invariants: the table, n_fds, n_refs, the lists of free and leaving entries
 * change under fds.guard only. Entries are never given back to the system.
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include "shim/preload/core.h"
#include "shim/preload/fds.h"
#include "shim/preload/guard.h"
#include "shim/preload/process.h"
#include "shim/preload/sys.h"

#define FD_CHUNK_LEN 65536ul

_Atomic(struct fd_entry *) fd_table[FD_TABLE_LEN];
atomic_uint fd_n_leaving;
atomic_uint fd_n_served;
bool fd_needs_fence;

static struct fd_entry fd_hidden_entry = { .kind = FD_HIDDEN, .peer = -1 };

static struct {
	struct guard guard;
	struct fd_entry *free;
	struct fd_entry *leaving;
	_Atomic(struct fd_slots *) slots;
	unsigned int end; /* above every number that was ever in the table */
	pthread_key_t key;
	bool has_key;
	__u64 fork_mask;
} fds = { .guard = GUARD_INITIALIZER };

/* Entries */

static void *fd_chunk_map(void)
{
	struct sys_args args = { { 0, FD_CHUNK_LEN, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 } };
	long ret = sys_call_args(SYS_mmap, &args);

	return ret < 0 && ret > -4096 ? NULL : (void *)ret;
}

struct fd_entry *fd_entry_alloc_locked(enum fd_kind kind, const char *name)
{
	struct fd_entry *entry = fds.free;
	size_t i;

	if (strlen(name) >= FD_NAME_MAX)
		return NULL;
	if (!entry) {
		entry = fd_chunk_map();
		if (!entry)
			return NULL;
		for (i = 0; i < FD_CHUNK_LEN / sizeof(*entry); i++) {
			entry[i].next = fds.free;
			fds.free = &entry[i];
		}
		entry = fds.free;
	}
	fds.free = entry->next;
	memset(entry, 0, offsetof(struct fd_entry, name));
	entry->kind = kind;
	entry->peer = -1;
	strcpy(entry->name, name);
	return entry;
}

static void fd_entry_free_locked(struct fd_entry *entry)
{
	entry->next = fds.free;
	fds.free = entry;
}

void fd_set_locked(int fd, struct fd_entry *entry)
{
	if (entry)
		entry->n_fds++;
	if ((unsigned int)fd >= fds.end)
		fds.end = (unsigned int)fd + 1;
	atomic_store_explicit(&fd_table[fd], entry, memory_order_release);
}

/* The number leads nowhere any more. */
void fd_clear_locked(int fd)
{
	struct fd_entry *entry = fd_peek(fd);

	if (!entry)
		return;
	atomic_store_explicit(&fd_table[fd], NULL, memory_order_release);
	if (entry->kind == FD_HIDDEN || --entry->n_fds)
		return;
	entry->closer = &self;
	entry->next = fds.leaving;
	fds.leaving = entry;
	atomic_fetch_add(&fd_n_leaving, 1);
}

/* Slots */

static void fd_slots_give_back(void *arg)
{
	struct fd_slots *slots = arg;

	/* A later destructor of the thread may take slots anew. */
	self.slots = NULL;
	atomic_store(&slots->is_taken, false);
}

static struct fd_slots *fd_slots_find(void)
{
	struct fd_slots *slots = atomic_load(&fds.slots);
	bool expected;

	for (; slots; slots = slots->next) {
		expected = false;
		if (atomic_compare_exchange_strong(&slots->is_taken, &expected,
						   true))
			return slots;
	}
	return NULL;
}

static struct fd_slots *fd_slots_grow(void)
{
	struct fd_slots *slots = fd_chunk_map();
	struct fd_slots *old = atomic_load(&fds.slots);
	size_t i, n = FD_CHUNK_LEN / sizeof(*slots);

	if (!slots)
		return NULL;
	atomic_store(&slots[0].is_taken, true);
	for (i = 0; i + 1 < n; i++)
		slots[i].next = &slots[i + 1];
	do {
		slots[n - 1].next = old;
	} while (!atomic_compare_exchange_weak(&fds.slots, &old, slots));
	return slots;
}

/* Return: this thread's slots; NULL when there is no memory. */
struct fd_slots *fd_slots_take(void)
{
	struct fd_slots *slots = fd_slots_find();

	if (!slots)
		slots = fd_slots_grow();
	if (!slots)
		return NULL;
	slots->depth = 0;
	if (fds.has_key)
		pthread_setspecific(fds.key, slots);
	self.slots = slots;
	return slots;
}

struct fd_entry *fd_hold_slow(int fd, struct fd_hold *hold)
{
	struct fd_entry *entry;
	__u64 mask;

	if (!self.slots && fd_slots_take()) {
		entry = fd_peek(fd);
		return entry ? fd_hold_entry(fd, entry, hold) : NULL;
	}
	mask = guard_acquire(&fds.guard);
	entry = fd_peek(fd);
	if (entry)
		entry->n_refs++;
	guard_release(&fds.guard, mask);
	hold->entry = entry;
	hold->slot = FD_SLOTS;
	return entry;
}

void fd_drop_slow(struct fd_hold *hold)
{
	__u64 mask = guard_acquire(&fds.guard);
	bool is_ours = hold->entry->kind == FD_HIDDEN;

	hold->entry->n_refs--;
	guard_release(&fds.guard, mask);
	if (atomic_load(&fd_n_leaving) && !is_ours)
		fd_reap();
}

static bool fd_entry_is_used_locked(const struct fd_entry *entry)
{
	const struct fd_slots *slots = atomic_load(&fds.slots);
	size_t i;

	if (entry->n_refs)
		return true;
	for (; slots; slots = slots->next) {
		for (i = 0; i < FD_SLOTS; i++) {
			if (atomic_load(&slots->used[i]) == entry)
				return true;
		}
	}
	return false;
}

/* After this, what a thread stored before it looked at the table is seen. */
static void fd_barrier(void)
{
#ifndef BUILT_WITH_TSAN
	atomic_thread_fence(memory_order_seq_cst);
#endif
	if (!fd_needs_fence)
		sys_call3(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0,
			  0);
}

/*
 * Take out of the list of leaving entries those that nobody uses; not those
 * of a thread that is between fd_leave() and fd_left().
 */
static struct fd_entry *fd_take_unused_locked(void)
{
	struct fd_entry **link = &fds.leaving;
	struct fd_entry *unused = NULL;
	struct fd_entry *entry;

	while ((entry = *link)) {
		if (entry->closer == &self)
			entry->closer = NULL;
		if (entry->closer || fd_entry_is_used_locked(entry)) {
			link = &entry->next;
			continue;
		}
		*link = entry->next;
		entry->next = unused;
		unused = entry;
		atomic_fetch_sub(&fd_n_leaving, 1);
	}
	return unused;
}

static void fd_entry_end(struct fd_entry *entry)
{
	struct file *file = entry->file;

	if (entry->kind == FD_DEVICE || entry->kind == FD_FOREIGN)
		atomic_fetch_sub(&fd_n_served, 1);
	if (file)
		core_file_put(file);
	if (entry->peer >= 0) {
		int peer = entry->peer;

		fd_unhide(peer);
		sys_call1(SYS_close, peer);
	}
}

void fd_reap(void)
{
	__u64 mask = guard_acquire(&fds.guard);
	struct fd_entry *entry, *next;

	fd_barrier();
	entry = fd_take_unused_locked();
	guard_release(&fds.guard, mask);
	for (; entry; entry = next) {
		next = entry->next;
		fd_entry_end(entry);
		mask = guard_acquire(&fds.guard);
		fd_entry_free_locked(entry);
		guard_release(&fds.guard, mask);
	}
}

/* Numbers come and go */

void fd_leave(int fd)
{
	__u64 mask = guard_acquire(&fds.guard);

	fd_clear_locked(fd);
	guard_release(&fds.guard, mask);
}

void fd_left(void)
{
	if (atomic_load(&fd_n_leaving))
		fd_reap();
}

/* @fd was closed, by whatever way. */
void fd_went(int fd)
{
	fd_leave(fd);
	fd_left();
}

no_inline void fd_stale(int fd)
{
	if (!process_is_guest())
		fd_went(fd);
}

void fd_went_range(unsigned int first, unsigned int last)
{
	__u64 mask = guard_acquire(&fds.guard);
	unsigned int fd;

	for (fd = first; fd <= last && fd < fds.end; fd++) {
		if (!fd_is_hidden((int)fd))
			fd_clear_locked((int)fd);
	}
	guard_release(&fds.guard, mask);
	fd_left();
}

int fd_next_hidden(unsigned int first, unsigned int last)
{
	unsigned int fd;

	for (fd = first; fd <= last && fd < fds.end; fd++) {
		if (fd_is_hidden((int)fd))
			return (int)fd;
	}
	return -1;
}

void fd_share(int old_fd, int new_fd)
{
	struct fd_entry *entry;
	__u64 mask;

	if ((unsigned int)new_fd >= FD_TABLE_LEN || old_fd == new_fd ||
	    (!fd_peek(old_fd) && !fd_peek(new_fd)))
		return;
	mask = guard_acquire(&fds.guard);
	fd_clear_locked(new_fd);
	entry = fd_peek(old_fd);
	if (entry && entry->kind != FD_HIDDEN)
		fd_set_locked(new_fd, entry);
	guard_release(&fds.guard, mask);
	if (atomic_load(&fd_n_leaving))
		fd_reap();
}

void fd_hide(int fd)
{
	__u64 mask;

	if ((unsigned int)fd >= FD_TABLE_LEN)
		return;
	mask = guard_acquire(&fds.guard);
	fd_clear_locked(fd);
	fd_set_locked(fd, &fd_hidden_entry);
	guard_release(&fds.guard, mask);
}

void fd_unhide(int fd)
{
	if (fd_is_hidden(fd))
		fd_went(fd);
}

void fd_note_dir(int fd, const char *name)
{
	struct fd_entry *entry;
	__u64 mask;

	if ((unsigned int)fd >= FD_TABLE_LEN || process_is_guest())
		return;
	mask = guard_acquire(&fds.guard);
	fd_clear_locked(fd);
	entry = fd_entry_alloc_locked(FD_DIR, name);
	if (entry) {
		size_t len = strlen(name);

		if (len > 1 && name[len - 1] == '/')
			entry->name[len - 1] = '\0';
		fd_set_locked(fd, entry);
	}
	guard_release(&fds.guard, mask);
	if (atomic_load(&fd_n_leaving))
		fd_reap();
}

/* Starting, and living on after fork */

__u64 fds_lock(void)
{
	return guard_acquire(&fds.guard);
}

void fds_unlock(__u64 mask)
{
	guard_release(&fds.guard, mask);
	if (unlikely(atomic_load(&fd_n_leaving)))
		fd_reap();
}

unsigned int fds_end_locked(void)
{
	return fds.end;
}

void fds_prepare_devices(void)
{
	long err = sys_call3(SYS_membarrier,
			     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);

	fd_needs_fence = err != 0;
	if (!fds.has_key)
		fds.has_key = !pthread_key_create(&fds.key, fd_slots_give_back);
	if (self.slots && fds.has_key)
		pthread_setspecific(fds.key, self.slots);
}

void fds_fork_prepare(void)
{
	fds.fork_mask = guard_acquire(&fds.guard);
}

void fds_fork_parent(void)
{
	guard_release(&fds.guard, fds.fork_mask);
}

/* Threads that were using entries in the parent are not here. */
static void fd_slots_forget_others(void)
{
	struct fd_slots *slots = atomic_load(&fds.slots);
	size_t i;

	for (; slots; slots = slots->next) {
		if (slots == self.slots)
			continue;
		for (i = 0; i < FD_SLOTS; i++)
			atomic_store(&slots->used[i], NULL);
		slots->depth = 0;
		atomic_store(&slots->is_taken, false);
	}
}

static void fd_make_foreign(struct fd_entry *entry)
{
	if (entry->kind != FD_DEVICE)
		return;
	if (entry->peer >= 0) {
		fd_table[entry->peer] = NULL;
		sys_call1(SYS_close, entry->peer);
	}
	entry->kind = FD_FOREIGN;
	entry->file = NULL;
	entry->peer = -1;
}

void fds_fork_child(void)
{
	struct fd_entry *entry;
	unsigned int fd;

	guard_reset(&fds.guard);
	fd_slots_forget_others();
	for (entry = fds.leaving; entry; entry = entry->next) {
		fd_make_foreign(entry);
		entry->closer = NULL;
	}
	for (fd = 0; fd < fds.end; fd++) {
		entry = fd_peek((int)fd);
		if (entry)
			fd_make_foreign(entry);
	}
	fds_prepare_devices();
}

void fds_fork_child_done(void)
{
	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &fds.fork_mask, NULL,
		  GUARD_SIGSET_LEN);
}
