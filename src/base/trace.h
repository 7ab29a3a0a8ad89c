/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trace points: what every floor tells to whoever listens (src/observe).
 * With no listener a trace point is one load.
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/compiler.h"

enum dma_fault_reason {
	DMA_FAULT_NEVER_MAPPED,
	DMA_FAULT_UNMAPPED, /* it was mapped, and is no more */
	DMA_FAULT_BEYOND, /* begins inside a mapping, runs past its end */
	DMA_FAULT_READ_ONLY, /* mapped without write permission */
	DMA_FAULT_WRITE_ONLY, /* mapped without read permission */
	DMA_FAULT_RESERVED, /* a reserved range: the MSI window, ... */
	DMA_FAULT_BUS_MASTER, /* bus master enable is off */
	DMA_FAULT_NOT_ATTACHED,
	DMA_FAULT_MEMORY_GONE, /* mapped, but no memory is behind it */
	DMA_FAULT_N_REASONS,
};

#define TRACE_NO_PASID 0xffffffffu

/**
 * struct trace_dma_fault - a DMA that was refused
 * @device: the device's name as programs know it, "0000:01:00.0"
 * @pasid: or TRACE_NO_PASID
 * @is_write: direction, from the device's view
 * @iova: first byte of the access
 * @len: bytes of the access
 * @reason: why
 * @bad_iova: first byte that was refused
 * @near_start: the mapping it relates to (the one overrun, the one that was
 *	there, the reserved range), else 0
 * @near_last: its end
 */
struct trace_dma_fault {
	const char *device;
	__u32 pasid;
	bool is_write;
	__u64 iova;
	__u64 len;
	enum dma_fault_reason reason;
	__u64 bad_iova;
	__u64 near_start;
	__u64 near_last;
};

/**
 * struct trace_listener - who listens; any member may be NULL
 *
 * Context: any thread, signal handlers included, inside a read section. Must
 * not block for long, takes leaf locks only.
 */
struct trace_listener {
	void (*dma_fault)(const struct trace_dma_fault *fault);
	void (*device_error)(const char *device, const char *what);
};

/* One listener; NULL stops. Not while models run. */
void trace_listen(const struct trace_listener *listener);

void trace_dma_fault(const struct trace_dma_fault *fault);

/* A model met something a person should know: "fatal status: ...". */
void trace_device_error(const char *device, const char *format, ...)
	printf_like(2, 3);

#endif /* BASE_TRACE_H */
