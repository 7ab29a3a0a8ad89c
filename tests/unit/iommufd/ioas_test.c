/* SPDX-License-Identifier: BSD-3-Clause */
/* Address spaces: life, ranges, allowed ranges, options. */
#include <linux/capability.h>
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fixture.h"

#define ALL (~0ull)

static void test_ids(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;

	assert_int_equal(ioas_alloc(file), 1);
	assert_int_equal(ioas_alloc(file), 2);
	assert_int_equal(ioas_alloc(file), 3);
	destroy(file, 2);
	assert_int_equal(do_destroy(file, 2), -ENOENT);
	/* The lowest free number is used at once. */
	assert_int_equal(ioas_alloc(file), 2);
	assert_int_equal(do_destroy(file, 0), -ENOENT);
	assert_int_equal(do_destroy(file, 4), -ENOENT);
	assert_int_equal(do_destroy(file, 0x80000001u), -ENOENT);
}

static void test_ranges_of_fresh(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	struct iommu_iova_range ranges[2] = { { 7, 7 }, { 7, 7 } };
	__u32 id = ioas_alloc(file);
	__u64 alignment;
	__u32 n = 2;

	assert_int_equal(do_ranges(file, id, ranges, &n, &alignment), 0);
	assert_int_equal(n, 1);
	assert_int_equal(alignment, 1);
	assert_true(ranges[0].start == 0 && ranges[0].last == ALL);
	assert_int_equal(ranges[1].start, 7);

	n = 0;
	assert_int_equal(do_ranges(file, id, NULL, &n, &alignment), -EMSGSIZE);
	assert_int_equal(n, 1);
	assert_int_equal(alignment, 1);
	n = 1;
	assert_int_equal(do_ranges(file, id + 1, ranges, &n, &alignment),
			 -ENOENT);
	harness_catch_faults();
	n = 1;
	assert_int_equal(do_ranges(file, id, NULL, &n, &alignment), -EFAULT);
}

static void test_ranges_with_device(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	struct iommu_iova_range ranges[3] = { { 7, 7 }, { 7, 7 }, { 7, 7 } };
	__u32 id = ioas_alloc(file);
	struct bound bound;
	__u64 alignment;
	__u32 pt = id;
	__u32 n = 3;

	bound_init(&bound, file, fixture_unit);
	assert_int_equal(attach(&bound, &pt), 0);
	assert_int_equal(do_ranges(file, id, ranges, &n, &alignment), 0);
	assert_int_equal(n, 2);
	assert_int_equal(alignment, PAGE);
	assert_true(ranges[0].start == 0);
	assert_true(ranges[0].last == UNIT_MSI_START - 1);
	assert_true(ranges[1].start == UNIT_MSI_LAST + 1);
	assert_true(ranges[1].last == UNIT_LAST);

	/* What fits is written although not all does. */
	ranges[0].last = 0;
	ranges[1].last = 7;
	n = 1;
	assert_int_equal(do_ranges(file, id, ranges, &n, &alignment),
			 -EMSGSIZE);
	assert_int_equal(n, 2);
	assert_true(ranges[0].last == UNIT_MSI_START - 1);
	assert_int_equal(ranges[1].last, 7);

	detach(&bound);
	n = 3;
	assert_int_equal(do_ranges(file, id, ranges, &n, &alignment), 0);
	assert_int_equal(n, 1);
	assert_int_equal(alignment, 1);
	bound_deinit(&bound);
}

static void test_allow_errors(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	const struct iommu_iova_range byte = { 5, 5 };
	const struct iommu_iova_range backward = { 6, 5 };
	const struct iommu_iova_range overlap[2] = { { 0, 10 }, { 10, 20 } };
	const struct iommu_iova_range good[2] = { { 100, 200 }, { 0, 10 } };
	__u32 id = ioas_alloc(file);

	assert_int_equal(do_allow(file, id, &byte, 1), -EINVAL);
	assert_int_equal(do_allow(file, id, &backward, 1), -EINVAL);
	assert_int_equal(do_allow(file, id, overlap, 2), -EINVAL);
	assert_int_equal(do_allow(file, id + 1, good, 2), -ENOENT);
	assert_int_equal(do_allow(file, id, good, 2), 0);
	assert_int_equal(do_allow(file, id, NULL, 0), 0);
	harness_catch_faults();
	assert_int_equal(do_allow(file, id, NULL, 1), -EFAULT);
}

