/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Open files, and the real descriptors that we keep for ourselves.
 *
 * Whose numbers name our files is the host's to say (base/file_table.c where
 * there is none).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/err.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/file_host.h"
#include "base/file_table.h"
#include "base/mem.h"

/* Descriptors of ours stand at or below this number, or in 3/4 of a limit. */
#define FD_BASE_MAX ((rlim_t)1 << 20)
/* Where to look when the numbers above are used up: past the standard ones. */
#define FD_BASE_FALLBACK 3

static const struct file_host table_host = {
	.get = file_table_get,
	.install = file_table_install,
};

static _Atomic(const struct file_host *) file_host = &table_host;

static const struct file_host *file_host_now(void)
{
	return atomic_load_explicit(&file_host, memory_order_acquire);
}

void file_host_set(const struct file_host *host)
{
	atomic_store_explicit(&file_host, host ? host : &table_host,
			      memory_order_release);
}

void file_host_thread_started(void)
{
	const struct file_host *host = file_host_now();

	if (host->thread_started)
		host->thread_started();
}

struct file *file_alloc(const struct file_ops *ops, void *priv,
			const struct file_node *node)
{
	struct file *file = mem_alloc(sizeof(*file));

	if (!file)
		return NULL;
	file->ops = ops;
	file->priv = priv;
	file->node = node;
	atomic_init(&file->n_refs, 1);
	return file;
}

void file_free(struct file *file)
{
	mem_free(file);
}

void file_get(struct file *file)
{
	atomic_fetch_add_explicit(&file->n_refs, 1, memory_order_relaxed);
}

void file_put(struct file *file)
{
	if (atomic_fetch_sub_explicit(&file->n_refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	if (file->ops->release)
		file->ops->release(file);
	else
		file_free(file);
}

long file_ioctl(struct file *file, unsigned int cmd, void *arg)
{
	if (!file->ops->ioctl)
		return -ENOTTY;
	return file->ops->ioctl(file, cmd, arg);
}

ssize_t file_pread(struct file *file, void *buf, size_t count, off_t position)
{
	if (!file->ops->pread)
		return -EINVAL;
	return file->ops->pread(file, buf, count, position);
}

ssize_t file_pwrite(struct file *file, const void *buf, size_t count,
		    off_t position)
{
	if (!file->ops->pwrite)
		return -EINVAL;
	return file->ops->pwrite(file, buf, count, position);
}

void *file_mmap(struct file *file, const struct file_mmap *request)
{
	if (!file->ops->mmap)
		return err_ptr(-ENODEV);
	return file->ops->mmap(file, request);
}

struct file *file_from_fd(int fd)
{
	return file_host_now()->get(fd);
}

int file_install(struct file *file, int flags)
{
	return file_host_now()->install(file, flags);
}

/* The program may move its limit at any time, so it is asked for each time. */
static int fd_base(void)
{
	struct rlimit limit;
	rlim_t base = FD_BASE_MAX;

	if (!getrlimit(RLIMIT_NOFILE, &limit) &&
	    limit.rlim_cur != RLIM_INFINITY)
		base = limit.rlim_cur / 4 * 3;
	return (int)(base < FD_BASE_MAX ? base : FD_BASE_MAX);
}

int fd_claim_dup(int fd)
{
	const struct file_host *host = file_host_now();
	int claimed;

	if (fault_inject(FAULT_FD))
		return -EMFILE;
	claimed = fcntl(fd, F_DUPFD_CLOEXEC, fd_base());
	if (claimed < 0 && (errno == EMFILE || errno == EINVAL))
		claimed = fcntl(fd, F_DUPFD_CLOEXEC, FD_BASE_FALLBACK);
	if (claimed < 0)
		return -errno;
	if (host->hide)
		host->hide(claimed);
	return claimed;
}

int fd_claim(int fd)
{
	int claimed = fd_claim_dup(fd);

	close(fd);
	return claimed;
}

void fd_release(int fd)
{
	const struct file_host *host = file_host_now();

	if (fd < 0)
		return;
	if (host->unhide)
		host->unhide(fd);
	close(fd);
}
