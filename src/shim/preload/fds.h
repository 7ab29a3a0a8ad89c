/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The descriptor table: which numbers mean something to us.
 *
 * A flat array of pointers indexed by the number. NULL, the common case by
 * far, is a descriptor of the program's that we have nothing to do with: one
 * load tells.
 *
 * An entry stands for what the kernel calls an open file: several numbers may
 * share it after dup(). A thread that uses one says so in a slot of its own
 * (fd_hold() .. fd_drop()) by a plain store, and looks at the table again
 * afterwards. Who takes away the last number puts the entry on a list, makes
 * every thread of the process pass a barrier (membarrier) and frees what no
 * slot names; the rest is freed by a thread of the program that drops one. So
 * neither an ioctl nor a close ever waits for the other; and when a close that
 * met no ioctl returns, what it closed has ended. Threads of the core use
 * hidden descriptors alone and free nothing: to free a device is to wait for
 * them.
 */
#ifndef PRELOAD_FDS_H
#define PRELOAD_FDS_H

#include <stdatomic.h>
#include "base/compiler.h"
#include "base/file.h"
#include "shim/preload/self.h"
#include "shim/preload/tree.h"

/* Numbers from here on are never served. */
#define FD_TABLE_LEN (1u << 20)

/* Uses of a thread at once: calls that signal handlers interrupted. */
#define FD_SLOTS 7u

/* Longest name of an entry. */
#define FD_NAME_MAX 440u

enum fd_kind {
	FD_DEVICE, /* an open node, or an anonymous file of the core */
	FD_FOREIGN, /* one that another process opened */
	FD_DIR, /* a directory of /dev, /sys or /proc */
	FD_HIDDEN, /* not the program's */
};

/**
 * struct fd_entry - an open file of ours
 * @file: FD_DEVICE: the core's; else NULL
 * @kind: what it is
 * @n_fds: numbers that lead here; guarded by the table's guard
 * @n_refs: uses beyond the slots; likewise
 * @closer: who took away the last number and will free it; or NULL: whoever
 *	drops it; likewise
 * @peer: FD_DEVICE: the other end of the socket pair; else -1
 * @flags: as F_GETFL shows them
 * @id: tells FD_DEVICE entries of a process apart
 * @was_refused: the use of an FD_FOREIGN entry was reported
 * @node: where it was opened, or NULL
 * @next: in the list of free or of leaving entries
 * @name: path as the program knows it
 */
struct fd_entry {
	struct file *file;
	enum fd_kind kind;
	unsigned int n_fds;
	unsigned int n_refs;
	const void *closer;
	int peer;
	atomic_int flags;
	unsigned int id;
	atomic_bool was_refused;
	const struct tree_node *node;
	struct fd_entry *next;
	char name[FD_NAME_MAX];
};

/**
 * struct fd_slots - what a thread is using
 * @used: entries
 * @depth: how many; written by its thread alone
 * @is_taken: belongs to a thread
 * @next: all of them; never taken out of the list
 */
struct fd_slots {
	_Atomic(struct fd_entry *) used[FD_SLOTS];
	unsigned int depth;
	atomic_bool is_taken;
	struct fd_slots *next;
};

/**
 * struct fd_hold - a use of an entry
 * @entry: it
 * @slot: index of the slot; FD_SLOTS: a reference instead
 */
struct fd_hold {
	struct fd_entry *entry;
	unsigned int slot;
};

extern _Atomic(struct fd_entry *) fd_table[FD_TABLE_LEN]
	__attribute__((visibility("hidden")));
extern atomic_uint fd_n_leaving __attribute__((visibility("hidden")));
extern atomic_uint fd_n_served __attribute__((visibility("hidden")));
extern bool fd_needs_fence __attribute__((visibility("hidden")));

/* What the number means, for a look only: it may be gone any time. */
static always_inline struct fd_entry *fd_peek(int fd)
{
	if (unlikely((unsigned int)fd >= FD_TABLE_LEN))
		return NULL;
	return atomic_load_explicit(&fd_table[fd], memory_order_acquire);
}

/* The number leads nowhere any more; fd_left() frees what that ended. */
void fd_leave(int fd);
void fd_left(void);

struct fd_slots *fd_slots_take(void);
struct fd_entry *fd_hold_slow(int fd, struct fd_hold *hold);
void fd_drop_slow(struct fd_hold *hold);
void fd_reap(void);

