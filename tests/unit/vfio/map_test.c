/* SPDX-License-Identifier: BSD-3-Clause */
/* Mappings of BARs: protections, traps, doorbells, partial unmaps. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/err.h"
#include "base/thread.h"
#include "base/trace.h"
#include "base/trap.h"
#include "fixture.h"

#define RW (PROT_READ | PROT_WRITE)

static unsigned int n_errors;

static void count_error(const char *device, const char *what)
{
	(void)what;
	assert_string_equal(device, TOY_NAME);
	n_errors++;
}

static const struct trace_listener listener = { .device_error = count_error };

/* What the kernel lets a program do there: "rw", "r-", "-w" or "--". */
static const char *protection(const void *address)
{
	static char prot[3];
	uintptr_t start, end;
	char line[512], *at;
	FILE *maps = fopen("/proc/self/maps", "r");

	assert_non_null(maps);
	strcpy(prot, "??");
	while (fgets(line, sizeof(line), maps)) {
		start = strtoul(line, &at, 16);
		end = strtoul(at + 1, &at, 16);
		if ((uintptr_t)address >= start && (uintptr_t)address < end)
			memcpy(prot, at + 1, 2);
	}
	fclose(maps);
	return prot;
}

static int try_map(struct fixture *fixture, off_t offset, size_t len, int flags)
{
	struct file_mmap request = {
		.len = len,
		.prot = RW,
		.flags = flags,
		.offset = offset,
	};
	void *address = file_mmap(fixture->file, &request);

	if (is_err(address))
		return ptr_err(address);
	unmap_bar(address, len);
	return 0;
}

static void test_what_can_be_mapped(void **state)
{
	static const struct {
		off_t offset;
		size_t len;
		int flags;
		int expected;
	} cases[] = {
		{ AT(0, 0), TOY_BAR0_LEN, MAP_SHARED, 0 },
		{ AT(0, PAGE), PAGE, MAP_SHARED, 0 },
		{ AT(0, 0), 1, MAP_SHARED, 0 },
		{ AT(0, 0), PAGE, MAP_SHARED_VALIDATE, 0 },
		{ AT(2, 0), TOY_BAR2_LEN, MAP_SHARED, 0 },
		{ AT(0, 0), PAGE, MAP_PRIVATE, -EINVAL },
		{ AT(0, 0), 0, MAP_SHARED, -EINVAL },
		{ AT(0, 0), TOY_BAR0_LEN + 1, MAP_SHARED, -EINVAL },
		{ AT(0, PAGE), TOY_BAR0_LEN, MAP_SHARED, -EINVAL },
		{ AT(0, TOY_BAR0_LEN), PAGE, MAP_SHARED, -EINVAL },
		{ AT(0, 0), SIZE_MAX, MAP_SHARED, -EINVAL },
		{ AT(0, 512), PAGE, MAP_SHARED, -EINVAL },
		{ AT(1, 0), PAGE, MAP_SHARED, -EINVAL },
		{ AT(3, 0), PAGE, MAP_SHARED, -EINVAL },
		{ AT(6, 0), PAGE, MAP_SHARED, -EINVAL },
		{ AT(7, 0), PAGE, MAP_SHARED, -EINVAL },
		{ AT(8, 0), PAGE, MAP_SHARED, -EINVAL },
		{ AT(9, 0), PAGE, MAP_SHARED, -EINVAL },
		{ -(off_t)PAGE, PAGE, MAP_SHARED, -EINVAL },
	};

	for (size_t i = 0; i < array_len(cases); i++)
		assert_int_equal(try_map(*state, cases[i].offset, cases[i].len,
					 cases[i].flags),
				 cases[i].expected);
}

static void test_protection_by_area(void **state)
{
	char *map = map_bar(*state, 0, 0, TOY_BAR0_LEN, RW);

	assert_string_equal(protection(map + TOY_STORES_TRAP), "r-");
	assert_string_equal(protection(map + TOY_DOORBELL), "rw");
	assert_string_equal(protection(map + TOY_TRAP), "--");
	assert_string_equal(protection(map + TOY_MEMORY), "rw");
	unmap_bar(map, TOY_BAR0_LEN);
}

