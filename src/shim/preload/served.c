/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Served descriptors: making them, and telling them when they come from
 * another process.
 *
 * A served descriptor is one end of a SOCK_SEQPACKET socket pair that is bound
 * to an abstract name, "iommufd-user/PID/ID/PATH": another process that
 * inherits or receives it can tell what it is. We keep the other end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "shim/door.h"
#include "shim/preload/dents.h"
#include "shim/preload/fds.h"
#include "shim/preload/process.h"
#include "shim/preload/run.h"
#include "shim/preload/sys.h"

#define FD_SOCKET_PREFIX "iommufd-user/"

/* The last id given; ids tell the entries of a process apart. */
static atomic_uint fd_last_id;

static int fd_move_high(int fd)
{
	struct rlimit limit = { 1024, 1024 };
	struct sys_args args = { { 0, RLIMIT_NOFILE, 0, (long)&limit } };
	rlim_t base;
	long high;

	sys_call_args(SYS_prlimit64, &args);
	base = limit.rlim_cur < 4096 ? limit.rlim_cur : 4096;
	high = sys_call3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, base * 3 / 4);
	if (high < 0)
		high = sys_call3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, base / 4);
	sys_call1(SYS_close, fd);
	return (int)high;
}

static int fd_bind(int fd, const struct fd_entry *entry)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int len;

	len = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
		       FD_SOCKET_PREFIX "%d/%u%s%s", process_id(), entry->id,
		       entry->name[0] == '/' ? "" : "/", entry->name);
	if ((size_t)len > sizeof(name.sun_path) - 1)
		len = sizeof(name.sun_path) - 1;
	return (int)sys_call3(SYS_bind, fd, &name,
			      offsetof(struct sockaddr_un, sun_path) + 1 +
				      (size_t)len);
}

/* A socket pair: the program's end and, high and hidden, ours. */
static int fd_make_pair(int flags, int *peer)
{
	int ends[2];
	long err;

	err = sys_call4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC,
			0, ends);
	if (err)
		return (int)err;
	if (!(flags & O_CLOEXEC))
		sys_call3(SYS_fcntl, ends[0], F_SETFD, 0);
	*peer = fd_move_high(ends[1]);
	if (*peer < 0 || (unsigned int)ends[0] >= FD_TABLE_LEN) {
		sys_call1(SYS_close, ends[0]);
		if (*peer >= 0)
			sys_call1(SYS_close, *peer);
		return -EMFILE;
	}
	return ends[0];
}

static void fd_file_name(const struct file *file, char *name, size_t len)
{
	if (file->node)
		snprintf(name, len, "%s", file->node->path);
	else
		snprintf(name, len, "anon_inode:[%s]", file->ops->name);
}

int fd_install(struct file *file, int flags)
{
	struct fd_entry *entry;
	char name[FD_NAME_MAX];
	int fd, peer = -1;
	__u64 mask;

	fd_file_name(file, name, sizeof(name));
	fd = fd_make_pair(flags, &peer);
	if (fd < 0)
		return fd;
	fd_hide(peer);
	mask = fds_lock();
	fd_clear_locked(fd);
	entry = fd_entry_alloc_locked(FD_DEVICE, name);
	if (entry) {
		entry->file = file;
		entry->peer = peer;
		entry->id = atomic_fetch_add(&fd_last_id, 1) + 1;
		atomic_store(&entry->flags,
			     flags & ~(O_CLOEXEC | O_CREAT | O_EXCL | O_TRUNC |
				       O_NOCTTY));
		if (file->node)
			entry->node = tree_node_named(name);
		fd_bind(fd, entry);
		atomic_fetch_add(&fd_n_served, 1);
		fd_set_locked(fd, entry);
	}
	fds_unlock(mask);
	if (entry)
		return fd;
	fd_unhide(peer);
	sys_call1(SYS_close, peer);
	sys_call1(SYS_close, fd);
	return -ENOMEM;
}

struct file *fd_get_file(int fd)
{
	struct file *file = NULL;
	struct fd_entry *entry;
	struct fd_hold hold;

	entry = fd_hold(fd, &hold);
	if (!entry)
		return NULL;
	file = entry->file;
	if (file)
		atomic_fetch_add(&file->n_refs, 1);
	fd_drop(&hold);
	return file;
}

