/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers: duplicated, closed by every way, hidden, raced over. */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "shim_test.h"

#define N_RACERS 4
#define N_ROUNDS 500

/* A close that the preload library does not see. */
static void close_behind(int fd)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(SYS_close), "D"((long)fd)
			 : "rcx", "r11", "memory");
	assert_int_equal(ret, 0);
}

static int n_open(int fd)
{
	return ioctl(fd, FAKE_N_OPEN);
}

static void test_dup(void **state)
{
	int fd = open_device();
	int a = dup(fd), b = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	unsigned char byte;

	(void)state;
	assert_true(b >= 100);
	assert_int_equal(ioctl(a, FAKE_ECHO, 5), 5);
	assert_int_equal(n_open(b), 1);
	/* One open file: one position. */
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(read(a, &byte, 1), 1);
	assert_int_equal(byte, 1);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(b), 0);
	assert_int_equal(n_open(a), 1);
	assert_int_equal(log_count("release"), 0);
	assert_int_equal(close(a), 0);
	assert_int_equal(log_count("release"), 1);
}

static void test_dup_over(void **state)
{
	int fd = open_device(), other = open_device();
	int null = open("/dev/null", O_RDWR);

	(void)state;
	assert_int_equal(n_open(fd), 2);
	assert_int_equal(dup2(fd, other), other);
	assert_int_equal(n_open(other), 1);
	assert_int_equal(dup2(fd, fd), fd);
	assert_int_equal(dup3(null, other, O_CLOEXEC), other);
	assert_errno(ioctl(other, FAKE_ECHO, 1), ENOTTY);
	assert_int_equal(dup2(fd, null), null);
	close(fd);
	assert_int_equal(n_open(null), 1);
	close(null);
	close(other);
}

static void test_close_range(void **state)
{
	int fd = open_device();
	int hidden = ioctl(fd, FAKE_HIDDEN_FD);
	int copy = fcntl(fd, F_DUPFD, 150);
	int far = dup2(fd, 200);

	(void)state;
	assert_true(hidden > fd);
	assert_errno(close(hidden), EBADF);
	assert_errno(dup(hidden), EBADF);
	assert_errno(dup2(fd, hidden), EBUSY);
	assert_errno(dup3(fd, hidden, 0), EBUSY);
	assert_int_equal(
		close_range((unsigned int)hidden, (unsigned int)copy, 0), 0);
	assert_errno(ioctl(copy, FAKE_ECHO, 1), EBADF);
	assert_true(fcntl(hidden, F_GETFD) >= 0);
	assert_int_equal(n_open(far), 1);
	closefrom(far);
	assert_errno(ioctl(far, FAKE_ECHO, 1), EBADF);
	assert_true(fcntl(hidden, F_GETFD) >= 0);
	assert_int_equal(n_open(fd), 1);
	close(fd);
}

/* Neither the core's descriptors, nor our ends, nor the run's lock. */
static void test_hidden_are_not_listed(void **state)
{
	int fd = open_device();
	int hidden = ioctl(fd, FAKE_HIDDEN_FD);
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n_ours = 0;
	struct dirent *entry;

	(void)state;
	while ((entry = readdir(dir))) {
		int number = atoi(entry->d_name);
		char text[256] = "";
		char link[300];

		if (entry->d_name[0] == '.')
			continue;
		assert_int_equal(entry->d_type, DT_LNK);
		assert_int_not_equal(number, hidden);
		snprintf(link, sizeof(link), "/proc/self/fd/%s", entry->d_name);
		assert_true(readlink(link, text, sizeof(text) - 1) > 0);
		n_ours += !strcmp(text, VFIO0);
		assert_null(strstr(text, "socket:"));
		assert_null(strstr(text, "/lock"));
		assert_null(strstr(text, "core.log"));
	}
	closedir(dir);
	assert_int_equal(n_ours, 1);
	close(fd);
}

static void test_number_reused_behind_us(void **state)
{
	int keep = open_device(), fd = open_device();
	int null;

	(void)state;
	assert_int_equal(n_open(keep), 2);
	close_behind(fd);
	null = open("/dev/null", O_RDONLY);
	assert_int_equal(null, fd);
	assert_errno(ioctl(null, FAKE_ECHO, 1), ENOTTY);
	assert_int_equal(n_open(keep), 1);
	close(null);
	fd = open_device();
	close_behind(fd);
	assert_int_equal(open_device(), fd);
	assert_int_equal(n_open(fd), 2);
	close(fd);
	close(keep);
}

