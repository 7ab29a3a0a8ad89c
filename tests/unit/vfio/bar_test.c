/* SPDX-License-Identifier: BSD-3-Clause */
/* Access to BARs by pread and pwrite. */
#include <errno.h>
#include <string.h>
#include "fixture.h"

static ssize_t load(struct fixture *fixture, __u64 offset, size_t count)
{
	__u8 bytes[256];

	memset(fixture->toy.widths, 0, sizeof(fixture->toy.widths));
	return file_pread(fixture->file, bytes, count, AT(0, offset));
}

static ssize_t store(struct fixture *fixture, __u64 offset, size_t count)
{
	static const __u8 bytes[256];

	memset(fixture->toy.widths, 0, sizeof(fixture->toy.widths));
	return file_pwrite(fixture->file, bytes, count, AT(0, offset));
}

static void test_accesses_are_split(void **state)
{
	static const struct {
		__u64 offset;
		size_t count;
		const char *widths;
	} cases[] = {
		{ 0, 1, "1" },	   { 0, 2, "2" },	 { 0, 3, "21" },
		{ 0, 4, "4" },	   { 0, 7, "421" },	 { 0, 8, "8" },
		{ 0, 16, "88" },   { 1, 8, "1241" },	 { 2, 8, "242" },
		{ 4, 8, "44" },	   { 4, 12, "48" },	 { 7, 10, "181" },
		{ 3, 21, "1488" }, { 0x18, 15, "8421" }, { 6, 3, "21" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < array_len(cases); i++) {
		assert_int_equal(load(fixture, cases[i].offset, cases[i].count),
				 cases[i].count);
		assert_string_equal(fixture->toy.widths, cases[i].widths);
		assert_int_equal(store(fixture, cases[i].offset,
				       cases[i].count),
				 cases[i].count);
		assert_string_equal(fixture->toy.widths, cases[i].widths);
	}
}

static void test_values_pass(void **state)
{
	struct fixture *fixture = *state;
	__u64 value = 0x1122334455667788ULL;

	assert_int_equal(file_pwrite(fixture->file, &value, 8, AT(0, 0x28)), 8);
	assert_int_equal(fixture->toy.offset, 0x28);
	assert_int_equal(fixture->toy.bar, 0);
	assert_true(fixture->toy.value == value);
	value = 0;
	assert_int_equal(file_pread(fixture->file, &value, 4, AT(0, 0x28)), 4);
	assert_true(value == 0x55667788);
}

static void test_memory_is_memory(void **state)
{
	struct fixture *fixture = *state;
	char *memory = vfio_pci_bar_memory(fixture->pci, 0);
	char text[] = "a device's own memory", back[sizeof(text)];

	assert_int_equal(file_pwrite(fixture->file, text, sizeof(text),
				     AT(0, TOY_MEMORY + 3)),
			 sizeof(text));
	assert_string_equal(memory + TOY_MEMORY + 3, text);
	assert_int_equal(file_pread(fixture->file, back, sizeof(text),
				    AT(0, TOY_MEMORY + 3)),
			 sizeof(text));
	assert_string_equal(back, text);
	assert_int_equal(fixture->toy.n_loads + fixture->toy.n_stores, 0);
}

static void test_doorbell_is_memory_and_rings(void **state)
{
	struct fixture *fixture = *state;
	__u32 *memory = vfio_pci_bar_memory(fixture->pci, 0);
	__u32 value = 77;

	assert_int_equal(file_pwrite(fixture->file, &value, 4,
				     AT(0, TOY_DOORBELL + 8)),
			 4);
	assert_int_equal(memory[(TOY_DOORBELL + 8) / 4], 77);
	assert_int_equal(fixture->toy.n_stores, 1);
	assert_int_equal(fixture->toy.n_doorbells, 1);
	assert_int_equal(file_pread(fixture->file, &value, 4,
				    AT(0, TOY_DOORBELL + 8)),
			 4);
	assert_int_equal(fixture->toy.n_loads, 1);
	assert_int_equal(fixture->toy.n_doorbells, 1);
}

static void test_the_end_of_a_bar(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(load(fixture, TOY_BAR0_LEN - 4, 4), 4);
	assert_int_equal(load(fixture, TOY_BAR0_LEN - 4, 64), 4);
	assert_int_equal(store(fixture, TOY_BAR0_LEN - 3, 64), 3);
	assert_int_equal(load(fixture, TOY_BAR0_LEN, 1), -EINVAL);
	assert_int_equal(store(fixture, TOY_BAR0_LEN, 1), -EINVAL);
	assert_int_equal(load(fixture, (1ULL << 40) - 1, 1), -EINVAL);
	assert_int_equal(load(fixture, TOY_BAR0_LEN, 0), 0);
}

static void test_other_regions(void **state)
{
	static const unsigned int absent[] = { 1, 3, 4, 5, 6, 8, 9, 4096 };
	struct fixture *fixture = *state;
	char byte = 0;

	for (size_t i = 0; i < array_len(absent); i++) {
		assert_int_equal(file_pread(fixture->file, &byte, 1,
					    AT(absent[i], 0)),
				 -EINVAL);
		assert_int_equal(file_pwrite(fixture->file, &byte, 1,
					     AT(absent[i], 0)),
				 -EINVAL);
		assert_int_equal(file_pread(fixture->file, &byte, 0,
					    AT(absent[i], 0)),
				 0);
	}
	assert_int_equal(file_pread(fixture->file, &byte, 1, -1), -EINVAL);
}

static void test_msix_table_does_not_answer(void **state)
{
	struct fixture *fixture = *state;
	const __u64 end = TOY_TRAP + TOY_N_MSIX * 16;
	__u8 bytes[256];

	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(
		file_pread(fixture->file, bytes, 16, AT(0, TOY_TRAP + 16)), 16);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(bytes[i], 0xff);
	assert_int_equal(fixture->toy.n_loads, 0);
	assert_int_equal(store(fixture, TOY_TRAP, TOY_N_MSIX * 16),
			 TOY_N_MSIX * 16);
	assert_int_equal(fixture->toy.n_stores, 0);
	/* Over both ends: the model sees what is outside. */
	assert_int_equal(load(fixture, TOY_TRAP - 2, 4), 4);
	assert_string_equal(fixture->toy.widths, "2");
	assert_int_equal(load(fixture, end - 2, 10), 10);
	assert_string_equal(fixture->toy.widths, "8");
	assert_int_equal(load(fixture, end, 4), 4);
	assert_string_equal(fixture->toy.widths, "4");
}

static void test_without_memory_decoding(void **state)
{
	struct fixture *fixture = *state;
	__u8 bytes[4] = { 0 };

	config_set(fixture, PCI_COMMAND, 2, 0);
	assert_int_equal(load(fixture, 0, 4), -EIO);
	assert_int_equal(store(fixture, 0, 4), -EIO);
	assert_int_equal(load(fixture, TOY_MEMORY, 4), -EIO);
	assert_int_equal(store(fixture, TOY_DOORBELL, 4), -EIO);
	assert_int_equal(fixture->toy.n_loads + fixture->toy.n_stores, 0);
	assert_int_equal(fixture->toy.n_doorbells, 0);
	/* The table is not asked, so it gives what it always gives. */
	assert_int_equal(file_pread(fixture->file, bytes, 4, AT(0, TOY_TRAP)),
			 4);
	assert_int_equal(bytes[3], 0xff);
	config_set(fixture, PCI_COMMAND, 2, 2);
	assert_int_equal(load(fixture, 0, 4), 4);
}

static void test_bad_pointers(void **state)
{
	struct fixture *fixture = *state;
	char *map = harness_map_before_hole(PAGE);

	harness_catch_faults();
	assert_int_equal(file_pread(fixture->file, NULL, 4, AT(0, 0)), -EFAULT);
	assert_int_equal(file_pwrite(fixture->file, NULL, 4, AT(0, 0)),
			 -EFAULT);
	assert_int_equal(fixture->toy.n_stores, 0);
	assert_int_equal(file_pread(fixture->file, map + PAGE - 8, 16,
				    AT(0, 0)),
			 -EFAULT);
	assert_int_equal(file_pread(fixture->file, map + PAGE - 8, 16,
				    AT(0, TOY_TRAP)),
			 -EFAULT);
	harness_unmap_before_hole(map, PAGE);
}

static void test_memory_is_zero_at_open(void **state)
{
	struct fixture *fixture = *state;
	char *memory = vfio_pci_bar_memory(fixture->pci, 2);

	memset(memory, 0x77, TOY_BAR2_LEN);
	fixture_reopen(fixture);
	assert_null(vfio_pci_bar_memory(fixture->pci, 2));
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
	memory = vfio_pci_bar_memory(fixture->pci, 2);
	for (size_t i = 0; i < TOY_BAR2_LEN; i++)
		assert_int_equal(memory[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bound_test(test_accesses_are_split),
		bound_test(test_values_pass),
		bound_test(test_memory_is_memory),
		bound_test(test_doorbell_is_memory_and_rings),
		bound_test(test_the_end_of_a_bar),
		bound_test(test_other_regions),
		bound_test(test_msix_table_does_not_answer),
		bound_test(test_without_memory_decoding),
		bound_test(test_bad_pointers),
		bound_test(test_memory_is_zero_at_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
