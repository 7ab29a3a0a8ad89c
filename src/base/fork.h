/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Around a fork: no lock of base is held by a thread that the child lacks.
 *
 * The locks of base stand below those of every other floor, so prepare is
 * called after the other floors' own, and parent or child before theirs.
 */
#ifndef BASE_FORK_H
#define BASE_FORK_H

void base_fork_prepare(void);
void base_fork_parent(void);
void base_fork_child(void);

#endif /* BASE_FORK_H */
