/* SPDX-License-Identifier: BSD-3-Clause */
/* The character device: bind, attach, detach, release, in order. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/err.h"
#include "base/fault.h"
#include "base/mem.h"
#include "fixture.h"

static long bind_with(struct fixture *fixture, __u32 argsz, __u32 flags,
		      int iommufd)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = argsz,
		.flags = flags,
		.iommufd = iommufd,
	};

	return file_ioctl(fixture->file, VFIO_DEVICE_BIND_IOMMUFD, &bind);
}

static long attach(struct fixture *fixture, __u32 *pt_id)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = 12,
		.pt_id = *pt_id,
	};
	long ret = file_ioctl(fixture->file, VFIO_DEVICE_ATTACH_IOMMUFD_PT,
			      &attach);

	*pt_id = attach.pt_id;
	return ret;
}

static long detach(struct fixture *fixture)
{
	struct vfio_device_detach_iommufd_pt detach = { .argsz = 8 };

	return file_ioctl(fixture->file, VFIO_DEVICE_DETACH_IOMMUFD_PT,
			  &detach);
}

/* ---- bind ------------------------------------------------------------- */

static void test_nothing_works_before_bind(void **state)
{
	struct fixture *fixture = *state;
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct file_mmap map = { .len = PAGE, .flags = MAP_SHARED };
	__u32 pt_id = 1;
	char byte = 0;

	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_GET_INFO, &info),
			 -EINVAL);
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_RESET, NULL),
			 -EINVAL);
	/* Not even the commands that nobody knows are unknown. */
	assert_int_equal(file_ioctl(fixture->file, 0x3bff, NULL), -EINVAL);
	assert_int_equal(attach(fixture, &pt_id), -EINVAL);
	assert_int_equal(detach(fixture), -EINVAL);
	assert_int_equal(file_pread(fixture->file, &byte, 1, AT_CONFIG(0)),
			 -EINVAL);
	assert_int_equal(file_pwrite(fixture->file, &byte, 1, AT_CONFIG(4)),
			 -EINVAL);
	assert_int_equal(ptr_err(file_mmap(fixture->file, &map)), -EINVAL);
	assert_int_equal(fixture->toy.n_resets, 0);
	assert_string_equal(fake_log, "");
}

static void test_bind_says_the_id(void **state)
{
	struct fixture *fixture = *state;
	struct vfio_device_bind_iommufd bind = {
		.argsz = 16,
		.iommufd = fixture->iommufd,
	};

	assert_int_equal(
		file_ioctl(fixture->file, VFIO_DEVICE_BIND_IOMMUFD, &bind), 0);
	assert_int_equal(bind.out_devid, FAKE_DEVICE_ID);
	assert_string_equal(fake_log, "bind open");
}

static void test_bind_errors_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct {
		struct vfio_device_bind_iommufd bind;
		__u8 tail[8];
	} longer = { .bind = { .argsz = sizeof(longer),
			       .iommufd = fixture->iommufd } };
	__u8 uuid[16] = { 1 };

	harness_catch_faults();
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_BIND_IOMMUFD,
				    NULL),
			 -EFAULT);
	assert_int_equal(bind_with(fixture, 15, 2, -2), -EINVAL);
	longer.tail[7] = 1;
	longer.bind.iommufd = -2; /* E2BIG comes first */
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_BIND_IOMMUFD,
				    &longer),
			 -E2BIG);
	assert_int_equal(bind_with(fixture, 16, 0, -2), -EINVAL);
	assert_int_equal(bind_with(fixture, 16, 2, fixture->iommufd), -EINVAL);
	/* A token is read, and then refused: this is no function of SR-IOV. */
	assert_int_equal(bind_with(fixture, 24, VFIO_DEVICE_BIND_FLAG_TOKEN,
				   12345),
			 -EFAULT);
	longer.bind.argsz = sizeof(longer.bind);
	longer.bind.flags = VFIO_DEVICE_BIND_FLAG_TOKEN;
	longer.bind.iommufd = 12345;
	longer.bind.token_uuid_ptr = (uintptr_t)uuid;
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_BIND_IOMMUFD,
				    &longer),
			 -EINVAL);
	assert_int_equal(bind_with(fixture, 16, 0, 12345), -EBADF);
	assert_string_equal(fake_log, "");
}

static void test_bind_takes_a_zero_tail(void **state)
{
	struct fixture *fixture = *state;
	struct {
		struct vfio_device_bind_iommufd bind;
		__u8 tail[8];
	} longer = { .bind = { .argsz = sizeof(longer),
			       .iommufd = fixture->iommufd } };

	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_BIND_IOMMUFD,
				    &longer),
			 0);
}

