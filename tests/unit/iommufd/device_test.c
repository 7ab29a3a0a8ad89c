/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices: bind, attach, replace, detach, and the rules of groups. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "fixture.h"

static void test_bind(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	struct iommufd_ctx *ctx = fixture_ctx(file);
	struct bound bound;

	bound_init(&bound, file, fixture_unit);
	assert_int_equal(bound.id, 1);
	assert_ptr_equal(iommufd_device_ctx(bound.device), ctx);
	assert_int_equal(iommufd_ctx_device_id(ctx, bound.endpoint), bound.id);
	assert_true(iommufd_ctx_owns_group(ctx, bound.group));
	/* Only the framework takes it away. */
	assert_int_equal(do_destroy(file, bound.id), -EBUSY);
	iommufd_device_unbind(bound.device);
	assert_int_equal(do_destroy(file, bound.id), -ENOENT);
	assert_false(iommufd_ctx_owns_group(ctx, bound.group));
	assert_int_equal(iommufd_ctx_device_id(ctx, bound.endpoint), 0);
	iommu_endpoint_destroy(bound.endpoint);
	iommu_group_destroy(bound.group);
}

static void test_bind_errors(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	struct file *second = fixture_open();
	struct iommufd_device *device;
	struct iommu_endpoint *direct;
	struct iommu_group *group;
	struct bound bound;
	__u32 id;

	/* The group belongs to one context. */
	bound_init(&bound, file, fixture_unit);
	device = iommufd_device_bind(fixture_ctx(second), bound.endpoint, &id);
	assert_int_equal(ptr_err(device), -EPERM);
	/* The ID was given back. */
	assert_int_equal(ioas_alloc(second), 1);

	/* Memory that must be reachable always cannot be blocked. */
	group = iommu_group_create(2);
	direct = iommu_endpoint_create(fixture_direct_unit, group, 0x200,
				       "0000:02:00.0");
	device = iommufd_device_bind(fixture_ctx(second), direct, &id);
	assert_int_equal(ptr_err(device), -EINVAL);
	assert_false(iommufd_ctx_owns_group(fixture_ctx(second), group));
	iommu_endpoint_destroy(direct);
	iommu_group_destroy(group);
	bound_deinit(&bound);
	file_put(second);
}

/* The context lives as long as a device is bound to it. */
static void test_bind_holds_file(void **state)
{
	struct file *second = fixture_open();
	struct bound bound;
	__u32 pt;

	(void)state;
	bound_init(&bound, second, fixture_unit);
	pt = ioas_alloc(second);
	file_put(second);
	assert_int_equal(attach(&bound, &pt), 0);
	/* Unbind detaches, too, and lets go of the context. */
	bound_deinit(&bound);
}

static void test_attach_ioas(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 ioas = ioas_alloc(file);
	struct bound one;
	struct bound two;
	__u32 hwpt = ioas;
	__u32 pt;

	bound_init(&one, file, fixture_unit);
	bound_init(&two, file, fixture_unit);
	assert_int_equal(attach(&one, &hwpt), 0);
	assert_int_not_equal(hwpt, ioas);
	pt = ioas;
	assert_int_equal(attach(&one, &pt), -EBUSY);
	assert_int_equal(pt, ioas);
	/* The second device finds the table of the first. */
	assert_int_equal(attach(&two, &pt), 0);
	assert_int_equal(pt, hwpt);
	assert_int_equal(do_destroy(file, hwpt), -EBUSY);
	assert_int_equal(do_destroy(file, ioas), -EBUSY);
	detach(&one);
	detach(&one);
	assert_int_equal(do_destroy(file, hwpt), -EBUSY);
	/* It goes with the last. */
	detach(&two);
	assert_int_equal(do_destroy(file, hwpt), -ENOENT);
	destroy(file, ioas);
	bound_deinit(&one);
	bound_deinit(&two);
}

static void test_attach_errors(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 ioas = ioas_alloc(file);
	struct bound bound;
	__u32 pt = 77;

	bound_init(&bound, file, fixture_unit);
	assert_int_equal(attach(&bound, &pt), -ENOENT);
	pt = bound.id;
	assert_int_equal(attach(&bound, &pt), -EINVAL);
	pt = ioas;
	assert_int_equal(replace(&bound, &pt), -EINVAL);
	assert_int_equal(iommufd_device_attach(bound.device, 5, &pt), -EINVAL);
	pt = 77;
	assert_int_equal(iommufd_device_attach(bound.device, 5, &pt), -ENOENT);
	pt = ioas;
	/* PASID 0 is the device. */
	assert_int_equal(iommufd_device_attach(bound.device, 0, &pt), 0);
	pt = ioas;
	assert_int_equal(attach(&bound, &pt), -EBUSY);
	iommufd_device_detach(bound.device, 5);
	assert_int_equal(attach(&bound, &pt), -EBUSY);
	iommufd_device_detach(bound.device, 0);
	assert_int_equal(attach(&bound, &pt), 0);
	bound_deinit(&bound);
}

