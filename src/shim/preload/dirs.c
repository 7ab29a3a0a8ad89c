/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Directory streams.
 *
 * A *view* belongs to a stream whose listing differs from the kernel's: a
 * merged directory (the tree's names added, the host's of the same name
 * dropped), one that has nodes (their type), /proc/self/fd (without our own
 * descriptors). It is a snapshot, taken at the first read and after
 * rewinddir(); its position is an index. Other streams are libc's alone.
 *
 * The list of views is guarded by dirs.guard. A stream is used by one thread
 * at a time, as libc requires.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "shim/preload/dents.h"
#include "shim/preload/dirs.h"
#include "shim/preload/export.h"
#include "shim/preload/guard.h"
#include "shim/preload/open.h"
#include "shim/preload/paths.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"
#include "shim/preload/sys.h"

/**
 * struct dir_view - what a stream shows
 * @dir: the stream
 * @name: of the directory
 * @entries: the snapshot; NULL before the first read
 * @n_entries: in it
 * @n_room: that it has room for
 * @at: index of the next
 * @is_full: memory ran out while the snapshot was taken
 * @next: in the list
 */
struct dir_view {
	DIR *dir;
	char *name;
	struct dirent *entries;
	size_t n_entries;
	size_t n_room;
	size_t at;
	bool is_full;
	struct dir_view *next;
};

static struct {
	struct guard guard;
	struct dir_view *views;
	atomic_uint n_views;
} dirs = { .guard = GUARD_INITIALIZER };

void dirs_fork_child(void)
{
	guard_reset(&dirs.guard);
}

static struct dir_view *dir_view_find(DIR *dir)
{
	struct dir_view *view;
	__u64 mask;

	if (likely(!atomic_load_explicit(&dirs.n_views, memory_order_acquire)))
		return NULL;
	mask = guard_acquire(&dirs.guard);
	for (view = dirs.views; view && view->dir != dir; view = view->next)
		;
	guard_release(&dirs.guard, mask);
	return view;
}

static void dir_view_add(struct dir_view *view)
{
	__u64 mask = guard_acquire(&dirs.guard);

	view->next = dirs.views;
	dirs.views = view;
	atomic_fetch_add(&dirs.n_views, 1);
	guard_release(&dirs.guard, mask);
}

static void dir_view_remove(struct dir_view *view)
{
	__u64 mask = guard_acquire(&dirs.guard);
	struct dir_view **link = &dirs.views;

	while (*link != view)
		link = &(*link)->next;
	*link = view->next;
	atomic_fetch_sub(&dirs.n_views, 1);
	guard_release(&dirs.guard, mask);
	free(view->entries);
	free(view->name);
	free(view);
}

static bool dir_needs_view(const char *name)
{
	return tree_is_merged(name) || name_is_own_fds(name) ||
	       (tree_serves(name) && !strncmp(name, "/dev/", 5));
}

/* @dir is open, on the directory @name. Return: false: no memory. */
static bool dir_look(DIR *dir, const char *name)
{
	struct dir_view *view;

	if (!dir_needs_view(name))
		return true;
	view = calloc(1, sizeof(*view));
	if (!view)
		return false;
	view->dir = dir;
	view->name = strdup(name);
	if (!view->name) {
		free(view);
		return false;
	}
	dir_view_add(view);
	return true;
}

/* The snapshot */

static bool dir_view_grow(struct dir_view *view)
{
	size_t n_room = view->n_room ? 2 * view->n_room : 32;
	struct dirent *entries;

	entries = reallocarray(view->entries, n_room, sizeof(*entries));
	if (!entries)
		return false;
	view->entries = entries;
	view->n_room = n_room;
	return true;
}

static void dir_view_put(struct dir_view *view, const char *name,
			 unsigned char type, ino_t ino)
{
	struct dirent *entry;

	if (view->n_entries == view->n_room && !dir_view_grow(view)) {
		view->is_full = true;
		return;
	}
	entry = &view->entries[view->n_entries++];
	memset(entry, 0, sizeof(*entry));
	entry->d_ino = ino;
	entry->d_off = (off_t)view->n_entries;
	entry->d_reclen = sizeof(*entry);
	entry->d_type = type;
	strncpy(entry->d_name, name, sizeof(entry->d_name) - 1);
}

/* An entry of the tree: a stand-in shows as the device. */
static void dir_view_put_ours(void *arg, const struct dents_entry *entry)
{
	char path[PATH_MAX + RUN_PATH_MAX];
	struct dir_view *view = arg;
	unsigned char type = entry->type;
	struct stat stat;

	if (type == DT_REG && !strncmp(view->name, "/dev", 4)) {
		snprintf(path, sizeof(path), "%s%s/%s", run.tree, view->name,
			 entry->name);
		if (!sys_call4(SYS_newfstatat, AT_FDCWD, path, &stat, 0) &&
		    tree_node_of(stat.st_dev, stat.st_ino))
			type = DT_CHR;
	}
	dir_view_put(view, entry->name, type, entry->ino);
}

