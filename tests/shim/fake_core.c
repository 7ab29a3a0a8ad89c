/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A core library for tests of the preload library: it has the door of the
 * real one, and behind it two devices that answer known values.
 *
 * The environment says more: FAKE_CORE_LOG names a file that gets a line for
 * each thing that the core was told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <sys/mman.h>
#include "base/err.h"
#include "shim/door.h"
#include "fake_core.h"

#define EXPORT __attribute__((visibility("default")))

static const struct shim_host *fake_host;
static atomic_uint n_open;
static int log_fd = -1;

/* The range that counts as mapped for DMA. */
static _Atomic uintptr_t mapped_start, mapped_end;
static atomic_bool is_holding;

static void note(const char *format, ...) printf_like(1, 2);

static void note(const char *format, ...)
{
	char line[256];
	va_list args;
	int n;

	if (log_fd < 0)
		return;
	va_start(args, format);
	n = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	line[n++] = '\n';
	if (write(log_fd, line, (size_t)n) != n)
		abort();
}

/* Files */

static const struct file_node fake_nodes[] = {
	{ .path = "/dev/iommu" },
	{ .path = "/dev/vfio/devices/vfio0" },
};

static const struct file_ops fake_ops;
static const struct file_ops fake_bare_ops;

static struct file *fake_file(const struct file_ops *ops,
			      const struct file_node *node)
{
	struct file *file = calloc(1, sizeof(*file));

	if (!file)
		return err_ptr(-ENOMEM);
	file->ops = ops;
	file->node = node;
	atomic_store(&file->n_refs, 1);
	file->priv = (void *)(uintptr_t)FAKE_ALIVE;
	atomic_fetch_add(&n_open, 1);
	return file;
}

static void fake_release(struct file *file)
{
	note("release %s", file->node ? file->node->path : "anonymous");
	file->priv = NULL;
	atomic_fetch_sub(&n_open, 1);
	free(file);
}

static long fake_new_fd(void)
{
	struct file *file = fake_file(&fake_bare_ops, NULL);
	int fd;

	if (is_err(file))
		return ptr_err(file);
	fd = fake_host->files.install(file, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fake_release(file);
	return fd;
}

/* A descriptor of our own, hidden; its number. */
static long fake_hidden_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		fake_host->files.hide(fd);
	return fd;
}

static long fake_look_up(int fd)
{
	struct file *file = fake_host->files.get(fd);
	bool is_alive;

	if (!file)
		return -EBADF;
	is_alive = file->priv == (void *)(uintptr_t)FAKE_ALIVE;
	if (atomic_fetch_sub(&file->n_refs, 1) == 1)
		fake_release(file);
	return is_alive ? 1 : 0;
}

