/* SPDX-License-Identifier: BSD-3-Clause */
/* What DMA reaches, and for what reason it is refused. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "base/err.h"
#include "fixture.h"
#include "iommu/unit.h"
#include "iommu/vtd/vtd.h"

#define RW (IOMMU_READ | IOMMU_WRITE)
#define IOVA 0x100000ull

static void fill(char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = (char)(i * 7 + i / PAGE);
}

/* Any place and length of some pages, the first time and from the IOTLB. */
static void test_bytes_arrive(void **state)
{
	static const size_t lens[] = { 1, 63, 64, 4095, 4096, 4097, 20000 };
	static char buf[20000];
	struct fixture fixture;
	struct iommu_map map;
	unsigned int i, offset;

	(void)state;
	fixture_init(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, FIXTURE_LEN, RW);
	fill(fixture.memory, FIXTURE_LEN);
	for (i = 0; i < 2 * array_len(lens); i++) {
		size_t len = lens[i / 2];

		for (offset = 0; offset < 3 * PAGE; offset += 1021) {
			memset(buf, 0, sizeof(buf));
			assert_int_equal(fixture_read(&fixture, IOVA + offset,
						      buf, len),
					 0);
			assert_memory_equal(buf, fixture.memory + offset, len);
		}
	}
	memset(buf, 0x5a, sizeof(buf));
	for (i = 0; i < 2; i++) {
		memset(fixture.memory, 0, FIXTURE_LEN);
		assert_int_equal(fixture_write(&fixture, IOVA + 100, buf, 5000),
				 0);
		assert_int_equal(fixture.memory[99], 0);
		assert_memory_equal(fixture.memory + 100, buf, 5000);
		assert_int_equal(fixture.memory[5100], 0);
	}
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 0), 0);
	fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

static void test_maps_that_adjoin(void **state)
{
	static char buf[3 * PAGE];
	struct iommu_map maps[3];
	struct fixture fixture;
	unsigned int i;

	(void)state;
	fixture_init(&fixture);
	/* Pages in reverse, the middle one of 100 bytes less. */
	fixture_map(&fixture, &maps[0], IOVA, 2 * PAGE, PAGE, RW);
	fixture_map(&fixture, &maps[1], IOVA + PAGE, PAGE, PAGE - 100, RW);
	fixture_map(&fixture, &maps[2], IOVA + 2 * PAGE - 100, 0, PAGE, RW);
	fill(fixture.memory, FIXTURE_LEN);
	for (i = 0; i < 2; i++) {
		assert_int_equal(
			fixture_read(&fixture, IOVA, buf, 3 * PAGE - 100), 0);
		assert_memory_equal(buf, fixture.memory + 2 * PAGE, PAGE);
		assert_memory_equal(buf + PAGE, fixture.memory + PAGE,
				    PAGE - 100);
		assert_memory_equal(buf + 2 * PAGE - 100, fixture.memory, PAGE);
	}
	assert_refused(fixture_read(&fixture, IOVA, buf, 3 * PAGE - 99),
		       DMA_FAULT_BEYOND, IOVA + 3 * PAGE - 100);
	for (i = 0; i < 3; i++)
		fixture_unmap(&fixture, &maps[i]);
	fixture_deinit(&fixture);
}

