/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls that ask or change something of an open descriptor: position, flags,
 * length.
 */
#include <errno.h>
#include <stdarg.h>
#include "shim/preload/close.h"
#include "shim/preload/export.h"
#include "shim/preload/fds.h"
#include "shim/preload/io.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"

/* Flags that F_SETFL may change. */
#define CONTROL_SETTABLE \
	(O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME | O_NONBLOCK)

/* Hold the entry of a served number; others are let go. */
static struct fd_entry *control_hold(int fd, struct fd_hold *hold)
{
	struct fd_entry *entry = fd_hold(fd, hold);

	if (likely(!entry))
		return NULL;
	if (io_is_served(entry))
		return entry;
	fd_drop(hold);
	return NULL;
}

static off_t control_seek(struct fd_entry *entry, off_t offset, int whence)
{
	struct file *file = entry->file;

	if (!file)
		return io_refuse(entry);
	if (!file->ops->pread && !file->ops->pwrite)
		return -ESPIPE;
	if (whence == SEEK_CUR)
		offset += atomic_load(&file->position);
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	atomic_store(&file->position, offset);
	return offset;
}

EXPORT off_t lseek(int fd, off_t offset, int whence)
{
	struct fd_entry *entry;
	struct fd_hold hold;
	off_t ret;

	entry = control_hold(fd, &hold);
	if (likely(!entry))
		return REAL(lseek)(fd, offset, whence);
	ret = control_seek(entry, offset, whence);
	fd_drop(&hold);
	return result_of(ret);
}

EXPORT_ALIAS("lseek") off_t lseek64(int fd, off_t offset, int whence);

/* A number that was made by fcntl(). */
static int control_dup(int fd, int cmd, long arg)
{
	int new_fd;

	if (fd_is_hidden(fd))
		return result_int(-EBADF);
	new_fd = REAL(fcntl)(fd, cmd, arg);
	if (new_fd >= 0)
		close_share(fd, new_fd);
	return new_fd;
}

static int control_flags(struct fd_entry *entry, int cmd, long arg)
{
	int flags = atomic_load(&entry->flags);

	/* What open() of a 64-bit program always has. */
	if (cmd == F_GETFL)
		return flags | 0100000;
	flags = (flags & ~CONTROL_SETTABLE) | ((int)arg & CONTROL_SETTABLE);
	atomic_store(&entry->flags, flags);
	return 0;
}

EXPORT int fcntl(int fd, int cmd, ...)
{
	struct fd_entry *entry;
	struct fd_hold hold;
	va_list args;
	long arg;
	int ret;

	va_start(args, cmd);
	arg = va_arg(args, long);
	va_end(args);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return control_dup(fd, cmd, arg);
	if (cmd != F_GETFL && cmd != F_SETFL)
		return REAL(fcntl)(fd, cmd, arg);
	entry = control_hold(fd, &hold);
	if (likely(!entry))
		return REAL(fcntl)(fd, cmd, arg);
	ret = control_flags(entry, cmd, arg);
	fd_drop(&hold);
	return ret;
}

EXPORT_ALIAS("fcntl") int fcntl64(int fd, int cmd, ...);

/* A character device has no length, and nothing to write back. */
static bool control_has_none(int fd)
{
	struct fd_hold hold;

	if (likely(!fd_peek(fd)) || !control_hold(fd, &hold))
		return false;
	fd_drop(&hold);
	return true;
}

EXPORT int ftruncate(int fd, off_t len)
{
	if (unlikely(control_has_none(fd)))
		return result_int(-EINVAL);
	return REAL(ftruncate)(fd, len);
}

EXPORT_ALIAS("ftruncate") int ftruncate64(int fd, off_t len);

EXPORT int fallocate(int fd, int mode, off_t offset, off_t len)
{
	if (unlikely(control_has_none(fd)))
		return result_int(-ENODEV);
	return REAL(fallocate)(fd, mode, offset, len);
}

EXPORT_ALIAS("fallocate")
int fallocate64(int fd, int mode, off_t offset, off_t len);

EXPORT int fsync(int fd)
{
	if (unlikely(control_has_none(fd)))
		return result_int(-EINVAL);
	return REAL(fsync)(fd);
}

EXPORT int fdatasync(int fd)
{
	if (unlikely(control_has_none(fd)))
		return result_int(-EINVAL);
	return REAL(fdatasync)(fd);
}
