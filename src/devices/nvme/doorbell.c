/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Doorbell slots and their shadows, NVMe 1.4 sections 3.1.16 and 7.13.
 *
 * A slot is memory that the program writes and the controller polls. With
 * Doorbell Buffer Config the program writes a shadow in its own memory first,
 * and the slot only when its step passed the event index. So the controller
 * publishes each value it took as event index and then looks at the shadow
 * once more: either it sees the next value, or the program saw the index and
 * writes the slot. Between those two looks the doorbell is unsettled.
 */
#include "devices/nvme/doorbell.h"

static void doorbell_place_shadow(struct nvme *nvme,
				  struct nvme_doorbell *doorbell,
				  unsigned int index)
{
	doorbell->shadow = nvme->shadows + 4ull * index;
	doorbell->event = nvme->shadow_events + 4ull * index;
	doorbell->event_value = 0;
}

void nvme_doorbell_init(struct nvme *nvme, struct nvme_doorbell *doorbell,
			unsigned int index)
{
	*doorbell = (struct nvme_doorbell){
		.slot = nvme_doorbell_slot(nvme, index),
	};
	atomic_store_explicit(doorbell->slot, 0, memory_order_relaxed);
	if (!nvme->shadows)
		return;
	doorbell_place_shadow(nvme, doorbell, index);
	doorbell->is_shadow_live = true;
	doorbell->is_unsettled = true;
}

int nvme_doorbell_use_shadow(struct nvme *nvme, struct nvme_doorbell *doorbell,
			     unsigned int index)
{
	int err;

	doorbell_place_shadow(nvme, doorbell, index);
	doorbell->event_value = doorbell->seen;
	doorbell->is_shadow_live = index > 1;
	err = vfio_dma_write(nvme->device, doorbell->shadow, &doorbell->seen,
			     sizeof(doorbell->seen));
	if (!err)
		err = vfio_dma_write(nvme->device, doorbell->event,
				     &doorbell->seen, sizeof(doorbell->seen));
	return err;
}

/* Return: true when the shadow holds a value that was not taken before. */
static bool doorbell_take_shadow(struct nvme *nvme,
				 struct nvme_doorbell *doorbell, __u32 *value)
{
	int err;

	doorbell->is_unsettled = false;
	err = vfio_dma_read(nvme->device, doorbell->shadow, value,
			    sizeof(*value));
	if (!err && *value == doorbell->event_value)
		return false;
	if (!err)
		err = vfio_dma_write(nvme->device, doorbell->event, value,
				     sizeof(*value));
	if (err) {
		nvme_controller_fail(nvme, "a shadow doorbell is unreachable");
		return false;
	}
	doorbell->event_value = *value;
	doorbell->is_shadow_live = true;
	doorbell->is_unsettled = true;
	/*
	 * The event index is visible before the shadow is read again. A fence,
	 * written as an operation that ThreadSanitizer knows too.
	 */
	atomic_fetch_or(&nvme->attention, 0);
	return true;
}

bool nvme_doorbell_take(struct nvme *nvme, struct nvme_doorbell *doorbell,
			__u32 *value)
{
	__u32 slot = atomic_load_explicit(doorbell->slot, memory_order_acquire);
	bool is_new = slot != doorbell->seen;

	doorbell->seen = slot;
	if (likely(!doorbell->shadow)) {
		*value = slot;
		return is_new;
	}
	if (doorbell_take_shadow(nvme, doorbell, value))
		return true;
	*value = slot;
	return is_new && !doorbell->is_shadow_live;
}
