/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration space of a PCI function, as VFIO shows it. */
#include "vfio.h"

static void test_ends(int fd)
{
	struct vfio_region_info info =
		vfio_region(fd, VFIO_PCI_CONFIG_REGION_INDEX);
	off_t start = (off_t)info.offset;
	off_t end = start + (off_t)info.size;
	char space[4096 + 4];

	EXPECT_EQ(pread(fd, space, 0, start), 0);
	EXPECT_EQ(pwrite(fd, space, 0, start), 0);
	EXPECT_EQ(pread(fd, space, info.size, start), info.size);
	EXPECT_EQ(pread(fd, space, 1, end - 1), 1);
	EXPECT_ERRNO(EFAULT, pread(fd, space, 1, end));
	EXPECT_ERRNO(EFAULT, pread(fd, space, 2, end - 1));
	EXPECT_ERRNO(EFAULT, pread(fd, space, info.size + 1, start));
	EXPECT_ERRNO(EFAULT, pwrite(fd, space, 1, end));
	EXPECT_ERRNO(EFAULT, pwrite(fd, space, 4, end - 2));
	EXPECT_ERRNO(EFAULT, pread(fd, abi_bad_address(), 4, start));
	EXPECT_ERRNO(EFAULT, pwrite(fd, abi_bad_address(), 4, start));
	EXPECT_ERRNO(EINVAL, pread(fd, space, 4, -1));
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, start) ==
	       MAP_FAILED);
	EXPECT_EQ(errno, EINVAL);
}

/* Plain reads go on where the last one ended. */
static void test_position(int fd)
{
	off_t start =
		(off_t)vfio_region(fd, VFIO_PCI_CONFIG_REGION_INDEX).offset;
	uint16_t vendor = 0, device = 0;

	EXPECT_EQ(lseek(fd, start, SEEK_SET), start);
	EXPECT_EQ(read(fd, &vendor, 2), 2);
	EXPECT_EQ(read(fd, &device, 2), 2);
	EXPECT_EQ(vendor, vfio_config_read(fd, PCI_VENDOR_ID, 2));
	EXPECT_EQ(device, vfio_config_read(fd, PCI_DEVICE_ID, 2));
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), start + 4);
}

static void test_read_only(int fd)
{
	uint32_t id = vfio_config_read(fd, PCI_VENDOR_ID, 4);
	uint32_t class = vfio_config_read(fd, PCI_CLASS_REVISION, 4);
	uint32_t pin = vfio_config_read(fd, PCI_INTERRUPT_PIN, 1);

	vfio_config_write(fd, PCI_VENDOR_ID, ~id, 4);
	vfio_config_write(fd, PCI_CLASS_REVISION, ~class, 4);
	vfio_config_write(fd, PCI_INTERRUPT_PIN, ~pin, 1);
	EXPECT_EQ(vfio_config_read(fd, PCI_VENDOR_ID, 4), id);
	EXPECT_EQ(vfio_config_read(fd, PCI_CLASS_REVISION, 4), class);
	EXPECT_EQ(vfio_config_read(fd, PCI_INTERRUPT_PIN, 1), pin);
	vfio_config_write(fd, PCI_INTERRUPT_LINE, 0x35, 1);
	EXPECT_EQ(vfio_config_read(fd, PCI_INTERRUPT_LINE, 1), 0x35);
}

