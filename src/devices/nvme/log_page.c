/* SPDX-License-Identifier: BSD-3-Clause */
/* Get Log Page, NVMe 1.4 section 5.14. */
#include <string.h>
#include "devices/nvme/admin.h"
#include "devices/nvme/event.h"
#include "devices/nvme/prp.h"

#define RETAIN_EVENT (1u << 15)

/* 5.14.1.2, the fields that are not zero; counters are 128 bits wide. */
struct log_smart {
	__u8 critical_warning;
	__u8 temperature[2];
	__u8 spare;
	__u8 spare_threshold;
	__u8 reserved_5[27];
	__u64 units_read[2];
	__u64 units_written[2];
	__u64 n_reads[2];
	__u64 n_writes[2];
	__u64 busy_minutes[2];
	__u64 n_power_cycles[2];
	__u64 power_on_hours[2];
	__u64 unsafe_shutdowns[2];
	__u64 n_media_errors[2];
	__u64 n_errors[2];
	__u8 reserved_192[320];
};
static_assert(sizeof(struct log_smart) == 512, "5.14.1.2");

/* 5.14.1.3. */
struct log_firmware {
	__u8 active_slot;
	__u8 reserved_1[7];
	char revisions[7][8];
	__u8 reserved_64[448];
};
static_assert(sizeof(struct log_firmware) == 512, "5.14.1.3");

/**
 * union log_page - any page
 *
 * Filled whole; a command then copies a part of it.
 */
union log_page {
	struct nvme_error_entry errors[NVME_N_ERRORS];
	struct log_smart smart;
	struct log_firmware firmware;
	__u8 bytes[NVME_N_ERRORS * sizeof(struct nvme_error_entry)];
};

/* Newest first. */
static size_t log_fill_errors(const struct nvme *nvme, union log_page *page)
{
	__u64 n = nvme->counters.n_errors;
	unsigned int i;

	for (i = 0; i < NVME_N_ERRORS && i < n; i++)
		page->errors[i] = nvme->errors[(n - 1 - i) % NVME_N_ERRORS];
	return sizeof(page->errors);
}

/* Thousands of blocks, rounded up. */
static __u64 data_units(__u64 n_blocks)
{
	return (n_blocks + 999) / 1000;
}

static size_t log_fill_smart(const struct nvme *nvme, union log_page *page)
{
	const struct nvme_counters *counters = &nvme->counters;
	struct log_smart *smart = &page->smart;

	smart->critical_warning = nvme_critical_warning(nvme);
	smart->temperature[0] = NVME_TEMPERATURE_K & 0xff;
	smart->temperature[1] = NVME_TEMPERATURE_K >> 8;
	smart->spare = 100;
	smart->spare_threshold = 10;
	smart->units_read[0] = data_units(counters->blocks_read);
	smart->units_written[0] = data_units(counters->blocks_written);
	smart->n_reads[0] = counters->n_reads;
	smart->n_writes[0] = counters->n_writes;
	smart->n_power_cycles[0] = 1;
	smart->n_media_errors[0] = counters->n_media_errors;
	smart->n_errors[0] = counters->n_errors;
	return sizeof(*smart);
}

static size_t log_fill_firmware(union log_page *page)
{
	page->firmware.active_slot = 1;
	memcpy(page->firmware.revisions[0], "1.0     ",
	       sizeof(page->firmware.revisions[0]));
	return sizeof(page->firmware);
}

/* Return: bytes of the page, or 0: there is no such page. */
static size_t log_fill(const struct nvme *nvme, __u32 id, union log_page *page)
{
	switch (id) {
	case NVME_LOG_ERROR:
		return log_fill_errors(nvme, page);
	case NVME_LOG_SMART:
		return log_fill_smart(nvme, page);
	case NVME_LOG_FIRMWARE:
		return log_fill_firmware(page);
	default:
		return 0;
	}
}

static void log_was_read(struct nvme *nvme, __u32 id)
{
	if (id == NVME_LOG_ERROR)
		nvme_event_unmask(nvme, NVME_EVENT_ERROR);
	else if (id == NVME_LOG_SMART)
		nvme_event_unmask(nvme, NVME_EVENT_SMART);
}

/* Bytes of the page from an offset on; beyond its end zeroes follow. */
static __u16 log_write(struct nvme *nvme, const struct nvme_sqe *sqe,
		       const __u8 *bytes, size_t n_valid, size_t len)
{
	static const __u8 zeroes[4096];
	struct nvme_segments segments;
	size_t done = 0;
	unsigned int i;
	__u16 status;
	size_t part;
	__u64 at;
	bool is_in;

	status = nvme_prp_walk(nvme, sqe, len, &segments);
	for (i = 0; !status && i < segments.n; i++)
		for (at = 0; at < segments.array[i].len; at += part) {
			is_in = done < n_valid;
			part = segments.array[i].len - at;
			if (is_in && part > n_valid - done)
				part = n_valid - done;
			if (!is_in && part > sizeof(zeroes))
				part = sizeof(zeroes);
			if (vfio_dma_write(nvme->device,
					   segments.array[i].iova + at,
					   is_in ? bytes + done : zeroes, part))
				return NVME_DATA_TRANSFER_ERROR;
			done += part;
		}
	return status;
}

__u16 nvme_get_log_page(struct nvme *nvme, const struct nvme_sqe *sqe,
			__u32 *result)
{
	__u64 n_dwords =
		((__u64)(sqe->cdw11 & 0xffff) << 16 | sqe->cdw10 >> 16) + 1;
	__u64 offset = (__u64)sqe->cdw13 << 32 | sqe->cdw12;
	__u32 id = sqe->cdw10 & 0xff;
	union log_page page = { 0 };
	size_t page_len;
	__u16 status;

	(void)result;
	if (sqe->nsid && sqe->nsid != NVME_NSID_ALL)
		return NVME_INVALID_FIELD;
	page_len = log_fill(nvme, id, &page);
	if (!page_len)
		return NVME_INVALID_LOG_PAGE;
	if (n_dwords * 4 > NVME_TRANSFER_MAX || offset & 3 || offset > page_len)
		return NVME_INVALID_FIELD;
	status = log_write(nvme, sqe, page.bytes + offset, page_len - offset,
			   n_dwords * 4);
	if (!status && !(sqe->cdw10 & RETAIN_EVENT))
		log_was_read(nvme, id);
	return status;
}
