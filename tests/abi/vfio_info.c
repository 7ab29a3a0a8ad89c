/* SPDX-License-Identifier: BSD-3-Clause */
/* GET_INFO, GET_REGION_INFO and GET_IRQ_INFO of a PCI function. */
#include "vfio.h"

enum {
	INFO_MIN_LEN = 16,
	CANARY = 0x5a,
};

static void test_device_info(int fd)
{
	struct vfio_device_info info;
	char *edge = vfio_edge(INFO_MIN_LEN);

	for (uint32_t argsz = 0; argsz < INFO_MIN_LEN; argsz++) {
		info.argsz = argsz;
		EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_GET_INFO, &info));
	}
	EXPECT_ERRNO(EFAULT,
		     ioctl(fd, VFIO_DEVICE_GET_INFO, abi_bad_address()));

	memset(&info, CANARY, sizeof(info));
	info.argsz = sizeof(info);
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_GET_INFO, &info));
	EXPECT(info.flags & VFIO_DEVICE_FLAGS_PCI);
	EXPECT(!(info.flags &
		 (VFIO_DEVICE_FLAGS_PLATFORM | VFIO_DEVICE_FLAGS_AMBA |
		  VFIO_DEVICE_FLAGS_CCW | VFIO_DEVICE_FLAGS_AP)));
	EXPECT(info.num_regions >= VFIO_PCI_NUM_REGIONS);
	EXPECT_EQ(info.num_irqs, VFIO_PCI_NUM_IRQS);
	EXPECT_EQ(info.pad, 0);
	if (!(info.flags & VFIO_DEVICE_FLAGS_CAPS)) {
		EXPECT_EQ(info.argsz, sizeof(info));
		EXPECT_EQ(info.cap_offset, 0);
	}

	/* The first version: nothing is written behind it. */
	*(uint32_t *)(void *)edge = INFO_MIN_LEN;
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_GET_INFO, edge));
	EXPECT(!memcmp(edge + 4, (char *)&info + 4, INFO_MIN_LEN - 4));
}

static void test_region_lengths(int fd)
{
	struct vfio_region_info info = { .index = 0 };
	char *edge = vfio_edge(sizeof(info));

	for (info.argsz = 0; info.argsz < sizeof(info); info.argsz++)
		EXPECT_ERRNO(EINVAL,
			     ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info));
	EXPECT_ERRNO(EFAULT,
		     ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, abi_bad_address()));
	info.argsz = sizeof(info);
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_GET_REGION_INFO,
			memcpy(edge, &info, sizeof(info))));
}

/*
 * The capabilities of a region: their length is told first, then they fit.
 * Each begins on eight bytes, inside, behind the one before.
 */
static void check_caps(int fd, const struct vfio_region_info *small)
{
	struct vfio_region_info *info = abi_memory(small->argsz);
	struct vfio_info_cap_header *cap;
	uint32_t at;

	EXPECT(small->argsz > sizeof(*small));
	EXPECT_EQ(small->cap_offset, 0);
	info->argsz = small->argsz;
	info->index = small->index;
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info));
	EXPECT_EQ(info->argsz, small->argsz);
	EXPECT_EQ(info->size, small->size);
	EXPECT(info->cap_offset >= sizeof(*info));
	for (at = info->cap_offset; at; at = cap->next) {
		REQUIRE(at % 8 == 0 && at + sizeof(*cap) <= info->argsz);
		cap = (void *)((char *)info + at);
		EXPECT(cap->id == VFIO_REGION_INFO_CAP_SPARSE_MMAP ||
		       cap->id == VFIO_REGION_INFO_CAP_MSIX_MAPPABLE);
		EXPECT_EQ(cap->version, 1);
		REQUIRE(!cap->next || cap->next > at);
	}
}

static void check_bar(int fd, uint32_t index)
{
	struct vfio_region_info info = vfio_region(fd, index);

	EXPECT_EQ(info.size & (info.size - 1), 0);
	if (!info.size) {
		EXPECT_EQ(info.flags, 0);
		EXPECT_EQ(info.argsz, sizeof(info));
		return;
	}
	EXPECT(info.flags & VFIO_REGION_INFO_FLAG_READ);
	EXPECT(info.flags & VFIO_REGION_INFO_FLAG_WRITE);
	if (info.flags & VFIO_REGION_INFO_FLAG_CAPS)
		check_caps(fd, &info);
	else
		EXPECT_EQ(info.argsz, sizeof(info));
}