/* A message to oneself: the same open file comes out. */
static void test_passed_to_self(void **state)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fd = open_device(), ends[2], got;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	assert_int_equal(sendmsg(ends[0], &message, 0), 1);
	assert_int_equal(recvmsg(ends[1], &message, MSG_CMSG_CLOEXEC), 1);
	assert_true(message.msg_controllen >= CMSG_LEN(sizeof(int)));
	memcpy(&got, CMSG_DATA(header), sizeof(got));
	assert_int_not_equal(got, fd);
	assert_int_equal(close(fd), 0);
	assert_int_equal(n_open(got), 1);
	close(got);
	close(ends[0]);
	close(ends[1]);
}

/* Threads */

static atomic_int shared_fd;
static atomic_bool is_over;

/* The core aborts if it is called with a file that was released. */
static void *race_ioctls(void *arg)
{
	unsigned long n = 0;

	while (!atomic_load(&is_over)) {
		int ret = ioctl(atomic_load(&shared_fd), FAKE_ECHO, 6);

		if (ret != 6 && errno != EBADF && errno != ENOTTY)
			return arg;
		n++;
	}
	return n ? NULL : arg;
}

static void test_close_while_used(void **state)
{
	pthread_t threads[N_RACERS];
	void *ret;
	int i, fd;

	(void)state;
	atomic_store(&is_over, false);
	atomic_store(&shared_fd, open_device());
	for (i = 0; i < N_RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race_ioctls,
						&shared_fd),
				 0);
	for (i = 0; i < N_ROUNDS; i++) {
		fd = atomic_load(&shared_fd);
		assert_int_equal(close(fd), 0);
		atomic_store(&shared_fd, open_device());
	}
	atomic_store(&is_over, true);
	for (i = 0; i < N_RACERS; i++) {
		assert_int_equal(pthread_join(threads[i], &ret), 0);
		assert_null(ret);
	}
	fd = atomic_load(&shared_fd);
	assert_int_equal(n_open(fd), 1);
	close(fd);
}

static void *sleep_in_ioctl(void *arg)
{
	long ret = ioctl(*(int *)arg, FAKE_SLEEP, 200000);

	return (void *)ret;
}

/* close() does not wait for the others, and the last one frees the file. */
static void test_close_does_not_wait(void **state)
{
	int fd = open_device(), keep = open_device();
	struct timespec start, end;
	pthread_t thread;
	void *ret;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, sleep_in_ioctl, &fd), 0);
	usleep(50000);
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(close(fd), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true((end.tv_sec - start.tv_sec) * 1000000000L + end.tv_nsec -
			    start.tv_nsec <
		    100000000L);
	assert_int_equal(n_open(keep), 2);
	assert_int_equal(pthread_join(thread, &ret), 0);
	assert_int_equal((long)ret, 7);
	assert_int_equal(n_open(keep), 1);
	close(keep);
}

static void *use_once(void *arg)
{
	return (void *)(long)(ioctl(*(int *)arg, FAKE_ECHO, 4) != 4);
}

/* Threads that ended leave nothing that a close would trip over. */
static void test_many_threads(void **state)
{
	int fd = open_device();
	pthread_t threads[8];
	int i, round;
	void *ret;

	(void)state;
	for (round = 0; round < 40; round++) {
		for (i = 0; i < 8; i++)
			assert_int_equal(pthread_create(&threads[i], NULL,
							use_once, &fd),
					 0);
		for (i = 0; i < 8; i++) {
			assert_int_equal(pthread_join(threads[i], &ret), 0);
			assert_null(ret);
		}
	}
	close(fd);
	fd = open_device();
	assert_int_equal(n_open(fd), 1);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dup),
		cmocka_unit_test(test_dup_over),
		cmocka_unit_test(test_close_range),
		cmocka_unit_test(test_hidden_are_not_listed),
		cmocka_unit_test(test_number_reused_behind_us),
		cmocka_unit_test(test_passed_to_self),
		cmocka_unit_test(test_close_while_used),
		cmocka_unit_test(test_close_does_not_wait),
		cmocka_unit_test(test_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
