/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Executing other programs: the run is carried on in the new environment,
 * whatever environment the program passes, and a target that cannot be
 * preloaded is said so before it starts without the devices.
 *
 * Also called in children of vfork: no memory from the heap.
 */
#include <alloca.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "shim/door.h"
#include "shim/preload/export.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"
#include "shim/preload/run.h"
#include "shim/preload/self.h"
#include "shim/target.h"

/* Two variables and the NULL. */
#define EXEC_ENV_MORE 3u

#define EXEC_PRELOAD "LD_PRELOAD="
#define EXEC_RUN SHIM_ENV_RUN "="

/* The variables that we add. */
struct exec_strings {
	char preload[4096];
	char run[sizeof(EXEC_RUN) + RUN_PATH_MAX];
};

static bool exec_is_carried(void)
{
	return run_is_active() && !self.core_depth;
}

static size_t exec_count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

/* LD_PRELOAD of the new program: what we were started with, then its own. */
static const char *exec_preload(struct exec_strings *strings,
				const char *theirs)
{
	int n;

	if (theirs && strstr(theirs, run.library))
		return theirs;
	theirs = theirs ? theirs + strlen(EXEC_PRELOAD) : "";
	n = snprintf(strings->preload, sizeof(strings->preload),
		     EXEC_PRELOAD "%s%s%s", run.preload, *theirs ? ":" : "",
		     theirs);
	if ((size_t)n >= sizeof(strings->preload))
		snprintf(strings->preload, sizeof(strings->preload),
			 EXEC_PRELOAD "%s", run.preload);
	return strings->preload;
}

/* @to has room for @from and EXEC_ENV_MORE more. */
static void exec_fill(const char **to, char *const *from,
		      struct exec_strings *strings)
{
	const char *preload = NULL;
	size_t n = 0;

	for (; from && *from; from++) {
		if (!strncmp(*from, EXEC_PRELOAD, strlen(EXEC_PRELOAD)))
			preload = *from;
		else if (strncmp(*from, EXEC_RUN, strlen(EXEC_RUN)) != 0)
			to[n++] = *from;
	}
	snprintf(strings->run, sizeof(strings->run), EXEC_RUN "%s", run.dir);
	to[n++] = strings->run;
	to[n++] = exec_preload(strings, preload);
	to[n] = NULL;
}

static void exec_warn(const char *path)
{
	char reason[1024];

	if (target_check(path, reason, sizeof(reason)))
		run_log("%s", reason);
}

/* What a program gave us as argument or environment is not changed. */
static char *const *exec_list(const char *const *list)
{
	return (char *const *)(uintptr_t)list;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	struct exec_strings strings;
	const char **env;

	if (!exec_is_carried())
		return REAL(execve)(path, argv, envp);
	env = alloca((exec_count(envp) + EXEC_ENV_MORE) * sizeof(*env));
	exec_fill(env, envp, &strings);
	exec_warn(path);
	return REAL(execve)(path, argv, exec_list(env));
}

EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

EXPORT int execveat(int dirfd, const char *path, char *const argv[],
		    char *const envp[], int flags)
{
	struct exec_strings strings;
	char name[PATH_MAX];
	const char **env;

	if (!exec_is_carried())
		return REAL(execveat)(dirfd, path, argv, envp, flags);
	env = alloca((exec_count(envp) + EXEC_ENV_MORE) * sizeof(*env));
	exec_fill(env, envp, &strings);
	if (path[0] == '/' || dirfd == AT_FDCWD)
		snprintf(name, sizeof(name), "%s", path);
	else
		snprintf(name, sizeof(name), "/proc/self/fd/%d%s%s", dirfd,
			 path[0] ? "/" : "", path);
	exec_warn(name);
	return REAL(execveat)(dirfd, path, argv, exec_list(env), flags);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	return execveat(fd, "", argv, envp, AT_EMPTY_PATH);
}

