/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Domains, endpoints, groups, stamps, the VT-d unit, and what each does when
 * there is no memory.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linux/iommufd.h>
#include "base/err.h"
#include "fixture.h"
#include "iommu/driver.h"
#include "iommu/space.h"
#include "iommu/vtd/vtd.h"

#define IOVA 0x100000ull

static void test_vtd_says_what_it_is(void **state)
{
	struct iommu_group *group = iommu_group_create(3);
	struct iommu_endpoint *endpoint =
		iommu_endpoint_create(vtd_unit(), group, 0x218, "0000:02:03.0");
	struct iommu_resv_region regions[2];
	struct iommu_hw_info_vtd vtd;
	struct iommu_unit_info info;

	(void)state;
	assert_string_equal(iommu_endpoint_name(endpoint), "0000:02:03.0");
	assert_ptr_equal(iommu_endpoint_group(endpoint), group);
	assert_ptr_equal(iommu_endpoint_unit(endpoint), vtd_unit());
	assert_int_equal(iommu_endpoint_resv_regions(endpoint, regions, 2), 1);
	assert_int_equal(regions[0].start, 0xfee00000);
	assert_int_equal(regions[0].last, 0xfeefffff);
	assert_int_equal(regions[0].kind, IOMMU_RESV_MSI);
	assert_int_equal(iommu_endpoint_resv_regions(endpoint, NULL, 0), 1);

	iommu_endpoint_hw_info(endpoint, &info);
	assert_int_equal(info.type, IOMMU_HW_INFO_TYPE_INTEL_VTD);
	assert_int_equal(info.len, sizeof(vtd));
	assert_int_equal(info.capabilities, IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED);
	assert_int_equal(info.max_pasid_lg2, 0);
	memcpy(&vtd, info.data, sizeof(vtd));
	assert_int_equal(vtd.flags, IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17);
	assert_int_equal(vtd.__reserved, 0);
	/* Bits of an IOVA, four levels, leaves of 2 MiB and 1 GiB. */
	assert_int_equal((vtd.cap_reg >> 16 & 0x3f) + 1, 48);
	assert_int_equal(vtd.cap_reg >> 8 & 0x1f, 1 << 2);
	assert_int_equal(vtd.cap_reg >> 34 & 0xf, 3);
	/* No scalable mode, no device TLBs, no PASIDs. */
	assert_int_equal(vtd.ecap_reg >> 43 & 1, 0);
	assert_int_equal(vtd.ecap_reg >> 2 & 1, 0);
	assert_int_equal(vtd.ecap_reg >> 40 & 1, 0);
	iommu_endpoint_destroy(endpoint);
	iommu_group_destroy(group);
}

/**
 * struct sysfs - what a unit emits
 */
struct sysfs {
	unsigned int n;
	char cap[32];
	char version[32];
};

static void keep_file(void *arg, const char *file, const char *text)
{
	struct sysfs *sysfs = arg;

	sysfs->n++;
	if (!strcmp(file, "intel-iommu/cap"))
		snprintf(sysfs->cap, sizeof(sysfs->cap), "%s", text);
	if (!strcmp(file, "intel-iommu/version"))
		snprintf(sysfs->version, sizeof(sysfs->version), "%s", text);
}

static void test_vtd_in_sysfs(void **state)
{
	const struct iommu_unit *unit = vtd_unit();
	struct iommu_hw_info_vtd vtd;
	struct iommu_unit_info info;
	struct sysfs sysfs = { 0 };
	char cap[32];

	(void)state;
	unit->ops->sysfs(unit, keep_file, &sysfs);
	unit->ops->hw_info(unit, &info);
	memcpy(&vtd, info.data, sizeof(vtd));
	snprintf(cap, sizeof(cap), "%llx\n", vtd.cap_reg);
	assert_int_equal(sysfs.n, 4);
	assert_string_equal(sysfs.cap, cap);
	assert_string_equal(sysfs.version, "1:0\n");
	assert_string_equal(unit->ops->class_name, "dmar0");
	assert_string_equal(unit->ops->name, "vtd");
}

static void test_domains(void **state)
{
	const struct iommu_geometry *geometry;
	struct iommu_domain *refused;
	struct fixture fixture;
	__u32 flag;

	(void)state;
	fixture_init(&fixture);
	geometry = iommu_domain_geometry(fixture.domain);
	assert_int_equal(geometry->aperture_start, 0);
	assert_int_equal(geometry->aperture_last, (1ull << 48) - 1);
	assert_int_equal(geometry->pgsizes, 0x40201000);
	assert_ptr_equal(iommu_domain_space(fixture.domain), fixture.space);
	for (flag = 1; flag; flag <<= 1) {
		refused = iommu_domain_alloc(fixture.endpoint, fixture.space,
					     flag);
		assert_int_equal(ptr_err(refused), -EOPNOTSUPP);
	}
	fixture_deinit(&fixture);
}

