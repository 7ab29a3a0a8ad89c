/* SPDX-License-Identifier: BSD-3-Clause */
/* What the core is told of memory when it is loaded. */
#ifndef PRELOAD_MEMORY_H
#define PRELOAD_MEMORY_H

struct shim_core;

/* The program may have set RLIMIT_MEMLOCK before. */
void memory_tell_limit(const struct shim_core *core);

#endif /* PRELOAD_MEMORY_H */
