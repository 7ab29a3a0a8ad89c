/* SPDX-License-Identifier: BSD-3-Clause */
/* VFIO_DEVICE_ATTACH_IOMMUFD_PT and VFIO_DEVICE_DETACH_IOMMUFD_PT. */
#include "vfio.h"

enum {
	ATTACH_MIN_LEN = 12,
	DETACH_MIN_LEN = 8,
	/* Where x86 has the window of interrupts. */
	MSI_WINDOW = 0xfee00000u,
};

static int attach_with(int fd, uint32_t argsz, uint32_t flags, uint32_t pt_id,
		       uint32_t pasid)
{
	struct vfio_device_attach_iommufd_pt args = {
		.argsz = argsz,
		.flags = flags,
		.pt_id = pt_id,
		.pasid = pasid,
	};

	return ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &args);
}

static int detach_with(int fd, uint32_t argsz, uint32_t flags, uint32_t pasid)
{
	struct vfio_device_detach_iommufd_pt args = {
		.argsz = argsz,
		.flags = flags,
		.pasid = pasid,
	};

	return ioctl(fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &args);
}

static uint32_t alloc_hwpt(int iommufd, struct abi_device device, uint32_t ioas)
{
	struct iommu_hwpt_alloc args = {
		.size = sizeof(args),
		.dev_id = device.id,
		.pt_id = ioas,
	};

	REQUIRE(!ioctl(iommufd, IOMMU_HWPT_ALLOC, &args));
	return args.out_hwpt_id;
}

static void test_lengths(struct abi_device device, uint32_t ioas)
{
	struct vfio_device_attach_iommufd_pt args = {
		.argsz = ATTACH_MIN_LEN,
		.pt_id = ioas,
	};
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = DETACH_MIN_LEN,
	};
	uint32_t len;

	for (len = 0; len < ATTACH_MIN_LEN; len++)
		EXPECT_ERRNO(EINVAL, attach_with(device.fd, len, 0, ioas, 0));
	for (len = 0; len < DETACH_MIN_LEN; len++)
		EXPECT_ERRNO(EINVAL, detach_with(device.fd, len, 0, 0));
	EXPECT_OK(ioctl(device.fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT,
			memcpy(vfio_edge(ATTACH_MIN_LEN), &args,
			       ATTACH_MIN_LEN)));
	EXPECT_OK(ioctl(device.fd, VFIO_DEVICE_DETACH_IOMMUFD_PT,
			memcpy(vfio_edge(DETACH_MIN_LEN), &detach,
			       DETACH_MIN_LEN)));
	/* Longer than known: the rest is not looked at. */
	EXPECT_OK(attach_with(device.fd, PAGE, 0, ioas, ~0u));
	EXPECT_OK(detach_with(device.fd, PAGE, 0, ~0u));
	EXPECT_ERRNO(EFAULT, ioctl(device.fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT,
				   abi_bad_address()));
	EXPECT_ERRNO(EFAULT, ioctl(device.fd, VFIO_DEVICE_DETACH_IOMMUFD_PT,
				   abi_bad_address()));
	EXPECT_ERRNO(EINVAL,
		     attach_with(device.fd, 16, VFIO_DEVICE_ATTACH_PASID << 1,
				 ioas, 0));
	EXPECT_ERRNO(EINVAL, detach_with(device.fd, 12,
					 VFIO_DEVICE_DETACH_PASID << 1, 0));
}

/*
 * A table that was not made for PASIDs is refused. PASID 0 is the device
 * itself.
 */
static void test_pasid(int iommufd, struct abi_device device, uint32_t ioas)
{
	const uint32_t flag = VFIO_DEVICE_ATTACH_PASID;
	uint32_t hwpt = alloc_hwpt(iommufd, device, ioas);

	EXPECT_ERRNO(EINVAL, attach_with(device.fd, 12, flag, ioas, 1));
	EXPECT_ERRNO(EINVAL, attach_with(device.fd, 16, flag, ioas, 1));
	EXPECT_ERRNO(EINVAL, attach_with(device.fd, 16, flag, hwpt, 1));
	EXPECT_ERRNO(ENOENT, attach_with(device.fd, 16, flag, 0, 1));
	EXPECT_ERRNO(EINVAL,
		     detach_with(device.fd, 8, VFIO_DEVICE_DETACH_PASID, 1));
	EXPECT_OK(detach_with(device.fd, 12, VFIO_DEVICE_DETACH_PASID, 1));

	EXPECT_OK(attach_with(device.fd, 16, flag, hwpt, 0));
	EXPECT_ERRNO(EBUSY, abi_destroy(iommufd, hwpt));
	EXPECT_OK(detach_with(device.fd, 12, VFIO_DEVICE_DETACH_PASID, 0));
	EXPECT_OK(abi_attach(device, hwpt, NULL));
	EXPECT_ERRNO(EBUSY, attach_with(device.fd, 16, flag, hwpt, 0));
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(abi_destroy(iommufd, hwpt));
}

