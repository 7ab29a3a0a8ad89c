/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts: information, the rules of SET_IRQS, signalling. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/thread.h"
#include "fixture.h"

#define NONE VFIO_IRQ_SET_DATA_NONE
#define BOOL VFIO_IRQ_SET_DATA_BOOL
#define EVENTFD VFIO_IRQ_SET_DATA_EVENTFD
#define MASK VFIO_IRQ_SET_ACTION_MASK
#define UNMASK VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

#define INTX VFIO_PCI_INTX_IRQ_INDEX
#define MSI VFIO_PCI_MSI_IRQ_INDEX
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define ERR VFIO_PCI_ERR_IRQ_INDEX
#define REQ VFIO_PCI_REQ_IRQ_INDEX

#define N_FDS 8

/* SET_IRQS as a program writes it, with room for data. */
struct request {
	__u32 argsz;
	__u32 flags;
	__u32 index;
	__u32 start;
	__u32 count;
	union {
		__s32 fds[N_FDS];
		__u8 bools[4 * N_FDS];
	};
};

static int fds[N_FDS];

static int irq_setup(void **state)
{
	fixture_setup_bound(state);
	for (int i = 0; i < N_FDS; i++)
		fds[i] = eventfd(0, EFD_NONBLOCK);
	return 0;
}

static int irq_teardown(void **state)
{
	for (int i = 0; i < N_FDS; i++)
		close(fds[i]);
	return fixture_teardown(state);
}

#define irq_test(function) \
	cmocka_unit_test_setup_teardown(function, irq_setup, irq_teardown)

/* Return: how often the eventfd was signalled since the last look. */
static __u64 taken(int i)
{
	__u64 count;

	return read(fds[i], &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static long send(struct fixture *fixture, struct request *request)
{
	request->argsz = sizeof(*request);
	return file_ioctl(fixture->file, VFIO_DEVICE_SET_IRQS, request);
}

static long set_none(struct fixture *fixture, __u32 index, __u32 action,
		     __u32 start, __u32 count)
{
	struct request request = { .flags = NONE | action,
				   .index = index,
				   .start = start,
				   .count = count };

	return send(fixture, &request);
}

/* Eventfds @first, @first + 1, ... to vectors @start, @start + 1, ... */
static long set_fds(struct fixture *fixture, __u32 index, __u32 start,
		    __u32 count, int first)
{
	struct request request = { .flags = EVENTFD | TRIGGER,
				   .index = index,
				   .start = start,
				   .count = count };

	for (__u32 i = 0; i < count; i++)
		request.fds[i] = first < 0 ? -1 : fds[(__u32)first + i];
	return send(fixture, &request);
}

/* ---- information ------------------------------------------------------ */

static void test_info(void **state)
{
	static const struct {
		__u32 flags;
		__u32 count;
	} expected[] = { { 7, 1 },
			 { 9, TOY_N_MSI },
			 { 1, TOY_N_MSIX },
			 { 9, 1 },
			 { 9, 1 } };
	struct fixture *fixture = *state;
	struct vfio_irq_info info = { .argsz = sizeof(info) };

	for (info.index = 0; info.index < array_len(expected); info.index++) {
		assert_int_equal(file_ioctl(fixture->file,
					    VFIO_DEVICE_GET_IRQ_INFO, &info),
				 0);
		assert_int_equal(info.flags, expected[info.index].flags);
		assert_int_equal(info.count, expected[info.index].count);
	}
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_GET_IRQ_INFO,
				    &info),
			 -EINVAL);
	info.index = 0;
	info.argsz = sizeof(info) - 1;
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_GET_IRQ_INFO,
				    &info),
			 -EINVAL);
	harness_catch_faults();
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_GET_IRQ_INFO,
				    NULL),
			 -EFAULT);
}

/* ---- what all indices share ------------------------------------------- */

