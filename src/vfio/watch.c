/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread that waits for a program's eventfds.
 *
 * epoll hands out the number of a watch, never its address: a watch may be
 * removed between the wait and the look at it. Whoever removes one waits for
 * its callback, and the last one takes the thread along.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "vfio/watch.h"

#define STOP_ID 0

int eventfd_claim(int fd)
{
	static const char eventfd_link[] = "anon_inode:[eventfd]";
	char path[32], link[sizeof(eventfd_link)];
	int claimed = fd_claim_dup(fd);
	ssize_t len;

	if (claimed < 0)
		return claimed;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", claimed);
	len = readlink(path, link, sizeof(link));
	if (len == sizeof(eventfd_link) - 1 && !memcmp(link, eventfd_link, len))
		return claimed;
	fd_release(claimed);
	return -EINVAL;
}

void eventfd_signal(int fd)
{
	const __u64 one = 1;
	int saved_errno = errno;
	ssize_t written;

	/* A full counter stays full: the program has not looked for long. */
	written = write(fd, &one, sizeof(one));
	(void)written;
	errno = saved_errno;
}

/*
 * The program may have read the counter first, so this must not block.
 * Return: true when it was not 0.
 */
static bool eventfd_consume(int fd)
{
	__u64 count;
	struct iovec iov = { .iov_base = &count, .iov_len = sizeof(count) };

	if (preadv2(fd, &iov, 1, -1, RWF_NOWAIT) == sizeof(count))
		return true;
	/* Before Linux 5.9 there was no other way. */
	return errno == EOPNOTSUPP &&
	       read(fd, &count, sizeof(count)) == sizeof(count);
}

void watcher_init(struct watcher *watcher)
{
	lock_init(&watcher->lock, LOCK_RANK_LEAF);
	list_init(&watcher->watches);
	watcher->epoll_fd = -1;
	watcher->stop_fd = -1;
}

void watcher_deinit(struct watcher *watcher)
{
	warn_on(!list_is_empty(&watcher->watches));
	lock_deinit(&watcher->lock);
}

static void watcher_run_one(struct watcher *watcher, __u64 id)
{
	struct watch *watch;
	bool is_found = false;

	lock_acquire(&watcher->lock);
	list_for_each_entry(watch, &watcher->watches, link) {
		is_found = watch->id == id;
		if (is_found)
			break;
	}
	if (is_found)
		watcher->running_id = id;
	lock_release(&watcher->lock);
	if (!is_found)
		return;
	if (eventfd_consume(watch->fd))
		watch->signalled(watch->arg);
	lock_acquire(&watcher->lock);
	watcher->running_id = STOP_ID;
	lock_release(&watcher->lock);
}

static void watcher_thread(void *arg)
{
	struct watcher *watcher = arg;
	struct epoll_event event;
	int n;

	for (;;) {
		n = epoll_wait(watcher->epoll_fd, &event, 1, -1);
		if (n < 0 && errno != EINTR)
			return;
		if (n < 1)
			continue;
		if (event.data.u64 == STOP_ID)
			return;
		watcher_run_one(watcher, event.data.u64);
	}
}

static int watcher_poll(struct watcher *watcher, int fd, __u64 id)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = id };

	if (epoll_ctl(watcher->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return 0;
}

static int claim_new(int fd)
{
	return fd < 0 ? -errno : fd_claim(fd);
}

static int watcher_start(struct watcher *watcher)
{
	int err;

	if (watcher->epoll_fd >= 0)
		return 0;
	watcher->epoll_fd = claim_new(epoll_create1(EPOLL_CLOEXEC));
	if (watcher->epoll_fd < 0) {
		err = watcher->epoll_fd;
		goto err_no_epoll;
	}
	watcher->stop_fd = claim_new(eventfd(0, EFD_CLOEXEC));
	if (watcher->stop_fd < 0) {
		err = watcher->stop_fd;
		goto err_release_epoll;
	}
	err = watcher_poll(watcher, watcher->stop_fd, STOP_ID);
	if (err)
		goto err_release_stop;
	err = thread_start(&watcher->thread, "vfio-eventfd", watcher_thread,
			   watcher);
	if (err)
		goto err_release_stop;
	return 0;

err_release_stop:
	fd_release(watcher->stop_fd);
err_release_epoll:
	fd_release(watcher->epoll_fd);
err_no_epoll:
	watcher->stop_fd = -1;
	watcher->epoll_fd = -1;
	return err;
}

static void watcher_stop_if_idle(struct watcher *watcher)
{
	if (!list_is_empty(&watcher->watches) || watcher->epoll_fd < 0)
		return;
	eventfd_signal(watcher->stop_fd);
	thread_join(&watcher->thread);
	fd_release(watcher->stop_fd);
	fd_release(watcher->epoll_fd);
	watcher->stop_fd = -1;
	watcher->epoll_fd = -1;
}

int watch_add(struct watcher *watcher, struct watch *watch, int fd)
{
	int err;

	watch->fd = eventfd_claim(fd);
	if (watch->fd < 0)
		return watch->fd;
	err = watcher_start(watcher);
	if (err)
		goto err_release_fd;
	watch->id = ++watcher->last_id;
	lock_acquire(&watcher->lock);
	list_add_tail(&watch->link, &watcher->watches);
	lock_release(&watcher->lock);
	err = watcher_poll(watcher, watch->fd, watch->id);
	if (err)
		goto err_remove;
	return 0;

err_remove:
	lock_acquire(&watcher->lock);
	list_remove(&watch->link);
	lock_release(&watcher->lock);
	watcher_stop_if_idle(watcher);
err_release_fd:
	fd_release(watch->fd);
	return err;
}

void watch_remove(struct watcher *watcher, struct watch *watch)
{
	epoll_ctl(watcher->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	lock_acquire(&watcher->lock);
	list_remove(&watch->link);
	while (watcher->running_id == watch->id) {
		lock_release(&watcher->lock);
		sched_yield();
		lock_acquire(&watcher->lock);
	}
	lock_release(&watcher->lock);
	watcher_stop_if_idle(watcher);
	fd_release(watch->fd);
}
