/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The functions that stand behind ours: the next of the same name in the
 * dynamic linker's order, normally libc's.
 */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <utime.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include "base/compiler.h"

/* free() comes first: looking for the others may call it. */
/* clang-format off */
#define REAL_CALLS(X) \
	X(free) X(accept) X(accept4) X(access) X(brk) X(chdir) X(clone) \
	X(close) X(close_range) X(closedir) X(dup) X(dup2) X(dup3) \
	X(epoll_create) X(epoll_create1) X(epoll_ctl) X(epoll_pwait) \
	X(epoll_pwait2) X(eventfd) X(execve) X(execveat) X(execvpe) \
	X(faccessat) X(fallocate) X(fchdir) X(fchmodat) X(fchownat) \
	X(fclose) X(fcntl) X(fdatasync) X(fdopen) X(fdopendir) X(fgetxattr) \
	X(flistxattr) X(fopen) X(_Fork) X(freopen) X(fsetxattr) X(fstat) \
	X(fstatat) X(fsync) X(ftruncate) X(ftw) X(getcwd) X(getxattr) \
	X(glob) X(inotify_add_watch) X(inotify_init) X(inotify_init1) \
	X(ioctl) X(lgetxattr) X(linkat) X(listxattr) X(llistxattr) X(lseek) \
	X(lsetxattr) X(madvise) X(malloc_usable_size) X(memfd_create) \
	X(mkdirat) X(mkostemp) X(mkstemp) X(mmap) X(mprotect) X(mremap) \
	X(munmap) X(nftw) X(openat) X(opendir) X(pathconf) X(pipe) X(pipe2) \
	X(poll) X(posix_spawn) X(posix_spawnp) X(ppoll) X(pread) X(preadv) \
	X(preadv2) X(prlimit) X(pselect) X(pthread_sigmask) X(pwrite) \
	X(pwritev) X(pwritev2) X(read) X(readdir) X(readdir_r) X(readlink) \
	X(readlinkat) X(readv) X(realloc) X(realpath) X(recvmsg) \
	X(renameat2) X(rewinddir) X(sbrk) X(seekdir) X(select) X(setrlimit) \
	X(setxattr) X(shm_open) X(shmdt) X(sigaction) X(sigprocmask) \
	X(sigsuspend) X(socket) X(socketpair) X(statfs) X(statvfs) X(statx) \
	X(symlinkat) X(syscall) X(telldir) X(timerfd_create) X(truncate) \
	X(unlinkat) X(utimensat) X(write) X(writev)

/* clang-format on */

#define REAL_MEMBER(name) __typeof__(name) *name;

/* Programs still call what libc has declared deprecated (readdir_r). */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
struct real {
	REAL_CALLS(REAL_MEMBER)
};
#pragma GCC diagnostic pop

extern struct real real_table __attribute__((visibility("hidden")));

/* Fill in the table. May run more than once, in several threads. */
void real_resolve(void);

/* The real function; found when the first of them is asked for. */
#define REAL(name)                                         \
	(likely(real_table.name != NULL) ? real_table.name \
					 : (real_resolve(), real_table.name))

#endif /* PRELOAD_REAL_H */
