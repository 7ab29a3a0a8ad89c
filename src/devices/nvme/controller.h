/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The controller: what one NVMe device is made of.
 *
 * Who touches what. All state below @attention belongs to whoever runs the
 * controller: the worker thread, or, in synchronous mode, the thread that
 * rang, one at a time. Callbacks of the framework reach it only by @mail and
 * @attention. Between open and the start of the worker, and after its end,
 * the thread in open or close owns all.
 */
#ifndef DEVICES_NVME_CONTROLLER_H
#define DEVICES_NVME_CONTROLLER_H

#include <stdatomic.h>
#include "base/thread.h"
#include "devices/nvme/namespace.h"
#include "devices/nvme/options.h"
#include "devices/nvme/queue.h"
#include "devices/nvme/spec.h"
#include "vfio/pci.h"

#define NVME_MQES 4096u
#define NVME_PAGE_LG2_MAX 16
#define NVME_MDTS_LG2 8
#define NVME_TRANSFER_MAX (4096u << NVME_MDTS_LG2)
#define NVME_N_AERS 4u
#define NVME_N_ERRORS 64u
#define NVME_TEMPERATURE_K 313u
#define NVME_TEMPERATURE_WARNING_K 343u
#define NVME_TEMPERATURE_CRITICAL_K 358u

/* Bits of nvme->attention: what the runner is asked to look at. */
enum nvme_attention {
	NVME_ATTENTION_CC = 1,
	NVME_ATTENTION_INTX = 2,
	NVME_ATTENTION_RESET = 4,
	NVME_ATTENTION_STOP = 8,
};

enum nvme_worker_state {
	NVME_WORKER_NONE,
	NVME_WORKER_STARTING,
	NVME_WORKER_RUNS,
};

/**
 * struct nvme_events - asynchronous events, NVMe 5.2
 * @n_cids: requests outstanding
 * @cids: their identifiers
 * @pending: dword 0 of an event of each type that waits for a request
 * @is_pending: it does
 * @is_masked: reported, and its log page was not read since
 */
struct nvme_events {
	unsigned int n_cids;
	__u16 cids[NVME_N_AERS];
	__u32 pending[NVME_EVENT_N_TYPES];
	bool is_pending[NVME_EVENT_N_TYPES];
	bool is_masked[NVME_EVENT_N_TYPES];
};

/**
 * struct nvme_features - current values, NVMe 5.21.1
 * @values: dword 11 by feature identifier
 * @threshold_over, @threshold_under: composite temperature, Kelvin
 * @vector: dword 11 of interrupt vector configuration, by vector
 */
struct nvme_features {
	__u32 values[NVME_FEAT_LAST + 1];
	__u16 threshold_over;
	__u16 threshold_under;
	__u32 vector[NVME_QUEUES_MAX + 1];
};

/**
 * struct nvme_counters - for the SMART log, NVMe 5.14.1.2
 * @n_reads, @n_writes: commands
 * @blocks_read, @blocks_written: blocks of 512 bytes
 * @n_errors: entries ever put in the error log
 * @n_media_errors: unrecovered data
 */
struct nvme_counters {
	__u64 n_reads;
	__u64 n_writes;
	__u64 blocks_read;
	__u64 blocks_written;
	__u64 n_errors;
	__u64 n_media_errors;
};

/**
 * struct nvme - a controller
 * @options: what the user asked; constant
 * @pci, @device: the framework's, from open to close
 * @registers: BAR 0, backing memory
 * @name: of the device, for reports
 * @is_sync: no worker; constant from open to close
 * @mail: CC as stored last (low half) and how often EN fell (high half)
 * @interrupt_mask: INTMS, INTMC
 * @attention: enum nvme_attention, what the runner has to look at
 * @run_word: synchronous mode: 0 idle, 1 running, 2 running, look again
 * @worker_state: enum nvme_worker_state
 * @worker: the thread
 * @waiter: the worker sleeps here
 * @answer: who asked for a reset sleeps here
 *
 * @cc: CC as acted on
 * @n_resets: falls of EN acted on
 * @is_ready, @is_fatal: CSTS
 * @is_intx: level of the pin
 * @page_lg2: memory page, from CC.MPS
 * @n_active, @active: submission queues that exist
 * @sqs, @cqs: by identifier, 0 is the admin queue
 * @sqes: commands fetched from memory
 * @burst_len: bytes copied since the read section began
 * @shadows, @shadow_events: IOVA of shadow doorbells and event indices, 0 none
 * @queues_granted: Set Features number of queues, 0-based
 * @errors: error log, a ring; the entry of error n is at (n - 1) % size
 */
struct nvme {
	struct nvme_options options;
	struct vfio_pci_device *pci;
	struct vfio_device *device;
	__u8 *registers;
	const char *name;
	bool is_sync;
	_Atomic __u64 mail;
	_Atomic __u32 interrupt_mask;
	struct thread worker;
	struct waiter answer;
	atomic_int worker_state;
	atomic_int run_word;

	struct waiter waiter cacheline_aligned;
	atomic_uint attention;

	__u32 cc cacheline_aligned;
	__u32 n_resets;
	bool is_ready;
	bool is_fatal;
	bool is_intx;
	unsigned int page_lg2;
	unsigned int n_active;
	struct nvme_sq *active[NVME_QUEUES_MAX + 1];
	struct nvme_namespace *ns;
	size_t burst_len;
	iova_t shadows;
	iova_t shadow_events;
	struct nvme_counters counters;
	struct nvme_events events;
	struct nvme_features features;
	struct nvme_error_entry errors[NVME_N_ERRORS];
	struct nvme_sqe sqes[NVME_BATCH] cacheline_aligned;
	struct nvme_sq sqs[NVME_QUEUES_MAX + 1];
	struct nvme_cq cqs[NVME_QUEUES_MAX + 1];
};

static inline _Atomic __u32 *nvme_register(struct nvme *nvme, unsigned int reg)
{
	return (_Atomic __u32 *)(void *)(nvme->registers + reg);
}

/* Registers after power-on, NVMe 3.1. */
void nvme_controller_power_on(struct nvme *nvme);

/* Act on stores to CC since the last call. */
void nvme_controller_take_cc(struct nvme *nvme);

/* All that a function level reset does but the answer. */
void nvme_controller_reset(struct nvme *nvme);

/* A store to a register, or to a doorbell that does not go by memory. */
void nvme_controller_store(struct nvme *nvme, __u64 offset, unsigned int width,
			   __u64 value);

/**
 * nvme_controller_fail() - queue memory is unusable: CSTS.CFS, and stop
 * @what: for the report
 */
void nvme_controller_fail(struct nvme *nvme, const char *what);

/* Wait for every command in flight; their completions are staged. */
void nvme_controller_drain(struct nvme *nvme);

/**
 * nvme_controller_run() - one pass over everything there is to do
 * Return: false when there was nothing.
 */
bool nvme_controller_run(struct nvme *nvme);

static inline void nvme_burst_begin(struct nvme *nvme)
{
	nvme->burst_len = 0;
	vfio_dma_burst_begin();
}

/* Give up the read section for a moment when much was copied in it. */
static inline void nvme_burst_count(struct nvme *nvme, size_t len)
{
	nvme->burst_len += len;
	if (likely(nvme->burst_len < 65536))
		return;
	nvme->burst_len = 0;
	vfio_dma_burst_end();
	vfio_dma_burst_begin();
}

#endif /* DEVICES_NVME_CONTROLLER_H */
