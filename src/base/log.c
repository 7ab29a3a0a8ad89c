/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines for people. A line is formatted on the stack and written by one
 * write(2), so lines of several threads do not mix; what does not fit is cut.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"

#define LOG_LINE_MAX 1024
#define LOG_PREFIX "iommufd-user: "

static atomic_int log_fd = -1;
static atomic_uint log_n_warnings;

void log_line(const char *format, ...)
{
	char line[LOG_LINE_MAX] = LOG_PREFIX;
	size_t len = strlen(LOG_PREFIX);
	int fd = atomic_load(&log_fd);
	int saved_errno = errno;
	ssize_t written;
	va_list args;
	int n;

	/* One byte is kept for the newline, which takes the place of the 0. */
	va_start(args, format);
	n = vsnprintf(line + len, sizeof(line) - len, format, args);
	va_end(args);
	if (n > 0)
		len += (size_t)n;
	if (len > sizeof(line) - 1)
		len = sizeof(line) - 1;
	line[len++] = '\n';

	/* Nobody can be told when this fails. */
	written = write(fd < 0 ? STDERR_FILENO : fd, line, len);
	(void)written;
	errno = saved_errno;
}

void log_set_fd(int fd)
{
	atomic_store(&log_fd, fd);
}

void warn_report(const char *file, int line, const char *what)
{
	atomic_fetch_add(&log_n_warnings, 1);
	log_line("broken invariant at %s:%d: %s", file, line, what);
}

unsigned int warn_count(void)
{
	return atomic_load(&log_n_warnings);
}
