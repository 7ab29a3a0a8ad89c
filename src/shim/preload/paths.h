/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a path of the program's really is.
 *
 * Almost every path is none of our business, and that is told by a few bytes
 * of it. The rest is made a name (see tree.h) and looked up.
 */
#ifndef PRELOAD_PATHS_H
#define PRELOAD_PATHS_H

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include "shim/preload/cwd.h"
#include "shim/preload/fds.h"
#include "shim/preload/run.h"
#include "shim/preload/self.h"
#include "shim/preload/tree.h"

/**
 * struct place - where a path leads
 * @dirfd: to use with @real
 * @real: what to hand to the kernel: the path as given, or in @buf
 * @name: the path's name, in @buf; NULL when it cannot matter
 * @is_served: @real is in the tree
 */
struct place {
	int dirfd;
	const char *real;
	const char *name;
	bool is_served;
	char buf[RUN_PATH_MAX + PATH_MAX];
};

/* May an absolute path, once it is made a name, be below /dev, /sys, /proc? */
static inline bool path_may_matter(const char *path)
{
	const char *rest = path + 1;
	size_t len;

	switch (path[1]) {
	case '\0':
	case '/':
	case '.':
		return true;
	case 'd':
		len = 3;
		if (!strncmp(rest, "dev", len) &&
		    (rest[len] == '/' || !rest[len]))
			return true;
		break;
	case 's':
		len = 3;
		if (!strncmp(rest, "sys", len) &&
		    (rest[len] == '/' || !rest[len]))
			return true;
		break;
	case 'p':
		len = 4;
		if (!strncmp(rest, "proc", len) &&
		    (rest[len] == '/' || !rest[len]))
			return true;
		break;
	default:
		break;
	}
	return strstr(rest, "/..") != NULL;
}

static inline bool path_base_matters(int dirfd, const char *path)
{
	if (strstr(path, ".."))
		return true;
	if (dirfd == AT_FDCWD)
		return atomic_load_explicit(&cwd_matters, memory_order_relaxed);
	return fd_peek(dirfd) != NULL;
}

/* Can this path be passed on as it is? */
static inline bool path_is_plain(int dirfd, const char *path)
{
	if (unlikely(!path) || path[0] == '\0')
		return true;
	if (path[0] == '/') {
		if (likely(!path_may_matter(path)))
			return true;
	} else if (likely(!path_base_matters(dirfd, path))) {
		return true;
	}
	return !run_is_active() || self.core_depth;
}

/* Find where a path leads that is not plain. */
void place_find(struct place *place, int dirfd, const char *path);

/* As place_find(), for any path: a plain one leads to itself. */
static inline void place_of(struct place *place, int dirfd, const char *path)
{
	place->dirfd = dirfd;
	place->real = path;
	place->name = NULL;
	place->is_served = false;
	if (!path_is_plain(dirfd, path))
		place_find(place, dirfd, path);
}

/* The node at a place, or NULL. @follow: also through a symbolic link. */
const struct tree_node *place_node(const struct place *place, bool follow);

/* The descriptor that a name such as /proc/self/fd/3 means, or -1. */
int place_own_fd(const struct place *place);

/* Is it the directory of such names? */
bool name_is_own_fds(const char *name);

/* Is the name "/" or in one of the trees that we look at? */
bool name_matters(const char *name);

/**
 * name_walk() - resolve symbolic links as the program sees them
 * @out: PATH_MAX bytes: a name to start at, which gets the result
 * @path: absolute, or relative to @out
 * @follow_last: also resolve the last component
 * @must_exist: every component must
 *
 * Return: 0 or -errno; at failure @out is the part that failed.
 */
int name_walk(char *out, const char *path, bool follow_last, bool must_exist);

/* readlink() as the program sees it, by name. Return: the length or -errno. */
long name_readlink(const char *name, char *buf, size_t len);

#endif /* PRELOAD_PATHS_H */
