/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The working directory. The kernel knows it; we only keep whether it is one
 * from which relative paths can lead to us. A thread that has a working
 * directory of its own (unshare) is not told apart.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "shim/preload/cwd.h"
#include "shim/preload/export.h"
#include "shim/preload/paths.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"
#include "shim/preload/sys.h"

atomic_bool cwd_matters;

long cwd_name(char *name, size_t len)
{
	long n = sys_call2(SYS_getcwd, name, len);

	if (n < 0)
		return n;
	/* The kernel counts the NUL. */
	n = (long)tree_strip(name, (size_t)n - 1);
	name[n] = '\0';
	return n;
}

void cwd_refresh(void)
{
	char name[PATH_MAX];

	atomic_store(&cwd_matters,
		     cwd_name(name, sizeof(name)) > 0 && name_matters(name));
}

void cwd_fork_child(void)
{
	cwd_refresh();
}

EXPORT int chdir(const char *path)
{
	struct place place;
	int ret;

	place_of(&place, AT_FDCWD, path);
	ret = REAL(chdir)(place.real);
	if (!ret && run_is_active())
		cwd_refresh();
	return ret;
}

EXPORT int fchdir(int fd)
{
	int ret = REAL(fchdir)(fd);

	if (!ret && run_is_active())
		cwd_refresh();
	return ret;
}

/* The name in @buf, or in memory from malloc() when @buf is NULL. */
static char *cwd_give(char *buf, size_t len)
{
	char name[PATH_MAX];
	long n = cwd_name(name, sizeof(name));

	if (n < 0)
		return result_null((int)n);
	if (buf && !len)
		return result_null(-EINVAL);
	if (len && (size_t)n >= len)
		return result_null(-ERANGE);
	if (!buf)
		buf = malloc(len ? len : (size_t)n + 1);
	if (buf)
		memcpy(buf, name, (size_t)n + 1);
	return buf;
}

EXPORT char *getcwd(char *buf, size_t len)
{
	if (!atomic_load(&cwd_matters))
		return REAL(getcwd)(buf, len);
	return cwd_give(buf, len);
}

EXPORT char *__getcwd_chk(char *buf, size_t len, size_t buf_len);

EXPORT char *__getcwd_chk(char *buf, size_t len, size_t buf_len)
{
	if (len > buf_len)
		abort();
	return getcwd(buf, len);
}

EXPORT char *get_current_dir_name(void)
{
	const char *given = getenv("PWD");
	struct stat by_name, here;

	if (given && given[0] == '/' && !stat(given, &by_name) &&
	    !stat(".", &here) && by_name.st_dev == here.st_dev &&
	    by_name.st_ino == here.st_ino)
		return strdup(given);
	return getcwd(NULL, 0);
}
