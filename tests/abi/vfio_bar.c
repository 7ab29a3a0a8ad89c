/* SPDX-License-Identifier: BSD-3-Clause */
/* BARs: by pread and pwrite, and by mmap. */
#include "vfio.h"

static void test_access(int fd)
{
	struct vfio_region_info bar =
		vfio_memory_bar(fd, VFIO_REGION_INFO_FLAG_READ);
	off_t start = (off_t)bar.offset;
	off_t end = start + (off_t)bar.size;
	uint32_t words[2], value;
	uint64_t both;

	EXPECT_EQ(pread(fd, &value, 0, start), 0);
	EXPECT_EQ(pread(fd, &value, 0, end), 0);
	EXPECT_EQ(pread(fd, words, 8, start), 8);
	for (size_t i = 0; i < 2; i++) {
		EXPECT_EQ(pread(fd, &value, 4, start + 4 * (off_t)i), 4);
		EXPECT_EQ(value, words[i]);
	}
	memcpy(&both, words, sizeof(both));
	for (size_t i = 0; i < 8; i++) {
		value = 0;
		EXPECT_EQ(pread(fd, &value, 1, start + (off_t)i), 1);
		EXPECT_EQ(value, both >> (8 * i) & 0xff);
	}

	/* An access is cut at the end, and there is none behind it. */
	EXPECT_EQ(pread(fd, words, 8, end - 4), 4);
	EXPECT_EQ(pread(fd, words, 1, end - 1), 1);
	EXPECT_ERRNO(EINVAL, pread(fd, words, 1, end));
	EXPECT_ERRNO(EINVAL, pwrite(fd, words, 1, end));
	EXPECT_ERRNO(EFAULT, pread(fd, abi_bad_address(), 4, start));
	EXPECT_ERRNO(EFAULT, pwrite(fd, abi_bad_address(), 4, start));
}

static void test_absent(int fd)
{
	struct vfio_region_info info;
	uint32_t value;

	for (uint32_t i = 0; i <= VFIO_PCI_ROM_REGION_INDEX; i++) {
		info = vfio_region(fd, i);
		if (info.size)
			continue;
		EXPECT_ERRNO(EINVAL, pread(fd, &value, 4, (off_t)info.offset));
		EXPECT_ERRNO(EINVAL, pwrite(fd, &value, 4, (off_t)info.offset));
		EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd,
			    (off_t)info.offset) == MAP_FAILED);
		EXPECT_EQ(errno, EINVAL);
	}
	/* Numbers of regions that do not exist. */
	EXPECT_ERRNO(EINVAL, pread(fd, &value, 4, (off_t)100 << 40));
	EXPECT_ERRNO(EINVAL, pwrite(fd, &value, 4, (off_t)100 << 40));
}

/* The table of MSI-X vectors is the kernel's. */
static void test_msix_table(int fd)
{
	uint32_t table = 0, ones = 0, zero = 0;
	off_t at = vfio_config_read(fd, PCI_CAPABILITY_LIST, 1);
	off_t where;

	while (at && vfio_config_read(fd, at, 1) != PCI_CAP_ID_MSIX)
		at = vfio_config_read(fd, at + 1, 1);
	if (!at)
		return;
	table = vfio_config_read(fd, at + PCI_MSIX_TABLE, 4);
	where = (off_t)vfio_region(fd, table & PCI_MSIX_TABLE_BIR).offset +
		(off_t)(table & PCI_MSIX_TABLE_OFFSET);
	EXPECT_EQ(pread(fd, &ones, 4, where), 4);
	EXPECT_EQ(ones, UINT32_MAX);
	EXPECT_EQ(pwrite(fd, &zero, 4, where), 4);
	EXPECT_EQ(pread(fd, &ones, 4, where), 4);
	EXPECT_EQ(ones, UINT32_MAX);
}

static int mmap_errno(size_t len, int flags, int fd, off_t offset)
{
	void *address = mmap(NULL, len, PROT_READ, flags, fd, offset);

	if (address == MAP_FAILED)
		return errno;
	munmap(address, len);
	return 0;
}

/* Loads of the mapping and reads of the file see one device. */
static void test_mmap(int fd)
{
	struct vfio_region_info bar =
		vfio_memory_bar(fd, VFIO_REGION_INFO_FLAG_MMAP);
	off_t start = (off_t)bar.offset;
	volatile uint32_t *mapping;
	uint32_t value;

	EXPECT_EQ(mmap_errno(PAGE, MAP_PRIVATE, fd, start), EINVAL);
	EXPECT_EQ(mmap_errno(bar.size + PAGE, MAP_SHARED, fd, start), EINVAL);
	EXPECT_EQ(mmap_errno(PAGE, MAP_SHARED, fd, start + (off_t)bar.size),
		  EINVAL);
	EXPECT_EQ(mmap_errno(PAGE, MAP_SHARED, fd, start + 1), EINVAL);
	EXPECT_EQ(mmap_errno(0, MAP_SHARED, fd, start), EINVAL);
	EXPECT_EQ(mmap_errno(PAGE, MAP_SHARED, fd, (off_t)100 << 40), EINVAL);

	mapping = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       start);
	REQUIRE(mapping != MAP_FAILED);
	EXPECT_EQ(pread(fd, &value, 4, start), 4);
	EXPECT_EQ(mapping[0], value);
	/* Registers that are read-only take a store and forget it. */
	mapping[0] = ~value;
	EXPECT_EQ(mapping[0], value);
	EXPECT_OK(munmap((void *)(uintptr_t)mapping, bar.size));
}

/* A mapping holds the device: it is free again when that is gone. */
static void test_mapping_holds_the_device(int iommufd)
{
	struct abi_device device = abi_device(iommufd);
	struct vfio_region_info bar =
		vfio_memory_bar(device.fd, VFIO_REGION_INFO_FLAG_MMAP);
	volatile uint32_t *mapping = mmap(NULL, PAGE, PROT_READ, MAP_SHARED,
					  device.fd, (off_t)bar.offset);
	int second = vfio_open();
	uint32_t value;

	REQUIRE(mapping != MAP_FAILED);
	value = mapping[0];
	close(device.fd);
	EXPECT_EQ(mapping[0], value);
	EXPECT_ERRNO(EINVAL, vfio_bind(second, iommufd));
	EXPECT_OK(munmap((void *)(uintptr_t)mapping, PAGE));
	EXPECT_OK(vfio_bind(second, iommufd));
	close(second);
}

int main(void)
{
	int iommufd = abi_iommufd();
	struct abi_device device = abi_device(iommufd);

	test_access(device.fd);
	test_absent(device.fd);
	test_msix_table(device.fd);
	test_mmap(device.fd);
	close(device.fd);
	test_mapping_holds_the_device(iommufd);
	EXPECT_OK(close(iommufd));
	return abi_result();
}
