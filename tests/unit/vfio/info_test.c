/* SPDX-License-Identifier: BSD-3-Clause */
/* Device and region information, features, resets, stores by eventfd. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "base/err.h"
#include "fixture.h"

static long call(struct fixture *fixture, unsigned int cmd, void *arg)
{
	return file_ioctl(fixture->file, cmd, arg);
}

static void test_device_info(void **state)
{
	struct vfio_device_info info;
	__u32 argsz;

	for (argsz = 16; argsz < 32; argsz += 4) {
		memset(&info, 0xee, sizeof(info));
		info.argsz = argsz;
		assert_int_equal(call(*state, VFIO_DEVICE_GET_INFO, &info), 0);
		assert_int_equal(info.argsz, argsz);
		assert_int_equal(info.flags, 3);
		assert_int_equal(info.num_regions, 9);
		assert_int_equal(info.num_irqs, 5);
		assert_int_equal(info.cap_offset, argsz < 20 ? 0xeeeeeeee : 0);
		assert_int_equal(info.pad, argsz < 24 ? 0xeeeeeeee : 0);
	}
	info.argsz = 15;
	assert_int_equal(call(*state, VFIO_DEVICE_GET_INFO, &info), -EINVAL);
	harness_catch_faults();
	assert_int_equal(call(*state, VFIO_DEVICE_GET_INFO, NULL), -EFAULT);
}

static void test_region_info(void **state)
{
	static const struct {
		long ret;
		__u32 flags;
		__u64 size;
	} expected[] = {
		{ 0, 0xf, TOY_BAR0_LEN },
		{ 0, 0, 0 },
		{ 0, 0x7, TOY_BAR2_LEN },
		{ 0, 0, 0 },
		{ 0, 0, 0 },
		{ 0, 0, 0 },
		{ 0, 0, 0 },
		{ 0, 0x3, PCI_CONFIG_LEN },
		{ -EINVAL, 0, 0 },
		{ -EINVAL, 0, 0 },
	};
	struct vfio_region_info info;
	__u32 i;

	for (i = 0; i < array_len(expected); i++) {
		memset(&info, 0xee, sizeof(info));
		info.argsz = sizeof(info);
		info.index = i;
		assert_int_equal(call(*state, VFIO_DEVICE_GET_REGION_INFO,
				      &info),
				 expected[i].ret);
		if (expected[i].ret)
			continue;
		assert_int_equal(info.flags, expected[i].flags);
		assert_true(info.size == expected[i].size);
		assert_true(info.offset == (__u64)i << 40);
		assert_int_equal(info.cap_offset, 0);
		assert_int_equal(info.argsz, i ? 32 : 40);
	}
	info.argsz = 31;
	assert_int_equal(call(*state, VFIO_DEVICE_GET_REGION_INFO, &info),
			 -EINVAL);
	harness_catch_faults();
	assert_int_equal(call(*state, VFIO_DEVICE_GET_REGION_INFO, NULL),
			 -EFAULT);
}

static void test_msix_mappable(void **state)
{
	struct {
		struct vfio_region_info info;
		struct vfio_info_cap_header cap;
		__u64 behind;
	} full;

	memset(&full, 0xee, sizeof(full));
	full.info.index = 0;
	full.info.argsz = 39;
	assert_int_equal(call(*state, VFIO_DEVICE_GET_REGION_INFO, &full), 0);
	assert_int_equal(full.info.argsz, 40);
	assert_int_equal(full.info.cap_offset, 0);
	assert_int_equal(full.cap.id, 0xeeee);
	full.info.argsz = sizeof(full);
	assert_int_equal(call(*state, VFIO_DEVICE_GET_REGION_INFO, &full), 0);
	assert_int_equal(full.info.argsz, sizeof(full));
	assert_int_equal(full.info.cap_offset, 32);
	assert_int_equal(full.cap.id, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE);
	assert_int_equal(full.cap.version, 1);
	assert_int_equal(full.cap.next, 0);
	assert_true(full.behind == 0xeeeeeeeeeeeeeeeeULL);
}

static void test_no_mmap(void **state)
{
	struct fixture *fixture = *state;
	struct vfio_region_info info = { .argsz = sizeof(info) };

	fixture_remake(fixture, VFIO_PCI_MMIO_NONE);
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
	assert_int_equal(call(fixture, VFIO_DEVICE_GET_REGION_INFO, &info), 0);
	assert_int_equal(info.flags, 3);
	assert_true(info.size == TOY_BAR0_LEN);
}

static void test_unknown_commands(void **state)
{
	static const unsigned int unknown[] = {
		VFIO_GROUP_GET_DEVICE_FD,
		VFIO_DEVICE_QUERY_GFX_PLANE,
		VFIO_DEVICE_GET_GFX_DMABUF,
		VFIO_MIG_GET_PRECOPY_INFO,
		0,
		~0u,
	};

	for (size_t i = 0; i < array_len(unknown); i++)
		assert_int_equal(call(*state, unknown[i], NULL), -ENOTTY);
}

/* ---- features --------------------------------------------------------- */

