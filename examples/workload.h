/* SPDX-License-Identifier: BSD-3-Clause */
/* Work for an NVMe controller, checked and measured. */
#ifndef EXAMPLES_WORKLOAD_H
#define EXAMPLES_WORKLOAD_H

#include "nvme_controller.h"

enum {
	WORKLOAD_MAX_DEPTH = 1024
};

/**
 * struct workload - how much
 * @mib: MiB to write and to read back
 * @depth: commands in flight
 * @seconds: how long to read at random
 */
struct workload {
	unsigned long mib;
	unsigned long depth;
	unsigned long seconds;
};

/**
 * workload_run() - write, flush, read back and compare, read at random
 * @nvme: started with the same depth; its first blocks are overwritten
 * @workload: how much
 *
 * Prints a line for each.
 *
 * Return: 0, or a negative errno, after a complaint.
 */
int workload_run(struct nvme *nvme, const struct workload *workload);

#endif /* EXAMPLES_WORKLOAD_H */
