/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SIGSEGV and SIGBUS: ours once the core is loaded, and never blocked in a
 * process of a run, since a trapped page may be touched at any time. What the
 * program set is remembered and told back.
 */
#ifndef PRELOAD_SIGNALS_H
#define PRELOAD_SIGNALS_H

#include <signal.h>

/* At the start: the process may have been given a mask by its parent. */
void signals_start(void);

/* The core is loaded: put our handlers before the program's. */
void signals_take_over(void);

void signals_fork_child(void);

/**
 * signals_mask_for_wait() - a mask for the time of a call
 * @mask: the program's, or NULL
 * @changed: room for a copy
 *
 * Return: @mask, or a copy without our two signals.
 */
const sigset_t *signals_mask_for_wait(const sigset_t *mask, sigset_t *changed);

#endif /* PRELOAD_SIGNALS_H */
