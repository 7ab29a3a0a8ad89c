/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The controller's registers and states, NVMe 1.4 sections 3.1, 7.3 and 7.6.
 *
 *	disabled --EN--> ready --EN cleared, or reset--> disabled
 *	                 ready --queue memory unusable--> fatal --> disabled
 *
 * Registers are memory that programs read without our help. Stores come here
 * from any thread: those that need no thought are done at once, CC is mailed
 * to whoever runs the controller. The mail counts falls of EN, so that a
 * reset is not missed when EN rises again before anyone looked.
 */
#include <string.h>
#include "base/trace.h"
#include "devices/nvme/admin.h"
#include "devices/nvme/controller.h"
#include "devices/nvme/event.h"
#include "devices/nvme/worker.h"

#define CAP_TIMEOUT_HALF_SECONDS 20

static __u32 register_get(struct nvme *nvme, unsigned int reg)
{
	return atomic_load_explicit(nvme_register(nvme, reg),
				    memory_order_acquire);
}

static void register_set(struct nvme *nvme, unsigned int reg, __u32 value)
{
	atomic_store_explicit(nvme_register(nvme, reg), value,
			      memory_order_release);
}

static __u64 register_get64(struct nvme *nvme, unsigned int reg)
{
	return register_get(nvme, reg) | (__u64)register_get(nvme, reg + 4)
						 << 32;
}

void nvme_controller_power_on(struct nvme *nvme)
{
	__u64 cap = NVME_CAP_MQES(NVME_MQES - 1) | NVME_CAP_CQR |
		    NVME_CAP_TO(CAP_TIMEOUT_HALF_SECONDS) | NVME_CAP_CSS_NVM |
		    NVME_CAP_MPSMAX(NVME_PAGE_LG2_MAX);
	unsigned int reg;

	for (reg = 0; reg < NVME_REG_DOORBELLS; reg += 4)
		register_set(nvme, reg, 0);
	register_set(nvme, NVME_REG_CAP, (__u32)cap);
	register_set(nvme, NVME_REG_CAP + 4, (__u32)(cap >> 32));
	register_set(nvme, NVME_REG_VS, NVME_VS_1_4);
	nvme->page_lg2 = 12;
	atomic_store(&nvme->interrupt_mask, 0);
	nvme_features_reset(nvme);
}

void nvme_controller_drain(struct nvme *nvme)
{
	while (nvme->ns->n_in_flight) {
		nvme->ns->ops->submit(nvme);
		nvme->ns->ops->reap(nvme, true);
	}
}

/* 7.3.2: everything but AQA, ASQ and ACQ goes. */
static void controller_disable(struct nvme *nvme)
{
	nvme_controller_drain(nvme);
	nvme->is_ready = false;
	nvme->is_fatal = false;
	nvme->shadows = 0;
	nvme->shadow_events = 0;
	nvme_queues_deinit(nvme);
	nvme_events_reset(nvme);
	nvme_features_reset(nvme);
	register_set(nvme, NVME_REG_CSTS, 0);
}

void nvme_controller_fail(struct nvme *nvme, const char *what)
{
	if (nvme->is_fatal)
		return;
	nvme->is_fatal = true;
	trace_device_error(nvme->name, "fatal status (CSTS.CFS): %s", what);
	register_set(nvme, NVME_REG_CSTS,
		     register_get(nvme, NVME_REG_CSTS) | NVME_CSTS_CFS);
}

/* Return: why the controller cannot be enabled so, or NULL. */
static const char *enable_objection(struct nvme *nvme, __u32 cc)
{
	__u64 in_page = (4096ull << NVME_CC_MPS(cc)) - 1;
	__u32 aqa = register_get(nvme, NVME_REG_AQA);

	if (NVME_CC_CSS(cc))
		return "CC.CSS is not 0, the NVM command set";
	if (NVME_CC_AMS(cc))
		return "CC.AMS is not 0, round robin";
	if (NVME_CC_MPS(cc) + 12 > NVME_PAGE_LG2_MAX)
		return "CC.MPS is above CAP.MPSMAX";
	if (NVME_CC_IOSQES(cc) && NVME_CC_IOSQES(cc) != NVME_SQE_LG2)
		return "CC.IOSQES is not 6";
	if (NVME_CC_IOCQES(cc) && NVME_CC_IOCQES(cc) != NVME_CQE_LG2)
		return "CC.IOCQES is not 4";
	if (!(aqa & 0xfff) || !(aqa >> 16 & 0xfff))
		return "AQA: an admin queue has fewer than 2 entries";
	if (register_get64(nvme, NVME_REG_ASQ) & in_page)
		return "ASQ is not aligned to a memory page";
	if (register_get64(nvme, NVME_REG_ACQ) & in_page)
		return "ACQ is not aligned to a memory page";
	return NULL;
}

