/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration space, bit by bit. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "fixture.h"

static __u8 space[PCI_CONFIG_LEN];

static void read_all(struct fixture *fixture)
{
	assert_int_equal(file_pread(fixture->file, space, sizeof(space),
				    AT_CONFIG(0)),
			 sizeof(space));
}

static __u32 word32(unsigned int at)
{
	__u32 value;

	memcpy(&value, &space[at], sizeof(value));
	return value;
}

static void test_header(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(config_get(fixture, 0x00, 4), 0xabcd1b36);
	/* Linux enables a device before it hands it out; bus master is off. */
	assert_int_equal(config_get(fixture, 0x04, 2), 0x0002);
	assert_int_equal(config_get(fixture, 0x06, 2), 0x0010);
	assert_int_equal(config_get(fixture, 0x08, 4), 0x01080202);
	assert_int_equal(config_get(fixture, 0x0e, 1), 0);
	assert_int_equal(config_get(fixture, 0x2c, 4), 0x11001af4);
	assert_int_equal(config_get(fixture, 0x30, 4), 0);
	assert_int_equal(config_get(fixture, 0x3d, 1), 1);
}

static void test_capability_list(void **state)
{
	static const __u8 expected[] = { 0x01, 0x05, 0x10, 0x11 };
	struct fixture *fixture = *state;
	unsigned int n = 0;
	__u8 at;

	read_all(fixture);
	for (at = space[0x34]; at; at = space[at + 1]) {
		assert_true(n < array_len(expected));
		assert_true(at >= 0x40 && !(at & 3));
		assert_int_equal(space[at], expected[n++]);
	}
	assert_int_equal(n, array_len(expected));
	/* MSI-X: table of 5 at BAR0 + 0x2000. */
	assert_int_equal(word32(PCI_CAP_MSIX) >> 16, TOY_N_MSIX - 1);
	assert_int_equal(word32(PCI_CAP_MSIX + 4), TOY_TRAP);
	assert_int_equal(word32(PCI_CAP_MSIX + 8), TOY_TRAP + 0x800);
	/* MSI: 4 vectors, 64-bit addresses. */
	assert_int_equal(word32(PCI_CAP_MSI) >> 16, 0x0084);
	/* Express: endpoint, function level reset. */
	assert_int_equal(word32(PCI_CAP_EXPRESS) >> 16 & 0xff, 0x02);
	assert_true(word32(PCI_CAP_EXPRESS + 4) & 1 << 28);
	/* Serial number. */
	assert_int_equal(word32(0x100), 0x00010003);
	assert_int_equal(word32(0x104), (__u32)TOY_SERIAL);
	assert_int_equal(word32(0x108), TOY_SERIAL >> 32);
}

/* Bits of a byte that a program can set and clear. */
struct writable {
	unsigned int at;
	__u32 mask;
};

static const struct writable writable_words[] = {
	{ 0x0c, 0xff }, /* cache line size */
	{ 0x10, ~(TOY_BAR0_LEN - 1) }, /* BAR0 */
	{ 0x14, 0xffffffff },
	{ 0x18, ~(TOY_BAR2_LEN - 1) }, /* BAR2 */
	{ 0x3c, 0xff }, /* interrupt line */
	{ PCI_CAP_MSI + 4, 0xfffffffc },
	{ PCI_CAP_MSI + 8, 0xffffffff },
	{ PCI_CAP_MSI + 12, 0xffff },
	{ PCI_CAP_EXPRESS + 8, 0x78ff },
	{ PCI_CAP_EXPRESS + 16, 0xcb },
	{ PCI_CAP_EXPRESS + 40, 0x10 },
	{ PCI_CAP_EXPRESS + 48, 0x0f },
};

static __u32 writable_at(unsigned int at)
{
	for (size_t i = 0; i < array_len(writable_words); i++)
		if (writable_words[i].at == at)
			return writable_words[i].mask;
	return 0;
}

/* Writing here does more than to set bits. */
static bool is_special(unsigned int at)
{
	return at == 0x04 || at == PCI_CAP_PM + 4 || at == PCI_CAP_MSI ||
	       at == PCI_CAP_EXPRESS + 8;
}

