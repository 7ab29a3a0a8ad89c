/* SPDX-License-Identifier: BSD-3-Clause */
/* VFIO_DEVICE_IOEVENTFD: stores that an eventfd makes. */
#include "vfio.h"

enum {
	MIN_LEN = 28,
	N_MAX = 1000,
};

static int set(int fd, uint32_t flags, uint64_t offset, uint64_t data,
	       int32_t eventfd)
{
	struct vfio_device_ioeventfd args = {
		.argsz = sizeof(args),
		.flags = flags,
		.offset = offset,
		.data = data,
		.fd = eventfd,
		.reserved = UINT32_MAX, /* not looked at */
	};

	return ioctl(fd, VFIO_DEVICE_IOEVENTFD, &args);
}

static void test_lengths(int fd, int eventfd)
{
	struct vfio_device_ioeventfd args = {
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.offset = vfio_memory_bar(fd, 0).offset,
		.fd = eventfd,
	};

	for (args.argsz = 0; args.argsz < MIN_LEN; args.argsz++)
		EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_IOEVENTFD, &args));
	EXPECT_ERRNO(EFAULT,
		     ioctl(fd, VFIO_DEVICE_IOEVENTFD, abi_bad_address()));
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_IOEVENTFD,
			memcpy(vfio_edge(MIN_LEN), &args, MIN_LEN)));
	args.fd = -1;
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_IOEVENTFD, &args));
}

static void test_errors(int fd, int eventfd)
{
	struct vfio_region_info bar = vfio_memory_bar(fd, 0);
	uint64_t config = vfio_region(fd, VFIO_PCI_CONFIG_REGION_INDEX).offset;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const uint32_t word = VFIO_DEVICE_IOEVENTFD_32;

	EXPECT_ERRNO(EINVAL, set(fd, 0, bar.offset, 0, eventfd));
	EXPECT_ERRNO(EINVAL, set(fd, 3, bar.offset, 0, eventfd));
	EXPECT_ERRNO(EINVAL, set(fd, 16, bar.offset, 0, eventfd));
	EXPECT_ERRNO(EINVAL, set(fd, word | 16, bar.offset, 0, eventfd));
	EXPECT_ERRNO(EINVAL, set(fd, word, bar.offset, 0, -2));
	EXPECT_ERRNO(EINVAL, set(fd, word, config, 0, eventfd));
	EXPECT_ERRNO(EINVAL, set(fd, word, bar.offset + bar.size, 0, eventfd));
	EXPECT_ERRNO(EINVAL,
		     set(fd, word, bar.offset + bar.size - 2, 0, eventfd));
	EXPECT_ERRNO(EBADF, set(fd, word, bar.offset, 0, 1 << 20));
	EXPECT_ERRNO(EINVAL, set(fd, word, bar.offset, 0, null));
	EXPECT_ERRNO(ENODEV, set(fd, word, bar.offset, 0, -1));
	close(null);
}

/* The same place, width and value is one entry; it goes by all three. */
static void test_entries(int fd, int eventfd)
{
	const uint32_t word = VFIO_DEVICE_IOEVENTFD_32;
	uint64_t at = vfio_memory_bar(fd, 0).offset;

	EXPECT_OK(set(fd, word, at, 1, eventfd));
	EXPECT_ERRNO(EEXIST, set(fd, word, at, 1, eventfd));
	EXPECT_OK(set(fd, word, at, 2, eventfd));
	EXPECT_OK(set(fd, VFIO_DEVICE_IOEVENTFD_8, at, 1, eventfd));
	EXPECT_ERRNO(ENODEV, set(fd, word, at, 3, -1));
	EXPECT_ERRNO(ENODEV, set(fd, VFIO_DEVICE_IOEVENTFD_16, at, 1, -1));
	EXPECT_OK(set(fd, word, at, 1, -1));
	EXPECT_ERRNO(ENODEV, set(fd, word, at, 1, -1));
	EXPECT_OK(set(fd, word, at, 2, -1));
	EXPECT_OK(set(fd, VFIO_DEVICE_IOEVENTFD_8, at, 1, -1));
	/* Linux leaves it to the processor. */
	EXPECT_OK(set(fd, word, at + 1, 0, eventfd));
	EXPECT_OK(set(fd, word, at + 1, 0, -1));
}

static void test_limit(int fd, int eventfd)
{
	const uint32_t word = VFIO_DEVICE_IOEVENTFD_32;
	uint64_t at = vfio_memory_bar(fd, 0).offset;
	uint64_t i;

	for (i = 0; i < N_MAX; i++)
		EXPECT_OK(set(fd, word, at, i, eventfd));
	EXPECT_ERRNO(ENOSPC, set(fd, word, at, i, eventfd));
	EXPECT_ERRNO(EEXIST, set(fd, word, at, 0, eventfd));
	for (i = 0; i < N_MAX; i++)
		EXPECT_OK(set(fd, word, at, i, -1));
}

int main(void)
{
	int iommufd = abi_iommufd();
	struct abi_device device = abi_device(iommufd);
	int eventfd = vfio_eventfd();

	test_lengths(device.fd, eventfd);
	test_errors(device.fd, eventfd);
	test_entries(device.fd, eventfd);
	test_limit(device.fd, eventfd);
	EXPECT_OK(close(device.fd));
	EXPECT_OK(close(iommufd));
	return abi_result();
}