#define GET VFIO_DEVICE_FEATURE_GET
#define SET VFIO_DEVICE_FEATURE_SET
#define PROBE VFIO_DEVICE_FEATURE_PROBE

static long feature(void **state, __u32 argsz, __u32 flags, __s32 fd)
{
	__u32 arg[4] = { argsz, flags, (__u32)fd, 0 };

	return call(*state, VFIO_DEVICE_FEATURE, arg);
}

static void test_feature_rules(void **state)
{
	assert_int_equal(feature(state, 7, SET | 3, 0), -EINVAL);
	assert_int_equal(feature(state, 8, 0x80000 | SET | 3, 0), -EINVAL);
	assert_int_equal(feature(state, 8, GET | SET | 3, 0), -EINVAL);
	assert_int_equal(feature(state, 8, 3, 0), -EINVAL);
	assert_int_equal(feature(state, 8, GET | 3, 0), -EINVAL);
	assert_int_equal(feature(state, 8, PROBE | SET | 3, 0), 0);
	assert_int_equal(feature(state, 8, PROBE | GET | 3, 0), -EINVAL);
	assert_int_equal(feature(state, 8, PROBE | GET | SET | 3, 0), -EINVAL);
	assert_int_equal(feature(state, 8, PROBE | SET | 4, 0), 0);
	assert_int_equal(feature(state, 8, PROBE | 5, 0), 0);
	harness_catch_faults();
	assert_int_equal(call(*state, VFIO_DEVICE_FEATURE, NULL), -EFAULT);
}

static void test_features_that_are_not_there(void **state)
{
	static const __u32 absent[] = { 0, 1, 2, 6, 7, 8, 9, 10, 11, 13, 14 };

	for (size_t i = 0; i < array_len(absent); i++) {
		assert_int_equal(feature(state, 16, PROBE | absent[i], 0),
				 -ENOTTY);
		assert_int_equal(feature(state, 16, GET | absent[i], 0),
				 -ENOTTY);
	}
	assert_int_equal(feature(state, 8, SET | 12, 0), -EINVAL);
}

static long read_register(struct fixture *fixture)
{
	__u32 value;

	return file_pread(fixture->file, &value, 4, AT(0, 0));
}

static void test_low_power(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(feature(state, 8, SET | 5, 0), 0);
	assert_int_equal(feature(state, 8, SET | 3, 0), 0);
	assert_int_equal(feature(state, 8, SET | 3, 0), -EINVAL);
	assert_int_equal(read_register(fixture), -EIO);
	/* Configuration space answers, and does not end the sleep. */
	assert_int_equal(config_get(fixture, 0, 2), 0x1b36);
	assert_int_equal(read_register(fixture), -EIO);
	assert_int_equal(feature(state, 8, SET | 5, 0), 0);
	assert_int_equal(read_register(fixture), 4);
	/* A device is awake when it is opened. */
	assert_int_equal(feature(state, 8, SET | 3, 0), 0);
	fixture_reopen(fixture);
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
	assert_int_equal(read_register(fixture), 4);
}

