/* SPDX-License-Identifier: BSD-3-Clause */
/* VFIO_DEVICE_SET_IRQS: the rules of all indices, then each index. */
#include "vfio.h"

enum {
	MIN_LEN = sizeof(struct vfio_irq_set),
	NONE = VFIO_IRQ_SET_DATA_NONE,
	BOOL = VFIO_IRQ_SET_DATA_BOOL,
	EVENTFD = VFIO_IRQ_SET_DATA_EVENTFD,
	MASK = VFIO_IRQ_SET_ACTION_MASK,
	UNMASK = VFIO_IRQ_SET_ACTION_UNMASK,
	TRIGGER = VFIO_IRQ_SET_ACTION_TRIGGER,
	INTX = VFIO_PCI_INTX_IRQ_INDEX,
	MSI = VFIO_PCI_MSI_IRQ_INDEX,
	MSIX = VFIO_PCI_MSIX_IRQ_INDEX,
	ERR = VFIO_PCI_ERR_IRQ_INDEX,
	REQ = VFIO_PCI_REQ_IRQ_INDEX,
};

/* One element of data. */
static int set_one(int fd, uint32_t index, uint32_t flags, int32_t value)
{
	struct vfio_irqs irqs = {
		.argsz = MIN_LEN + sizeof(value),
		.flags = flags,
		.index = index,
		.count = 1,
		.fds[0] = value,
	};

	return ioctl(fd, VFIO_DEVICE_SET_IRQS, &irqs);
}

static void test_lengths(int fd)
{
	struct vfio_irqs irqs = {
		.flags = NONE | TRIGGER,
		.index = REQ,
		.count = 1,
	};
	uint32_t argsz;

	for (argsz = 0; argsz < MIN_LEN; argsz++) {
		irqs.argsz = argsz;
		EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_SET_IRQS, &irqs));
	}
	EXPECT_ERRNO(EFAULT,
		     ioctl(fd, VFIO_DEVICE_SET_IRQS, abi_bad_address()));
	/* The data counts, too. */
	irqs.flags = EVENTFD | TRIGGER;
	irqs.fds[0] = -1;
	for (argsz = MIN_LEN; argsz < MIN_LEN + 4; argsz++) {
		irqs.argsz = argsz;
		EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_SET_IRQS, &irqs));
	}
	irqs.argsz = MIN_LEN + 4;
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_SET_IRQS, &irqs));
	EXPECT_ERRNO(EFAULT, ioctl(fd, VFIO_DEVICE_SET_IRQS,
				   memcpy(vfio_edge(MIN_LEN), &irqs, MIN_LEN)));
	irqs.flags = BOOL | TRIGGER;
	irqs.argsz = MIN_LEN;
	EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_SET_IRQS, &irqs));
}

static void test_rules(int fd)
{
	uint32_t n = vfio_irq_count(fd, MSIX);

	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, VFIO_PCI_NUM_IRQS,
					   NONE | TRIGGER, 0, 0));
	EXPECT_ERRNO(EINVAL,
		     vfio_set_irqs(fd, MSIX, NONE | TRIGGER | 64, 0, 0));
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, MSIX, NONE | TRIGGER, n, 0));
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, MSIX, NONE | TRIGGER, 0, n + 1));
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, MSIX, NONE | TRIGGER, n - 1, 2));
	EXPECT_ERRNO(EINVAL,
		     vfio_set_irqs(fd, MSIX, NONE | TRIGGER, 1, UINT32_MAX));
	/* A range comes before the types, the types before the action. */
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, MSIX, 0, n, 0));
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, MSIX, TRIGGER, 0, 1));
	EXPECT_ERRNO(EINVAL,
		     vfio_set_irqs(fd, MSIX, NONE | BOOL | TRIGGER, 0, 1));
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, MSIX, NONE | BOOL, 0, 1));
	EXPECT_ERRNO(ENOTTY, vfio_set_irqs(fd, MSIX, NONE, 0, 1));
	EXPECT_ERRNO(ENOTTY,
		     vfio_set_irqs(fd, MSIX, NONE | TRIGGER | MASK, 0, 1));
	EXPECT_ERRNO(ENOTTY, vfio_set_irqs(fd, MSIX, NONE | MASK, 0, 1));
	EXPECT_ERRNO(ENOTTY, vfio_set_irqs(fd, MSIX, NONE | UNMASK, 0, 1));
	EXPECT_ERRNO(ENOTTY, vfio_set_irqs(fd, ERR, NONE | MASK, 0, 1));
	EXPECT_ERRNO(ENOTTY, vfio_set_irqs(fd, REQ, NONE | UNMASK, 0, 1));
	if (!vfio_irq_count(fd, MSI))
		EXPECT_ERRNO(EINVAL,
			     vfio_set_irqs(fd, MSI, NONE | TRIGGER, 0, 0));
}