static void test_command(int fd)
{
	struct vfio_region_info bar =
		vfio_memory_bar(fd, VFIO_REGION_INFO_FLAG_READ);
	uint32_t command = vfio_config_read(fd, PCI_COMMAND, 2);
	uint32_t value;

	EXPECT(command & PCI_COMMAND_MEMORY);
	EXPECT(!(command & PCI_COMMAND_MASTER));
	vfio_command(fd, PCI_COMMAND_MASTER, true);
	EXPECT(vfio_config_read(fd, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	vfio_command(fd, PCI_COMMAND_MASTER, false);
	EXPECT_EQ(vfio_config_read(fd, PCI_COMMAND, 2), command);

	EXPECT_EQ(pread(fd, &value, 4, (off_t)bar.offset), 4);
	vfio_command(fd, PCI_COMMAND_MEMORY, false);
	EXPECT_ERRNO(EIO, pread(fd, &value, 4, (off_t)bar.offset));
	EXPECT_ERRNO(EIO, pwrite(fd, &value, 4, (off_t)bar.offset));
	vfio_command(fd, PCI_COMMAND_MEMORY, true);
	EXPECT_EQ(pread(fd, &value, 4, (off_t)bar.offset), 4);
}

/* A BAR says its length to whoever writes ones, and takes what is written. */
static void test_bar_sizing(int fd)
{
	struct vfio_region_info bar =
		vfio_memory_bar(fd, VFIO_REGION_INFO_FLAG_READ);
	off_t at = PCI_BASE_ADDRESS_0 + 4 * (off_t)bar.index;
	uint32_t old = vfio_config_read(fd, at, 4);
	uint32_t low = old & ~(uint32_t)PCI_BASE_ADDRESS_MEM_MASK;

	vfio_config_write(fd, at, UINT32_MAX, 4);
	EXPECT_EQ(vfio_config_read(fd, at, 4), (uint32_t)-bar.size | low);
	vfio_config_write(fd, at, 0, 4);
	EXPECT_EQ(vfio_config_read(fd, at, 4), low);
	vfio_config_write(fd, at, old, 4);
	EXPECT_EQ(vfio_config_read(fd, at, 4), old);
}

/* Return: where a capability is, or 0. */
static off_t find_capability(int fd, uint32_t id)
{
	off_t at = vfio_config_read(fd, PCI_CAPABILITY_LIST, 1);

	for (int n = 0; at && n < 48; n++) {
		EXPECT(at >= 0x40 && at % 4 == 0);
		if (vfio_config_read(fd, at, 1) == id)
			return at;
		at = vfio_config_read(fd, at + 1, 1);
	}
	return 0;
}

/* MSI-X is programmed by SET_IRQS: the register only shows it. */
static void test_msix(int fd)
{
	off_t at = find_capability(fd, PCI_CAP_ID_MSIX);
	int32_t eventfd = vfio_eventfd();
	uint32_t flags;

	if (!at)
		return;
	flags = vfio_config_read(fd, at + PCI_MSIX_FLAGS, 2);
	EXPECT_EQ((flags & PCI_MSIX_FLAGS_QSIZE) + 1,
		  vfio_irq_count(fd, VFIO_PCI_MSIX_IRQ_INDEX));
	vfio_config_write(
		fd, at + PCI_MSIX_FLAGS,
		flags | PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 2);
	EXPECT_EQ(vfio_config_read(fd, at + PCI_MSIX_FLAGS, 2), flags);
	REQUIRE(!vfio_connect(fd, VFIO_PCI_MSIX_IRQ_INDEX, 0, &eventfd, 1));
	EXPECT(vfio_config_read(fd, at + PCI_MSIX_FLAGS, 2) &
	       PCI_MSIX_FLAGS_ENABLE);
	REQUIRE(!vfio_irqs_off(fd, VFIO_PCI_MSIX_IRQ_INDEX));
	EXPECT_EQ(vfio_config_read(fd, at + PCI_MSIX_FLAGS, 2), flags);
	close(eventfd);
}

/* D3hot takes the BARs away; D0 gives them back. */
static void test_power_state(int fd)
{
	struct vfio_region_info bar =
		vfio_memory_bar(fd, VFIO_REGION_INFO_FLAG_READ);
	off_t at = find_capability(fd, PCI_CAP_ID_PM);
	uint32_t control, value;

	if (!at)
		return;
	at += PCI_PM_CTRL;
	control = vfio_config_read(fd, at, 2);
	EXPECT_EQ(control & PCI_PM_CTRL_STATE_MASK, 0);
	vfio_config_write(fd, at, control | PCI_PM_CTRL_STATE_MASK, 2);
	EXPECT_ERRNO(EIO, pread(fd, &value, 4, (off_t)bar.offset));
	vfio_config_write(fd, at, control, 2);
	EXPECT_EQ(pread(fd, &value, 4, (off_t)bar.offset), 4);
}

int main(void)
{
	int iommufd = abi_iommufd();
	struct abi_device device = abi_device(iommufd);

	test_ends(device.fd);
	test_position(device.fd);
	test_read_only(device.fd);
	test_command(device.fd);
	test_bar_sizing(device.fd);
	test_msix(device.fd);
	test_power_state(device.fd);
	EXPECT_OK(close(device.fd));
	EXPECT_OK(close(iommufd));
	return abi_result();
}
