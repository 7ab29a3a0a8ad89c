/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Invariant 4: whatever step of a command fails, nothing is left of it.
 *
 * Each run makes a context, does the command, and closes the context; the
 * sweep fails the 1st, 2nd, ... step that can fail. A command that failed must
 * also work right after, on the same context: it kept nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/fault.h"
#include "fixture.h"

/**
 * struct stage - what a command is tried on
 * @file: a context
 * @ioas, @other: two address spaces
 * @memory: four pages
 * @fd: a memfd of four pages
 * @group, @endpoint: a device that is not bound
 * @device: the same one bound; or NULL
 * @id: its ID
 */
struct stage {
	struct file *file;
	__u32 ioas;
	__u32 other;
	char *memory;
	int fd;
	struct iommu_group *group;
	struct iommu_endpoint *endpoint;
	struct iommufd_device *device;
	__u32 id;
};

typedef int (*step_fn)(struct stage *stage);

/* What is tried, and what has to be there before. */
struct sweep {
	void (*prepare)(struct stage *stage);
	step_fn step;
};

static void stage_bind(struct stage *stage)
{
	stage->device = iommufd_device_bind(fixture_ctx(stage->file),
					    stage->endpoint, &stage->id);
	assert_false(is_err(stage->device));
}

static void stage_attach(struct stage *stage)
{
	__u32 pt = stage->ioas;

	stage_bind(stage);
	assert_int_equal(
		iommufd_device_attach(stage->device, IOMMU_NO_PASID, &pt), 0);
}

static void stage_init(struct stage *stage)
{
	memset(stage, 0, sizeof(*stage));
	stage->file = fixture_open();
	stage->ioas = ioas_alloc(stage->file);
	stage->other = ioas_alloc(stage->file);
	stage->memory = fixture_memory(4 * PAGE);
	stage->fd = memfd_create("sweep_test", MFD_CLOEXEC);
	assert_int_equal(ftruncate(stage->fd, 4 * PAGE), 0);
	stage->group = iommu_group_create(1);
	stage->endpoint = iommu_endpoint_create(fixture_unit, stage->group,
						0x100, "0000:01:00.0");
}

static void stage_deinit(struct stage *stage)
{
	if (stage->device)
		iommufd_device_unbind(stage->device);
	file_put(stage->file);
	iommu_endpoint_destroy(stage->endpoint);
	iommu_group_destroy(stage->group);
	close(stage->fd);
	fixture_free(stage->memory, 4 * PAGE);
	assert_int_equal(fixture_pinned(), 0);
}

/* The nth fault point of the step alone; setting up never fails. */
static bool sweep_once(const struct sweep *sweep, unsigned int nth)
{
	struct stage stage;
	__u64 pinned;
	bool was_hit;
	int rc;

	stage_init(&stage);
	if (sweep->prepare)
		sweep->prepare(&stage);
	pinned = fixture_pinned();
	fault_arm(nth);
	rc = sweep->step(&stage);
	was_hit = fault_was_hit();
	fault_arm(0);
	if (!was_hit)
		assert_int_equal(rc, 0);
	if (rc) {
		assert_int_equal(fixture_pinned(), pinned);
		assert_int_equal(sweep->step(&stage), 0);
	}
	stage_deinit(&stage);
	return was_hit;
}

static unsigned int sweep_run(const struct sweep *sweep)
{
	size_t n_blocks = mem_n_blocks();
	unsigned int nth = 0;

	while (sweep_once(sweep, ++nth))
		assert_int_equal(mem_n_blocks(), n_blocks);
	assert_int_equal(mem_n_blocks(), n_blocks);
	return nth - 1;
}

/* ---- the steps -------------------------------------------------------- */

static int step_ioas_alloc(struct stage *stage)
{
	__u32 id;
	int rc = do_ioas_alloc(stage->file, &id);

	/* The lowest number is free again after a failure. */
	if (!rc)
		assert_int_equal(id, 3);
	return rc;
}

static int step_map(struct stage *stage)
{
	__u64 iova = 0x10000;

	return do_map(stage->file, stage->ioas, FIXED | READ | WRITE,
		      stage->memory, 2 * PAGE, &iova);
}

static int step_map_anywhere(struct stage *stage)
{
	__u64 iova = 0;
	int rc;

	rc = do_map(stage->file, stage->ioas, READ, stage->memory, PAGE, &iova);
	if (!rc)
		assert_true(iova == PAGE);
	return rc;
}

static int step_map_file(struct stage *stage)
{
	struct iommu_ioas_map_file args = {
		.flags = FIXED | READ,
		.ioas_id = stage->ioas,
		.fd = stage->fd,
		.length = PAGE,
		.iova = 0x20000,
	};

	return do_map_file(stage->file, &args);
}

static void stage_map_other(struct stage *stage)
{
	map_fixed(stage->file, stage->other, stage->memory, PAGE, 0x10000);
	map_fixed(stage->file, stage->other, stage->memory + PAGE, PAGE,
		  0x11000);
	stage_attach(stage);
}

static int step_copy(struct stage *stage)
{
	struct iommu_ioas_copy args = {
		.flags = FIXED | READ | WRITE,
		.dst_ioas_id = stage->ioas,
		.src_ioas_id = stage->other,
		.length = 2 * PAGE,
		.dst_iova = 0x30000,
		.src_iova = 0x10000,
	};

	return do_copy(stage->file, &args);
}

