/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waiting. A served file has no poll operation, and Linux says of such a file
 * that it is ready for reading and writing, and refuses it in an epoll set.
 *
 * Masks that calls of this kind set for their duration never block SIGSEGV
 * and SIGBUS (see signals.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "shim/preload/export.h"
#include "shim/preload/fds.h"
#include "shim/preload/io.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"
#include "shim/preload/run.h"
#include "shim/preload/signals.h"

#define POLL_ALWAYS (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

/* Sets of up to this many need no memory from the heap. */
#define POLL_SMALL 32u

static bool poll_is_served(int fd)
{
	struct fd_entry *entry = fd_peek(fd);

	return unlikely(entry) && io_is_served(entry);
}

static bool poll_any_served(const struct pollfd *fds, nfds_t n_fds)
{
	nfds_t i;

	if (likely(!atomic_load_explicit(&fd_n_served, memory_order_relaxed)))
		return false;
	for (i = 0; i < n_fds; i++) {
		if (poll_is_served(fds[i].fd))
			return true;
	}
	return false;
}

/* The served ones are answered here, the others by a poll that may wait only
 * when none of the served ones is waited for. */
static int poll_merge(struct pollfd *fds, struct pollfd *others, nfds_t n_fds,
		      const struct timespec *timeout, const sigset_t *mask)
{
	static const struct timespec no_time;
	int ret, n_ready = 0;
	nfds_t i;

	for (i = 0; i < n_fds; i++) {
		others[i] = fds[i];
		others[i].revents = 0;
		if (!poll_is_served(fds[i].fd))
			continue;
		others[i].fd = -1;
		fds[i].revents = (short)(fds[i].events & POLL_ALWAYS);
		n_ready += fds[i].revents != 0;
	}
	ret = REAL(ppoll)(others, n_fds, n_ready ? &no_time : timeout, mask);
	if (ret < 0)
		return ret;
	for (i = 0; i < n_fds; i++) {
		if (others[i].fd >= 0 || fds[i].fd < 0)
			fds[i].revents = others[i].revents;
	}
	return ret + n_ready;
}

static int poll_with_served(struct pollfd *fds, nfds_t n_fds,
			    const struct timespec *timeout,
			    const sigset_t *mask)
{
	struct pollfd small[POLL_SMALL];
	struct pollfd *others = small;
	int ret;

	if (n_fds > POLL_SMALL) {
		others = calloc(n_fds, sizeof(*others));
		if (!others)
			return result_int(-ENOMEM);
	}
	ret = poll_merge(fds, others, n_fds, timeout, mask);
	if (others != small)
		free(others);
	return ret;
}

EXPORT int poll(struct pollfd *fds, nfds_t n_fds, int timeout)
{
	struct timespec time = { .tv_sec = timeout / 1000,
				 .tv_nsec = timeout % 1000 * 1000000L };

	if (likely(!poll_any_served(fds, n_fds)))
		return REAL(poll)(fds, n_fds, timeout);
	return poll_with_served(fds, n_fds, timeout < 0 ? NULL : &time, NULL);
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n_fds,
		 const struct timespec *timeout, const sigset_t *mask)
{
	sigset_t changed;

	mask = signals_mask_for_wait(mask, &changed);
	if (likely(!poll_any_served(fds, n_fds)))
		return REAL(ppoll)(fds, n_fds, timeout, mask);
	return poll_with_served(fds, n_fds, timeout, mask);
}

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n_fds, int timeout,
		      size_t len);
EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n_fds,
		       const struct timespec *timeout, const sigset_t *mask,
		       size_t len);

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n_fds, int timeout, size_t len)
{
	if (len / sizeof(*fds) < n_fds)
		abort();
	return poll(fds, n_fds, timeout);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n_fds,
		       const struct timespec *timeout, const sigset_t *mask,
		       size_t len)
{
	if (len / sizeof(*fds) < n_fds)
		abort();
	return ppoll(fds, n_fds, timeout, mask);
}

/* select() */

/* Take the served numbers out of a set; they stay in @served if they are in
 * it. Return: how many. */
static int select_split(int n_fds, fd_set *set, fd_set *served)
{
	int fd, n = 0;

	FD_ZERO(served);
	for (fd = 0; set && fd < n_fds && fd < FD_SETSIZE; fd++) {
		if (!FD_ISSET(fd, set) || !poll_is_served(fd))
			continue;
		FD_CLR(fd, set);
		FD_SET(fd, served);
		n++;
	}
	return n;
}

static void select_join(int n_fds, fd_set *set, const fd_set *served)
{
	int fd;

	for (fd = 0; set && fd < n_fds && fd < FD_SETSIZE; fd++) {
		if (FD_ISSET(fd, served))
			FD_SET(fd, set);
	}
}

EXPORT int pselect(int n_fds, fd_set *readable, fd_set *writable,
		   fd_set *exceptional, const struct timespec *timeout,
		   const sigset_t *mask)
{
	static const struct timespec no_time;
	fd_set our_reads, our_writes, never;
	sigset_t changed;
	int n, ret;

	mask = signals_mask_for_wait(mask, &changed);
	if (likely(!atomic_load(&fd_n_served)))
		return REAL(pselect)(n_fds, readable, writable, exceptional,
				     timeout, mask);
	n = select_split(n_fds, readable, &our_reads) +
	    select_split(n_fds, writable, &our_writes);
	select_split(n_fds, exceptional, &never);
	ret = REAL(pselect)(n_fds, readable, writable, exceptional,
			    n ? &no_time : timeout, mask);
	if (ret < 0)
		return ret;
	select_join(n_fds, readable, &our_reads);
	select_join(n_fds, writable, &our_writes);
	return ret + n;
}

EXPORT int select(int n_fds, fd_set *readable, fd_set *writable,
		  fd_set *exceptional, struct timeval *timeout)
{
	struct timespec time;

	if (likely(!atomic_load(&fd_n_served)))
		return REAL(select)(n_fds, readable, writable, exceptional,
				    timeout);
	if (timeout) {
		time.tv_sec = timeout->tv_sec;
		time.tv_nsec = timeout->tv_usec * 1000L;
	}
	return pselect(n_fds, readable, writable, exceptional,
		       timeout ? &time : NULL, NULL);
}

/* epoll */

EXPORT int epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
	if (unlikely(poll_is_served(fd)))
		return result_int(-EPERM);
	return REAL(epoll_ctl)(set, op, fd, event);
}

EXPORT int epoll_pwait(int set, struct epoll_event *events, int n_events,
		       int timeout, const sigset_t *mask)
{
	sigset_t changed;

	mask = signals_mask_for_wait(mask, &changed);
	return REAL(epoll_pwait)(set, events, n_events, timeout, mask);
}

EXPORT int epoll_pwait2(int set, struct epoll_event *events, int n_events,
			const struct timespec *timeout, const sigset_t *mask)
{
	sigset_t changed;

	mask = signals_mask_for_wait(mask, &changed);
	return REAL(epoll_pwait2)(set, events, n_events, timeout, mask);
}
