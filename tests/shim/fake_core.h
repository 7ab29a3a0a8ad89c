/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests and the core that they are run with agree upon. */
#ifndef TESTS_SHIM_FAKE_CORE_H
#define TESTS_SHIM_FAKE_CORE_H

#include <stdbool.h>
#include <stddef.h>

/* ioctl numbers of the fake devices; the argument is a number or a pointer. */
enum fake_cmd {
	FAKE_ECHO = 0x3b01, /* returns the argument */
	FAKE_FAIL, /* fails with the argument as errno */
	FAKE_NEW_FD, /* a new file without operations */
	FAKE_HIDDEN_FD, /* the number of a descriptor of the core's own */
	FAKE_LOOK_UP, /* 1: the argument is a served descriptor */
	FAKE_OWN_OPEN, /* 1: the core can open /dev/iommu itself */
	FAKE_SET_RANGE, /* struct fake_range is mapped for DMA now */
	FAKE_N_OPEN, /* how many files are open */
	FAKE_SLEEP, /* sleeps as many microseconds, returns 7 */
};

struct fake_range {
	void *start;
	size_t len;
	bool is_holding;
};

/* A fault here is the core's. */
#define FAKE_MARKED_ADDRESS 0x7ead0000ul

/* In every open file, until it is released. */
#define FAKE_ALIVE 0xa11fe

#endif /* TESTS_SHIM_FAKE_CORE_H */
