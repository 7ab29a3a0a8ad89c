/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine that a program sees: IOMMUs, groups, devices, nodes, sysfs; made
 * from the options of the command line. The one folder that knows every
 * driver and every model.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "base/compiler.h"
#include "base/file.h"

struct machine;

/**
 * struct machine_error - why options were refused
 * @text: one line: the cause and the way out
 */
struct machine_error {
	char text[512];
};

/**
 * machine_create() - make a machine
 * @options: as the command line has them, one string each: "--iommu=vtd",
 *	"--memlock=kernel", "--sync", "--on-fault=report", "-d nvme,size=1G"
 * @n_options: their number
 * @error: filled in on failure
 *
 * Checks everything; starts nothing. Return: a machine, or NULL.
 */
struct machine *machine_create(const char *const *options,
			       unsigned int n_options,
			       struct machine_error *error);

/* No file is open any more. NULL is allowed. */
void machine_destroy(struct machine *machine);

/**
 * machine_open() - open a node
 * @path: as the program knows it: "/dev/iommu"
 * @flags: as open(2)
 *
 * Return: a file, or err_ptr(-ENOENT, ...).
 */
struct file *machine_open(struct machine *machine, const char *path, int flags);

/**
 * machine_nodes() - all nodes
 * @visit: called with each
 */
void machine_nodes(struct machine *machine,
		   void (*visit)(void *arg, const struct file_node *node),
		   void *arg);

/**
 * machine_write_tree() - lay out what programs find in /dev, /sys and /proc
 * @dir: descriptor of an empty directory: dev, sys and proc come below
 * @error: filled in on failure
 *
 * Real files and directories, relative links. Return: 0 or -errno.
 */
int machine_write_tree(struct machine *machine, int dir,
		       struct machine_error *error);

/**
 * machine_use_run_dir() - lock devices against other processes of this run
 * @path: the run directory; locks are files below it
 */
int machine_use_run_dir(struct machine *machine, const char *path);

/**
 * machine_start() - the machine is used in this process
 *
 * Reports of refused DMA begin, the locked-memory rule is in force.
 */
void machine_start(struct machine *machine);

/* What --error-exitcode says, or 0. */
int machine_error_exitcode(const struct machine *machine);

/*
 * The program's memory: what the front end tells of it, before it happens.
 * See struct shim_core and mm/mm.h for each.
 */
bool machine_memory_is_mapped(const void *start, size_t len);
int machine_memory_leaving(void *start, size_t len);
int machine_memory_discarding(void *start, size_t len);
int machine_memory_protect(void *start, size_t len, int prot);
void *machine_memory_remap(void *old, size_t old_len, size_t new_len, int flags,
			   void *new_address);
bool machine_memory_hold(void *block, size_t len);

/* The program set RLIMIT_MEMLOCK itself; it opened /dev/kvm. */
void machine_memlock_limit_set(void);
void machine_kvm_opened(void);

/*
 * Around fork(). The child has no machine, no pins and no threads of ours; the
 * parent's machine must not be touched there, a new one may be made.
 */
void machine_fork_prepare(void);
void machine_fork_parent(void);
void machine_fork_child(void);

/* DMA that was refused so far; and the last words about it. */
__u64 machine_n_dma_errors(void);
void machine_finish_reports(void);

/* Print the models and their keys: "iommufd-user devices". */
void machine_print_models(int fd);

#endif /* MACHINE_MACHINE_H */
