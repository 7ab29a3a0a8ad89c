/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Submission and completion queues, NVMe 1.4 section 4.
 *
 * A command is taken only when the completion queue has room for it: entries
 * used, staged and reserved together never exceed the ring. Completions are
 * staged in the controller and written in runs, so that a batch costs one DMA
 * each way. Admin commands are taken one by one: some stage more than their
 * own completion. The order a program relies on is data, completion, interrupt.
 */
#include "base/trace.h"
#include "devices/nvme/admin.h"
#include "devices/nvme/controller.h"
#include "devices/nvme/doorbell.h"
#include "devices/nvme/event.h"
#include "devices/nvme/io.h"

/* How many commands before it runs the blocks of one are prefetched. */
#define PREFETCH_AHEAD 4u

static __u32 ring_distance(__u32 from, __u32 to, __u32 n_entries)
{
	return to >= from ? to - from : to + n_entries - from;
}

static __u32 min_u32(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

void nvme_cq_init(struct nvme *nvme, const struct nvme_queue_setup *setup,
		  bool has_interrupt, __u16 vector)
{
	struct nvme_cq *cq = &nvme->cqs[setup->id];

	cq->base = setup->base;
	cq->n_entries = setup->n_entries;
	cq->head = 0;
	cq->tail = 0;
	cq->phase = 1;
	cq->id = setup->id;
	cq->vector = vector;
	cq->has_interrupt = has_interrupt;
	cq->needs_signal = false;
	cq->n_sqs = 0;
	cq->n_reserved = 0;
	cq->n_staged = 0;
	nvme_doorbell_init(nvme, &cq->doorbell, 2u * setup->id + 1);
}

void nvme_sq_init(struct nvme *nvme, const struct nvme_queue_setup *setup,
		  struct nvme_cq *cq)
{
	struct nvme_sq *sq = &nvme->sqs[setup->id];

	sq->base = setup->base;
	sq->n_entries = setup->n_entries;
	sq->head = 0;
	sq->tail = 0;
	sq->id = setup->id;
	sq->n_in_flight = 0;
	sq->cq = cq;
	cq->n_sqs++;
	nvme_doorbell_init(nvme, &sq->doorbell, 2u * setup->id);
	nvme->active[nvme->n_active++] = sq;
}

void nvme_sq_deinit(struct nvme *nvme, struct nvme_sq *sq)
{
	unsigned int i = 0;

	while (nvme->active[i] != sq)
		i++;
	for (nvme->n_active--; i < nvme->n_active; i++)
		nvme->active[i] = nvme->active[i + 1];
	sq->n_entries = 0;
	sq->cq->n_sqs--;
	atomic_store_explicit(sq->doorbell.slot, 0, memory_order_relaxed);
}

void nvme_cq_deinit(struct nvme *nvme, struct nvme_cq *cq)
{
	cq->n_entries = 0;
	atomic_store_explicit(cq->doorbell.slot, 0, memory_order_relaxed);
	nvme_intx_update(nvme);
}

void nvme_queues_deinit(struct nvme *nvme)
{
	unsigned int i;

	for (i = 0; i <= NVME_QUEUES_MAX; i++) {
		nvme->sqs[i].n_entries = 0;
		nvme->cqs[i].n_entries = 0;
	}
	nvme->n_active = 0;
	for (i = 0; i < NVME_N_DOORBELL_SLOTS; i++)
		atomic_store_explicit(nvme_doorbell_slot(nvme, i), 0,
				      memory_order_relaxed);
	nvme_intx_update(nvme);
}

struct nvme_sq *nvme_sq_find(struct nvme *nvme, __u32 id)
{
	if (id > NVME_QUEUES_MAX || !nvme->sqs[id].n_entries)
		return NULL;
	return &nvme->sqs[id];
}

struct nvme_cq *nvme_cq_find(struct nvme *nvme, __u32 id)
{
	if (id > NVME_QUEUES_MAX || !nvme->cqs[id].n_entries)
		return NULL;
	return &nvme->cqs[id];
}

static void queue_report_value(struct nvme *nvme, const char *queue, __u16 id,
			       __u32 value)
{
	trace_device_error(nvme->name,
			   "doorbell of %s queue %u: %u is beyond the queue",
			   queue, id, value);
	nvme_event_raise(nvme, NVME_EVENT_ERROR, NVME_EVENT_INVALID_VALUE);
}

static no_inline void nvme_sq_take_tail(struct nvme *nvme, struct nvme_sq *sq)
{
	__u32 tail;

	if (!nvme_doorbell_take(nvme, &sq->doorbell, &tail))
		return;
	if (tail >= sq->n_entries)
		queue_report_value(nvme, "submission", sq->id, tail);
	else
		sq->tail = tail;
}

static __u32 nvme_cq_used(const struct nvme_cq *cq)
{
	return ring_distance(cq->head, cq->tail, cq->n_entries);
}

static void nvme_cq_take_head(struct nvme *nvme, struct nvme_cq *cq)
{
	__u32 head;

	if (!nvme_doorbell_is_new(&cq->doorbell) ||
	    !nvme_doorbell_take(nvme, &cq->doorbell, &head))
		return;
	if (head >= cq->n_entries ||
	    ring_distance(cq->head, head, cq->n_entries) > nvme_cq_used(cq))
		queue_report_value(nvme, "completion", cq->id, head);
	else
		cq->head = head;
}

static __u32 nvme_cq_room_known(const struct nvme_cq *cq)
{
	return cq->n_entries - 1 - nvme_cq_used(cq) - cq->n_reserved;
}

__u32 nvme_cq_room(struct nvme *nvme, struct nvme_cq *cq, __u32 n_wanted)
{
	if (unlikely(nvme_cq_room_known(cq) < n_wanted))
		nvme_cq_take_head(nvme, cq);
	return nvme_cq_room_known(cq);
}

/* Staged completions into the ring: one run, or two where it wraps. */
static void nvme_cq_write(struct nvme *nvme, struct nvme_cq *cq)
{
	__u32 n_first = min_u32(cq->n_staged, cq->n_entries - cq->staged_at);
	__u32 n_rest = cq->n_staged - n_first;
	int err;

	cq->n_staged = 0;
	err = vfio_dma_write(nvme->device,
			     cq->base + (__u64)cq->staged_at *
						sizeof(struct nvme_cqe),
			     cq->staged, n_first * sizeof(struct nvme_cqe));
	if (!err && unlikely(n_rest))
		err = vfio_dma_write(nvme->device, cq->base,
				     &cq->staged[n_first],
				     n_rest * sizeof(struct nvme_cqe));
	if (unlikely(err))
		nvme_controller_fail(nvme, "a completion cannot be written");
	else if (cq->has_interrupt)
		cq->needs_signal = true;
}

static void nvme_cq_signal(struct nvme *nvme, struct nvme_cq *cq)
{
	cq->needs_signal = false;
	if (vfio_pci_msi_active(nvme->pci))
		vfio_pci_msi_trigger(nvme->pci, cq->vector);
	else
		nvme_intx_update(nvme);
}

static inline void nvme_cq_stage(struct nvme *nvme, struct nvme_cq *cq,
				 const struct nvme_cqe *cqe)
{
	struct nvme_cqe *staged;

	if (unlikely(cq->n_staged == NVME_BATCH))
		nvme_cq_write(nvme, cq);
	if (!cq->n_staged)
		cq->staged_at = cq->tail;
	staged = &cq->staged[cq->n_staged++];
	*staged = *cqe;
	staged->status = (__u16)(cqe->status << 1 | cq->phase);
	if (unlikely(++cq->tail == cq->n_entries)) {
		cq->tail = 0;
		cq->phase ^= 1;
	}
}

/* Trying again does not help, but where resources may come back. */
static __u16 status_with_dnr(__u16 status)
{
	switch (status) {
	case NVME_ABORT_REQUESTED:
	case NVME_INTERNAL_ERROR:
	case NVME_CAPACITY_EXCEEDED:
		return status;
	default:
		return status | NVME_STATUS_DNR;
	}
}

static inline void nvme_sq_answer(struct nvme *nvme, struct nvme_sq *sq,
				  __u16 cid, __u16 status, __u32 result)
{
	struct nvme_cqe cqe = {
		.result = result,
		.sq_head = (__u16)sq->head,
		.sq_id = sq->id,
		.cid = cid,
		.status = likely(!status) ? status : status_with_dnr(status),
	};

	nvme_cq_stage(nvme, sq->cq, &cqe);
}

void nvme_sq_complete(struct nvme *nvme, struct nvme_sq *sq, __u16 cid,
		      __u16 status, __u32 result)
{
	sq->cq->n_reserved--;
	sq->n_in_flight--;
	nvme_sq_answer(nvme, sq, cid, status, result);
}

void nvme_sq_complete_event(struct nvme *nvme, __u16 cid, __u16 status,
			    __u32 result)
{
	nvme_sq_answer(nvme, &nvme->sqs[0], cid, status, result);
}

static inline void nvme_sq_run(struct nvme *nvme, struct nvme_sq *sq,
			       const struct nvme_sqe *sqe)
{
	__u32 result = 0;
	__u16 status;

	if (likely(sq->id))
		status = nvme_io_run(nvme, sq, sqe);
	else
		status = nvme_admin_run(nvme, sqe, &result);
	if (unlikely(status)) {
		if (status == NVME_PENDING)
			return;
		nvme_error_log(nvme, sq->id, sqe, status);
	}
	nvme_sq_answer(nvme, sq, sqe->cid, status, result);
}

/* How many commands can be taken by one DMA, up to the ring's end. */
static __u32 nvme_sq_n_ready(struct nvme *nvme, struct nvme_sq *sq)
{
	__u32 end = sq->tail >= sq->head ? sq->tail : sq->n_entries;
	__u32 n = min_u32(end - sq->head, NVME_BATCH);

	n = min_u32(n, likely(sq->id) ? nvme->ns->n_free : 1);
	return min_u32(n, nvme_cq_room(nvme, sq->cq, n));
}

static bool nvme_sq_fetch(struct nvme *nvme, struct nvme_sq *sq, __u32 n)
{
	iova_t iova = sq->base + (__u64)sq->head * sizeof(struct nvme_sqe);

	if (unlikely(vfio_dma_read(nvme->device, iova, nvme->sqes,
				   n * sizeof(struct nvme_sqe)))) {
		nvme_controller_fail(nvme, "a command cannot be fetched");
		return false;
	}
	sq->head += n;
	if (sq->head == sq->n_entries)
		sq->head = 0;
	return true;
}

unsigned int nvme_sq_poll(struct nvme *nvme, struct nvme_sq *sq)
{
	struct nvme_cq *cq = sq->cq;
	__u32 n;
	__u32 i;

	if (nvme_doorbell_is_new(&sq->doorbell))
		nvme_sq_take_tail(nvme, sq);
	if (sq->head == sq->tail)
		return 0;
	n = nvme_sq_n_ready(nvme, sq);
	if (!n)
		return 0;
	/* Admin commands may wait, so they run outside a read section. */
	if (likely(sq->id))
		nvme_burst_begin(nvme);
	if (nvme_sq_fetch(nvme, sq, n)) {
		for (i = 0; i < n && likely(!nvme->is_fatal); i++) {
			if (i + PREFETCH_AHEAD < n)
				nvme_io_prefetch(
					nvme, &nvme->sqes[i + PREFETCH_AHEAD]);
			nvme_sq_run(nvme, sq, &nvme->sqes[i]);
		}
		if (cq->n_staged)
			nvme_cq_write(nvme, cq);
	}
	if (likely(sq->id))
		vfio_dma_burst_end();
	if (cq->needs_signal)
		nvme_cq_signal(nvme, cq);
	return n;
}

void nvme_cqs_flush(struct nvme *nvme)
{
	struct nvme_cq *cq;
	unsigned int i;

	for (i = 0; i <= nvme->options.n_queues; i++) {
		cq = &nvme->cqs[i];
		if (!cq->n_entries)
			continue;
		if (cq->n_staged)
			nvme_cq_write(nvme, cq);
		if (cq->needs_signal)
			nvme_cq_signal(nvme, cq);
	}
}

void nvme_intx_update(struct nvme *nvme)
{
	__u32 masked = atomic_load(&nvme->interrupt_mask);
	bool is_asserted = false;
	struct nvme_cq *cq;
	unsigned int i;

	for (i = 0; i <= nvme->options.n_queues; i++) {
		cq = &nvme->cqs[i];
		if (!cq->n_entries || !cq->has_interrupt ||
		    (cq->vector < 32 && masked >> cq->vector & 1))
			continue;
		nvme_cq_take_head(nvme, cq);
		if (nvme_cq_used(cq) > cq->n_staged)
			is_asserted = true;
	}
	if (vfio_pci_msi_active(nvme->pci))
		is_asserted = false;
	if (is_asserted == nvme->is_intx)
		return;
	nvme->is_intx = is_asserted;
	vfio_pci_intx_set(nvme->pci, is_asserted);
}

int nvme_queues_use_shadows(struct nvme *nvme, iova_t shadows, iova_t events)
{
	unsigned int i;
	int err = 0;

	nvme->shadows = shadows;
	nvme->shadow_events = events;
	for (i = 0; i <= nvme->options.n_queues && !err; i++) {
		if (nvme->sqs[i].n_entries)
			err = nvme_doorbell_use_shadow(
				nvme, &nvme->sqs[i].doorbell, 2 * i);
		if (nvme->cqs[i].n_entries && !err)
			err = nvme_doorbell_use_shadow(
				nvme, &nvme->cqs[i].doorbell, 2 * i + 1);
	}
	return err;
}

static void queues_check_slot(struct nvme *nvme, unsigned int index)
{
	_Atomic __u32 *slot = nvme_doorbell_slot(nvme, index);
	bool is_head = index & 1;

	if (!atomic_load_explicit(slot, memory_order_relaxed) ||
	    (is_head ? !!nvme_cq_find(nvme, index / 2)
		     : !!nvme_sq_find(nvme, index / 2)))
		return;
	atomic_store_explicit(slot, 0, memory_order_relaxed);
	trace_device_error(nvme->name,
			   "doorbell of %s queue %u, which does not exist",
			   is_head ? "completion" : "submission", index / 2);
	nvme_event_raise(nvme, NVME_EVENT_ERROR, NVME_EVENT_INVALID_DOORBELL);
}

void nvme_queues_check_strays(struct nvme *nvme)
{
	const __u8 *slots = nvme->registers + NVME_REG_DOORBELLS;
	unsigned int i;

	/* Two at a time: almost all are zero. */
	for (i = 0; i < NVME_N_DOORBELL_SLOTS; i += 2) {
		if (likely(!__atomic_load_n(
			    (const __u64 *)(const void *)(slots + 4ul * i),
			    __ATOMIC_RELAXED)))
			continue;
		queues_check_slot(nvme, i);
		queues_check_slot(nvme, i + 1);
	}
}

bool nvme_queues_have_work(struct nvme *nvme)
{
	unsigned int i;

	nvme_queues_check_strays(nvme);
	if (nvme_events_can_post(nvme))
		return true;
	for (i = 0; i <= nvme->options.n_queues; i++) {
		if (nvme->sqs[i].n_entries &&
		    nvme_doorbell_is_new(&nvme->sqs[i].doorbell))
			return true;
		if (!nvme->cqs[i].n_entries ||
		    !nvme_doorbell_is_new(&nvme->cqs[i].doorbell))
			continue;
		nvme_cq_take_head(nvme, &nvme->cqs[i]);
		return true;
	}
	return false;
}