static void controller_enable(struct nvme *nvme, __u32 cc)
{
	const char *objection = enable_objection(nvme, cc);
	__u32 aqa = register_get(nvme, NVME_REG_AQA);
	struct nvme_queue_setup setup = {
		.base = register_get64(nvme, NVME_REG_ACQ),
		.n_entries = (aqa >> 16 & 0xfff) + 1,
	};

	if (objection) {
		nvme_controller_fail(nvme, objection);
		return;
	}
	nvme->page_lg2 = NVME_CC_MPS(cc) + 12;
	nvme_cq_init(nvme, &setup, true, 0);
	setup.base = register_get64(nvme, NVME_REG_ASQ);
	setup.n_entries = (aqa & 0xfff) + 1;
	nvme_sq_init(nvme, &setup, &nvme->cqs[0]);
	nvme->is_ready = true;
	register_set(nvme, NVME_REG_CSTS, NVME_CSTS_RDY);
}

/* 7.6.2: commands in flight finish and data is on stable storage. */
static void controller_shutdown(struct nvme *nvme)
{
	nvme_controller_drain(nvme);
	nvme_cqs_flush(nvme);
	if (nvme->ns->ops->sync)
		nvme->ns->ops->sync(nvme);
	register_set(nvme, NVME_REG_CSTS,
		     register_get(nvme, NVME_REG_CSTS) | NVME_CSTS_SHST_DONE);
}

void nvme_controller_take_cc(struct nvme *nvme)
{
	__u64 mail = atomic_load(&nvme->mail);
	__u32 n_resets = (__u32)(mail >> 32);
	__u32 cc = (__u32)mail;
	__u32 old;

	if (n_resets != nvme->n_resets) {
		nvme->n_resets = n_resets;
		controller_disable(nvme);
		nvme->cc = 0;
	}
	old = nvme->cc;
	nvme->cc = cc;
	if (cc & NVME_CC_EN && !(old & NVME_CC_EN))
		controller_enable(nvme, cc);
	if (NVME_CC_SHN(cc) && !NVME_CC_SHN(old))
		controller_shutdown(nvme);
	else if (!(cc & NVME_CC_EN) && !NVME_CC_SHN(cc))
		register_set(nvme, NVME_REG_CSTS, 0);
}

void nvme_controller_reset(struct nvme *nvme)
{
	controller_disable(nvme);
	nvme->cc = 0;
	nvme->n_resets = (__u32)(atomic_load(&nvme->mail) >> 32);
	atomic_store(&nvme->mail, (__u64)nvme->n_resets << 32);
	nvme_controller_power_on(nvme);
}

/* Return: true when something changed that a thread has to act on. */
static bool controller_mail_cc(struct nvme *nvme, __u32 cc)
{
	__u64 old = atomic_load(&nvme->mail);
	__u64 n_resets;

	do {
		n_resets = old >> 32;
		if (old & NVME_CC_EN && !(cc & NVME_CC_EN))
			n_resets++;
	} while (!atomic_compare_exchange_weak(&nvme->mail, &old,
					       n_resets << 32 | cc));
	register_set(nvme, NVME_REG_CC, cc);
	return (__u32)old != cc;
}

