/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands on the admin queue, NVMe 1.4 section 5: queues, abort, dispatch. */
#include "devices/nvme/admin.h"
#include "devices/nvme/event.h"
#include "vfio/pci.h"

#define QUEUE_CONTIGUOUS 1u /* PC, cdw11 of both Create commands */
#define QUEUE_INTERRUPTS 2u /* IEN, cdw11 of Create I/O Completion Queue */

typedef __u16 (*admin_handler)(struct nvme *nvme, const struct nvme_sqe *sqe,
			       __u32 *result);

/* What both Create commands have, checked but for the identifier. */
static __u16 queue_setup_decode(const struct nvme *nvme,
				const struct nvme_sqe *sqe,
				struct nvme_queue_setup *setup)
{
	__u32 n_entries = (sqe->cdw10 >> 16) + 1;

	if (n_entries < 2 || n_entries > NVME_MQES)
		return NVME_INVALID_QUEUE_SIZE;
	if (!(sqe->cdw11 & QUEUE_CONTIGUOUS))
		return NVME_INVALID_FIELD;
	if (sqe->prp1 & ((1ull << nvme->page_lg2) - 1))
		return NVME_INVALID_PRP_OFFSET;
	setup->id = sqe->cdw10 & 0xffff;
	setup->base = sqe->prp1;
	setup->n_entries = n_entries;
	return NVME_SUCCESS;
}

static bool queue_id_is_bad(const struct nvme *nvme, __u32 id)
{
	return !id || id > nvme->options.n_queues;
}

static __u16 admin_create_cq(struct nvme *nvme, const struct nvme_sqe *sqe,
			     __u32 *result)
{
	__u32 id = sqe->cdw10 & 0xffff;
	__u32 vector = sqe->cdw11 >> 16;
	struct nvme_queue_setup setup;
	__u16 status;

	(void)result;
	if (queue_id_is_bad(nvme, id) || nvme_cq_find(nvme, id))
		return NVME_INVALID_QUEUE_ID;
	status = queue_setup_decode(nvme, sqe, &setup);
	if (status)
		return status;
	/* Without MSI-X there is the pin alone, which is vector 0. */
	if (vector > nvme->options.n_queues ||
	    (vector && !vfio_pci_msi_active(nvme->pci) &&
	     sqe->cdw11 & QUEUE_INTERRUPTS))
		return NVME_INVALID_VECTOR;
	if (NVME_CC_IOCQES(nvme->cc) != NVME_CQE_LG2)
		return NVME_INVALID_FIELD;
	nvme_cq_init(nvme, &setup, sqe->cdw11 & QUEUE_INTERRUPTS,
		     (__u16)vector);
	return NVME_SUCCESS;
}

static __u16 admin_create_sq(struct nvme *nvme, const struct nvme_sqe *sqe,
			     __u32 *result)
{
	__u32 id = sqe->cdw10 & 0xffff;
	__u32 cq_id = sqe->cdw11 >> 16;
	struct nvme_queue_setup setup;
	__u16 status;

	(void)result;
	if (queue_id_is_bad(nvme, id) || nvme_sq_find(nvme, id))
		return NVME_INVALID_QUEUE_ID;
	if (queue_id_is_bad(nvme, cq_id) || !nvme_cq_find(nvme, cq_id))
		return NVME_INVALID_CQ;
	status = queue_setup_decode(nvme, sqe, &setup);
	if (status)
		return status;
	if (NVME_CC_IOSQES(nvme->cc) != NVME_SQE_LG2)
		return NVME_INVALID_FIELD;
	nvme_sq_init(nvme, &setup, nvme_cq_find(nvme, cq_id));
	return NVME_SUCCESS;
}

