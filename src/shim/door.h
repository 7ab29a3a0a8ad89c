/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between the preload library and the core library.
 *
 * The preload library (src/shim/preload/) is in every process under
 * "iommufd-user run", needs libc alone, and opens the core with RTLD_LOCAL
 * when a program first opens a served node. It then finds one symbol,
 * iommufd_user_shim_start(), hands over struct shim_host and gets struct
 * shim_core.
 */
#ifndef SHIM_DOOR_H
#define SHIM_DOOR_H

#include <signal.h>
#include <sys/types.h>
#include "base/compiler.h"
#include "base/file.h"

#define SHIM_DOOR_VERSION 1

/* Environment: the run directory of this run. */
#define SHIM_ENV_RUN "IOMMUFD_USER_RUN"

/*
 * Environment: the number of the inherited descriptor that holds the run's
 * lock. Hidden from the program, handed on to whatever it executes.
 */
#define SHIM_ENV_LOCK "IOMMUFD_USER_LOCK"

/* Files of a run directory. */
#define SHIM_RUN_CONFIG "config" /* the machine: one option a line */
#define SHIM_RUN_NODES "nodes" /* "PATH MAJOR MINOR MODE" a line */
#define SHIM_RUN_LOCK "lock" /* locked while the run is alive */
#define SHIM_RUN_TREE "tree" /* the dev, sys and proc files served */

/**
 * struct shim_host - what the core asks of the preload library
 * @version: SHIM_DOOR_VERSION
 * @files: descriptor table, see base/file.h
 * @run_dir: absolute path of the run directory
 */
struct shim_host {
	unsigned int version;
	struct file_host files;
	const char *run_dir;
};

/**
 * struct shim_core - what the preload library asks of the core
 *
 * @version: SHIM_DOOR_VERSION
 * @open: open a served node by its program-visible path; file or err_ptr()
 * @fault: SIGSEGV or SIGBUS. Return: true when it was ours (a copy that met
 *	bad memory, a trapped page) and the handler may simply return; false
 *	when it is the program's. Context: the signal handler
 * @memory_is_mapped: does [start, start + len) meet memory that is mapped for
 *	DMA? Lock-free and cheap when the answer is no
 * @memory_leaving: the program is about to unmap or map over the range: pages
 *	mapped for DMA in it are moved aside first. 0 or -errno. The caller
 *	performs its call afterwards
 * @memory_discarding: likewise, about to discard what is in the range;
 *	-EINVAL when these are registers of a device
 * @memory_protect: performs the program's mprotect(); registers of a device
 *	stay what they are. 0 or -errno
 * @memory_remap: performs the program's mremap() of a range that meets memory
 *	mapped for DMA; devices go on with the pages at their new address. The
 *	new address, or err_ptr()
 * @memory_hold: free() or realloc() of a block that may hold memory mapped
 *	for DMA. Return: true when the block is held back (it is given to
 *	free() by the core when its last mapping goes); false: free it now
 * @memlock_limit_set: the program set RLIMIT_MEMLOCK itself
 * @kvm_opened: the program opened /dev/kvm: no mmap of trapping pages
 * @fork_prepare: before fork, in the parent; takes what must not be split
 * @fork_parent: after it, in the parent
 * @fork_child: after it, in the child: the core forgets everything that the
 *	parent had open and starts anew at the next open
 * @exit: the process ends normally: models stop, images are flushed
 */
struct shim_core {
	unsigned int version;
	struct file *(*open)(const char *path, int flags);
	bool (*fault)(int signal, siginfo_t *info, void *ucontext);
	bool (*memory_is_mapped)(const void *start, size_t len);
	int (*memory_leaving)(void *start, size_t len);
	int (*memory_discarding)(void *start, size_t len);
	int (*memory_protect)(void *start, size_t len, int prot);
	void *(*memory_remap)(void *old, size_t old_len, size_t new_len,
			      int flags, void *new_address);
	bool (*memory_hold)(void *block, size_t len);
	void (*memlock_limit_set)(void);
	void (*kvm_opened)(void);
	void (*fork_prepare)(void);
	void (*fork_parent)(void);
	void (*fork_child)(void);
	void (*exit)(void);
};

/**
 * iommufd_user_shim_start() - connect the two libraries
 * @host: stays valid for the life of the process
 *
 * Reads the run directory and builds the machine. Nothing of a device is
 * started before it is used.
 *
 * Return: the core's side, or err_ptr().
 */
const struct shim_core *iommufd_user_shim_start(const struct shim_host *host);

#endif /* SHIM_DOOR_H */