static void test_generic_rules(void **state)
{
	static const struct {
		struct request request;
		long expected;
	} cases[] = {
		{ { 19, NONE | TRIGGER, MSIX, 0, 0, { { 0 } } }, -EINVAL },
		{ { 20, NONE | TRIGGER, 5, 0, 0, { { 0 } } }, -EINVAL },
		{ { 20, NONE | TRIGGER, MSIX, 2, UINT32_MAX, { { 0 } } },
		  -EINVAL },
		{ { 20, NONE | TRIGGER | 64, MSIX, 0, 0, { { 0 } } }, -EINVAL },
		{ { 20, NONE | TRIGGER, MSIX, 5, 0, { { 0 } } }, -EINVAL },
		{ { 20, NONE | TRIGGER, MSIX, 4, 2, { { 0 } } }, -EINVAL },
		{ { 20, TRIGGER, MSIX, 0, 0, { { 0 } } }, -EINVAL },
		{ { 20, NONE | BOOL | TRIGGER, MSIX, 0, 0, { { 0 } } },
		  -EINVAL },
		{ { 23, EVENTFD | TRIGGER, MSIX, 0, 1, { { 0 } } }, -EINVAL },
		{ { 22, BOOL | TRIGGER, MSIX, 0, 3, { { 0 } } }, -EINVAL },
		{ { 20, NONE, MSIX, 0, 1, { { 0 } } }, -ENOTTY },
		{ { 20, NONE | MASK | TRIGGER, MSIX, 0, 1, { { 0 } } },
		  -ENOTTY },
		{ { 20, NONE | MASK, MSIX, 0, 1, { { 0 } } }, -ENOTTY },
		{ { 20, NONE | UNMASK, MSIX, 0, 1, { { 0 } } }, -ENOTTY },
		{ { 20, NONE | MASK, MSI, 0, 1, { { 0 } } }, -ENOTTY },
		{ { 20, NONE | MASK, ERR, 0, 1, { { 0 } } }, -ENOTTY },
		{ { 20, NONE | UNMASK, REQ, 0, 1, { { 0 } } }, -ENOTTY },
		{ { 20, NONE | MASK | UNMASK, INTX, 0, 1, { { 0 } } },
		  -ENOTTY },
		/* Off, and not on. */
		{ { 20, NONE | TRIGGER, MSIX, 0, 0, { { 0 } } }, -EINVAL },
		{ { 20, NONE | TRIGGER, INTX, 0, 0, { { 0 } } }, -EINVAL },
		{ { 20, NONE | TRIGGER, INTX, 0, 1, { { 0 } } }, -EINVAL },
		{ { 20, NONE | MASK, INTX, 0, 1, { { 0 } } }, -EINVAL },
		{ { 20, NONE | UNMASK, INTX, 0, 1, { { 0 } } }, -EINVAL },
		{ { 20, NONE | TRIGGER, MSIX, 0, 1, { { 0 } } }, -EINVAL },
		{ { 20, NONE | TRIGGER, ERR, 0, 1, { { 0 } } }, -EINVAL },
		{ { 20, NONE | TRIGGER, REQ, 0, 0, { { 0 } } }, -EINVAL },
		{ { 20, EVENTFD | TRIGGER, REQ, 0, 0, { { 0 } } }, -EINVAL },
		{ { 20, BOOL | TRIGGER, ERR, 0, 0, { { 0 } } }, -EINVAL },
		{ { 20, EVENTFD | TRIGGER, MSIX, 0, 0, { { 0 } } }, -ERANGE },
		/* Signalled by software with nobody to hear: nothing. */
		{ { 21, BOOL | TRIGGER, ERR, 0, 1, { { 1 } } }, 0 },
	};
	struct fixture *fixture = *state;
	struct request request;

	for (size_t i = 0; i < array_len(cases); i++) {
		request = cases[i].request;
		assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_SET_IRQS,
					    &request),
				 cases[i].expected);
	}
}

static void test_bad_pointers(void **state)
{
	struct fixture *fixture = *state;
	char *map = harness_map_before_hole(PAGE);
	struct request request = { .argsz = 24,
				   .flags = EVENTFD | TRIGGER,
				   .index = MSIX,
				   .count = 1 };

	harness_catch_faults();
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_SET_IRQS, NULL),
			 -EFAULT);
	memcpy(map + PAGE - 20, &request, 20);
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_SET_IRQS,
				    map + PAGE - 20),
			 -EFAULT);
	harness_unmap_before_hole(map, PAGE);
}

static void test_one_index_at_a_time(void **state)
{
	static const __u32 indices[] = { INTX, MSI, MSIX };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < array_len(indices); i++) {
		assert_int_equal(set_fds(fixture, indices[i], 0, 1, 0), 0);
		assert_int_equal(vfio_pci_msi_active(fixture->pci),
				 indices[i] != INTX);
		for (size_t j = 0; j < array_len(indices); j++) {
			if (i == j)
				continue;
			assert_int_equal(set_fds(fixture, indices[j], 0, 1, 1),
					 -EINVAL);
			assert_int_equal(set_none(fixture, indices[j], TRIGGER,
						  0, 0),
					 -EINVAL);
		}
		assert_int_equal(set_none(fixture, indices[i], TRIGGER, 0, 0),
				 0);
		assert_false(vfio_pci_msi_active(fixture->pci));
	}
}

