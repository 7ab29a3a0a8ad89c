/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a directory without libc's streams and without the heap. */
#ifndef PRELOAD_DENTS_H
#define PRELOAD_DENTS_H

#include <sys/types.h>
#include "base/compiler.h"

struct dents_entry {
	ino_t ino;
	unsigned char type;
	const char *name;
};

/* Visit each entry but "." and ".." from the descriptor's position on.
 * Return: 0 or -errno. */
int dents_read(int fd, void (*visit)(void *arg, const struct dents_entry *),
	       void *arg);

#endif /* PRELOAD_DENTS_H */
