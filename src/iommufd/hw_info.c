/* SPDX-License-Identifier: BSD-3-Clause */
/* GET_HW_INFO: what the IOMMU of a device can do. */
#include <linux/iommufd.h>
#include <errno.h>
#include "base/uaccess.h"
#include "iommufd/command.h"
#include "iommufd/device.h"

/* The program's buffer beyond what there is to tell becomes zero. */
static int hw_info_clear_tail(__u64 buf, __u64 len)
{
	static const char zeroes[256];
	size_t step;
	int rc;

	for (; len; len -= step, buf += step) {
		step = len < sizeof(zeroes) ? len : sizeof(zeroes);
		rc = copy_to_user((void *)(uintptr_t)buf, zeroes, step);
		if (rc)
			return rc;
	}
	return 0;
}

/* A short buffer gets what fits into it. */
static int hw_info_copy_data(const struct iommu_unit_info *info,
			     const struct iommu_hw_info *args)
{
	__u32 len = args->data_len < info->len ? args->data_len : info->len;
	int rc;

	if (!args->data_len)
		return 0;
	rc = copy_to_user((void *)(uintptr_t)args->data_uptr, info->data, len);
	if (rc)
		return rc;
	return hw_info_clear_tail(args->data_uptr + len, args->data_len - len);
}

static int hw_info_tell(struct command *command,
			const struct iommu_endpoint *endpoint)
{
	struct iommu_hw_info *args = command->args;
	struct iommu_unit_info info = { 0 };
	int rc;

	/* Without an IOMMU there is nothing to tell of. */
	if (!iommu_endpoint_unit(endpoint))
		return -EOPNOTSUPP;
	iommu_endpoint_hw_info(endpoint, &info);
	if (args->flags & IOMMU_HW_INFO_FLAG_INPUT_TYPE &&
	    args->in_data_type != IOMMU_HW_INFO_TYPE_DEFAULT &&
	    args->in_data_type != info.type)
		return -EOPNOTSUPP;
	rc = hw_info_copy_data(&info, args);
	if (rc)
		return rc;
	args->data_len = info.len;
	args->out_data_type = info.type;
	args->out_max_pasid_log2 = info.max_pasid_lg2;
	args->out_capabilities = info.capabilities;
	return command_reply(command, sizeof(*args));
}

int hw_info_ioctl(struct command *command)
{
	const struct iommu_hw_info *args = command->args;
	struct iommufd_device *device;
	int rc;

	if (args->flags & ~(__u32)IOMMU_HW_INFO_FLAG_INPUT_TYPE)
		return -EOPNOTSUPP;
	if (args->__reserved[0] || args->__reserved[1] || args->__reserved[2])
		return -EOPNOTSUPP;
	device = device_get(command->ctx, args->dev_id);
	if (!device)
		return -ENOENT;
	rc = hw_info_tell(command, device->endpoint);
	object_put(&device->object);
	return rc;
}
