/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forks, execs, signals and ends of processes while DMA is in flight. Each
 * case is a child of its own; the status that it ends with is the one that
 * Linux gives, within seconds, and the device is free afterwards.
 */
#include <pthread.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>
#include "harness/nvme_client.h"

#define N_PAGES 64u
#define IOVA 0x10000000ull
#define TIMEOUT_S 30u

static struct client client;
static uint8_t *pages;
static pthread_t pump_thread;
static atomic_bool is_over;

static void start(void)
{
	check(!client_open(&client, 0, -1));
	client_start(&client);
	pages = client_alloc(N_PAGES * CLIENT_PAGE, 0);
	check(!client_map(&client, pages, N_PAGES * CLIENT_PAGE, IOVA, true));
}

static void pump(void)
{
	unsigned int status;

	while (client.n_inflight < CLIENT_DEPTH - 1)
		client_submit(&client, CLIENT_READ, client.n_inflight * 8, 8,
			      IOVA + client.n_inflight % N_PAGES * CLIENT_PAGE);
	client_ring(&client);
	while (client_reap(&client, &status))
		check(!status);
}

static void *pump_on(void *arg)
{
	while (!atomic_load(&is_over))
		pump();
	return arg;
}

static void start_thread(void)
{
	start();
	check(!pthread_create(&pump_thread, NULL, pump_on, NULL));
	usleep(5000);
}

static void finish_thread(void)
{
	atomic_store(&is_over, true);
	check(!pthread_join(pump_thread, NULL));
	client_close(&client);
}

/* ---- ends ------------------------------------------------------------- */

static void end_exit(void)
{
	start_thread();
	exit(3);
}

static void end_exit_at_once(void)
{
	start_thread();
	_exit(4);
}

static void end_killed(void)
{
	start_thread();
	raise(SIGKILL);
}

static void end_aborted(void)
{
	start_thread();
	abort();
}

static void end_fault(void)
{
	start_thread();
	*(volatile int *)pages = 0;
	munmap(pages, N_PAGES * CLIENT_PAGE);
	*(volatile int *)pages = 0;
}

static void end_exec(void)
{
	start_thread();
	execl("/bin/sh", "sh", "-c",
	      "test -c /dev/vfio/devices/vfio0 && exit 6", (char *)NULL);
}

/* Close in the wrong order, then every number there is. */
static void end_close_all(void)
{
	start();
	pump();
	close(client.iommufd);
	pump();
	munmap(pages, N_PAGES * CLIENT_PAGE);
	check(!close_range(3, ~0u, 0));
	usleep(2000);
	check(!client_open(&client, 1, -1));
	client_start(&client);
	client_close(&client);
}

/* ---- going on --------------------------------------------------------- */

static void on_forks(void)
{
	int status;
	pid_t pid;

	start_thread();
	for (int i = 0; i < 30; i++) {
		pid = fork();
		if (!pid) {
			if (i % 3)
				_exit(7);
			exit(open("/dev/iommu", O_RDWR) >= 0 ? 7 : 1);
		}
		check(waitpid(pid, &status, 0) == pid);
		check(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	}
	for (int i = 0; i < 10; i++) {
		pid = vfork();
		if (!pid) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(1);
		}
		check(waitpid(pid, &status, 0) == pid && !status);
	}
	check(!system("true"));
	finish_thread();
}

static void on_failed_exec(void)
{
	start_thread();
	execl("/no/such/program", "program", (char *)NULL);
	usleep(5000);
	finish_thread();
}

/* Every signal blocked: traps still work, and the program sees its mask. */
static void on_blocked_signals(void)
{
	sigset_t mask;

	sigfillset(&mask);
	check(!sigprocmask(SIG_SETMASK, &mask, NULL));
	start();
	for (int i = 0; i < 20; i++) {
		pump();
		usleep(500);
	}
	check(!sigprocmask(SIG_SETMASK, NULL, &mask));
	check(sigismember(&mask, SIGSEGV) == 1);
	client_close(&client);
}

static void *pump_sleepily(void *arg)
{
	for (int i = 0; i < 50; i++) {
		pump();
		usleep(400);
	}
	return arg;
}

/* The smallest stack a thread can have holds a trap. */
static void on_small_stack(void)
{
	pthread_attr_t attr;

	start();
	check(!pthread_attr_init(&attr));
	check(!pthread_attr_setstacksize(&attr, (size_t)PTHREAD_STACK_MIN));
	check(!pthread_create(&pump_thread, &attr, pump_sleepily, NULL));
	check(!pthread_join(pump_thread, NULL));
	client_close(&client);
}

/* A daemon: its parent had the device, and is gone. */
static void on_daemon(void)
{
	struct client own;
	int report[2], err;
	char byte = 1;
	pid_t pid;

	check(!pipe(report));
	pid = fork();
	if (!pid) {
		start();
		pump();
		if (fork())
			_exit(0);
		setsid();
		usleep(50000);
		err = client_open(&own, 0, -1);
		if (!err) {
			client_start(&own);
			client_close(&own);
		}
		byte = (char)err;
		check(write(report[1], &byte, 1) == 1);
		_exit(0);
	}
	check(waitpid(pid, &err, 0) == pid && !err);
	check(read(report[0], &byte, 1) == 1 && !byte);
}

/* ---- the cases -------------------------------------------------------- */

static const struct {
	void (*run)(void);
	int exit_code;
	int signal;
} cases[] = {
	{ end_exit, 3, 0 },	    { end_exit_at_once, 4, 0 },
	{ end_killed, 0, SIGKILL }, { end_aborted, 0, SIGABRT },
	{ end_fault, 0, SIGSEGV },  { end_exec, 6, 0 },
	{ end_close_all, 0, 0 },    { on_forks, 0, 0 },
	{ on_failed_exec, 0, 0 },   { on_blocked_signals, 0, 0 },
	{ on_small_stack, 0, 0 },   { on_daemon, 0, 0 },
};

int main(void)
{
	int status;
	pid_t pid;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		pid = fork();
		if (!pid) {
			alarm(TIMEOUT_S);
			cases[i].run();
			_exit(0);
		}
		check(waitpid(pid, &status, 0) == pid);
		check(cases[i].signal
			      ? WIFSIGNALED(status) &&
					WTERMSIG(status) == cases[i].signal
			      : WIFEXITED(status) &&
					WEXITSTATUS(status) ==
						cases[i].exit_code);
		check(!client_open(&client, 0, -1));
		client_close(&client);
	}
	return 0;
}
