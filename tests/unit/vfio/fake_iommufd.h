/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In place of src/iommu and src/iommufd: a context and an endpoint that do
 * nothing but remember, in order, what they were asked, and that fail when a
 * test says so.
 */
#ifndef TESTS_VFIO_FAKE_IOMMUFD_H
#define TESTS_VFIO_FAKE_IOMMUFD_H

#include "base/file.h"
#include "iommufd/framework.h"

/* What the next bind, attach or replace returns instead of 0. */
extern int fake_bind_err;
extern int fake_attach_err;

/* The ID of the next object, and of the HWPT that an attach makes. */
#define FAKE_DEVICE_ID 7u
#define FAKE_HWPT_ID 9u

/* Words separated by spaces: "bind enable attach". */
extern char fake_log[512];
void fake_log_add(const char *word);
void fake_log_clear(void);

/* Bus master, as the endpoint has it. */
bool fake_is_enabled(const struct iommu_endpoint *endpoint);

/* What the endpoint's DMA reaches: HWPT ID, or 0. */
__u32 fake_attached(const struct iommu_endpoint *endpoint);

#endif /* TESTS_VFIO_FAKE_IOMMUFD_H */
