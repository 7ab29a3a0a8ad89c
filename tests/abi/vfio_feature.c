/* SPDX-License-Identifier: BSD-3-Clause */
/* VFIO_DEVICE_FEATURE: the rules of all features, and low power. */
#include "vfio.h"

enum {
	MIN_LEN = sizeof(struct vfio_device_feature),
	GET = VFIO_DEVICE_FEATURE_GET,
	SET = VFIO_DEVICE_FEATURE_SET,
	PROBE = VFIO_DEVICE_FEATURE_PROBE,
	ENTRY = VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
	ENTRY_WITH_WAKEUP = VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
	EXIT = VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
};

static int feature_with(int fd, uint32_t argsz, uint32_t flags, int32_t payload)
{
	struct {
		uint32_t argsz;
		uint32_t flags;
		int32_t payload;
		uint32_t reserved;
	} args = { argsz, flags, payload, 0 };

	return ioctl(fd, VFIO_DEVICE_FEATURE, &args);
}

static int feature(int fd, uint32_t flags)
{
	return feature_with(fd, MIN_LEN, flags, 0);
}

static void test_rules(int fd)
{
	struct vfio_device_feature args = {
		.argsz = MIN_LEN,
		.flags = EXIT | SET,
	};

	for (uint32_t argsz = 0; argsz < MIN_LEN; argsz++)
		EXPECT_ERRNO(EINVAL, feature_with(fd, argsz, EXIT | SET, 0));
	EXPECT_ERRNO(EFAULT, ioctl(fd, VFIO_DEVICE_FEATURE, abi_bad_address()));
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_FEATURE,
			memcpy(vfio_edge(MIN_LEN), &args, MIN_LEN)));
	EXPECT_ERRNO(EINVAL, feature(fd, EXIT | SET | PROBE << 1));
	EXPECT_ERRNO(EINVAL, feature(fd, EXIT | GET | SET));
	/* Those come before the number, which comes before the rest. */
	EXPECT_ERRNO(EINVAL, feature(fd, 0xffff | GET | SET));
	EXPECT_ERRNO(ENOTTY, feature(fd, 0xffff | SET));
	EXPECT_ERRNO(ENOTTY, feature(fd, 0xffff | GET | SET | PROBE));
	EXPECT_ERRNO(ENOTTY, feature(fd, 0xffff));
	EXPECT_ERRNO(EINVAL, feature(fd, EXIT));
	EXPECT_ERRNO(EINVAL, feature(fd, EXIT | GET));
	EXPECT_ERRNO(EINVAL, feature(fd, EXIT | GET | PROBE));
	EXPECT_ERRNO(EINVAL, feature(fd, EXIT | GET | SET | PROBE));
	EXPECT_OK(feature(fd, EXIT | PROBE));
	EXPECT_OK(feature(fd, EXIT | SET | PROBE));
}

/* What an ordinary function on vfio-pci does not have. */
static void test_absent(int fd)
{
	static const uint32_t absent[] = {
		VFIO_DEVICE_FEATURE_MIGRATION | GET,
		VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE | GET,
		VFIO_DEVICE_FEATURE_DMA_LOGGING_START | SET,
		VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP | SET,
		VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT | GET,
		VFIO_DEVICE_FEATURE_MIG_DATA_SIZE | GET,
		VFIO_DEVICE_FEATURE_BUS_MASTER | SET,
		VFIO_DEVICE_FEATURE_PCI_VF_TOKEN | SET,
	};

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		EXPECT_ERRNO(ENOTTY, feature(fd, absent[i]));
		EXPECT_ERRNO(ENOTTY, feature(fd, absent[i] | PROBE));
	}
}

/* BARs do not answer in low power; configuration space always does. */
static void test_low_power(int fd)
{
	struct vfio_region_info bar =
		vfio_memory_bar(fd, VFIO_REGION_INFO_FLAG_READ);
	uint32_t value;

	EXPECT_OK(feature(fd, EXIT | SET)); /* not even in */
	EXPECT_EQ(pread(fd, &value, 4, (off_t)bar.offset), 4);
	EXPECT_OK(feature(fd, ENTRY | PROBE | SET));
	EXPECT_EQ(pread(fd, &value, 4, (off_t)bar.offset), 4);
	EXPECT_OK(feature(fd, ENTRY | SET));
	EXPECT_ERRNO(EINVAL, feature(fd, ENTRY | SET));
	EXPECT_ERRNO(EIO, pread(fd, &value, 4, (off_t)bar.offset));
	EXPECT_ERRNO(EIO, pwrite(fd, &value, 4, (off_t)bar.offset));
	EXPECT(vfio_config_read(fd, PCI_VENDOR_ID, 2) != 0xffff);
	EXPECT_ERRNO(EIO, pread(fd, &value, 4, (off_t)bar.offset));
	EXPECT_OK(feature(fd, EXIT | SET));
	EXPECT_EQ(pread(fd, &value, 4, (off_t)bar.offset), 4);
}

/* The first use of the device ends the sleep and says so. */
static void test_wakeup(int fd)
{
	const uint32_t len = MIN_LEN + 8;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int eventfd = vfio_eventfd();
	const uint32_t flags = ENTRY_WITH_WAKEUP | SET;
	struct vfio_region_info bar =
		vfio_memory_bar(fd, VFIO_REGION_INFO_FLAG_READ);
	uint32_t value;

	EXPECT_ERRNO(EINVAL, feature_with(fd, MIN_LEN, flags, eventfd));
	EXPECT_ERRNO(EINVAL, feature_with(fd, len - 1, flags, eventfd));
	EXPECT_ERRNO(EINVAL, feature_with(fd, len, flags, -1));
	EXPECT_ERRNO(EBADF, feature_with(fd, len, flags, 1 << 20));
	EXPECT_ERRNO(EINVAL, feature_with(fd, len, flags, null));
	EXPECT_OK(feature_with(fd, len, flags, eventfd));
	EXPECT_EQ(vfio_signals(eventfd), 0);
	vfio_config_read(fd, PCI_VENDOR_ID, 2);
	EXPECT_EQ(vfio_signals(eventfd), 1);
	EXPECT_EQ(pread(fd, &value, 4, (off_t)bar.offset), 4);
	EXPECT_OK(feature(fd, EXIT | SET));
	EXPECT_EQ(vfio_signals(eventfd), 0);
	close(null);
	close(eventfd);
}

int main(void)
{
	int iommufd = abi_iommufd();
	struct abi_device device = abi_device(iommufd);

	test_rules(device.fd);
	test_absent(device.fd);
	if (!feature(device.fd, ENTRY | SET | PROBE))
		test_low_power(device.fd);
	if (!feature(device.fd, ENTRY_WITH_WAKEUP | SET | PROBE))
		test_wakeup(device.fd);
	EXPECT_OK(close(device.fd));
	EXPECT_OK(close(iommufd));
	return abi_result();
}
