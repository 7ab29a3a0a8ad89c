/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_IOAS_CHANGE_PROCESS: only memory of files can change hands. */
#include "abi.h"

static int change_process(int fd)
{
	struct iommu_ioas_change_process args = { .size = sizeof(args) };

	return ioctl(fd, IOMMU_IOAS_CHANGE_PROCESS, &args);
}

static int map_file(int fd, uint32_t ioas, uint64_t iova)
{
	struct iommu_ioas_map_file args = {
		.size = sizeof(args),
		.flags = ABI_FIXED_RW,
		.ioas_id = ioas,
		.fd = memfd_create("memory", MFD_CLOEXEC),
		.length = PAGE,
		.iova = iova,
	};
	int rc;

	REQUIRE(args.fd >= 0 && !ftruncate(args.fd, PAGE));
	rc = ioctl(fd, IOMMU_IOAS_MAP_FILE, &args);
	close(args.fd);
	return rc;
}

int main(void)
{
	int fd = abi_iommufd();
	uint32_t first = abi_ioas(fd);
	uint32_t second = abi_ioas(fd);
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = ABI_FIXED_RW,
		.dst_ioas_id = second,
		.src_ioas_id = second,
		.length = PAGE,
		.dst_iova = 0x30000,
		.src_iova = 0x20000,
	};

	EXPECT_OK(change_process(fd));
	EXPECT_OK(map_file(fd, first, 0x10000));
	EXPECT_OK(map_file(fd, second, 0x20000));
	EXPECT_OK(ioctl(fd, IOMMU_IOAS_COPY, &copy));
	EXPECT_OK(change_process(fd));

	/* One that is not of a file, in any address space. */
	EXPECT_OK(abi_map(fd, second, abi_memory(PAGE), PAGE, 0x40000));
	EXPECT_ERRNO(EINVAL, change_process(fd));
	copy.src_iova = 0x40000;
	copy.dst_iova = 0x50000;
	EXPECT_OK(ioctl(fd, IOMMU_IOAS_COPY, &copy));
	EXPECT_OK(abi_unmap(fd, second, 0x40000, PAGE, NULL));
	EXPECT_ERRNO(EINVAL, change_process(fd));
	EXPECT_OK(abi_destroy(fd, second));
	EXPECT_OK(change_process(fd));
	close(fd);
	return abi_result();
}
