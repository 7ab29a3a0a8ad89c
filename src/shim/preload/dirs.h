/* SPDX-License-Identifier: BSD-3-Clause */
/* Directory streams that show something else than the kernel's listing. */
#ifndef PRELOAD_DIRS_H
#define PRELOAD_DIRS_H

void dirs_fork_child(void);

#endif /* PRELOAD_DIRS_H */
