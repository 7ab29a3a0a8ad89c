/* SPDX-License-Identifier: BSD-3-Clause */
/* Asynchronous events and the error log. */
#ifndef DEVICES_NVME_EVENT_H
#define DEVICES_NVME_EVENT_H

#include "devices/nvme/controller.h"

/* Something happened that the program should hear of. */
void nvme_event_raise(struct nvme *nvme, enum nvme_event_type type,
		      enum nvme_event_info info);

/* Its log page was read: events of this type are told again. */
void nvme_event_unmask(struct nvme *nvme, enum nvme_event_type type);

/* Raise the temperature event if a threshold is passed. */
void nvme_event_check_temperature(struct nvme *nvme);

/* Return: the critical warning byte of the SMART log, NVMe 5.14.1.2. */
__u8 nvme_critical_warning(const struct nvme *nvme);

/* An event waits for a request that is there, with room to complete it. */
bool nvme_events_can_post(struct nvme *nvme);

/* Complete requests with events that wait. */
void nvme_events_post(struct nvme *nvme);

/* Complete the request with this identifier: aborted. Return: found. */
bool nvme_events_abort(struct nvme *nvme, __u16 cid);

/* Asynchronous Event Request. Return: its status, or NVME_PENDING. */
__u16 nvme_events_request(struct nvme *nvme, __u16 cid);

void nvme_events_reset(struct nvme *nvme);

/* A command failed: put it in the error log. */
void nvme_error_log(struct nvme *nvme, __u16 sq_id, const struct nvme_sqe *sqe,
		    __u16 status);

/* Complete on the admin queue, a command that was not reserved for. */
void nvme_sq_complete_event(struct nvme *nvme, __u16 cid, __u16 status,
			    __u32 result);

#endif /* DEVICES_NVME_EVENT_H */
