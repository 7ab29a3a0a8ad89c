/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory files of huge pages, on a machine that has none.
 *
 * Drivers ask for huge pages because a real device wants long contiguous
 * pieces; an IOMMU makes do with ordinary ones. So where the system keeps no
 * page of the size asked for, the file is one of ordinary pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "shim/preload/export.h"
#include "shim/preload/fds.h"
#include "shim/preload/real.h"
#include "shim/preload/run.h"
#include "shim/preload/sys.h"

/* Their names in linux/memfd.h, which libc's headers do not give whole. */
#define HUGE_SIZE_SHIFT 26
#define HUGE_SIZE_MASK (0x3fu << HUGE_SIZE_SHIFT)

#define HUGE_DIR "/sys/kernel/mm/hugepages"

/* Return: the number that the file holds; 0 when there is none. */
static unsigned long huge_read(const char *path)
{
	char text[24];
	long fd =
		sys_call4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	long n;

	if (fd < 0)
		return 0;
	n = sys_call3(SYS_read, fd, text, sizeof(text) - 1);
	sys_call1(SYS_close, fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strtoul(text, NULL, 10);
}

/* Could a page of the size that @flags name come from anywhere? */
static bool huge_pages_exist(unsigned int flags)
{
	unsigned int size_lg2 = (flags & HUGE_SIZE_MASK) >> HUGE_SIZE_SHIFT;
	char path[96];

	if (!size_lg2)
		return huge_read("/proc/sys/vm/nr_hugepages") ||
		       huge_read("/proc/sys/vm/nr_overcommit_hugepages");
	if (size_lg2 < 10)
		return true; /* no such size: for the kernel to refuse */
	snprintf(path, sizeof(path), HUGE_DIR "/hugepages-%llukB/nr_hugepages",
		 1ull << (size_lg2 - 10));
	if (huge_read(path))
		return true;
	snprintf(path, sizeof(path),
		 HUGE_DIR "/hugepages-%llukB/nr_overcommit_hugepages",
		 1ull << (size_lg2 - 10));
	return huge_read(path);
}

EXPORT int memfd_create(const char *name, unsigned int flags)
{
	int old_errno = errno;

	if (unlikely(flags & MFD_HUGETLB) && run_is_active() &&
	    !huge_pages_exist(flags))
		flags &= ~(MFD_HUGETLB | HUGE_SIZE_MASK);
	errno = old_errno;
	return fd_fresh(REAL(memfd_create)(name, flags));
}