/* ---- MSI, MSI-X ------------------------------------------------------- */

static void test_model_signals_vectors(void **state)
{
	static const __u32 indices[] = { MSI, MSIX };
	struct fixture *fixture = *state;

	config_set(fixture, PCI_COMMAND, 2, PCI_COMMAND_BUS_MASTER);
	for (size_t i = 0; i < array_len(indices); i++) {
		assert_int_equal(set_fds(fixture, indices[i], 0, 3, 0), 0);
		for (unsigned int vector = 0; vector < 9; vector++)
			vfio_pci_msi_trigger(fixture->pci, vector);
		vfio_pci_msi_trigger(fixture->pci, 1);
		assert_int_equal(taken(0), 1);
		assert_int_equal(taken(1), 2);
		assert_int_equal(taken(2), 1);
		set_none(fixture, indices[i], TRIGGER, 0, 0);
		vfio_pci_msi_trigger(fixture->pci, 0);
		assert_int_equal(taken(0), 0);
	}
}

static void test_no_message_without_bus_master(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set_fds(fixture, MSIX, 0, 1, 0), 0);
	vfio_pci_msi_trigger(fixture->pci, 0);
	assert_int_equal(taken(0), 0);
	/* The loop-back is not the device's. */
	assert_int_equal(set_none(fixture, MSIX, TRIGGER, 0, 1), 0);
	assert_int_equal(taken(0), 1);
}

static void test_vectors_change_while_active(void **state)
{
	struct fixture *fixture = *state;

	/* MSI-X takes more, MSI does not. */
	assert_int_equal(set_fds(fixture, MSIX, 0, 2, 0), 0);
	assert_int_equal(set_fds(fixture, MSIX, 4, 1, 4), 0);
	assert_int_equal(set_fds(fixture, MSIX, 1, 1, -1), 0);
	assert_int_equal(set_none(fixture, MSIX, TRIGGER, 0, 5), 0);
	assert_int_equal(taken(0), 1);
	assert_int_equal(taken(1), 0);
	assert_int_equal(taken(4), 1);
	assert_int_equal(set_fds(fixture, MSIX, 0, 5, -1), 0);
	assert_true(vfio_pci_msi_active(fixture->pci));
	set_none(fixture, MSIX, TRIGGER, 0, 0);
	assert_int_equal(set_fds(fixture, MSI, 0, 2, 0), 0);
	assert_int_equal(set_fds(fixture, MSI, 1, 1, 3), 0);
	assert_int_equal(set_fds(fixture, MSI, 2, 1, 2), -EINVAL);
	assert_int_equal(set_none(fixture, MSI, TRIGGER, 0, 2), 0);
	assert_int_equal(taken(0), 1);
	assert_int_equal(taken(1), 0);
	assert_int_equal(taken(3), 1);
}

static void test_loop_back_by_bools(void **state)
{
	struct fixture *fixture = *state;
	struct request request = {
		.flags = BOOL | TRIGGER, .index = MSIX, .start = 1, .count = 3
	};

	assert_int_equal(set_fds(fixture, MSIX, 0, 5, 0), 0);
	request.bools[0] = 1;
	request.bools[2] = 200;
	assert_int_equal(send(fixture, &request), 0);
	assert_int_equal(taken(0), 0);
	assert_int_equal(taken(1), 1);
	assert_int_equal(taken(2), 0);
	assert_int_equal(taken(3), 1);
}

