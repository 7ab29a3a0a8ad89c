/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who runs the controller.
 *
 * Asynchronous: one thread. It polls doorbells while there is work; idle for
 * IDLE_NS it arms them, looks once more, and sleeps. Doorbell callbacks and
 * register stores wake it.
 *
 * Synchronous: whoever rings runs the controller until nothing is left, one
 * thread at a time. A thread that finds it running leaves a note (run_word 2)
 * and the runner looks again, so no callback ever waits for another.
 */
#include <sched.h>
#include "devices/nvme/worker.h"

#define IDLE_NS 200000u
#define BUSY_WAIT_NS 50000u
#define NAP_MIN_NS 50000u
#define NAP_MAX_NS 8000000u
/* Looks between two readings of the clock. */
#define SPINS 128u

/**
 * struct idleness - how long there was nothing to do
 * @n_spins: looks in vain
 * @since: when they began, or 0
 * @nap: how long to sleep where doorbells cannot be armed
 */
struct idleness {
	unsigned int n_spins;
	__u64 since;
	__u64 nap;
};

static void idleness_end(struct idleness *idle)
{
	idle->n_spins = 0;
	idle->since = 0;
	idle->nap = NAP_MIN_NS;
}

static void worker_sleep(struct nvme *nvme, struct idleness *idle)
{
	if (!nvme->is_ready || nvme->is_fatal) {
		/* Doorbells mean nothing now; a register store will wake us. */
		waiter_wait(&nvme->waiter);
		idleness_end(idle);
		return;
	}
	nvme_queues_check_strays(nvme);
	if (!vfio_pci_doorbell_arm(nvme->pci)) {
		if (waiter_wait_for(&nvme->waiter, idle->nap))
			idleness_end(idle);
		else if (idle->nap < NAP_MAX_NS)
			idle->nap *= 2;
		return;
	}
	if (!nvme_queues_have_work(nvme))
		waiter_wait(&nvme->waiter);
	vfio_pci_doorbell_disarm(nvme->pci);
	idleness_end(idle);
}

static void worker_idle(struct nvme *nvme, struct idleness *idle)
{
	__u64 now;

	if (++idle->n_spins % SPINS) {
		__builtin_ia32_pause();
		return;
	}
	now = time_now_ns();
	if (!idle->since)
		idle->since = now;
	if (nvme->ns->n_in_flight) {
		if (now - idle->since > BUSY_WAIT_NS &&
		    nvme->ns->ops->reap(nvme, true))
			nvme_cqs_flush(nvme);
	} else if (now - idle->since > IDLE_NS) {
		worker_sleep(nvme, idle);
	}
}

static void worker_run(void *arg)
{
	struct idleness idle = { .nap = NAP_MIN_NS };
	struct nvme *nvme = arg;

	while (!(atomic_load_explicit(&nvme->attention, memory_order_acquire) &
		 NVME_ATTENTION_STOP)) {
		if (nvme_controller_run(nvme))
			idleness_end(&idle);
		else
			worker_idle(nvme, &idle);
	}
	nvme_controller_drain(nvme);
}

int nvme_worker_start(struct nvme *nvme)
{
	int state = NVME_WORKER_NONE;
	int err;

	if (nvme->is_sync ||
	    !atomic_compare_exchange_strong(&nvme->worker_state, &state,
					    NVME_WORKER_STARTING))
		return 0;
	err = thread_start(&nvme->worker, "nvme", worker_run, nvme);
	atomic_store(&nvme->worker_state,
		     err ? NVME_WORKER_NONE : NVME_WORKER_RUNS);
	return err;
}

void nvme_worker_stop(struct nvme *nvme)
{
	while (atomic_load(&nvme->worker_state) == NVME_WORKER_STARTING)
		sched_yield();
	if (atomic_load(&nvme->worker_state) == NVME_WORKER_RUNS) {
		atomic_fetch_or(&nvme->attention, NVME_ATTENTION_STOP);
		waiter_wake(&nvme->waiter);
		thread_join(&nvme->worker);
		atomic_store(&nvme->worker_state, NVME_WORKER_NONE);
	} else {
		nvme_controller_drain(nvme);
	}
	atomic_store(&nvme->attention, 0);
}

static void sync_run(struct nvme *nvme)
{
	int word = 0;

	if (!atomic_compare_exchange_strong(&nvme->run_word, &word, 1)) {
		word = 1;
		/* 2 is left as it is; 0 means that the runner just left. */
		if (atomic_compare_exchange_strong(&nvme->run_word, &word, 2) ||
		    word == 2)
			return;
		sync_run(nvme);
		return;
	}
	do {
		atomic_store(&nvme->run_word, 1);
		do {
			while (nvme_controller_run(nvme))
				;
			nvme_controller_drain(nvme);
			nvme_cqs_flush(nvme);
		} while (nvme->is_ready && !nvme->is_fatal &&
			 nvme_queues_have_work(nvme));
		word = 1;
	} while (!atomic_compare_exchange_strong(&nvme->run_word, &word, 0));
}

void nvme_worker_kick(struct nvme *nvme)
{
	if (nvme->is_sync)
		sync_run(nvme);
	else
		waiter_wake(&nvme->waiter);
}

void nvme_worker_attend(struct nvme *nvme, enum nvme_attention what)
{
	atomic_fetch_or(&nvme->attention, what);
	nvme_worker_kick(nvme);
}

void nvme_worker_reset(struct nvme *nvme)
{
	int state = NVME_WORKER_NONE;

	if (!nvme->is_sync &&
	    atomic_compare_exchange_strong(&nvme->worker_state, &state,
					   NVME_WORKER_STARTING)) {
		nvme_controller_reset(nvme);
		atomic_store(&nvme->worker_state, NVME_WORKER_NONE);
		return;
	}
	nvme_worker_attend(nvme, NVME_ATTENTION_RESET);
	waiter_wait(&nvme->answer);
}
