/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asking Linux which memory exists.
 *
 * Since Linux 6.11 the PROCMAP_QUERY ioctl of /proc/self/maps answers for one
 * address (Documentation/filesystems/proc.rst), some 250 ns each. Before that
 * one pass over the text of the file must do.
 *
 * The descriptor stays open. It speaks of the process that opened it, so the
 * child of a fork opens its own. Guarded by the lock of mm.c.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/err.h"
#include "base/file.h"
#include "mm/vma.h"

/* struct procmap_query of linux/fs.h, which Debian 12's headers lack. */
struct procmap_query_arg {
	__u64 size;
	__u64 query_flags;
	__u64 query_addr;
	__u64 vma_start;
	__u64 vma_end;
	__u64 vma_flags;
	__u64 vma_page_size;
	__u64 vma_offset;
	__u64 inode;
	__u32 dev_major;
	__u32 dev_minor;
	__u32 vma_name_size;
	__u32 build_id_size;
	__u64 vma_name_addr;
	__u64 build_id_addr;
};

#define PROCMAP_QUERY_CMD _IOWR('f', 17, struct procmap_query_arg)

static int maps_fd = -1;
static bool query_is_missing;

static int maps_open(void)
{
	if (maps_fd >= 0)
		return maps_fd;
	maps_fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (maps_fd < 0)
		return -errno;
	maps_fd = fd_claim(maps_fd);
	return maps_fd;
}

void vma_after_fork_child(void)
{
	fd_release(maps_fd);
	maps_fd = -1;
}

/* Return: 0, -ENOENT, or -ENOTTY when Linux is too old. */
static int vma_query(int fd, __u64 address, struct vma *vma)
{
	struct procmap_query_arg query = {
		.size = sizeof(query),
		.query_addr = address,
	};

	if (ioctl(fd, PROCMAP_QUERY_CMD, &query))
		return -errno;
	vma->start = query.vma_start;
	vma->end = query.vma_end;
	vma->flags = query.vma_flags;
	return 0;
}

/* "start-end perms ...": one line of the file. */
static bool vma_parse(const char *line, struct vma *vma)
{
	char *end;

	vma->start = strtoull(line, &end, 16);
	if (*end != '-')
		return false;
	vma->end = strtoull(end + 1, &end, 16);
	if (*end != ' ' || strlen(end) < 5)
		return false;
	vma->flags = (end[1] == 'r' ? VMA_READ : 0) |
		     (end[2] == 'w' ? VMA_WRITE : 0) |
		     (end[3] == 'x' ? VMA_EXEC : 0) |
		     (end[4] == 's' ? VMA_SHARED : 0);
	return true;
}

/*
 * Walk the lines in @buf[0..len); a cut line at the end stays for the next
 * block. Return: 1 found, 0 not yet, -ENOENT passed it.
 */
static int vma_scan_block(char *buf, size_t *len, __u64 address,
			  struct vma *vma)
{
	char *line = buf;
	char *newline;

	while ((newline = memchr(line, '\n', *len - (size_t)(line - buf)))) {
		*newline = '\0';
		if (vma_parse(line, vma)) {
			if (address < vma->start)
				return -ENOENT;
			if (address < vma->end)
				return 1;
		}
		line = newline + 1;
	}
	*len -= (size_t)(line - buf);
	memmove(buf, line, *len);
	return 0;
}

static int vma_scan(int fd, __u64 address, struct vma *vma)
{
	char buf[8192];
	size_t len = 0;
	off_t at = 0;
	int found;

	for (;;) {
		ssize_t n = pread(fd, buf + len, sizeof(buf) - len, at);

		if (n < 0)
			return -errno;
		if (!n)
			return -ENOENT;
		at += n;
		len += (size_t)n;
		found = vma_scan_block(buf, &len, address, vma);
		if (found)
			return found > 0 ? 0 : found;
		if (len == sizeof(buf))
			len = 0; /* no line is that long; drop it */
	}
}

int vma_find(__u64 address, struct vma *vma)
{
	int fd = maps_open();
	int err;

	if (fd < 0)
		return fd;
	if (!query_is_missing) {
		err = vma_query(fd, address, vma);
		if (err != -ENOTTY && err != -EINVAL)
			return err;
		query_is_missing = true;
	}
	return vma_scan(fd, address, vma);
}

int vma_check(__u64 start, __u64 last, bool is_writable)
{
	__u64 need = VMA_READ | (is_writable ? VMA_WRITE : 0);
	struct vma vma = { 0 };

	for (;;) {
		if (vma_find(start, &vma) || (vma.flags & need) != need)
			return -EFAULT;
		if (last < vma.end)
			return 0;
		start = vma.end;
	}
}