static void stage_copied(struct stage *stage)
{
	stage_map_other(stage);
	assert_int_equal(step_copy(stage), 0);
}

static int step_allow(struct stage *stage)
{
	const struct iommu_iova_range ranges[2] = {
		{ 0x1000, 0x1fff },
		{ 0x8000, 0xffff },
	};

	return do_allow(stage->file, stage->ioas, ranges, 2);
}

static int step_ranges(struct stage *stage)
{
	struct iommu_iova_range ranges[4];
	__u64 alignment;
	__u32 n = 4;

	return do_ranges(stage->file, stage->ioas, ranges, &n, &alignment);
}

static int step_option(struct stage *stage)
{
	struct iommu_option args = {
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_SET,
		.object_id = stage->ioas,
	};

	return do_option(stage->file, &args);
}

static int step_bind(struct stage *stage)
{
	stage->device = iommufd_device_bind(fixture_ctx(stage->file),
					    stage->endpoint, &stage->id);
	if (!is_err(stage->device)) {
		assert_int_equal(stage->id, 3);
		return 0;
	}
	assert_int_equal(ptr_err(stage->device), -ENOMEM);
	assert_false(
		iommufd_ctx_owns_group(fixture_ctx(stage->file), stage->group));
	stage->device = NULL;
	return -ENOMEM;
}

static void stage_mapped(struct stage *stage)
{
	__u64 iova = 0x40000;

	stage_bind(stage);
	map_fixed(stage->file, stage->ioas, stage->memory, PAGE, 0x10000);
	map_fixed(stage->file, stage->ioas, stage->memory + PAGE, PAGE,
		  0x20000);
	assert_int_equal(do_map(stage->file, stage->ioas, FIXED | READ,
				stage->memory, PAGE, &iova),
			 0);
}

static int step_hwpt_alloc(struct stage *stage)
{
	__u32 id;
	int rc;

	rc = do_hwpt_alloc(stage->file, 0, stage->id, stage->ioas, &id);
	if (!rc)
		assert_int_equal(id, 4);
	return rc;
}

static int step_attach(struct stage *stage)
{
	__u32 pt = stage->ioas;

	return iommufd_device_attach(stage->device, IOMMU_NO_PASID, &pt);
}

/* Both address spaces hold memory. */
static void stage_attached(struct stage *stage)
{
	stage_mapped(stage);
	assert_int_equal(step_attach(stage), 0);
	map_fixed(stage->file, stage->other, stage->memory + 2 * PAGE, PAGE,
		  0x10000);
}

static int step_replace(struct stage *stage)
{
	__u32 pt = stage->other;

	return iommufd_device_replace(stage->device, IOMMU_NO_PASID, &pt);
}

static int step_hw_info(struct stage *stage)
{
	char data[64];
	struct iommu_hw_info args = {
		.size = sizeof(args),
		.dev_id = stage->id,
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)data,
	};

	return (int)file_ioctl(stage->file, IOMMU_GET_HW_INFO, &args);
}

/* Shared areas of a source without a domain get one. */
static int step_attach_shared(struct stage *stage)
{
	__u32 pt = stage->other;

	return iommufd_device_replace(stage->device, IOMMU_NO_PASID, &pt);
}

static const struct sweep sweeps[] = {
	{ NULL, step_ioas_alloc },
	{ NULL, step_map },
	{ stage_attach, step_map },
	{ NULL, step_map_anywhere },
	{ stage_attach, step_map_anywhere },
	{ NULL, step_map_file },
	{ stage_attach, step_map_file },
	{ stage_map_other, step_copy },
	{ NULL, step_allow },
	{ NULL, step_ranges },
	{ stage_attach, step_ranges },
	{ NULL, step_option },
	{ NULL, step_bind },
	{ stage_mapped, step_hwpt_alloc },
	{ stage_mapped, step_attach },
	{ stage_attached, step_replace },
	{ stage_bind, step_hw_info },
	{ stage_copied, step_attach_shared },
};

static void test_every_step(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < array_len(sweeps); i++) {
		unsigned int n = sweep_run(&sweeps[i]);

		/* A sweep that meets no fault point proves nothing. */
		if (!n)
			fail_msg("sweep %u met no fault point", i);
	}
}

/* Return: true when the fault was met on the way. */
static bool undo_once(unsigned int nth)
{
	struct iommu_ioas_unmap args = { .size = sizeof(args) };
	struct stage stage;
	bool was_hit;
	int rc;

	stage_init(&stage);
	stage_copied(&stage);
	args.ioas_id = stage.ioas;
	args.length = ~0ull;
	fault_arm(nth);
	rc = (int)file_ioctl(stage.file, IOMMU_IOAS_UNMAP, &args);
	/* Its own words can get lost; what it does cannot fail. */
	assert_true(!rc || rc == -EFAULT);
	iommufd_device_detach(stage.device, IOMMU_NO_PASID);
	assert_int_equal(fixture_pinned(), 0);
	iommufd_device_unbind(stage.device);
	stage.device = NULL;
	was_hit = fault_was_hit();
	fault_arm(0);
	stage_deinit(&stage);
	return was_hit;
}

/* Unmapping, detaching and unbinding never fail for want of anything. */
static void test_undo_cannot_fail(void **state)
{
	unsigned int nth = 4;

	(void)state;
	while (undo_once(nth))
		nth++;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_every_step),
		fixture_test(test_undo_cannot_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