static void test_a_bad_descriptor(void **state)
{
	struct fixture *fixture = *state;
	struct request request = { .flags = EVENTFD | TRIGGER,
				   .index = MSIX,
				   .count = 3 };
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	request.fds[0] = fds[0];
	request.fds[1] = 12345;
	request.fds[2] = fds[2];
	assert_int_equal(send(fixture, &request), -EBADF);
	assert_false(vfio_pci_msi_active(fixture->pci));
	request.fds[1] = pipes[0];
	assert_int_equal(send(fixture, &request), -EINVAL);
	assert_false(vfio_pci_msi_active(fixture->pci));
	/* While it is on, the request's vectors are lost, and no others. */
	assert_int_equal(set_fds(fixture, MSIX, 0, 5, 0), 0);
	assert_int_equal(send(fixture, &request), -EINVAL);
	assert_int_equal(set_none(fixture, MSIX, TRIGGER, 0, 5), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(taken(i), i >= 3);
	assert_int_equal(set_fds(fixture, REQ, 0, 1, 0), 0);
	request.index = REQ;
	request.count = 1;
	request.fds[0] = 12345;
	assert_int_equal(send(fixture, &request), -EBADF);
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- INTx ------------------------------------------------------------- */

static void test_intx_masks_itself(void **state)
{
	struct fixture *fixture = *state;
	struct vfio_pci_device *pci = fixture->pci;

	assert_int_equal(set_fds(fixture, INTX, 0, 1, 0), 0);
	vfio_pci_intx_set(pci, true);
	vfio_pci_intx_set(pci, false);
	vfio_pci_intx_set(pci, true);
	assert_int_equal(taken(0), 1);
	/* Still asserted: unmask brings it again. */
	assert_int_equal(set_none(fixture, INTX, UNMASK, 0, 1), 0);
	assert_int_equal(taken(0), 1);
	vfio_pci_intx_set(pci, false);
	assert_int_equal(set_none(fixture, INTX, UNMASK, 0, 1), 0);
	assert_int_equal(taken(0), 0);
	vfio_pci_intx_set(pci, true);
	assert_int_equal(taken(0), 1);
}

static void test_intx_mask(void **state)
{
	struct fixture *fixture = *state;
	struct request request = { .index = INTX, .count = 1 };

	assert_int_equal(set_fds(fixture, INTX, 0, 1, 0), 0);
	assert_int_equal(set_none(fixture, INTX, MASK, 0, 1), 0);
	vfio_pci_intx_set(fixture->pci, true);
	assert_int_equal(taken(0), 0);
	request.flags = BOOL | UNMASK;
	assert_int_equal(send(fixture, &request), 0);
	assert_int_equal(taken(0), 0);
	request.bools[0] = 1;
	assert_int_equal(send(fixture, &request), 0);
	assert_int_equal(taken(0), 1);
	request.flags = EVENTFD | MASK;
	assert_int_equal(send(fixture, &request), -ENOTTY);
	assert_int_equal(set_none(fixture, INTX, MASK, 0, 0), -EINVAL);
}

static void test_intx_disabled_by_command(void **state)
{
	struct fixture *fixture = *state;

	config_set(fixture, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(set_fds(fixture, INTX, 0, 1, 0), 0);
	vfio_pci_intx_set(fixture->pci, true);
	assert_int_equal(set_none(fixture, INTX, TRIGGER, 0, 1), 0);
	assert_int_equal(taken(0), 0);
	config_set(fixture, PCI_COMMAND, 2, 0);
	assert_int_equal(taken(0), 1);
	assert_int_equal(set_none(fixture, INTX, TRIGGER, 0, 1), 0);
	assert_int_equal(taken(0), 1);
}

static void test_intx_eventfd_is_replaced(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set_fds(fixture, INTX, 0, 1, -1), 0);
	vfio_pci_intx_set(fixture->pci, true);
	assert_int_equal(set_fds(fixture, INTX, 0, 1, 1), 0);
	assert_int_equal(set_none(fixture, INTX, UNMASK, 0, 1), 0);
	assert_int_equal(taken(1), 1);
	assert_int_equal(set_none(fixture, INTX, TRIGGER, 0, 0), 0);
	/* Asserted when it is switched on: it fires. */
	assert_int_equal(set_fds(fixture, INTX, 0, 1, 2), 0);
	assert_int_equal(taken(2), 1);
}

static void test_intx_unmask_by_eventfd(void **state)
{
	struct fixture *fixture = *state;
	struct pollfd poller = { .fd = fds[0], .events = POLLIN };
	struct request request = { .flags = EVENTFD | UNMASK,
				   .index = INTX,
				   .count = 1 };

	assert_int_equal(set_fds(fixture, INTX, 0, 1, 0), 0);
	request.fds[0] = fds[1];
	assert_int_equal(send(fixture, &request), 0);
	assert_int_equal(send(fixture, &request), -EBUSY);
	vfio_pci_intx_set(fixture->pci, true);
	assert_int_equal(taken(0), 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(eventfd_write(fds[1], 1), 0);
		assert_int_equal(poll(&poller, 1, 10000), 1);
		assert_int_equal(taken(0), 1);
	}
	request.fds[0] = -1;
	assert_int_equal(send(fixture, &request), 0);
	assert_int_equal(send(fixture, &request), 0);
	request.fds[0] = 12345;
	assert_int_equal(send(fixture, &request), -EBADF);
	/* And the close of the device ends the watch. */
	request.fds[0] = fds[2];
	assert_int_equal(send(fixture, &request), 0);
}

/* ---- ERR, REQ --------------------------------------------------------- */

static void test_err_and_req(void **state)
{
	struct fixture *fixture = *state;

	for (__u32 index = ERR; index <= REQ; index++) {
		assert_int_equal(set_fds(fixture, index, 0, 1, 0), 0);
		assert_int_equal(set_none(fixture, index, TRIGGER, 0, 1), 0);
		assert_int_equal(taken(0), 1);
		assert_int_equal(set_fds(fixture, index, 0, 1, 1), 0);
		assert_int_equal(set_none(fixture, index, TRIGGER, 0, 1), 0);
		assert_int_equal(taken(0), 0);
		assert_int_equal(taken(1), 1);
		assert_int_equal(set_none(fixture, index, TRIGGER, 0, 0), 0);
		assert_int_equal(set_none(fixture, index, TRIGGER, 0, 1),
				 -EINVAL);
	}
}

static void test_interrupts_survive_reset(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set_fds(fixture, MSIX, 0, 1, 0), 0);
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_RESET, NULL), 0);
	assert_int_equal(set_none(fixture, MSIX, TRIGGER, 0, 1), 0);
	assert_int_equal(taken(0), 1);
	assert_int_equal(set_fds(fixture, MSIX, 0, 1, 1), 0);
	/* The next owner of the device has none. */
	fixture_reopen(fixture);
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
	assert_false(vfio_pci_msi_active(fixture->pci));
	assert_int_equal(set_none(fixture, MSIX, TRIGGER, 0, 1), -EINVAL);
}

