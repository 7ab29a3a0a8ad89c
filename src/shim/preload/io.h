/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls that a file of the core answers, for syscall() too. */
#ifndef PRELOAD_IO_H
#define PRELOAD_IO_H

#include <sys/uio.h>
#include "shim/preload/fds.h"

/* Is it a file that we answer for? */
bool io_is_served(const struct fd_entry *entry);

/* Another process opened it: reported once. Return: -EIO. */
int io_refuse(struct fd_entry *entry);

/**
 * struct io_request - read into, or write from, several parts
 * @parts: the parts
 * @n_parts: their number
 * @position: where in the file; NULL: at its own position, which moves on
 * @is_write: direction
 */
struct io_request {
	const struct iovec *parts;
	int n_parts;
	const off_t *position;
	bool is_write;
};

/* @entry is a served one. Return: bytes, or -errno. */
ssize_t io_perform(struct fd_entry *entry, const struct io_request *request);

#endif /* PRELOAD_IO_H */
