/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines for people, on standard error or wherever the machine says. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/compiler.h"

/* One line, prefixed "iommufd-user: "; written by one write(2), atomic. */
void log_line(const char *format, ...) printf_like(1, 2);

/* Where lines go: a claimed descriptor; -1 means standard error. */
void log_set_fd(int fd);

/**
 * warn_on() - an invariant of ours is broken
 *
 * Says where, and makes the test that runs fail (n_warnings is looked at by
 * the harness). Return: the condition.
 */
#define warn_on(cond)                                                    \
	(unlikely(cond) ? (warn_report(__FILE__, __LINE__, #cond), true) \
			: false)

void warn_report(const char *file, int line, const char *what);
unsigned int warn_count(void);

#endif /* BASE_LOG_H */
