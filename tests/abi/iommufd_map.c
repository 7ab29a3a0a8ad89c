/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IOMMU_IOAS_MAP: every error in the order in which Linux looks, where Linux
 * puts a mapping itself, and what changes when a device is attached.
 */
#include "abi.h"

enum {
	MSI_START = 0xfee00000U,
	MIB = 1 << 20,
};

#define READABLE IOMMU_IOAS_MAP_READABLE
#define FIXED IOMMU_IOAS_MAP_FIXED_IOVA

static struct iommu_ioas_map map_args(uint32_t ioas, uint32_t flags,
				      const void *memory, uint64_t len,
				      uint64_t iova)
{
	return (struct iommu_ioas_map){
		.size = sizeof(struct iommu_ioas_map),
		.flags = flags,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = len,
		.iova = iova,
	};
}

static int map(int fd, uint32_t ioas, uint32_t flags, const void *memory,
	       uint64_t len, uint64_t iova)
{
	struct iommu_ioas_map args = map_args(ioas, flags, memory, len, iova);

	return ioctl(fd, IOMMU_IOAS_MAP, &args);
}

/* Return: where Linux put it; @memory and @len must do. */
static uint64_t map_anywhere(int fd, uint32_t ioas, const void *memory,
			     uint64_t len)
{
	struct iommu_ioas_map args = map_args(ioas, ABI_RW, memory, len, 0);

	EXPECT_OK(ioctl(fd, IOMMU_IOAS_MAP, &args));
	return args.iova;
}

static void test_flags(int fd, uint32_t ioas, char *memory)
{
	for (unsigned int bit = 3; bit < 32; bit++)
		if (bit != 16) /* a kernel made for tests may know it */
			EXPECT_ERRNO(EOPNOTSUPP,
				     map(fd, ioas, ABI_RW | 1U << bit, memory,
					 PAGE, 0));
	EXPECT_ERRNO(EINVAL, map(fd, ioas, 0, memory, PAGE, 0));
	EXPECT_ERRNO(EINVAL, map(fd, ioas, FIXED, memory, PAGE, 0));

	/* ... and before the object is looked for. */
	EXPECT_ERRNO(EINVAL, map(fd, 0, FIXED, memory, PAGE, 0));
	EXPECT_ERRNO(ENOENT, map(fd, 0, ABI_RW, memory, PAGE, 0));
	EXPECT_ERRNO(ENOENT, map(fd, ioas + 100, ABI_RW, memory, PAGE, 0));
}

static void test_overflow(int fd, uint32_t ioas, char *memory)
{
	char *top = (char *)(UINTPTR_MAX - PAGE + 1);

	/* Before the permissions, and without FIXED as well. */
	EXPECT_ERRNO(EOVERFLOW, map(fd, ioas, 0, memory, PAGE, ABI_LAST));
	EXPECT_ERRNO(EOVERFLOW, map(fd, ioas, ABI_RW, memory, PAGE, ABI_LAST));
	EXPECT_ERRNO(EOVERFLOW, map(fd, ioas, ABI_RW, memory, ABI_LAST, 0));
	EXPECT_ERRNO(EOVERFLOW, map(fd, ioas, ABI_RW, top, 2 * PAGE, 0));

	EXPECT_ERRNO(EOVERFLOW, map(fd, ioas, ABI_FIXED_RW, memory, 2 * PAGE,
				    ABI_LAST - PAGE + 1));
}

static void test_fixed(int fd, uint32_t ioas, char *memory)
{
	uint64_t unmapped;

	EXPECT_ERRNO(EINVAL, abi_map(fd, ioas, memory, 0, 0x10000));
	EXPECT_OK(abi_map(fd, ioas, memory, 2 * PAGE, 0x10000));

	/* Any overlap is refused, even of the same memory. */
	EXPECT_ERRNO(EEXIST, abi_map(fd, ioas, memory, 2 * PAGE, 0x10000));
	EXPECT_ERRNO(EEXIST, abi_map(fd, ioas, memory, PAGE, 0x11000));
	EXPECT_ERRNO(EEXIST, abi_map(fd, ioas, memory, PAGE, 0x11fff));
	EXPECT_ERRNO(EEXIST, abi_map(fd, ioas, memory, PAGE, 0xf001));
	EXPECT_ERRNO(EEXIST, abi_map(fd, ioas, memory, 8 * PAGE, 0xe000));
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, 0xf000));
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, 0x12000));

	/* 0 and the last byte can be mapped; without a device, any byte. */
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, 0));
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, ABI_LAST - PAGE + 1));
	EXPECT_OK(abi_map(fd, ioas, memory + 3, 5, 0x20003));
	EXPECT_OK(map(fd, ioas, READABLE | FIXED, memory, PAGE, 0x30000));
	EXPECT_OK(abi_unmap(fd, ioas, 0, ABI_LAST, &unmapped));
	EXPECT_EQ(unmapped, 7 * PAGE + 5);
}