static void test_every_word_takes_ones_and_zeros(void **state)
{
	struct fixture *fixture = *state;
	__u8 before[PCI_CONFIG_LEN];
	__u32 was, mask;

	read_all(fixture);
	memcpy(before, space, sizeof(before));
	for (unsigned int at = 0; at < PCI_CONFIG_LEN; at += 4) {
		if (is_special(at))
			continue;
		memcpy(&was, &before[at], 4);
		mask = writable_at(at);
		config_set(fixture, at, 4, 0xffffffff);
		assert_int_equal(config_get(fixture, at, 4), was | mask);
		config_set(fixture, at, 4, 0);
		assert_int_equal(config_get(fixture, at, 4), was & ~mask);
		config_set(fixture, at, 4, was);
	}
	/* No write reached another word. */
	read_all(fixture);
	assert_memory_equal(space, before, sizeof(before));
	assert_int_equal(fixture->toy.n_resets, 0);
}

static void test_command_bits(void **state)
{
	struct fixture *fixture = *state;

	config_set(fixture, PCI_COMMAND, 2, 0xffff);
	assert_int_equal(config_get(fixture, PCI_COMMAND, 2), 0x0547);
	assert_true(fake_is_enabled(fixture->endpoint));
	assert_true(vfio_pci_bus_master(fixture->pci));
	/* A byte alone; then nothing is left. */
	config_set(fixture, PCI_COMMAND + 1, 1, 0);
	assert_int_equal(config_get(fixture, PCI_COMMAND, 2), 0x0047);
	config_set(fixture, PCI_COMMAND, 2, 0);
	assert_int_equal(config_get(fixture, PCI_COMMAND, 2), 0);
	assert_false(fake_is_enabled(fixture->endpoint));
	assert_false(vfio_pci_memory_enabled(fixture->pci));
}

static void test_model_hears_of_enables(void **state)
{
	struct fixture *fixture = *state;

	config_set(fixture, PCI_COMMAND, 2, 0x0006);
	assert_int_equal(fixture->toy.n_changes, 1);
	config_set(fixture, PCI_COMMAND, 2, 0x0406);
	assert_int_equal(fixture->toy.n_changes, 1);
	config_set(fixture, PCI_COMMAND, 2, 0x0404);
	assert_int_equal(fixture->toy.n_changes, 2);
}

static void test_bar_sizing(void **state)
{
	struct fixture *fixture = *state;

	vfio_pci_set_bar_address(fixture->pci, 0, 0x4000000000ULL);
	vfio_pci_set_bar_address(fixture->pci, 2, 0xfebf0000ULL);
	vfio_pci_set_bar_address(fixture->pci, 3, 0xdead0000ULL); /* absent */
	assert_int_equal(config_get(fixture, 0x10, 4), 0x00000004);
	assert_int_equal(config_get(fixture, 0x14, 4), 0x40);
	assert_int_equal(config_get(fixture, 0x18, 4), 0xfebf0008);
	assert_int_equal(config_get(fixture, 0x1c, 4), 0);
	for (unsigned int at = 0x10; at < 0x28; at += 4)
		config_set(fixture, at, 4, 0xffffffff);
	assert_int_equal(config_get(fixture, 0x10, 4), 0xffffc004);
	assert_int_equal(config_get(fixture, 0x14, 4), 0xffffffff);
	assert_int_equal(config_get(fixture, 0x18, 4), 0xffffe008);
	assert_int_equal(config_get(fixture, 0x1c, 4), 0);
	/* The next open finds the address again. */
	fixture_reopen(fixture);
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
	assert_int_equal(config_get(fixture, 0x18, 4), 0xfebf0008);
}

static void test_power_states(void **state)
{
	struct fixture *fixture = *state;
	__u32 value = 0;

	config_set(fixture, PCI_PM_CONTROL, 2, 3);
	assert_int_equal(config_get(fixture, PCI_PM_CONTROL, 2), 0x000b);
	assert_int_equal(file_pread(fixture->file, &value, 4, AT(0, 0)), -EIO);
	/* D1 and D2 are not there. */
	config_set(fixture, PCI_PM_CONTROL, 2, 1);
	assert_int_equal(config_get(fixture, PCI_PM_CONTROL, 2), 0x000b);
	config_set(fixture, PCI_PM_CONTROL, 1, 0);
	assert_int_equal(config_get(fixture, PCI_PM_CONTROL, 2), 0x0008);
	assert_int_equal(file_pread(fixture->file, &value, 4, AT(0, 0)), 4);
	config_set(fixture, PCI_PM_CONTROL, 2, 2);
	assert_int_equal(config_get(fixture, PCI_PM_CONTROL, 2), 0x0008);
}

