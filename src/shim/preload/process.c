/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fork and exit.
 *
 * A child of fork has the parent's descriptors, but nothing of what stands
 * behind them: devices run in the process that opened them. Its inherited
 * entries become FD_FOREIGN, and what it opens itself works.
 *
 * A child of vfork runs in the parent's memory until it execs: it changes no
 * table of ours (process_is_guest()).
 */
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <unistd.h>
#include <sys/wait.h>
#include "shim/preload/core.h"
#include "shim/preload/cwd.h"
#include "shim/preload/dirs.h"
#include "shim/preload/export.h"
#include "shim/preload/fds.h"
#include "shim/preload/process.h"
#include "shim/preload/real.h"
#include "shim/preload/run.h"
#include "shim/preload/signals.h"
#include "shim/preload/sys.h"

static int process_pid;

static void process_fork_prepare(void)
{
	const struct shim_core *core = core_get();

	if (core) {
		core_enter();
		core->fork_prepare();
		core_leave();
	}
	fds_fork_prepare();
}

static void process_fork_parent(void)
{
	const struct shim_core *core = core_get();

	fds_fork_parent();
	if (core) {
		core_enter();
		core->fork_parent();
		core_leave();
	}
}

static void process_become(bool was_prepared)
{
	const struct shim_core *core = core_get();

	process_pid = (int)sys_call0(SYS_getpid);
	core_fork_child();
	cwd_fork_child();
	dirs_fork_child();
	signals_fork_child();
	fds_fork_child();
	/* The core gives descriptors back: the table is ready, and free. */
	if (core) {
		core_enter();
		core->fork_child();
		core_leave();
	}
	if (was_prepared)
		fds_fork_child_done();
}

static void process_fork_child(void)
{
	process_become(true);
}

void process_start(void)
{
	process_pid = (int)sys_call0(SYS_getpid);
	pthread_atfork(process_fork_prepare, process_fork_parent,
		       process_fork_child);
}

int process_id(void)
{
	return process_pid;
}

bool process_is_guest(void)
{
	return process_pid != (int)sys_call0(SYS_getpid);
}

/* Runs none of the handlers that fork() runs. */
EXPORT pid_t _Fork(void)
{
	pid_t pid = REAL(_Fork)();

	if (!pid && run_is_active())
		process_become(false);
	return pid;
}

/* What clone() is to run in a child with memory of its own. */
struct process_clone {
	int (*run)(void *arg);
	void *arg;
};

static int process_clone_run(void *arg)
{
	struct process_clone clone = *(struct process_clone *)arg;

	process_become(false);
	return clone.run(clone.arg);
}

EXPORT int clone(int (*run_child)(void *), void *stack, int flags, void *arg,
		 ...)
{
	struct process_clone wrap = { run_child, arg };
	pid_t *parent_tid, *child_tid;
	va_list args;
	void *tls;

	va_start(args, arg);
	parent_tid = va_arg(args, pid_t *);
	tls = va_arg(args, void *);
	child_tid = va_arg(args, pid_t *);
	va_end(args);
	if ((flags & CLONE_VM) || !run_child || !run_is_active())
		return REAL(clone)(run_child, stack, flags, arg, parent_tid,
				   tls, child_tid);
	return REAL(clone)(process_clone_run, stack, flags, &wrap, parent_tid,
			   tls, child_tid);
}

/* The last thing of a normal exit: after the program's own handlers. */
static __attribute__((destructor)) void process_exit(void)
{
	const struct shim_core *core = core_get();

	if (!core || process_is_guest())
		return;
	core_enter();
	core->exit();
	core_leave();
}
