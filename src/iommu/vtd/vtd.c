/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intel VT-d: a unit with a second stage of four levels, in legacy mode. It
 * has no scalable mode, so no PASID, no nesting and no dirty tracking, and no
 * device-TLB support.
 *
 * The common code translates; all that is VT-d's own is what the unit says of
 * itself.
 */
#include <stdio.h>
#include <string.h>
#include <linux/iommufd.h>
#include "iommu/driver.h"
#include "iommu/vtd/vtd.h"
#include "iommu/vtd/vtd_regs.h"

#define VTD_IOVA_BITS 48u
#define VTD_PGSIZES ((1ull << 12) | (1ull << 21) | (1ull << 30))
/* Where firmware commonly places the first unit's registers. */
#define VTD_REGISTER_BASE 0xfed90000ull

static const __u64 vtd_cap =
	VTD_CAP_ND(6) | VTD_CAP_PLMR | VTD_CAP_PHMR | VTD_CAP_SAGAW_4_LEVEL |
	VTD_CAP_MGAW(VTD_IOVA_BITS) | VTD_CAP_ZLR | VTD_CAP_FRO(0x400) |
	VTD_CAP_SSLPS_2M | VTD_CAP_SSLPS_1G | VTD_CAP_PSI | VTD_CAP_NFR(1) |
	VTD_CAP_MAMV(18) | VTD_CAP_DWD | VTD_CAP_DRD;

static const __u64 vtd_ecap = VTD_ECAP_C | VTD_ECAP_QI | VTD_ECAP_IR |
			      VTD_ECAP_EIM | VTD_ECAP_PT | VTD_ECAP_SC |
			      VTD_ECAP_IRO(0x500) | VTD_ECAP_MHMV(15);

static const struct iommu_resv_region vtd_resv[] = {
	{
		.start = VTD_MSI_WINDOW_START,
		.last = VTD_MSI_WINDOW_LAST,
		.kind = IOMMU_RESV_MSI,
	},
};

/* Each flag needs scalable mode. */
static bool vtd_domain_flags_ok(const struct iommu_unit *unit, __u32 flags)
{
	(void)unit;
	return !flags;
}

static void vtd_geometry(const struct iommu_unit *unit, __u32 flags,
			 struct iommu_geometry *geometry)
{
	(void)unit;
	(void)flags;
	geometry->aperture_start = 0;
	geometry->aperture_last = (1ull << VTD_IOVA_BITS) - 1;
	geometry->pgsizes = VTD_PGSIZES;
}

static unsigned int vtd_resv_regions(const struct iommu_unit *unit,
				     const struct iommu_resv_region **regions)
{
	(void)unit;
	*regions = vtd_resv;
	return array_len(vtd_resv);
}

static void vtd_hw_info(const struct iommu_unit *unit,
			struct iommu_unit_info *info)
{
	const struct iommu_hw_info_vtd vtd = {
		/* As Linux: on every unit, affected or not. */
		.flags = IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17,
		.cap_reg = vtd_cap,
		.ecap_reg = vtd_ecap,
	};

	(void)unit;
	_Static_assert(sizeof(vtd) <= sizeof(info->data), "it has room");
	memcpy(info->data, &vtd, sizeof(vtd));
	info->type = IOMMU_HW_INFO_TYPE_INTEL_VTD;
	info->len = sizeof(vtd);
	info->capabilities = IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED;
	info->max_pasid_lg2 = 0;
}

/* The formats are those of Linux's sysfs. */
static void vtd_sysfs(const struct iommu_unit *unit,
		      void (*emit)(void *arg, const char *file,
				   const char *text),
		      void *arg)
{
	char text[32];

	(void)unit;
	snprintf(text, sizeof(text), "%llx\n", VTD_REGISTER_BASE);
	emit(arg, "intel-iommu/address", text);
	snprintf(text, sizeof(text), "%llx\n", vtd_cap);
	emit(arg, "intel-iommu/cap", text);
	snprintf(text, sizeof(text), "%llx\n", vtd_ecap);
	emit(arg, "intel-iommu/ecap", text);
	snprintf(text, sizeof(text), "%u:%u\n", VTD_VER_MAJOR, VTD_VER_MINOR);
	emit(arg, "intel-iommu/version", text);
}

static const struct iommu_unit_ops vtd_unit_ops = {
	.name = "vtd",
	.class_name = "dmar0",
	.domain_flags_ok = vtd_domain_flags_ok,
	.geometry = vtd_geometry,
	.resv_regions = vtd_resv_regions,
	.hw_info = vtd_hw_info,
	.sysfs = vtd_sysfs,
};

static struct iommu_unit vtd_the_unit = { .ops = &vtd_unit_ops };

struct iommu_unit *vtd_unit(void)
{
	return &vtd_the_unit;
}