static void test_initiate_flr(void **state)
{
	struct fixture *fixture = *state;
	const unsigned int at = PCI_EXPRESS_DEVICE_CONTROL;
	const __u32 value = config_get(fixture, at, 2);

	config_set(fixture, at, 2, value | 0x8000);
	assert_int_equal(fixture->toy.n_resets, 1);
	assert_int_equal(config_get(fixture, at, 2), value);
	config_set(fixture, at + 1, 1, 0x80);
	assert_int_equal(fixture->toy.n_resets, 2);
	/* The low byte has another bit 7. */
	config_set(fixture, at, 1, 0x80);
	assert_int_equal(fixture->toy.n_resets, 2);
}

static void set_eventfds(struct fixture *fixture, __u32 index, __u32 n, int fd)
{
	__u32 arg[5 + TOY_N_MSIX] = {
		sizeof(arg),
		VFIO_IRQ_SET_ACTION_TRIGGER | (n ? VFIO_IRQ_SET_DATA_EVENTFD
						 : VFIO_IRQ_SET_DATA_NONE),
		index,
		0,
		n,
	};

	for (__u32 i = 0; i < n; i++)
		arg[5 + i] = (__u32)fd;
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_SET_IRQS, arg),
			 0);
}

static void test_msi_control_shows_what_set_irqs_made(void **state)
{
	struct fixture *fixture = *state;
	int fd = eventfd(0, 0);

	config_set(fixture, PCI_MSI_CONTROL, 2, 0xffff);
	assert_int_equal(config_get(fixture, PCI_MSI_CONTROL, 2), 0x0084);
	set_eventfds(fixture, VFIO_PCI_MSI_IRQ_INDEX, 3, fd);
	config_set(fixture, PCI_MSI_CONTROL, 2, 0x0071);
	/* Three were asked for: four are to be seen. */
	assert_int_equal(config_get(fixture, PCI_MSI_CONTROL, 2), 0x00a5);
	config_set(fixture, PCI_MSI_CONTROL, 2, 0x0011);
	assert_int_equal(config_get(fixture, PCI_MSI_CONTROL, 2), 0x0095);
	set_eventfds(fixture, VFIO_PCI_MSI_IRQ_INDEX, 0, -1);
	assert_int_equal(config_get(fixture, PCI_MSI_CONTROL, 2) & 1, 0);
	close(fd);
}

static void test_msix_enable_is_read_only(void **state)
{
	struct fixture *fixture = *state;
	int fd = eventfd(0, 0);

	config_set(fixture, PCI_MSIX_CONTROL, 2, 0xc000);
	assert_int_equal(config_get(fixture, PCI_MSIX_CONTROL, 2),
			 TOY_N_MSIX - 1);
	set_eventfds(fixture, VFIO_PCI_MSIX_IRQ_INDEX, 1, fd);
	assert_int_equal(config_get(fixture, PCI_MSIX_CONTROL, 2),
			 0x8000 | (TOY_N_MSIX - 1));
	config_set(fixture, PCI_MSIX_CONTROL, 2, 0);
	assert_int_equal(config_get(fixture, PCI_MSIX_CONTROL, 2),
			 0x8000 | (TOY_N_MSIX - 1));
	set_eventfds(fixture, VFIO_PCI_MSIX_IRQ_INDEX, 0, -1);
	assert_int_equal(config_get(fixture, PCI_MSIX_CONTROL, 2),
			 TOY_N_MSIX - 1);
	close(fd);
}

static void test_status_shows_the_pin(void **state)
{
	struct fixture *fixture = *state;

	vfio_pci_intx_set(fixture->pci, true);
	assert_int_equal(config_get(fixture, PCI_STATUS, 2), 0x0018);
	vfio_pci_intx_set(fixture->pci, false);
	assert_int_equal(config_get(fixture, PCI_STATUS, 2), 0x0010);
}

