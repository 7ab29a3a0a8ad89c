/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers of a VT-d remapping unit. Sections are those of the Intel
 * Virtualization Technology for Directed I/O architecture specification,
 * revision 3.3, chapter 10 (11 from revision 4.0 on, same order).
 */
#ifndef IOMMU_VTD_VTD_REGS_H
#define IOMMU_VTD_VTD_REGS_H

#include "base/compiler.h"

/* 10.4.1 Version register: major in bits 7:4, minor in 3:0. */
#define VTD_VER_MAJOR 1u
#define VTD_VER_MINOR 0u

/* 10.4.2 Capability register. */
#define VTD_CAP_ND(n) ((__u64)(n) << 0) /* domain IDs: 2^(4 + 2n) */
#define VTD_CAP_PLMR (1ull << 5) /* protected low memory */
#define VTD_CAP_PHMR (1ull << 6) /* protected high memory */
#define VTD_CAP_SAGAW_4_LEVEL (1ull << 10) /* second stage of 48 bits */
#define VTD_CAP_MGAW(bits) ((__u64)((bits)-1) << 16) /* bits of an IOVA */
#define VTD_CAP_ZLR (1ull << 22) /* reads of length 0 are served */
#define VTD_CAP_FRO(offset) ((__u64)((offset) / 16) << 24) /* fault records */
#define VTD_CAP_SSLPS_2M (1ull << 34) /* second stage leaves of 2 MiB */
#define VTD_CAP_SSLPS_1G (1ull << 35) /* and of 1 GiB */
#define VTD_CAP_PSI (1ull << 39) /* invalidation by page */
#define VTD_CAP_NFR(n) ((__u64)((n)-1) << 40) /* number of fault records */
#define VTD_CAP_MAMV(lg2) ((__u64)(lg2) << 48) /* pages one of them covers */
#define VTD_CAP_DWD (1ull << 54) /* invalidation drains writes */
#define VTD_CAP_DRD (1ull << 55) /* and reads */

/* 10.4.3 Extended capability register. */
#define VTD_ECAP_C (1ull << 0) /* walks snoop caches */
#define VTD_ECAP_QI (1ull << 1) /* queued invalidation */
#define VTD_ECAP_IR (1ull << 3) /* interrupt remapping */
#define VTD_ECAP_EIM (1ull << 4) /* with x2APIC IDs */
#define VTD_ECAP_PT (1ull << 6) /* pass-through */
#define VTD_ECAP_SC (1ull << 7) /* snoop control in a leaf */
#define VTD_ECAP_IRO(offset) ((__u64)((offset) / 16) << 8) /* IOTLB registers */
#define VTD_ECAP_MHMV(n) ((__u64)(n) << 20) /* handle mask of interrupts */

/* 3.14 Requests to this range are interrupts, never translated. */
#define VTD_MSI_WINDOW_START 0xfee00000ull
#define VTD_MSI_WINDOW_LAST 0xfeefffffull

#endif /* IOMMU_VTD_VTD_REGS_H */
