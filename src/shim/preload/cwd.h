/* SPDX-License-Identifier: BSD-3-Clause */
/* The working directory, as far as it matters to relative paths. */
#ifndef PRELOAD_CWD_H
#define PRELOAD_CWD_H

#include <stdatomic.h>
#include "base/compiler.h"

/* Relative paths may lead to names of ours: it is "/", or below /dev, /sys or
 * /proc. */
extern atomic_bool cwd_matters __attribute__((visibility("hidden")));

/* It changed, or may have. */
void cwd_refresh(void);

/* Its name; or -errno. Return: the length. */
long cwd_name(char *name, size_t len);

void cwd_fork_child(void);

#endif /* PRELOAD_CWD_H */