static void test_never_more_than_asked(void **state)
{
	struct fixture *fixture = *state;
	char *map = map_bar(fixture, 0, 0, TOY_BAR0_LEN, PROT_READ);

	catch_traps();
	n_accesses_refused = 0;
	assert_string_equal(protection(map + TOY_STORES_TRAP), "r-");
	assert_string_equal(protection(map + TOY_DOORBELL), "r-");
	assert_string_equal(protection(map + TOY_MEMORY), "r-");
	cpu_store(map + TOY_STORES_TRAP, 1);
	cpu_store(map + TOY_DOORBELL, 1);
	cpu_store(map + TOY_MEMORY, 1);
	assert_int_equal(n_accesses_refused, 3);
	assert_int_equal(fixture->toy.n_stores, 0);
	assert_int_equal(cpu_load(map + TOY_MEMORY), 0);
	unmap_bar(map, TOY_BAR0_LEN);
	map = map_bar(fixture, 0, 0, TOY_BAR0_LEN, PROT_WRITE);
	assert_string_equal(protection(map + TOY_STORES_TRAP), "--");
	assert_string_equal(protection(map + TOY_MEMORY), "-w");
	unmap_bar(map, TOY_BAR0_LEN);
	map = map_bar(fixture, 0, 0, TOY_BAR0_LEN, PROT_NONE);
	cpu_load(map + TOY_TRAP);
	assert_int_equal(n_accesses_refused, 4);
	unmap_bar(map, TOY_BAR0_LEN);
}

/* As the front end does it: the call, and then what traps traps again. */
static void protect_bar(char *map, size_t len, int prot)
{
	assert_int_equal(mprotect(map, len, prot), 0);
	assert_int_equal(trap_protected((uintptr_t)map, len, prot), 0);
}

static void test_protection_changed(void **state)
{
	struct fixture *fixture = *state;
	char *map = map_bar(fixture, 0, 0, TOY_BAR0_LEN, RW);

	catch_traps();
	n_accesses_refused = 0;
	protect_bar(map, TOY_BAR0_LEN, RW);
	assert_string_equal(protection(map + TOY_STORES_TRAP), "r-");
	assert_string_equal(protection(map + TOY_TRAP), "--");
	cpu_store(map + TOY_TRAP, 1);
	assert_int_equal(fixture->toy.n_stores, 1);
	/* A part of it alone. */
	protect_bar(map + TOY_TRAP, PAGE, PROT_READ);
	cpu_store(map + TOY_TRAP, 2);
	cpu_load(map + TOY_TRAP);
	assert_int_equal(n_accesses_refused, 1);
	cpu_store(map + TOY_STORES_TRAP, 3);
	assert_int_equal(fixture->toy.n_stores, 2);
	/* All of it again, which is several mappings now. */
	protect_bar(map, TOY_BAR0_LEN, PROT_NONE);
	cpu_load(map + TOY_STORES_TRAP);
	cpu_load(map + TOY_TRAP);
	assert_int_equal(n_accesses_refused, 3);
	unmap_bar(map, TOY_BAR0_LEN);
	assert_false(trap_meets((uintptr_t)map, TOY_BAR0_LEN));
}

static void test_loads_and_stores(void **state)
{
	struct fixture *fixture = *state;
	char *map = map_bar(fixture, 0, 0, TOY_BAR0_LEN, RW);
	__u32 *memory = vfio_pci_bar_memory(fixture->pci, 0);

	catch_traps();
	/* Registers: loads are plain, stores are the model's. */
	memory[5] = 55;
	assert_int_equal(cpu_load(map + 20), 55);
	cpu_store(map + 20, 66);
	assert_int_equal(memory[5], 55);
	assert_int_equal(fixture->toy.n_loads, 0);
	assert_int_equal(fixture->toy.n_stores, 1);
	assert_int_equal(fixture->toy.offset, 20);
	assert_true(fixture->toy.value == 66);
	/* Trapping: both are. */
	assert_int_equal(cpu_load(map + TOY_TRAP + 0x800), 66);
	cpu_store(map + TOY_TRAP + 0x804, 77);
	assert_int_equal(fixture->toy.n_loads, 1);
	assert_int_equal(fixture->toy.n_stores, 2);
	assert_int_equal(fixture->toy.offset, TOY_TRAP + 0x804);
	/* Memory and doorbells that are not armed: neither. */
	cpu_store(map + TOY_MEMORY, 88);
	cpu_store(map + TOY_DOORBELL, 99);
	assert_int_equal(memory[TOY_MEMORY / 4], 88);
	assert_int_equal(memory[TOY_DOORBELL / 4], 99);
	assert_int_equal(fixture->toy.n_stores, 2);
	assert_int_equal(fixture->toy.n_doorbells, 0);
	unmap_bar(map, TOY_BAR0_LEN);
}

