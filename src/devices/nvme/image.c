/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening an image: a file or a block device, held by a lock that other
 * processes of ours respect.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "devices/nvme/namespace.h"

/* How long it is waited for another process: half a second. */
#define LOCK_WAITS 50u
#define LOCK_WAIT_US 10000u

static int image_check_kind(int fd, __u64 *len)
{
	struct stat stat;
	off_t end;

	if (fstat(fd, &stat))
		return -errno;
	if (!S_ISREG(stat.st_mode) && !S_ISBLK(stat.st_mode))
		return -EINVAL;
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return -errno;
	*len = (__u64)end;
	return 0;
}

/*
 * A process that was killed is gone before its io_uring is: Linux closes the
 * image behind the scenes a little later.
 */
static int image_lock(int fd, int operation)
{
	unsigned int waits = LOCK_WAITS;

	while (flock(fd, operation | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (!waits--)
			return -EBUSY;
		usleep(LOCK_WAIT_US);
	}
	return 0;
}

int nvme_image_open(const char *path, bool is_read_only, __u64 *len)
{
	int err;
	int fd;

	/* Not blocking: the path may be that of a FIFO. */
	fd = open(path, (is_read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC |
				O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == EISDIR || errno == ENXIO ? -EINVAL : -errno;
	err = image_check_kind(fd, len);
	if (!err)
		err = image_lock(fd, is_read_only ? LOCK_SH : LOCK_EX);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}
