/* SPDX-License-Identifier: BSD-3-Clause */
/* Options: what they become, what is filled in, and how they are refused. */
#include <errno.h>
#include <string.h>
#include "harness/harness.h"
#include "machine/options.h"

/* Everything is on the heap of ours: teardown sees what a test leaves. */
static struct machine_options options;

static int parse(const char *const *texts, unsigned int n)
{
	struct machine_error error = { "" };
	int err = options_parse(&options, texts, n, &error);

	if (err) {
		/* One line, with a cause and a way out. */
		assert_true(strlen(error.text) > 10);
		assert_null(strchr(error.text, '\n'));
	}
	return err;
}

#define parse_texts(...)                                     \
	parse((const char *const[]){ __VA_ARGS__ },          \
	      sizeof((const char *const[]){ __VA_ARGS__ }) / \
		      sizeof(const char *))

static void check_address(unsigned int device, const char *wanted)
{
	char text[16];

	pci_address_print(text, &options.devices[device].address);
	assert_string_equal(text, wanted);
}

static void nothing_given_means_the_defaults(void **state)
{
	(void)state;
	assert_int_equal(options_parse(&options, NULL, 0, NULL), 0);
	assert_int_equal(options.n_devices, 0);
	assert_false(options.enforce_memlock);
	assert_false(options.is_synchronous);
	assert_int_equal(options.on_fault, OBSERVE_REPORT);
	assert_int_equal(options.error_exitcode, 0);
	options_deinit(&options);
}

static void every_option_is_understood(void **state)
{
	(void)state;
	assert_int_equal(parse_texts("--iommu=vtd", "--memlock=kernel",
				     "--sync", "--on-fault=abort",
				     "--error-exitcode=255"),
			 0);
	assert_true(options.enforce_memlock);
	assert_true(options.is_synchronous);
	assert_int_equal(options.on_fault, OBSERVE_ABORT);
	assert_int_equal(options.error_exitcode, 255);
	options_deinit(&options);
	assert_int_equal(parse_texts("--memlock=kernel", "--memlock=off",
				     "--on-fault=abort", "--on-fault=ignore"),
			 0);
	assert_false(options.enforce_memlock);
	assert_int_equal(options.on_fault, OBSERVE_IGNORE);
	options_deinit(&options);
}

static void keys_go_where_they_belong(void **state)
{
	const struct device_options *device = options.devices;

	(void)state;
	assert_int_equal(parse_texts("-d nvme,size=1G,id=disk,group=7,"
				     "addr=12:1f.7,mmio=poll,ro"),
			 0);
	assert_string_equal(device->model->name, "nvme");
	assert_string_equal(device->id, "disk");
	assert_int_equal(device->group, 7);
	check_address(0, "0000:12:1f.7");
	assert_int_equal(device->mmio, VFIO_PCI_MMIO_POLL);
	assert_int_equal(device->n_options, 2);
	assert_string_equal(device->options[0].key, "size");
	assert_string_equal(device->options[0].value, "1G");
	assert_string_equal(device->options[1].key, "ro");
	assert_null(device->options[1].value);
	options_deinit(&options);
}

static void devices_get_what_they_do_not_ask_for(void **state)
{
	(void)state;
	assert_int_equal(parse_texts("-d nvme,size=1M",
				     "-d nvme,size=1M,addr=abcd:02:03.4",
				     "-d nvme,size=1M",
				     "-d nvme,size=1M,addr=0000:01:00.0",
				     "-d nvme,size=1M,addr=02:00.1,group=1",
				     "-d nvme,size=1M,group=1"),
			 0);
	check_address(0, "0000:02:00.0");
	check_address(1, "abcd:02:03.4");
	check_address(2, "0000:03:00.0");
	check_address(3, "0000:01:00.0");
	check_address(4, "0000:02:00.1");
	check_address(5, "0000:04:00.0");
	assert_int_equal(options.devices[0].group, 0);
	assert_int_equal(options.devices[1].group, 2);
	assert_int_equal(options.devices[2].group, 3);
	assert_int_equal(options.devices[3].group, 4);
	assert_int_equal(options.devices[4].group, 1);
	assert_int_equal(options.devices[5].group, 1);
	options_deinit(&options);
}

