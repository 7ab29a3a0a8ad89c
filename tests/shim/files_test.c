/* SPDX-License-Identifier: BSD-3-Clause */
/* Served files as a program meets them: by path, and by descriptor. */
#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include "shim_test.h"

static void assert_is_vfio0(const struct stat *stat)
{
	assert_true(S_ISCHR(stat->st_mode));
	assert_int_equal(stat->st_mode & 07777, 0600);
	assert_int_equal(major(stat->st_rdev), 511);
	assert_int_equal(minor(stat->st_rdev), 0);
	assert_int_equal(stat->st_size, 0);
	assert_int_equal(stat->st_uid, geteuid());
}

/* Nothing is loaded before a node is opened: must be the first test. */
static void test_core_loads_late(void **state)
{
	struct stat stat_buf;
	int fd;

	(void)state;
	assert_int_equal(stat(VFIO0, &stat_buf), 0);
	assert_int_equal(log_count("start"), 0);
	fd = open_device();
	assert_int_equal(log_count("start"), 1);
	assert_int_equal(log_count("open " VFIO0), 1);
	close(fd);
	assert_int_equal(log_count("release " VFIO0), 1);
}

static void test_ways_to_open(void **state)
{
	static const char *const paths[] = {
		VFIO0,
		"//dev//vfio/./devices///vfio0",
		"/dev/vfio/../vfio/devices/vfio0",
		"/usr/../dev/vfio/devices/vfio0",
		"/dev/char/511:0",
		"/dev/char/../vfio/devices/vfio0",
	};
	int fd, dir;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		fd = open(paths[i], O_RDWR);
		if (fd < 0)
			fail_msg("%s: %s", paths[i], strerror(errno));
		assert_int_equal(ioctl(fd, FAKE_ECHO, 42), 42);
		close(fd);
	}
	dir = open("/", O_RDONLY | O_DIRECTORY);
	fd = openat(dir, "dev/iommu", O_RDWR);
	assert_int_equal(ioctl(fd, FAKE_ECHO, 3), 3);
	close(fd);
	close(dir);
	dir = open("/dev/vfio/devices", O_PATH);
	fd = openat(dir, "vfio0", O_RDWR);
	assert_int_equal(ioctl(fd, FAKE_ECHO, 4), 4);
	close(fd);
	fd = openat(dir, "../../iommu", O_RDWR);
	assert_int_equal(ioctl(fd, FAKE_ECHO, 5), 5);
	close(fd);
	close(dir);
}

static void test_open_flags(void **state)
{
	(void)state;
	assert_errno(open(IOMMU, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	assert_errno(open(IOMMU, O_RDONLY | O_DIRECTORY), ENOTDIR);
	assert_errno(open("/dev/vfio/7", O_RDWR), ENOENT);
	/* In the tree, but the core does not know it. */
	assert_errno(open("/dev/vfio/vfio", O_RDWR), ENOENT);
}

/* Fortified and old names are asked for by name: no header shows them. */
static void test_old_names(void **state)
{
	int (*open_2)(const char *, int);
	int (*openat_2)(int, const char *, int);
	int (*xstat)(int, const char *, struct stat *);
	ssize_t (*read_chk)(int, void *, size_t, size_t);
	struct stat stat_buf;
	char byte = 1;
	int fd;

	(void)state;
	*(void **)&open_2 = dlsym(RTLD_DEFAULT, "__open64_2");
	*(void **)&openat_2 = dlsym(RTLD_DEFAULT, "__openat64_2");
	*(void **)&xstat = dlsym(RTLD_DEFAULT, "__xstat64");
	*(void **)&read_chk = dlsym(RTLD_DEFAULT, "__read_chk");
	fd = openat_2(AT_FDCWD, IOMMU, O_RDWR);
	assert_int_equal(ioctl(fd, FAKE_ECHO, 2), 2);
	close(fd);
	fd = open_2(VFIO0, O_RDWR);
	assert_int_equal(read_chk(fd, &byte, 1, 1), 1);
	assert_int_equal(byte, 0);
	close(fd);
	assert_int_equal(xstat(1, VFIO0, &stat_buf), 0);
	assert_is_vfio0(&stat_buf);
}

static void test_syscall(void **state)
{
	struct stat stat_buf;
	char text[64];
	long fd, n;

	(void)state;
	fd = syscall(SYS_openat, AT_FDCWD, VFIO0, O_RDWR, 0);
	assert_true(fd >= 0);
	assert_int_equal(syscall(SYS_ioctl, fd, FAKE_ECHO, 9), 9);
	assert_int_equal(syscall(SYS_fstat, fd, &stat_buf), 0);
	assert_is_vfio0(&stat_buf);
	assert_int_equal(syscall(SYS_close, fd), 0);
	n = syscall(SYS_readlink, DEVICE "/driver", text, sizeof(text));
	assert_true(n > 8);
	assert_memory_equal(text + n - 8, "vfio-pci", 8);
	assert_errno(syscall(SYS_close, -1), EBADF);
}

/* Asked past the preload library. */
static bool host_has_iommu(void)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(SYS_access), "D"(IOMMU), "S"(F_OK)
			 : "rcx", "r11", "memory");
	return !ret;
}

