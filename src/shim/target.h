/* SPDX-License-Identifier: BSD-3-Clause */
/* Can a program be given the served devices? Shared with the command line. */
#ifndef SHIM_TARGET_H
#define SHIM_TARGET_H

#include <stddef.h>

/**
 * target_check() - can the preload library get into this program?
 * @path: the file to be executed, a script too
 * @buf: where a reason is written
 * @len: its length; 512 is enough
 *
 * It cannot if the program is statically linked, for another machine or C
 * library, or if it gets other rights when it is executed. A file that cannot
 * be read or executed passes: exec itself says what is wrong with it. Uses no
 * memory from the heap; errno is kept.
 *
 * Return: NULL when it can; else @buf, with one line: the file, the cause, and
 * the way out.
 */
const char *target_check(const char *path, char *buf, size_t len);

/**
 * target_find() - the file that execvp() would execute
 * @name: a name to be looked for in PATH, or a path
 * @path: the result
 * @len: its length
 *
 * Return: @path, or NULL when there is none.
 */
const char *target_find(const char *name, char *path, size_t len);

#endif /* SHIM_TARGET_H */