/* An entry of the host: unless ours stands in its place. */
static void dir_view_put_host(void *arg, const struct dents_entry *entry)
{
	struct dir_view *view = arg;
	char name[PATH_MAX];

	if (name_is_own_fds(view->name)) {
		/* The kernel's text. NOLINTNEXTLINE(cert-err34-c) */
		if (fd_is_hidden(atoi(entry->name)))
			return;
	} else {
		snprintf(name, sizeof(name), "%s/%s", view->name, entry->name);
		if (tree_serves(name))
			return;
	}
	dir_view_put(view, entry->name, entry->type, entry->ino);
}

static int dir_view_read_tree(struct dir_view *view)
{
	char path[PATH_MAX + RUN_PATH_MAX];
	int fd, err;

	snprintf(path, sizeof(path), "%s%s", run.tree, view->name);
	fd = (int)sys_call4(SYS_openat, AT_FDCWD, path,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	err = dents_read(fd, dir_view_put_ours, view);
	sys_call1(SYS_close, fd);
	return err;
}

static int dir_view_fill(struct dir_view *view)
{
	bool is_merged = tree_is_merged(view->name);
	int fd = dirfd(view->dir);
	int err;

	view->n_entries = 0;
	view->is_full = false;
	dir_view_put(view, ".", DT_DIR, 1);
	dir_view_put(view, "..", DT_DIR, 1);
	sys_call3(SYS_lseek, fd, 0, SEEK_SET);
	if (is_merged || name_is_own_fds(view->name))
		err = dents_read(fd, dir_view_put_host, view);
	else
		err = dents_read(fd, dir_view_put_ours, view);
	if (!err && is_merged)
		err = dir_view_read_tree(view);
	return err ? err : view->is_full ? -ENOMEM : 0;
}

static struct dirent *dir_view_next(struct dir_view *view)
{
	int err;

	if (!view->n_entries) {
		err = dir_view_fill(view);
		if (err)
			return result_null(err);
	}
	if (view->at >= view->n_entries)
		return NULL;
	return &view->entries[view->at++];
}

/* Streams */

EXPORT DIR *opendir(const char *path)
{
	DIR *dir;
	int fd;

	if (likely(path_is_plain(AT_FDCWD, path))) {
		dir = REAL(opendir)(path);
		if (dir)
			fd_fresh(dirfd(dir));
		return dir;
	}
	fd = open_at(AT_FDCWD, path,
		     O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

EXPORT DIR *fdopendir(int fd)
{
	char name[FD_NAME_MAX];
	struct fd_entry *entry;
	struct fd_hold hold;
	DIR *dir;

	entry = fd_hold(fd, &hold);
	if (likely(!entry))
		return REAL(fdopendir)(fd);
	name[0] = '\0';
	if (entry->kind == FD_DIR)
		strcpy(name, entry->name);
	else if (entry->kind != FD_HIDDEN)
		name[0] = '?';
	fd_drop(&hold);
	if (name[0] == '?')
		return result_null(-ENOTDIR);
	dir = REAL(fdopendir)(fd);
	if (dir && name[0] && !dir_look(dir, name)) {
		closedir(dir);
		return result_null(-ENOMEM);
	}
	return dir;
}

EXPORT int closedir(DIR *dir)
{
	struct dir_view *view = dir_view_find(dir);
	int fd = dirfd(dir);
	int ret;

	if (view)
		dir_view_remove(view);
	ret = REAL(closedir)(dir);
	if (unlikely(fd_peek(fd)))
		fd_stale(fd);
	return ret;
}

EXPORT struct dirent *readdir(DIR *dir)
{
	struct dir_view *view = dir_view_find(dir);

	return unlikely(view) ? dir_view_next(view) : REAL(readdir)(dir);
}

EXPORT_ALIAS("readdir") struct dirent64 *readdir64(DIR *dir);

EXPORT int readdir_r(DIR *restrict dir, struct dirent *restrict entry,
		     struct dirent **restrict result);

EXPORT int readdir_r(DIR *restrict dir, struct dirent *restrict entry,
		     struct dirent **restrict result)
{
	struct dir_view *view = dir_view_find(dir);
	int old_errno = errno;
	struct dirent *next;

	if (likely(!view))
		return REAL(readdir_r)(dir, entry, result);
	*result = NULL;
	errno = 0;
	next = dir_view_next(view);
	if (!next) {
		int err = errno;

		errno = old_errno;
		return err;
	}
	errno = old_errno;
	memcpy(entry, next, sizeof(*entry));
	*result = entry;
	return 0;
}

EXPORT_ALIAS("readdir_r")
int readdir64_r(DIR *restrict dir, struct dirent64 *restrict entry,
		struct dirent64 **restrict result);

EXPORT void rewinddir(DIR *dir)
{
	struct dir_view *view = dir_view_find(dir);

	if (view) {
		view->n_entries = 0;
		view->at = 0;
	}
	REAL(rewinddir)(dir);
}

EXPORT long telldir(DIR *dir)
{
	struct dir_view *view = dir_view_find(dir);

	return view ? (long)view->at : REAL(telldir)(dir);
}

EXPORT void seekdir(DIR *dir, long position)
{
	struct dir_view *view = dir_view_find(dir);

	if (view)
		view->at = (size_t)position;
	else
		REAL(seekdir)(dir, position);
}
