/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Set Features and Get Features, NVMe 1.4 sections 5.21 and 5.13.
 *
 * Nothing is saved across power cycles: "saved" values are the defaults.
 */
#include <string.h>
#include "devices/nvme/admin.h"
#include "devices/nvme/event.h"

#define SET_SAVE (1u << 31)
#define CHANGEABLE 4u

enum feature_select {
	SELECT_CURRENT,
	SELECT_DEFAULT,
	SELECT_SAVED,
	SELECT_CAPABILITIES,
};

/**
 * struct feature - one that values[] holds
 * @settable: bits of dword 11 that may be set
 * @is_supported: else Invalid Field
 */
struct feature {
	__u32 settable;
	bool is_supported;
};

static const struct feature features[NVME_FEAT_LAST + 1] = {
	[NVME_FEAT_ARBITRATION] = { 0xffffff07, true },
	[NVME_FEAT_POWER] = { 0, true },
	[NVME_FEAT_TEMPERATURE] = { 0xffffffff, true },
	[NVME_FEAT_ERROR_RECOVERY] = { 0x0000ffff, true },
	[NVME_FEAT_WRITE_CACHE] = { 1, true },
	[NVME_FEAT_N_QUEUES] = { 0xffffffff, true },
	[NVME_FEAT_COALESCING] = { 0x0000ffff, true },
	[NVME_FEAT_VECTOR] = { 0x0001ffff, true },
	[NVME_FEAT_ATOMICITY] = { 1, true },
	[NVME_FEAT_EVENTS] = { 0x000000ff, true },
};

static const struct feature *feature_find(const struct nvme *nvme, __u32 id)
{
	if (id > NVME_FEAT_LAST || !features[id].is_supported)
		return NULL;
	/* 5.21.1.6: only where there is a volatile write cache. */
	if (id == NVME_FEAT_WRITE_CACHE && !nvme->ns->has_write_cache)
		return NULL;
	return &features[id];
}

static __u32 n_queues_granted(const struct nvme *nvme)
{
	__u32 n = nvme->options.n_queues - 1;

	return n << 16 | n;
}

static void features_default(const struct nvme *nvme,
			     struct nvme_features *into)
{
	unsigned int i;

	memset(into, 0, sizeof(*into));
	into->threshold_over = NVME_TEMPERATURE_WARNING_K;
	into->values[NVME_FEAT_ARBITRATION] = 7; /* no burst limit */
	into->values[NVME_FEAT_WRITE_CACHE] = nvme->ns->has_write_cache;
	into->values[NVME_FEAT_N_QUEUES] = n_queues_granted(nvme);
	for (i = 0; i < array_len(into->vector); i++)
		into->vector[i] = i;
}

void nvme_features_reset(struct nvme *nvme)
{
	features_default(nvme, &nvme->features);
}

static __u16 set_temperature(struct nvme *nvme, __u32 value)
{
	__u32 sensor = value >> 16 & 15;
	__u32 is_under = value >> 20 & 3;

	/* 0 is the composite temperature, 15 stands for all; no others. */
	if ((sensor && sensor != 15) || is_under > 1)
		return NVME_INVALID_FIELD;
	if (is_under)
		nvme->features.threshold_under = (__u16)value;
	else
		nvme->features.threshold_over = (__u16)value;
	nvme_event_check_temperature(nvme);
	return NVME_SUCCESS;
}

static bool has_io_queues(struct nvme *nvme)
{
	unsigned int i;

	for (i = 1; i <= nvme->options.n_queues; i++)
		if (nvme_cq_find(nvme, i))
			return true;
	return false;
}

static __u16 set_n_queues(struct nvme *nvme, __u32 value, __u32 *result)
{
	if (has_io_queues(nvme))
		return NVME_COMMAND_SEQUENCE_ERROR;
	if ((value & 0xffff) == 0xffff || value >> 16 == 0xffff)
		return NVME_INVALID_FIELD;
	*result = n_queues_granted(nvme);
	return NVME_SUCCESS;
}

static __u16 set_vector(struct nvme *nvme, __u32 value)
{
	__u32 vector = value & 0xffff;

	if (vector > nvme->options.n_queues)
		return NVME_INVALID_FIELD;
	nvme->features.vector[vector] = value &
					features[NVME_FEAT_VECTOR].settable;
	return NVME_SUCCESS;
}

__u16 nvme_set_features(struct nvme *nvme, const struct nvme_sqe *sqe,
			__u32 *result)
{
	__u32 id = sqe->cdw10 & 0xff;
	const struct feature *feature = feature_find(nvme, id);

	if (!feature)
		return NVME_INVALID_FIELD;
	if (sqe->cdw10 & SET_SAVE)
		return NVME_FEATURE_NOT_SAVEABLE;
	switch (id) {
	case NVME_FEAT_TEMPERATURE:
		return set_temperature(nvme, sqe->cdw11);
	case NVME_FEAT_N_QUEUES:
		return set_n_queues(nvme, sqe->cdw11, result);
	case NVME_FEAT_VECTOR:
		return set_vector(nvme, sqe->cdw11);
	case NVME_FEAT_POWER:
		/* There is power state 0 alone. */
		if (sqe->cdw11 & 0x1f)
			return NVME_INVALID_FIELD;
		break;
	default:
		break;
	}
	nvme->features.values[id] = sqe->cdw11 & feature->settable;
	if (id == NVME_FEAT_EVENTS)
		nvme_event_check_temperature(nvme);
	return NVME_SUCCESS;
}

static __u16 get_value(const struct nvme_features *from,
		       const struct nvme_sqe *sqe, __u32 *result)
{
	__u32 id = sqe->cdw10 & 0xff;
	__u32 vector = sqe->cdw11 & 0xffff;

	switch (id) {
	case NVME_FEAT_TEMPERATURE:
		if (sqe->cdw11 >> 16 & 15)
			return NVME_INVALID_FIELD;
		*result = sqe->cdw11 >> 20 & 1 ? from->threshold_under
					       : from->threshold_over;
		return NVME_SUCCESS;
	case NVME_FEAT_VECTOR:
		if (vector >= array_len(from->vector))
			return NVME_INVALID_FIELD;
		*result = from->vector[vector];
		return NVME_SUCCESS;
	default:
		*result = from->values[id];
		return NVME_SUCCESS;
	}
}

__u16 nvme_get_features(struct nvme *nvme, const struct nvme_sqe *sqe,
			__u32 *result)
{
	struct nvme_features defaults;

	if (!feature_find(nvme, sqe->cdw10 & 0xff))
		return NVME_INVALID_FIELD;
	switch (sqe->cdw10 >> 8 & 7) {
	case SELECT_CURRENT:
		return get_value(&nvme->features, sqe, result);
	case SELECT_DEFAULT:
	case SELECT_SAVED:
		features_default(nvme, &defaults);
		return get_value(&defaults, sqe, result);
	case SELECT_CAPABILITIES:
		*result = CHANGEABLE;
		return NVME_SUCCESS;
	default:
		return NVME_INVALID_FIELD;
	}
}