static void what_is_wrong_is_refused_whole(void **state)
{
	static const char *const wrong[] = {
		"",
		"--speed=11",
		"--sync=1",
		"--iommu",
		"--iommu=",
		"--iommu=vtd2",
		"--memlock=on",
		"--on-fault=",
		"--error-exitcode=0",
		"--error-exitcode=256",
		"--error-exitcode=1x",
		"--error-exitcode=-1",
		"--error-exitcode=99999999999999999999",
		"-d ",
		"-d ,",
		"-d floppy",
		"-d nvme,",
		"-d nvme,,size=1M",
		"-d nvme,=1",
		"-d nvme,size",
		"-d nvme,size=",
		"-d nvme,ro=",
		"-d nvme,ro=1",
		"-d nvme,id",
		"-d nvme,id=",
		"-d nvme,group=-1",
		"-d nvme,group=2147483648",
		"-d nvme,mmio=no",
		"-d nvme,addr=0",
		"-d nvme,addr=00:00",
		"-d nvme,addr=00000:01:00.0",
		"-d nvme,addr=0000:100:00.0",
		"-d nvme,addr=0000:01:20.0",
		"-d nvme,addr=0000:01:00.8",
		"-d nvme,addr=0000:01:00.0 ",
		"-d nvme,addr= 0000:01:00.0",
		"-d nvme,addr=+1:01:00.0",
		"-d nvme,addr=0x1:01:00.0",
		("-d nvme,serial=1,serial=2,serial=3,serial=4,serial=5,"
		 "serial=6,serial=7,serial=8,serial=9,serial=10,serial=11,"
		 "serial=12,serial=13,serial=14,serial=15,serial=16,serial=17"),
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < array_len(wrong); i++)
		if (parse_texts("-d nvme,size=1M,id=x", wrong[i]) != -EINVAL)
			fail_msg("'%s' was taken", wrong[i]);
}

static void what_is_taken_is_taken(void **state)
{
	(void)state;
	assert_int_equal(parse_texts("-d nvme,addr=01:00.0",
				     "-d nvme,addr=0000:01:00.0"),
			 -EINVAL);
	assert_int_equal(parse_texts("-d nvme,id=a", "-d nvme,id=b",
				     "-d nvme,id=a"),
			 -EINVAL);
}

static void sixty_four_devices_are_the_most(void **state)
{
	const char *texts[MACHINE_MAX_DEVICES + 1];
	unsigned int i;

	(void)state;
	for (i = 0; i < array_len(texts); i++)
		texts[i] = "-d nvme,size=1M";
	assert_int_equal(parse(texts, MACHINE_MAX_DEVICES), 0);
	check_address(MACHINE_MAX_DEVICES - 1, "0000:40:00.0");
	options_deinit(&options);
	assert_int_equal(parse(texts, MACHINE_MAX_DEVICES + 1), -EINVAL);
}

static int parse_and_free(void *arg)
{
	int err = parse_texts("-d nvme,size=1M,id=a", "-d nvme,size=1M");

	(void)arg;
	if (!err)
		options_deinit(&options);
	return err;
}

static void every_failure_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(fail_nth_sweep(parse_and_free, NULL), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(nothing_given_means_the_defaults),
		harness_test(every_option_is_understood),
		harness_test(keys_go_where_they_belong),
		harness_test(devices_get_what_they_do_not_ask_for),
		harness_test(what_is_wrong_is_refused_whole),
		harness_test(what_is_taken_is_taken),
		harness_test(sixty_four_devices_are_the_most),
		harness_test(every_failure_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