static void test_bind_to_what_is_no_context(void **state)
{
	struct fixture *fixture = *state;
	int fd;

	file_get(fixture->file);
	fd = file_install(fixture->file, 0);
	assert_int_equal(bind_with(fixture, 16, 0, fd), -EBADFD);
	close_number(fd);
}

static void test_second_bind(void **state)
{
	struct fixture *fixture = *state;
	struct file *second = fixture_open(fixture);

	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
	assert_int_equal(fixture_bind(fixture, fixture->file), -EINVAL);
	assert_int_equal(fixture_bind(fixture, second), -EINVAL);
	assert_int_equal(fixture->toy.n_opens, 1);
	/* The other file opens nothing, and its close closes nothing. */
	assert_int_equal(file_ioctl(second, VFIO_DEVICE_RESET, NULL), -EINVAL);
	file_put(second);
	assert_int_equal(fixture->toy.n_closes, 0);
	/* The close of the first makes room. */
	fixture_reopen(fixture);
	assert_int_equal(fixture->toy.n_closes, 1);
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
}

static void test_bind_failures_undo(void **state)
{
	struct fixture *fixture = *state;

	fake_bind_err = -EPERM;
	assert_int_equal(fixture_bind(fixture, fixture->file), -EPERM);
	fake_bind_err = 0;
	fixture->toy.open_err = -ENOSPC;
	assert_int_equal(fixture_bind(fixture, fixture->file), -ENOSPC);
	assert_string_equal(fake_log, "bind unbind");
	fixture->toy.open_err = 0;
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
}

static void test_bind_whose_reply_faults(void **state)
{
	struct fixture *fixture = *state;
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vfio_device_bind_iommufd *bind = (void *)map;

	harness_catch_faults();
	bind->argsz = 16;
	bind->iommufd = fixture->iommufd;
	mprotect(map, PAGE, PROT_READ);
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_BIND_IOMMUFD,
				    bind),
			 -EFAULT);
	assert_string_equal(fake_log, "bind open close unbind");
	munmap(map, PAGE);
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
}

static int claim_result;
static unsigned int n_claims;

static int claim_take(void *arg)
{
	(void)arg;
	n_claims += !claim_result;
	return claim_result;
}

static void claim_drop(void *arg)
{
	(void)arg;
	n_claims--;
}

static void test_claim_of_another_process(void **state)
{
	struct fixture *fixture = *state;
	const struct vfio_device_claim claim = { claim_take, claim_drop, NULL };

	n_claims = 0;
	vfio_device_set_claim(vfio_pci_to_device(fixture->pci), &claim);
	claim_result = -EBUSY;
	assert_int_equal(fixture_bind(fixture, fixture->file), -EINVAL);
	assert_string_equal(fake_log, "");
	claim_result = 0;
	fixture->toy.open_err = -EIO;
	assert_int_equal(fixture_bind(fixture, fixture->file), -EIO);
	assert_int_equal(n_claims, 0);
	fixture->toy.open_err = 0;
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
	assert_int_equal(n_claims, 1);
	fixture_reopen(fixture);
	assert_int_equal(n_claims, 0);
}

/* ---- attach, detach --------------------------------------------------- */

static void test_attach_replace_detach(void **state)
{
	struct fixture *fixture = *state;
	__u32 pt_id = 3;

	assert_int_equal(attach(fixture, &pt_id), 0);
	assert_int_equal(pt_id, FAKE_HWPT_ID);
	assert_int_equal(attach(fixture, &pt_id), 0);
	assert_int_equal(pt_id, FAKE_HWPT_ID + 1);
	assert_int_equal(detach(fixture), 0);
	assert_int_equal(fake_attached(fixture->endpoint), 0);
	assert_int_equal(detach(fixture), 0);
	assert_string_equal(fake_log, "attach replace detach");
}

static void test_attach_failure_keeps_what_was(void **state)
{
	struct fixture *fixture = *state;
	__u32 pt_id = 3;

	fake_attach_err = -ENOENT;
	assert_int_equal(attach(fixture, &pt_id), -ENOENT);
	fake_attach_err = 0;
	assert_int_equal(attach(fixture, &pt_id), 0);
	fake_attach_err = -EINVAL;
	assert_int_equal(attach(fixture, &pt_id), -EINVAL);
	assert_int_equal(fake_attached(fixture->endpoint), FAKE_HWPT_ID);
}

