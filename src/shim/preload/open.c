/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening: nodes go to the core, files of the tree are opened there, and
 * directories that lead to names of ours are remembered by number.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <linux/openat2.h>
#include "base/err.h"
#include "shim/preload/core.h"
#include "shim/preload/export.h"
#include "shim/preload/open.h"
#include "shim/preload/paths.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"
#include "shim/preload/sys.h"

static int open_node(const struct tree_node *node, int flags)
{
	const struct shim_core *core;
	struct file *file;
	int fd, err;

	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	err = core_load();
	if (err)
		return err;
	core = core_get();
	core_enter();
	file = core->open(node->path, flags);
	core_leave();
	if (is_err(file))
		return ptr_err(file);
	fd = fd_install(file, flags);
	if (fd < 0)
		core_file_put(file);
	else
		fd_install_node(fd, node);
	return fd;
}

/* A directory that was opened: do relative paths from it matter? */
static void open_note_dir(int fd, const struct place *place, int flags)
{
	struct stat stat;

	if (fd < 0 || !place->name)
		return;
	if (!(flags & O_DIRECTORY)) {
		if (!place->is_served && !tree_is_merged(place->name) &&
		    strcmp(place->name, "/") != 0)
			return;
		if (sys_call2(SYS_fstat, fd, &stat) || !S_ISDIR(stat.st_mode))
			return;
	}
	/* The name may have come by a link: ask the kernel. */
	open_note_dir_fd(fd);
}

void open_note_dir_fd(int fd)
{
	char link[32], name[PATH_MAX];
	long n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = sys_call4(SYS_readlinkat, AT_FDCWD, link, name, sizeof(name) - 1);
	if (n <= 0)
		return;
	name[tree_strip(name, (size_t)n)] = '\0';
	if (name_matters(name))
		fd_note_dir(fd, name);
}

/* The kind of file behind /proc/self/fd/N: a served one is opened anew. */
static const struct tree_node *open_node_by_fd(const struct place *place)
{
	const struct tree_node *node = NULL;
	struct fd_entry *entry;
	struct fd_hold hold;

	entry = fd_hold(place_own_fd(place), &hold);
	if (!entry)
		return NULL;
	node = entry->node;
	fd_drop(&hold);
	return node;
}

static no_inline int open_slow(int dirfd, const char *path, int flags,
			       mode_t mode)
{
	const struct tree_node *node;
	struct place place;
	int fd;

	place_find(&place, dirfd, path);
	node = place_node(&place, !(flags & O_NOFOLLOW));
	if (!node)
		node = open_node_by_fd(&place);
	if (node && !(flags & O_PATH))
		return result_int(open_node(node, flags));
	fd = fd_fresh(REAL(openat)(place.dirfd, place.real, flags, mode));
	if (fd >= 0 && place.name && !strcmp(place.name, "/dev/kvm"))
		core_note_kvm();
	open_note_dir(fd, &place, flags);
	return fd;
}

int open_at(int dirfd, const char *path, int flags, mode_t mode)
{
	if (likely(path_is_plain(dirfd, path)))
		return fd_fresh(REAL(openat)(dirfd, path, flags, mode));
	return open_slow(dirfd, path, flags, mode);
}

/* The third argument is there when the flags say so. */
static inline mode_t open_mode(int flags, va_list args)
{
	if (flags & (O_CREAT | O_TMPFILE))
		return va_arg(args, mode_t);
	return 0;
}

EXPORT int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = open_mode(flags, args);
	va_end(args);
	return open_at(AT_FDCWD, path, flags, mode);
}

EXPORT_ALIAS("open") int open64(const char *path, int flags, ...);

EXPORT int openat(int dirfd, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = open_mode(flags, args);
	va_end(args);
	return open_at(dirfd, path, flags, mode);
}

EXPORT_ALIAS("openat")
int openat64(int dirfd, const char *path, int flags, ...);

EXPORT int creat(const char *path, mode_t mode)
{
	return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT_ALIAS("creat") int creat64(const char *path, mode_t mode);

/* What fortified programs call when there is no mode. */
EXPORT int __open_2(const char *path, int flags);
EXPORT int __openat_2(int dirfd, const char *path, int flags);

EXPORT int __open_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

EXPORT_ALIAS("__open_2") int __open64_2(const char *path, int flags);

EXPORT int __openat_2(int dirfd, const char *path, int flags)
{
	return open_at(dirfd, path, flags, 0);
}

EXPORT_ALIAS("__openat_2")
int __openat64_2(int dirfd, const char *path, int flags);

/* Streams */

/* The flags of open() that a mode of fopen() means, or -1. */
static int open_stream_flags(const char *mode)
{
	bool plus = strchr(mode, '+') != NULL;
	int flags;

	switch (mode[0]) {
	case 'r':
		flags = plus ? O_RDWR : O_RDONLY;
		break;
	case 'w':
		flags = (plus ? O_RDWR : O_WRONLY) | O_CREAT | O_TRUNC;
		break;
	case 'a':
		flags = (plus ? O_RDWR : O_WRONLY) | O_CREAT | O_APPEND;
		break;
	default:
		return -1;
	}
	return flags | (strchr(mode, 'e') ? O_CLOEXEC : 0);
}

static FILE *open_node_stream(const struct tree_node *node, const char *mode)
{
	int flags = open_stream_flags(mode);
	FILE *stream;
	int fd;

	if (flags < 0)
		return result_null(-EINVAL);
	fd = open_node(node, flags);
	if (fd < 0)
		return result_null(fd);
	stream = REAL(fdopen)(fd, mode);
	if (!stream)
		close(fd);
	return stream;
}

static FILE *open_note_stream(FILE *stream)
{
	if (stream)
		fd_fresh(fileno(stream));
	return stream;
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
	const struct tree_node *node;
	struct place place;

	if (likely(path_is_plain(AT_FDCWD, path)))
		return open_note_stream(REAL(fopen)(path, mode));
	place_find(&place, AT_FDCWD, path);
	node = place_node(&place, true);
	if (!node)
		node = open_node_by_fd(&place);
	if (node)
		return open_node_stream(node, mode);
	return open_note_stream(REAL(fopen)(place.real, mode));
}

EXPORT_ALIAS("fopen") FILE *fopen64(const char *path, const char *mode);

EXPORT FILE *freopen(const char *path, const char *mode, FILE *stream)
{
	struct place place;
	int old = fileno(stream);

	place_of(&place, AT_FDCWD, path);
	stream = REAL(freopen)(place.real, mode, stream);
	fd_fresh(old);
	return open_note_stream(stream);
}

EXPORT_ALIAS("freopen")
FILE *freopen64(const char *path, const char *mode, FILE *stream);

EXPORT int fclose(FILE *stream)
{
	int fd = fileno(stream);
	int ret = REAL(fclose)(stream);

	if (unlikely(fd_peek(fd)))
		fd_stale(fd);
	return ret;
}
