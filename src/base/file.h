/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nodes and open files: the one interface between the frameworks and the
 * front ends.
 *
 * A framework describes a node (/dev/iommu, /dev/vfio/devices/vfio0). Opening
 * it makes a struct file with operations. The preload library turns libc
 * calls into these, an embedding program calls them through the public
 * library. Nobody above the frameworks knows what an ioctl does.
 *
 * All pointers that operations receive from a program are unchecked: they are
 * read and written by base/uaccess.h only.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdatomic.h>
#include <sys/types.h>
#include "base/compiler.h"

struct file;

/**
 * struct file_mmap - what mmap() asks
 * @addr: hint, or the place itself with MAP_FIXED
 * @len: bytes
 * @prot: PROT_*
 * @flags: MAP_*
 * @offset: byte offset in the file, page aligned
 */
struct file_mmap {
	void *addr;
	size_t len;
	int prot;
	int flags;
	off_t offset;
};

/**
 * struct file_ops - what an open file can do
 *
 * Each operation returns a value >= 0 or -errno, may be called by any thread
 * at any time between open and release, and by several at once. A missing
 * operation gives what Linux gives for a file without it: ioctl -ENOTTY,
 * pread and pwrite -EINVAL, mmap -ENODEV.
 *
 * @name: for logs
 * @ioctl: @cmd as the program gave it, @arg unchecked
 * @pread: read at a position; @buf unchecked
 * @pwrite: write at a position; @buf unchecked
 * @mmap: makes the mapping itself; the address is the result
 * @release: the last reference is gone; frees @file by file_free()
 */
struct file_ops {
	const char *name;
	long (*ioctl)(struct file *file, unsigned int cmd, void *arg);
	ssize_t (*pread)(struct file *file, void *buf, size_t count,
			 off_t position);
	ssize_t (*pwrite)(struct file *file, const void *buf, size_t count,
			  off_t position);
	void *(*mmap)(struct file *file, const struct file_mmap *request);
	void (*release)(struct file *file);
};

/**
 * struct file_node - a path that can be opened
 * @path: absolute, as programs know it
 * @rdev: what stat() shows
 * @mode: what stat() shows: S_IFCHR and permission bits
 * @open: make a file; @flags as in open(2). Return: the file or err_ptr()
 * @priv: the framework's
 */
struct file_node {
	const char *path;
	dev_t rdev;
	mode_t mode;
	struct file *(*open)(struct file_node *node, int flags);
	void *priv;
};

/**
 * struct file - an open file
 * @ops: what it can do
 * @priv: the framework's
 * @n_refs: one for each descriptor table entry and each internal user
 * @position: of plain read() and write()
 * @node: where it was opened, or NULL for an anonymous file
 */
struct file {
	const struct file_ops *ops;
	void *priv;
	atomic_uint n_refs;
	_Atomic off_t position;
	const struct file_node *node;
};

/* Return: a file with one reference, or NULL. */
struct file *file_alloc(const struct file_ops *ops, void *priv,
			const struct file_node *node);
void file_free(struct file *file);

void file_get(struct file *file);

/* Gives up one reference; the last one calls ops->release. */
void file_put(struct file *file);

/* The operations with Linux's answers where one is missing. */
long file_ioctl(struct file *file, unsigned int cmd, void *arg);
ssize_t file_pread(struct file *file, void *buf, size_t count, off_t position);
ssize_t file_pwrite(struct file *file, const void *buf, size_t count,
		    off_t position);
void *file_mmap(struct file *file, const struct file_mmap *request);

/**
 * struct file_host - who owns the descriptor table
 *
 * Frameworks meet descriptor numbers in their ioctls. The preload library, or
 * the public library's own table, says what they mean.
 *
 * @get: the file behind a number of ours, with a reference taken, or NULL
 * @install: give @file (its reference passes over) a number; or -errno
 * @hide: this real descriptor is ours: the program cannot close or see it
 * @unhide: called just before we close it ourselves
 * @thread_started: the calling thread is one of ours, not the program's
 */
struct file_host {
	struct file *(*get)(int fd);
	int (*install)(struct file *file, int flags);
	void (*hide)(int fd);
	void (*unhide)(int fd);
	void (*thread_started)(void);
};

/* Set once, before the first file is opened. */
void file_host_set(const struct file_host *host);

/* The table of the host that was set, or the library's own. */
struct file *file_from_fd(int fd);
int file_install(struct file *file, int flags);

/**
 * file_uninstall() - close a number of the library's own table
 * @fd: from file_install() while no host was set
 *
 * Gives up the table's reference. A host closes its numbers itself.
 * Return: 0 or -EBADF.
 */
int file_uninstall(int fd);

/**
 * fd_claim() - keep a real descriptor for ourselves
 * @fd: just opened; closed by this call
 *
 * Moves it to a high number, close-on-exec, hidden from the program.
 * Return: the new number, or -errno (@fd is closed then too).
 */
int fd_claim(int fd);

/* As fd_claim(), but @fd stays the program's: ours is a duplicate. */
int fd_claim_dup(int fd);

/* Close a claimed descriptor. Negative numbers are allowed. */
void fd_release(int fd);

#endif /* BASE_FILE_H */
