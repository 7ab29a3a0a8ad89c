/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reports of refused DMA, on standard error, once per cause.
 *
 * A cause is device, direction, reason and 4 KiB page of the first byte that
 * was refused. Later refusals of the same cause are counted; the count is
 * told at the end. The table of causes is fixed: when it is full, further
 * causes are counted together, and that is said once.
 *
 * Runs in the thread that made the DMA, possibly inside a signal handler:
 * takes one leaf lock, allocates nothing.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/lock.h"
#include "base/log.h"
#include "base/trace.h"
#include "observe/observe.h"

#define CAUSES_MAX 256u
#define PAGE_LG2 12u

/**
 * struct cause - what was reported already
 * @device: name
 * @page: of the first refused byte
 * @reason: why
 * @is_write: direction
 * @n: refusals
 */
struct cause {
	char device[24];
	__u64 page;
	enum dma_fault_reason reason;
	bool is_write;
	__u64 n;
};

/**
 * struct reports - the state of this file
 * @lock: guards all but @n_errors
 * @causes: first come, first kept
 * @n_causes: entries in use
 * @n_untold: refusals after the table was full
 * @n_errors: all refusals
 * @on_fault: what the user asked
 */
struct reports {
	struct lock lock;
	struct cause causes[CAUSES_MAX];
	unsigned int n_causes;
	__u64 n_untold;
	_Atomic __u64 n_errors;
	enum observe_on_fault on_fault;
};

static struct reports reports = {
	.lock = LOCK_INITIALIZER(LOCK_RANK_LEAF),
};

static bool cause_is(const struct cause *cause,
		     const struct trace_dma_fault *fault)
{
	return cause->page == fault->bad_iova >> PAGE_LG2 &&
	       cause->reason == fault->reason &&
	       cause->is_write == fault->is_write &&
	       !strncmp(cause->device, fault->device,
			sizeof(cause->device) - 1);
}

/* Return: true when this refusal is the first of its cause. */
static bool cause_count(const struct trace_dma_fault *fault)
{
	struct cause *cause = reports.causes;
	unsigned int i;

	for (i = 0; i < reports.n_causes; i++, cause++)
		if (cause_is(cause, fault)) {
			cause->n++;
			return false;
		}
	if (reports.n_causes == CAUSES_MAX) {
		if (!reports.n_untold++)
			log_line("more than %u causes of refused DMA: the "
				 "rest is only counted",
				 CAUSES_MAX);
		return false;
	}
	snprintf(cause->device, sizeof(cause->device), "%s", fault->device);
	cause->page = fault->bad_iova >> PAGE_LG2;
	cause->reason = fault->reason;
	cause->is_write = fault->is_write;
	cause->n = 1;
	reports.n_causes++;
	return true;
}

/* The reason in words; @text has room for one line. */
static void reason_print(char *text, size_t len,
			 const struct trace_dma_fault *fault)
{
	static const char *const reason[DMA_FAULT_N_REASONS] = {
		[DMA_FAULT_NEVER_MAPPED] = "nothing was ever mapped there",
		[DMA_FAULT_UNMAPPED] =
			"it was mapped until a moment ago, as 0x%" PRIx64
			"-0x%" PRIx64 ", and is unmapped now",
		[DMA_FAULT_BEYOND] =
			"it runs beyond the end of the mapping 0x%" PRIx64
			"-0x%" PRIx64,
		[DMA_FAULT_READ_ONLY] = "the mapping 0x%" PRIx64 "-0x%" PRIx64
					" is read-only",
		[DMA_FAULT_WRITE_ONLY] = "the mapping 0x%" PRIx64 "-0x%" PRIx64
					 " is write-only",
		[DMA_FAULT_RESERVED] = "0x%" PRIx64 "-0x%" PRIx64
				       " is reserved and can not be mapped",
		[DMA_FAULT_BUS_MASTER] =
			"bus master is off in the device's command register",
		[DMA_FAULT_NOT_ATTACHED] =
			"the device is attached to no address space",
		[DMA_FAULT_MEMORY_GONE] = "it is mapped as 0x%" PRIx64
					  "-0x%" PRIx64
					  ", but the memory behind it is gone",
	};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
	snprintf(text, len, reason[fault->reason], (uint64_t)fault->near_start,
		 (uint64_t)fault->near_last);
#pragma GCC diagnostic pop
}

static void fault_print(const struct trace_dma_fault *fault)
{
	char why[160];
	char pasid[32] = "";
	char at[48] = "";

	reason_print(why, sizeof(why), fault);
	if (fault->pasid != TRACE_NO_PASID)
		snprintf(pasid, sizeof(pasid), " PASID %u", fault->pasid);
	if (fault->bad_iova != fault->iova)
		snprintf(at, sizeof(at), " at 0x%" PRIx64,
			 (uint64_t)fault->bad_iova);
	log_line("%s:%s DMA %s of %" PRIu64 " bytes at IOVA 0x%" PRIx64
		 " refused%s: %s",
		 fault->device, pasid, fault->is_write ? "write" : "read",
		 (uint64_t)fault->len, (uint64_t)fault->iova, at, why);
}

static void on_dma_fault(const struct trace_dma_fault *fault)
{
	bool is_first;

	atomic_fetch_add(&reports.n_errors, 1);
	if (reports.on_fault == OBSERVE_IGNORE)
		return;
	lock_acquire(&reports.lock);
	is_first = cause_count(fault);
	lock_release(&reports.lock);
	if (is_first)
		fault_print(fault);
	if (reports.on_fault == OBSERVE_ABORT)
		abort();
}

static void on_device_error(const char *device, const char *what)
{
	if (reports.on_fault != OBSERVE_IGNORE)
		log_line("%s: %s", device, what);
}

static const struct trace_listener listener = {
	.dma_fault = on_dma_fault,
	.device_error = on_device_error,
};

static void reports_clear(void)
{
	reports.n_causes = 0;
	reports.n_untold = 0;
	atomic_store(&reports.n_errors, 0);
}

void observe_start(enum observe_on_fault on_fault)
{
	reports_clear();
	reports.on_fault = on_fault;
	trace_listen(&listener);
}

__u64 observe_n_dma_errors(void)
{
	return atomic_load(&reports.n_errors);
}

void observe_finish(void)
{
	__u64 n = observe_n_dma_errors();

	if (n > reports.n_causes && reports.on_fault != OBSERVE_IGNORE)
		log_line("%" PRIu64 " DMA accesses were refused, of %u causes",
			 (uint64_t)n, reports.n_causes);
}

void observe_fork_child(void)
{
	lock_after_fork_child(&reports.lock);
	reports_clear();
}
