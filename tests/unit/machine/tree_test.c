/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of a machine: names, contents, links that lead somewhere. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "harness/harness.h"
#include "machine/machine.h"

#define DEVICES "sys/bus/pci/devices/"

static char top[] = "/tmp/tree_test.XXXXXX";
static int top_fd;

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int make_top(void **state)
{
	strcpy(top + strlen(top) - 6, "XXXXXX");
	assert_non_null(mkdtemp(top));
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return harness_setup(state);
}

static int remove_top(void **state)
{
	close(top_fd);
	nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return harness_teardown(state);
}

static struct machine *create(const char *const *options, unsigned int n)
{
	struct machine_error error = { "" };
	struct machine *machine = machine_create(options, n, &error);

	if (!machine)
		fail_msg("%s", error.text);
	return machine;
}

static void lay_out(struct machine *machine)
{
	struct machine_error error = { "" };

	if (machine_write_tree(machine, top_fd, &error))
		fail_msg("%s", error.text);
}

static void check_text(const char *path, const char *wanted)
{
	char text[4096];
	int fd = openat(top_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		fail_msg("%s is missing", path);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, wanted);
}

static void check_link(const char *path, const char *last)
{
	char target[256];
	ssize_t n = readlinkat(top_fd, path, target, sizeof(target) - 1);

	assert_true(n > 0);
	target[n] = '\0';
	assert_string_equal(strrchr(target, '/') + 1, last);
}

static unsigned int n_links;

/* Every link is relative, stays in the tree, and leads to something. */
static int check_one(const char *path, const struct stat *st, int kind,
		     struct FTW *ftw)
{
	char target[PATH_MAX];
	char real[PATH_MAX];

	(void)st;
	(void)ftw;
	assert_int_not_equal(kind, FTW_NS);
	if (kind != FTW_SL)
		return 0;
	n_links++;
	assert_true(readlink(path, target, sizeof(target)) > 0);
	assert_int_not_equal(target[0], '/');
	if (!realpath(path, real))
		fail_msg("%s leads nowhere", path);
	assert_memory_equal(real, top, strlen(top));
	return 0;
}

static void an_empty_machine_has_its_directories(void **state)
{
	static const char *const paths[] = {
		"dev/iommu",	       "dev/vfio/devices",
		"sys/bus/pci/devices", "sys/class/iommu/dmar0",
		"sys/class/vfio-dev",  "sys/kernel/iommu_groups",
		"sys/module/vfio",     "sys/module/vfio_pci",
		"proc/devices",
	};
	struct machine *machine = create(NULL, 0);
	unsigned int i;

	(void)state;
	lay_out(machine);
	for (i = 0; i < array_len(paths); i++)
		if (faccessat(top_fd, paths[i], F_OK, 0))
			fail_msg("%s is missing", paths[i]);
	machine_destroy(machine);
}

static void devices_are_where_programs_look(void **state)
{
	static const char *const options[] = {
		"-d nvme,size=1M,addr=0000:01:00.0",
		"-d nvme,size=1M,addr=0002:1f:1e.7,group=9",
		"-d nvme,size=1M,addr=0002:1f:1e.6,group=9",
	};
	struct machine *machine = create(options, array_len(options));

	(void)state;
	lay_out(machine);
	n_links = 0;
	assert_int_equal(nftw(top, check_one, 16, FTW_PHYS), 0);
	assert_true(n_links > 20);
	check_text(DEVICES "0000:01:00.0/vendor", "0x1b36\n");
	check_text(DEVICES "0000:01:00.0/class", "0x010802\n");
	check_text(DEVICES "0002:1f:1e.7/vfio-dev/vfio1/dev", "511:1\n");
	check_link(DEVICES "0002:1f:1e.7/iommu_group", "9");
	check_link(DEVICES "0002:1f:1e.6/iommu_group", "9");
	check_link(DEVICES "0000:01:00.0/iommu_group", "0");
	check_link(DEVICES "0000:01:00.0/driver", "vfio-pci");
	check_link("sys/class/vfio-dev/vfio2", "vfio2");
	check_link("sys/kernel/iommu_groups/9/devices/0002:1f:1e.6",
		   "0002:1f:1e.6");
	check_link("sys/kernel/iommu_groups/9/devices/0002:1f:1e.7",
		   "0002:1f:1e.7");
	assert_int_equal(faccessat(top_fd, "dev/vfio/devices/vfio2", F_OK, 0),
			 0);
	machine_destroy(machine);
}

/* Configuration space and "resource" agree on where BAR 0 is. */
static void bars_are_told_alike(void **state)
{
	static const char *const options[] = { "-d nvme,size=1M",
					       "-d nvme,size=1M" };
	struct machine *machine = create(options, array_len(options));
	unsigned long long start[2];
	unsigned long long last[2];
	unsigned int i;

	(void)state;
	lay_out(machine);
	for (i = 0; i < 2; i++) {
		unsigned int bar[2];
		char path[128];
		char text[64] = "";
		int fd;

		snprintf(path, sizeof(path), DEVICES "0000:%02x:00.0/resource",
			 i + 1);
		fd = openat(top_fd, path, O_RDONLY | O_CLOEXEC);
		assert_true(read(fd, text, sizeof(text) - 1) > 0);
		close(fd);
		assert_int_equal(sscanf(text, "%llx %llx", &start[i], &last[i]),
				 2);
		snprintf(path, sizeof(path), DEVICES "0000:%02x:00.0/config",
			 i + 1);
		fd = openat(top_fd, path, O_RDONLY | O_CLOEXEC);
		assert_int_equal(pread(fd, bar, sizeof(bar), 0x10),
				 sizeof(bar));
		close(fd);
		assert_int_equal(start[i],
				 (bar[0] & ~0xfu) | (__u64)bar[1] << 32);
		assert_int_equal(start[i] % (last[i] - start[i] + 1), 0);
	}
	assert_true(start[1] > last[0]);
	machine_destroy(machine);
}

static void a_failure_names_the_file(void **state)
{
	struct machine *machine = create(NULL, 0);
	struct machine_error error = { "" };

	(void)state;
	lay_out(machine);
	assert_true(machine_write_tree(machine, top_fd, &error) < 0);
	assert_non_null(strstr(error.text, "sys/"));
	assert_non_null(strstr(error.text, strerror(EEXIST)));
	machine_destroy(machine);
}

#define tree_test(function) \
	cmocka_unit_test_setup_teardown(function, make_top, remove_top)

int main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(an_empty_machine_has_its_directories),
		tree_test(devices_are_where_programs_look),
		tree_test(bars_are_told_alike),
		tree_test(a_failure_names_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