/* A file that is no program is a script of the shell's. */
static int exec_shell(const char *path, char *const argv[], char *const envp[])
{
	size_t n = exec_count(argv), i;
	const char **shell = alloca((n + 3) * sizeof(*shell));

	shell[0] = "/bin/sh";
	shell[1] = path;
	for (i = 1; i < n; i++)
		shell[i + 1] = argv[i];
	shell[n ? n + 1 : 2] = NULL;
	return execve(shell[0], exec_list(shell), envp);
}

EXPORT int execvpe(const char *name, char *const argv[], char *const envp[])
{
	char path[PATH_MAX];
	int ret;

	if (!exec_is_carried() || !name[0] ||
	    !target_find(name, path, sizeof(path)))
		return REAL(execvpe)(name, argv, envp);
	ret = execve(path, argv, envp);
	if (ret && errno == ENOEXEC)
		ret = exec_shell(path, argv, envp);
	return ret;
}

EXPORT int execvp(const char *name, char *const argv[])
{
	return execvpe(name, argv, environ);
}

/* Forms with the arguments in the call */

static size_t exec_count_args(va_list args)
{
	size_t n = 1;

	while (va_arg(args, const char *))
		n++;
	return n;
}

/* Take @n arguments, the first of which is @first, and the NULL. */
static void exec_take_args(const char **argv, const char *first, size_t n,
			   va_list *args)
{
	size_t i;

	argv[0] = first;
	for (i = 1; i <= n; i++)
		argv[i] = va_arg(*args, const char *);
}

EXPORT int execl(const char *path, const char *arg, ...)
{
	const char **argv;
	va_list args;
	size_t n;

	va_start(args, arg);
	n = exec_count_args(args);
	va_end(args);
	argv = alloca((n + 1) * sizeof(*argv));
	va_start(args, arg);
	exec_take_args(argv, arg, n, &args);
	va_end(args);
	return execve(path, exec_list(argv), environ);
}

EXPORT int execlp(const char *name, const char *arg, ...)
{
	const char **argv;
	va_list args;
	size_t n;

	va_start(args, arg);
	n = exec_count_args(args);
	va_end(args);
	argv = alloca((n + 1) * sizeof(*argv));
	va_start(args, arg);
	exec_take_args(argv, arg, n, &args);
	va_end(args);
	return execvpe(name, exec_list(argv), environ);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	char *const *envp;
	const char **argv;
	va_list args;
	size_t n;

	va_start(args, arg);
	n = exec_count_args(args);
	va_end(args);
	argv = alloca((n + 1) * sizeof(*argv));
	va_start(args, arg);
	exec_take_args(argv, arg, n, &args);
	envp = va_arg(args, char *const *);
	va_end(args);
	return execve(path, exec_list(argv), envp);
}

/* Spawning */

EXPORT int posix_spawn(pid_t *restrict pid, const char *restrict path,
		       const posix_spawn_file_actions_t *restrict actions,
		       const posix_spawnattr_t *restrict attributes,
		       char *const argv[restrict], char *const envp[restrict])
{
	struct exec_strings strings;
	const char **env;

	if (!exec_is_carried())
		return REAL(posix_spawn)(pid, path, actions, attributes, argv,
					 envp);
	env = alloca((exec_count(envp) + EXEC_ENV_MORE) * sizeof(*env));
	exec_fill(env, envp, &strings);
	exec_warn(path);
	return REAL(posix_spawn)(pid, path, actions, attributes, argv,
				 exec_list(env));
}

EXPORT int posix_spawnp(pid_t *restrict pid, const char *restrict name,
			const posix_spawn_file_actions_t *restrict actions,
			const posix_spawnattr_t *restrict attributes,
			char *const argv[restrict], char *const envp[restrict])
{
	struct exec_strings strings;
	char path[PATH_MAX];
	const char **env;

	if (!exec_is_carried())
		return REAL(posix_spawnp)(pid, name, actions, attributes, argv,
					  envp);
	env = alloca((exec_count(envp) + EXEC_ENV_MORE) * sizeof(*env));
	exec_fill(env, envp, &strings);
	if (target_find(name, path, sizeof(path)))
		exec_warn(path);
	return REAL(posix_spawnp)(pid, name, actions, attributes, argv,
				  exec_list(env));
}
