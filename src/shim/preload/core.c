/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loading the core library, and what it asks of us.
 *
 * The core is opened with RTLD_LOCAL, so that none of its symbols and of its
 * libraries' meets the program's. It is never unloaded.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "shim/preload/core.h"
#include "shim/preload/fds.h"
#include "shim/preload/memory.h"
#include "shim/preload/run.h"
#include "shim/preload/signals.h"

#define CORE_LIBRARY "libiommufd-user.so.0"
#define CORE_ENV_LIBRARY "IOMMUFD_USER_LIB"
#define CORE_START "iommufd_user_shim_start"

typedef const struct shim_core *(*core_start_t)(const struct shim_host *host);

_Atomic(const struct shim_core *) core_ops;

static atomic_bool core_kvm_was_opened;
static pthread_mutex_t core_mutex = PTHREAD_MUTEX_INITIALIZER;

static void core_thread_started(void)
{
	self.core_depth++;
}

static const struct shim_host core_host = {
	.version = SHIM_DOOR_VERSION,
	.files = {
		.get = fd_get_file,
		.install = fd_install,
		.hide = fd_hide,
		.unhide = fd_unhide,
		.thread_started = core_thread_started,
	},
	.run_dir = run.dir,
};

void core_file_put(struct file *file)
{
	if (atomic_fetch_sub(&file->n_refs, 1) != 1)
		return;
	core_enter();
	file->ops->release(file);
	core_leave();
}

/* Beside this library, unless the environment says otherwise. */
static bool core_path(char *path, size_t len)
{
	const char *given = getenv(CORE_ENV_LIBRARY);
	const char *slash = strrchr(run.library, '/');
	int n;

	if (given && *given)
		n = snprintf(path, len, "%s", given);
	else
		n = snprintf(path, len, "%.*s" CORE_LIBRARY,
			     slash ? (int)(slash - run.library + 1) : 0,
			     run.library);
	return n > 0 && (size_t)n < len;
}

static int core_open_library(core_start_t *start)
{
	char path[2 * RUN_PATH_MAX];
	void *library, *symbol;

	if (!core_path(path, sizeof(path)))
		return -ENAMETOOLONG;
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		run_log("cannot load the library that serves devices: %s; set " CORE_ENV_LIBRARY
			" to where it is",
			dlerror());
		return -ENODEV;
	}
	symbol = dlsym(library, CORE_START);
	if (!symbol) {
		run_log("%s has no " CORE_START
			": it is not of this release; set " CORE_ENV_LIBRARY
			" to the one that is",
			path);
		return -ENODEV;
	}
	memcpy(start, &symbol, sizeof(symbol));
	return 0;
}

static int core_start(core_start_t start)
{
	const struct shim_core *core = start(&core_host);

	if (!core || is_err(core)) {
		int err = core ? ptr_err(core) : -ENODEV;

		run_log("the devices cannot be served: %s", strerror(-err));
		return err;
	}
	if (core->version != SHIM_DOOR_VERSION) {
		run_log("the two libraries are of different releases (%u, %u): "
			"install both from the same one",
			core->version, SHIM_DOOR_VERSION);
		return -ENODEV;
	}
	fds_prepare_devices();
	atomic_store(&core_ops, core);
	signals_take_over();
	if (atomic_load(&core_kvm_was_opened))
		core->kvm_opened();
	memory_tell_limit(core);
	return 0;
}

static int core_load_locked(void)
{
	core_start_t start;
	int err;

	if (core_get())
		return 0;
	core_enter();
	err = core_open_library(&start);
	if (!err)
		err = core_start(start);
	core_leave();
	return err;
}

int core_load(void)
{
	int err;

	if (likely(core_get()))
		return 0;
	pthread_mutex_lock(&core_mutex);
	err = core_load_locked();
	pthread_mutex_unlock(&core_mutex);
	return err;
}

void core_fork_child(void)
{
	core_mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

void core_note_kvm(void)
{
	const struct shim_core *core;

	atomic_store(&core_kvm_was_opened, true);
	core = core_get();
	if (!core)
		return;
	core_enter();
	core->kvm_opened();
	core_leave();
}