static void test_two_mappings_of_a_bar(void **state)
{
	struct fixture *fixture = *state;
	char *registers = map_bar(fixture, 0, 0, PAGE, RW);
	char *rest = map_bar(fixture, 0, PAGE, TOY_BAR0_LEN - PAGE, PROT_WRITE);

	catch_traps();
	cpu_store(registers + 8, 1);
	assert_int_equal(fixture->toy.offset, 8);
	cpu_store(rest + TOY_TRAP - PAGE + 0x900, 2);
	assert_int_equal(fixture->toy.offset, TOY_TRAP + 0x900);
	cpu_store(rest + TOY_DOORBELL - PAGE, 3);
	assert_int_equal(fixture->toy.n_doorbells, 0);
	assert_true(vfio_pci_doorbell_arm(fixture->pci));
	cpu_store(rest + TOY_DOORBELL - PAGE, 4);
	assert_int_equal(fixture->toy.n_doorbells, 1);
	assert_int_equal(((__u32 *)vfio_pci_bar_memory(fixture->pci,
						       0))[TOY_DOORBELL / 4],
			 4);
	unmap_bar(registers, PAGE);
	unmap_bar(rest, TOY_BAR0_LEN - PAGE);
}

static void test_memory_decoding_off(void **state)
{
	struct fixture *fixture = *state;
	char *map = map_bar(fixture, 0, 0, TOY_BAR0_LEN, RW);
	char *late;

	catch_traps();
	n_errors = 0;
	trace_listen(&listener);
	cpu_store(map + TOY_MEMORY, 5);
	config_set(fixture, PCI_COMMAND, 2, 0);
	for (size_t at = 0; at < TOY_BAR0_LEN; at += PAGE) {
		assert_string_equal(protection(map + at), "--");
		assert_int_equal(cpu_load(map + at), 0xffffffff);
		cpu_store(map + at, 6);
	}
	late = map_bar(fixture, 0, TOY_MEMORY, PAGE, RW);
	assert_int_equal(cpu_load(late), 0xffffffff);
	/* Told once. */
	assert_int_equal(n_errors, 1);
	assert_int_equal(fixture->toy.n_loads + fixture->toy.n_stores, 0);
	assert_int_equal(fixture->toy.n_doorbells, 0);
	config_set(fixture, PCI_COMMAND, 2, 2);
	assert_int_equal(cpu_load(map + TOY_MEMORY), 5);
	assert_int_equal(cpu_load(late), 5);
	assert_string_equal(protection(map + TOY_DOORBELL), "rw");
	unmap_bar(map, TOY_BAR0_LEN);
	unmap_bar(late, PAGE);
	trace_listen(NULL);
}

static void test_a_late_handler_is_put_right(void **state)
{
	char *map = map_bar(*state, 0, 0, TOY_BAR0_LEN, RW);

	catch_traps();
	/* A page that another thread's handler took access from too late. */
	mprotect(map + TOY_MEMORY, PAGE, PROT_NONE);
	cpu_store(map + TOY_MEMORY, 9);
	assert_int_equal(cpu_load(map + TOY_MEMORY), 9);
	assert_string_equal(protection(map + TOY_MEMORY), "rw");
	unmap_bar(map, TOY_BAR0_LEN);
}

/* ---- doorbells -------------------------------------------------------- */

