/* SPDX-License-Identifier: BSD-3-Clause */
/* DEVICE_RESET, GET_PCI_HOT_RESET_INFO and PCI_HOT_RESET. */
#include "vfio.h"

enum {
	MIN_LEN = 12,
	MAX_DEVICES = 64,
};

struct dependents {
	uint32_t argsz;
	uint32_t flags;
	uint32_t count;
	struct vfio_pci_dependent_device devices[MAX_DEVICES];
};

/* Registers that a program wrote are there afterwards; interrupts, too. */
static void test_reset(int fd)
{
	int32_t eventfd = vfio_eventfd();

	vfio_config_write(fd, PCI_INTERRUPT_LINE, 0x2a, 1);
	vfio_command(fd, PCI_COMMAND_MASTER, true);
	REQUIRE(!vfio_connect(fd, VFIO_PCI_MSIX_IRQ_INDEX, 0, &eventfd, 1));
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_RESET));
	EXPECT_EQ(vfio_config_read(fd, PCI_INTERRUPT_LINE, 1), 0x2a);
	EXPECT(vfio_config_read(fd, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	EXPECT_OK(vfio_set_irqs(
		fd, VFIO_PCI_MSIX_IRQ_INDEX,
		VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1));
	EXPECT_EQ(vfio_signals(eventfd), 1);
	EXPECT_OK(vfio_irqs_off(fd, VFIO_PCI_MSIX_IRQ_INDEX));
	vfio_command(fd, PCI_COMMAND_MASTER, false);
	close(eventfd);
}

static void test_info(int fd, uint32_t device_id)
{
	static struct dependents all;
	bool is_found = false;
	uint32_t n;

	for (uint32_t argsz = 0; argsz < MIN_LEN; argsz++) {
		all.argsz = argsz;
		EXPECT_ERRNO(EINVAL,
			     ioctl(fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
				   &all));
	}
	EXPECT_ERRNO(EFAULT, ioctl(fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
				   abi_bad_address()));
	/* Without room: how many there are, and nothing else. */
	all.argsz = MIN_LEN;
	all.flags = UINT32_MAX;
	EXPECT_ERRNO(ENOSPC,
		     ioctl(fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &all));
	n = all.count;
	EXPECT(n >= 1);
	EXPECT_EQ(all.flags, 0);
	EXPECT_EQ(all.devices[0].devid, 0);

	REQUIRE(n <= MAX_DEVICES);
	all.argsz = (uint32_t)(MIN_LEN + n * sizeof(all.devices[0]) - 1);
	EXPECT_ERRNO(ENOSPC,
		     ioctl(fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &all));
	all.argsz++;
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &all));
	EXPECT_EQ(all.count, n);
	EXPECT(all.flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID);
	for (uint32_t i = 0; i < n; i++)
		is_found |= all.devices[i].devid == device_id;
	EXPECT(is_found);
}

static int hot_reset(int fd, uint32_t argsz, uint32_t flags, uint32_t count)
{
	struct {
		uint32_t argsz;
		uint32_t flags;
		uint32_t count;
		int32_t fds[1];
	} args = { argsz, flags, count, { 0 } };

	return ioctl(fd, VFIO_DEVICE_PCI_HOT_RESET, &args);
}

static void test_hot_reset(int fd)
{
	struct vfio_pci_hot_reset args = { .argsz = MIN_LEN };

	for (uint32_t argsz = 0; argsz < MIN_LEN; argsz++)
		EXPECT_ERRNO(EINVAL, hot_reset(fd, argsz, 0, 0));
	EXPECT_ERRNO(EFAULT,
		     ioctl(fd, VFIO_DEVICE_PCI_HOT_RESET, abi_bad_address()));
	EXPECT_ERRNO(EINVAL, hot_reset(fd, MIN_LEN, 1, 0));
	/* Files of groups are for owners of groups. */
	EXPECT_ERRNO(EINVAL, hot_reset(fd, MIN_LEN + 4, 0, 1));
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_PCI_HOT_RESET,
			memcpy(vfio_edge(MIN_LEN), &args, MIN_LEN)));
}

int main(void)
{
	int iommufd = abi_iommufd();
	struct abi_device device = abi_device(iommufd);
	struct vfio_device_info info = { .argsz = sizeof(info) };

	REQUIRE(!ioctl(device.fd, VFIO_DEVICE_GET_INFO, &info));
	if (info.flags & VFIO_DEVICE_FLAGS_RESET)
		test_reset(device.fd);
	else
		EXPECT_ERRNO(EINVAL, ioctl(device.fd, VFIO_DEVICE_RESET));
	test_info(device.fd, device.id);
	test_hot_reset(device.fd);
	EXPECT_OK(close(device.fd));
	EXPECT_OK(close(iommufd));
	return abi_result();
}
