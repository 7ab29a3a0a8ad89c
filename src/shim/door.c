/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The core's side of the preload library: reads the run directory, makes the
 * machine, and hands out the table by which the preload library reaches it.
 *
 * The machine lives as long as the process. A child of fork forgets it, and
 * makes its own at its first open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/err.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/uaccess.h"
#include "machine/machine.h"
#include "shim/door.h"
#include "shim/mmio.h"

#define CONFIG_MAX (64u << 10)
#define OPTIONS_MAX 96u

/**
 * struct front - the state of this file
 * @lock: guards @machine; LOCK_RANK_MACHINE
 * @host: the preload library
 * @machine: or NULL, before the first open and in the child of a fork
 * @exit_status: what the program gave to exit()
 * @exit_seen: it called exit()
 */
struct front {
	struct lock lock;
	const struct shim_host *host;
	struct machine *machine;
	int exit_status;
	bool exit_seen;
};

static struct front front = {
	.lock = LOCK_INITIALIZER(LOCK_RANK_MACHINE),
};

/* Read the whole file; the caller frees it by mem_free(). */
static char *config_read(void)
{
	char path[512];
	char *text = mem_alloc(CONFIG_MAX);
	ssize_t n = -1;
	int fd;

	if (!text)
		return NULL;
	snprintf(path, sizeof(path), "%s/" SHIM_RUN_CONFIG,
		 front.host->run_dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, CONFIG_MAX - 1);
		close(fd);
	}
	if (n >= 0)
		return text;
	log_line("cannot read %s: %m; was the run directory removed?", path);
	mem_free(text);
	return NULL;
}

static struct machine *machine_from_config(char *text)
{
	const char *options[OPTIONS_MAX];
	struct machine_error error;
	struct machine *machine;
	unsigned int n = 0;
	char *line;

	while (n < OPTIONS_MAX && (line = strsep(&text, "\n")))
		if (*line)
			options[n++] = line;
	machine = machine_create(options, n, &error);
	if (!machine) {
		log_line("%s", error.text);
		return NULL;
	}
	if (machine_use_run_dir(machine, front.host->run_dir)) {
		machine_destroy(machine);
		return NULL;
	}
	machine_start(machine);
	return machine;
}

/* The machine, made at the first open. Return: NULL when it cannot be. */
static struct machine *front_machine(void)
{
	struct machine *machine;
	char *text;

	lock_acquire(&front.lock);
	if (!front.machine) {
		text = config_read();
		if (text)
			front.machine = machine_from_config(text);
		mem_free(text);
	}
	machine = front.machine;
	lock_release(&front.lock);
	return machine;
}

static struct file *core_open(const char *path, int flags)
{
	struct machine *machine = front_machine();

	return machine ? machine_open(machine, path, flags) : err_ptr(-ENODEV);
}

static bool core_fault(int signal, siginfo_t *info, void *ucontext)
{
	(void)signal;
	return uaccess_fixup(ucontext) || mmio_fault(info, ucontext);
}

static void core_fork_child(void)
{
	machine_fork_child();
	lock_after_fork_child(&front.lock);
	front.machine = NULL;
}

static void remember_status(int status, void *arg)
{
	(void)arg;
	front.exit_status = status;
	front.exit_seen = true;
}

/* Behind everything that the program registered with atexit(). */
static void core_exit(void)
{
	int code = front.machine ? machine_error_exitcode(front.machine) : 0;

	if (!front.machine)
		return;
	machine_finish_reports();
	if (code && front.exit_seen && !front.exit_status &&
	    machine_n_dma_errors()) {
		fflush(NULL);
		_exit(code);
	}
}

static const struct shim_core core = {
	.version = SHIM_DOOR_VERSION,
	.open = core_open,
	.fault = core_fault,
	.memory_is_mapped = machine_memory_is_mapped,
	.memory_leaving = machine_memory_leaving,
	.memory_discarding = machine_memory_discarding,
	.memory_protect = machine_memory_protect,
	.memory_remap = machine_memory_remap,
	.memory_hold = machine_memory_hold,
	.memlock_limit_set = machine_memlock_limit_set,
	.kvm_opened = machine_kvm_opened,
	.fork_prepare = machine_fork_prepare,
	.fork_parent = machine_fork_parent,
	.fork_child = core_fork_child,
	.exit = core_exit,
};

__attribute__((visibility("default"))) const struct shim_core *
iommufd_user_shim_start(const struct shim_host *host)
{
	if (host->version != SHIM_DOOR_VERSION)
		return err_ptr(-EPROTO);
	front.host = host;
	file_host_set(&host->files);
	uaccess_host_handles_faults();
	thread_save_affinity();
	mmio_init();
	if (on_exit(remember_status, NULL))
		return err_ptr(-ENOMEM);
	return &core;
}
