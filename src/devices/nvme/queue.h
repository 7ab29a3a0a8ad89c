/* SPDX-License-Identifier: BSD-3-Clause */
/* Submission and completion queues. */
#ifndef DEVICES_NVME_QUEUE_H
#define DEVICES_NVME_QUEUE_H

#include <stdatomic.h>
#include "devices/nvme/spec.h"

struct nvme;

/* Entries moved by one DMA, at most. */
#define NVME_BATCH 64u

/**
 * struct nvme_doorbell - one doorbell slot, and its shadow if there is one
 * @slot: in the BAR's backing memory, written by the program
 * @seen: value of @slot that was looked at last
 * @shadow: IOVA of its shadow (NVMe 5.7), 0: none
 * @event: IOVA of its event index
 * @event_value: last value written there, which the shadow had
 * @is_shadow_live: the program uses the shadow. Linux leaves that of the
 *	admin queue alone, libvfn does not: it shows at the first change
 * @is_unsettled: the shadow may have moved while @event was written
 */
struct nvme_doorbell {
	_Atomic __u32 *slot;
	__u32 seen;
	iova_t shadow;
	iova_t event;
	__u32 event_value;
	bool is_shadow_live;
	bool is_unsettled;
};

/**
 * struct nvme_cq - a completion queue
 * @doorbell: head
 * @base: IOVA of the ring
 * @n_entries: of the ring; 0: the queue does not exist
 * @head: entries below it were taken by the program
 * @tail: next entry to fill, staged ones included
 * @phase: of the entry at @tail
 * @id: queue identifier
 * @vector: interrupt vector
 * @has_interrupt: interrupts are enabled
 * @n_sqs: submission queues that complete here
 * @n_reserved: commands in flight, which will need an entry each
 * @needs_signal: entries were written since the last interrupt
 * @n_staged: entries of @staged that are not in the ring yet
 * @staged_at: ring index of the first of them
 * @staged: completed entries; written by one DMA
 */
struct nvme_cq {
	struct nvme_doorbell doorbell;
	iova_t base;
	__u32 n_entries;
	__u32 head;
	__u32 tail;
	__u16 phase;
	__u16 id;
	__u16 vector;
	bool has_interrupt;
	bool needs_signal;
	__u32 n_sqs;
	__u32 n_reserved;
	__u32 n_staged;
	__u32 staged_at;
	struct nvme_cqe staged[NVME_BATCH];
};

/**
 * struct nvme_sq - a submission queue
 * @doorbell: tail
 * @base: IOVA of the ring
 * @n_entries: of the ring; 0: the queue does not exist
 * @head: next entry to fetch
 * @tail: entries below it were submitted
 * @id: queue identifier
 * @n_in_flight: commands fetched and not completed
 * @cq: where they complete
 */
struct nvme_sq {
	struct nvme_doorbell doorbell;
	iova_t base;
	__u32 n_entries;
	__u32 head;
	__u32 tail;
	__u16 id;
	__u32 n_in_flight;
	struct nvme_cq *cq;
};

/**
 * struct nvme_queue_setup - what a queue is made of
 * @id: identifier
 * @base: IOVA of the ring
 * @n_entries: entries
 */
struct nvme_queue_setup {
	__u16 id;
	iova_t base;
	__u32 n_entries;
};

void nvme_cq_init(struct nvme *nvme, const struct nvme_queue_setup *setup,
		  bool has_interrupt, __u16 vector);
void nvme_sq_init(struct nvme *nvme, const struct nvme_queue_setup *setup,
		  struct nvme_cq *cq);

/* Nothing is in flight in the queue. */
void nvme_sq_deinit(struct nvme *nvme, struct nvme_sq *sq);
void nvme_cq_deinit(struct nvme *nvme, struct nvme_cq *cq);

/* All queues, at a controller reset; the doorbell slots become zero. */
void nvme_queues_deinit(struct nvme *nvme);

/* Return: a queue that exists, or NULL. */
struct nvme_sq *nvme_sq_find(struct nvme *nvme, __u32 id);
struct nvme_cq *nvme_cq_find(struct nvme *nvme, __u32 id);

/**
 * nvme_sq_poll() - take commands from a queue and run them
 * Return: commands taken.
 */
unsigned int nvme_sq_poll(struct nvme *nvme, struct nvme_sq *sq);

/**
 * nvme_sq_complete() - stage the completion of one command
 * @sq: the queue it came from
 * @cid: its identifier
 * @status: enum nvme_status
 * @result: dword 0
 *
 * There is room: it was looked for before the command was taken.
 */
void nvme_sq_complete(struct nvme *nvme, struct nvme_sq *sq, __u16 cid,
		      __u16 status, __u32 result);

/* Entries that can be completed now, beyond those reserved. */
__u32 nvme_cq_room(struct nvme *nvme, struct nvme_cq *cq, __u32 n_wanted);

/* Write staged completions, then interrupt. Context: outside a burst. */
void nvme_cqs_flush(struct nvme *nvme);

/* Use shadow doorbells from now on, NVMe 5.7. Return: 0 or -EIO. */
int nvme_queues_use_shadows(struct nvme *nvme, iova_t shadows, iova_t events);

/* Is there anything that polling would find? Also judges stray doorbells. */
bool nvme_queues_have_work(struct nvme *nvme);

/* Find stores to doorbells of queues that do not exist. */
void nvme_queues_check_strays(struct nvme *nvme);

/* Recompute the INTx level from heads and tails. */
void nvme_intx_update(struct nvme *nvme);

#endif /* DEVICES_NVME_QUEUE_H */
