/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Links, and the real names of files: what comes back is a path as the program
 * knows it, never one in the run directory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "shim/preload/export.h"
#include "shim/preload/paths.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"

static no_inline ssize_t link_read(const struct place *place, char *buf,
				   size_t len)
{
	char text[PATH_MAX];
	ssize_t n;

	if (place_own_fd(place) >= 0) {
		n = name_readlink(place->name, text, sizeof(text));
		if (n < 0)
			return result_of(n);
	} else {
		n = REAL(readlinkat)(place->dirfd, place->real, text,
				     sizeof(text));
		if (n < 0)
			return n;
		n = (ssize_t)tree_strip(text, (size_t)n);
	}
	if ((size_t)n > len)
		n = (ssize_t)len;
	memcpy(buf, text, (size_t)n);
	return n;
}

EXPORT ssize_t readlinkat(int dirfd, const char *restrict path,
			  char *restrict buf, size_t len)
{
	struct place place;

	place_of(&place, dirfd, path);
	if (likely(!place.name))
		return REAL(readlinkat)(dirfd, path, buf, len);
	if (!len)
		return result_of(-EINVAL);
	return link_read(&place, buf, len);
}

EXPORT ssize_t readlink(const char *restrict path, char *restrict buf,
			size_t len)
{
	if (likely(path_is_plain(AT_FDCWD, path)))
		return REAL(readlink)(path, buf, len);
	return readlinkat(AT_FDCWD, path, buf, len);
}

EXPORT ssize_t __readlink_chk(const char *restrict path, char *restrict buf,
			      size_t len, size_t buf_len);
EXPORT ssize_t __readlinkat_chk(int dirfd, const char *restrict path,
				char *restrict buf, size_t len, size_t buf_len);

EXPORT ssize_t __readlink_chk(const char *restrict path, char *restrict buf,
			      size_t len, size_t buf_len)
{
	if (len > buf_len)
		abort();
	return readlink(path, buf, len);
}

EXPORT ssize_t __readlinkat_chk(int dirfd, const char *restrict path,
				char *restrict buf, size_t len, size_t buf_len)
{
	if (len > buf_len)
		abort();
	return readlinkat(dirfd, path, buf, len);
}

/* Resolve a path that is not plain, as the program sees the system. */
static char *link_resolve(const char *path, char *resolved)
{
	char name[PATH_MAX] = "/";
	long err = 0;

	if (path[0] != '/') {
		err = cwd_name(name, sizeof(name));
		if (err < 0)
			return result_null((int)err);
	}
	err = name_walk(name, path, true, true);
	if (!err && path[strlen(path) - 1] == '/') {
		struct stat stat;

		if (fstatat(AT_FDCWD, name, &stat, 0))
			return NULL;
		err = S_ISDIR(stat.st_mode) ? 0 : -ENOTDIR;
	}
	if (resolved)
		strcpy(resolved, name);
	if (err)
		return result_null((int)err);
	return resolved ? resolved : strdup(name);
}

EXPORT char *realpath(const char *restrict path, char *restrict resolved)
{
	if (likely(path_is_plain(AT_FDCWD, path)))
		return REAL(realpath)(path, resolved);
	return link_resolve(path, resolved);
}

EXPORT char *__realpath_chk(const char *restrict path, char *restrict resolved,
			    size_t len);

EXPORT char *__realpath_chk(const char *restrict path, char *restrict resolved,
			    size_t len)
{
	if (len < PATH_MAX)
		abort();
	return realpath(path, resolved);
}

EXPORT char *canonicalize_file_name(const char *path)
{
	return realpath(path, NULL);
}
