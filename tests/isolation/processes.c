/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descriptors and processes: dup, fork, exec. A device belongs to the process
 * that bound it; its children open what they need themselves.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/iommufd.h>
#include "harness/nvme_client.h"

#define IOVA 0x200000ull

/* Write a page of @byte and read it back. */
static void use(struct client *client, uint64_t lba, int byte)
{
	uint8_t *page = client_alloc(CLIENT_PAGE, byte);

	check(!client_map(client, page, CLIENT_PAGE, IOVA, true));
	check(!client_io(client, CLIENT_WRITE, lba, 8, IOVA));
	memset(page, 0, CLIENT_PAGE);
	check(!client_io(client, CLIENT_READ, lba, 8, IOVA));
	check(client_is_all(page, CLIENT_PAGE, byte));
	check(!client_unmap(client, IOVA, CLIENT_PAGE));
}

static int wait_for(pid_t child)
{
	int status;

	check(child > 0);
	check(waitpid(child, &status, 0) == child);
	return status;
}

/* The last of the copies ends the context, and no other. */
static void test_dup(void)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int first = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	int second = dup(first);
	int third = fcntl(first, F_DUPFD_CLOEXEC, 300);
	struct iommu_destroy destroy = { .size = sizeof(destroy) };

	check(first >= 0 && second >= 0 && third >= 300);
	check(!ioctl(first, IOMMU_IOAS_ALLOC, &alloc));
	destroy.id = alloc.out_ioas_id;
	check(!close(first));
	check(ioctl(first, IOMMU_DESTROY, &destroy) && errno == EBADF);
	check(!ioctl(second, IOMMU_DESTROY, &destroy));
	check(ioctl(third, IOMMU_DESTROY, &destroy) && errno == ENOENT);
	check(!close(second));
	check(!ioctl(third, IOMMU_IOAS_ALLOC, &alloc));
	check(!close(third));
}

/* A bound device is refused to others; another one is free. */
static void child_of_fork(struct client *parents)
{
	struct client own;
	struct client taken;

	(void)parents;
	check(client_open(&taken, 0, -1) == -EINVAL);
	check(!client_open(&own, 1, -1));
	client_start(&own);
	use(&own, 0, 'c');
	client_close(&own);
	exit(0);
}

static void test_fork(void)
{
	struct client client;
	unsigned int i;
	pid_t child;

	check(!client_open(&client, 0, -1));
	client_start(&client);
	use(&client, 0, 'p');
	for (i = 0; i < 3; i++) {
		child = fork();
		if (!child)
			child_of_fork(&client);
		check(wait_for(child) == 0);
		use(&client, 8, 'q');
	}
	client_close(&client);
}

/* A device whose process died is free at once. */
static void test_death(void)
{
	struct client client;
	int ready[2];
	char byte;
	pid_t child;

	check(!pipe(ready));
	child = fork();
	if (!child) {
		check(!client_open(&client, 0, -1));
		client_start(&client);
		check(write(ready[1], "", 1) == 1);
		pause();
	}
	check(read(ready[0], &byte, 1) == 1);
	check(client_open(&client, 0, -1) == -EINVAL);
	check(!kill(child, SIGKILL));
	check(WIFSIGNALED(wait_for(child)));
	check(!client_open(&client, 0, -1));
	client_start(&client);
	use(&client, 0, 'd');
	client_close(&client);
	close(ready[0]);
	close(ready[1]);
}

/* What exec closes is given up; the new program starts from nothing. */
static void test_exec(char *self)
{
	char *argv[] = { self, (char[]){ "executed" }, NULL };
	struct client client;
	pid_t child = fork();

	if (!child) {
		check(!client_open(&client, 0, -1));
		client_start(&client);
		execv(self, argv);
		client_fail(__FILE__, __LINE__, "execv() returned");
	}
	check(wait_for(child) == 0);
}

static int executed(void)
{
	struct client client;

	check(!client_open(&client, 0, -1));
	client_start(&client);
	use(&client, 0, 'e');
	client_close(&client);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return executed();
	test_dup();
	test_fork();
	test_death();
	test_exec(argv[0]);
	return 0;
}