static void test_domain_of_another_kind_of_unit(void **state)
{
	struct iommu_unit_ops other_ops = *vtd_unit()->ops;
	struct iommu_unit other = { .ops = &other_ops };
	struct iommu_endpoint *endpoint;
	struct iommu_map map;
	struct fixture fixture;
	char byte;

	(void)state;
	fixture_init(&fixture);
	endpoint = iommu_endpoint_create(&other, fixture.group, 1, "other");
	assert_int_equal(iommu_endpoint_set_domain(endpoint, fixture.domain),
			 -EINVAL);
	iommu_endpoint_destroy(endpoint);
	fixture_map(&fixture, &map, IOVA, 0, PAGE, IOMMU_READ);
	assert_int_equal(fixture_read(&fixture, IOVA, &byte, 1), 0);
	fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

static void test_a_group_has_one_owner(void **state)
{
	struct iommu_group *group = iommu_group_create(9);
	int first, second;

	(void)state;
	assert_int_equal(group->id, 9);
	assert_int_equal(iommu_group_claim(group, &first), 0);
	assert_int_equal(iommu_group_claim(group, &first), 0);
	assert_int_equal(iommu_group_claim(group, &second), -EPERM);
	iommu_group_unclaim(group, &first);
	assert_int_equal(iommu_group_claim(group, &second), -EPERM);
	iommu_group_unclaim(group, &first);
	assert_int_equal(iommu_group_claim(group, &second), 0);
	iommu_group_unclaim(group, &second);
	iommu_group_destroy(group);
}

/* No stamp comes twice, also when a view's or a part's numbers are used up. */
static void test_stamps_are_used_once(void **state)
{
	struct space_view *view = view_create(NULL);
	struct space_view *other = view_create(NULL);
	__u64 before, after;

	(void)state;
	before = view_stamp(view, IOVA);
	/* Nobody has looked there. */
	view_invalidate(view, IOVA, IOVA);
	assert_int_equal(view_stamp(view, IOVA), before);
	assert_false(view->has_readers);
	view_use(view, IOVA);
	view_invalidate(view, IOVA, IOVA);
	assert_true(view->has_readers);
	assert_int_equal(view_stamp(view, IOVA), before + 1);
	assert_int_equal(view_stamp(view, 0x10000000), before);
	/* A long range: all of the view. */
	view_invalidate(view, 0, 1ull << 40);
	assert_int_equal(view_stamp(view, 0x10000000), before + 1);

	before = view_stamp(view, IOVA);
	view->stamp = view->stamp_limit;
	view_invalidate_all(view);
	after = view_stamp(view, IOVA);
	assert_true(after > before + (1ull << 32) - 2);
	assert_true(after > view_stamp(other, IOVA) + (1ull << 31));

	view->parts[0] = (1u << 31) - 1;
	before = view_stamp(view, 0);
	view_use(view, 0);
	view_invalidate(view, 0, 0);
	assert_true(view_stamp(view, 0) > before);
	view_destroy(view);
	view_destroy(other);
}

static void test_the_last_64_ranges_are_remembered(void **state)
{
	struct space_view *view = view_create(NULL);
	struct view_range range;
	unsigned int i;

	(void)state;
	assert_false(view_find_removed(view, 0, &range));
	for (i = 0; i < 70; i++)
		view_note_removed(view, i * 0x1000ull, i * 0x1000ull + 0xfff);
	assert_false(view_find_removed(view, 5 * 0x1000, &range));
	assert_true(view_find_removed(view, 6 * 0x1000 + 7, &range));
	assert_int_equal(range.start, 6 * 0x1000);
	assert_int_equal(range.last, 6 * 0x1000 + 0xfff);
	view_destroy(view);
}

/* Everything that allocates, undone from wherever it fails. */
static int make_all(void *arg)
{
	struct iommu_map maps[3] = {
		{ .start = 0x1000, .last = 0x1fff },
		{ .start = 0x4000, .last = 0x4fff },
		{ .start = 1ull << 40, .last = 1ull << 41 },
	};
	struct iommu_endpoint *endpoint = NULL;
	struct iommu_domain *domain = NULL;
	struct iommu_space *space;
	struct iommu_group *group;
	unsigned int n_maps = 0;
	int rc = -ENOMEM;

	(void)arg;
	space = iommu_space_create();
	group = iommu_group_create(1);
	if (!space || !group)
		goto out;
	endpoint = iommu_endpoint_create(vtd_unit(), group, 0, "sweep");
	if (!endpoint)
		goto out;
	domain = iommu_domain_alloc(endpoint, space, 0);
	if (is_err(domain)) {
		rc = ptr_err(domain);
		domain = NULL;
		goto out;
	}
	rc = iommu_endpoint_set_domain(endpoint, domain);
	for (; !rc && n_maps < 3; n_maps++) {
		rc = iommu_space_insert(space, &maps[n_maps]);
		/* A failure changes nothing. */
		if (rc && (iommu_space_n_maps(space) != n_maps ||
			   index_find(&space->index, maps[n_maps].start)))
			fail();
		if (rc)
			break;
	}
out:
	while (n_maps--)
		iommu_space_remove(space, &maps[n_maps]);
	if (endpoint) {
		iommu_endpoint_set_domain(endpoint, NULL);
		iommu_domain_free(domain);
		iommu_endpoint_destroy(endpoint);
	}
	iommu_group_destroy(group);
	iommu_space_destroy(space);
	return rc;
}

static void test_every_failure_is_undone(void **state)
{
	(void)state;
	/* Space, group, endpoint and name, domain, view, slab, two nodes. */
	assert_int_equal(fail_nth_sweep(make_all, NULL), 9);
}

static void test_idle_space_is_small(void **state)
{
	struct iommu_space *space = iommu_space_create();
	struct iommu_map map = { .start = 0, .last = 1ull << 46 };
	size_t n_blocks = mem_n_blocks();

	(void)state;
	assert_true(sizeof(*space) <= 512);
	/* One map, of any length, takes nothing besides itself. */
	assert_int_equal(iommu_space_insert(space, &map), 0);
	assert_int_equal(mem_n_blocks(), n_blocks);
	iommu_space_remove(space, &map);
	iommu_space_destroy(space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_vtd_says_what_it_is),
		harness_test(test_vtd_in_sysfs),
		harness_test(test_domains),
		harness_test(test_domain_of_another_kind_of_unit),
		harness_test(test_a_group_has_one_owner),
		harness_test(test_stamps_are_used_once),
		harness_test(test_the_last_64_ranges_are_remembered),
		harness_test(test_every_failure_is_undone),
		harness_test(test_idle_space_is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