static void test_allow_and_reserved(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	const struct iommu_iova_range msi = { UNIT_MSI_LAST, ALL };
	const struct iommu_iova_range low = { 0x10000, 0x1ffff };
	void *memory = fixture_memory(PAGE);
	__u32 id = ioas_alloc(file);
	struct bound bound;
	__u64 iova = 0;
	__u32 pt = id;

	bound_init(&bound, file, fixture_unit);
	/* Promised to the program: no device can take it any more. */
	assert_int_equal(do_allow(file, id, &msi, 1), 0);
	assert_int_equal(attach(&bound, &pt), -EADDRINUSE);
	assert_int_equal(pt, id);
	assert_int_equal(do_allow(file, id, &low, 1), 0);
	assert_int_equal(attach(&bound, &pt), 0);
	/* And the other way round; the list stays as it was. */
	assert_int_equal(do_allow(file, id, &msi, 1), -EADDRINUSE);
	assert_int_equal(do_map(file, id, READ, memory, PAGE, &iova), 0);
	assert_int_equal(iova, 0x10000);
	bound_deinit(&bound);
	fixture_free(memory, PAGE);
}

static void test_option_rlimit_mode(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	struct iommu_option args = {
		.option_id = IOMMU_OPTION_RLIMIT_MODE,
		.op = IOMMU_OPTION_OP_GET,
		.val64 = 7,
	};

	assert_int_equal(do_option(file, &args), 0);
	assert_int_equal(args.val64, 0);
	args.object_id = 1;
	assert_int_equal(do_option(file, &args), -EOPNOTSUPP);
	args.object_id = 0;
	args.op = 2;
	assert_int_equal(do_option(file, &args), -EOPNOTSUPP);
	args.option_id = 2;
	args.op = IOMMU_OPTION_OP_GET;
	assert_int_equal(do_option(file, &args), -EOPNOTSUPP);
}

/* Return: 0, or the line of the step that went wrong. */
static int set_mode(struct file *file)
{
	struct iommu_option args = {
		.option_id = IOMMU_OPTION_RLIMIT_MODE,
		.op = IOMMU_OPTION_OP_SET,
		.val64 = 2,
	};
	__u32 id;

	if (do_option(file, &args) != -EINVAL)
		return __LINE__;
	args.val64 = 1;
	if (do_option(file, &args))
		return __LINE__;
	args.val64 = 0;
	args.op = IOMMU_OPTION_OP_GET;
	if (do_option(file, &args) || args.val64 != 1)
		return __LINE__;
	if (do_ioas_alloc(file, &id))
		return __LINE__;
	args.op = IOMMU_OPTION_OP_SET;
	if (do_option(file, &args) != -EBUSY)
		return __LINE__;
	if (do_destroy(file, id))
		return __LINE__;
	args.val64 = 0;
	if (do_option(file, &args))
		return __LINE__;
	return 0;
}

/* In a user namespace of its own a process has every privilege. */
static void test_option_with_privilege(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (!child) {
		if (unshare(CLONE_NEWUSER))
			_exit(255);
		_exit(set_mode(file) & 0x7f);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 255)
		skip_with_reason("user namespaces are refused here");
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int set_mode_without_capabilities(struct file *file)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };
	struct iommu_option args = {
		.option_id = IOMMU_OPTION_RLIMIT_MODE,
		.op = IOMMU_OPTION_OP_SET,
		.val64 = 2,
	};

	if (syscall(SYS_capset, &header, none))
		return 0;
	return -do_option(file, &args);
}

/* Asked before the value is looked at. */
static void test_option_without_privilege(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (!child)
		_exit(set_mode_without_capabilities(file));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EPERM);
}