/* What the number names, and what comes back. */
static void test_objects(int iommufd, struct abi_device device, uint32_t ioas)
{
	uint32_t hwpt = alloc_hwpt(iommufd, device, ioas);
	uint32_t pt, again;

	EXPECT_ERRNO(ENOENT, abi_attach(device, 0, NULL));
	EXPECT_ERRNO(ENOENT, abi_attach(device, 1000, NULL));
	EXPECT_ERRNO(EINVAL, abi_attach(device, device.id, NULL));
	EXPECT_OK(abi_detach(device)); /* not attached: nothing */

	/* By address space: a table of its own, never the program's. */
	EXPECT_OK(abi_attach(device, ioas, &pt));
	EXPECT(pt != ioas && pt != hwpt && pt != device.id);
	EXPECT_ERRNO(EBUSY, abi_destroy(iommufd, pt));
	EXPECT_ERRNO(EBUSY, abi_destroy(iommufd, ioas));
	EXPECT_OK(abi_attach(device, ioas, &again));
	EXPECT_EQ(again, pt);
	EXPECT_OK(abi_attach(device, pt, &again));
	EXPECT_EQ(again, pt);

	/* Replaced: the table that nobody asked for goes. */
	EXPECT_OK(abi_attach(device, hwpt, &again));
	EXPECT_EQ(again, hwpt);
	EXPECT_ERRNO(ENOENT, abi_destroy(iommufd, pt));
	EXPECT_ERRNO(EBUSY, abi_destroy(iommufd, hwpt));
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(abi_destroy(iommufd, hwpt));

	EXPECT_OK(abi_attach(device, ioas, &pt));
	EXPECT_OK(abi_detach(device));
	EXPECT_ERRNO(ENOENT, abi_destroy(iommufd, pt));
}

/* An address space that cannot take the device; a replace keeps the old. */
static void test_conflicts(int iommufd, struct abi_device device, uint32_t good)
{
	struct iommu_iova_range range = { MSI_WINDOW, MSI_WINDOW + PAGE };
	void *memory = abi_memory(PAGE);
	uint32_t ioas = abi_ioas(iommufd);
	struct iommu_ioas_allow_iovas allow = {
		.size = sizeof(allow),
		.ioas_id = ioas,
		.num_iovas = 1,
		.allowed_iovas = (uintptr_t)&range,
	};
	uint32_t pt;

	EXPECT_OK(abi_attach(device, good, &pt));
	REQUIRE(!abi_map(iommufd, ioas, memory, PAGE, MSI_WINDOW));
	EXPECT_ERRNO(EADDRINUSE, abi_attach(device, ioas, NULL));
	EXPECT_ERRNO(EBUSY, abi_destroy(iommufd, pt)); /* still attached */
	EXPECT_OK(abi_detach(device));
	EXPECT_ERRNO(EADDRINUSE, abi_attach(device, ioas, NULL));
	REQUIRE(!abi_unmap(iommufd, ioas, MSI_WINDOW, PAGE, NULL));

	REQUIRE(!ioctl(iommufd, IOMMU_IOAS_ALLOW_IOVAS, &allow));
	EXPECT_ERRNO(EADDRINUSE, abi_attach(device, ioas, NULL));
	allow.num_iovas = 0;
	REQUIRE(!ioctl(iommufd, IOMMU_IOAS_ALLOW_IOVAS, &allow));

	/* Memory that is not there is found when it has to be. */
	REQUIRE(!abi_map(iommufd, ioas, abi_bad_address(), PAGE, 0x10000));
	EXPECT_ERRNO(EFAULT, abi_attach(device, ioas, NULL));
	REQUIRE(!abi_unmap(iommufd, ioas, 0x10000, PAGE, NULL));
	EXPECT_OK(abi_attach(device, ioas, NULL));
	EXPECT_ERRNO(EINVAL, abi_map(iommufd, ioas, memory, PAGE, MSI_WINDOW));
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(abi_map(iommufd, ioas, memory, PAGE, MSI_WINDOW));
	EXPECT_OK(abi_destroy(iommufd, ioas));
}

/* Without an address space the device still answers its driver. */
static void test_detached_device_answers(struct abi_device device)
{
	uint32_t id = vfio_config_read(device.fd, PCI_VENDOR_ID, 2);

	EXPECT(id && id != 0xffff);
}

int main(void)
{
	int iommufd = abi_iommufd();
	struct abi_device device = abi_device(iommufd);
	uint32_t ioas = abi_ioas(iommufd);

	test_lengths(device, ioas);
	test_pasid(iommufd, device, ioas);
	test_objects(iommufd, device, ioas);
	test_conflicts(iommufd, device, ioas);
	test_detached_device_answers(device);
	EXPECT_OK(abi_destroy(iommufd, ioas));
	EXPECT_OK(close(device.fd));
	EXPECT_OK(close(iommufd));
	return abi_result();
}