static void test_attach_and_detach_sizes(void **state)
{
	static const struct {
		unsigned int cmd;
		__u32 argsz;
		__u32 flags;
		long expected;
	} cases[] = {
		{ VFIO_DEVICE_ATTACH_IOMMUFD_PT, 11, 0, -EINVAL },
		{ VFIO_DEVICE_ATTACH_IOMMUFD_PT, 12, 2, -EINVAL },
		{ VFIO_DEVICE_ATTACH_IOMMUFD_PT, 15, 1, -EINVAL },
		{ VFIO_DEVICE_ATTACH_IOMMUFD_PT, 16, 1, -EINVAL },
		{ VFIO_DEVICE_ATTACH_IOMMUFD_PT, 99, 0, 0 },
		{ VFIO_DEVICE_DETACH_IOMMUFD_PT, 7, 0, -EINVAL },
		{ VFIO_DEVICE_DETACH_IOMMUFD_PT, 8, 2, -EINVAL },
		{ VFIO_DEVICE_DETACH_IOMMUFD_PT, 11, 1, -EINVAL },
		{ VFIO_DEVICE_DETACH_IOMMUFD_PT, 12, 1, 0 },
		{ VFIO_DEVICE_DETACH_IOMMUFD_PT, 99, 0, 0 },
	};
	struct fixture *fixture = *state;
	__u32 arg[4];

	for (size_t i = 0; i < array_len(cases); i++) {
		memset(arg, 0, sizeof(arg));
		arg[0] = cases[i].argsz;
		arg[1] = cases[i].flags;
		arg[3] = 1; /* the PASID of an attach */
		assert_int_equal(file_ioctl(fixture->file, cases[i].cmd, arg),
				 cases[i].expected);
	}
	harness_catch_faults();
	assert_int_equal(file_ioctl(fixture->file,
				    VFIO_DEVICE_ATTACH_IOMMUFD_PT, NULL),
			 -EFAULT);
	assert_int_equal(file_ioctl(fixture->file,
				    VFIO_DEVICE_DETACH_IOMMUFD_PT, NULL),
			 -EFAULT);
}

static void test_attach_whose_reply_faults(void **state)
{
	struct fixture *fixture = *state;
	__u32 *arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	harness_catch_faults();
	arg[0] = 12;
	mprotect(arg, PAGE, PROT_READ);
	assert_int_equal(file_ioctl(fixture->file,
				    VFIO_DEVICE_ATTACH_IOMMUFD_PT, arg),
			 -EFAULT);
	assert_string_equal(fake_log, "attach detach");
	munmap(arg, PAGE);
}

/* ---- the end ---------------------------------------------------------- */

static void test_release_stops_the_model_first(void **state)
{
	struct fixture *fixture = *state;
	__u32 pt_id = 3;

	assert_int_equal(attach(fixture, &pt_id), 0);
	config_set(fixture, PCI_COMMAND, 2, PCI_COMMAND_BUS_MASTER);
	fake_log_clear();
	fixture_reopen(fixture);
	assert_string_equal(fake_log, "close master-off detach unbind");
	assert_false(fake_is_enabled(fixture->endpoint));
}

static void test_the_device_keeps_its_context(void **state)
{
	struct fixture *fixture = *state;

	close_number(fixture->iommufd);
	fixture->iommufd = -1;
	assert_string_equal(fake_log, "");
	fixture_reopen(fixture);
	assert_string_equal(fake_log, "close unbind context-gone");
}

static void test_a_mapping_keeps_the_device(void **state)
{
	struct fixture *fixture = *state;
	void *map = map_bar(fixture, 2, 0, PAGE, PROT_READ);

	fixture_reopen(fixture);
	assert_int_equal(fixture->toy.n_closes, 0);
	assert_int_equal(fixture_bind(fixture, fixture->file), -EINVAL);
	unmap_bar(map, PAGE);
	assert_int_equal(fixture->toy.n_closes, 1);
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
}

static void test_end_of_the_machine_closes(void **state)
{
	struct fixture *fixture = *state;
	struct vfio_pci_device *pci =
		vfio_pci_create(&toy_description, &toy_ops, &fixture->toy,
				fixture->endpoint, VFIO_PCI_MMIO_AUTO);
	struct file_node *node = vfio_device_node(vfio_pci_to_device(pci));
	struct file *file = node->open(node, 0);

	assert_int_equal(fixture_bind(fixture, file), 0);
	vfio_device_set_index(vfio_pci_to_device(pci), 12, 34);
	assert_string_equal(node->path, "/dev/vfio/devices/vfio12");
	assert_int_equal(node->rdev, 34);
	fake_log_clear();
	/* The file is not released any more; only its memory is to be freed. */
	vfio_pci_destroy(pci);
	assert_string_equal(fake_log, "close unbind");
	mem_free(file->priv);
	file_free(file);
}

