/* SPDX-License-Identifier: BSD-3-Clause */
/* HWPT_ALLOC: the order of its errors, and what a domain does to its IOAS. */
#include <errno.h>
#include <string.h>
#include "fixture.h"

static int hwpt_alloc(struct file *file, struct iommu_hwpt_alloc *args)
{
	args->size = sizeof(*args);
	return (int)file_ioctl(file, IOMMU_HWPT_ALLOC, args);
}

static void test_errors(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 ioas = ioas_alloc(file);
	struct iommu_hwpt_alloc args = { .flags = 1u << 31 };
	struct bound bound;
	__u32 flag;

	bound_init(&bound, file, fixture_unit);
	args.__reserved = 1;
	args.data_len = 1;
	assert_int_equal(hwpt_alloc(file, &args), -EOPNOTSUPP);
	args.__reserved = 0;
	assert_int_equal(hwpt_alloc(file, &args), -EINVAL);
	args.data_len = 0;
	args.data_type = 1;
	assert_int_equal(hwpt_alloc(file, &args), -EINVAL);
	args.data_len = 24;
	assert_int_equal(hwpt_alloc(file, &args), -ENOENT);
	args.dev_id = ioas;
	assert_int_equal(hwpt_alloc(file, &args), -ENOENT);
	args.dev_id = bound.id;
	/* A table that is not there is EINVAL, not ENOENT. */
	assert_int_equal(hwpt_alloc(file, &args), -EINVAL);
	args.pt_id = bound.id;
	assert_int_equal(hwpt_alloc(file, &args), -EINVAL);
	args.pt_id = ioas;
	assert_int_equal(hwpt_alloc(file, &args), -EOPNOTSUPP);
	args.flags = 0;
	assert_int_equal(hwpt_alloc(file, &args), -EOPNOTSUPP);
	args.data_len = 0;
	args.data_type = 0;
	for (flag = 1; flag; flag <<= 1) {
		args.flags = flag;
		assert_int_equal(hwpt_alloc(file, &args),
				 flag == IOMMU_HWPT_FAULT_ID_VALID
					 ? -ENOENT
					 : -EOPNOTSUPP);
	}
	args.flags = IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_FAULT_ID_VALID;
	assert_int_equal(hwpt_alloc(file, &args), -EOPNOTSUPP);
	/* Nothing of all that is left. */
	args.flags = 0;
	assert_int_equal(hwpt_alloc(file, &args), 0);
	assert_int_equal(args.out_hwpt_id, bound.id + 1);
	/* On a table, which would be nesting. */
	args.pt_id = args.out_hwpt_id;
	assert_int_equal(hwpt_alloc(file, &args), -EOPNOTSUPP);
	bound_deinit(&bound);
}

/* The first version of the structure is 24 bytes. */
static void test_short_form(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	struct iommu_hwpt_alloc args;
	struct bound bound;

	memset(&args, 0xff, sizeof(args));
	bound_init(&bound, file, fixture_unit);
	args.size = 24;
	args.flags = 0;
	args.dev_id = bound.id;
	args.pt_id = ioas_alloc(file);
	args.__reserved = 0;
	assert_int_equal(file_ioctl(file, IOMMU_HWPT_ALLOC, &args), 0);
	assert_int_equal(args.out_hwpt_id, args.pt_id + 1);
	assert_int_equal(args.data_type, ~0u);
	bound_deinit(&bound);
}

static void test_pins_and_reserves(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(2 * PAGE);
	__u32 ioas = ioas_alloc(file);
	struct iommu_iova_range range;
	struct bound bound;
	__u64 alignment;
	__u32 second;
	__u32 hwpt;
	__u32 n = 1;

	bound_init(&bound, file, fixture_other_unit);
	map_fixed(file, ioas, memory, PAGE, 0x10000);
	assert_int_equal(do_hwpt_alloc(file, 0, bound.id, ioas, &hwpt), 0);
	assert_int_equal(fixture_pinned(), 1);
	/* A second domain costs no second pin. */
	assert_int_equal(do_hwpt_alloc(file, 0, bound.id, ioas, &second), 0);
	assert_int_equal(fixture_pinned(), 1);
	map_fixed(file, ioas, memory + PAGE, PAGE, 0x11000);
	assert_int_equal(fixture_pinned(), 2);

	/* The aperture, and not what devices reserve. */
	assert_int_equal(do_ranges(file, ioas, &range, &n, &alignment), 0);
	assert_true(range.start == PAGE && range.last == UNIT_LAST);
	assert_int_equal(alignment, PAGE);
	assert_int_equal(do_destroy(file, ioas), -EBUSY);
	destroy(file, hwpt);
	assert_int_equal(fixture_pinned(), 2);
	destroy(file, second);
	assert_int_equal(fixture_pinned(), 0);
	assert_int_equal(do_ranges(file, ioas, &range, &n, &alignment), 0);
	assert_true(range.start == 0 && range.last == ~0ull);
	assert_int_equal(alignment, 1);
	destroy(file, ioas);
	bound_deinit(&bound);
	fixture_free(memory, 2 * PAGE);
}