static void test_ioctl(void **state)
{
	int fd = open_device();

	(void)state;
	assert_int_equal(ioctl(fd, FAKE_ECHO, 77), 77);
	assert_errno(ioctl(fd, FAKE_FAIL, ENOSPC), ENOSPC);
	assert_errno(ioctl(fd, 0x3bff), ENOTTY);
	/* The kernel answers these for every file. */
	assert_int_equal(ioctl(fd, FIONCLEX), 0);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	assert_int_equal(ioctl(fd, FIOCLEX), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	/* The host has no such node here, and that is what the core sees. */
	if (!host_has_iommu())
		assert_int_equal(ioctl(fd, FAKE_OWN_OPEN), 0);
	close(fd);
	assert_errno(ioctl(fd, FAKE_ECHO, 1), EBADF);
}

static void test_transfer(void **state)
{
	unsigned char bytes[8];
	struct iovec parts[2] = { { bytes, 2 }, { bytes + 2, 2 } };
	int fd = open_device();

	(void)state;
	assert_int_equal(pread(fd, bytes, 4, 16), 4);
	assert_int_equal(bytes[3], 19);
	assert_int_equal(read(fd, bytes, 3), 3);
	assert_int_equal(read(fd, bytes, 1), 1);
	assert_int_equal(bytes[0], 3);
	assert_int_equal(lseek(fd, 10, SEEK_SET), 10);
	assert_int_equal(readv(fd, parts, 2), 4);
	assert_int_equal(bytes[3], 13);
	assert_int_equal(lseek(fd, -4, SEEK_CUR), 10);
	assert_int_equal(preadv(fd, parts, 2, 100), 4);
	assert_int_equal(bytes[3], 103);
	assert_errno(pread(fd, bytes, 1, -1), EINVAL);
	assert_int_equal(pwrite(fd, "abc", 3, 5), 3);
	assert_int_equal(log_count("write abc at 5"), 1);
	assert_errno(ftruncate(fd, 0), EINVAL);
	close(fd);
	fd = open(VFIO0, O_RDONLY);
	assert_errno(write(fd, "x", 1), EBADF);
	close(fd);
}

/* A file without operations answers as Linux does for one. */
static void test_bare_file(void **state)
{
	int device = open_device();
	int fd = ioctl(device, FAKE_NEW_FD);
	char text[64] = "";
	char link[32];

	(void)state;
	assert_true(fd >= 0);
	assert_errno(ioctl(fd, FAKE_ECHO, 1), ENOTTY);
	assert_errno(read(fd, text, 1), EINVAL);
	assert_errno(write(fd, text, 1), EINVAL);
	assert_errno(lseek(fd, 0, SEEK_SET), ESPIPE);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0),
			 MAP_FAILED);
	assert_int_equal(errno, ENODEV);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	assert_true(readlink(link, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "anon_inode:[fake-bare]");
	assert_int_equal(ioctl(device, FAKE_LOOK_UP, fd), 1);
	assert_errno(ioctl(device, FAKE_LOOK_UP, 0), EBADF);
	close(fd);
	assert_errno(ioctl(device, FAKE_LOOK_UP, fd), EBADF);
	assert_int_equal(ioctl(device, FAKE_N_OPEN), 1);
	close(device);
}

static void test_mmap(void **state)
{
	int fd = open_device();
	char *map, *place;

	(void)state;
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_string_equal(map, "at 4096");
	place = mmap(map, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	assert_ptr_equal(place, map);
	assert_string_equal(map, "at 0");
	assert_int_equal(munmap(map, 8192), 0);
	close(fd);
	fd = open(VFIO0, O_RDONLY);
	map = mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_equal(map, MAP_FAILED);
	assert_int_equal(errno, EACCES);
	close(fd);
}

static void test_flags(void **state)
{
	int fd = open(VFIO0, O_RDWR | O_NONBLOCK);

	(void)state;
	assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK),
			 O_RDWR | O_NONBLOCK);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	close(fd);
}

