/* SPDX-License-Identifier: BSD-3-Clause */
/* The pieces of the command. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/compiler.h"
#include "machine/machine.h"

/* Exit status of wrong input. */
#define EXIT_WRONG_INPUT 2

/* One line on standard error: "iommufd-user: ...". */
void cli_error(const char *format, ...) printf_like(1, 2);

/* The verbs; each gets its own arguments, argv[0] is the verb. */
int cli_run(int argc, char **argv);
int cli_devices(int argc, char **argv);

/**
 * run_dir_create() - a run directory, locked, with the machine's files
 * @machine: laid out in it
 * @options: of the machine, kept for the program
 * @n_options: their number
 * @path: receives the directory's absolute path
 * @path_len: bytes of @path
 *
 * Directories of runs that ended are removed first. The lock is a descriptor
 * that stays open over exec; its number is put into the environment.
 *
 * Return: 0, or -errno after cli_error(); nothing is left behind then.
 */
int run_dir_create(struct machine *machine, const char *const *options,
		   unsigned int n_options, char *path, size_t path_len);

/* Is somebody of that run still there? */
bool run_dir_is_live(const char *path);

/* Remove a run directory and all that is in it. */
void run_dir_remove(const char *path);

#endif /* CLI_CLI_H */
