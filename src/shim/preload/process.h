/* SPDX-License-Identifier: BSD-3-Clause */
/* Which process this memory belongs to, and what becomes of it at fork. */
#ifndef PRELOAD_PROCESS_H
#define PRELOAD_PROCESS_H

#include "base/compiler.h"

/* Called once, at the start. */
void process_start(void);

/* The process whose memory this is. */
int process_id(void);

/* Is the caller another process that borrows our memory (vfork)? Then our
 * tables are not to be changed. A system call. */
bool process_is_guest(void);

#endif /* PRELOAD_PROCESS_H */
