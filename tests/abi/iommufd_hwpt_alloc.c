/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_HWPT_ALLOC: page tables that follow an I/O address space. */
#include "abi.h"

enum {
	MSI_START = 0xfee00000U,
};

static struct iommu_hwpt_alloc alloc_args(struct abi_device device,
					  uint32_t pt_id)
{
	return (struct iommu_hwpt_alloc){
		.size = sizeof(struct iommu_hwpt_alloc),
		.dev_id = device.id,
		.pt_id = pt_id,
	};
}

static int alloc(int fd, struct abi_device device, uint32_t pt_id,
		 uint32_t *hwpt)
{
	struct iommu_hwpt_alloc args = alloc_args(device, pt_id);
	int rc = ioctl(fd, IOMMU_HWPT_ALLOC, &args);

	*hwpt = args.out_hwpt_id;
	return rc;
}

static void test_arguments(int fd, struct abi_device device, uint32_t ioas)
{
	struct iommu_hwpt_alloc args = alloc_args(device, ioas);
	uint64_t data = 0;

	args.data_len = 8;
	EXPECT_ERRNO(EINVAL, ioctl(fd, IOMMU_HWPT_ALLOC, &args));
	args = alloc_args(device, ioas);
	args.data_type = IOMMU_HWPT_DATA_VTD_S1;
	EXPECT_ERRNO(EINVAL, ioctl(fd, IOMMU_HWPT_ALLOC, &args));

	/* A paging table takes no data of this kind. */
	args.data_len = sizeof(data);
	args.data_uptr = (uintptr_t)&data;
	EXPECT_ERRNO(EOPNOTSUPP, ioctl(fd, IOMMU_HWPT_ALLOC, &args));

	for (unsigned int bit = 4; bit < 32; bit++) {
		args = alloc_args(device, ioas);
		args.flags = 1U << bit;
		EXPECT_ERRNO(EOPNOTSUPP, ioctl(fd, IOMMU_HWPT_ALLOC, &args));
	}
}

static void test_objects(int fd, struct abi_device device, uint32_t ioas)
{
	struct abi_device none = { .id = 1000 };
	struct abi_device wrong = { .id = ioas };
	struct iommu_hwpt_alloc args = alloc_args(device, ioas);
	uint32_t hwpt;

	EXPECT_ERRNO(ENOENT, alloc(fd, none, ioas, &hwpt));
	EXPECT_ERRNO(ENOENT, alloc(fd, wrong, ioas, &hwpt));
	EXPECT_ERRNO(EINVAL, alloc(fd, device, 1000, &hwpt));
	EXPECT_ERRNO(EINVAL, alloc(fd, device, device.id, &hwpt));

	args.flags = IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_NEST_PARENT;
	EXPECT_ERRNO(EOPNOTSUPP, ioctl(fd, IOMMU_HWPT_ALLOC, &args));
}

/* It holds the address space, and devices can be attached to it. */
static void test_attach(int fd, struct abi_device device, uint32_t ioas)
{
	uint32_t first, second, attached;

	EXPECT_OK(alloc(fd, device, ioas, &first));
	EXPECT_OK(alloc(fd, device, ioas, &second));
	EXPECT(first != second);
	EXPECT_ERRNO(EBUSY, abi_destroy(fd, ioas));

	EXPECT_OK(abi_attach(device, first, &attached));
	EXPECT_EQ(attached, first);
	EXPECT_ERRNO(EBUSY, abi_destroy(fd, first));
	EXPECT_OK(abi_attach(device, second, &attached));
	EXPECT_EQ(attached, second);
	EXPECT_OK(abi_destroy(fd, first));

	/* By the address space Linux takes a table of its own. */
	EXPECT_OK(abi_attach(device, ioas, &attached));
	EXPECT(attached != second);
	EXPECT_OK(abi_destroy(fd, second));
	EXPECT_OK(abi_detach(device));
	EXPECT_ERRNO(ENOENT, abi_destroy(fd, attached));
}

/* It pins what is mapped, with no device attached. */
static void test_fill(int fd, struct abi_device device)
{
	uint32_t ioas = abi_ioas(fd);
	void *bad = abi_bad_address();
	void *memory = abi_memory(PAGE);
	uint32_t hwpt;

	EXPECT_OK(abi_map(fd, ioas, bad, PAGE, 0x10000));
	EXPECT_ERRNO(EFAULT, alloc(fd, device, ioas, &hwpt));
	EXPECT_OK(abi_unmap(fd, ioas, 0x10000, PAGE, NULL));

	EXPECT_OK(abi_map(fd, ioas, memory, 100, 0x10000));
	EXPECT_ERRNO(EADDRINUSE, alloc(fd, device, ioas, &hwpt));
	EXPECT_OK(abi_unmap(fd, ioas, 0x10000, 100, NULL));

	EXPECT_OK(alloc(fd, device, ioas, &hwpt));
	EXPECT_ERRNO(EFAULT, abi_map(fd, ioas, bad, PAGE, 0x10000));
	EXPECT_ERRNO(EINVAL, abi_map(fd, ioas, memory, 100, 0x10000));
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, 0x10000));

	/* Windows of a device are reserved by attaching, not by this. */
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, MSI_START));
	EXPECT_ERRNO(EADDRINUSE, abi_attach(device, hwpt, NULL));
	EXPECT_OK(abi_unmap(fd, ioas, MSI_START, PAGE, NULL));
	EXPECT_OK(abi_attach(device, hwpt, NULL));
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(abi_destroy(fd, hwpt));
	EXPECT_OK(abi_destroy(fd, ioas));
}

/* Programs of Linux 6.6 give 24 bytes. */
static void test_old_struct(int fd, struct abi_device device, uint32_t ioas)
{
	struct iommu_hwpt_alloc args = alloc_args(device, ioas);

	args.size = 24;
	args.data_len = 99;
	EXPECT_OK(ioctl(fd, IOMMU_HWPT_ALLOC, &args));
	EXPECT_EQ(args.data_len, 99);
	EXPECT_OK(abi_destroy(fd, args.out_hwpt_id));
}

int main(void)
{
	int fd = abi_iommufd();
	struct abi_device device = abi_device(fd);
	uint32_t ioas = abi_ioas(fd);

	test_arguments(fd, device, ioas);
	test_objects(fd, device, ioas);
	test_attach(fd, device, ioas);
	test_fill(fd, device);
	test_old_struct(fd, device, ioas);
	close(device.fd);
	close(fd);
	return abi_result();
}
