/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the programs about VFIO devices share: a bound PCI function, its
 * regions and its interrupts.
 */
#ifndef TESTS_ABI_VFIO_H
#define TESTS_ABI_VFIO_H

#include <linux/pci_regs.h>
#include <sys/eventfd.h>
#include "abi.h"

/* A structure of @len bytes, behind which there is no memory. */
static inline void *vfio_edge(size_t len)
{
	return (char *)abi_bad_address() - len;
}

/* The device, not bound. */
static inline int vfio_open(void)
{
	const char *path = getenv("ABI_TEST_DEVICE");
	int fd = open(path ? path : "/dev/vfio/devices/vfio0",
		      O_RDWR | O_CLOEXEC);

	REQUIRE(fd >= 0);
	return fd;
}

static inline int vfio_bind(int fd, int iommufd)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};

	return ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind);
}

static inline struct vfio_region_info vfio_region(int fd, uint32_t index)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	REQUIRE(!ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info));
	return info;
}

/* Return: vectors of an interrupt index. */
static inline uint32_t vfio_irq_count(int fd, uint32_t index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	REQUIRE(!ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, &info));
	return info.count;
}

/* ---- configuration space ----------------------------------------------- */

static inline uint32_t vfio_config_read(int fd, off_t at, size_t width)
{
	off_t start =
		(off_t)vfio_region(fd, VFIO_PCI_CONFIG_REGION_INDEX).offset;
	uint32_t value = 0;

	REQUIRE(pread(fd, &value, width, start + at) == (ssize_t)width);
	return value;
}

static inline void vfio_config_write(int fd, off_t at, uint32_t value,
				     size_t width)
{
	off_t start =
		(off_t)vfio_region(fd, VFIO_PCI_CONFIG_REGION_INDEX).offset;

	REQUIRE(pwrite(fd, &value, width, start + at) == (ssize_t)width);
}

/* Set or clear bits of the command register. */
static inline void vfio_command(int fd, uint32_t bits, bool is_set)
{
	uint32_t command = vfio_config_read(fd, PCI_COMMAND, 2);

	command = is_set ? command | bits : command & ~bits;
	vfio_config_write(fd, PCI_COMMAND, command, 2);
}

/* Return: the first memory BAR that has @flags of VFIO_REGION_INFO_FLAG_*. */
static inline struct vfio_region_info vfio_memory_bar(int fd, uint32_t flags)
{
	struct vfio_region_info info;

	for (uint32_t i = VFIO_PCI_BAR0_REGION_INDEX;
	     i <= VFIO_PCI_BAR5_REGION_INDEX; i++) {
		uint32_t bar =
			vfio_config_read(fd, PCI_BASE_ADDRESS_0 + 4 * i, 4);

		info = vfio_region(fd, i);
		if (info.size && (info.flags & flags) == flags &&
		    !(bar & PCI_BASE_ADDRESS_SPACE_IO))
			return info;
	}
	REQUIRE(false); /* there is a memory BAR */
	return info;
}

/* ---- interrupts -------------------------------------------------------- */

/* A struct vfio_irq_set, with room for its data. */
struct vfio_irqs {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	int32_t fds[8];
};

_Static_assert(offsetof(struct vfio_irqs, fds) ==
		       offsetof(struct vfio_irq_set, data),
	       "the data follows the structure");

static inline int vfio_set_irqs(int fd, uint32_t index, uint32_t flags,
				uint32_t start, uint32_t count)
{
	struct vfio_irqs irqs = {
		.argsz = sizeof(struct vfio_irq_set),
		.flags = flags,
		.index = index,
		.start = start,
		.count = count,
	};

	return ioctl(fd, VFIO_DEVICE_SET_IRQS, &irqs);
}

/* Connect up to eight eventfds. */
static inline int vfio_connect(int fd, uint32_t index, uint32_t start,
			       const int32_t *fds, uint32_t count)
{
	struct vfio_irqs irqs = {
		.argsz = (uint32_t)(sizeof(struct vfio_irq_set) +
				    count * sizeof(irqs.fds[0])),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD |
			 VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = index,
		.start = start,
		.count = count,
	};

	REQUIRE(count <= sizeof(irqs.fds) / sizeof(irqs.fds[0]));
	memcpy(irqs.fds, fds, count * sizeof(irqs.fds[0]));
	return ioctl(fd, VFIO_DEVICE_SET_IRQS, &irqs);
}

/* Turn an index off. */
static inline int vfio_irqs_off(int fd, uint32_t index)
{
	return vfio_set_irqs(
		fd, index, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		0, 0);
}

static inline int vfio_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	REQUIRE(fd >= 0);
	return fd;
}

/* Return: how often the eventfd was signalled since the last look. */
static inline uint64_t vfio_signals(int eventfd)
{
	uint64_t count;

	return read(eventfd, &count, sizeof(count)) == sizeof(count) ? count
								     : 0;
}

#endif /* TESTS_ABI_VFIO_H */
