/* SPDX-License-Identifier: BSD-3-Clause */
/* Making a machine, finding its nodes, failing midway. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "base/err.h"
#include "harness/harness.h"
#include "machine/machine.h"

static const char *const two[] = { "-d nvme,size=1M,group=4",
				   "-d nvme,size=1M,group=4" };

/**
 * struct seen - the nodes visited
 * @n: how many
 * @text: their paths and numbers
 */
struct seen {
	unsigned int n;
	char text[512];
};

static void see(void *arg, const struct file_node *node)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->text);

	seen->n++;
	snprintf(seen->text + len, sizeof(seen->text) - len, "%s %u:%u\n",
		 node->path, major(node->rdev), minor(node->rdev));
}

static void nodes_are_told(void **state)
{
	struct machine_error error;
	struct machine *machine = machine_create(two, 2, &error);
	struct seen seen = { .n = 0 };

	(void)state;
	assert_non_null(machine);
	machine_nodes(machine, see, &seen);
	assert_string_equal(seen.text, "/dev/iommu 10:125\n"
				       "/dev/vfio/devices/vfio0 511:0\n"
				       "/dev/vfio/devices/vfio1 511:1\n");
	machine_destroy(machine);
	machine_destroy(NULL);
}

static void only_nodes_can_be_opened(void **state)
{
	static const char *const others[] = {
		"", "/dev", "/dev/iommu/", "/dev/vfio/devices/vfio2", "iommu",
	};
	struct machine_error error;
	struct machine *machine = machine_create(two, 2, &error);
	struct file *file;
	unsigned int i;

	(void)state;
	assert_non_null(machine);
	for (i = 0; i < array_len(others); i++)
		assert_int_equal(
			ptr_err(machine_open(machine, others[i], O_RDWR)),
			-ENOENT);
	file = machine_open(machine, "/dev/iommu", O_RDWR);
	assert_false(is_err(file));
	file_put(file);
	file = machine_open(machine, "/dev/vfio/devices/vfio1", O_RDWR);
	assert_false(is_err(file));
	file_put(file);
	machine_destroy(machine);
}

static int create_and_destroy(void *arg)
{
	struct machine_error error = { "" };
	struct machine *machine = machine_create(two, 2, &error);

	(void)arg;
	if (!machine) {
		assert_non_null(strstr(error.text, "memory"));
		return -ENOMEM;
	}
	machine_destroy(machine);
	return 0;
}

static void every_failure_leaves_nothing(void **state)
{
	(void)state;
	assert_true(fail_nth_sweep(create_and_destroy, NULL) > 6);
}

static void models_refuse_in_one_line(void **state)
{
	static const char *const wrong[] = { "-d nvme,size=1M",
					     "-d nvme,image=/no/such/image" };
	struct machine_error error = { "" };

	(void)state;
	assert_null(machine_create(wrong, 2, &error));
	assert_memory_equal(error.text, "-d nvme: image=/no/such/image", 29);
	assert_null(strchr(error.text, '\n'));
}

static void models_are_told_with_their_keys(void **state)
{
	static const char *const words[] = { "nvme", "size=SIZE", "image=FILE",
					     "addr=DDDD:BB:DD.F", "group=N" };
	char text[4096];
	int pipes[2];
	unsigned int i;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	machine_print_models(pipes[1]);
	close(pipes[1]);
	n = read(pipes[0], text, sizeof(text) - 1);
	close(pipes[0]);
	assert_true(n > 0);
	text[n] = '\0';
	for (i = 0; i < array_len(words); i++)
		assert_non_null(strstr(text, words[i]));
}

/* What is made once in a process and kept. */
static int warm_up(void **state)
{
	struct machine_error error;

	(void)state;
	machine_destroy(machine_create(two, 2, &error));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(nodes_are_told),
		harness_test(only_nodes_can_be_opened),
		harness_test(every_failure_leaves_nothing),
		harness_test(models_refuse_in_one_line),
		harness_test(models_are_told_with_their_keys),
	};

	return cmocka_run_group_tests(tests, warm_up, NULL);
}
