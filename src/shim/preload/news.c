/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls that make new descriptors. All we do is to notice the number: when the
 * table still holds it, it was closed by a way that did not pass us.
 */
#include <stdarg.h>
#include <unistd.h>
#include "shim/preload/export.h"
#include "shim/preload/fds.h"
#include "shim/preload/real.h"
#include "shim/preload/run.h"

static int news_pair(int ret, const int fds[2])
{
	if (!ret) {
		fd_fresh(fds[0]);
		fd_fresh(fds[1]);
	}
	return ret;
}

EXPORT int socket(int domain, int type, int protocol)
{
	return fd_fresh(REAL(socket)(domain, type, protocol));
}

EXPORT int socketpair(int domain, int type, int protocol, int fds[2])
{
	return news_pair(REAL(socketpair)(domain, type, protocol, fds), fds);
}

EXPORT int accept(int fd, struct sockaddr *restrict address,
		  socklen_t *restrict len)
{
	return fd_fresh(REAL(accept)(fd, address, len));
}

EXPORT int accept4(int fd, struct sockaddr *restrict address,
		   socklen_t *restrict len, int flags)
{
	return fd_fresh(REAL(accept4)(fd, address, len, flags));
}

EXPORT int pipe(int fds[2])
{
	return news_pair(REAL(pipe)(fds), fds);
}

EXPORT int pipe2(int fds[2], int flags)
{
	return news_pair(REAL(pipe2)(fds, flags), fds);
}

EXPORT int eventfd(unsigned int count, int flags)
{
	return fd_fresh(REAL(eventfd)(count, flags));
}

EXPORT int epoll_create(int size)
{
	return fd_fresh(REAL(epoll_create)(size));
}

EXPORT int epoll_create1(int flags)
{
	return fd_fresh(REAL(epoll_create1)(flags));
}

EXPORT int timerfd_create(clockid_t clock, int flags)
{
	return fd_fresh(REAL(timerfd_create)(clock, flags));
}

EXPORT int inotify_init(void)
{
	return fd_fresh(REAL(inotify_init)());
}

EXPORT int inotify_init1(int flags)
{
	return fd_fresh(REAL(inotify_init1)(flags));
}

EXPORT int shm_open(const char *name, int flags, mode_t mode)
{
	return fd_fresh(REAL(shm_open)(name, flags, mode));
}

EXPORT int mkstemp(char *name)
{
	return fd_fresh(REAL(mkstemp)(name));
}

EXPORT_ALIAS("mkstemp") int mkstemp64(char *name);

EXPORT int mkostemp(char *name, int flags)
{
	return fd_fresh(REAL(mkostemp)(name, flags));
}

EXPORT_ALIAS("mkostemp") int mkostemp64(char *name, int flags);

/* A message may carry served descriptors of another process, or of this. */
static void news_look(struct msghdr *message)
{
	struct cmsghdr *part;

	for (part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		const int *fds = (const void *)CMSG_DATA(part);
		size_t i, n;

		if (part->cmsg_level != SOL_SOCKET ||
		    part->cmsg_type != SCM_RIGHTS)
			continue;
		n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(*fds);
		for (i = 0; i < n; i++) {
			fd_fresh(fds[i]);
			fd_recognise(fds[i]);
		}
	}
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t ret = REAL(recvmsg)(fd, message, flags);

	if (ret >= 0 && message->msg_controllen && run_is_active())
		news_look(message);
	return ret;
}