/* Descriptors from elsewhere */

void fd_install_node(int fd, const struct tree_node *node)
{
	struct fd_entry *entry;
	struct fd_hold hold;

	entry = fd_hold(fd, &hold);
	if (!entry)
		return;
	if (!entry->node)
		entry->node = node;
	fd_drop(&hold);
}

static struct fd_entry *fd_find_id_locked(unsigned int id)
{
	unsigned int fd;

	for (fd = 0; fd < fds_end_locked(); fd++) {
		struct fd_entry *entry = fd_peek((int)fd);

		if (entry && entry->kind == FD_DEVICE && entry->id == id)
			return entry;
	}
	return NULL;
}

static void fd_adopt(int fd, const char *text)
{
	struct fd_entry *entry = NULL;
	unsigned int pid, id;
	int path = 0;
	__u64 mask;

	/* The name is one of ours. NOLINTNEXTLINE(cert-err34-c) */
	if (sscanf(text, "%u/%u%n", &pid, &id, &path) != 2 || !path ||
	    (unsigned int)fd >= FD_TABLE_LEN)
		return;
	text += path;
	if (!strncmp(text, "/anon_inode:", 12))
		text++;
	mask = fds_lock();
	fd_clear_locked(fd);
	if (pid == (unsigned int)process_id())
		entry = fd_find_id_locked(id);
	if (!entry) {
		entry = fd_entry_alloc_locked(FD_FOREIGN, text);
		if (entry) {
			entry->node = tree_node_named(text);
			atomic_store(&entry->flags, O_RDWR);
			atomic_fetch_add(&fd_n_served, 1);
		}
	}
	if (entry)
		fd_set_locked(fd, entry);
	fds_unlock(mask);
}

void fd_recognise(int fd)
{
	const size_t prefix_len = sizeof(FD_SOCKET_PREFIX) - 1;
	struct sockaddr_un name;
	socklen_t len = sizeof(name) - 1;
	size_t text_len;

	if (sys_call3(SYS_getsockname, fd, &name, &len) ||
	    name.sun_family != AF_UNIX ||
	    len <= offsetof(struct sockaddr_un, sun_path) + 1 + prefix_len)
		return;
	text_len = len - offsetof(struct sockaddr_un, sun_path);
	if (name.sun_path[0] ||
	    memcmp(name.sun_path + 1, FD_SOCKET_PREFIX, prefix_len) != 0)
		return;
	if (text_len >= sizeof(name.sun_path))
		text_len = sizeof(name.sun_path) - 1;
	name.sun_path[text_len] = '\0';
	fd_adopt(fd, name.sun_path + 1 + prefix_len);
}

/**
 * struct fd_scan - a look at what was inherited
 * @dirfd: the descriptor that it is done by
 * @lock: the file whose lock keeps the run alive; st_ino is 0 without one
 */
struct fd_scan {
	int dirfd;
	struct stat lock;
};

static void fd_recognise_entry(void *arg, const struct dents_entry *entry)
{
	const struct fd_scan *scan = arg;
	/* The kernel's text. NOLINTNEXTLINE(cert-err34-c) */
	int fd = atoi(entry->name);
	struct stat stat;

	if (fd == scan->dirfd || sys_call2(SYS_fstat, fd, &stat))
		return;
	if (S_ISSOCK(stat.st_mode))
		fd_recognise(fd);
	else if (scan->lock.st_ino == stat.st_ino &&
		 scan->lock.st_dev == stat.st_dev)
		fd_hide(fd);
}

void fds_start(void)
{
	struct fd_scan scan = { 0 };
	char path[2 * RUN_PATH_MAX];

	snprintf(path, sizeof(path), "%s/" SHIM_RUN_LOCK, run.dir);
	if (sys_call4(SYS_newfstatat, AT_FDCWD, path, &scan.lock, 0))
		scan.lock.st_ino = 0;
	scan.dirfd = (int)sys_call4(SYS_openat, AT_FDCWD, "/proc/self/fd",
				    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (scan.dirfd < 0)
		return;
	dents_read(scan.dirfd, fd_recognise_entry, &scan);
	sys_call1(SYS_close, scan.dirfd);
}