static void test_low_power_with_wakeup(void **state)
{
	struct fixture *fixture = *state;
	int fd = eventfd(0, EFD_NONBLOCK);
	eventfd_t count = 0;

	assert_int_equal(feature(state, 15, SET | 4, fd), -EINVAL);
	assert_int_equal(feature(state, 16, SET | 4, -1), -EINVAL);
	assert_int_equal(feature(state, 16, SET | 4, 12345), -EBADF);
	assert_int_equal(feature(state, 16, SET | 4, 0), -EINVAL);
	assert_int_equal(feature(state, 16, SET | 4, fd), 0);
	assert_int_equal(read_register(fixture), -EIO);
	assert_int_equal(eventfd_read(fd, &count), -1);
	assert_int_equal(config_get(fixture, 0, 2), 0x1b36);
	assert_int_equal(eventfd_read(fd, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(read_register(fixture), 4);
	assert_int_equal(feature(state, 16, SET | 4, fd), 0);
	close(fd);
}

/* ---- resets ----------------------------------------------------------- */

static void test_hot_reset_info(void **state)
{
	__u32 arg[5] = { 19, 0xee, 0xee, 0xee, 0xee };
	struct vfio_pci_dependent_device *device = (void *)&arg[3];

	assert_int_equal(call(*state, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, arg),
			 -ENOSPC);
	assert_int_equal(arg[1], 0);
	assert_int_equal(arg[2], 1);
	assert_int_equal(arg[3], 0xee);
	arg[0] = 20;
	assert_int_equal(call(*state, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, arg),
			 0);
	assert_int_equal(arg[0], 20);
	assert_int_equal(arg[1], 3);
	assert_int_equal(arg[2], 1);
	assert_int_equal(device->devid, FAKE_DEVICE_ID);
	assert_int_equal(device->segment, 0);
	assert_int_equal(device->bus, 3);
	assert_int_equal(device->devfn, 2 << 3 | 1);
	arg[0] = 11;
	assert_int_equal(call(*state, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, arg),
			 -EINVAL);
	harness_catch_faults();
	assert_int_equal(call(*state, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, NULL),
			 -EFAULT);
}

static void test_resets(void **state)
{
	struct fixture *fixture = *state;
	__u32 arg[3] = { 12, 0, 0 };

	assert_int_equal(call(fixture, VFIO_DEVICE_RESET, NULL), 0);
	assert_int_equal(fixture->toy.n_resets, 1);
	assert_int_equal(call(fixture, VFIO_DEVICE_PCI_HOT_RESET, arg), 0);
	assert_int_equal(fixture->toy.n_resets, 2);
	arg[1] = 1;
	assert_int_equal(call(fixture, VFIO_DEVICE_PCI_HOT_RESET, arg),
			 -EINVAL);
	arg[1] = 0;
	arg[2] = 1; /* the form of groups */
	assert_int_equal(call(fixture, VFIO_DEVICE_PCI_HOT_RESET, arg),
			 -EINVAL);
	arg[0] = 11;
	arg[2] = 0;
	assert_int_equal(call(fixture, VFIO_DEVICE_PCI_HOT_RESET, arg),
			 -EINVAL);
	assert_int_equal(fixture->toy.n_resets, 2);
	harness_catch_faults();
	assert_int_equal(call(fixture, VFIO_DEVICE_PCI_HOT_RESET, NULL),
			 -EFAULT);
}

/* ---- stores by eventfd ------------------------------------------------ */

static long ioeventfd(void **state, __u64 offset, __u32 flags, int fd)
{
	struct vfio_device_ioeventfd arg = {
		.argsz = 28,
		.flags = flags,
		.offset = offset,
		.data = 0x1122334455667788ULL,
		.fd = fd,
	};

	return call(*state, VFIO_DEVICE_IOEVENTFD, &arg);
}

static void test_ioeventfd_errors(void **state)
{
	int fd = eventfd(0, 0);

	assert_int_equal(ioeventfd(state, 0, 0, fd), -EINVAL);
	assert_int_equal(ioeventfd(state, 0, 3, fd), -EINVAL);
	assert_int_equal(ioeventfd(state, 0, 16, fd), -EINVAL);
	assert_int_equal(ioeventfd(state, 0, 4, -2), -EINVAL);
	assert_int_equal(ioeventfd(state, AT_CONFIG(4), 4, fd), -EINVAL);
	assert_int_equal(ioeventfd(state, AT(1, 0), 4, fd), -EINVAL);
	assert_int_equal(ioeventfd(state, TOY_BAR0_LEN - 2, 4, fd), -EINVAL);
	assert_int_equal(ioeventfd(state, TOY_TRAP, 4, fd), -EINVAL);
	assert_int_equal(ioeventfd(state, 0, 4, -1), -ENODEV);
	assert_int_equal(ioeventfd(state, 0, 4, 12345), -EBADF);
	assert_int_equal(ioeventfd(state, 0, 4, 0), -EINVAL);
	assert_int_equal(ioeventfd(state, 0, 4, fd), 0);
	assert_int_equal(ioeventfd(state, 0, 4, fd), -EEXIST);
	assert_int_equal(ioeventfd(state, 0, 2, fd), 0);
	assert_int_equal(ioeventfd(state, 0, 4, -1), 0);
	assert_int_equal(ioeventfd(state, 0, 4, -1), -ENODEV);
	harness_catch_faults();
	assert_int_equal(call(*state, VFIO_DEVICE_IOEVENTFD, NULL), -EFAULT);
	close(fd); /* the other one goes with the device */
}

static void test_ioeventfd_stores(void **state)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct fixture *fixture = *state;
	int fd = eventfd(0, 0);

	assert_int_equal(ioeventfd(state, TOY_DOORBELL, 8, fd), 0);
	assert_int_equal(eventfd_write(fd, 1), 0);
	for (int i = 0; i < 10000; i++) {
		if (atomic_load(&fixture->toy.n_doorbells))
			break;
		nanosleep(&pause, NULL);
	}
	assert_int_equal(ioeventfd(state, TOY_DOORBELL, 8, -1), 0);
	assert_int_equal(atomic_load(&fixture->toy.n_doorbells), 1);
	assert_int_equal(fixture->toy.width, 8);
	assert_true(fixture->toy.value == 0x1122334455667788ULL);
	close(fd);
}

/* A store that is not aligned is made in pieces that are. */
static void test_ioeventfd_stores_in_pieces(void **state)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct fixture *fixture = *state;
	__u64 offset = TOY_MEMORY + 3;
	unsigned char bytes[8] = { 0 };
	int fd = eventfd(0, 0);

	assert_int_equal(ioeventfd(state, offset, 4, fd), 0);
	assert_int_equal(eventfd_write(fd, 1), 0);
	for (int i = 0; i < 10000 && !bytes[6]; i++) {
		nanosleep(&pause, NULL);
		assert_int_equal(file_pread(fixture->file, bytes, 8,
					    AT(0, TOY_MEMORY)),
				 8);
	}
	assert_int_equal(ioeventfd(state, offset, 4, -1), 0);
	assert_memory_equal(bytes, "\0\0\0\x88\x77\x66\x55\0", 8);
	close(fd);
}