/* One of INTx, MSI, MSI-X; off means off only when it is on. */
static void test_one_at_a_time(int fd)
{
	int32_t eventfd = vfio_eventfd();

	EXPECT_ERRNO(EINVAL, vfio_irqs_off(fd, MSIX));
	EXPECT_ERRNO(EINVAL, vfio_irqs_off(fd, INTX));
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, MSIX, NONE | TRIGGER, 0, 1));
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, INTX, NONE | TRIGGER, 0, 1));
	EXPECT_OK(vfio_connect(fd, MSIX, 0, &eventfd, 1));
	EXPECT_ERRNO(EINVAL, vfio_connect(fd, INTX, 0, &eventfd, 1));
	EXPECT_ERRNO(EINVAL, vfio_irqs_off(fd, INTX));
	EXPECT_OK(vfio_irqs_off(fd, MSIX));
	EXPECT_OK(vfio_connect(fd, INTX, 0, &eventfd, 1));
	EXPECT_ERRNO(EINVAL, vfio_connect(fd, MSIX, 0, &eventfd, 1));
	EXPECT_OK(vfio_irqs_off(fd, INTX));
	EXPECT_ERRNO(EINVAL, vfio_irqs_off(fd, INTX));
	close(eventfd);
}

static void test_msix_signals(int fd)
{
	const int32_t fds[3] = { vfio_eventfd(), -1, vfio_eventfd() };
	struct vfio_irqs bools = {
		.argsz = MIN_LEN + 3,
		.flags = BOOL | TRIGGER,
		.index = MSIX,
		.count = 3,
		.fds[0] = 0x010100, /* not the first, the two others */
	};

	REQUIRE(vfio_irq_count(fd, MSIX) >= 3);
	EXPECT_OK(vfio_connect(fd, MSIX, 0, fds, 3));
	EXPECT_OK(vfio_set_irqs(fd, MSIX, NONE | TRIGGER, 0, 3));
	EXPECT_EQ(vfio_signals(fds[0]), 1);
	EXPECT_EQ(vfio_signals(fds[2]), 1);
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_SET_IRQS, &bools));
	EXPECT_EQ(vfio_signals(fds[0]), 0);
	EXPECT_EQ(vfio_signals(fds[2]), 1);
	/* Disconnected: the vector is there, and goes nowhere. */
	EXPECT_OK(vfio_connect(fd, MSIX, 2, &fds[1], 1));
	EXPECT_OK(vfio_set_irqs(fd, MSIX, NONE | TRIGGER, 0, 3));
	EXPECT_EQ(vfio_signals(fds[0]), 1);
	EXPECT_EQ(vfio_signals(fds[2]), 0);
	EXPECT_OK(vfio_irqs_off(fd, MSIX));
	close(fds[0]);
	close(fds[2]);
}

/* The device has a reference of its own. */
static void test_eventfd_is_kept(int fd)
{
	int32_t mine = vfio_eventfd();
	int32_t its = dup(mine);

	REQUIRE(its >= 0);
	EXPECT_OK(vfio_connect(fd, MSIX, 0, &its, 1));
	close(its);
	EXPECT_OK(vfio_set_irqs(fd, MSIX, NONE | TRIGGER, 0, 1));
	EXPECT_EQ(vfio_signals(mine), 1);
	EXPECT_OK(vfio_irqs_off(fd, MSIX));
	close(mine);
}

/* One bad descriptor: the vectors of that call are all disconnected. */
static void test_bad_descriptors(int fd)
{
	int32_t fds[2] = { vfio_eventfd(), vfio_eventfd() };
	int32_t bad[2] = { fds[0], 1 << 20 };
	int32_t null = open("/dev/null", O_RDWR | O_CLOEXEC);

	EXPECT_ERRNO(EBADF, vfio_connect(fd, MSIX, 0, bad, 2));
	EXPECT_ERRNO(EINVAL, vfio_irqs_off(fd, MSIX)); /* it is not on */
	EXPECT_OK(vfio_connect(fd, MSIX, 0, fds, 2));
	EXPECT_ERRNO(EBADF, vfio_connect(fd, MSIX, 0, bad, 2));
	EXPECT_OK(vfio_set_irqs(fd, MSIX, NONE | TRIGGER, 0, 2));
	EXPECT_EQ(vfio_signals(fds[0]), 0);
	EXPECT_EQ(vfio_signals(fds[1]), 0);
	EXPECT_ERRNO(EINVAL, vfio_connect(fd, MSIX, 0, &null, 1));
	EXPECT_OK(vfio_irqs_off(fd, MSIX));
	EXPECT_ERRNO(EINVAL, vfio_connect(fd, INTX, 0, &null, 1));
	EXPECT_ERRNO(EBADF, vfio_connect(fd, INTX, 0, &bad[1], 1));
	EXPECT_ERRNO(EBADF, vfio_connect(fd, REQ, 0, &bad[1], 1));
	EXPECT_ERRNO(EINVAL, vfio_connect(fd, ERR, 0, &null, 1));
	close(null);
	close(fds[0]);
	close(fds[1]);
}