/* Publish that this thread uses @entry, before the table is read again. */
static always_inline void
fd_slot_set(struct fd_slots *slots, unsigned int index, struct fd_entry *entry)
{
#ifdef BUILT_WITH_TSAN
	atomic_exchange(&slots->used[index], entry);
#else
	atomic_store_explicit(&slots->used[index], entry, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	if (unlikely(fd_needs_fence))
		atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* fd_hold() of a number that means something. */
static always_inline struct fd_entry *
fd_hold_entry(int fd, struct fd_entry *entry, struct fd_hold *hold)
{
	struct fd_slots *slots = self.slots;
	struct fd_entry *again;

	if (unlikely(!slots || slots->depth >= FD_SLOTS))
		return fd_hold_slow(fd, hold);
	hold->slot = slots->depth++;
	atomic_signal_fence(memory_order_seq_cst);
	for (;;) {
		fd_slot_set(slots, hold->slot, entry);
		again = fd_peek(fd);
		if (likely(again == entry))
			break;
		entry = again;
	}
	hold->entry = entry;
	if (unlikely(!entry)) {
		slots->depth = hold->slot;
		/* Our slot may just have kept an entry from being freed. */
		fd_left();
	}
	return entry;
}

/**
 * fd_hold() - use what a number means
 * @fd: the number
 * @hold: for fd_drop()
 *
 * Return: the entry; or NULL when it is none of ours, and no fd_drop() then.
 */
static always_inline struct fd_entry *fd_hold(int fd, struct fd_hold *hold)
{
	struct fd_entry *entry = fd_peek(fd);

	if (likely(!entry))
		return NULL;
	return fd_hold_entry(fd, entry, hold);
}

static always_inline void fd_drop(struct fd_hold *hold)
{
	struct fd_slots *slots = self.slots;
	bool is_ours = hold->entry->kind == FD_HIDDEN;

	if (unlikely(hold->slot >= FD_SLOTS)) {
		fd_drop_slow(hold);
		return;
	}
	atomic_store_explicit(&slots->used[hold->slot], NULL,
			      memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	slots->depth = hold->slot;
	if (unlikely(atomic_load_explicit(&fd_n_leaving,
					  memory_order_acquire)) &&
	    !is_ours)
		fd_reap();
}

/* fd_leave() and fd_left(), when the kernel's side is over already. */
void fd_went(int fd);
void fd_stale(int fd);

/**
 * fd_fresh() - the kernel gave us this number just now
 * @fd: a new descriptor, or an error
 *
 * If the table still holds it, it was closed behind our back.
 *
 * Return: @fd
 */
static always_inline int fd_fresh(int fd)
{
	if (unlikely(fd_peek(fd)))
		fd_stale(fd);
	return fd;
}

/* At the start: learn what was inherited. */
void fds_start(void);

/* Before the first device: who closes can make every thread pass a barrier. */
void fds_prepare_devices(void);

/* A descriptor for @file, whose reference passes over if it works. */
int fd_install(struct file *file, int flags);

/* The file behind a number, with a reference; or NULL. */
struct file *fd_get_file(int fd);

/* fd_install() gave @fd: now it is known by @node. */
void fd_install_node(int fd, const struct tree_node *node);

/* @fd is a directory that the program knows as @name. */
void fd_note_dir(int fd, const char *name);

/* @fd was received or inherited: learn whether it is a served one. */
void fd_recognise(int fd);

/* @new_fd is now the same open file as @old_fd; after the real dup(). */
void fd_share(int old_fd, int new_fd);

void fd_hide(int fd);
void fd_unhide(int fd);

static inline bool fd_is_hidden(int fd)
{
	struct fd_entry *entry = fd_peek(fd);

	return unlikely(entry) && entry->kind == FD_HIDDEN;
}

/* The first hidden number in [@first, @last], or -1. */
int fd_next_hidden(unsigned int first, unsigned int last);

/* Close every number of ours in [@first, @last] that is not hidden. */
void fd_went_range(unsigned int first, unsigned int last);

/* Around fork. */
void fds_fork_prepare(void);
void fds_fork_parent(void);

void fds_fork_child(void);

/* After fds_fork_prepare(): the child is ready for signals. */
void fds_fork_child_done(void);

/* For who makes entries. Signals stay blocked in between. */
__u64 fds_lock(void);
void fds_unlock(__u64 mask);
unsigned int fds_end_locked(void);
struct fd_entry *fd_entry_alloc_locked(enum fd_kind kind, const char *name);
void fd_set_locked(int fd, struct fd_entry *entry);
void fd_clear_locked(int fd);

#endif /* PRELOAD_FDS_H */
