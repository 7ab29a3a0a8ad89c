/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_IOAS_ALLOW_IOVAS: what it refuses, and what it promises. */
#include "abi.h"

enum {
	MSI_START = 0xfee00000U,
	MIB = 1 << 20,
};

static int allow(int fd, uint32_t ioas, const struct iommu_iova_range *ranges,
		 uint32_t n)
{
	struct iommu_ioas_allow_iovas args = {
		.size = sizeof(args),
		.ioas_id = ioas,
		.num_iovas = n,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return ioctl(fd, IOMMU_IOAS_ALLOW_IOVAS, &args);
}

/* Where does a page go when Linux chooses? */
static int map_anywhere(int fd, uint32_t ioas, void *memory, uint64_t len,
			uint64_t *iova)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = ABI_RW,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = len,
	};
	int rc = ioctl(fd, IOMMU_IOAS_MAP, &map);

	*iova = map.iova;
	return rc;
}

static void test_errors(int fd, uint32_t ioas)
{
	struct iommu_iova_range good = { 0x10000, 0x1ffff };
	struct iommu_iova_range empty = { 0x10000, 0x10000 };
	struct iommu_iova_range backwards = { 0x10000, 0xffff };
	struct iommu_iova_range overlap[2] = { { 0x10000, 0x1ffff },
					       { 0x1ffff, 0x2ffff } };

	EXPECT_ERRNO(ENOENT, allow(fd, ioas + 100, &good, 1));
	EXPECT_ERRNO(EFAULT, allow(fd, ioas, abi_bad_address(), 1));
	EXPECT_ERRNO(EINVAL, allow(fd, ioas, &empty, 1));
	EXPECT_ERRNO(EINVAL, allow(fd, ioas, &backwards, 1));
	EXPECT_ERRNO(EINVAL, allow(fd, ioas, overlap, 2));
	EXPECT_OK(allow(fd, ioas, &good, 1));
	EXPECT_OK(allow(fd, ioas, NULL, 0));
}

/* What Linux chooses is inside, what the caller fixes may be outside. */
static void test_placement(int fd, uint32_t ioas)
{
	struct iommu_iova_range ranges[2] = { { 0x10000, 0x10fff },
					      { 0x40000, 0x40fff } };
	struct iommu_iova_range other = { 0x80000, 0x80fff };
	struct iommu_iova_range bad = { 5, 5 };
	char *memory = abi_memory(4 * PAGE);
	uint64_t iova;

	EXPECT_OK(allow(fd, ioas, ranges, 2));
	EXPECT_OK(map_anywhere(fd, ioas, memory, PAGE, &iova));
	EXPECT_EQ(iova, 0x10000);
	EXPECT_OK(map_anywhere(fd, ioas, memory + PAGE, PAGE, &iova));
	EXPECT_EQ(iova, 0x40000);
	EXPECT_ERRNO(ENOSPC,
		     map_anywhere(fd, ioas, memory + 2 * PAGE, PAGE, &iova));
	EXPECT_OK(abi_map(fd, ioas, memory + 2 * PAGE, PAGE, 0x60000));

	/* The new list replaces the old; a bad one leaves it. */
	EXPECT_OK(allow(fd, ioas, &other, 1));
	EXPECT_ERRNO(EINVAL, allow(fd, ioas, &bad, 1));
	EXPECT_OK(map_anywhere(fd, ioas, memory + 3 * PAGE, PAGE, &iova));
	EXPECT_EQ(iova, 0x80000);

	/* None: anywhere again. */
	EXPECT_OK(allow(fd, ioas, NULL, 0));
	EXPECT_OK(map_anywhere(fd, ioas, memory, PAGE, &iova));
	EXPECT(iova != 0x80000);
}

/* No device may reserve what was promised, and no promise what is reserved. */
static void test_device(int fd)
{
	struct iommu_iova_range msi = { MSI_START - MIB, MSI_START + MIB };
	struct abi_device device = abi_device(fd);
	uint32_t ioas = abi_ioas(fd);

	EXPECT_OK(allow(fd, ioas, &msi, 1));
	EXPECT_ERRNO(EADDRINUSE, abi_attach(device, ioas, NULL));
	EXPECT_OK(allow(fd, ioas, NULL, 0));
	EXPECT_OK(abi_attach(device, ioas, NULL));
	EXPECT_ERRNO(EADDRINUSE, allow(fd, ioas, &msi, 1));
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(allow(fd, ioas, &msi, 1));
	close(device.fd);
}

int main(void)
{
	int fd = abi_iommufd();

	test_errors(fd, abi_ioas(fd));
	test_placement(fd, abi_ioas(fd));
	test_device(fd);
	close(fd);
	return abi_result();
}
