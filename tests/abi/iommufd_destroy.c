/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_DESTROY, of objects of every kind that there are. */
#include "abi.h"

static void test_ids(int fd)
{
	uint32_t ioas = abi_ioas(fd);

	EXPECT_ERRNO(ENOENT, abi_destroy(fd, 0));
	EXPECT_ERRNO(ENOENT, abi_destroy(fd, ioas + 1));
	EXPECT_ERRNO(ENOENT, abi_destroy(fd, 0x7fffffff));
	EXPECT_ERRNO(ENOENT, abi_destroy(fd, 0x80000000));
	EXPECT_ERRNO(ENOENT, abi_destroy(fd, UINT32_MAX));
	EXPECT_OK(abi_destroy(fd, ioas));
	EXPECT_ERRNO(ENOENT, abi_destroy(fd, ioas));
}

/* An I/O address space goes with all its mappings. */
static void test_mapped(int fd)
{
	uint32_t ioas = abi_ioas(fd);
	void *memory = abi_memory(PAGE);

	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, 0));
	EXPECT_OK(abi_destroy(fd, ioas));
	EXPECT_ERRNO(ENOENT, abi_unmap(fd, ioas, 0, PAGE, NULL));
	EXPECT_EQ(abi_ioas(fd), ioas);
	EXPECT_ERRNO(ENOENT, abi_unmap(fd, ioas, 0, PAGE, NULL));
	EXPECT_OK(abi_destroy(fd, ioas));
}

static void test_device(int fd)
{
	struct abi_device device = abi_device(fd);
	uint32_t ioas = abi_ioas(fd);
	uint32_t hwpt;

	EXPECT_ERRNO(EBUSY, abi_destroy(fd, device.id));
	EXPECT_OK(abi_attach(device, ioas, &hwpt));
	EXPECT_ERRNO(EBUSY, abi_destroy(fd, device.id));
	EXPECT_ERRNO(EBUSY, abi_destroy(fd, ioas));
	EXPECT_ERRNO(EBUSY, abi_destroy(fd, hwpt));

	/* The page table was made for the device, and goes with it. */
	EXPECT_OK(abi_detach(device));
	EXPECT_ERRNO(ENOENT, abi_destroy(fd, hwpt));
	EXPECT_OK(abi_destroy(fd, ioas));

	close(device.fd);
	EXPECT_ERRNO(ENOENT, abi_destroy(fd, device.id));
}

int main(void)
{
	int fd = abi_iommufd();

	test_ids(fd);
	test_mapped(fd);
	test_device(fd);
	close(fd);
	return abi_result();
}