/* ---- descriptions that make no sense ---------------------------------- */

static void expect_refused(struct fixture *fixture,
			   const struct vfio_pci_description *description)
{
	assert_int_equal(
		ptr_err(vfio_pci_create(description, &toy_ops, &fixture->toy,
					fixture->endpoint, VFIO_PCI_MMIO_AUTO)),
		-EINVAL);
}

static void test_bad_descriptions(void **state)
{
	static const struct vfio_pci_area gap[] = {
		{ PAGE, PAGE, VFIO_PCI_AREA_MEMORY },
	};
	struct vfio_pci_description description = toy_description;

	description.bars[0].len = 3 * PAGE;
	expect_refused(*state, &description);
	description = toy_description;
	description.bars[0].n_areas--;
	expect_refused(*state, &description);
	description = toy_description;
	description.bars[1] = description.bars[2];
	expect_refused(*state, &description);
	description = toy_description;
	description.bars[2].areas = gap;
	description.bars[2].len = PAGE;
	expect_refused(*state, &description);
	description = toy_description;
	description.n_msi = 3;
	expect_refused(*state, &description);
	description = toy_description;
	description.msix_bar = 1;
	expect_refused(*state, &description);
	description = toy_description;
	description.n_msix = 2049;
	expect_refused(*state, &description);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bound_test(test_device_info),
		bound_test(test_region_info),
		bound_test(test_msix_mappable),
		unbound_test(test_no_mmap),
		bound_test(test_unknown_commands),
		bound_test(test_feature_rules),
		bound_test(test_features_that_are_not_there),
		bound_test(test_low_power),
		bound_test(test_low_power_with_wakeup),
		bound_test(test_hot_reset_info),
		bound_test(test_resets),
		bound_test(test_ioeventfd_errors),
		bound_test(test_ioeventfd_stores),
		bound_test(test_ioeventfd_stores_in_pieces),
		unbound_test(test_bad_descriptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