/* What the core itself opens is the host's. */
static long fake_own_open(void)
{
	int fd = open("/dev/iommu", O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void fake_set_range(const struct fake_range *range)
{
	atomic_store(&mapped_start, (uintptr_t)range->start);
	atomic_store(&mapped_end, (uintptr_t)range->start + range->len);
	atomic_store(&is_holding, range->is_holding);
}

static long fake_ioctl(struct file *file, unsigned int cmd, void *arg)
{
	if (file->priv != (void *)(uintptr_t)FAKE_ALIVE)
		abort();
	switch (cmd) {
	case FAKE_ECHO:
		return (long)(uintptr_t)arg;
	case FAKE_FAIL:
		return -(long)(uintptr_t)arg;
	case FAKE_NEW_FD:
		return fake_new_fd();
	case FAKE_HIDDEN_FD:
		return fake_hidden_fd();
	case FAKE_LOOK_UP:
		return fake_look_up((int)(uintptr_t)arg);
	case FAKE_OWN_OPEN:
		return fake_own_open();
	case FAKE_SET_RANGE:
		fake_set_range(arg);
		return 0;
	case FAKE_N_OPEN:
		return (long)atomic_load(&n_open);
	case FAKE_SLEEP:
		usleep((useconds_t)(uintptr_t)arg);
		if (file->priv != (void *)(uintptr_t)FAKE_ALIVE)
			abort();
		return 7;
	default:
		return -ENOTTY;
	}
}

/* Byte n of the device is n. */
static ssize_t fake_pread(struct file *file, void *buf, size_t count,
			  off_t position)
{
	unsigned char *bytes = buf;
	size_t i;

	(void)file;
	for (i = 0; i < count; i++)
		bytes[i] = (unsigned char)(position + (off_t)i);
	return (ssize_t)count;
}

static ssize_t fake_pwrite(struct file *file, const void *buf, size_t count,
			   off_t position)
{
	(void)file;
	note("write %.*s at %ld", (int)count, (const char *)buf,
	     (long)position);
	return (ssize_t)count;
}

/* Memory that begins with the offset as text. */
static void *fake_mmap(struct file *file, const struct file_mmap *request)
{
	int fd = memfd_create("fake", MFD_CLOEXEC);
	void *address;
	char text[32];
	int n = snprintf(text, sizeof(text), "at %ld", (long)request->offset);

	(void)file;
	if (fd < 0)
		return err_ptr(-errno);
	if (ftruncate(fd, (off_t)request->len) ||
	    pwrite(fd, text, (size_t)n, 0) != n) {
		close(fd);
		return err_ptr(-EIO);
	}
	address = mmap(request->addr, request->len, request->prot,
		       request->flags, fd, 0);
	close(fd);
	return address == MAP_FAILED ? err_ptr(-errno) : address;
}

static const struct file_ops fake_ops = {
	.name = "fake",
	.ioctl = fake_ioctl,
	.pread = fake_pread,
	.pwrite = fake_pwrite,
	.mmap = fake_mmap,
	.release = fake_release,
};

static const struct file_ops fake_bare_ops = {
	.name = "fake-bare",
	.release = fake_release,
};

/* The door */

static struct file *fake_open(const char *path, int flags)
{
	size_t i;

	note("open %s %o", path, (unsigned int)flags & O_ACCMODE);
	for (i = 0; i < array_len(fake_nodes); i++) {
		if (!strcmp(fake_nodes[i].path, path))
			return fake_file(&fake_ops, &fake_nodes[i]);
	}
	return err_ptr(-ENOENT);
}

/* A load or store at the marked address is made to use the other pointer: the
 * test keeps the address in rdi alone. */
static bool fake_fault(int signal, siginfo_t *info, void *context)
{
	ucontext_t *registers = context;

	(void)signal;
	if ((uintptr_t)info->si_addr != FAKE_MARKED_ADDRESS)
		return false;
	registers->uc_mcontext.gregs[REG_RDI] =
		registers->uc_mcontext.gregs[REG_RSI];
	return true;
}

static bool fake_is_mapped(const void *start, size_t len)
{
	return (uintptr_t)start < atomic_load(&mapped_end) &&
	       (uintptr_t)start + len > atomic_load(&mapped_start);
}

static int fake_leaving(void *start, size_t len)
{
	note("leaving %#lx %zu", (unsigned long)start, len);
	return 0;
}

static int fake_discarding(void *start, size_t len)
{
	return fake_leaving(start, len);
}

static int fake_protect(void *start, size_t len, int prot)
{
	note("protect %#lx %zu %d", (unsigned long)start, len, prot);
	return mprotect(start, len, prot) ? -errno : 0;
}

static void *fake_remap(void *old, size_t old_len, size_t new_len, int flags,
			void *new_address)
{
	void *address;

	note("remap %zu %zu", old_len, new_len);
	address = mremap(old, old_len, new_len, flags, new_address);
	return address == MAP_FAILED ? err_ptr(-errno) : address;
}

static bool fake_hold(void *block, size_t len)
{
	(void)block;
	note("hold %d", len >= 128 * 1024);
	return atomic_load(&is_holding);
}

static void fake_memlock(void)
{
	note("memlock");
}

static void fake_kvm(void)
{
	note("kvm");
}

static void fake_fork_prepare(void)
{
	note("fork prepare");
}

static void fake_fork_parent(void)
{
	note("fork parent");
}

static void fake_fork_child(void)
{
	atomic_store(&n_open, 0);
	note("fork child");
}

static void fake_exit(void)
{
	note("exit");
}

static const struct shim_core fake_core = {
	.version = SHIM_DOOR_VERSION,
	.open = fake_open,
	.fault = fake_fault,
	.memory_is_mapped = fake_is_mapped,
	.memory_leaving = fake_leaving,
	.memory_discarding = fake_discarding,
	.memory_protect = fake_protect,
	.memory_remap = fake_remap,
	.memory_hold = fake_hold,
	.memlock_limit_set = fake_memlock,
	.kvm_opened = fake_kvm,
	.fork_prepare = fake_fork_prepare,
	.fork_parent = fake_fork_parent,
	.fork_child = fake_fork_child,
	.exit = fake_exit,
};

EXPORT const struct shim_core *
iommufd_user_shim_start(const struct shim_host *host)
{
	const char *log = getenv("FAKE_CORE_LOG");

	if (host->version != SHIM_DOOR_VERSION)
		return err_ptr(-EPROTO);
	fake_host = host;
	if (log) {
		log_fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
			      0600);
		if (log_fd >= 0)
			fake_host->files.hide(log_fd);
	}
	note("start %s", fake_host->run_dir);
	return &fake_core;
}