static void test_armed_doorbell_rings_once(void **state)
{
	struct fixture *fixture = *state;
	char *map = map_bar(fixture, 0, 0, TOY_BAR0_LEN, RW);

	catch_traps();
	assert_true(vfio_pci_doorbell_arm(fixture->pci));
	assert_string_equal(protection(map + TOY_DOORBELL), "r-");
	assert_string_equal(protection(map + TOY_MEMORY), "rw");
	cpu_store(map + TOY_DOORBELL, 1);
	cpu_store(map + TOY_DOORBELL, 2);
	assert_int_equal(fixture->toy.n_doorbells, 1);
	assert_int_equal(fixture->toy.n_stores, 0);
	assert_int_equal(cpu_load(map + TOY_DOORBELL), 2);
	/* Armed, and taken back. */
	assert_true(vfio_pci_doorbell_arm(fixture->pci));
	vfio_pci_doorbell_disarm(fixture->pci);
	assert_string_equal(protection(map + TOY_DOORBELL), "rw");
	cpu_store(map + TOY_DOORBELL, 3);
	assert_int_equal(fixture->toy.n_doorbells, 1);
	unmap_bar(map, TOY_BAR0_LEN);
}

static void test_mapping_made_while_armed(void **state)
{
	struct fixture *fixture = *state;
	char *map;

	catch_traps();
	assert_true(vfio_pci_doorbell_arm(fixture->pci));
	map = map_bar(fixture, 0, TOY_DOORBELL, PAGE, RW);
	cpu_store(map, 1);
	assert_int_equal(fixture->toy.n_doorbells, 1);
	unmap_bar(map, PAGE);
}

static void test_mmio_trap(void **state)
{
	struct fixture *fixture = *state;
	char *map;

	fixture_remake(fixture, VFIO_PCI_MMIO_TRAP);
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
	map = map_bar(fixture, 0, TOY_DOORBELL, PAGE, RW);
	catch_traps();
	assert_true(vfio_pci_doorbell_arm(fixture->pci));
	for (__u32 i = 1; i <= 3; i++) {
		cpu_store(map, i);
		assert_int_equal(fixture->toy.n_doorbells, i);
		assert_int_equal(fixture->toy.n_stores, i);
		assert_int_equal(cpu_load(map), i);
	}
	assert_int_equal(fixture->toy.n_loads, 0);
	unmap_bar(map, PAGE);
}

static void test_synchronous(void **state)
{
	struct fixture *fixture = *state;
	char *map;

	vfio_pci_set_synchronous(fixture->pci, true);
	assert_true(vfio_pci_is_synchronous(fixture->pci));
	map = map_bar(fixture, 0, TOY_DOORBELL, PAGE, RW);
	catch_traps();
	cpu_store(map, 1);
	cpu_store(map, 2);
	assert_int_equal(fixture->toy.n_doorbells, 2);
	unmap_bar(map, PAGE);
}

static void test_mmio_poll(void **state)
{
	struct fixture *fixture = *state;
	char *map;

	fixture_remake(fixture, VFIO_PCI_MMIO_POLL);
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
	/* Nothing is mapped: only pwrite can ring, and that always does. */
	assert_true(vfio_pci_doorbell_arm(fixture->pci));
	map = map_bar(fixture, 0, TOY_DOORBELL, PAGE, RW);
	/* The model, asleep, hears that this has changed. */
	assert_int_equal(fixture->toy.n_doorbells, 1);
	assert_false(vfio_pci_doorbell_arm(fixture->pci));
	vfio_pci_doorbell_disarm(fixture->pci);
	assert_string_equal(protection(map), "rw");
	unmap_bar(map, PAGE);
}

static void test_mmio_none(void **state)
{
	struct fixture *fixture = *state;

	fixture_remake(fixture, VFIO_PCI_MMIO_NONE);
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
	assert_int_equal(try_map(fixture, AT(0, 0), PAGE, MAP_SHARED), -EINVAL);
	assert_int_equal(try_map(fixture, AT(2, 0), PAGE, MAP_SHARED), -EINVAL);
	assert_true(vfio_pci_doorbell_arm(fixture->pci));
}

#define N_RINGS 3000u

/**
 * struct race - a model that sleeps when its doorbell is idle
 * @fixture: the function
 * @map: the program's mapping of the doorbell
 * @seen: what the model last found
 * @waiter: where it sleeps
 */
struct race {
	struct fixture *fixture;
	char *map;
	atomic_uint seen;
	struct waiter waiter;
};

static struct race race;

static void race_doorbell(struct vfio_pci_device *pci, unsigned int bar)
{
	(void)pci;
	(void)bar;
	waiter_wake(&race.waiter);
}

static __u32 race_look(void)
{
	char *memory = vfio_pci_bar_memory(race.fixture->pci, 0);

	return __atomic_load_n((__u32 *)(memory + TOY_DOORBELL),
			       __ATOMIC_ACQUIRE);
}

