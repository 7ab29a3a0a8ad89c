/* SPDX-License-Identifier: BSD-3-Clause */
/* The fixture of all tests of iommufd. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "fixture.h"
#include "iommu/driver.h"
#include "iommufd/main.h"

/* ---- units ------------------------------------------------------------ */

static const struct iommu_resv_region ordinary_regions[] = {
	{ UNIT_MSI_START, UNIT_MSI_LAST, IOMMU_RESV_MSI },
	{ 0x1000, 0x1fff, IOMMU_RESV_DIRECT_RELAXABLE },
};

static const struct iommu_resv_region direct_regions[] = {
	{ UNIT_MSI_START, UNIT_MSI_LAST, IOMMU_RESV_MSI },
	{ 0x100000, 0x1fffff, IOMMU_RESV_DIRECT },
};

static bool unit_domain_flags_ok(const struct iommu_unit *unit, __u32 flags)
{
	(void)unit;
	return !flags;
}

static void unit_geometry(const struct iommu_unit *unit, __u32 flags,
			  struct iommu_geometry *geometry)
{
	(void)flags;
	geometry->aperture_start = unit == fixture_other_unit ? PAGE : 0;
	geometry->aperture_last = UNIT_LAST;
	geometry->pgsizes = PAGE | PAGE << 9 | PAGE << 18;
}

static unsigned int
unit_ordinary_regions(const struct iommu_unit *unit,
		      const struct iommu_resv_region **regions)
{
	(void)unit;
	*regions = ordinary_regions;
	return array_len(ordinary_regions);
}

static unsigned int
unit_direct_regions(const struct iommu_unit *unit,
		    const struct iommu_resv_region **regions)
{
	(void)unit;
	*regions = direct_regions;
	return array_len(direct_regions);
}

static void unit_hw_info(const struct iommu_unit *unit,
			 struct iommu_unit_info *info)
{
	(void)unit;
	info->type = IOMMU_HW_INFO_TYPE_INTEL_VTD;
	info->len = 24;
	memset(info->data, 0x5a, info->len);
	info->capabilities = 1 << 3;
}

static const struct iommu_unit_ops ordinary_ops = {
	.name = "ordinary",
	.class_name = "unit0",
	.domain_flags_ok = unit_domain_flags_ok,
	.geometry = unit_geometry,
	.resv_regions = unit_ordinary_regions,
	.hw_info = unit_hw_info,
};

static const struct iommu_unit_ops other_ops = {
	.name = "other",
	.class_name = "unit1",
	.domain_flags_ok = unit_domain_flags_ok,
	.geometry = unit_geometry,
	.resv_regions = unit_ordinary_regions,
	.hw_info = unit_hw_info,
};

static const struct iommu_unit_ops direct_ops = {
	.name = "direct",
	.class_name = "unit2",
	.domain_flags_ok = unit_domain_flags_ok,
	.geometry = unit_geometry,
	.resv_regions = unit_direct_regions,
	.hw_info = unit_hw_info,
};

static struct iommu_unit units[] = {
	{ &ordinary_ops },
	{ &other_ops },
	{ &direct_ops },
};

struct iommu_unit *fixture_unit = &units[0];
struct iommu_unit *fixture_other_unit = &units[1];
struct iommu_unit *fixture_direct_unit = &units[2];

/* ---- a context -------------------------------------------------------- */

static void warm_up(void);

static __u64 pinned_before;

__u64 fixture_pinned(void)
{
	struct mm_stats stats;

	mm_stats(&stats);
	return stats.pinned_pages - pinned_before;
}

int fixture_setup(void **state)
{
	static struct fixture fixture;

	warm_up();
	harness_setup(state);
	pinned_before = 0;
	pinned_before = fixture_pinned();
	iommufd_node_init(&fixture.node, 0);
	fixture.file = fixture_open();
	*state = &fixture;
	return 0;
}

int fixture_teardown(void **state)
{
	const struct fixture *fixture = *state;

	file_put(fixture->file);
	assert_int_equal(fixture_pinned(), 0);
	return harness_teardown(state);
}

struct file *fixture_open(void)
{
	static struct file_node node;
	struct file *file;

	iommufd_node_init(&node, 0);
	file = node.open(&node, 0);
	assert_false(is_err(file));
	return file;
}

struct iommufd_ctx *fixture_ctx(struct file *file)
{
	return iommufd_ctx_from_file(file);
}

void *fixture_memory(size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		fail_msg("mmap of %zu bytes: %s", len, strerror(errno));
	return memory;
}

void fixture_free(void *memory, size_t len)
{
	assert_int_equal(munmap(memory, len), 0);
}

/* ---- commands --------------------------------------------------------- */

int do_ioas_alloc(struct file *file, __u32 *id)
{
	struct iommu_ioas_alloc args = { .size = sizeof(args) };
	int rc = (int)file_ioctl(file, IOMMU_IOAS_ALLOC, &args);

	*id = args.out_ioas_id;
	return rc;
}

int do_destroy(struct file *file, __u32 id)
{
	struct iommu_destroy args = { .size = sizeof(args), .id = id };

	return (int)file_ioctl(file, IOMMU_DESTROY, &args);
}

int do_map(struct file *file, __u32 ioas, __u32 flags, const void *va,
	   __u64 len, __u64 *iova)
{
	struct iommu_ioas_map args = {
		.size = sizeof(args),
		.flags = flags,
		.ioas_id = ioas,
		.user_va = (uintptr_t)va,
		.length = len,
		.iova = *iova,
	};
	int rc = (int)file_ioctl(file, IOMMU_IOAS_MAP, &args);

	*iova = args.iova;
	return rc;
}

