/* SPDX-License-Identifier: BSD-3-Clause */
/* The core library: loaded when a served node is first opened. */
#ifndef PRELOAD_CORE_H
#define PRELOAD_CORE_H

#include <stdatomic.h>
#include "shim/door.h"
#include "shim/preload/self.h"

/* NULL until the core is loaded; never changes afterwards. */
extern _Atomic(const struct shim_core *) core_ops
	__attribute__((visibility("hidden")));

static always_inline const struct shim_core *core_get(void)
{
	return atomic_load_explicit(&core_ops, memory_order_acquire);
}

/* Whatever this thread calls from here on is passed on as it is. */
static always_inline void core_enter(void)
{
	self.core_depth++;
}

static always_inline void core_leave(void)
{
	self.core_depth--;
}

/* Load the core, unless it is. Return: 0 or -errno; failure is reported. */
int core_load(void);

/* Give up a reference of a file. */
void core_file_put(struct file *file);

/* The program opened /dev/kvm. The core is told now, or when it is loaded. */
void core_note_kvm(void);

/* After fork, in the child: a load that another thread was in is void. */
void core_fork_child(void);

#endif /* PRELOAD_CORE_H */
