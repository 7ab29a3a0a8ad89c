/* SPDX-License-Identifier: BSD-3-Clause */
/* What is refused, and that the line says why and what to do. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "driver.h"

static char dir[] = "/tmp/nvme-options-XXXXXX";

static void test_texts(void **state)
{
	static const struct {
		const char *options;
		const char *error;
	} cases[] = {
		{ "size=1M", "" },
		{ "size=512", "" },
		{ "size=3K,queues=64,serial=x", "" },
		{ "size=1T", "" },
		{ "size=64T", "" },
		{ "",
		  "nvme: no namespace; use size=1G (in memory) or image=FILE" },
		{ "size=12Q",
		  "nvme: size=12Q: not a size; use a number with K, M, G or T" },
		{ "size=",
		  "nvme: size=: not a size; use a number with K, M, G or T" },
		{ "size=-1",
		  "nvme: size=-1: not a size; use a number with K, M, G or T" },
		{ "size=1MB",
		  "nvme: size=1MB: not a size; use a number with K, M, G or T" },
		{ "size=99999999999999999999",
		  "nvme: size=99999999999999999999: not a size; use a number with K, M, G or T" },
		{ "size=20000000T",
		  "nvme: size=20000000T: not a size; use a number with K, M, G or T" },
		{ "size=65T", "nvme: size=65T: too big; use 64T or less" },
		{ "size=0",
		  "nvme: size=0: not a multiple of 512 bytes; use 1M or more" },
		{ "size=1000",
		  "nvme: size=1000: not a multiple of 512 bytes; use 1M or more" },
		{ "size=1M,queues=0",
		  "nvme: queues=0: not a number of queues; use 1 to 64" },
		{ "size=1M,queues=65",
		  "nvme: queues=65: not a number of queues; use 1 to 64" },
		{ "size=1M,queues=2x",
		  "nvme: queues=2x: not a number of queues; use 1 to 64" },
		{ "size=1M,serial=123456789012345678901",
		  "nvme: serial=123456789012345678901: not a serial number; use 1 to 20 ASCII characters" },
		{ "size=1M,serial=",
		  "nvme: serial=: not a serial number; use 1 to 20 ASCII characters" },
		{ "size=1M,ro",
		  "nvme: ro: memory holds nothing to read; use it with image=FILE" },
		{ "size=1M,io=uring",
		  "nvme: io: memory needs none; use it with image=FILE" },
		{ "size=1M,io=aio",
		  "nvme: io=aio: unknown; use uring or threads" },
		{ "image=/nonexistent/x",
		  "nvme: image=/nonexistent/x: no such file; create it with \"truncate -s 1G /nonexistent/x\"" },
		{ "image=/tmp",
		  "nvme: image=/tmp: neither a file nor a block device; name one" },
		{ "image=/dev/null",
		  "nvme: image=/dev/null: neither a file nor a block device; name one" },
		{ "image=", "nvme: image=: no file; name one" },
		{ "size", "nvme: size: needs a value; use size=…" },
		{ "bogus=1",
		  "nvme: bogus: unknown key; see iommufd-user devices" },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < array_len(cases); i++)
		assert_string_equal(driver_try_options(cases[i].options),
				    cases[i].error);
}

static void file_make(char *path, const char *name, off_t len, mode_t mode)
{
	int fd;

	snprintf(path, 128, "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, mode);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, len), 0);
	close(fd);
}

static void expect_error(const char *path, const char *keys, const char *error)
{
	char text[256];
	const char *got;

	snprintf(text, sizeof(text), "image=%s%s", path, keys);
	got = driver_try_options(text);
	if (!*error)
		assert_string_equal(got, "");
	else if (!strstr(got, error) || !strstr(got, path))
		fail_msg("\"%s\" does not say \"%s\"", got, error);
}

static void test_images(void **state)
{
	char path[128];

	(void)state;
	file_make(path, "whole", 1 << 20, 0600);
	expect_error(path, "", "");
	expect_error(path, ",size=1M", "");
	expect_error(path, ",size=512K", "");
	expect_error(path, ",size=2M",
		     "shorter than size=; use \"truncate -s 2097152 ");
	file_make(path, "whole", 0, 0600);
	expect_error(path, "", "no multiple of 512; use \"truncate -s 1G ");
	file_make(path, "whole", 1000, 0600);
	expect_error(path, "", "its 1000 bytes are no multiple of 512");
	expect_error(path, ",size=512", "");
	unlink(path);
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_error(path, ",ro", "neither a file nor a block device");
	unlink(path);
}

static void test_permissions(void **state)
{
	char path[128];

	(void)state;
	file_make(path, "ro", 4096, 0444);
	assert_int_equal(chmod(dir, 0755), 0);
	/* Root may write it all the same. */
	if (!geteuid() && seteuid(65534))
		skip_with_reason("cannot become another user");
	expect_error(path, "", "not writable: add ro to use it read-only");
	expect_error(path, ",ro", "");
	if (!getuid())
		assert_int_equal(seteuid(0), 0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_texts),
		harness_test(test_images),
		harness_test(test_permissions),
	};
	int result;

	if (!mkdtemp(dir))
		return 1;
	result = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return result;
}
