/* SPDX-License-Identifier: BSD-3-Clause */
/* The one listener, and the trace points that call it. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include "base/trace.h"

#define TRACE_TEXT_MAX 512

static _Atomic(const struct trace_listener *) trace_listener;

static const struct trace_listener *trace_listener_now(void)
{
	return atomic_load_explicit(&trace_listener, memory_order_acquire);
}

void trace_listen(const struct trace_listener *listener)
{
	atomic_store_explicit(&trace_listener, listener, memory_order_release);
}

void trace_dma_fault(const struct trace_dma_fault *fault)
{
	const struct trace_listener *listener = trace_listener_now();

	if (listener && listener->dma_fault)
		listener->dma_fault(fault);
}

void trace_device_error(const char *device, const char *format, ...)
{
	const struct trace_listener *listener = trace_listener_now();
	char text[TRACE_TEXT_MAX];
	va_list args;

	if (!listener || !listener->device_error)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	listener->device_error(device, text);
}
