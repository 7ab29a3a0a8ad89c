/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_IOAS_UNMAP: whole mappings, gaps, parts, everything. */
#include "abi.h"

static void test_errors(int fd, uint32_t ioas, char *memory)
{
	uint64_t unmapped;

	EXPECT_ERRNO(ENOENT, abi_unmap(fd, ioas + 100, 0, PAGE, NULL));
	EXPECT_ERRNO(ENOENT, abi_unmap(fd, ioas, 0, PAGE, NULL));
	EXPECT_ERRNO(EINVAL, abi_unmap(fd, ioas, 0x1000, 0, NULL));
	EXPECT_ERRNO(EOVERFLOW, abi_unmap(fd, ioas, ABI_LAST, PAGE, NULL));
	EXPECT_ERRNO(EOVERFLOW, abi_unmap(fd, ioas, 0x1000, ABI_LAST, NULL));
	EXPECT_ERRNO(EOVERFLOW,
		     abi_unmap(fd, ioas, ABI_LAST - PAGE + 1, 2 * PAGE, NULL));

	/* The length is not written on an error. */
	EXPECT_OK(abi_map(fd, ioas, memory, 2 * PAGE, 0x10000));
	EXPECT_ERRNO(ENOENT, abi_unmap(fd, ioas, 0x10000, PAGE, &unmapped));
	EXPECT_EQ(unmapped, PAGE);
	EXPECT_ERRNO(ENOENT, abi_unmap(fd, ioas, 0x11000, PAGE, NULL));
	EXPECT_ERRNO(ENOENT, abi_unmap(fd, ioas, 0xf000, 2 * PAGE, NULL));
	EXPECT_OK(abi_unmap(fd, ioas, 0x10000, 2 * PAGE, &unmapped));
	EXPECT_EQ(unmapped, 2 * PAGE);
}

static void test_gaps(int fd, uint32_t ioas, char *memory)
{
	uint64_t unmapped;

	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, 0x10000));
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, 0x20000));
	EXPECT_OK(abi_map(fd, ioas, memory, 2 * PAGE, 0x30000));
	EXPECT_OK(abi_unmap(fd, ioas, 0x8000, 0x20000, &unmapped));
	EXPECT_EQ(unmapped, 2 * PAGE);

	/* The last one is cut: those before it are gone all the same. */
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, 0x10000));
	EXPECT_ERRNO(ENOENT, abi_unmap(fd, ioas, 0x10000, 0x21000, &unmapped));
	EXPECT_EQ(unmapped, 0x21000);
	EXPECT_ERRNO(ENOENT, abi_unmap(fd, ioas, 0x10000, PAGE, NULL));
	EXPECT_OK(abi_unmap(fd, ioas, 0x30000, 2 * PAGE, NULL));
}

static void test_all(int fd, uint32_t ioas, char *memory)
{
	uint64_t unmapped;

	EXPECT_OK(abi_unmap(fd, ioas, 0, ABI_LAST, &unmapped));
	EXPECT_EQ(unmapped, 0);
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, 0));
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, ABI_LAST - PAGE + 1));
	EXPECT_OK(abi_unmap(fd, ioas, 0, ABI_LAST, &unmapped));
	EXPECT_EQ(unmapped, 2 * PAGE);
}

static void test_device(int fd, uint32_t ioas, char *memory)
{
	struct abi_device device = abi_device(fd);
	uint64_t unmapped;

	EXPECT_OK(abi_attach(device, ioas, NULL));
	for (uint64_t i = 0; i < 100; i++)
		EXPECT_OK(abi_map(fd, ioas, memory, PAGE, i * 0x10000));
	EXPECT_OK(abi_unmap(fd, ioas, 0, 50 * 0x10000, &unmapped));
	EXPECT_EQ(unmapped, 50 * PAGE);
	EXPECT_OK(abi_unmap(fd, ioas, 0, ABI_LAST, &unmapped));
	EXPECT_EQ(unmapped, 50 * PAGE);
	EXPECT_ERRNO(ENOENT, abi_unmap(fd, ioas, 0, 100 * 0x10000, NULL));
	close(device.fd);
}

int main(void)
{
	int fd = abi_iommufd();
	uint32_t ioas = abi_ioas(fd);
	char *memory = abi_memory(4 * PAGE);

	test_errors(fd, ioas, memory);
	test_gaps(fd, ioas, memory);
	test_all(fd, ioas, memory);
	test_device(fd, ioas, memory);
	close(fd);
	return abi_result();
}