static void *race_model(void *arg)
{
	struct vfio_pci_device *pci = race.fixture->pci;
	__u32 seen = 0;

	while (seen < N_RINGS) {
		assert_true(vfio_pci_doorbell_arm(pci));
		if (race_look() == seen)
			waiter_wait(&race.waiter);
		else
			vfio_pci_doorbell_disarm(pci);
		seen = race_look();
		atomic_store(&race.seen, seen);
	}
	return arg;
}

/*
 * Each store waits until the model has seen it, so a ring that is lost shows
 * as a model that sleeps for ever.
 */
static void test_no_ring_is_lost(void **state)
{
	static struct vfio_pci_ops ops;
	struct fixture *fixture = *state;
	__u64 deadline = time_now_ns() + 50000000000ULL;
	pthread_t thread;

	ops = toy_ops;
	ops.doorbell = race_doorbell;
	file_put(fixture->file);
	vfio_pci_destroy(fixture->pci);
	fixture->pci = vfio_pci_create(&toy_description, &ops, &fixture->toy,
				       fixture->endpoint, VFIO_PCI_MMIO_AUTO);
	fixture->node = vfio_device_node(vfio_pci_to_device(fixture->pci));
	fixture->file = fixture_open(fixture);
	assert_int_equal(fixture_bind(fixture, fixture->file), 0);
	race.fixture = fixture;
	race.map = map_bar(fixture, 0, TOY_DOORBELL, PAGE, RW);
	catch_traps();
	assert_int_equal(pthread_create(&thread, NULL, race_model, NULL), 0);
	for (__u32 i = 1; i <= N_RINGS; i++) {
		cpu_store(race.map, i);
		while (atomic_load(&race.seen) < i)
			if (time_now_ns() > deadline)
				fail_msg("ring %u was lost", i);
	}
	pthread_join(thread, NULL);
	unmap_bar(race.map, PAGE);
}

/* ---- unmapping -------------------------------------------------------- */

static void test_partial_unmaps(void **state)
{
	struct fixture *fixture = *state;
	char *map = map_bar(fixture, 0, 0, TOY_BAR0_LEN, RW);

	catch_traps();
	/* The middle goes; both ends live on. */
	unmap_bar(map + PAGE, PAGE);
	assert_false(trap_meets((uintptr_t)map + PAGE, PAGE));
	cpu_store(map + 4, 1);
	assert_int_equal(fixture->toy.offset, 4);
	cpu_store(map + TOY_TRAP + 0x904, 2);
	assert_int_equal(fixture->toy.offset, TOY_TRAP + 0x904);
	/* The head, then the tail of what is left. */
	unmap_bar(map, PAGE);
	unmap_bar(map + TOY_MEMORY, PAGE);
	cpu_store(map + TOY_TRAP + 0x908, 3);
	assert_int_equal(fixture->toy.offset, TOY_TRAP + 0x908);
	/* The device is closed by the last piece. */
	fixture_reopen(fixture);
	assert_int_equal(fixture->toy.n_closes, 0);
	unmap_bar(map + TOY_TRAP, PAGE);
	assert_int_equal(fixture->toy.n_closes, 1);
	assert_false(trap_meets((uintptr_t)map, TOY_BAR0_LEN));
}

