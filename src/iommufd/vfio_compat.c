/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VFIO_IOAS: which address space VFIO containers map into.
 *
 * The setting holds no reference: an address space that is destroyed takes it
 * along (ioas.c).
 */
#include <linux/iommufd.h>
#include <errno.h>
#include "iommufd/command.h"
#include "iommufd/ioas.h"

static int vfio_ioas_read(struct command *command)
{
	struct iommu_vfio_ioas *args = command->args;
	struct iommufd_ctx *ctx = command->ctx;
	int rc = -ENODEV;

	lock_acquire(&ctx->objects.lock);
	if (ctx->vfio_ioas) {
		args->ioas_id = ctx->vfio_ioas->object.id;
		rc = 0;
	}
	lock_release(&ctx->objects.lock);
	return rc ? rc : command_reply(command, sizeof(*args));
}

static void vfio_ioas_write(struct iommufd_ctx *ctx, struct ioas *ioas)
{
	lock_acquire(&ctx->objects.lock);
	ctx->vfio_ioas = ioas;
	lock_release(&ctx->objects.lock);
}

static int vfio_ioas_set(struct command *command)
{
	const struct iommu_vfio_ioas *args = command->args;
	struct ioas *ioas = ioas_get(command->ctx, args->ioas_id);

	if (!ioas)
		return -ENOENT;
	vfio_ioas_write(command->ctx, ioas);
	ioas_put(ioas);
	return 0;
}

int vfio_ioas_ioctl(struct command *command)
{
	const struct iommu_vfio_ioas *args = command->args;

	if (args->__reserved)
		return -EOPNOTSUPP;
	switch (args->op) {
	case IOMMU_VFIO_IOAS_GET:
		return vfio_ioas_read(command);
	case IOMMU_VFIO_IOAS_SET:
		return vfio_ioas_set(command);
	case IOMMU_VFIO_IOAS_CLEAR:
		vfio_ioas_write(command->ctx, NULL);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}
