/* SPDX-License-Identifier: BSD-3-Clause */
/* The NVMe controller model: its door. */
#ifndef DEVICES_NVME_NVME_H
#define DEVICES_NVME_NVME_H

#include "devices/model.h"

extern const struct model nvme_model;

#endif /* DEVICES_NVME_NVME_H */
