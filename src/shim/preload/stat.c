/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stat family. The stand-in of a node is a plain file in the tree; what is
 * told of it is the device. Descriptors are asked by number, paths by place.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/sysmacros.h>
#include "shim/preload/export.h"
#include "shim/preload/io.h"
#include "shim/preload/paths.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"
#include "shim/preload/sys.h"

/* What an anonymous inode shows: permissions, and no type. */
#define STAT_ANONYMOUS_MODE 0600

static int stat_node(const struct tree_node *node, struct stat *stat)
{
	char path[RUN_PATH_MAX + sizeof(node->path)];
	long err;

	memcpy(path, run.tree, run.tree_len);
	strcpy(path + run.tree_len, node->path);
	err = sys_call4(SYS_newfstatat, AT_FDCWD, path, stat, 0);
	if (!err)
		tree_fix_stat(stat);
	return (int)err;
}

/* A served number. Return: false when it is none. */
static bool stat_served(int fd, struct stat *stat, int *ret)
{
	struct fd_entry *entry;
	struct fd_hold hold;
	bool is_served;

	entry = fd_hold(fd, &hold);
	if (!entry)
		return false;
	is_served = io_is_served(entry);
	if (is_served && entry->node) {
		*ret = result_int(stat_node(entry->node, stat));
	} else if (is_served) {
		*ret = REAL(fstat)(fd, stat);
		stat->st_mode = STAT_ANONYMOUS_MODE;
	}
	fd_drop(&hold);
	return is_served;
}

static inline int stat_fixed(int ret, struct stat *stat)
{
	if (!ret)
		tree_fix_stat(stat);
	return ret;
}

static int stat_at(int dirfd, const char *path, struct stat *stat, int flags)
{
	struct place place;
	int ret;

	if ((flags & AT_EMPTY_PATH) && path && path[0] == '\0' &&
	    unlikely(fd_peek(dirfd)) && stat_served(dirfd, stat, &ret))
		return ret;
	place_of(&place, dirfd, path);
	if (unlikely(place.name) && !(flags & AT_SYMLINK_NOFOLLOW) &&
	    stat_served(place_own_fd(&place), stat, &ret))
		return ret;
	return stat_fixed(REAL(fstatat)(place.dirfd, place.real, stat, flags),
			  stat);
}

EXPORT int stat(const char *restrict path, struct stat *restrict stat)
{
	return stat_at(AT_FDCWD, path, stat, 0);
}

EXPORT_ALIAS("stat")
int stat64(const char *restrict path, struct stat64 *restrict stat);

EXPORT int lstat(const char *restrict path, struct stat *restrict stat)
{
	return stat_at(AT_FDCWD, path, stat, AT_SYMLINK_NOFOLLOW);
}

EXPORT_ALIAS("lstat")
int lstat64(const char *restrict path, struct stat64 *restrict stat);

EXPORT int fstatat(int dirfd, const char *restrict path,
		   struct stat *restrict stat, int flags)
{
	return stat_at(dirfd, path, stat, flags);
}

EXPORT_ALIAS("fstatat")
int fstatat64(int dirfd, const char *restrict path,
	      struct stat64 *restrict stat, int flags);

static int stat_fd(int fd, struct stat *stat)
{
	int ret;

	if (unlikely(fd_peek(fd)) && stat_served(fd, stat, &ret))
		return ret;
	return stat_fixed(REAL(fstat)(fd, stat), stat);
}

EXPORT int fstat(int fd, struct stat *stat)
{
	return stat_fd(fd, stat);
}

EXPORT_ALIAS("fstat") int fstat64(int fd, struct stat64 *stat);

/* Names of programs linked before glibc 2.33; the version is always 1. */
EXPORT int __xstat(int version, const char *path, struct stat *stat);
EXPORT int __lxstat(int version, const char *path, struct stat *stat);
EXPORT int __fxstat(int version, int fd, struct stat *stat);
EXPORT int __fxstatat(int version, int dirfd, const char *path,
		      struct stat *stat, int flags);

EXPORT int __xstat(int version, const char *path, struct stat *stat)
{
	(void)version;
	return stat_at(AT_FDCWD, path, stat, 0);
}

EXPORT_ALIAS("__xstat")
int __xstat64(int version, const char *path, struct stat64 *stat);

EXPORT int __lxstat(int version, const char *path, struct stat *stat)
{
	(void)version;
	return stat_at(AT_FDCWD, path, stat, AT_SYMLINK_NOFOLLOW);
}

EXPORT_ALIAS("__lxstat")
int __lxstat64(int version, const char *path, struct stat64 *stat);

