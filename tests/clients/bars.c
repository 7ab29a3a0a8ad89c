/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mappings of a BAR, used wrongly: what Linux answers by SIGSEGV is a SIGSEGV
 * of the program, whatever else it does to its mappings; and the device that
 * it drives through another one notices nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/vfio.h>
#include "harness/nvme_client.h"

#define IOVA 0x10000ull
#define REG_CAP_HIGH 0x04
#define REG_AQA 0x24
#define AQA 0x003f003fu
#define DOORBELLS CLIENT_PAGE
#define FREE_DOORBELL (DOORBELLS + 0x70)

static struct client client;
static sigjmp_buf after_fault;
static volatile void *fault_address;

static void on_fault(int signal, siginfo_t *info, void *ucontext)
{
	(void)signal;
	(void)ucontext;
	fault_address = info->si_addr;
	siglongjmp(after_fault, 1);
}

static bool can_load(volatile void *address)
{
	if (sigsetjmp(after_fault, 1)) {
		check(fault_address == address);
		return false;
	}
	(void)*(volatile uint32_t *)address;
	return true;
}

static bool can_store(volatile void *address, uint32_t value)
{
	if (sigsetjmp(after_fault, 1)) {
		check(fault_address == address);
		return false;
	}
	*(volatile uint32_t *)address = value;
	return true;
}

static uint32_t load(volatile void *address)
{
	return *(volatile uint32_t *)address;
}

/* Its registers answer, and its doorbells are heard, even after a sleep. */
static void check_device(void)
{
	check(load(client.bar + REG_AQA) == AQA);
	check(!client_io(&client, CLIENT_READ, 0, 8, IOVA));
	usleep(2000);
	check(!client_io(&client, CLIENT_READ, 0, 8, IOVA));
}

static void *map_bar(size_t offset, size_t len, int prot)
{
	void *map =
		mmap(NULL, len, prot, MAP_SHARED, client.device, (off_t)offset);

	check(map != MAP_FAILED);
	return map;
}

static void refused(size_t len, int flags, off_t offset)
{
	check(mmap(NULL, len, PROT_READ | PROT_WRITE, flags, client.device,
		   offset) == MAP_FAILED);
	check(errno == EINVAL);
}

static void test_wrong_mmap(void)
{
	refused(1 << 20, MAP_SHARED, 0);
	refused(CLIENT_PAGE, MAP_SHARED, (off_t)client.bar_len);
	refused(CLIENT_PAGE, MAP_PRIVATE, 0);
	refused(CLIENT_PAGE, MAP_SHARED, (off_t)client.config);
	refused(CLIENT_PAGE, MAP_SHARED, -(off_t)CLIENT_PAGE);
	refused(CLIENT_PAGE, MAP_SHARED, 100);
	refused(0, MAP_SHARED, 0);
	refused(CLIENT_PAGE, MAP_SHARED, (off_t)(1ull << 40));
	refused(SIZE_MAX, MAP_SHARED, 0);
	check_device();
}

static void test_protection_of_mmap(void)
{
	char *map = map_bar(0, client.bar_len, PROT_NONE);

	check(!can_load(map) && !can_store(map + REG_AQA, 0));
	check(!can_load(map + DOORBELLS));
	check(!munmap(map, client.bar_len));
	map = map_bar(0, client.bar_len, PROT_READ);
	check(can_load(map) && !can_store(map + REG_AQA, 0));
	check(can_load(map + DOORBELLS) && !can_store(map + FREE_DOORBELL, 0));
	check(!munmap(map, client.bar_len));
	map = map_bar(0, client.bar_len, PROT_WRITE);
	check(can_store(map + REG_AQA, AQA));
	check(can_store(map + FREE_DOORBELL, 0));
	check(!munmap(map, client.bar_len));
	check_device();
}

