/* SPDX-License-Identifier: BSD-3-Clause */
/* The floors below VFIO, as recorders. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "fake_iommufd.h"

struct iommu_endpoint {
	struct iommu_group *group;
	const char *name;
	atomic_bool is_enabled;
	__u32 attached;
};

struct iommufd_ctx {
	struct file *file;
};

struct iommufd_device {
	struct iommufd_ctx *ctx;
	struct iommu_endpoint *endpoint;
};

int fake_bind_err;
int fake_attach_err;
char fake_log[512];

void fake_log_add(const char *word)
{
	if (fake_log[0])
		strncat(fake_log, " ", sizeof(fake_log) - strlen(fake_log) - 1);
	strncat(fake_log, word, sizeof(fake_log) - strlen(fake_log) - 1);
}

void fake_log_clear(void)
{
	fake_log[0] = '\0';
}

bool fake_is_enabled(const struct iommu_endpoint *endpoint)
{
	return atomic_load(&endpoint->is_enabled);
}

__u32 fake_attached(const struct iommu_endpoint *endpoint)
{
	return endpoint->attached;
}

/* ---- iommu ------------------------------------------------------------ */

struct iommu_endpoint *iommu_endpoint_create(struct iommu_unit *unit,
					     struct iommu_group *group,
					     __u16 requester_id,
					     const char *name)
{
	struct iommu_endpoint *endpoint = mem_alloc(sizeof(*endpoint));

	(void)unit;
	(void)requester_id;
	if (!endpoint)
		return NULL;
	endpoint->group = group;
	endpoint->name = name;
	return endpoint;
}

void iommu_endpoint_destroy(struct iommu_endpoint *endpoint)
{
	mem_free(endpoint);
}

const char *iommu_endpoint_name(const struct iommu_endpoint *endpoint)
{
	return endpoint->name;
}

void iommu_endpoint_set_enabled(struct iommu_endpoint *endpoint, bool enabled)
{
	if (atomic_exchange(&endpoint->is_enabled, enabled) != enabled)
		fake_log_add(enabled ? "master-on" : "master-off");
}

int iommu_dma_read(struct iommu_endpoint *endpoint, __u32 pasid, iova_t iova,
		   void *buf, size_t len)
{
	(void)iova;
	if (pasid != IOMMU_NO_PASID || !fake_is_enabled(endpoint))
		return -EIO;
	memset(buf, 0x5a, len);
	return 0;
}

int iommu_dma_write(struct iommu_endpoint *endpoint, __u32 pasid, iova_t iova,
		    const void *buf, size_t len)
{
	(void)iova;
	(void)buf;
	(void)len;
	return pasid != IOMMU_NO_PASID || !fake_is_enabled(endpoint) ? -EIO : 0;
}

int iommu_dma_map(struct iommu_endpoint *endpoint, __u32 pasid, iova_t iova,
		  size_t len, enum iommu_prot prot,
		  struct iommu_dma_piece *piece)
{
	if (pasid != IOMMU_NO_PASID || !fake_is_enabled(endpoint))
		return -EIO;
	piece->address = (void *)(uintptr_t)iova;
	piece->len = len;
	piece->endpoint = endpoint;
	fake_log_add(prot == IOMMU_WRITE ? "hold-write" : "hold-read");
	return 0;
}

void iommu_dma_unmap(struct iommu_dma_piece *piece)
{
	(void)piece;
	fake_log_add("let-go");
}

void iommu_dma_burst_begin(void)
{
	fake_log_add("burst-begin");
}

void iommu_dma_burst_end(void)
{
	fake_log_add("burst-end");
}

/* ---- iommufd ---------------------------------------------------------- */

static void fake_release(struct file *file)
{
	fake_log_add("context-gone");
	mem_free(file->priv);
	file_free(file);
}

static const struct file_ops fake_file_ops = {
	.name = "fake iommufd",
	.release = fake_release,
};

static struct file *fake_open(struct file_node *node, int flags)
{
	struct iommufd_ctx *ctx = mem_alloc(sizeof(*ctx));

	(void)flags;
	if (!ctx)
		return err_ptr(-ENOMEM);
	ctx->file = file_alloc(&fake_file_ops, ctx, node);
	if (!ctx->file) {
		mem_free(ctx);
		return err_ptr(-ENOMEM);
	}
	return ctx->file;
}

void iommufd_node_init(struct file_node *node, dev_t rdev)
{
	node->rdev = rdev;
	node->open = fake_open;
}

struct iommufd_ctx *iommufd_ctx_from_fd(int fd, struct file **file)
{
	*file = file_from_fd(fd);
	if (!*file)
		return err_ptr(-EBADF);
	if ((*file)->ops == &fake_file_ops)
		return (*file)->priv;
	file_put(*file);
	return err_ptr(-EBADFD);
}

struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ctx,
					   struct iommu_endpoint *endpoint,
					   __u32 *id)
{
	struct iommufd_device *device;

	if (fake_bind_err)
		return err_ptr(fake_bind_err);
	device = mem_alloc(sizeof(*device));
	if (!device)
		return err_ptr(-ENOMEM);
	device->ctx = ctx;
	device->endpoint = endpoint;
	file_get(ctx->file);
	*id = FAKE_DEVICE_ID;
	fake_log_add("bind");
	return device;
}

void iommufd_device_unbind(struct iommufd_device *device)
{
	struct file *file = device->ctx->file;

	fake_log_add("unbind");
	mem_free(device);
	file_put(file);
}

int iommufd_device_attach(struct iommufd_device *device, __u32 pasid,
			  __u32 *pt_id)
{
	if (fake_attach_err)
		return fake_attach_err;
	if (pasid != IOMMU_NO_PASID && pasid)
		return -EINVAL;
	if (device->endpoint->attached)
		return -EBUSY;
	*pt_id = FAKE_HWPT_ID;
	device->endpoint->attached = *pt_id;
	fake_log_add("attach");
	return 0;
}

int iommufd_device_replace(struct iommufd_device *device, __u32 pasid,
			   __u32 *pt_id)
{
	if (fake_attach_err)
		return fake_attach_err;
	if (pasid != IOMMU_NO_PASID || !device->endpoint->attached)
		return -EINVAL;
	*pt_id = FAKE_HWPT_ID + 1;
	device->endpoint->attached = *pt_id;
	fake_log_add("replace");
	return 0;
}

void iommufd_device_detach(struct iommufd_device *device, __u32 pasid)
{
	(void)pasid;
	device->endpoint->attached = 0;
	fake_log_add("detach");
}

struct iommufd_ctx *iommufd_device_ctx(const struct iommufd_device *device)
{
	return device->ctx;
}

__u32 iommufd_ctx_device_id(struct iommufd_ctx *ctx,
			    const struct iommu_endpoint *endpoint)
{
	(void)ctx;
	(void)endpoint;
	return FAKE_DEVICE_ID;
}
