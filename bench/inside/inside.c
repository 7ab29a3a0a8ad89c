/* SPDX-License-Identifier: BSD-3-Clause */
/* DMA as a model does it; see inside.h. */
#include <errno.h>
#include <stdlib.h>
#include "base/err.h"
#include "base/file.h"
#include "bench/inside/inside.h"
#include "iommu/iommu.h"
#include "iommu/vtd/vtd.h"
#include "iommufd/framework.h"

#define PUBLIC __attribute__((visibility("default")))

/* Not one of the machine's. */
#define GROUP_ID 4096u
#define REQUESTER_ID 0xff00u

struct inside_device {
	struct iommu_group *group;
	struct iommu_endpoint *endpoint;
	struct iommufd_device *bound;
};

static int inside_bind(struct inside_device *device, int fd, uint32_t ioas_id)
{
	struct iommufd_ctx *ctx;
	struct file *file;
	__u32 id;
	int err;

	ctx = iommufd_ctx_from_fd(fd, &file);
	if (is_err(ctx))
		return ptr_err(ctx);
	device->bound = iommufd_device_bind(ctx, device->endpoint, &id);
	file_put(file);
	if (is_err(device->bound))
		return ptr_err(device->bound);
	err = iommufd_device_attach(device->bound, IOMMU_NO_PASID, &ioas_id);
	if (err)
		iommufd_device_unbind(device->bound);
	return err;
}

PUBLIC struct inside_device *inside_attach(int fd, uint32_t ioas_id)
{
	struct inside_device *device = calloc(1, sizeof(*device));

	if (!device)
		return NULL;
	device->group = iommu_group_create(GROUP_ID);
	if (!device->group)
		goto err_free;
	device->endpoint = iommu_endpoint_create(vtd_unit(), device->group,
						 REQUESTER_ID, "bench");
	if (!device->endpoint)
		goto err_destroy_group;
	if (inside_bind(device, fd, ioas_id))
		goto err_destroy_endpoint;
	iommu_endpoint_set_enabled(device->endpoint, true);
	return device;

err_destroy_endpoint:
	iommu_endpoint_destroy(device->endpoint);
err_destroy_group:
	iommu_group_destroy(device->group);
err_free:
	free(device);
	return NULL;
}

PUBLIC void inside_detach(struct inside_device *device)
{
	iommufd_device_detach(device->bound, IOMMU_NO_PASID);
	iommufd_device_unbind(device->bound);
	iommu_endpoint_destroy(device->endpoint);
	iommu_group_destroy(device->group);
	free(device);
}

PUBLIC int inside_dma(struct inside_device *device, uint64_t iova, void *buf,
		      size_t len, bool is_write)
{
	if (is_write)
		return iommu_dma_write(device->endpoint, IOMMU_NO_PASID, iova,
				       buf, len);
	return iommu_dma_read(device->endpoint, IOMMU_NO_PASID, iova, buf, len);
}

/* Compiled for each direction, so that no DMA pays for the choice. */
static always_inline int run_one(struct inside_device *device,
				 const struct inside_work *work, uint64_t iova,
				 bool is_write)
{
	if (is_write)
		return iommu_dma_write(device->endpoint, IOMMU_NO_PASID, iova,
				       work->buf, work->len);
	return iommu_dma_read(device->endpoint, IOMMU_NO_PASID, iova, work->buf,
			      work->len);
}

static always_inline uint64_t run_some(struct inside_device *device,
				       const struct inside_work *work,
				       size_t first, size_t end, bool is_write)
{
	const volatile uint64_t *word = work->buf;
	uint64_t sum = 0;
	size_t i;

	for (i = first; i < end; i++) {
		uint64_t iova = work->iovas[i];

		/* The word is 0, but the CPU knows only when it was read. */
		if (work->is_dependent)
			iova += *word;
		if (run_one(device, work, iova, is_write))
			return (uint64_t)-EIO;
		sum += *word;
	}
	return sum;
}

PUBLIC uint64_t inside_run(struct inside_device *device,
			   const struct inside_work *work)
{
	uint64_t sum = 0;
	size_t i, end;

	if (!work->n_burst)
		return work->is_write
			       ? run_some(device, work, 0, work->n, true)
			       : run_some(device, work, 0, work->n, false);
	for (i = 0; i < work->n; i = end) {
		end = i + work->n_burst < work->n ? i + work->n_burst : work->n;
		iommu_dma_burst_begin();
		sum += work->is_write ? run_some(device, work, i, end, true)
				      : run_some(device, work, i, end, false);
		iommu_dma_burst_end();
	}
	return sum;
}
