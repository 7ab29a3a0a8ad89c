/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * D1, D3: what the preload library costs. Run under "iommufd-user run" each
 * call goes through it, and is compared with libc's own function, found behind
 * it. Run plain, both are the same: that shows what the comparison is worth.
 *
 * A side's value is that of its fastest few calls in a row: interrupts and
 * other programs make a call slower, never faster.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

/* Of iommufd's kind, and none of its commands. */
#define NO_COMMAND 0x3bffu

enum {
	N_CALLS = 100,
	N_TRACED = 50,
};

/**
 * struct calls - the functions, as the program sees them or libc's own
 */
struct calls {
	int (*ioctl)(int fd, unsigned long cmd, ...);
	int (*open)(const char *path, int flags, ...);
	int (*close)(int fd);
	int (*dup)(int fd);
	int (*poll)(struct pollfd *fds, nfds_t n, int timeout);
	ssize_t (*read)(int fd, void *buf, size_t len);
	void *(*mmap)(void *addr, size_t len, int prot, int flags, int fd,
		      off_t offset);
	int (*munmap)(void *addr, size_t len);
};

static struct calls ours;
static struct calls libc;
static int our_fd = -1;
static int foreign_fd;
static int file_fd;
static char file_path[] = "/tmp/bench-XXXXXX";

/* Functions that come out of dlsym() as pointers to objects. */
static void find(void *handle, const char *name, void *function)
{
	void *symbol = dlsym(handle, name);

	bench_check(symbol, name);
	memcpy(function, &symbol, sizeof(symbol));
}

static void find_all(void *handle, struct calls *calls)
{
	find(handle, "ioctl", &calls->ioctl);
	find(handle, "open64", &calls->open);
	find(handle, "close", &calls->close);
	find(handle, "dup", &calls->dup);
	find(handle, "poll", &calls->poll);
	find(handle, "read", &calls->read);
	find(handle, "mmap64", &calls->mmap);
	find(handle, "munmap", &calls->munmap);
}

/* ---- one call of each kind --------------------------------------------- */

static void call_our_ioctl(const struct calls *calls)
{
	bench_consume((uint64_t)calls->ioctl(our_fd, NO_COMMAND, NULL));
}

static void call_ioctl(const struct calls *calls)
{
	bench_consume((uint64_t)calls->ioctl(foreign_fd, NO_COMMAND, NULL));
}

static void call_open(const struct calls *calls)
{
	/* Closed by libc itself: this is about open(). */
	libc.close(calls->open(file_path, O_RDONLY));
}

static void call_close(const struct calls *calls)
{
	calls->close(libc.dup(foreign_fd));
}

static void call_dup(const struct calls *calls)
{
	libc.close(calls->dup(foreign_fd));
}

static void call_poll(const struct calls *calls)
{
	struct pollfd pollfd = { .fd = foreign_fd, .events = POLLIN };

	bench_consume((uint64_t)calls->poll(&pollfd, 1, 0));
}

static void call_read(const struct calls *calls)
{
	char byte;

	bench_consume((uint64_t)calls->read(foreign_fd, &byte, 1));
}

static void call_mmap(const struct calls *calls)
{
	libc.munmap(calls->mmap(NULL, BENCH_PAGE_LEN, PROT_READ, MAP_SHARED,
				file_fd, 0),
		    BENCH_PAGE_LEN);
}

