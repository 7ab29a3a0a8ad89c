/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waiting for eventfds that the program signals: the INTx unmask event, and
 * stores by eventfd. One thread a device, alive only while it has a watch.
 */
#ifndef VFIO_WATCH_H
#define VFIO_WATCH_H

#include "base/list.h"
#include "base/lock.h"
#include "base/thread.h"

/**
 * struct watch - one eventfd
 * @link: in watcher->watches
 * @id: never used again
 * @fd: claimed
 * @signalled: the counter was not 0, and is now
 * @arg: passed on
 */
struct watch {
	struct list_head link;
	__u64 id;
	int fd;
	void (*signalled)(void *arg);
	void *arg;
};

/**
 * struct watcher - the thread
 * @lock: LOCK_RANK_LEAF; guards @watches and @running_id
 * @watches: all of them
 * @last_id: of the newest watch
 * @running_id: the watch whose callback runs, or 0
 * @epoll_fd: claimed, or -1 when the thread is not there
 * @stop_fd: claimed; signals the thread to end
 * @thread: waits
 *
 * Add and remove are serialised by the caller.
 */
struct watcher {
	struct lock lock;
	struct list_head watches;
	__u64 last_id;
	__u64 running_id;
	int epoll_fd;
	int stop_fd;
	struct thread thread;
};

void watcher_init(struct watcher *watcher);

/* No watch is left. */
void watcher_deinit(struct watcher *watcher);

/**
 * watch_add() - begin to wait
 * @watch: @signalled and @arg are set; stays until watch_remove()
 * @fd: a program's eventfd
 *
 * The callback runs on the watcher's thread, with no lock held.
 *
 * Return: 0, -EBADF, -EINVAL when it is no eventfd, or -errno.
 */
int watch_add(struct watcher *watcher, struct watch *watch, int fd);

/* When it returns the callback does not run, and will not. */
void watch_remove(struct watcher *watcher, struct watch *watch);

/**
 * eventfd_claim() - a duplicate of a program's eventfd
 *
 * Return: the claimed descriptor; -EBADF; -EINVAL when it is something else.
 */
int eventfd_claim(int fd);

/* Add 1 to the counter. Context: signal handlers included. */
void eventfd_signal(int fd);

#endif /* VFIO_WATCH_H */
