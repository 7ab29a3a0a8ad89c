/* SPDX-License-Identifier: BSD-3-Clause */
/* Doorbell slots and their shadows. */
#ifndef DEVICES_NVME_DOORBELL_H
#define DEVICES_NVME_DOORBELL_H

#include "devices/nvme/controller.h"

/* Slot 2y is the tail of submission queue y, 2y + 1 the head of its twin. */
static inline _Atomic __u32 *nvme_doorbell_slot(struct nvme *nvme,
						unsigned int index)
{
	return nvme_register(nvme, NVME_REG_DOORBELLS + 4 * index);
}

static inline bool nvme_doorbell_is_new(const struct nvme_doorbell *doorbell)
{
	return atomic_load_explicit(doorbell->slot, memory_order_acquire) !=
		       doorbell->seen ||
	       doorbell->is_unsettled;
}

/* Of a new queue: the slot becomes zero. */
void nvme_doorbell_init(struct nvme *nvme, struct nvme_doorbell *doorbell,
			unsigned int index);

/* Of a queue that exists: go on with the shadow. Return: 0 or -EIO. */
int nvme_doorbell_use_shadow(struct nvme *nvme, struct nvme_doorbell *doorbell,
			     unsigned int index);

/**
 * nvme_doorbell_take() - what the program wrote
 * @value: the result
 *
 * Return: false when nothing changed since the last call.
 */
bool nvme_doorbell_take(struct nvme *nvme, struct nvme_doorbell *doorbell,
			__u32 *value);

#endif /* DEVICES_NVME_DOORBELL_H */