static void test_access_to_the_end(void **state)
{
	struct fixture *fixture = *state;
	__u8 bytes[8];

	assert_int_equal(file_pread(fixture->file, bytes, 8, AT_CONFIG(4088)),
			 8);
	assert_int_equal(file_pread(fixture->file, bytes, 8, AT_CONFIG(4089)),
			 -EFAULT);
	assert_int_equal(file_pread(fixture->file, bytes, 1, AT_CONFIG(4096)),
			 -EFAULT);
	assert_int_equal(file_pwrite(fixture->file, bytes, 8, AT_CONFIG(4089)),
			 -EFAULT);
	assert_int_equal(file_pread(fixture->file, bytes, 0, AT_CONFIG(9999)),
			 0);
	harness_catch_faults();
	assert_int_equal(file_pread(fixture->file, NULL, 4, AT_CONFIG(0)),
			 -EFAULT);
	assert_int_equal(file_pwrite(fixture->file, NULL, 4, AT_CONFIG(4)),
			 -EFAULT);
}

static void test_unaligned_access(void **state)
{
	struct fixture *fixture = *state;
	const __u8 bytes[7] = { 0, 0, 0, 0xee, 0xff, 0xff, 0xff };

	/* From the serial number's neighbour: three bytes at an odd place. */
	assert_int_equal(config_get(fixture, 0x09, 3), 0x010802);
	/* Over the end of BAR4 and CardBus, into nothing that is writable. */
	assert_int_equal(file_pwrite(fixture->file, bytes, 7, AT_CONFIG(0x39)),
			 7);
	assert_int_equal(config_get(fixture, 0x3c, 1), 0xee);
	assert_int_equal(config_get(fixture, 0x3d, 1), 1);
}

static void test_as_sysfs_shows_it(void **state)
{
	struct fixture *fixture = *state;
	__u8 bytes[64];

	assert_int_equal(vfio_pci_config_read(fixture->pci, 0, bytes, 64), 64);
	read_all(fixture);
	assert_memory_equal(bytes, space, 64);
	assert_int_equal(vfio_pci_config_read(fixture->pci, 4090, bytes, 64),
			 6);
	assert_int_equal(vfio_pci_config_read(fixture->pci, 4096, bytes, 64),
			 0);
	fixture_reopen(fixture);
	assert_int_equal(vfio_pci_config_read(fixture->pci, 0, bytes, 2), 2);
	assert_int_equal(bytes[0], 0x36);
}

static void test_reset_keeps_registers(void **state)
{
	struct fixture *fixture = *state;

	config_set(fixture, PCI_COMMAND, 2, 0x0006);
	config_set(fixture, 0x3c, 1, 0x5a);
	config_set(fixture, PCI_PM_CONTROL, 2, 3);
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_RESET, NULL), 0);
	assert_int_equal(fixture->toy.n_resets, 1);
	assert_int_equal(config_get(fixture, PCI_COMMAND, 2), 0x0006);
	assert_int_equal(config_get(fixture, 0x3c, 1), 0x5a);
	assert_int_equal(config_get(fixture, PCI_PM_CONTROL, 2), 0x0008);
	assert_true(fake_is_enabled(fixture->endpoint));
	assert_true(vfio_pci_memory_enabled(fixture->pci));
}

static void test_a_function_with_nothing(void **state)
{
	struct vfio_pci_description bare = { .vendor = 1, .device = 2 };
	struct fixture *fixture = *state;
	struct vfio_pci_device *pci =
		vfio_pci_create(&bare, &toy_ops, &fixture->toy,
				fixture->endpoint, VFIO_PCI_MMIO_AUTO);

	vfio_pci_config_read(pci, 0, space, sizeof(space));
	assert_int_equal(space[0x34], PCI_CAP_PM);
	assert_int_equal(space[PCI_CAP_PM + 1], PCI_CAP_EXPRESS);
	assert_int_equal(space[PCI_CAP_EXPRESS + 1], 0);
	assert_int_equal(space[0x3d], 0);
	assert_int_equal(word32(0x100), 0);
	vfio_pci_destroy(pci);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bound_test(test_header),
		bound_test(test_capability_list),
		bound_test(test_every_word_takes_ones_and_zeros),
		bound_test(test_command_bits),
		bound_test(test_model_hears_of_enables),
		bound_test(test_bar_sizing),
		bound_test(test_power_states),
		bound_test(test_initiate_flr),
		bound_test(test_msi_control_shows_what_set_irqs_made),
		bound_test(test_msix_enable_is_read_only),
		bound_test(test_status_shows_the_pin),
		bound_test(test_access_to_the_end),
		bound_test(test_unaligned_access),
		bound_test(test_as_sysfs_shows_it),
		bound_test(test_reset_keeps_registers),
		bound_test(test_a_function_with_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
