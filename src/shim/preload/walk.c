/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls of libc that read directories inside: scandir, glob, nftw. Their inner
 * calls would not pass us, so each is either given our functions, or done here
 * for paths that matter.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "shim/preload/dirs.h"
#include "shim/preload/export.h"
#include "shim/preload/paths.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"

typedef int (*scan_filter_t)(const struct dirent *);
typedef int (*scan_compare_t)(const struct dirent **, const struct dirent **);

/* Names chosen so far. */
struct scan {
	struct dirent **entries;
	size_t n;
	size_t n_room;
};

static bool scan_add(struct scan *scan, const struct dirent *entry)
{
	size_t n_room = scan->n_room ? 2 * scan->n_room : 16;
	size_t len =
		offsetof(struct dirent, d_name) + strlen(entry->d_name) + 1;
	struct dirent **entries, *copy;

	if (scan->n == scan->n_room) {
		/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers */
		entries = reallocarray(scan->entries, n_room, sizeof(*entries));
		if (!entries)
			return false;
		scan->entries = entries;
		scan->n_room = n_room;
	}
	copy = malloc(len < sizeof(*copy) ? sizeof(*copy) : len);
	if (!copy)
		return false;
	memcpy(copy, entry, len);
	scan->entries[scan->n++] = copy;
	return true;
}

static void scan_free(struct scan *scan)
{
	while (scan->n)
		free(scan->entries[--scan->n]);
	free(scan->entries);
}

static int scan_read(DIR *dir, struct scan *scan, scan_filter_t filter)
{
	struct dirent *entry;

	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (filter && !filter(entry))
			continue;
		if (!scan_add(scan, entry))
			return -ENOMEM;
	}
}

static int scan_dir(DIR *dir, struct dirent ***list, scan_filter_t filter,
		    scan_compare_t compare)
{
	struct scan scan = { 0 };
	int old_errno = errno;
	int err;

	if (!dir)
		return -1;
	err = scan_read(dir, &scan, filter);
	closedir(dir);
	if (err) {
		scan_free(&scan);
		return result_int(err);
	}
	if (compare && scan.n)
		/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers */
		qsort(scan.entries, scan.n, sizeof(*scan.entries),
		      (int (*)(const void *, const void *))compare);
	*list = scan.entries;
	errno = old_errno;
	return (int)scan.n;
}

EXPORT int scandir(const char *restrict path, struct dirent ***restrict list,
		   scan_filter_t filter, scan_compare_t compare)
{
	return scan_dir(opendir(path), list, filter, compare);
}

EXPORT_ALIAS("scandir")
int scandir64(const char *restrict path, struct dirent64 ***restrict list,
	      int (*filter)(const struct dirent64 *),
	      int (*compare)(const struct dirent64 **,
			     const struct dirent64 **));

EXPORT int scandirat(int dirfd, const char *restrict path,
		     struct dirent ***restrict list, scan_filter_t filter,
		     scan_compare_t compare)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir;

	if (fd < 0)
		return -1;
	dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return scan_dir(dir, list, filter, compare);
}

EXPORT_ALIAS("scandirat")
int scandirat64(int dirfd, const char *restrict path,
		struct dirent64 ***restrict list,
		int (*filter)(const struct dirent64 *),
		int (*compare)(const struct dirent64 **,
			       const struct dirent64 **));

/* glob() can be told which functions to use: ours. */

static void *glob_opendir(const char *path)
{
	return opendir(path);
}

static struct dirent *glob_readdir(void *dir)
{
	return readdir(dir);
}

static void glob_closedir(void *dir)
{
	closedir(dir);
}

EXPORT int glob(const char *restrict pattern, int flags,
		int (*on_error)(const char *, int), glob_t *restrict result)
{
	int ret;

	if ((flags & GLOB_ALTDIRFUNC) || !run_is_active())
		return REAL(glob)(pattern, flags, on_error, result);
	result->gl_opendir = glob_opendir;
	result->gl_readdir = glob_readdir;
	result->gl_closedir = glob_closedir;
	result->gl_stat = stat;
	result->gl_lstat = lstat;
	ret = REAL(glob)(pattern, flags | GLOB_ALTDIRFUNC, on_error, result);
	result->gl_flags &= ~GLOB_ALTDIRFUNC;
	return ret;
}

EXPORT_ALIAS("glob")
int glob64(const char *restrict pattern, int flags,
	   int (*on_error)(const char *, int), glob64_t *restrict result);

/* nftw() */

/* A directory that the walk is in: a link back to one is not followed. */
struct walk_dir {
	dev_t dev;
	ino_t ino;
	const struct walk_dir *up;
};

struct walk {
	__nftw_func_t visit;
	__ftw_func_t visit_old;
	int flags;
	dev_t dev;
	char path[PATH_MAX];
};