int do_map_file(struct file *file, struct iommu_ioas_map_file *args)
{
	args->size = sizeof(*args);
	return (int)file_ioctl(file, IOMMU_IOAS_MAP_FILE, args);
}

int do_unmap(struct file *file, __u32 ioas, __u64 iova, __u64 *len)
{
	struct iommu_ioas_unmap args = {
		.size = sizeof(args),
		.ioas_id = ioas,
		.iova = iova,
		.length = *len,
	};
	int rc = (int)file_ioctl(file, IOMMU_IOAS_UNMAP, &args);

	*len = args.length;
	return rc;
}

int do_copy(struct file *file, struct iommu_ioas_copy *args)
{
	args->size = sizeof(*args);
	return (int)file_ioctl(file, IOMMU_IOAS_COPY, args);
}

int do_allow(struct file *file, __u32 ioas,
	     const struct iommu_iova_range *ranges, __u32 n)
{
	struct iommu_ioas_allow_iovas args = {
		.size = sizeof(args),
		.ioas_id = ioas,
		.num_iovas = n,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return (int)file_ioctl(file, IOMMU_IOAS_ALLOW_IOVAS, &args);
}

int do_ranges(struct file *file, __u32 ioas, struct iommu_iova_range *ranges,
	      __u32 *n, __u64 *alignment)
{
	struct iommu_ioas_iova_ranges args = {
		.size = sizeof(args),
		.ioas_id = ioas,
		.num_iovas = *n,
		.allowed_iovas = (uintptr_t)ranges,
	};
	int rc = (int)file_ioctl(file, IOMMU_IOAS_IOVA_RANGES, &args);

	*n = args.num_iovas;
	*alignment = args.out_iova_alignment;
	return rc;
}

int do_option(struct file *file, struct iommu_option *args)
{
	args->size = sizeof(*args);
	return (int)file_ioctl(file, IOMMU_OPTION, args);
}

int do_hwpt_alloc(struct file *file, __u32 flags, __u32 device, __u32 pt,
		  __u32 *id)
{
	struct iommu_hwpt_alloc args = {
		.size = sizeof(args),
		.flags = flags,
		.dev_id = device,
		.pt_id = pt,
	};
	int rc = (int)file_ioctl(file, IOMMU_HWPT_ALLOC, &args);

	*id = args.out_hwpt_id;
	return rc;
}

__u32 ioas_alloc(struct file *file)
{
	__u32 id;

	assert_int_equal(do_ioas_alloc(file, &id), 0);
	return id;
}

void map_fixed(struct file *file, __u32 ioas, const void *va, __u64 len,
	       __u64 iova)
{
	__u64 got = iova;

	assert_int_equal(
		do_map(file, ioas, FIXED | READ | WRITE, va, len, &got), 0);
	assert_int_equal(got, iova);
}

void unmap(struct file *file, __u32 ioas, __u64 iova, __u64 len)
{
	__u64 got = len;

	assert_int_equal(do_unmap(file, ioas, iova, &got), 0);
	assert_int_equal(got, len);
}

void destroy(struct file *file, __u32 id)
{
	assert_int_equal(do_destroy(file, id), 0);
}

/* ---- devices ---------------------------------------------------------- */

static void bound_init_in(struct bound *bound, struct file *file,
			  struct iommu_unit *unit)
{
	bound->endpoint = iommu_endpoint_create(unit, bound->group, 0x100,
						"0000:01:00.0");
	assert_non_null(bound->endpoint);
	iommu_endpoint_set_enabled(bound->endpoint, true);
	bound->device = iommufd_device_bind(fixture_ctx(file), bound->endpoint,
					    &bound->id);
	assert_false(is_err(bound->device));
}

void bound_init(struct bound *bound, struct file *file, struct iommu_unit *unit)
{
	bound->group = iommu_group_create(1);
	assert_non_null(bound->group);
	bound_init_in(bound, file, unit);
}

void bound_init_beside(struct bound *bound, struct file *file,
		       const struct bound *first)
{
	bound->group = first->group;
	bound_init_in(bound, file, iommu_endpoint_unit(first->endpoint));
}

void bound_deinit_beside(struct bound *bound)
{
	iommufd_device_unbind(bound->device);
	iommu_endpoint_destroy(bound->endpoint);
}

void bound_deinit(struct bound *bound)
{
	bound_deinit_beside(bound);
	iommu_group_destroy(bound->group);
}

int attach(struct bound *bound, __u32 *pt)
{
	return iommufd_device_attach(bound->device, IOMMU_NO_PASID, pt);
}

int replace(struct bound *bound, __u32 *pt)
{
	return iommufd_device_replace(bound->device, IOMMU_NO_PASID, pt);
}

void detach(struct bound *bound)
{
	iommufd_device_detach(bound->device, IOMMU_NO_PASID);
}

int dma_put(struct bound *bound, iova_t iova, char byte)
{
	return iommu_dma_write(bound->endpoint, IOMMU_NO_PASID, iova, &byte, 1);
}

int dma_get(struct bound *bound, iova_t iova, char *byte)
{
	return iommu_dma_read(bound->endpoint, IOMMU_NO_PASID, iova, byte, 1);
}

/*
 * What is made by the first pin and by a thread's first DMA, and then kept, is
 * no leak: it is made before anything is counted.
 */
static void warm_up(void)
{
	void *memory = fixture_memory(PAGE);
	struct file *file = fixture_open();
	struct bound bound;
	__u32 pt;

	bound_init(&bound, file, fixture_unit);
	pt = ioas_alloc(file);
	map_fixed(file, pt, memory, PAGE, 0);
	assert_int_equal(attach(&bound, &pt), 0);
	assert_int_equal(dma_put(&bound, 0, 0), 0);
	bound_deinit(&bound);
	file_put(file);
	fixture_free(memory, PAGE);
}
