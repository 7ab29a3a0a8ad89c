/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening files, for those of our functions that do it too. */
#ifndef PRELOAD_OPEN_H
#define PRELOAD_OPEN_H

#include <sys/types.h>

/* As openat(). */
int open_at(int dirfd, const char *path, int flags, mode_t mode);

/* @fd is a directory: if relative paths from it matter, remember it. */
void open_note_dir_fd(int fd);

#endif /* PRELOAD_OPEN_H */
