/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls on an open descriptor that a file of the core answers.
 *
 * Each begins with one look at the table. A missing operation of a file gives
 * what base/file.h says.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include "base/err.h"
#include "shim/preload/core.h"
#include "shim/preload/export.h"
#include "shim/preload/fds.h"
#include "shim/preload/io.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"
#include "shim/preload/run.h"

/* Bits 8 to 15 of an ioctl number are its type; terminals' are 'T', and so are
 * those that the kernel answers for every file. */
#define IO_TYPE(cmd) (((cmd) >> 8) & 0xff)

int io_refuse(struct fd_entry *entry)
{
	if (!atomic_exchange(&entry->was_refused, true))
		run_log("%s was opened by another process: sharing an open "
			"device between processes is not supported yet; open "
			"it again in process %d",
			entry->name, (int)getpid());
	return -EIO;
}

bool io_is_served(const struct fd_entry *entry)
{
	return entry->kind == FD_DEVICE || entry->kind == FD_FOREIGN;
}

static no_inline int io_ioctl_other(int fd, struct fd_entry *entry,
				    unsigned long cmd, void *arg)
{
	if (entry->kind == FD_FOREIGN && IO_TYPE(cmd) != 'T')
		return result_int(io_refuse(entry));
	return REAL(ioctl)(fd, cmd, arg);
}

static always_inline int io_ioctl(int fd, struct fd_entry *entry,
				  unsigned long cmd, void *arg)
{
	struct file *file = entry->file;
	long ret;

	if (unlikely(!file || IO_TYPE(cmd) == 'T'))
		return io_ioctl_other(fd, entry, cmd, arg);
	if (unlikely(!file->ops->ioctl))
		return result_int(-ENOTTY);
	core_enter();
	ret = file->ops->ioctl(file, (unsigned int)cmd, arg);
	core_leave();
	return result_int(ret);
}

EXPORT int ioctl(int fd, unsigned long cmd, ...)
{
	struct fd_entry *entry;
	struct fd_hold hold;
	va_list args;
	void *arg;
	int ret;

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	entry = fd_hold(fd, &hold);
	if (likely(!entry))
		return REAL(ioctl)(fd, cmd, arg);
	ret = io_ioctl(fd, entry, cmd, arg);
	fd_drop(&hold);
	return ret;
}

/* Reading and writing */

static ssize_t io_pread(struct file *file, void *buf, size_t count,
			off_t position)
{
	ssize_t ret;

	if (!file->ops->pread)
		return -EINVAL;
	core_enter();
	ret = file->ops->pread(file, buf, count, position);
	core_leave();
	return ret;
}

static ssize_t io_pwrite(struct file *file, const void *buf, size_t count,
			 off_t position)
{
	ssize_t ret;

	if (!file->ops->pwrite)
		return -EINVAL;
	core_enter();
	ret = file->ops->pwrite(file, buf, count, position);
	core_leave();
	return ret;
}

/* Was it opened for this? */
static bool io_permits(struct fd_entry *entry, bool is_write)
{
	int how = atomic_load(&entry->flags) & O_ACCMODE;

	return how == O_RDWR || how == (is_write ? O_WRONLY : O_RDONLY);
}

/* One transfer; the position is the file's own when it is NULL. */
static ssize_t io_transfer(struct fd_entry *entry, const struct iovec *part,
			   const off_t *position, bool is_write)
{
	struct file *file = entry->file;
	off_t at;
	ssize_t n;

	if (entry->kind == FD_FOREIGN)
		return io_refuse(entry);
	if (!io_permits(entry, is_write))
		return -EBADF;
	at = position ? *position : atomic_load(&file->position);
	if (at < 0)
		return -EINVAL;
	n = is_write ? io_pwrite(file, part->iov_base, part->iov_len, at)
		     : io_pread(file, part->iov_base, part->iov_len, at);
	if (n > 0 && !position)
		atomic_fetch_add(&file->position, n);
	return n;
}

ssize_t io_perform(struct fd_entry *entry, const struct io_request *request)
{
	off_t at = request->position ? *request->position : 0;
	ssize_t n, sum = 0;
	int i;

	if (request->n_parts < 0 || request->n_parts > IOV_MAX)
		return -EINVAL;
	for (i = 0; i < request->n_parts; i++) {
		const struct iovec *part = &request->parts[i];

		n = io_transfer(entry, part, request->position ? &at : NULL,
				request->is_write);
		if (n < 0)
			return sum ? sum : n;
		sum += n;
		at += n;
		if ((size_t)n < part->iov_len)
			break;
	}
	return sum;
}

/* Return: false when the number is not a served one. */
static no_inline bool io_try(int fd, const struct io_request *request,
			     ssize_t *ret)
{
	struct fd_entry *entry;
	struct fd_hold hold;
	bool is_served;

	entry = fd_hold(fd, &hold);
	if (!entry)
		return false;
	is_served = io_is_served(entry);
	if (is_served)
		*ret = result_of(io_perform(entry, request));
	fd_drop(&hold);
	return is_served;
}

static no_inline bool io_try_one(int fd, struct iovec part,
				 const off_t *position, bool is_write,
				 ssize_t *ret)
{
	struct io_request request = { &part, 1, position, is_write };

	return io_try(fd, &request, ret);
}

/* The kernel takes the address of a constant buffer too. */
static inline struct iovec io_part(const void *buf, size_t count)
{
	return (struct iovec){ (void *)(uintptr_t)buf, count };
}