static void test_bounds(void **state)
{
	struct fixture fixture;
	struct iommu_map map;
	char buf[128];

	(void)state;
	fixture_init(&fixture);
	fixture_map(&fixture, &map, IOVA + 100, 100, 1000, RW);
	assert_refused(fixture_read(&fixture, IOVA + 1050, buf, 64),
		       DMA_FAULT_BEYOND, IOVA + 1100);
	assert_int_equal(fixture_fault.near_start, IOVA + 100);
	assert_int_equal(fixture_fault.near_last, IOVA + 1099);
	assert_int_equal(fixture_fault.iova, IOVA + 1050);
	assert_int_equal(fixture_fault.len, 64);
	assert_false(fixture_fault.is_write);
	assert_string_equal(fixture_fault.device, "0000:01:00.0");
	assert_int_equal(fixture_read(&fixture, IOVA + 1036, buf, 64), 0);
	assert_refused(fixture_write(&fixture, IOVA + 1037, buf, 64),
		       DMA_FAULT_BEYOND, IOVA + 1100);
	assert_true(fixture_fault.is_write);
	assert_int_equal(fixture_read(&fixture, IOVA + 100, buf, 64), 0);
	assert_refused(fixture_read(&fixture, IOVA + 99, buf, 64),
		       DMA_FAULT_NEVER_MAPPED, IOVA + 99);
	fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

/* A cached page that ends inside a page is no way past its end. */
static void test_bounds_of_cached_pages(void **state)
{
	struct fixture fixture;
	struct iommu_map map;
	char buf[128];

	(void)state;
	fixture_init(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, PAGE + 100, RW);
	assert_int_equal(fixture_read(&fixture, IOVA + PAGE, buf, 100), 0);
	assert_int_equal(fixture_read(&fixture, IOVA + PAGE, buf, 100), 0);
	assert_refused(fixture_read(&fixture, IOVA + PAGE, buf, 101),
		       DMA_FAULT_BEYOND, IOVA + PAGE + 100);
	assert_refused(fixture_read(&fixture, IOVA + PAGE + 100, buf, 1),
		       DMA_FAULT_NEVER_MAPPED, IOVA + PAGE + 100);
	fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

static void test_permission(void **state)
{
	struct iommu_map maps[2];
	struct fixture fixture;
	char buf[64] = { 0 };
	unsigned int i;

	(void)state;
	fixture_init(&fixture);
	fixture_map(&fixture, &maps[0], IOVA, 0, PAGE, IOMMU_READ);
	fixture_map(&fixture, &maps[1], IOVA + PAGE, PAGE, PAGE, IOMMU_WRITE);
	for (i = 0; i < 2; i++) {
		assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
		assert_refused(fixture_write(&fixture, IOVA, buf, 64),
			       DMA_FAULT_READ_ONLY, IOVA);
		assert_int_equal(fixture_write(&fixture, IOVA + PAGE, buf, 64),
				 0);
		assert_refused(fixture_read(&fixture, IOVA + PAGE, buf, 64),
			       DMA_FAULT_WRITE_ONLY, IOVA + PAGE);
	}
	/* The second half of an access is looked at too. */
	assert_refused(fixture_read(&fixture, IOVA + PAGE - 32, buf, 64),
		       DMA_FAULT_WRITE_ONLY, IOVA + PAGE);
	assert_int_equal(fixture_fault.near_start, IOVA + PAGE);
	for (i = 0; i < 2; i++)
		fixture_unmap(&fixture, &maps[i]);
	fixture_deinit(&fixture);
}

static void test_reasons_of_nothing_mapped(void **state)
{
	struct fixture fixture;
	struct iommu_map map;
	char buf[64];

	(void)state;
	fixture_init(&fixture);
	assert_refused(fixture_read(&fixture, 0xfee00010, buf, 4),
		       DMA_FAULT_RESERVED, 0xfee00010);
	assert_int_equal(fixture_fault.near_start, 0xfee00000);
	assert_int_equal(fixture_fault.near_last, 0xfeefffff);
	assert_refused(fixture_read(&fixture, 1ull << 48, buf, 4),
		       DMA_FAULT_RESERVED, 1ull << 48);
	fixture_map(&fixture, &map, IOVA, 0, PAGE, RW);
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
	fixture_unmap(&fixture, &map);
	assert_refused(fixture_read(&fixture, IOVA + 5, buf, 64),
		       DMA_FAULT_UNMAPPED, IOVA + 5);
	assert_int_equal(fixture_fault.near_start, IOVA);
	assert_int_equal(fixture_fault.near_last, IOVA + PAGE - 1);
	assert_refused(fixture_read(&fixture, IOVA + PAGE, buf, 64),
		       DMA_FAULT_NEVER_MAPPED, IOVA + PAGE);
	/* An access that wraps around the end of all addresses. */
	fixture_map(&fixture, &map, -(iova_t)PAGE, 0, PAGE, RW);
	assert_refused(fixture_read(&fixture, -(iova_t)32, buf, 64),
		       DMA_FAULT_BEYOND, 0);
	fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

static void test_closed_endpoints(void **state)
{
	struct fixture fixture;
	struct iommu_map map;
	char buf[64];

	(void)state;
	fixture_init(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, PAGE, RW);
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
	iommu_endpoint_set_enabled(fixture.endpoint, false);
	assert_refused(fixture_read(&fixture, IOVA, buf, 64),
		       DMA_FAULT_BUS_MASTER, IOVA);
	iommu_endpoint_set_enabled(fixture.endpoint, true);
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
	iommu_endpoint_set_domain(fixture.endpoint, NULL);
	assert_refused(fixture_read(&fixture, IOVA, buf, 64),
		       DMA_FAULT_NOT_ATTACHED, IOVA);
	iommu_endpoint_set_domain(fixture.endpoint, fixture.domain);
	assert_refused(iommu_dma_read(fixture.endpoint, 7, IOVA, buf, 64),
		       DMA_FAULT_NOT_ATTACHED, IOVA);
	assert_int_equal(fixture_fault.pasid, 7);
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
	fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

static void test_memory_that_is_gone(void **state)
{
	struct fixture fixture;
	struct iommu_map map;
	char buf[2 * PAGE];
	unsigned int i;

	(void)state;
	fixture_init(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, 4 * PAGE, RW);
	assert_int_equal(fixture_read(&fixture, IOVA + PAGE, buf, 64), 0);
	assert_int_equal(munmap(fixture.memory + PAGE, PAGE), 0);
	for (i = 0; i < 2; i++) {
		assert_refused(fixture_read(&fixture, IOVA + PAGE, buf, 64),
			       DMA_FAULT_MEMORY_GONE, IOVA + PAGE);
		assert_refused(fixture_read(&fixture, IOVA + PAGE - 8, buf, 64),
			       DMA_FAULT_MEMORY_GONE, IOVA + PAGE);
		assert_refused(fixture_write(&fixture, IOVA, buf, sizeof(buf)),
			       DMA_FAULT_MEMORY_GONE, IOVA + PAGE);
	}
	assert_int_equal(fixture_read(&fixture, IOVA + 2 * PAGE, buf, 64), 0);
	/* Not pinned yet: there is no address. */
	map.address = 0;
	fixture_unmap(&fixture, &map);
	assert_int_equal(iommu_space_insert(fixture.space, &map), 0);
	assert_refused(fixture_read(&fixture, IOVA, buf, 64),
		       DMA_FAULT_MEMORY_GONE, IOVA);
	fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

/* The same pages in two spaces of one device: the IOTLB tells them apart. */
static void test_replace_changes_what_is_read(void **state)
{
	struct iommu_space *other = iommu_space_create();
	struct iommu_map map, other_map;
	struct iommu_domain *domain;
	struct fixture fixture;
	char byte;

	(void)state;
	fixture_init(&fixture);
	fixture.memory[0] = 1;
	fixture.memory[PAGE] = 2;
	domain = iommu_domain_alloc(fixture.endpoint, other, 0);
	assert_false(is_err(domain));
	fixture_map(&fixture, &map, IOVA, 0, PAGE, RW);
	other_map = (struct iommu_map){
		.start = IOVA,
		.last = IOVA + PAGE - 1,
		.address = (uintptr_t)fixture.memory + PAGE,
		.prot = RW,
	};
	assert_int_equal(iommu_space_insert(other, &other_map), 0);
	assert_int_equal(fixture_read(&fixture, IOVA, &byte, 1), 0);
	assert_int_equal(byte, 1);
	assert_int_equal(iommu_endpoint_set_domain(fixture.endpoint, domain),
			 0);
	assert_int_equal(fixture_read(&fixture, IOVA, &byte, 1), 0);
	assert_int_equal(byte, 2);
	iommu_endpoint_set_domain(fixture.endpoint, fixture.domain);
	assert_int_equal(fixture_read(&fixture, IOVA, &byte, 1), 0);
	assert_int_equal(byte, 1);
	iommu_space_remove(other, &other_map);
	iommu_domain_free(domain);
	iommu_space_destroy(other);
	fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

static unsigned int n_device_errors;

static void count_device_error(const char *device, const char *what)
{
	(void)device;
	(void)what;
	n_device_errors++;
}

static void test_no_iommu_passes_and_says_so_once(void **state)
{
	static const struct trace_listener listener = {
		.device_error = count_device_error,
	};
	struct iommu_group *group = iommu_group_create(2);
	struct iommu_endpoint *endpoint =
		iommu_endpoint_create(NULL, group, 0, "noiommu");
	struct iommu_dma_piece piece;
	char bytes[8] = "1234567";
	char buf[8];
	struct iommu_space *space = iommu_space_create();

	(void)state;
	harness_catch_faults();
	trace_listen(&listener);
	n_device_errors = 0;
	assert_int_equal(iommu_dma_read(endpoint, IOMMU_NO_PASID,
					(uintptr_t)bytes, buf, 8),
			 -EIO);
	iommu_endpoint_set_enabled(endpoint, true);
	assert_int_equal(iommu_dma_read(endpoint, IOMMU_NO_PASID,
					(uintptr_t)bytes, buf, 8),
			 0);
	assert_string_equal(buf, "1234567");
	assert_int_equal(iommu_dma_read(endpoint, IOMMU_NO_PASID, 8, buf, 8),
			 -EIO);
	assert_int_equal(iommu_dma_map(endpoint, IOMMU_NO_PASID,
				       (uintptr_t)bytes, 8, IOMMU_WRITE,
				       &piece),
			 0);
	assert_ptr_equal(piece.address, bytes);
	iommu_dma_unmap(&piece);
	assert_int_equal(n_device_errors, 1);
	assert_int_equal(ptr_err(iommu_domain_alloc(endpoint, space, 0)),
			 -EOPNOTSUPP);
	trace_listen(NULL);
	iommu_space_destroy(space);
	iommu_endpoint_destroy(endpoint);
	iommu_group_destroy(group);
}

static void test_burst_nests(void **state)
{
	struct fixture fixture;
	struct iommu_map map;
	char buf[64];

	(void)state;
	fixture_init(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, PAGE, RW);
	iommu_dma_burst_begin();
	iommu_dma_burst_begin();
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
	iommu_dma_burst_end();
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
	iommu_dma_burst_end();
	/* Would wait for ever, or warn, inside a section. */
	fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_bytes_arrive),
		harness_test(test_maps_that_adjoin),
		harness_test(test_bounds),
		harness_test(test_bounds_of_cached_pages),
		harness_test(test_permission),
		harness_test(test_reasons_of_nothing_mapped),
		harness_test(test_closed_endpoints),
		harness_test(test_memory_that_is_gone),
		harness_test(test_replace_changes_what_is_read),
		harness_test(test_no_iommu_passes_and_says_so_once),
		harness_test(test_burst_nests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