static void test_regions(int fd)
{
	struct vfio_region_info info;
	struct vfio_device_info device = { .argsz = sizeof(device) };

	for (uint32_t i = 0; i < VFIO_PCI_ROM_REGION_INDEX; i++)
		check_bar(fd, i);
	for (uint32_t i = 0; i <= VFIO_PCI_CONFIG_REGION_INDEX; i++)
		EXPECT_EQ(vfio_region(fd, i).offset, (uint64_t)i << 40);
	info = vfio_region(fd, VFIO_PCI_ROM_REGION_INDEX);
	EXPECT(!(info.flags & VFIO_REGION_INFO_FLAG_WRITE));
	info = vfio_region(fd, VFIO_PCI_CONFIG_REGION_INDEX);
	EXPECT(info.size == 256 || info.size == 4096);
	EXPECT_EQ(info.flags,
		  VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE);

	REQUIRE(!ioctl(fd, VFIO_DEVICE_GET_INFO, &device));
	info.argsz = sizeof(info);
	info.index = device.num_regions;
	EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info));
	info.index = UINT32_MAX;
	EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info));
	info.index = VFIO_PCI_VGA_REGION_INDEX;
	if (vfio_config_read(fd, PCI_CLASS_DEVICE, 2) != 0x0300)
		EXPECT_ERRNO(EINVAL,
			     ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info));
}

static uint32_t irq_flags(int fd, uint32_t index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	EXPECT_OK(ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, &info));
	return info.flags;
}

static void test_irqs(int fd)
{
	const uint32_t fixed = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE;
	struct vfio_irq_info info = { .index = 0 };
	uint32_t msix;

	for (info.argsz = 0; info.argsz < sizeof(info); info.argsz++)
		EXPECT_ERRNO(EINVAL,
			     ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, &info));
	EXPECT_ERRNO(EFAULT,
		     ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, abi_bad_address()));
	info.index = VFIO_PCI_NUM_IRQS;
	EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, &info));

	EXPECT_EQ(irq_flags(fd, VFIO_PCI_INTX_IRQ_INDEX),
		  VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
			  VFIO_IRQ_INFO_AUTOMASKED);
	EXPECT_EQ(irq_flags(fd, VFIO_PCI_MSI_IRQ_INDEX), fixed);
	msix = irq_flags(fd, VFIO_PCI_MSIX_IRQ_INDEX);
	EXPECT(msix == VFIO_IRQ_INFO_EVENTFD || msix == fixed);
	EXPECT_EQ(irq_flags(fd, VFIO_PCI_ERR_IRQ_INDEX), fixed);
	EXPECT_EQ(irq_flags(fd, VFIO_PCI_REQ_IRQ_INDEX), fixed);
	EXPECT_EQ(vfio_irq_count(fd, VFIO_PCI_INTX_IRQ_INDEX),
		  vfio_config_read(fd, PCI_INTERRUPT_PIN, 1) != 0);
	EXPECT_EQ(vfio_irq_count(fd, VFIO_PCI_ERR_IRQ_INDEX), 1);
	EXPECT_EQ(vfio_irq_count(fd, VFIO_PCI_REQ_IRQ_INDEX), 1);
}

/* Numbers of VFIO that mean nothing to a device. */
static void test_unknown(int fd)
{
	char args[64] = { 0 };

	EXPECT_ERRNO(ENOTTY, ioctl(fd, VFIO_GET_API_VERSION, args));
	EXPECT_ERRNO(ENOTTY, ioctl(fd, VFIO_GROUP_GET_STATUS, args));
	EXPECT_ERRNO(ENOTTY, ioctl(fd, VFIO_DEVICE_QUERY_GFX_PLANE, args));
	EXPECT_ERRNO(ENOTTY, ioctl(fd, _IO(VFIO_TYPE, 0xff), args));
	EXPECT_ERRNO(ENOTTY, ioctl(fd, _IO(VFIO_TYPE, 0xff), NULL));
}

int main(void)
{
	int iommufd = abi_iommufd();
	struct abi_device device = abi_device(iommufd);

	test_device_info(device.fd);
	test_region_lengths(device.fd);
	test_regions(device.fd);
	test_irqs(device.fd);
	test_unknown(device.fd);
	EXPECT_OK(close(device.fd));
	EXPECT_OK(close(iommufd));
	return abi_result();
}