/* What is mapped or promised outside the aperture, or off a page. */
static void test_does_not_fit(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	const struct iommu_iova_range high = { UNIT_LAST, UNIT_LAST + 1 };
	char *memory = fixture_memory(2 * PAGE);
	__u32 ioas = ioas_alloc(file);
	struct bound bound;
	__u32 hwpt;

	bound_init(&bound, file, fixture_other_unit);
	map_fixed(file, ioas, memory, 100, 0x10000);
	assert_int_equal(do_hwpt_alloc(file, 0, bound.id, ioas, &hwpt),
			 -EADDRINUSE);
	unmap(file, ioas, 0x10000, 100);
	map_fixed(file, ioas, memory + 8, PAGE, 0x10000);
	assert_int_equal(do_hwpt_alloc(file, 0, bound.id, ioas, &hwpt),
			 -EADDRINUSE);
	unmap(file, ioas, 0x10000, PAGE);
	map_fixed(file, ioas, memory, PAGE, 0);
	assert_int_equal(do_hwpt_alloc(file, 0, bound.id, ioas, &hwpt),
			 -EADDRINUSE);
	unmap(file, ioas, 0, PAGE);
	map_fixed(file, ioas, memory, PAGE, UNIT_LAST + 1);
	assert_int_equal(do_hwpt_alloc(file, 0, bound.id, ioas, &hwpt),
			 -EADDRINUSE);
	unmap(file, ioas, UNIT_LAST + 1, PAGE);
	assert_int_equal(do_allow(file, ioas, &high, 1), 0);
	assert_int_equal(do_hwpt_alloc(file, 0, bound.id, ioas, &hwpt),
			 -EADDRINUSE);
	assert_int_equal(do_allow(file, ioas, NULL, 0), 0);
	/* What failed reserved nothing and aligned nothing. */
	map_fixed(file, ioas, memory, 1, 0);
	unmap(file, ioas, 0, 1);
	assert_int_equal(do_hwpt_alloc(file, 0, bound.id, ioas, &hwpt), 0);
	bound_deinit(&bound);
	fixture_free(memory, 2 * PAGE);
}

/* Invariant 4: some areas can be pinned and one cannot: none is. */
static void test_attach_rolls_back(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(4 * PAGE);
	__u32 ioas = ioas_alloc(file);
	struct bound bound;
	__u32 pt = ioas;
	__u32 hwpt;
	__u64 i;

	bound_init(&bound, file, fixture_unit);
	for (i = 0; i < 4; i++)
		map_fixed(file, ioas, memory + i * PAGE, PAGE, i * PAGE);
	map_fixed(file, ioas, NULL, PAGE, 0x10000);
	assert_int_equal(do_hwpt_alloc(file, 0, bound.id, ioas, &hwpt),
			 -EFAULT);
	assert_int_equal(fixture_pinned(), 0);
	assert_int_equal(attach(&bound, &pt), -EFAULT);
	assert_int_equal(pt, ioas);
	assert_int_equal(fixture_pinned(), 0);
	assert_int_equal(iommufd_ctx_device_id(fixture_ctx(file),
					       bound.endpoint),
			 bound.id);
	destroy(file, ioas);
	bound_deinit(&bound);
	fixture_free(memory, 4 * PAGE);
}

/* ---- GET_HW_INFO ------------------------------------------------------ */

static void test_hw_info(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	struct iommu_hw_info args = { .size = sizeof(args) };
	unsigned char data[32];
	struct bound bound;

	bound_init(&bound, file, fixture_unit);
	args.dev_id = bound.id + 1;
	assert_int_equal(file_ioctl(file, IOMMU_GET_HW_INFO, &args), -ENOENT);
	args.dev_id = bound.id;
	assert_int_equal(file_ioctl(file, IOMMU_GET_HW_INFO, &args), 0);
	assert_int_equal(args.data_len, 24);
	assert_int_equal(args.out_data_type, IOMMU_HW_INFO_TYPE_INTEL_VTD);
	assert_int_equal(args.out_max_pasid_log2, 0);
	assert_int_equal(args.out_capabilities, 1 << 3);

	/* A long buffer ends in zeroes, a short one is cut. */
	memset(data, 0xff, sizeof(data));
	args.data_uptr = (uintptr_t)data;
	args.data_len = 30;
	assert_int_equal(file_ioctl(file, IOMMU_GET_HW_INFO, &args), 0);
	assert_int_equal(data[23], 0x5a);
	assert_int_equal(data[24], 0);
	assert_int_equal(data[29], 0);
	assert_int_equal(data[30], 0xff);
	memset(data, 0xff, sizeof(data));
	args.data_len = 3;
	assert_int_equal(file_ioctl(file, IOMMU_GET_HW_INFO, &args), 0);
	assert_int_equal(args.data_len, 24);
	assert_int_equal(data[2], 0x5a);
	assert_int_equal(data[3], 0xff);

	/* Asking for a type. */
	args.flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE;
	args.in_data_type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3;
	assert_int_equal(file_ioctl(file, IOMMU_GET_HW_INFO, &args),
			 -EOPNOTSUPP);
	args.in_data_type = IOMMU_HW_INFO_TYPE_INTEL_VTD;
	assert_int_equal(file_ioctl(file, IOMMU_GET_HW_INFO, &args), 0);
	args.in_data_type = IOMMU_HW_INFO_TYPE_DEFAULT;
	assert_int_equal(file_ioctl(file, IOMMU_GET_HW_INFO, &args), 0);
	assert_int_equal(args.out_data_type, IOMMU_HW_INFO_TYPE_INTEL_VTD);

	/* The first version of the structure has no capabilities. */
	args.size = 32;
	args.out_capabilities = 77;
	assert_int_equal(file_ioctl(file, IOMMU_GET_HW_INFO, &args), 0);
	assert_int_equal(args.out_capabilities, 77);

	harness_catch_faults();
	args.data_uptr = 8;
	args.data_len = 24;
	assert_int_equal(file_ioctl(file, IOMMU_GET_HW_INFO, &args), -EFAULT);
	bound_deinit(&bound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_errors),
		fixture_test(test_short_form),
		fixture_test(test_pins_and_reserves),
		fixture_test(test_does_not_fit),
		fixture_test(test_attach_rolls_back),
		fixture_test(test_hw_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