static void test_models_reach_memory_as_the_endpoint(void **state)
{
	struct fixture *fixture = *state;
	struct vfio_device *device = vfio_pci_to_device(fixture->pci);
	struct iommu_dma_piece piece;
	char byte = 0;

	assert_string_equal(vfio_device_name(device), TOY_NAME);
	assert_int_equal(vfio_dma_read(device, 0, &byte, 1), -EIO);
	assert_int_equal(vfio_dma_write(device, 0, &byte, 1), -EIO);
	assert_int_equal(vfio_dma_map(device, 0, 1, false, &piece), -EIO);
	config_set(fixture, PCI_COMMAND, 2, PCI_COMMAND_BUS_MASTER);
	assert_int_equal(vfio_dma_read(device, 0, &byte, 1), 0);
	assert_int_equal(byte, 0x5a);
	assert_int_equal(vfio_dma_write(device, 0, &byte, 1), 0);
	fake_log_clear();
	vfio_dma_burst_begin();
	assert_int_equal(vfio_dma_map(device, 0, 1, false, &piece), 0);
	assert_int_equal(vfio_dma_map(device, 0, 1, true, &piece), 0);
	vfio_dma_unmap(&piece);
	vfio_dma_burst_end();
	assert_string_equal(
		fake_log, "burst-begin hold-read hold-write let-go burst-end");
}

/* ---- every failure ---------------------------------------------------- */

static long set_vector(struct file *file, __u32 index, __u32 action, int fd)
{
	__u32 arg[6] = { sizeof(arg), VFIO_IRQ_SET_DATA_EVENTFD | action,
			 index,	      0,
			 1,	      (__u32)fd };

	return file_ioctl(file, VFIO_DEVICE_SET_IRQS, arg);
}

static int use_device(struct fixture *fixture, struct file *file, int fd)
{
	struct vfio_region_info region = { .argsz = sizeof(region) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz = 12 };
	struct file_mmap map = { .len = 3 * PAGE,
				 .prot = PROT_READ,
				 .flags = MAP_SHARED };
	__u16 command = PCI_COMMAND_BUS_MASTER;
	void *address;
	long err;

	err = fixture_bind(fixture, file);
	if (!err)
		err = file_ioctl(file, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
	if (!err)
		err = file_ioctl(file, VFIO_DEVICE_GET_REGION_INFO, &region);
	if (!err)
		err = file_pwrite(file, &command, 2, AT_CONFIG(4)) - 2;
	if (!err)
		err = set_vector(file, 0, VFIO_IRQ_SET_ACTION_TRIGGER, fd);
	if (!err)
		err = set_vector(file, 0, VFIO_IRQ_SET_ACTION_UNMASK, fd);
	if (!err)
		err = set_vector(file, 3, VFIO_IRQ_SET_ACTION_TRIGGER, fd);
	if (err)
		return (int)err;
	address = file_mmap(file, &map);
	if (is_err(address))
		return ptr_err(address);
	unmap_bar(address, 3 * PAGE);
	return 0;
}

static int open_and_use(void *arg)
{
	struct fixture *fixture = arg;
	unsigned int n_fds = count_fds();
	int fd = eventfd(0, 0);
	struct file *file = fixture->node->open(fixture->node, 0);
	int err;

	if (is_err(file)) {
		close(fd);
		return ptr_err(file);
	}
	err = use_device(fixture, file, fd);
	file_put(file);
	close(fd);
	assert_int_equal(count_fds(), n_fds);
	assert_int_equal(fake_attached(fixture->endpoint), 0);
	assert_false(fake_is_enabled(fixture->endpoint));
	assert_int_equal(fixture->toy.n_opens, fixture->toy.n_closes);
	return err;
}

static void test_every_failure_leaves_nothing(void **state)
{
	assert_true(fail_nth_sweep(open_and_use, *state) > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unbound_test(test_nothing_works_before_bind),
		unbound_test(test_bind_says_the_id),
		unbound_test(test_bind_errors_in_order),
		unbound_test(test_bind_takes_a_zero_tail),
		unbound_test(test_bind_to_what_is_no_context),
		unbound_test(test_second_bind),
		unbound_test(test_bind_failures_undo),
		unbound_test(test_bind_whose_reply_faults),
		unbound_test(test_claim_of_another_process),
		bound_test(test_attach_replace_detach),
		bound_test(test_attach_failure_keeps_what_was),
		bound_test(test_attach_and_detach_sizes),
		bound_test(test_attach_whose_reply_faults),
		bound_test(test_release_stops_the_model_first),
		bound_test(test_the_device_keeps_its_context),
		bound_test(test_a_mapping_keeps_the_device),
		unbound_test(test_end_of_the_machine_closes),
		bound_test(test_models_reach_memory_as_the_endpoint),
		unbound_test(test_every_failure_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
