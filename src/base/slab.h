/* SPDX-License-Identifier: BSD-3-Clause */
/* What base/mem.c asks of base/slab.c. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>

/* Return: objects alive in all slabs. */
size_t slab_n_objects(void);

/* Around a fork, in the parent; after it, in both processes. */
void slab_fork_prepare(void);
void slab_fork_done(void);

#endif /* BASE_SLAB_H */