/* Not fstat(): that of a library before this one may come back to here. */
EXPORT int __fxstat(int version, int fd, struct stat *stat)
{
	(void)version;
	return stat_fd(fd, stat);
}

EXPORT_ALIAS("__fxstat")
int __fxstat64(int version, int fd, struct stat64 *stat);

EXPORT int __fxstatat(int version, int dirfd, const char *path,
		      struct stat *stat, int flags)
{
	(void)version;
	return stat_at(dirfd, path, stat, flags);
}

EXPORT_ALIAS("__fxstatat")
int __fxstatat64(int version, int dirfd, const char *path, struct stat64 *stat,
		 int flags);

/* statx() */

static void statx_from(struct statx *to, const struct stat *from)
{
	to->stx_mode = (__u16)from->st_mode;
	to->stx_rdev_major = major(from->st_rdev);
	to->stx_rdev_minor = minor(from->st_rdev);
	to->stx_size = (__u64)from->st_size;
	to->stx_blocks = (__u64)from->st_blocks;
	to->stx_uid = from->st_uid;
	to->stx_gid = from->st_gid;
	to->stx_ino = from->st_ino;
	to->stx_nlink = (__u32)from->st_nlink;
}

static void statx_fix(struct statx *statx)
{
	struct stat stat = {
		.st_dev = makedev(statx->stx_dev_major, statx->stx_dev_minor),
		.st_ino = statx->stx_ino,
		.st_mode = statx->stx_mode,
		.st_nlink = statx->stx_nlink,
		.st_uid = statx->stx_uid,
		.st_gid = statx->stx_gid,
		.st_size = (off_t)statx->stx_size,
		.st_blocks = (blkcnt_t)statx->stx_blocks,
	};

	tree_fix_stat(&stat);
	if (S_ISCHR(stat.st_mode) && !S_ISCHR(statx->stx_mode))
		statx_from(statx, &stat);
}

/* A served number: the kernel tells of the socket, and we change that. */
static bool statx_served(int fd, unsigned int mask, struct statx *statx,
			 int *ret)
{
	struct stat stat;

	if (!stat_served(fd, &stat, ret))
		return false;
	if (!*ret)
		*ret = REAL(statx)(fd, "", AT_EMPTY_PATH, mask, statx);
	if (!*ret)
		statx_from(statx, &stat);
	return true;
}

static int statx_at(int dirfd, const char *path, int flags, unsigned int mask,
		    struct statx *statx)
{
	/* What a node's stand-in is known by. */
	const unsigned int need = STATX_INO | STATX_TYPE | STATX_MODE;
	struct place place;
	int ret;

	if ((flags & AT_EMPTY_PATH) && path && path[0] == '\0' &&
	    unlikely(fd_peek(dirfd)) && statx_served(dirfd, mask, statx, &ret))
		return ret;
	place_of(&place, dirfd, path);
	if (likely(!place.name))
		return REAL(statx)(dirfd, path, flags, mask, statx);
	if (!(flags & AT_SYMLINK_NOFOLLOW) &&
	    statx_served(place_own_fd(&place), mask, statx, &ret))
		return ret;
	if (place.is_served)
		mask |= need;
	ret = REAL(statx)(place.dirfd, place.real, flags, mask, statx);
	if (!ret && place.is_served)
		statx_fix(statx);
	return ret;
}

EXPORT int statx(int dirfd, const char *restrict path, int flags,
		 unsigned int mask, struct statx *restrict statx)
{
	return statx_at(dirfd, path, flags, mask, statx);
}

/* Permissions: whoever may use the run may use its nodes. */

static int access_at(int dirfd, const char *path, int mode, int flags)
{
	struct place place;

	place_of(&place, dirfd, path);
	if (unlikely(place.is_served) &&
	    place_node(&place, !(flags & AT_SYMLINK_NOFOLLOW)))
		return result_int(mode & X_OK ? -EACCES : 0);
	return REAL(faccessat)(place.dirfd, place.real, mode, flags);
}

EXPORT int access(const char *path, int mode)
{
	if (likely(path_is_plain(AT_FDCWD, path)))
		return REAL(access)(path, mode);
	return access_at(AT_FDCWD, path, mode, 0);
}

EXPORT int faccessat(int dirfd, const char *path, int mode, int flags)
{
	return access_at(dirfd, path, mode, flags);
}

EXPORT int euidaccess(const char *path, int mode)
{
	return access_at(AT_FDCWD, path, mode, AT_EACCESS);
}

EXPORT_ALIAS("euidaccess") int eaccess(const char *path, int mode);
