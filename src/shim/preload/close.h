/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers that go, and that lead where another leads. */
#ifndef PRELOAD_CLOSE_H
#define PRELOAD_CLOSE_H

/* @new_fd was made by the kernel as a duplicate of @old_fd. */
void close_share(int old_fd, int new_fd);

#endif /* PRELOAD_CLOSE_H */
