/* SPDX-License-Identifier: BSD-3-Clause */
/* What the test programs that run under the preload library share. */
#ifndef TESTS_SHIM_SHIM_TEST_H
#define TESTS_SHIM_SHIM_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <cmocka.h>
#include "fake_core.h"

#define IOMMU "/dev/iommu"
#define VFIO0 "/dev/vfio/devices/vfio0"
#define BDF "0000:00:04.0"
#define DEVICE "/sys/devices/pci0000:00/" BDF

/* The call fails with this errno. */
#define assert_errno(call, expected)                \
	do {                                        \
		errno = 0;                          \
		assert_int_equal((long)(call), -1); \
		assert_int_equal(errno, expected);  \
	} while (0)

static inline int open_device(void)
{
	int fd = open(VFIO0, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* How many times the core was told something that begins so. */
static inline unsigned int log_count(const char *begin)
{
	FILE *log = fopen(getenv("FAKE_CORE_LOG"), "r");
	unsigned int n = 0;
	char line[512];

	if (!log)
		return 0;
	while (fgets(line, sizeof(line), log))
		n += !strncmp(line, begin, strlen(begin));
	fclose(log);
	return n;
}

#endif /* TESTS_SHIM_SHIM_TEST_H */