/* ---- threads ---------------------------------------------------------- */

static atomic_bool is_over;

static void *signal_on(void *arg)
{
	struct vfio_pci_device *pci = arg;

	while (!atomic_load(&is_over)) {
		vfio_pci_msi_trigger(pci, 0);
		vfio_pci_intx_set(pci, true);
		vfio_pci_intx_set(pci, false);
	}
	return NULL;
}

/*
 * A signal that met a descriptor which is closed already would write to
 * whatever has its number by then: here, to one that must stay silent.
 */
static void test_signal_while_replaced(void **state)
{
	struct fixture *fixture = *state;
	pthread_t thread;

	config_set(fixture, PCI_COMMAND, 2, PCI_COMMAND_BUS_MASTER);
	atomic_store(&is_over, false);
	assert_int_equal(pthread_create(&thread, NULL, signal_on, fixture->pci),
			 0);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(set_fds(fixture, MSIX, 0, 2, 0), 0);
		/* Vector 1's descriptor now has the number of vector 0's. */
		assert_int_equal(set_fds(fixture, MSIX, 0, 1, -1), 0);
		assert_int_equal(set_fds(fixture, MSIX, 2, 1, 5), 0);
		assert_int_equal(set_none(fixture, MSIX, TRIGGER, 0, 0), 0);
		assert_int_equal(set_fds(fixture, INTX, 0, 1, 1), 0);
		assert_int_equal(set_none(fixture, INTX, TRIGGER, 0, 0), 0);
		assert_int_equal(taken(5), 0);
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		irq_test(test_info),
		irq_test(test_generic_rules),
		irq_test(test_bad_pointers),
		irq_test(test_one_index_at_a_time),
		irq_test(test_model_signals_vectors),
		irq_test(test_no_message_without_bus_master),
		irq_test(test_vectors_change_while_active),
		irq_test(test_loop_back_by_bools),
		irq_test(test_a_bad_descriptor),
		irq_test(test_intx_masks_itself),
		irq_test(test_intx_mask),
		irq_test(test_intx_disabled_by_command),
		irq_test(test_intx_eventfd_is_replaced),
		irq_test(test_intx_unmask_by_eventfd),
		irq_test(test_err_and_req),
		irq_test(test_interrupts_survive_reset),
		irq_test(test_signal_while_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
