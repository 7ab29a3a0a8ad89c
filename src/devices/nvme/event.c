/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asynchronous events (NVMe 1.4 section 5.2) and the error log (5.14.1.1).
 *
 * An event waits, one of each type, until there is a request and the admin
 * completion queue has room. Once told, its type is masked until the log page
 * that says more was read. Requests outstanding hold no completion entry.
 */
#include <string.h>
#include "devices/nvme/event.h"

#define CRITICAL_TEMPERATURE 2u

static const __u8 event_log_page[NVME_EVENT_N_TYPES] = {
	[NVME_EVENT_ERROR] = NVME_LOG_ERROR,
	[NVME_EVENT_SMART] = NVME_LOG_SMART,
};

void nvme_event_raise(struct nvme *nvme, enum nvme_event_type type,
		      enum nvme_event_info info)
{
	struct nvme_events *events = &nvme->events;

	if (events->is_masked[type] || events->is_pending[type])
		return;
	events->pending[type] = (__u32)type | (__u32)info << 8 |
				(__u32)event_log_page[type] << 16;
	events->is_pending[type] = true;
}

void nvme_event_unmask(struct nvme *nvme, enum nvme_event_type type)
{
	nvme->events.is_masked[type] = false;
	if (type == NVME_EVENT_SMART)
		nvme_event_check_temperature(nvme);
}

static bool temperature_is_critical(const struct nvme *nvme)
{
	return NVME_TEMPERATURE_K >= nvme->features.threshold_over ||
	       NVME_TEMPERATURE_K <= nvme->features.threshold_under;
}

void nvme_event_check_temperature(struct nvme *nvme)
{
	if (temperature_is_critical(nvme) &&
	    nvme->features.values[NVME_FEAT_EVENTS] & CRITICAL_TEMPERATURE)
		nvme_event_raise(nvme, NVME_EVENT_SMART,
				 NVME_EVENT_TEMPERATURE);
}

__u8 nvme_critical_warning(const struct nvme *nvme)
{
	return temperature_is_critical(nvme) ? CRITICAL_TEMPERATURE : 0;
}

static int events_first_pending(const struct nvme_events *events)
{
	int type;

	for (type = 0; type < NVME_EVENT_N_TYPES; type++)
		if (events->is_pending[type])
			return type;
	return -1;
}

bool nvme_events_can_post(struct nvme *nvme)
{
	return nvme->events.n_cids &&
	       events_first_pending(&nvme->events) >= 0 &&
	       nvme_cq_room(nvme, &nvme->cqs[0], 1) >= 1;
}

void nvme_events_post(struct nvme *nvme)
{
	struct nvme_events *events = &nvme->events;
	int type;

	while (nvme_events_can_post(nvme)) {
		type = events_first_pending(events);
		events->is_pending[type] = false;
		events->is_masked[type] = true;
		nvme_sq_complete_event(nvme, events->cids[--events->n_cids],
				       NVME_SUCCESS, events->pending[type]);
	}
}

bool nvme_events_abort(struct nvme *nvme, __u16 cid)
{
	struct nvme_events *events = &nvme->events;
	unsigned int i;

	for (i = 0; i < events->n_cids; i++)
		if (events->cids[i] == cid)
			break;
	/* One entry for the request, one for the Abort itself. */
	if (i == events->n_cids || nvme_cq_room(nvme, &nvme->cqs[0], 2) < 2)
		return false;
	events->cids[i] = events->cids[--events->n_cids];
	nvme_sq_complete_event(nvme, cid, NVME_ABORT_REQUESTED, 0);
	return true;
}

__u16 nvme_events_request(struct nvme *nvme, __u16 cid)
{
	struct nvme_events *events = &nvme->events;

	if (events->n_cids == NVME_N_AERS)
		return NVME_AER_LIMIT_EXCEEDED;
	events->cids[events->n_cids++] = cid;
	return NVME_PENDING;
}

void nvme_events_reset(struct nvme *nvme)
{
	memset(&nvme->events, 0, sizeof(nvme->events));
}

void nvme_error_log(struct nvme *nvme, __u16 sq_id, const struct nvme_sqe *sqe,
		    __u16 status)
{
	struct nvme_counters *counters = &nvme->counters;
	struct nvme_error_entry *entry;

	entry = &nvme->errors[counters->n_errors++ % NVME_N_ERRORS];
	*entry = (struct nvme_error_entry){
		.count = counters->n_errors,
		.sq_id = sq_id,
		.cid = sqe->cid,
		.status = (__u16)(status << 1),
		.parameter = 0xffff,
		.nsid = sqe->nsid,
	};
	if (sq_id)
		entry->lba = (__u64)sqe->cdw11 << 32 | sqe->cdw10;
	if (status >> 8 == 2)
		counters->n_media_errors++;
}