EXPORT ssize_t read(int fd, void *buf, size_t count)
{
	ssize_t ret;

	if (unlikely(fd_peek(fd)) &&
	    io_try_one(fd, io_part(buf, count), NULL, false, &ret))
		return ret;
	return REAL(read)(fd, buf, count);
}

EXPORT ssize_t write(int fd, const void *buf, size_t count)
{
	ssize_t ret;

	if (unlikely(fd_peek(fd)) &&
	    io_try_one(fd, io_part(buf, count), NULL, true, &ret))
		return ret;
	return REAL(write)(fd, buf, count);
}

EXPORT ssize_t pread(int fd, void *buf, size_t count, off_t position)
{
	ssize_t ret;

	if (unlikely(fd_peek(fd)) &&
	    io_try_one(fd, io_part(buf, count), &position, false, &ret))
		return ret;
	return REAL(pread)(fd, buf, count, position);
}

EXPORT_ALIAS("pread")
ssize_t pread64(int fd, void *buf, size_t count, off_t position);

EXPORT ssize_t pwrite(int fd, const void *buf, size_t count, off_t position)
{
	ssize_t ret;

	if (unlikely(fd_peek(fd)) &&
	    io_try_one(fd, io_part(buf, count), &position, true, &ret))
		return ret;
	return REAL(pwrite)(fd, buf, count, position);
}

EXPORT_ALIAS("pwrite")
ssize_t pwrite64(int fd, const void *buf, size_t count, off_t position);

/* The checked forms of fortified programs. */
EXPORT ssize_t __read_chk(int fd, void *buf, size_t count, size_t buf_len);
EXPORT ssize_t __pread_chk(int fd, void *buf, size_t count, off_t position,
			   size_t buf_len);

static inline void io_check(size_t count, size_t buf_len)
{
	if (unlikely(count > buf_len)) {
		run_log("a read of %zu bytes into a buffer of %zu", count,
			buf_len);
		abort();
	}
}

EXPORT ssize_t __read_chk(int fd, void *buf, size_t count, size_t buf_len)
{
	io_check(count, buf_len);
	return read(fd, buf, count);
}

EXPORT ssize_t __pread_chk(int fd, void *buf, size_t count, off_t position,
			   size_t buf_len)
{
	io_check(count, buf_len);
	return pread(fd, buf, count, position);
}

EXPORT_ALIAS("__pread_chk")
ssize_t __pread64_chk(int fd, void *buf, size_t count, off_t position,
		      size_t buf_len);

/* Several parts at once */

EXPORT ssize_t readv(int fd, const struct iovec *parts, int n_parts)
{
	ssize_t ret;

	if (unlikely(fd_peek(fd)) &&
	    io_try(fd, &(struct io_request){ parts, n_parts, NULL, false },
		   &ret))
		return ret;
	return REAL(readv)(fd, parts, n_parts);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int n_parts)
{
	ssize_t ret;

	if (unlikely(fd_peek(fd)) &&
	    io_try(fd, &(struct io_request){ parts, n_parts, NULL, true },
		   &ret))
		return ret;
	return REAL(writev)(fd, parts, n_parts);
}

EXPORT ssize_t preadv(int fd, const struct iovec *parts, int n_parts,
		      off_t position)
{
	ssize_t ret;

	if (unlikely(fd_peek(fd)) &&
	    io_try(fd, &(struct io_request){ parts, n_parts, &position, false },
		   &ret))
		return ret;
	return REAL(preadv)(fd, parts, n_parts, position);
}

EXPORT_ALIAS("preadv")
ssize_t preadv64(int fd, const struct iovec *parts, int n_parts,
		 off_t position);

EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int n_parts,
		       off_t position)
{
	ssize_t ret;

	if (unlikely(fd_peek(fd)) &&
	    io_try(fd, &(struct io_request){ parts, n_parts, &position, true },
		   &ret))
		return ret;
	return REAL(pwritev)(fd, parts, n_parts, position);
}

EXPORT_ALIAS("pwritev")
ssize_t pwritev64(int fd, const struct iovec *parts, int n_parts,
		  off_t position);

EXPORT ssize_t preadv2(int fd, const struct iovec *parts, int n_parts,
		       off_t position, int flags)
{
	const off_t *at = position == -1 ? NULL : &position;
	ssize_t ret;

	if (unlikely(fd_peek(fd)) &&
	    io_try(fd, &(struct io_request){ parts, n_parts, at, false }, &ret))
		return ret;
	return REAL(preadv2)(fd, parts, n_parts, position, flags);
}

EXPORT_ALIAS("preadv2")
ssize_t preadv64v2(int fd, const struct iovec *parts, int n_parts,
		   off_t position, int flags);

EXPORT ssize_t pwritev2(int fd, const struct iovec *parts, int n_parts,
			off_t position, int flags)
{
	const off_t *at = position == -1 ? NULL : &position;
	ssize_t ret;

	if (unlikely(fd_peek(fd)) &&
	    io_try(fd, &(struct io_request){ parts, n_parts, at, true }, &ret))
		return ret;
	return REAL(pwritev2)(fd, parts, n_parts, position, flags);
}

EXPORT_ALIAS("pwritev2")
ssize_t pwritev64v2(int fd, const struct iovec *parts, int n_parts,
		    off_t position, int flags);