static const struct kind {
	const char *name;
	void (*call)(const struct calls *calls);
} kinds[] = {
	{ "ioctl", call_ioctl }, { "open", call_open }, { "close", call_close },
	{ "dup", call_dup },	 { "poll", call_poll }, { "read", call_read },
	{ "mmap", call_mmap },
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- time -------------------------------------------------------------- */

struct timed {
	void (*call)(const struct calls *calls);
	const struct calls *calls;
};

static double time_side(void *arg)
{
	const struct timed *timed = arg;
	uint64_t n_tries = bench_pick(200, 60, 2);
	uint64_t best = UINT64_MAX;

	for (uint64_t try = 0; try < n_tries; try++) {
		uint64_t start = bench_now();

		for (unsigned int i = 0; i < N_CALLS; i++)
			timed->call(timed->calls);
		start = bench_now() - start;
		if (start < best)
			best = start;
	}
	return (double)best / N_CALLS;
}

static void measure_our_ioctl(void)
{
	struct timed foreign = { call_ioctl, &libc };
	struct timed own = { call_our_ioctl, &ours };
	struct bench_side sides[] = {
		{ .run = time_side, .arg = &foreign, .is_yardstick = true },
		{ .run = time_side, .arg = &own },
	};
	bool is_noisy;

	errno = 0;
	bench_check(ours.ioctl(our_fd, NO_COMMAND, NULL) == -1 &&
			    errno == ENOTTY,
		    "an ioctl that does not exist did not fail so");
	is_noisy = bench_rounds(sides, 2);
	bench_info(bench_row("ns", bench_figure(&sides[0]), is_noisy),
		   "D1 a system call: ioctl that fails");
	bench_at_most(bench_row("ns", bench_figure(&sides[1]), is_noisy), 8,
		      "D1 ioctl on a file of ours");
	bench_at_least(bench_row("x", bench_ratio(&sides[0], &sides[1]),
				 is_noisy),
		       12, "D1 ioctl on a file of ours: faster than a call");
}

static void measure_foreign(const struct kind *kind, bool is_preloaded)
{
	struct timed timed[] = { { kind->call, &libc }, { kind->call, &ours } };
	struct bench_side sides[] = {
		{ .run = time_side, .arg = &timed[0], .is_yardstick = true },
		{ .run = time_side, .arg = &timed[1] },
	};
	bool is_noisy = bench_rounds(sides, 2);
	struct bench_row row =
		bench_row("ns", bench_excess(&sides[1], &sides[0]), is_noisy);
	const char *number = kind == kinds ? "D1" : "D3";

	/* As a part of the call; of a difference near 0 it says nothing. */
	row.figure.spread = bench_figure(&sides[1]).spread;
	if (is_preloaded)
		bench_at_most(row, 3, "%s %s on a foreign file: over libc",
			      number, kind->name);
	else
		bench_info(row, "%s %s, without the preload library: error",
			   number, kind->name);
}

/* ---- system calls ------------------------------------------------------ */

static void traced_main(const struct kind *kind, const struct calls *calls)
{
	/* Whatever is done once only is not counted. */
	kind->call(calls);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(2);
	raise(SIGSTOP);
	for (unsigned int i = 0; i < N_TRACED; i++)
		kind->call(calls);
	_exit(0);
}

/* Return: system calls of one call, or less than 0 where none can be seen. */
static double count_syscalls(const struct kind *kind, const struct calls *calls)
{
	unsigned long n_stops = 0;
	int status;
	pid_t pid;

	pid = fork();
	bench_check(pid >= 0, "fork() failed");
	if (!pid)
		traced_main(kind, calls);
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (WSTOPSIG(status) == SIGTRAP)
			n_stops++;
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL))
			return -1;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return -1;
	/* One at the entry and one at the end of each. */
	return (double)(n_stops / 2) / N_TRACED;
}

static void measure_syscalls(const struct kind *kind)
{
	double before = count_syscalls(kind, &libc);
	double after = count_syscalls(kind, &ours);
	struct bench_row row =
		bench_row("calls", bench_exact(after - before), false);

	if (before < 0 || after < 0)
		row.absent = "a child cannot be traced here";
	bench_at_most(row, 0, "D3 %s on a foreign file: more system calls",
		      kind->name);
}

int main(void)
{
	void *handle = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	bool is_preloaded;

	bench_check(handle, "libc.so.6 is not loaded");
	find_all(handle, &libc);
	find_all(RTLD_DEFAULT, &ours);
	is_preloaded = ours.ioctl != libc.ioctl;
	bench_pin_cpu(0);
	foreign_fd = libc.open("/dev/null", O_RDWR);
	file_fd = mkostemp(file_path, O_CLOEXEC);
	bench_check(foreign_fd >= 0 && file_fd >= 0 &&
			    !ftruncate(file_fd, BENCH_PAGE_LEN),
		    "no file to measure with");
	if (is_preloaded) {
		our_fd = open("/dev/iommu", O_RDWR);
		bench_check(our_fd >= 0, "/dev/iommu cannot be opened");
		measure_our_ioctl();
	}
	for (unsigned int i = 0; i < N_KINDS; i++)
		measure_foreign(&kinds[i], is_preloaded);
	for (unsigned int i = 0; is_preloaded && i < N_KINDS; i++)
		measure_syscalls(&kinds[i]);
	unlink(file_path);
	return 0;
}
