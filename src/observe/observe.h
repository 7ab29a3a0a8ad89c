/* SPDX-License-Identifier: BSD-3-Clause */
/* What listens to the trace points: the reports of refused DMA. */
#ifndef OBSERVE_OBSERVE_H
#define OBSERVE_OBSERVE_H

#include "base/compiler.h"

/* What a refused DMA does to the program: --on-fault. */
enum observe_on_fault {
	OBSERVE_REPORT,
	OBSERVE_ABORT,
	OBSERVE_IGNORE,
};

/**
 * observe_start() - listen, and report on standard error
 * @on_fault: report once per cause; report and abort(); or say nothing
 *
 * Context: once, before models run.
 */
void observe_start(enum observe_on_fault on_fault);

/* Return: DMA errors so far, each refusal counted. */
__u64 observe_n_dma_errors(void);

/* One line at the end for causes that came more than once. */
void observe_finish(void);

/* The child of a fork reports its own. */
void observe_fork_child(void);

#endif /* OBSERVE_OBSERVE_H */
