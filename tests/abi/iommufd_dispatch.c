/* SPDX-License-Identifier: BSD-3-Clause */
/* What is no command, and what else can be done with the file. */
#include <poll.h>

#include "abi.h"

/* The size is read before the number is compared. */
static void test_numbers(int fd)
{
	uint32_t size = 8;
	uint64_t args = size;

	EXPECT_ERRNO(ENOTTY, ioctl(fd, _IO(IOMMUFD_TYPE, 0x7f), &args));
	EXPECT_ERRNO(ENOTTY, ioctl(fd, _IO(IOMMUFD_TYPE, 0x96), &args));
	EXPECT_ERRNO(ENOTTY, ioctl(fd, _IO(IOMMUFD_TYPE, 0xff), &args));
	EXPECT_ERRNO(ENOTTY, ioctl(fd, _IO(IOMMUFD_TYPE, 0xff), NULL));

	EXPECT_ERRNO(ENOTTY, ioctl(fd, _IO('!', 0x80), &args));
	EXPECT_ERRNO(ENOTTY, ioctl(fd, _IOWR(IOMMUFD_TYPE, 0x80, int), &args));
	EXPECT_ERRNO(EFAULT, ioctl(fd, _IO('!', 0x80), NULL));
}

static void test_file(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLOUT };
	char byte = 0;

	EXPECT_ERRNO(EINVAL, read(fd, &byte, 1));
	EXPECT_ERRNO(EINVAL, write(fd, &byte, 1));
	EXPECT_EQ(poll(&pollfd, 1, 0), 1);
	EXPECT_EQ(pollfd.revents, POLLIN | POLLOUT);
}

static int map(int fd, size_t len, int prot, int flags, off_t off)
{
	void *memory = mmap(NULL, len, prot, flags, fd, off);

	if (memory == MAP_FAILED)
		return -1;
	munmap(memory, len);
	return 0;
}

/* Nothing was handed out that could be mapped. */
static void test_mmap(int fd)
{
	int rw = PROT_READ | PROT_WRITE;

	EXPECT_ERRNO(EINVAL, map(fd, PAGE, rw, MAP_PRIVATE, PAGE));
	EXPECT_ERRNO(EPERM,
		     map(fd, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, PAGE));
	EXPECT_ERRNO(ENXIO, map(fd, PAGE, rw, MAP_SHARED, PAGE));
	EXPECT_ERRNO(ENXIO, map(fd, PAGE, rw, MAP_SHARED, 0));
}

/* Two opens are two contexts; two descriptors of one open are one. */
static void test_contexts(int fd)
{
	int other = abi_iommufd();
	int same = dup(fd);
	uint32_t ioas = abi_ioas(fd);

	EXPECT_ERRNO(ENOENT, abi_destroy(other, ioas));
	EXPECT_EQ(abi_ioas(other), 1);
	EXPECT_OK(abi_destroy(same, ioas));
	EXPECT_ERRNO(ENOENT, abi_destroy(fd, ioas));

	close(fd);
	EXPECT_EQ(abi_ioas(same), 1);
	close(same);
	close(other);
}

int main(void)
{
	int fd = abi_iommufd();

	test_numbers(fd);
	test_file(fd);
	test_mmap(fd);
	test_contexts(fd);
	return abi_result();
}