static void controller_store_cc(struct nvme *nvme, __u32 cc)
{
	if (!controller_mail_cc(nvme, cc))
		return;
	if (cc & NVME_CC_EN && nvme_worker_start(nvme)) {
		/* Nobody runs the controller, so nobody writes CSTS but us. */
		trace_device_error(nvme->name,
				   "fatal status (CSTS.CFS): no thread");
		register_set(nvme, NVME_REG_CSTS, NVME_CSTS_CFS);
		return;
	}
	if (!nvme->is_sync &&
	    atomic_load(&nvme->worker_state) == NVME_WORKER_NONE) {
		/* Disabled or shut down before it was ever enabled. */
		register_set(nvme, NVME_REG_CSTS,
			     NVME_CC_SHN(cc) ? NVME_CSTS_SHST_DONE : 0);
		return;
	}
	nvme_worker_attend(nvme, NVME_ATTENTION_CC);
}

static void controller_store_mask(struct nvme *nvme, __u32 set, __u32 clear)
{
	__u32 mask;

	atomic_fetch_or(&nvme->interrupt_mask, set);
	mask = atomic_fetch_and(&nvme->interrupt_mask, ~clear);
	mask &= ~clear;
	/* 3.1.3, 3.1.4: both read as the mask. */
	register_set(nvme, NVME_REG_INTMS, mask);
	register_set(nvme, NVME_REG_INTMC, mask);
	nvme_worker_attend(nvme, NVME_ATTENTION_INTX);
}

static void controller_store4(struct nvme *nvme, __u64 offset, __u32 value)
{
	if (offset >= NVME_REG_DOORBELLS) {
		/* Who runs the controller is woken by ops->doorbell. */
		register_set(nvme, (unsigned int)offset, value);
		return;
	}
	switch (offset) {
	case NVME_REG_INTMS:
		controller_store_mask(nvme, value, 0);
		break;
	case NVME_REG_INTMC:
		controller_store_mask(nvme, 0, value);
		break;
	case NVME_REG_CC:
		controller_store_cc(nvme, value);
		break;
	case NVME_REG_AQA:
		register_set(nvme, NVME_REG_AQA, value & 0x0fff0fff);
		break;
	case NVME_REG_ASQ:
	case NVME_REG_ACQ:
		register_set(nvme, (unsigned int)offset, value & ~0xfffu);
		break;
	case NVME_REG_ASQ + 4:
	case NVME_REG_ACQ + 4:
		register_set(nvme, (unsigned int)offset, value);
		break;
	default:
		/* Read-only, reserved, or of a feature that is not here. */
		break;
	}
}

void nvme_controller_store(struct nvme *nvme, __u64 offset, unsigned int width,
			   __u64 value)
{
	/* 3.1: narrower or unaligned accesses have no defined effect. */
	if (width < 4 || offset & 3)
		return;
	controller_store4(nvme, offset, (__u32)value);
	if (width == 8)
		controller_store4(nvme, offset + 4, (__u32)(value >> 32));
}

static no_inline void controller_attend(struct nvme *nvme)
{
	unsigned int what =
		atomic_fetch_and(&nvme->attention, NVME_ATTENTION_STOP);

	if (what & NVME_ATTENTION_RESET)
		nvme_controller_reset(nvme);
	if (what & NVME_ATTENTION_CC)
		nvme_controller_take_cc(nvme);
	if (what & NVME_ATTENTION_INTX)
		nvme_intx_update(nvme);
	if (what & NVME_ATTENTION_RESET)
		waiter_wake(&nvme->answer);
}

bool nvme_controller_run(struct nvme *nvme)
{
	unsigned int n = 0;
	unsigned int i;

	if (unlikely(atomic_load_explicit(&nvme->attention,
					  memory_order_relaxed)))
		controller_attend(nvme);
	if (unlikely(nvme->ns->n_in_flight)) {
		n += nvme->ns->ops->submit(nvme);
		n += nvme->ns->ops->reap(nvme, false);
		if (n)
			nvme_cqs_flush(nvme);
	}
	if (unlikely(!nvme->is_ready || nvme->is_fatal))
		return n;
	for (i = 0; i < nvme->n_active; i++)
		n += nvme_sq_poll(nvme, nvme->active[i]);
	if (unlikely(nvme_events_can_post(nvme))) {
		nvme_events_post(nvme);
		nvme_cqs_flush(nvme);
		n++;
	}
	if (unlikely(nvme->is_intx))
		nvme_intx_update(nvme);
	return n;
}
