/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All other calls that take a path: the path is looked up, and the call made
 * on what was found.
 */
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>
#include "shim/preload/export.h"
#include "shim/preload/io.h"
#include "shim/preload/paths.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"

EXPORT int mkdirat(int dirfd, const char *path, mode_t mode)
{
	struct place place;

	place_of(&place, dirfd, path);
	return REAL(mkdirat)(place.dirfd, place.real, mode);
}

EXPORT int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

EXPORT int unlinkat(int dirfd, const char *path, int flags)
{
	struct place place;

	place_of(&place, dirfd, path);
	return REAL(unlinkat)(place.dirfd, place.real, flags);
}

EXPORT int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

EXPORT int symlinkat(const char *target, int dirfd, const char *path)
{
	struct place place;

	place_of(&place, dirfd, path);
	return REAL(symlinkat)(target, place.dirfd, place.real);
}

EXPORT int symlink(const char *target, const char *path)
{
	return symlinkat(target, AT_FDCWD, path);
}

EXPORT int renameat2(int old_dirfd, const char *old_path, int new_dirfd,
		     const char *new_path, unsigned int flags)
{
	struct place from, to;

	place_of(&from, old_dirfd, old_path);
	place_of(&to, new_dirfd, new_path);
	return REAL(renameat2)(from.dirfd, from.real, to.dirfd, to.real, flags);
}

EXPORT int renameat(int old_dirfd, const char *old_path, int new_dirfd,
		    const char *new_path)
{
	return renameat2(old_dirfd, old_path, new_dirfd, new_path, 0);
}

EXPORT int rename(const char *old_path, const char *new_path)
{
	return renameat2(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

EXPORT int linkat(int old_dirfd, const char *old_path, int new_dirfd,
		  const char *new_path, int flags)
{
	struct place from, to;

	place_of(&from, old_dirfd, old_path);
	place_of(&to, new_dirfd, new_path);
	return REAL(linkat)(from.dirfd, from.real, to.dirfd, to.real, flags);
}

EXPORT int link(const char *old_path, const char *new_path)
{
	return linkat(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

EXPORT int truncate(const char *path, off_t len)
{
	struct place place;

	place_of(&place, AT_FDCWD, path);
	if (unlikely(place.is_served) && place_node(&place, true))
		return result_int(-EINVAL);
	return REAL(truncate)(place.real, len);
}

EXPORT_ALIAS("truncate") int truncate64(const char *path, off_t len);

/* Owner, permissions, times */

EXPORT int fchmodat(int dirfd, const char *path, mode_t mode, int flags)
{
	struct place place;

	place_of(&place, dirfd, path);
	return REAL(fchmodat)(place.dirfd, place.real, mode, flags);
}

EXPORT int chmod(const char *path, mode_t mode)
{
	return fchmodat(AT_FDCWD, path, mode, 0);
}

EXPORT int fchownat(int dirfd, const char *path, uid_t uid, gid_t gid,
		    int flags)
{
	struct place place;

	place_of(&place, dirfd, path);
	return REAL(fchownat)(place.dirfd, place.real, uid, gid, flags);
}

EXPORT int chown(const char *path, uid_t uid, gid_t gid)
{
	return fchownat(AT_FDCWD, path, uid, gid, 0);
}

EXPORT int lchown(const char *path, uid_t uid, gid_t gid)
{
	return fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

EXPORT int utimensat(int dirfd, const char *path,
		     const struct timespec times[2], int flags)
{
	struct place place;

	place_of(&place, dirfd, path);
	return REAL(utimensat)(place.dirfd, place.real, times, flags);
}

/* File systems and watches */

EXPORT int statfs(const char *path, struct statfs *statfs)
{
	struct place place;

	place_of(&place, AT_FDCWD, path);
	return REAL(statfs)(place.real, statfs);
}

EXPORT_ALIAS("statfs") int statfs64(const char *path, struct statfs64 *statfs);

EXPORT int statvfs(const char *restrict path, struct statvfs *restrict statvfs)
{
	struct place place;

	place_of(&place, AT_FDCWD, path);
	return REAL(statvfs)(place.real, statvfs);
}

EXPORT_ALIAS("statvfs")
int statvfs64(const char *restrict path, struct statvfs64 *restrict statvfs);

EXPORT long pathconf(const char *path, int name)
{
	struct place place;

	place_of(&place, AT_FDCWD, path);
	return REAL(pathconf)(place.real, name);
}

EXPORT int inotify_add_watch(int fd, const char *path, __u32 mask)
{
	struct place place;

	place_of(&place, AT_FDCWD, path);
	return REAL(inotify_add_watch)(fd, place.real, mask);
}

/* Extended attributes: a device node has none, and takes none. */

static bool xattr_is_node(const struct place *place, bool follow)
{
	return unlikely(place->is_served) && place_node(place, follow);
}

EXPORT ssize_t getxattr(const char *path, const char *name, void *value,
			size_t len)
{
	struct place place;

	place_of(&place, AT_FDCWD, path);
	if (xattr_is_node(&place, true))
		return result_of(-ENODATA);
	return REAL(getxattr)(place.real, name, value, len);
}

EXPORT ssize_t lgetxattr(const char *path, const char *name, void *value,
			 size_t len)
{
	struct place place;

	place_of(&place, AT_FDCWD, path);
	if (xattr_is_node(&place, false))
		return result_of(-ENODATA);
	return REAL(lgetxattr)(place.real, name, value, len);
}

EXPORT ssize_t listxattr(const char *path, char *list, size_t len)
{
	struct place place;

	place_of(&place, AT_FDCWD, path);
	if (xattr_is_node(&place, true))
		return 0;
	return REAL(listxattr)(place.real, list, len);
}

EXPORT ssize_t llistxattr(const char *path, char *list, size_t len)
{
	struct place place;

	place_of(&place, AT_FDCWD, path);
	if (xattr_is_node(&place, false))
		return 0;
	return REAL(llistxattr)(place.real, list, len);
}

EXPORT int setxattr(const char *path, const char *name, const void *value,
		    size_t len, int flags)
{
	struct place place;

	place_of(&place, AT_FDCWD, path);
	if (xattr_is_node(&place, true))
		return result_int(-ENOTSUP);
	return REAL(setxattr)(place.real, name, value, len, flags);
}

EXPORT int lsetxattr(const char *path, const char *name, const void *value,
		     size_t len, int flags)
{
	struct place place;

	place_of(&place, AT_FDCWD, path);
	if (xattr_is_node(&place, false))
		return result_int(-ENOTSUP);
	return REAL(lsetxattr)(place.real, name, value, len, flags);
}

static bool xattr_is_served_fd(int fd)
{
	struct fd_entry *entry = fd_peek(fd);

	return unlikely(entry) && io_is_served(entry);
}

EXPORT ssize_t fgetxattr(int fd, const char *name, void *value, size_t len)
{
	if (xattr_is_served_fd(fd))
		return result_of(-ENODATA);
	return REAL(fgetxattr)(fd, name, value, len);
}

EXPORT ssize_t flistxattr(int fd, char *list, size_t len)
{
	if (xattr_is_served_fd(fd))
		return 0;
	return REAL(flistxattr)(fd, list, len);
}

EXPORT int fsetxattr(int fd, const char *name, const void *value, size_t len,
		     int flags)
{
	if (xattr_is_served_fd(fd))
		return result_int(-ENOTSUP);
	return REAL(fsetxattr)(fd, name, value, len, flags);
}
