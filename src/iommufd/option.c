/* SPDX-License-Identifier: BSD-3-Clause */
/* OPTION: how a context charges, and how an address space is cut. */
#include <linux/capability.h>
#include <linux/iommufd.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "iommufd/command.h"
#include "iommufd/ioas.h"

/* Linux asks for it before a program may charge as it likes. */
static bool has_cap_sys_resource(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective &
	       CAP_TO_MASK(CAP_SYS_RESOURCE);
}

static int option_set_rlimit_mode(struct iommufd_ctx *ctx, __u64 value)
{
	int rc = 0;

	if (!has_cap_sys_resource())
		return -EPERM;
	/* What was charged one way cannot be given back the other way. */
	lock_acquire(&ctx->objects.lock);
	if (ctx->objects.ids.n_ids)
		rc = -EBUSY;
	else if (value > 1)
		rc = -EINVAL;
	else
		ctx->account = value ? MM_ACCOUNT_PROCESS : MM_ACCOUNT_USER;
	lock_release(&ctx->objects.lock);
	return rc;
}

static int option_rlimit_mode(struct iommufd_ctx *ctx,
			      struct iommu_option *args)
{
	if (args->object_id)
		return -EOPNOTSUPP;
	switch (args->op) {
	case IOMMU_OPTION_OP_GET:
		lock_acquire(&ctx->objects.lock);
		args->val64 = ctx->account == MM_ACCOUNT_PROCESS;
		lock_release(&ctx->objects.lock);
		return 0;
	case IOMMU_OPTION_OP_SET:
		return option_set_rlimit_mode(ctx, args->val64);
	default:
		return -EOPNOTSUPP;
	}
}

/* Small pages only: needs that nothing is translated in large ones yet. */
static int ioas_set_huge_pages_off(struct ioas *ioas)
{
	int rc;

	if (ioas->huge_pages_off)
		return 0;
	if (!list_is_empty(&ioas->hwpts) && iommu_space_n_maps(ioas->space))
		return -EINVAL;
	ioas->huge_pages_off = true;
	rc = ioas_set_alignment_locked(ioas, 0);
	if (rc)
		ioas->huge_pages_off = false;
	return rc;
}

static int ioas_set_huge_pages(struct ioas *ioas, __u64 value)
{
	int rc = 0;

	lock_acquire(&ioas->lock);
	if (value > 1) {
		rc = -EINVAL;
	} else if (!value) {
		rc = ioas_set_huge_pages_off(ioas);
	} else {
		ioas->huge_pages_off = false;
		ioas_set_alignment_locked(ioas, 0);
	}
	lock_release(&ioas->lock);
	return rc;
}

static int option_huge_pages(struct iommufd_ctx *ctx, struct iommu_option *args)
{
	struct ioas *ioas = ioas_get(ctx, args->object_id);
	int rc = 0;

	if (!ioas)
		return -ENOENT;
	switch (args->op) {
	case IOMMU_OPTION_OP_GET:
		lock_acquire(&ioas->lock);
		args->val64 = !ioas->huge_pages_off;
		lock_release(&ioas->lock);
		break;
	case IOMMU_OPTION_OP_SET:
		rc = ioas_set_huge_pages(ioas, args->val64);
		break;
	default:
		rc = -EOPNOTSUPP;
	}
	ioas_put(ioas);
	return rc;
}

int option_ioctl(struct command *command)
{
	struct iommu_option *args = command->args;
	int rc;

	if (args->__reserved)
		return -EOPNOTSUPP;
	switch (args->option_id) {
	case IOMMU_OPTION_RLIMIT_MODE:
		rc = option_rlimit_mode(command->ctx, args);
		break;
	case IOMMU_OPTION_HUGE_PAGES:
		rc = option_huge_pages(command->ctx, args);
		break;
	default:
		rc = -EOPNOTSUPP;
	}
	return rc ? rc : command_reply(command, sizeof(*args));
}
