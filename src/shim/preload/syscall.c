/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syscall(): numbers that may concern a served thing take the way of the
 * function of the same name; all others go to the kernel.
 */
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <linux/openat2.h>
#include "shim/preload/export.h"
#include "shim/preload/fds.h"
#include "shim/preload/open.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"
#include "shim/preload/run.h"
#include "shim/preload/sys.h"

#define ARG_INT(i) ((int)args->arg[i])
#define ARG_LEN(i) ((size_t)args->arg[i])
#define ARG_PTR(i) ((void *)args->arg[i])

/* Return: false when the number is not one of these. */
static bool syscall_of_fd(long number, const struct sys_args *args, long *ret)
{
	switch (number) {
	case SYS_ioctl:
		*ret = ioctl(ARG_INT(0), ARG_LEN(1), ARG_PTR(2));
		return true;
	case SYS_close:
		*ret = close(ARG_INT(0));
		return true;
	case SYS_close_range:
		*ret = close_range((unsigned int)ARG_LEN(0),
				   (unsigned int)ARG_LEN(1), ARG_INT(2));
		return true;
	case SYS_read:
		*ret = read(ARG_INT(0), ARG_PTR(1), ARG_LEN(2));
		return true;
	case SYS_write:
		*ret = write(ARG_INT(0), ARG_PTR(1), ARG_LEN(2));
		return true;
	case SYS_pread64:
		*ret = pread(ARG_INT(0), ARG_PTR(1), ARG_LEN(2), args->arg[3]);
		return true;
	case SYS_pwrite64:
		*ret = pwrite(ARG_INT(0), ARG_PTR(1), ARG_LEN(2), args->arg[3]);
		return true;
	case SYS_dup:
		*ret = dup(ARG_INT(0));
		return true;
	case SYS_dup2:
		*ret = dup2(ARG_INT(0), ARG_INT(1));
		return true;
	case SYS_dup3:
		*ret = dup3(ARG_INT(0), ARG_INT(1), ARG_INT(2));
		return true;
	case SYS_fcntl:
		*ret = fcntl(ARG_INT(0), ARG_INT(1), args->arg[2]);
		return true;
	case SYS_lseek:
		*ret = lseek(ARG_INT(0), args->arg[1], ARG_INT(2));
		return true;
	case SYS_poll:
		*ret = poll(ARG_PTR(0), ARG_LEN(1), ARG_INT(2));
		return true;
	case SYS_fstat:
		*ret = fstat(ARG_INT(0), ARG_PTR(1));
		return true;
	default:
		return false;
	}
}

/* openat2() of a path that matters; its rules for resolving are not kept. */
static long syscall_openat2(const struct sys_args *args)
{
	struct open_how how;

	if (ARG_LEN(3) < sizeof(how))
		return result_of(-EINVAL);
	memcpy(&how, ARG_PTR(2), sizeof(how));
	if (how.resolve)
		return fd_fresh(
			(int)result_of(sys_call_args(SYS_openat2, args)));
	return open_at(ARG_INT(0), ARG_PTR(1), (int)how.flags,
		       (mode_t)how.mode);
}