static void test_stat(void **state)
{
	struct stat by_path, by_fd;
	struct statx statx_buf;
	int fd = open_device();
	int path_fd = open(VFIO0, O_PATH);

	(void)state;
	assert_int_equal(stat(VFIO0, &by_path), 0);
	assert_is_vfio0(&by_path);
	assert_int_equal(lstat(VFIO0, &by_path), 0);
	assert_is_vfio0(&by_path);
	assert_int_equal(lstat("/dev/char/511:0", &by_fd), 0);
	assert_true(S_ISLNK(by_fd.st_mode));
	assert_int_equal(stat("/dev/char/511:0", &by_fd), 0);
	assert_is_vfio0(&by_fd);
	assert_int_equal(fstat(fd, &by_fd), 0);
	assert_is_vfio0(&by_fd);
	assert_int_equal(by_fd.st_ino, by_path.st_ino);
	assert_int_equal(fstat(path_fd, &by_fd), 0);
	assert_is_vfio0(&by_fd);
	assert_int_equal(fstatat(fd, "", &by_fd, AT_EMPTY_PATH), 0);
	assert_is_vfio0(&by_fd);
	assert_int_equal(statx(fd, "", AT_EMPTY_PATH, STATX_MODE, &statx_buf),
			 0);
	assert_true(S_ISCHR(statx_buf.stx_mode));
	assert_int_equal(statx(AT_FDCWD, VFIO0, 0, STATX_MODE, &statx_buf), 0);
	assert_true(S_ISCHR(statx_buf.stx_mode));
	assert_int_equal(statx_buf.stx_rdev_major, 511);
	close(path_fd);
	close(fd);
}

static void test_access(void **state)
{
	char value[8];

	(void)state;
	assert_int_equal(access(IOMMU, R_OK | W_OK), 0);
	assert_errno(access(IOMMU, X_OK), EACCES);
	assert_errno(access("/sys/kernel/debug/iommu/intel", F_OK), ENOENT);
	assert_int_equal(euidaccess(VFIO0, R_OK | W_OK), 0);
	assert_errno(getxattr(VFIO0, "user.x", value, sizeof(value)), ENODATA);
	assert_errno(setxattr(VFIO0, "user.x", "1", 1, 0), ENOTSUP);
}

static void test_own_fd_links(void **state)
{
	int fd = open_device();
	char link[64], text[128];
	struct stat stat_buf;
	int again;
	ssize_t n;

	(void)state;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, text, sizeof(text));
	assert_int_equal(n, strlen(VFIO0));
	assert_memory_equal(text, VFIO0, (size_t)n);
	assert_int_equal(readlink(link, text, 4), 4);
	assert_int_equal(stat(link, &stat_buf), 0);
	assert_is_vfio0(&stat_buf);
	snprintf(link, sizeof(link), "/proc/%d/fd/%d", getpid(), fd);
	assert_string_equal(realpath(link, text), VFIO0);
	again = open(link, O_RDWR);
	assert_int_equal(ioctl(again, FAKE_ECHO, 8), 8);
	assert_int_equal(ioctl(again, FAKE_N_OPEN), 2);
	close(again);
	close(fd);
}

static void test_poll(void **state)
{
	int fd = open_device();
	int pipe_fds[2];
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN | POLLPRI } };
	struct epoll_event event = { .events = EPOLLIN };
	struct timeval time = { 5, 0 };
	fd_set readable;
	int set;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	fds[1] = (struct pollfd){ .fd = pipe_fds[0], .events = POLLIN };
	assert_int_equal(poll(fds, 2, 5000), 1);
	assert_int_equal(fds[0].revents, POLLIN);
	assert_int_equal(fds[1].revents, 0);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	assert_int_equal(poll(fds, 2, -1), 2);
	assert_int_equal(fds[1].revents, POLLIN);
	FD_ZERO(&readable);
	FD_SET(fd, &readable);
	FD_SET(pipe_fds[0], &readable);
	assert_int_equal(select(FD_SETSIZE, &readable, NULL, NULL, &time), 2);
	assert_true(FD_ISSET(fd, &readable));
	set = epoll_create1(EPOLL_CLOEXEC);
	assert_errno(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), EPERM);
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, pipe_fds[0], &event), 0);
	close(set);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(fd);
}

static void test_streams(void **state)
{
	FILE *stream = fopen(DEVICE "/vendor", "r");
	char line[64];
	int fd;

	(void)state;
	assert_non_null(fgets(line, sizeof(line), stream));
	assert_string_equal(line, "0x1b36\n");
	stream = freopen("/proc/devices", "r", stream);
	assert_non_null(fgets(line, sizeof(line), stream));
	assert_non_null(fgets(line, sizeof(line), stream));
	assert_string_equal(line, "511 vfio\n");
	fclose(stream);
	/* fclose() closes the number behind us. */
	stream = fopen(VFIO0, "r+");
	fd = fileno(stream);
	assert_int_equal(ioctl(fd, FAKE_N_OPEN), 1);
	fclose(stream);
	assert_errno(ioctl(fd, FAKE_N_OPEN), EBADF);
	assert_int_equal(open("/dev/null", O_RDONLY), fd);
	assert_errno(ioctl(fd, FAKE_N_OPEN), ENOTTY);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_core_loads_late),
		cmocka_unit_test(test_ways_to_open),
		cmocka_unit_test(test_open_flags),
		cmocka_unit_test(test_old_names),
		cmocka_unit_test(test_syscall),
		cmocka_unit_test(test_ioctl),
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_bare_file),
		cmocka_unit_test(test_mmap),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_own_fd_links),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
