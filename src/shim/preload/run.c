/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Start of the preload library: is this process part of a run?
 *
 * Everything here works before the constructors of libc's dependents ran, and
 * without memory from the heap. The constructor looks at once, so that a
 * program cannot change its environment first; a library whose constructor is
 * earlier makes it happen earlier.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "shim/door.h"
#include "shim/preload/cwd.h"
#include "shim/preload/fds.h"
#include "shim/preload/process.h"
#include "shim/preload/real.h"
#include "shim/preload/run.h"
#include "shim/preload/self.h"
#include "shim/preload/signals.h"
#include "shim/preload/sys.h"

struct run run;

__thread struct self self;

void run_log(const char *format, ...)
{
	char line[1024];
	va_list args;
	int len, n;

	len = snprintf(line, sizeof(line), "iommufd-user: ");
	va_start(args, format);
	n = vsnprintf(line + len, sizeof(line) - (size_t)len - 1, format, args);
	va_end(args);
	if (n < 0)
		return;
	len += n;
	if ((size_t)len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	sys_call3(SYS_write, STDERR_FILENO, line, len);
}

static bool run_copy(char *to, size_t len, const char *from)
{
	size_t from_len = from ? strlen(from) : 0;

	if (!from || from_len >= len)
		return false;
	memcpy(to, from, from_len + 1);
	return true;
}

/* The environment names a directory that has a tree and can be read. */
static bool run_find(void)
{
	char *end;

	if (!run_copy(run.dir, sizeof(run.dir), getenv(SHIM_ENV_RUN)) ||
	    run.dir[0] != '/')
		return false;
	end = run.dir + strlen(run.dir);
	while (end > run.dir + 1 && end[-1] == '/')
		*--end = '\0';
	run.tree_len = (size_t)snprintf(run.tree, sizeof(run.tree), "%s/%s",
					run.dir, SHIM_RUN_TREE);
	if (run.tree_len >= sizeof(run.tree))
		return false;
	return !sys_call4(SYS_faccessat, AT_FDCWD, run.tree, R_OK | X_OK, 0);
}

static void run_find_library(void)
{
	Dl_info info;

	if (!dladdr(&run, &info) || !info.dli_fname ||
	    !run_copy(run.library, sizeof(run.library), info.dli_fname))
		run.library[0] = '\0';
	if (!run_copy(run.preload, sizeof(run.preload), getenv("LD_PRELOAD")))
		run_copy(run.preload, sizeof(run.preload), run.library);
}

bool run_start(void)
{
	int expected = RUN_UNKNOWN;
	bool is_active;

	if (!atomic_compare_exchange_strong(&run.state, &expected,
					    RUN_STARTING))
		return expected == RUN_ACTIVE;
	real_resolve();
	is_active = run_find();
	if (is_active)
		run_find_library();
	atomic_store(&run.state, is_active ? RUN_ACTIVE : RUN_NONE);
	if (is_active) {
		process_start();
		signals_start();
		fds_start();
		cwd_refresh();
	}
	return is_active;
}

static __attribute__((constructor)) void run_constructor(void)
{
	run_is_active();
}
