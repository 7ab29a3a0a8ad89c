/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Other processes: children, programs that are executed, descriptors that come
 * from elsewhere. Executed programs are this one again, with an argument.
 */
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include "shim_test.h"

static char self_path[256];

/* What a child's checks found wrong: the line of the check, or 0. */
#define check(cond)                             \
	do {                                    \
		if (!(cond))                    \
			return __LINE__ & 0xff; \
	} while (0)

static void assert_child_ok(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("child: status %#x, check at line %d (mod 256)",
			 (unsigned int)status, WEXITSTATUS(status));
}

/* A descriptor that another process opened. */
static int check_foreign(int fd)
{
	struct stat stat_buf;
	char link[32], text[64] = "";

	errno = 0;
	check(ioctl(fd, FAKE_ECHO, 1) == -1 && errno == EIO);
	errno = 0;
	check(read(fd, text, 1) == -1 && errno == EIO);
	check(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	check(errno == EIO);
	check(!fstat(fd, &stat_buf) && S_ISCHR(stat_buf.st_mode));
	check(major(stat_buf.st_rdev) == 511);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	check(readlink(link, text, sizeof(text)) == (ssize_t)strlen(VFIO0));
	check(!strncmp(text, VFIO0, strlen(VFIO0)));
	check(!close(fd));
	errno = 0;
	check(ioctl(fd, FAKE_ECHO, 1) == -1 && errno == EBADF);
	return 0;
}

/* The whole of it in a process of its own. */
static int check_fresh(void)
{
	int fd = open(VFIO0, O_RDWR);

	check(fd >= 0);
	check(ioctl(fd, FAKE_ECHO, 11) == 11);
	check(ioctl(fd, FAKE_N_OPEN) == 1);
	check(!close(fd));
	return 0;
}

static int check_forked(int fd)
{
	int line = check_foreign(fd);

	return line ? line : check_fresh();
}

static void test_fork(void **state)
{
	int fd = open_device();
	int hidden = ioctl(fd, FAKE_HIDDEN_FD);
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		/* Also numbers that are hidden there stay so here. */
		if (!close(hidden))
			_exit(1);
		_exit(check_forked(fd));
	}
	assert_child_ok(pid);
	assert_int_equal(ioctl(fd, FAKE_ECHO, 2), 2);
	assert_int_equal(log_count("fork prepare"), 1);
	assert_int_equal(log_count("fork parent"), 1);
	assert_int_equal(log_count("fork child"), 1);
	close(fd);
	assert_int_equal(log_count("release " VFIO0), 2);
}

static int run_clone(void *arg)
{
	return check_forked(*(int *)arg);
}

static void test_clone(void **state)
{
	static char stack[262144] __attribute__((aligned(16)));
	int fd = open_device();
	pid_t pid;

	(void)state;
	pid = _Fork();
	if (!pid)
		_exit(check_forked(fd));
	assert_child_ok(pid);
	pid = clone(run_clone, stack + sizeof(stack), SIGCHLD, &fd);
	assert_child_ok(pid);
	assert_int_equal(ioctl(fd, FAKE_ECHO, 2), 2);
	close(fd);
}

/* A child of vfork closes and executes in our memory. */
static void test_vfork(void **state)
{
	char *const argv[] = { self_path, (char *)(uintptr_t) "fresh", NULL };
	int fd = open_device();
	pid_t pid = vfork();

	(void)state;
	if (!pid) {
		close(fd);
		execv(self_path, argv);
		_exit(127);
	}
	assert_child_ok(pid);
	assert_int_equal(ioctl(fd, FAKE_ECHO, 2), 2);
	close(fd);
}

static void test_exec_without_environment(void **state)
{
	char *const argv[] = { self_path, (char *)(uintptr_t) "fresh", NULL };
	char *const empty[] = { NULL };
	char *const other[] = { (char *)(uintptr_t) "LD_PRELOAD=",
				(char *)(uintptr_t) "IOMMUFD_USER_RUN=/x",
				NULL };
	int fd;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		execve(self_path, argv, empty);
		_exit(127);
	}
	assert_child_ok(pid);
	assert_int_equal(posix_spawn(&pid, self_path, NULL, NULL, argv, other),
			 0);
	assert_child_ok(pid);
	pid = fork();
	if (!pid) {
		fd = open(self_path, O_RDONLY | O_CLOEXEC);
		fexecve(fd, argv, empty);
		_exit(127);
	}
	assert_child_ok(pid);
	pid = fork();
	if (!pid) {
		execle(self_path, self_path, "fresh", NULL, empty);
		_exit(127);
	}
	assert_child_ok(pid);
}

static void test_exec_by_name(void **state)
{
	char *const argv[] = { (char *)(uintptr_t) "sh",
			       (char *)(uintptr_t) "-c",
			       (char *)(uintptr_t) "test -c " IOMMU, NULL };
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	assert_child_ok(pid);
	pid = fork();
	if (!pid) {
		execlp("sh", "sh", "-c", "test -e /sys/bus/pci/devices/" BDF,
		       NULL);
		_exit(127);
	}
	assert_child_ok(pid);
	assert_int_equal(posix_spawnp(&pid, "sh", NULL, NULL, argv, environ),
			 0);
	assert_child_ok(pid);
	assert_int_equal(system("test -c " IOMMU), 0);
	pid = fork();
	if (!pid) {
		execlp("/nonexistent", "x", NULL);
		_exit(errno == ENOENT ? 0 : 1);
	}
	assert_child_ok(pid);
}

/* A descriptor that survives exec is known for what it is. */
static void test_inherited(void **state)
{
	int fd = open(VFIO0, O_RDWR);
	char number[16];
	pid_t pid;

	(void)state;
	snprintf(number, sizeof(number), "%d", fd);
	pid = fork();
	if (!pid) {
		execl(self_path, self_path, "foreign", number, NULL);
		_exit(127);
	}
	assert_child_ok(pid);
	pid = fork();
	if (!pid) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		execl(self_path, self_path, "closed", number, NULL);
		_exit(127);
	}
	assert_child_ok(pid);
	close(fd);
}

/* The end of a process is told once, after its own handlers. */
static void test_exit(void **state)
{
	unsigned int n = log_count("exit");
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		close(open_device());
		exit(0);
	}
	assert_child_ok(pid);
	assert_int_equal(log_count("exit"), n + 1);
}

static int run_as_child(int argc, char **argv)
{
	if (!strcmp(argv[1], "fresh"))
		return check_fresh();
	if (argc == 3 && !strcmp(argv[1], "foreign"))
		return check_foreign(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "closed"))
		return fcntl(atoi(argv[2]), F_GETFD) != -1;
	return 1;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_clone),
		cmocka_unit_test(test_vfork),
		cmocka_unit_test(test_exec_without_environment),
		cmocka_unit_test(test_exec_by_name),
		cmocka_unit_test(test_inherited),
		cmocka_unit_test(test_exit),
	};

	if (argc > 1)
		return run_as_child(argc, argv);
	if (readlink("/proc/self/exe", self_path, sizeof(self_path) - 1) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