/* The lowest place that is as well aligned as length and memory are. */
static void test_anywhere(int fd)
{
	uint32_t ioas = abi_ioas(fd);
	char *memory = abi_memory(8 * MIB);
	char *aligned = memory + (-(uintptr_t)memory & (2 * MIB - 1));
	uint64_t huge = UINT64_MAX / 2;

	EXPECT_EQ(map_anywhere(fd, ioas, aligned, PAGE), 0x1000);
	EXPECT_EQ(map_anywhere(fd, ioas, aligned, PAGE), 0x2000);
	EXPECT_EQ(map_anywhere(fd, ioas, aligned, 0x10000), 0x10000);
	EXPECT_EQ(map_anywhere(fd, ioas, aligned, PAGE), 0x3000);
	EXPECT_EQ(map_anywhere(fd, ioas, aligned, 4 * MIB), 2 * MIB);
	EXPECT_EQ(map_anywhere(fd, ioas, aligned, 3 * PAGE), 0x4000);

	/* The place in the page is kept. */
	EXPECT_EQ(map_anywhere(fd, ioas, aligned + 0x123, 0x10) & 0xfff, 0x123);

	EXPECT_ERRNO(EOVERFLOW, map(fd, ioas, ABI_RW, NULL, huge, 0));
	EXPECT_ERRNO(EINVAL, map(fd, ioas, ABI_RW, memory, 0, 0));
	EXPECT_OK(abi_destroy(fd, ioas));
	munmap(memory, 8 * MIB);
}

/* Without a domain memory is not looked at; with one it is. */
static void test_bad_memory(int fd, struct abi_device device)
{
	uint32_t ioas = abi_ioas(fd);
	void *bad = abi_bad_address();

	EXPECT_OK(abi_map(fd, ioas, bad, PAGE, 0x10000));
	EXPECT_ERRNO(EFAULT, abi_attach(device, ioas, NULL));
	EXPECT_OK(abi_unmap(fd, ioas, 0x10000, PAGE, NULL));
	EXPECT_OK(abi_attach(device, ioas, NULL));
	EXPECT_ERRNO(EFAULT, abi_map(fd, ioas, bad, PAGE, 0x10000));

	/* All or nothing. */
	EXPECT_ERRNO(EFAULT,
		     abi_map(fd, ioas, (char *)bad - PAGE, 2 * PAGE, 0x10000));
	EXPECT_ERRNO(ENOENT, abi_unmap(fd, ioas, 0x10000, 2 * PAGE, NULL));
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(abi_destroy(fd, ioas));
}

static void test_permission(int fd, struct abi_device device)
{
	void *memory = abi_memory(PAGE);
	uint32_t ioas = abi_ioas(fd);

	REQUIRE(!mprotect(memory, PAGE, PROT_READ));
	EXPECT_OK(abi_attach(device, ioas, NULL));
	EXPECT_ERRNO(EFAULT, abi_map(fd, ioas, memory, PAGE, 0x10000));
	EXPECT_OK(map(fd, ioas, READABLE | FIXED, memory, PAGE, 0x10000));
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(abi_destroy(fd, ioas));
}

/* A domain has pages, and reserves what it cannot translate. */
static void test_domain(int fd, struct abi_device device)
{
	char *memory = abi_memory(4 * PAGE);
	uint32_t ioas = abi_ioas(fd);

	EXPECT_OK(abi_attach(device, ioas, NULL));
	EXPECT_ERRNO(EINVAL, abi_map(fd, ioas, memory, 100, 0x10000));
	EXPECT_ERRNO(EINVAL, abi_map(fd, ioas, memory, PAGE, 0x10001));
	EXPECT_ERRNO(EINVAL, abi_map(fd, ioas, memory + 1, PAGE, 0x10000));
	EXPECT_ERRNO(EINVAL, abi_map(fd, ioas, memory, PAGE, MSI_START));
	EXPECT_ERRNO(EINVAL,
		     abi_map(fd, ioas, memory, 2 * PAGE, MSI_START - PAGE));
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, MSI_START - PAGE));
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, MSI_START + MIB));
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(abi_destroy(fd, ioas));
}

/* What a device cannot translate keeps it from being attached. */
static void test_in_the_way(int fd, struct abi_device device)
{
	char *memory = abi_memory(PAGE);
	uint32_t ioas = abi_ioas(fd);

	EXPECT_OK(abi_map(fd, ioas, memory, 100, 0x10000));
	EXPECT_ERRNO(EADDRINUSE, abi_attach(device, ioas, NULL));
	EXPECT_OK(abi_unmap(fd, ioas, 0x10000, 100, NULL));
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, MSI_START));
	EXPECT_ERRNO(EADDRINUSE, abi_attach(device, ioas, NULL));
	EXPECT_OK(abi_unmap(fd, ioas, MSI_START, PAGE, NULL));
	EXPECT_OK(abi_attach(device, ioas, NULL));
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(abi_destroy(fd, ioas));
}

int main(void)
{
	int fd = abi_iommufd();
	uint32_t ioas = abi_ioas(fd);
	char *memory = abi_memory(8 * PAGE);
	struct abi_device device = abi_device(fd);

	test_flags(fd, ioas, memory);
	test_overflow(fd, ioas, memory);
	test_fixed(fd, ioas, memory);
	test_anywhere(fd);
	test_bad_memory(fd, device);
	test_permission(fd, device);
	test_domain(fd, device);
	test_in_the_way(fd, device);
	close(device.fd);
	close(fd);
	return abi_result();
}