static void test_attach_hwpt(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 ioas = ioas_alloc(file);
	struct bound bound;
	__u32 hwpt;
	__u32 pt;

	bound_init(&bound, file, fixture_unit);
	assert_int_equal(do_hwpt_alloc(file, 0, bound.id, ioas, &hwpt), 0);
	pt = hwpt;
	assert_int_equal(attach(&bound, &pt), 0);
	assert_int_equal(pt, hwpt);
	assert_int_equal(do_destroy(file, hwpt), -EBUSY);
	detach(&bound);
	/* Made by hand it stays, and an attach to the IOAS makes its own. */
	pt = ioas;
	assert_int_equal(attach(&bound, &pt), 0);
	assert_int_not_equal(pt, hwpt);
	destroy(file, hwpt);
	bound_deinit(&bound);
}

/* What a device reserves cannot be mapped already, or promised. */
static void test_attach_conflict(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(PAGE);
	__u32 ioas = ioas_alloc(file);
	struct bound bound;
	__u32 pt = ioas;
	__u32 hwpt;

	bound_init(&bound, file, fixture_unit);
	map_fixed(file, ioas, memory, PAGE, UNIT_MSI_START);
	assert_int_equal(attach(&bound, &pt), -EADDRINUSE);
	/* A table alone does not mind. */
	assert_int_equal(do_hwpt_alloc(file, 0, bound.id, ioas, &hwpt), 0);
	assert_int_equal(attach(&bound, &hwpt), -EADDRINUSE);
	unmap(file, ioas, UNIT_MSI_START, PAGE);
	/* A range that is only direct by habit is nobody's business. */
	map_fixed(file, ioas, memory, PAGE, PAGE);
	assert_int_equal(attach(&bound, &hwpt), 0);
	bound_deinit(&bound);
	fixture_free(memory, PAGE);
}

/* Units of two kinds on one address space: a table for each. */
static void test_two_kinds(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 ioas = ioas_alloc(file);
	struct bound one;
	struct bound two;
	__u32 first = ioas;
	__u32 pt = ioas;

	bound_init(&one, file, fixture_unit);
	bound_init(&two, file, fixture_other_unit);
	assert_int_equal(attach(&one, &first), 0);
	assert_int_equal(attach(&two, &pt), 0);
	assert_int_not_equal(pt, first);
	detach(&two);
	assert_int_equal(attach(&two, &first), -EINVAL);
	bound_deinit(&one);
	bound_deinit(&two);
}

/* ---- groups ----------------------------------------------------------- */

static void test_group_shares_table(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(PAGE);
	__u32 ioas = ioas_alloc(file);
	__u32 elsewhere = ioas_alloc(file);
	struct bound one;
	struct bound two;
	__u32 hwpt;
	__u32 pt;

	bound_init(&one, file, fixture_unit);
	bound_init_beside(&two, file, &one);
	map_fixed(file, ioas, memory, PAGE, 0x10000);
	assert_int_equal(do_hwpt_alloc(file, 0, one.id, ioas, &hwpt), 0);
	assert_int_equal(attach(&one, &hwpt), 0);
	/* The group came along as a whole. */
	assert_int_equal(dma_put(&two, 0x10000, 'g'), 0);
	/* But it can be only here. */
	pt = elsewhere;
	assert_int_equal(attach(&two, &pt), -EINVAL);
	pt = ioas;
	assert_int_equal(attach(&two, &pt), -EINVAL);
	assert_int_equal(attach(&two, &hwpt), 0);
	/* The last one takes it away. */
	detach(&one);
	assert_int_equal(dma_put(&one, 0x10000, 'h'), 0);
	detach(&two);
	assert_int_equal(dma_put(&one, 0x10000, 'i'), -EIO);
	assert_int_equal(dma_put(&two, 0x10000, 'i'), -EIO);
	assert_int_equal(memory[0], 'h');
	bound_deinit_beside(&two);
	bound_deinit(&one);
	fixture_free(memory, PAGE);
}

static void test_group_bound_late(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(PAGE);
	__u32 ioas = ioas_alloc(file);
	struct iommu_iova_range ranges[3];
	struct bound one;
	struct bound two;
	__u64 alignment;
	__u32 pt = ioas;
	__u32 n = 3;

	bound_init(&one, file, fixture_unit);
	map_fixed(file, ioas, memory, PAGE, 0x10000);
	assert_int_equal(attach(&one, &pt), 0);
	bound_init_beside(&two, file, &one);
	assert_int_equal(dma_put(&two, 0x10000, 'l'), 0);
	assert_int_equal(attach(&two, &pt), 0);
	/* Both reserve the same; the first to leave takes its own only. */
	detach(&one);
	assert_int_equal(do_ranges(file, ioas, ranges, &n, &alignment), 0);
	assert_int_equal(n, 2);
	bound_deinit_beside(&two);
	bound_deinit(&one);
	fixture_free(memory, PAGE);
}

/* ---- replace ---------------------------------------------------------- */

