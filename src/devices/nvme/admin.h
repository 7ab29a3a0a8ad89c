/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands on the admin queue. */
#ifndef DEVICES_NVME_ADMIN_H
#define DEVICES_NVME_ADMIN_H

#include "devices/nvme/controller.h"

/* Return: enum nvme_status; NVME_PENDING: it completes by itself. */
__u16 nvme_admin_run(struct nvme *nvme, const struct nvme_sqe *sqe,
		     __u32 *result);

/* The commands with a file of their own; as nvme_admin_run(). */
__u16 nvme_identify(struct nvme *nvme, const struct nvme_sqe *sqe,
		    __u32 *result);
__u16 nvme_get_log_page(struct nvme *nvme, const struct nvme_sqe *sqe,
			__u32 *result);
__u16 nvme_set_features(struct nvme *nvme, const struct nvme_sqe *sqe,
			__u32 *result);
__u16 nvme_get_features(struct nvme *nvme, const struct nvme_sqe *sqe,
			__u32 *result);

void nvme_features_reset(struct nvme *nvme);

#endif /* DEVICES_NVME_ADMIN_H */
