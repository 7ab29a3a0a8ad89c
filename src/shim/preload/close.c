/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * close(), dup() and their kind. Descriptors of ours are skipped: to the
 * program they are not there. In a child of vfork only the kernel's side
 * happens, since the table is the parent's.
 */
#include <errno.h>
#include <unistd.h>
#include <linux/close_range.h>
#include "shim/preload/close.h"
#include "shim/preload/core.h"
#include "shim/preload/export.h"
#include "shim/preload/fds.h"
#include "shim/preload/process.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"
#include "shim/preload/run.h"

static no_inline int close_ours(int fd)
{
	int ret;

	if (process_is_guest())
		return REAL(close)(fd);
	if (fd_is_hidden(fd)) {
		if (!self.core_depth)
			return result_int(-EBADF);
		fd_went(fd);
		return REAL(close)(fd);
	}
	/* The number is given up before the kernel gives it to another, and
	 * the file is released when the kernel has closed its side. */
	fd_leave(fd);
	ret = REAL(close)(fd);
	fd_left();
	return ret;
}

EXPORT int close(int fd)
{
	if (likely(!fd_peek(fd)))
		return REAL(close)(fd);
	return close_ours(fd);
}

void close_share(int old_fd, int new_fd)
{
	if ((fd_peek(old_fd) || fd_peek(new_fd)) && !process_is_guest())
		fd_share(old_fd, new_fd);
}

EXPORT int dup(int fd)
{
	int new_fd;

	if (fd_is_hidden(fd) && !self.core_depth)
		return result_int(-EBADF);
	new_fd = REAL(dup)(fd);
	if (new_fd >= 0)
		close_share(fd, new_fd);
	return new_fd;
}

/* dup2() and dup3() leave our own descriptors where they are. */
static bool close_may_dup(int old_fd, int new_fd)
{
	if (self.core_depth)
		return true;
	if (fd_is_hidden(old_fd))
		errno = EBADF;
	else if (fd_is_hidden(new_fd))
		errno = EBUSY;
	else
		return true;
	return false;
}

EXPORT int dup2(int old_fd, int new_fd)
{
	int ret;

	if (unlikely(!close_may_dup(old_fd, new_fd)))
		return -1;
	ret = REAL(dup2)(old_fd, new_fd);
	if (ret >= 0)
		close_share(old_fd, new_fd);
	return ret;
}

EXPORT int dup3(int old_fd, int new_fd, int flags)
{
	int ret;

	if (unlikely(!close_may_dup(old_fd, new_fd)))
		return -1;
	ret = REAL(dup3)(old_fd, new_fd, flags);
	if (ret >= 0)
		close_share(old_fd, new_fd);
	return ret;
}

/* Close the stretches between hidden numbers. */
static int close_stretches(unsigned int first, unsigned int last, int flags)
{
	unsigned int end;
	int hidden, ret;

	for (;;) {
		hidden = fd_next_hidden(first, last);
		end = hidden < 0 ? last : (unsigned int)hidden - 1;
		if (hidden < 0 || (unsigned int)hidden > first) {
			ret = REAL(close_range)(first, end, flags);
			if (ret)
				return ret;
		}
		if (hidden < 0 || (unsigned int)hidden == last)
			return 0;
		first = (unsigned int)hidden + 1;
	}
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	int ret;

	if (first > last || (flags & (int)CLOSE_RANGE_CLOEXEC) ||
	    !run_is_active())
		return REAL(close_range)(first, last, flags);
	ret = close_stretches(first, last, flags);
	if (!ret && !process_is_guest())
		fd_went_range(first, last);
	return ret;
}

EXPORT void closefrom(int first)
{
	int old_errno = errno;

	close_range(first < 0 ? 0 : (unsigned int)first, ~0u, 0);
	errno = old_errno;
}