static void test_intx(int fd)
{
	int32_t eventfd = vfio_eventfd();
	int32_t unmask = vfio_eventfd();

	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, INTX, NONE | MASK, 0, 1));
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, INTX, NONE | UNMASK, 0, 1));
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, INTX, EVENTFD | TRIGGER, 0, 0));
	EXPECT_OK(vfio_connect(fd, INTX, 0, &eventfd, 1));
	EXPECT_OK(vfio_set_irqs(fd, INTX, NONE | TRIGGER, 0, 1));
	EXPECT_EQ(vfio_signals(eventfd), 1);
	EXPECT_OK(set_one(fd, INTX, BOOL | TRIGGER, 0));
	EXPECT_EQ(vfio_signals(eventfd), 0);
	EXPECT_OK(set_one(fd, INTX, BOOL | TRIGGER, 1));
	EXPECT_EQ(vfio_signals(eventfd), 1);

	EXPECT_OK(vfio_set_irqs(fd, INTX, NONE | MASK, 0, 1));
	EXPECT_OK(vfio_set_irqs(fd, INTX, NONE | UNMASK, 0, 1));
	EXPECT_ERRNO(ENOTTY, set_one(fd, INTX, EVENTFD | MASK, unmask));
	EXPECT_OK(set_one(fd, INTX, EVENTFD | UNMASK, unmask));
	EXPECT_ERRNO(EBUSY, set_one(fd, INTX, EVENTFD | UNMASK, unmask));
	EXPECT_OK(set_one(fd, INTX, EVENTFD | UNMASK, -1));
	EXPECT_OK(set_one(fd, INTX, EVENTFD | UNMASK, unmask));
	EXPECT_OK(vfio_irqs_off(fd, INTX));
	close(eventfd);
	close(unmask);
}

static void test_single(int fd, uint32_t index)
{
	int32_t eventfd = vfio_eventfd();

	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, index, NONE | TRIGGER, 0, 1));
	EXPECT_ERRNO(EINVAL, vfio_irqs_off(fd, index));
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, index, EVENTFD | TRIGGER, 0, 0));
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, index, BOOL | TRIGGER, 0, 0));
	EXPECT_OK(vfio_connect(fd, index, 0, &eventfd, 1));
	EXPECT_OK(vfio_set_irqs(fd, index, NONE | TRIGGER, 0, 1));
	EXPECT_EQ(vfio_signals(eventfd), 1);
	EXPECT_OK(set_one(fd, index, BOOL | TRIGGER, 1));
	EXPECT_EQ(vfio_signals(eventfd), 1);
	EXPECT_OK(vfio_irqs_off(fd, index));
	EXPECT_ERRNO(EINVAL, vfio_set_irqs(fd, index, NONE | TRIGGER, 0, 1));
	EXPECT_EQ(vfio_signals(eventfd), 0);
	close(eventfd);
}

/* The close of the device turns all off. */
static void test_close(int iommufd)
{
	struct abi_device device = abi_device(iommufd);
	int32_t eventfd = vfio_eventfd();

	EXPECT_OK(vfio_connect(device.fd, MSIX, 0, &eventfd, 1));
	close(device.fd);
	device = abi_device(iommufd);
	EXPECT_ERRNO(EINVAL, vfio_irqs_off(device.fd, MSIX));
	EXPECT_OK(vfio_connect(device.fd, INTX, 0, &eventfd, 1));
	close(device.fd);
	close(eventfd);
}

int main(void)
{
	int iommufd = abi_iommufd();
	struct abi_device device = abi_device(iommufd);

	REQUIRE(vfio_irq_count(device.fd, MSIX));
	test_lengths(device.fd);
	test_rules(device.fd);
	test_msix_signals(device.fd);
	test_eventfd_is_kept(device.fd);
	test_bad_descriptors(device.fd);
	if (vfio_irq_count(device.fd, INTX)) {
		test_one_at_a_time(device.fd);
		test_intx(device.fd);
	}
	test_single(device.fd, ERR);
	test_single(device.fd, REQ);
	close(device.fd);
	test_close(iommufd);
	EXPECT_OK(close(iommufd));
	return abi_result();
}