/* The same by mprotect(): registers stay registers when they are opened. */
static void test_mprotect(void)
{
	char *map = map_bar(0, client.bar_len, PROT_READ | PROT_WRITE);
	uint32_t cap = load(map + REG_CAP_HIGH);

	check(!mprotect(map, client.bar_len, PROT_NONE));
	check(!can_load(map) && !can_load(map + DOORBELLS));
	check(!can_store(map, 0));
	check(!mprotect(map, CLIENT_PAGE, PROT_READ));
	check(can_load(map) && !can_store(map + REG_AQA, 0));
	check(!can_load(map + DOORBELLS));
	check(!mprotect(map, client.bar_len, PROT_READ | PROT_WRITE));
	check(can_store(map + REG_CAP_HIGH, ~cap)); /* a store without effect */
	check(load(map + REG_CAP_HIGH) == cap);
	check(can_store(map + FREE_DOORBELL, 0));
	check_device();
	/* The client's own mapping, too. */
	check(!mprotect((void *)(uintptr_t)client.bar, client.bar_len,
			PROT_READ | PROT_WRITE));
	check_device();
	check(mprotect(map + 1, CLIENT_PAGE, PROT_READ) && errno == EINVAL);
	check(!munmap(map, client.bar_len));
}

static void test_partial_munmap(void)
{
	char *map = map_bar(0, client.bar_len, PROT_READ | PROT_WRITE);

	check(!munmap(map + CLIENT_PAGE, CLIENT_PAGE));
	check(!can_load(map + CLIENT_PAGE) && !can_store(map + CLIENT_PAGE, 1));
	check(load(map + REG_AQA) == AQA && can_load(map + 2 * CLIENT_PAGE));
	check_device();
	check(!munmap(map, CLIENT_PAGE));
	check(!can_load(map) && can_load(map + 2 * CLIENT_PAGE));
	check(!munmap(map, client.bar_len));
	check(!can_load(map + 2 * CLIENT_PAGE));
	check_device();
}

/* Pages of a device can neither be discarded nor grow. */
static void test_madvise_and_mremap(void)
{
	static const int refused_advice[] = { MADV_DONTNEED, MADV_FREE,
					      MADV_REMOVE };
	char *bar = (char *)(uintptr_t)client.bar;

	for (size_t i = 0; i < 3; i++) {
		errno = 0;
		check(madvise(bar, client.bar_len, refused_advice[i]));
		check(errno == EINVAL);
	}
	check(!madvise(bar, client.bar_len, MADV_HUGEPAGE) || errno == EINVAL);
	check_device();
	check(mremap(bar, client.bar_len, 2 * client.bar_len, MREMAP_MAYMOVE) ==
	      MAP_FAILED);
	check(errno == EFAULT);
	check_device();
	bar = map_bar(0, client.bar_len, PROT_READ | PROT_WRITE);
	check(mremap(bar, client.bar_len, CLIENT_PAGE, 0) == bar);
	check(load(bar + REG_AQA) == AQA && !can_load(bar + CLIENT_PAGE));
	check(!munmap(bar, CLIENT_PAGE));
	check_device();
}

/* Registers are no memory: not for DMA, and not for system calls. */
static void test_not_memory(void)
{
	check(client_map(&client, (void *)(uintptr_t)client.bar, CLIENT_PAGE,
			 2 * IOVA, true) == -EFAULT);
	check_device();
}

/* A child may look at the mapping, and take it away: it is a copy. */
static void test_fork(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		can_load(client.bar);
		can_store(client.bar + FREE_DOORBELL, 0);
		munmap((void *)(uintptr_t)client.bar, client.bar_len);
		_exit(can_load(client.bar) ? 1 : 0);
	}
	check(waitpid(pid, &status, 0) == pid);
	check(WIFEXITED(status) && !WEXITSTATUS(status));
	check_device();
}

/* A mapping keeps the device open, but nothing can be done through it. */
static void test_close_before_munmap(void)
{
	struct client other;

	close(client.iommufd);
	close(client.device);
	check(can_load(client.bar));
	check(can_store(client.bar + DOORBELLS + 8, 3));
	check(client_open(&other, 0, -1) == -EINVAL);
	check(!munmap((void *)(uintptr_t)client.bar, client.bar_len));
	check(!can_load(client.bar));
	check(!client_open(&other, 0, -1));
	client_start(&other);
	client_close(&other);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO };

	check(!sigaction(SIGSEGV, &action, NULL));
	check(!client_open(&client, 0, -1));
	client_start(&client);
	check(!client_map(&client, client_alloc(CLIENT_PAGE, 0), CLIENT_PAGE,
			  IOVA, true));
	test_wrong_mmap();
	test_protection_of_mmap();
	test_mprotect();
	test_partial_munmap();
	test_madvise_and_mremap();
	test_not_memory();
	test_fork();
	test_close_before_munmap();
	return 0;
}
