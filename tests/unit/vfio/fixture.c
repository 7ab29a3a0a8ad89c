/* SPDX-License-Identifier: BSD-3-Clause */
/* The toy function and what every test does with it. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/trap.h"
#include "base/uaccess.h"
#include "fixture.h"

/* ---- the model -------------------------------------------------------- */

static int toy_open(struct vfio_pci_device *pci, void *priv)
{
	struct toy *toy = priv;

	(void)pci;
	if (toy->open_err)
		return toy->open_err;
	toy->block = mem_alloc(16);
	if (!toy->block)
		return -ENOMEM;
	toy->n_opens++;
	fake_log_add("open");
	return 0;
}

static void toy_close(struct vfio_pci_device *pci, void *priv)
{
	struct toy *toy = priv;

	/* The memory is there until we returned. */
	memset(vfio_pci_bar_memory(pci, 0), 0, TOY_BAR0_LEN);
	mem_free(toy->block);
	toy->n_closes++;
	fake_log_add("close");
}

static void toy_reset(struct vfio_pci_device *pci, void *priv)
{
	struct toy *toy = priv;

	(void)pci;
	toy->n_resets++;
	fake_log_add("reset");
}

static void toy_note(struct toy *toy, unsigned int bar, __u64 offset,
		     unsigned int width)
{
	size_t n = strlen(toy->widths);

	toy->bar = bar;
	toy->offset = offset;
	toy->width = width;
	if (n + 1 < sizeof(toy->widths))
		toy->widths[n] = (char)('0' + width);
}

static __u64 toy_load(struct vfio_pci_device *pci, unsigned int bar,
		      __u64 offset, unsigned int width)
{
	struct toy *toy = vfio_pci_priv(pci);

	toy_note(toy, bar, offset, width);
	toy->n_loads++;
	return toy->value;
}

static void toy_store(struct vfio_pci_device *pci, unsigned int bar,
		      __u64 offset, unsigned int width, __u64 value)
{
	struct toy *toy = vfio_pci_priv(pci);

	toy_note(toy, bar, offset, width);
	toy->n_stores++;
	toy->value = value;
}

static void toy_doorbell(struct vfio_pci_device *pci, unsigned int bar)
{
	struct toy *toy = vfio_pci_priv(pci);

	(void)bar;
	atomic_fetch_add(&toy->n_doorbells, 1);
}

static void toy_enable_changed(struct vfio_pci_device *pci)
{
	struct toy *toy = vfio_pci_priv(pci);

	toy->n_changes++;
}

const struct vfio_pci_ops toy_ops = {
	.open = toy_open,
	.close = toy_close,
	.reset = toy_reset,
	.bar_load = toy_load,
	.bar_store = toy_store,
	.doorbell = toy_doorbell,
	.enable_changed = toy_enable_changed,
};

static const struct vfio_pci_area toy_areas[] = {
	{ TOY_STORES_TRAP, PAGE, VFIO_PCI_AREA_STORES_TRAP },
	{ TOY_DOORBELL, PAGE, VFIO_PCI_AREA_DOORBELL },
	{ TOY_TRAP, PAGE, VFIO_PCI_AREA_TRAP },
	{ TOY_MEMORY, PAGE, VFIO_PCI_AREA_MEMORY },
};

static const struct vfio_pci_area toy_memory[] = {
	{ 0, TOY_BAR2_LEN, VFIO_PCI_AREA_MEMORY },
};

const struct vfio_pci_description toy_description = {
	.vendor = 0x1b36,
	.device = 0xabcd,
	.subsystem_vendor = 0x1af4,
	.subsystem_device = 0x1100,
	.revision = 2,
	.class_code = 0x010802,
	.bars = {
		[0] = { .len = TOY_BAR0_LEN, .is_64bit = true,
			.areas = toy_areas, .n_areas = array_len(toy_areas) },
		[2] = { .len = TOY_BAR2_LEN, .is_prefetchable = true,
			.areas = toy_memory,
			.n_areas = array_len(toy_memory) },
	},
	.n_msix = TOY_N_MSIX,
	.msix_bar = 0,
	.msix_table_offset = TOY_TRAP,
	.msix_pba_offset = TOY_TRAP + 0x800,
	.n_msi = TOY_N_MSI,
	.has_intx = true,
	.serial = TOY_SERIAL,
};

/* ---- descriptors ------------------------------------------------------ */

#define HOST_BASE 100000

static struct file *host_files[4];

static struct file *host_get(int fd)
{
	size_t i = (size_t)fd - HOST_BASE;

	if (fd < HOST_BASE || i >= array_len(host_files) || !host_files[i])
		return NULL;
	file_get(host_files[i]);
	return host_files[i];
}

static int host_install(struct file *file, int flags)
{
	(void)flags;
	for (size_t i = 0; i < array_len(host_files); i++) {
		if (host_files[i])
			continue;
		host_files[i] = file;
		return HOST_BASE + (int)i;
	}
	return -EMFILE;
}

void close_number(int fd)
{
	struct file *file = host_files[fd - HOST_BASE];

	host_files[fd - HOST_BASE] = NULL;
	file_put(file);
}

static const struct file_host host = {
	.get = host_get,
	.install = host_install,
};

/* ---- the machine ------------------------------------------------------ */

unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void fixture_make(struct fixture *fixture, enum vfio_pci_mmio mmio)
{
	fixture->pci = vfio_pci_create(&toy_description, &toy_ops,
				       &fixture->toy, fixture->endpoint, mmio);
	assert_false(is_err(fixture->pci));
	fixture->node = vfio_device_node(vfio_pci_to_device(fixture->pci));
	fixture->file = fixture_open(fixture);
}

void fixture_remake(struct fixture *fixture, enum vfio_pci_mmio mmio)
{
	file_put(fixture->file);
	vfio_pci_destroy(fixture->pci);
	fixture_make(fixture, mmio);
}

struct file *fixture_open(struct fixture *fixture)
{
	struct file *file = fixture->node->open(fixture->node, 0);

	assert_false(is_err(file));
	return file;
}

void fixture_reopen(struct fixture *fixture)
{
	file_put(fixture->file);
	fixture->file = fixture_open(fixture);
}

long fixture_bind(struct fixture *fixture, struct file *file)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = fixture->iommufd,
	};

	return file_ioctl(file, VFIO_DEVICE_BIND_IOMMUFD, &bind);
}

int fixture_setup(void **state)
{
	static struct fixture fixture;
	struct file *file;

	harness_setup(state);
	memset(&fixture, 0, sizeof(fixture));
	fake_bind_err = 0;
	fake_attach_err = 0;
	file_host_set(&host);
	fixture.n_fds = count_fds();
	fixture.endpoint = iommu_endpoint_create(NULL, NULL, 0, TOY_NAME);
	assert_non_null(fixture.endpoint);
	iommufd_node_init(&fixture.iommufd_node, 0);
	file = fixture.iommufd_node.open(&fixture.iommufd_node, 0);
	fixture.iommufd = file_install(file, 0);
	assert_true(fixture.iommufd >= 0);
	fixture_make(&fixture, VFIO_PCI_MMIO_AUTO);
	fake_log_clear();
	*state = &fixture;
	return 0;
}

int fixture_setup_bound(void **state)
{
	struct fixture *fixture;

	fixture_setup(state);
	fixture = *state;
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
	fake_log_clear();
	fixture->toy.n_changes = 0;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;

	file_put(fixture->file);
	vfio_pci_destroy(fixture->pci);
	if (fixture->iommufd >= 0)
		close_number(fixture->iommufd);
	iommu_endpoint_destroy(fixture->endpoint);
	assert_int_equal(fixture->toy.n_opens, fixture->toy.n_closes);
	assert_int_equal(count_fds(), fixture->n_fds);
	return harness_teardown(state);
}

__u32 config_get(struct fixture *fixture, unsigned int at, unsigned int width)
{
	__u32 value = 0;

	assert_int_equal(
		file_pread(fixture->file, &value, width, AT_CONFIG(at)), width);
	return value;
}

void config_set(struct fixture *fixture, unsigned int at, unsigned int width,
		__u32 value)
{
	assert_int_equal(file_pwrite(fixture->file, &value, width,
				     AT_CONFIG(at)),
			 width);
}

void *map_bar(struct fixture *fixture, unsigned int bar, __u64 offset,
	      size_t len, int prot)
{
	struct file_mmap request = {
		.len = len,
		.prot = prot,
		.flags = MAP_SHARED,
		.offset = AT(bar, offset),
	};
	void *address = file_mmap(fixture->file, &request);

	assert_false(is_err(address));
	return address;
}

void unmap_bar(void *address, size_t len)
{
	trap_unmapped((uintptr_t)address, len);
	assert_int_equal(munmap(address, len), 0);
}

/* ---- the front end ---------------------------------------------------- */

/* Two bytes each: 89 37 and 8b 07. */
__asm__(".text\n"
	".globl cpu_store\n"
	".type cpu_store, @function\n"
	"cpu_store: movl %esi, (%rdi)\n"
	"ret\n"
	".globl cpu_load\n"
	".type cpu_load, @function\n"
	"cpu_load: movl (%rdi), %eax\n"
	"ret\n"
	".section .note.GNU-stack,\"\",@progbits\n"
	".text\n");

static bool perform(struct trap_range *range, __u64 offset, greg_t *gregs)
{
	uintptr_t rip = (uintptr_t)gregs[REG_RIP];

	if (rip == (uintptr_t)cpu_store)
		range->ops->store(range, offset, 4, (__u32)gregs[REG_RSI]);
	else if (rip == (uintptr_t)cpu_load)
		gregs[REG_RAX] = (__u32)range->ops->load(range, offset, 4);
	else
		return false;
	gregs[REG_RIP] += 2;
	return true;
}

unsigned int n_accesses_refused;

static void fault_caught(int sig, siginfo_t *info, void *ucontext)
{
	greg_t *gregs = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
	uintptr_t address = (uintptr_t)info->si_addr;
	struct trap_range *range;
	bool is_store = gregs[REG_ERR] & 2;
	bool is_done;
	__u64 offset;

	if (uaccess_fixup(ucontext))
		return;
	range = trap_begin(address);
	if (!range) {
		signal(sig, SIG_DFL);
		return;
	}
	offset = address - range->start;
	if (!range->ops->permits(range, is_store)) {
		n_accesses_refused++;
		gregs[REG_RIP] += 2;
		is_done = true;
	} else {
		is_done = range->ops->open(range, offset, is_store) ||
			  perform(range, offset, gregs);
	}
	trap_end();
	if (!is_done)
		signal(sig, SIG_DFL);
}

void catch_traps(void)
{
	struct sigaction action = {
		.sa_sigaction = fault_caught,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	sigemptyset(&action.sa_mask);
	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
	assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
}