static void test_option_huge_pages(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(2 * PAGE);
	__u32 id = ioas_alloc(file);
	struct iommu_option args = {
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_GET,
		.object_id = id,
	};
	struct iommu_iova_range range;
	struct bound bound;
	__u64 alignment;
	__u32 pt = id;
	__u32 n = 1;

	assert_int_equal(do_option(file, &args), 0);
	assert_int_equal(args.val64, 1);
	args.object_id = id + 1;
	assert_int_equal(do_option(file, &args), -ENOENT);
	args.object_id = id;
	args.op = 9;
	assert_int_equal(do_option(file, &args), -EOPNOTSUPP);
	args.op = IOMMU_OPTION_OP_SET;
	args.val64 = 2;
	assert_int_equal(do_option(file, &args), -EINVAL);

	/* An area that is no page is in the way. */
	map_fixed(file, id, memory, 100, 0x1000);
	args.val64 = 0;
	assert_int_equal(do_option(file, &args), -EADDRINUSE);
	unmap(file, id, 0x1000, 100);
	map_fixed(file, id, memory, PAGE, 0x1000);
	assert_int_equal(do_option(file, &args), 0);
	assert_int_equal(do_option(file, &args), 0);
	assert_int_equal(do_ranges(file, id, &range, &n, &alignment), 0);
	assert_int_equal(alignment, PAGE);
	args.val64 = 1;
	assert_int_equal(do_option(file, &args), 0);
	assert_int_equal(do_ranges(file, id, &range, &n, &alignment), 0);
	assert_int_equal(alignment, 1);

	/* Translated already: too late. */
	bound_init(&bound, file, fixture_unit);
	assert_int_equal(attach(&bound, &pt), 0);
	args.val64 = 0;
	assert_int_equal(do_option(file, &args), -EINVAL);
	unmap(file, id, 0x1000, PAGE);
	assert_int_equal(do_option(file, &args), 0);
	bound_deinit(&bound);
	fixture_free(memory, 2 * PAGE);
}

static void test_vfio_ioas(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	struct iommu_vfio_ioas args = {
		.size = sizeof(args),
		.op = IOMMU_VFIO_IOAS_GET,
	};
	__u32 id = ioas_alloc(file);

	assert_int_equal(file_ioctl(file, IOMMU_VFIO_IOAS, &args), -ENODEV);
	args.op = IOMMU_VFIO_IOAS_SET;
	args.ioas_id = id + 1;
	assert_int_equal(file_ioctl(file, IOMMU_VFIO_IOAS, &args), -ENOENT);
	args.ioas_id = id;
	assert_int_equal(file_ioctl(file, IOMMU_VFIO_IOAS, &args), 0);
	args.op = IOMMU_VFIO_IOAS_GET;
	args.ioas_id = 0;
	assert_int_equal(file_ioctl(file, IOMMU_VFIO_IOAS, &args), 0);
	assert_int_equal(args.ioas_id, id);
	args.op = IOMMU_VFIO_IOAS_CLEAR;
	assert_int_equal(file_ioctl(file, IOMMU_VFIO_IOAS, &args), 0);
	args.op = IOMMU_VFIO_IOAS_GET;
	assert_int_equal(file_ioctl(file, IOMMU_VFIO_IOAS, &args), -ENODEV);

	/* It holds no reference; the setting goes with the address space. */
	args.op = IOMMU_VFIO_IOAS_SET;
	assert_int_equal(file_ioctl(file, IOMMU_VFIO_IOAS, &args), 0);
	destroy(file, id);
	args.op = IOMMU_VFIO_IOAS_GET;
	assert_int_equal(file_ioctl(file, IOMMU_VFIO_IOAS, &args), -ENODEV);
	args.op = 3;
	assert_int_equal(file_ioctl(file, IOMMU_VFIO_IOAS, &args), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_ids),
		fixture_test(test_ranges_of_fresh),
		fixture_test(test_ranges_with_device),
		fixture_test(test_allow_errors),
		fixture_test(test_allow_and_reserved),
		fixture_test(test_option_rlimit_mode),
		fixture_test(test_option_with_privilege),
		fixture_test(test_option_without_privilege),
		fixture_test(test_option_huge_pages),
		fixture_test(test_vfio_ioas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