static bool syscall_of_path(long number, const struct sys_args *args, long *ret)
{
	switch (number) {
	case SYS_open:
		*ret = open_at(AT_FDCWD, ARG_PTR(0), ARG_INT(1),
			       (mode_t)ARG_LEN(2));
		return true;
	case SYS_openat:
		*ret = open_at(ARG_INT(0), ARG_PTR(1), ARG_INT(2),
			       (mode_t)ARG_LEN(3));
		return true;
	case SYS_openat2:
		*ret = syscall_openat2(args);
		return true;
	case SYS_stat:
		*ret = stat(ARG_PTR(0), ARG_PTR(1));
		return true;
	case SYS_lstat:
		*ret = lstat(ARG_PTR(0), ARG_PTR(1));
		return true;
	case SYS_newfstatat:
		*ret = fstatat(ARG_INT(0), ARG_PTR(1), ARG_PTR(2), ARG_INT(3));
		return true;
	case SYS_statx:
		*ret = statx(ARG_INT(0), ARG_PTR(1), ARG_INT(2),
			     (unsigned int)ARG_LEN(3), ARG_PTR(4));
		return true;
	case SYS_access:
		*ret = access(ARG_PTR(0), ARG_INT(1));
		return true;
	case SYS_faccessat:
		*ret = faccessat(ARG_INT(0), ARG_PTR(1), ARG_INT(2), 0);
		return true;
	case SYS_faccessat2:
		*ret = faccessat(ARG_INT(0), ARG_PTR(1), ARG_INT(2),
				 ARG_INT(3));
		return true;
	case SYS_readlink:
		*ret = readlink(ARG_PTR(0), ARG_PTR(1), ARG_LEN(2));
		return true;
	case SYS_readlinkat:
		*ret = readlinkat(ARG_INT(0), ARG_PTR(1), ARG_PTR(2),
				  ARG_LEN(3));
		return true;
	case SYS_chdir:
		*ret = chdir(ARG_PTR(0));
		return true;
	default:
		return false;
	}
}

static bool syscall_of_memory(long number, const struct sys_args *args,
			      long *ret)
{
	switch (number) {
	case SYS_mmap:
		*ret = (long)mmap(ARG_PTR(0), ARG_LEN(1), ARG_INT(2),
				  ARG_INT(3), ARG_INT(4), args->arg[5]);
		return true;
	case SYS_munmap:
		*ret = munmap(ARG_PTR(0), ARG_LEN(1));
		return true;
	case SYS_mremap:
		*ret = (long)mremap(ARG_PTR(0), ARG_LEN(1), ARG_LEN(2),
				    ARG_INT(3), ARG_PTR(4));
		return true;
	case SYS_mprotect:
		*ret = mprotect(ARG_PTR(0), ARG_LEN(1), ARG_INT(2));
		return true;
	case SYS_madvise:
		*ret = madvise(ARG_PTR(0), ARG_LEN(1), ARG_INT(2));
		return true;
	default:
		return false;
	}
}

static bool syscall_of_process(long number, const struct sys_args *args,
			       long *ret)
{
	switch (number) {
	case SYS_memfd_create:
		*ret = memfd_create(ARG_PTR(0), (unsigned int)ARG_INT(1));
		return true;
	case SYS_fork:
		*ret = fork();
		return true;
	case SYS_execve:
		*ret = execve(ARG_PTR(0), ARG_PTR(1), ARG_PTR(2));
		return true;
	case SYS_execveat:
		*ret = execveat(ARG_INT(0), ARG_PTR(1), ARG_PTR(2), ARG_PTR(3),
				ARG_INT(4));
		return true;
	default:
		return false;
	}
}

/* Does the call make a descriptor? */
static bool syscall_makes_fd(long number)
{
	switch (number) {
	case SYS_memfd_secret:
	case SYS_eventfd:
	case SYS_eventfd2:
	case SYS_timerfd_create:
	case SYS_signalfd4:
	case SYS_epoll_create1:
	case SYS_socket:
	case SYS_accept4:
	case SYS_pidfd_open:
	case SYS_pidfd_getfd:
	case SYS_userfaultfd:
	case SYS_io_uring_setup:
	case SYS_perf_event_open:
	case SYS_inotify_init1:
		return true;
	default:
		return false;
	}
}

EXPORT long syscall(long number, ...)
{
	struct sys_args args;
	va_list list;
	long ret;
	int i;

	va_start(list, number);
	for (i = 0; i < 6; i++)
		args.arg[i] = va_arg(list, long);
	va_end(list);
	if (run_is_active() && !self.core_depth &&
	    (syscall_of_fd(number, &args, &ret) ||
	     syscall_of_path(number, &args, &ret) ||
	     syscall_of_memory(number, &args, &ret) ||
	     syscall_of_process(number, &args, &ret)))
		return ret;
	ret = REAL(syscall)(number, args.arg[0], args.arg[1], args.arg[2],
			    args.arg[3], args.arg[4], args.arg[5]);
	if (syscall_makes_fd(number))
		fd_fresh((int)ret);
	return ret;
}