static void test_replace(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(2 * PAGE);
	__u32 a = ioas_alloc(file);
	__u32 b = ioas_alloc(file);
	struct iommu_iova_range ranges[3];
	struct bound one;
	struct bound two;
	__u64 alignment;
	__u32 old = a;
	__u32 pt = b;
	__u32 n = 3;

	map_fixed(file, a, memory, PAGE, 0x10000);
	map_fixed(file, b, memory + PAGE, PAGE, 0x10000);
	bound_init(&one, file, fixture_unit);
	bound_init_beside(&two, file, &one);
	assert_int_equal(attach(&one, &old), 0);
	pt = old;
	assert_int_equal(attach(&two, &pt), 0);
	pt = old;
	assert_int_equal(replace(&one, &pt), 0);
	assert_int_equal(pt, old);
	pt = a;
	assert_int_equal(replace(&one, &pt), 0);
	assert_int_equal(pt, old);

	/* All devices of the group move. */
	pt = b;
	assert_int_equal(replace(&one, &pt), 0);
	assert_int_not_equal(pt, b);
	assert_int_equal(dma_put(&one, 0x10000, '1'), 0);
	assert_int_equal(dma_put(&two, 0x10001, '2'), 0);
	assert_int_equal(memory[0], 0);
	assert_int_equal(memory[PAGE], '1');
	assert_int_equal(memory[PAGE + 1], '2');
	/* The old table had no use any more; its ranges are free. */
	assert_int_equal(do_destroy(file, old), -ENOENT);
	assert_int_equal(do_ranges(file, a, ranges, &n, &alignment), 0);
	assert_int_equal(n, 1);
	assert_int_equal(fixture_pinned(), 1);
	destroy(file, a);
	detach(&one);
	assert_int_equal(do_destroy(file, pt), -EBUSY);
	detach(&two);
	assert_int_equal(do_destroy(file, pt), -ENOENT);
	bound_deinit_beside(&two);
	bound_deinit(&one);
	fixture_free(memory, 2 * PAGE);
}

/* A replace that fails leaves the device where it was. */
static void test_replace_fails(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(PAGE);
	__u32 a = ioas_alloc(file);
	__u32 b = ioas_alloc(file);
	struct iommu_iova_range range;
	struct bound one;
	struct bound two;
	struct bound other;
	__u64 alignment;
	__u32 old = a;
	__u32 foreign;
	__u32 n = 1;
	__u32 pt;

	map_fixed(file, a, memory, PAGE, 0x10000);
	bound_init(&one, file, fixture_unit);
	bound_init_beside(&two, file, &one);
	bound_init(&other, file, fixture_other_unit);
	assert_int_equal(attach(&one, &old), 0);
	pt = old;
	assert_int_equal(attach(&two, &pt), 0);

	/* A conflict, memory that is not there, a unit of another kind. */
	map_fixed(file, b, memory, PAGE, UNIT_MSI_START);
	pt = b;
	assert_int_equal(replace(&one, &pt), -EADDRINUSE);
	assert_int_equal(pt, b);
	unmap(file, b, UNIT_MSI_START, PAGE);
	map_fixed(file, b, NULL, PAGE, 0x10000);
	assert_int_equal(replace(&one, &pt), -EFAULT);
	unmap(file, b, 0x10000, PAGE);
	assert_int_equal(do_hwpt_alloc(file, 0, other.id, b, &foreign), 0);
	assert_int_equal(replace(&one, &foreign), -EINVAL);
	pt = 77;
	assert_int_equal(replace(&one, &pt), -ENOENT);

	assert_int_equal(dma_put(&one, 0x10000, '1'), 0);
	assert_int_equal(dma_put(&two, 0x10000, '1'), 0);
	destroy(file, foreign);
	assert_int_equal(do_ranges(file, b, &range, &n, &alignment), 0);
	assert_true(range.start == 0 && range.last == ~0ull);
	destroy(file, b);
	bound_deinit(&other);
	bound_deinit_beside(&two);
	bound_deinit(&one);
	fixture_free(memory, PAGE);
}

/* ---- descriptors ------------------------------------------------------ */

static void test_from_fd(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	int foreign = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct iommufd_ctx *ctx;
	struct file *got = NULL;
	int fd;

	assert_true(foreign >= 0);
	assert_int_equal(ptr_err(iommufd_ctx_from_fd(-1, &got)), -EBADF);
	assert_int_equal(ptr_err(iommufd_ctx_from_fd(foreign, &got)), -EBADFD);
	close(foreign);
	assert_int_equal(ptr_err(iommufd_ctx_from_fd(foreign, &got)), -EBADF);
	file_get(file);
	fd = file_install(file, O_RDWR);
	assert_true(fd >= 0);
	ctx = iommufd_ctx_from_fd(fd, &got);
	assert_ptr_equal(ctx, fixture_ctx(file));
	assert_ptr_equal(got, file);
	file_put(got);
	assert_int_equal(file_uninstall(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_bind),
		fixture_test(test_bind_errors),
		fixture_test(test_bind_holds_file),
		fixture_test(test_attach_ioas),
		fixture_test(test_attach_errors),
		fixture_test(test_attach_hwpt),
		fixture_test(test_attach_conflict),
		fixture_test(test_two_kinds),
		fixture_test(test_group_shares_table),
		fixture_test(test_group_bound_late),
		fixture_test(test_replace),
		fixture_test(test_replace_fails),
		fixture_test(test_from_fd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