static __u16 admin_delete_sq(struct nvme *nvme, const struct nvme_sqe *sqe,
			     __u32 *result)
{
	__u32 id = sqe->cdw10 & 0xffff;
	struct nvme_sq *sq = nvme_sq_find(nvme, id);

	(void)result;
	if (!id || !sq)
		return NVME_INVALID_QUEUE_ID;
	/* Its commands in flight complete before this command does. */
	if (sq->n_in_flight) {
		nvme_controller_drain(nvme);
		nvme_cqs_flush(nvme);
	}
	nvme_sq_deinit(nvme, sq);
	return NVME_SUCCESS;
}

static __u16 admin_delete_cq(struct nvme *nvme, const struct nvme_sqe *sqe,
			     __u32 *result)
{
	__u32 id = sqe->cdw10 & 0xffff;
	struct nvme_cq *cq = nvme_cq_find(nvme, id);

	(void)result;
	if (!id || !cq)
		return NVME_INVALID_QUEUE_ID;
	if (cq->n_sqs)
		return NVME_INVALID_QUEUE_DELETION;
	nvme_cq_deinit(nvme, cq);
	return NVME_SUCCESS;
}

/*
 * 5.1: best effort. What was fetched runs to its end, so only requests for
 * events can be aborted; bit 0 of the result says "not aborted".
 */
static __u16 admin_abort(struct nvme *nvme, const struct nvme_sqe *sqe,
			 __u32 *result)
{
	__u32 sq_id = sqe->cdw10 & 0xffff;
	__u16 cid = (__u16)(sqe->cdw10 >> 16);

	*result = 1;
	if (!nvme_sq_find(nvme, sq_id))
		return NVME_INVALID_FIELD;
	if (!sq_id && nvme_events_abort(nvme, cid))
		*result = 0;
	return NVME_SUCCESS;
}

static __u16 admin_async_event(struct nvme *nvme, const struct nvme_sqe *sqe,
			       __u32 *result)
{
	(void)result;
	return nvme_events_request(nvme, sqe->cid);
}

static __u16 admin_doorbell_buffer(struct nvme *nvme,
				   const struct nvme_sqe *sqe, __u32 *result)
{
	__u64 in_page = (1ull << nvme->page_lg2) - 1;

	(void)result;
	if (!sqe->prp1 || !sqe->prp2)
		return NVME_INVALID_FIELD;
	if ((sqe->prp1 | sqe->prp2) & in_page)
		return NVME_INVALID_PRP_OFFSET;
	if (nvme_queues_use_shadows(nvme, sqe->prp1, sqe->prp2))
		return NVME_DATA_TRANSFER_ERROR;
	return NVME_SUCCESS;
}

static const admin_handler admin_handlers[NVME_ADMIN_N_OPCODES] = {
	[NVME_ADMIN_DELETE_SQ] = admin_delete_sq,
	[NVME_ADMIN_CREATE_SQ] = admin_create_sq,
	[NVME_ADMIN_GET_LOG_PAGE] = nvme_get_log_page,
	[NVME_ADMIN_DELETE_CQ] = admin_delete_cq,
	[NVME_ADMIN_CREATE_CQ] = admin_create_cq,
	[NVME_ADMIN_IDENTIFY] = nvme_identify,
	[NVME_ADMIN_ABORT] = admin_abort,
	[NVME_ADMIN_SET_FEATURES] = nvme_set_features,
	[NVME_ADMIN_GET_FEATURES] = nvme_get_features,
	[NVME_ADMIN_ASYNC_EVENT] = admin_async_event,
	[NVME_ADMIN_DOORBELL_BUFFER] = admin_doorbell_buffer,
};

__u16 nvme_admin_run(struct nvme *nvme, const struct nvme_sqe *sqe,
		     __u32 *result)
{
	if (sqe->opcode >= NVME_ADMIN_N_OPCODES || !admin_handlers[sqe->opcode])
		return NVME_INVALID_OPCODE;
	if (sqe->flags & (NVME_SQE_FUSE | NVME_SQE_PSDT))
		return NVME_INVALID_FIELD;
	return admin_handlers[sqe->opcode](nvme, sqe, result);
}
