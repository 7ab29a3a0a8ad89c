/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_IOAS_MAP_FILE: its own errors, and when the file is looked at. */
#include "abi.h"

struct file_range {
	int fd;
	uint64_t start;
	uint64_t len;
};

static int map_file(int fd, uint32_t ioas, uint32_t flags,
		    struct file_range range, uint64_t *iova)
{
	struct iommu_ioas_map_file map = {
		.size = sizeof(map),
		.flags = flags,
		.ioas_id = ioas,
		.fd = range.fd,
		.start = range.start,
		.length = range.len,
		.iova = *iova,
	};
	int rc = ioctl(fd, IOMMU_IOAS_MAP_FILE, &map);

	if (!rc)
		*iova = map.iova;
	return rc;
}

static int map_fixed(int fd, uint32_t ioas, struct file_range range,
		     uint64_t iova)
{
	return map_file(fd, ioas, ABI_FIXED_RW, range, &iova);
}

static int make_memfd(off_t len)
{
	int memfd = memfd_create("abi", MFD_CLOEXEC);

	REQUIRE(memfd >= 0);
	REQUIRE(!ftruncate(memfd, len));
	return memfd;
}

static void test_errors(int fd, uint32_t ioas, int memfd)
{
	struct file_range range = { memfd, 0, PAGE };
	struct file_range none = { memfd, 0, 0 };
	struct file_range wraps = { memfd, ABI_LAST - PAGE + 1, 2 * PAGE };
	struct file_range closed = { dup(memfd), 0, PAGE };
	struct file_range negative = { -1, 0, PAGE };
	uint64_t iova = 0;

	close(closed.fd);
	EXPECT_ERRNO(EINVAL, map_file(fd, ioas, 0, range, &iova));
	EXPECT_ERRNO(ENOENT, map_fixed(fd, ioas + 100, range, 0));
	EXPECT_ERRNO(EOVERFLOW, map_fixed(fd, ioas, range, ABI_LAST));
	EXPECT_ERRNO(EINVAL, map_fixed(fd, ioas, none, 0));
	EXPECT_ERRNO(EOVERFLOW, map_fixed(fd, ioas, wraps, 0));
	EXPECT_ERRNO(EBADF, map_fixed(fd, ioas, closed, 0));
	EXPECT_ERRNO(EBADF, map_fixed(fd, ioas, negative, 0));

	EXPECT_OK(map_fixed(fd, ioas, range, 0x10000));
	EXPECT_ERRNO(EEXIST, map_fixed(fd, ioas, range, 0x10000));
	EXPECT_OK(abi_unmap(fd, ioas, 0x10000, PAGE, NULL));
}

/* The place in the file counts as the address of memory does. */
static void test_anywhere(int fd, uint32_t ioas, int memfd)
{
	struct file_range first = { memfd, 0, PAGE };
	struct file_range inside = { memfd, 0x1123, 0x10 };
	uint64_t iova = 0;

	EXPECT_OK(map_file(fd, ioas, ABI_RW, first, &iova));
	EXPECT_EQ(iova, 0x1000);
	EXPECT_OK(map_file(fd, ioas, ABI_RW, inside, &iova));
	EXPECT_EQ(iova & 0xfff, 0x123);
	EXPECT_OK(abi_unmap(fd, ioas, 0, ABI_LAST, NULL));
}

/* With a domain the pages must be there. */
static void test_domain(int fd, uint32_t ioas, int memfd)
{
	struct abi_device device = abi_device(fd);
	struct file_range range = { memfd, 0, 2 * PAGE };
	struct file_range beyond = { memfd, PAGE, 4 * PAGE };
	struct file_range other = { open("/dev/null", O_RDWR), 0, PAGE };

	EXPECT_OK(map_fixed(fd, ioas, beyond, 0x20000));
	EXPECT_ERRNO(EINVAL, abi_attach(device, ioas, NULL));
	EXPECT_OK(abi_unmap(fd, ioas, 0x20000, 4 * PAGE, NULL));

	EXPECT_OK(abi_attach(device, ioas, NULL));
	EXPECT_ERRNO(EINVAL, map_fixed(fd, ioas, beyond, 0x20000));
	EXPECT_ERRNO(EINVAL, map_fixed(fd, ioas, other, 0x20000));
	EXPECT_OK(map_fixed(fd, ioas, range, 0x20000));

	/* The mapping needs no descriptor. */
	close(memfd);
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(abi_attach(device, ioas, NULL));
	EXPECT_OK(abi_unmap(fd, ioas, 0x20000, 2 * PAGE, NULL));
	close(other.fd);
	close(device.fd);
}

int main(void)
{
	int fd = abi_iommufd();
	uint32_t ioas = abi_ioas(fd);
	int memfd = make_memfd(2 * PAGE);

	test_errors(fd, ioas, memfd);
	test_anywhere(fd, ioas, memfd);
	test_domain(fd, ioas, memfd);
	close(fd);
	return abi_result();
}