static void test_unmap_over_several(void **state)
{
	struct fixture *fixture = *state;
	char *window = mmap(NULL, 4 * PAGE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct file_mmap request = { .len = 2 * PAGE,
				     .prot = RW,
				     .flags = MAP_SHARED | MAP_FIXED };

	request.addr = window;
	assert_ptr_equal(file_mmap(fixture->file, &request), window);
	request.addr = window + 2 * PAGE;
	request.offset = AT(2, 0);
	assert_ptr_equal(file_mmap(fixture->file, &request), request.addr);
	unmap_bar(window + PAGE, 2 * PAGE);
	catch_traps();
	cpu_store(window + 12, 1);
	assert_int_equal(fixture->toy.offset, 12);
	cpu_store(window + 3 * PAGE, 7);
	assert_int_equal(
		((__u32 *)vfio_pci_bar_memory(fixture->pci, 2))[PAGE / 4], 7);
	unmap_bar(window, 4 * PAGE);
	assert_false(trap_meets((uintptr_t)window, 4 * PAGE));
}

static void test_map_over_an_old_mapping(void **state)
{
	struct fixture *fixture = *state;
	char *map = map_bar(fixture, 0, 0, 2 * PAGE, RW);
	struct file_mmap request = {
		.addr = map,
		.len = PAGE,
		.prot = RW,
		.flags = MAP_SHARED | MAP_FIXED,
		.offset = AT(2, 0),
	};

	assert_ptr_equal(file_mmap(fixture->file, &request), map);
	catch_traps();
	cpu_store(map, 3);
	assert_int_equal(fixture->toy.n_stores, 0);
	assert_true(vfio_pci_doorbell_arm(fixture->pci));
	cpu_store(map + PAGE, 3);
	assert_int_equal(fixture->toy.n_doorbells, 1);
	unmap_bar(map, 2 * PAGE);
}

static int map_and_split(void *arg)
{
	struct file_mmap request = { .len = 3 * PAGE,
				     .prot = RW,
				     .flags = MAP_SHARED };
	struct fixture *fixture = arg;
	char *map = file_mmap(fixture->file, &request);

	if (is_err(map))
		return ptr_err(map);
	unmap_bar(map + PAGE, PAGE);
	unmap_bar(map, 3 * PAGE);
	assert_false(trap_meets((uintptr_t)map, 3 * PAGE));
	return 0;
}

static void test_every_failure_of_a_split(void **state)
{
	trace_listen(&listener);
	/* The mapping, its trap, and the two of each part. */
	assert_true(fail_nth_sweep(map_and_split, *state) >= 6);
	trace_listen(NULL);
}

/* The last: there is no way back. */
static void test_no_trapping_mmap(void **state)
{
	struct vfio_region_info info = { .argsz = sizeof(info) };
	struct fixture *fixture = *state;
	__u64 full[8] = { 0 };
	struct vfio_region_info *first = (void *)full;
	struct vfio_region_info_cap_sparse_mmap *sparse = (void *)&full[4];

	first->argsz = sizeof(full);
	vfio_offer_no_trapping_mmap();
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_GET_REGION_INFO,
				    full),
			 0);
	assert_int_equal(first->flags, 0xf);
	assert_int_equal(first->cap_offset, 32);
	assert_int_equal(sparse->header.id, VFIO_REGION_INFO_CAP_SPARSE_MMAP);
	assert_int_equal(sparse->header.next, 0);
	assert_int_equal(sparse->nr_areas, 1);
	assert_true(sparse->areas[0].offset == TOY_MEMORY);
	assert_true(sparse->areas[0].size == PAGE);
	info.index = 2;
	assert_int_equal(file_ioctl(fixture->file, VFIO_DEVICE_GET_REGION_INFO,
				    &info),
			 0);
	assert_int_equal(info.flags, 0x7);
	assert_int_equal(try_map(fixture, AT(0, 0), PAGE, MAP_SHARED), -EINVAL);
	assert_int_equal(try_map(fixture, AT(0, TOY_TRAP), 2 * PAGE,
				 MAP_SHARED),
			 -EINVAL);
	assert_int_equal(try_map(fixture, AT(0, TOY_MEMORY), PAGE, MAP_SHARED),
			 0);
	assert_int_equal(try_map(fixture, AT(2, 0), PAGE, MAP_SHARED), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bound_test(test_what_can_be_mapped),
		bound_test(test_protection_by_area),
		bound_test(test_never_more_than_asked),
		bound_test(test_protection_changed),
		bound_test(test_loads_and_stores),
		bound_test(test_two_mappings_of_a_bar),
		bound_test(test_memory_decoding_off),
		bound_test(test_a_late_handler_is_put_right),
		bound_test(test_armed_doorbell_rings_once),
		bound_test(test_mapping_made_while_armed),
		unbound_test(test_mmio_trap),
		bound_test(test_synchronous),
		unbound_test(test_mmio_poll),
		unbound_test(test_mmio_none),
		unbound_test(test_no_ring_is_lost),
		bound_test(test_partial_unmaps),
		bound_test(test_unmap_over_several),
		bound_test(test_map_over_an_old_mapping),
		bound_test(test_every_failure_of_a_split),
		bound_test(test_no_trapping_mmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