static int walk_call(struct walk *walk, const struct stat *stat, int type,
		     struct FTW *where)
{
	if (walk->visit)
		return walk->visit(walk->path, stat, type, where);
	if (type == FTW_SL || type == FTW_SLN)
		type = FTW_F;
	return walk->visit_old(walk->path, stat, type);
}

static int walk_stat(const struct walk *walk, struct stat *stat_buf)
{
	memset(stat_buf, 0, sizeof(*stat_buf));
	if (walk->flags & FTW_PHYS)
		return lstat(walk->path, stat_buf)  ? FTW_NS
		       : S_ISDIR(stat_buf->st_mode) ? FTW_D
		       : S_ISLNK(stat_buf->st_mode) ? FTW_SL
						    : FTW_F;
	if (!stat(walk->path, stat_buf))
		return S_ISDIR(stat_buf->st_mode) ? FTW_D : FTW_F;
	return lstat(walk->path, stat_buf) ? FTW_NS : FTW_SLN;
}

static bool walk_is_inside(const struct walk_dir *dir, const struct stat *stat)
{
	for (; dir; dir = dir->up) {
		if (dir->dev == stat->st_dev && dir->ino == stat->st_ino)
			return true;
	}
	return false;
}

static int walk_tree(struct walk *walk, const struct walk_dir *up,
		     struct FTW where);

/* All entries of a directory whose path is in @walk. */
static int walk_entries(struct walk *walk, DIR *dir,
			const struct walk_dir *here, int level)
{
	size_t len = strlen(walk->path);
	struct dirent *entry;
	struct FTW where;
	int ret = 0;

	while (!ret && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (len + strlen(entry->d_name) + 2 > sizeof(walk->path)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		where.base = (int)len;
		if (walk->path[len - 1] != '/')
			walk->path[where.base++] = '/';
		strcpy(walk->path + where.base, entry->d_name);
		where.level = level;
		ret = walk_tree(walk, here, where);
		walk->path[len] = '\0';
	}
	if ((walk->flags & FTW_ACTIONRETVAL) && ret == FTW_SKIP_SIBLINGS)
		ret = 0;
	return ret;
}

static int walk_directory(struct walk *walk, const struct stat *stat,
			  const struct walk_dir *up, struct FTW where)
{
	struct walk_dir here = { stat->st_dev, stat->st_ino, up };
	bool is_post = walk->flags & FTW_DEPTH;
	DIR *dir = opendir(walk->path);
	int ret = 0;

	if (!dir)
		return walk_call(walk, stat, FTW_DNR, &where);
	if (!is_post)
		ret = walk_call(walk, stat, FTW_D, &where);
	if ((walk->flags & FTW_ACTIONRETVAL) && ret == FTW_SKIP_SUBTREE)
		ret = 0;
	else if (!ret)
		ret = walk_entries(walk, dir, &here, where.level + 1);
	closedir(dir);
	if (!ret && is_post)
		ret = walk_call(walk, stat, FTW_DP, &where);
	return ret;
}

static int walk_tree(struct walk *walk, const struct walk_dir *up,
		     struct FTW where)
{
	struct stat stat;
	int type = walk_stat(walk, &stat);

	if (!up)
		walk->dev = stat.st_dev;
	if ((walk->flags & FTW_MOUNT) && type != FTW_NS &&
	    stat.st_dev != walk->dev)
		return 0;
	if (type != FTW_D)
		return walk_call(walk, &stat, type, &where);
	if (!(walk->flags & FTW_PHYS) && walk_is_inside(up, &stat))
		return 0;
	return walk_directory(walk, &stat, up, where);
}

static int walk_start(struct walk *walk, const char *path)
{
	struct FTW where = { 0 };
	const char *slash;

	if (strlen(path) >= sizeof(walk->path))
		return result_int(-ENAMETOOLONG);
	strcpy(walk->path, path);
	if (access(path, F_OK) && errno == ENOENT && !(walk->flags & FTW_PHYS))
		return -1;
	slash = strrchr(walk->path, '/');
	if (slash && slash[1])
		where.base = (int)(slash + 1 - walk->path);
	return walk_tree(walk, NULL, where);
}

EXPORT int nftw(const char *path, __nftw_func_t visit, int n_fds, int flags)
{
	struct walk walk = { .visit = visit, .flags = flags };

	if (path_is_plain(AT_FDCWD, path) || (flags & FTW_CHDIR))
		return REAL(nftw)(path, visit, n_fds, flags);
	return walk_start(&walk, path);
}

EXPORT_ALIAS("nftw")
int nftw64(const char *path, __nftw64_func_t visit, int n_fds, int flags);

EXPORT int ftw(const char *path, __ftw_func_t visit, int n_fds)
{
	struct walk walk = { .visit_old = visit };

	if (path_is_plain(AT_FDCWD, path))
		return REAL(ftw)(path, visit, n_fds);
	return walk_start(&walk, path);
}

EXPORT_ALIAS("ftw")
int ftw64(const char *path, __ftw64_func_t visit, int n_fds);
