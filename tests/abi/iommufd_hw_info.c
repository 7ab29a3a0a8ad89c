/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_GET_HW_INFO: buffers of every size, and who may ask what. */
#include "abi.h"

enum {
	ROOM = 256,
	CANARY = 0x5a,
};

static struct iommu_hw_info info_args(uint32_t dev_id, void *data, uint32_t len)
{
	return (struct iommu_hw_info){
		.size = sizeof(struct iommu_hw_info),
		.dev_id = dev_id,
		.data_len = len,
		.data_uptr = (uintptr_t)data,
	};
}

static void test_errors(int fd, struct abi_device device)
{
	struct iommu_hw_info args = info_args(device.id + 100, NULL, 0);

	EXPECT_ERRNO(ENOENT, ioctl(fd, IOMMU_GET_HW_INFO, &args));
	args = info_args(abi_ioas(fd), NULL, 0);
	EXPECT_ERRNO(ENOENT, ioctl(fd, IOMMU_GET_HW_INFO, &args));
	args = info_args(device.id, abi_bad_address(), ROOM);
	EXPECT_ERRNO(EFAULT, ioctl(fd, IOMMU_GET_HW_INFO, &args));
	args = info_args(device.id, NULL, 0);
	args.flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE << 1;
	EXPECT_ERRNO(EOPNOTSUPP, ioctl(fd, IOMMU_GET_HW_INFO, &args));
}

/* The whole data, then shorter and shorter buffers, then none. */
static void test_lengths(int fd, struct abi_device device)
{
	unsigned char whole[ROOM], part[ROOM];
	struct iommu_hw_info args;
	uint32_t len, type;

	memset(whole, CANARY, sizeof(whole));
	args = info_args(device.id, whole, ROOM);
	EXPECT_OK(ioctl(fd, IOMMU_GET_HW_INFO, &args));
	len = args.data_len;
	type = args.out_data_type;
	EXPECT(len <= ROOM);
	EXPECT_EQ(type == IOMMU_HW_INFO_TYPE_NONE, len == 0);
	for (uint32_t i = len; i < ROOM; i++)
		EXPECT_EQ(whole[i], 0);

	for (uint32_t room = 0; room < len; room++) {
		memset(part, CANARY, sizeof(part));
		args = info_args(device.id, room ? part : NULL, room);
		EXPECT_OK(ioctl(fd, IOMMU_GET_HW_INFO, &args));
		EXPECT_EQ(args.data_len, len);
		EXPECT_EQ(args.out_data_type, type);
		EXPECT(!memcmp(part, whole, room));
		EXPECT_EQ(part[room], CANARY);
	}
}

static void test_vtd(int fd, struct abi_device device)
{
	struct iommu_hw_info_vtd vtd;
	struct iommu_hw_info args = info_args(device.id, &vtd, sizeof(vtd));

	EXPECT_OK(ioctl(fd, IOMMU_GET_HW_INFO, &args));
	if (args.out_data_type != IOMMU_HW_INFO_TYPE_INTEL_VTD)
		return;
	EXPECT_EQ(args.data_len, sizeof(vtd));
	EXPECT_EQ(vtd.flags, IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17);
	EXPECT_EQ(vtd.__reserved, 0);
	EXPECT(vtd.cap_reg != 0);

	/* Asked for by its type, and by another. */
	args = info_args(device.id, &vtd, sizeof(vtd));
	args.flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE;
	args.in_data_type = IOMMU_HW_INFO_TYPE_INTEL_VTD;
	EXPECT_OK(ioctl(fd, IOMMU_GET_HW_INFO, &args));
	EXPECT_EQ(args.out_data_type, IOMMU_HW_INFO_TYPE_INTEL_VTD);
	args.in_data_type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3;
	EXPECT_ERRNO(EOPNOTSUPP, ioctl(fd, IOMMU_GET_HW_INFO, &args));
}

/* Programs of Linux 6.6 give 32 bytes: nothing is written behind them. */
static void test_old_struct(int fd, struct abi_device device)
{
	struct iommu_hw_info args = info_args(device.id, NULL, 0);

	args.size = 32;
	args.out_capabilities = 0x123456789;
	EXPECT_OK(ioctl(fd, IOMMU_GET_HW_INFO, &args));
	EXPECT_EQ(args.out_capabilities, 0x123456789);
}

int main(void)
{
	int fd = abi_iommufd();
	struct abi_device device = abi_device(fd);

	test_errors(fd, device);
	test_lengths(fd, device);
	test_vtd(fd, device);
	test_old_struct(fd, device);
	close(device.fd);
	close(fd);
	return abi_result();
}
