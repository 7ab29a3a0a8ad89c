/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of every kind under DMA, and taken away under DMA: it works as on
 * Linux, or the one transfer is refused; nothing crashes, nothing leaks.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>
#include "harness/nvme_client.h"

#define PAGE CLIENT_PAGE
#define IOVA 0x10000000ull
#define FILE_LEN (1ul << 20)
#define PATTERN 0x5a
#define N_CYCLES 5000u

static char data[4 * PAGE] __attribute__((aligned(4096))) = { 1 };
static const char constants[2 * PAGE] __attribute__((aligned(4096))) = { 2 };
static struct client client;

static unsigned int read_into(uint64_t iova)
{
	return client_io(&client, CLIENT_READ, 0, 8, iova);
}

/* Both ends of @len bytes take what the device writes. */
static void takes(void *va, size_t len)
{
	uint8_t *bytes = va;

	check(!client_map(&client, va, len, IOVA, true));
	check(!read_into(IOVA) && client_is_all(bytes, PAGE, PATTERN));
	check(!read_into(IOVA + len - PAGE));
	check(client_is_all(bytes + len - PAGE, PAGE, PATTERN));
	check(!client_unmap(&client, IOVA, len));
}

/* The device reads it, and may not write. */
static void gives(const void *va, size_t len)
{
	void *address = (void *)(uintptr_t)va;

	check(client_map(&client, address, len, IOVA, true) == -EFAULT);
	check(!client_map(&client, address, len, IOVA, false));
	check(!client_io(&client, CLIENT_WRITE, 100, 8, IOVA));
	check(read_into(IOVA) == CLIENT_DATA_TRANSFER_ERROR);
	check(!client_unmap(&client, IOVA, len));
}

static void refused(const void *va, size_t len, int err)
{
	void *address = (void *)(uintptr_t)va;

	check(client_map(&client, address, len, IOVA, true) == err);
	check(client_unmap(&client, IOVA, len) == -ENOENT);
}

static void test_program_memory(void)
{
	char stack[4 * PAGE] __attribute__((aligned(4096)));

	memset(stack, 0, sizeof(stack));
	takes(stack, sizeof(stack));
	takes(data, sizeof(data));
	gives(constants, sizeof(constants));
	refused(NULL, PAGE, -EFAULT);
	refused((void *)0xffff800000000000, PAGE, -EFAULT);
	refused((void *)-(uintptr_t)PAGE, 2 * PAGE, -EOVERFLOW);
}

static void test_files(int fd)
{
	uint8_t *shared =
		mmap(NULL, FILE_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	void *private = mmap(NULL, FILE_LEN, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE, fd, 0);
	void *read_only = mmap(NULL, FILE_LEN, PROT_READ, MAP_SHARED, fd, 0);
	uint8_t byte = 0;

	check(!ftruncate(fd, FILE_LEN));
	takes(private, FILE_LEN);
	check(pread(fd, &byte, 1, 0) == 1 && byte == 0);
	takes(shared, FILE_LEN);
	check(pread(fd, &byte, 1, 0) == 1 && byte == PATTERN);
	gives(read_only, FILE_LEN);
	/* The file shrinks while the device uses it, and grows again. */
	check(!client_map(&client, shared, FILE_LEN, IOVA, true));
	check(!ftruncate(fd, PAGE));
	check(!read_into(IOVA));
	check(read_into(IOVA + PAGE) == CLIENT_DATA_TRANSFER_ERROR);
	check(!ftruncate(fd, FILE_LEN));
	check(!read_into(IOVA + PAGE));
	check(!client_unmap(&client, IOVA, FILE_LEN));
	munmap(shared, FILE_LEN);
	munmap(private, FILE_LEN);
	munmap(read_only, FILE_LEN);
}

static void test_truncated_in_flight(int fd)
{
	uint8_t *shared =
		mmap(NULL, FILE_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	unsigned int status;

	for (unsigned int round = 0; round < 20; round++) {
		check(!ftruncate(fd, FILE_LEN));
		check(!client_map(&client, shared, FILE_LEN, IOVA, true));
		for (unsigned int i = 0; i < CLIENT_DEPTH - 1; i++)
			client_submit(&client, CLIENT_READ, 0, 8,
				      IOVA + i * PAGE);
		client_ring(&client);
		check(!ftruncate(fd, 0));
		while (client.n_inflight)
			if (client_reap(&client, &status))
				check(!status ||
				      status == CLIENT_DATA_TRANSFER_ERROR);
		check(!client_unmap(&client, IOVA, FILE_LEN));
	}
	munmap(shared, FILE_LEN);
}

/* A terabyte that is not there costs nothing. */
static void test_huge(void)
{
	size_t len = 1ul << 40;
	uint8_t *huge = mmap(NULL, len, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	check(huge != MAP_FAILED);
	check(!client_map(&client, huge, len, 1ull << 40, true));
	check(!read_into((1ull << 40) + len - PAGE));
	check(client_is_all(huge + len - PAGE, PAGE, PATTERN));
	check(!client_unmap(&client, 1ull << 40, len));
	munmap(huge, len);
}

static void test_holes(void)
{
	uint8_t *pages = client_alloc(4 * PAGE, 3);

	munmap(pages + PAGE, PAGE);
	refused(pages, 4 * PAGE, -EFAULT);
	check(!mprotect(pages, PAGE, PROT_NONE));
	refused(pages, PAGE, -EFAULT);
	check(!mprotect(pages, PAGE, PROT_READ | PROT_WRITE));
	takes(pages, PAGE);
}

/* What the program lets go of stays the device's until it is unmapped. */
static void test_let_go(void)
{
	uint8_t *pages = client_alloc(4 * PAGE, 3);
	uint8_t *fresh, *moved;
	void *segment;
	int id;

	check(!client_map(&client, pages, 4 * PAGE, IOVA, true));
	check(!munmap(pages, 4 * PAGE) && !read_into(IOVA));
	fresh = mmap(pages, 4 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	check(fresh == pages && !read_into(IOVA));
	check(client_is_all(fresh, 4 * PAGE, 0));
	check(!client_unmap(&client, IOVA, 4 * PAGE));

	check(!client_map(&client, fresh, 4 * PAGE, IOVA, true));
	moved = mremap(fresh, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	check(moved != MAP_FAILED && !read_into(IOVA));
	check(client_is_all(moved, PAGE, PATTERN));
	check(!madvise(moved, PAGE, MADV_DONTNEED) && moved[0] == 0);
	check(!read_into(IOVA));
	check(!client_unmap(&client, IOVA, 4 * PAGE));

	id = shmget(IPC_PRIVATE, FILE_LEN, 0600 | IPC_CREAT);
	segment = shmat(id, NULL, 0);
	check(!shmctl(id, IPC_RMID, NULL));
	check(!client_map(&client, segment, FILE_LEN, IOVA, true));
	check(!shmdt(segment) && !read_into(IOVA));
	check(!client_unmap(&client, IOVA, FILE_LEN));
}

static void test_heap(void)
{
	uint8_t *block, *other;

	for (int i = 0; i < 3; i++) {
		block = aligned_alloc(PAGE, FILE_LEN);
		check(block &&
		      !client_map(&client, block, FILE_LEN, IOVA, true));
		free(block);
		other = malloc(FILE_LEN);
		check(other);
		memset(other, 9, FILE_LEN);
		check(!read_into(IOVA));
		check(client_is_all(other, FILE_LEN, 9));
		free(other);
		check(!client_unmap(&client, IOVA, FILE_LEN));
	}
}

static long resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	check(file && fscanf(file, "%*d %ld", &pages) == 1);
	fclose(file);
	return pages * (PAGE / 1024);
}

static unsigned int n_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void cycles(void)
{
	uint8_t *pages = client_alloc(16 * PAGE, 0);

	for (unsigned int i = 0; i < N_CYCLES; i++) {
		uint64_t iova = IOVA + i % 7 * FILE_LEN;
		size_t len = (i % 16 + 1) * PAGE;

		check(!client_map(&client, pages, len, iova, true));
		if (i % 100 == 0)
			check(!read_into(iova));
		check(!client_unmap(&client, iova, len));
	}
	munmap(pages, 16 * PAGE);
}

static void test_no_leak(void)
{
	unsigned int n_before = n_descriptors();
	long before;

	cycles();
	before = resident_kib();
	cycles();
	cycles();
	client_close(&client);
	for (unsigned int i = 0; i < 100; i++) {
		check(!client_open(&client, 0, -1));
		client_start(&client);
		if (i < 99)
			client_close(&client);
	}
	check(n_descriptors() == n_before);
	/* A sanitizer keeps what was freed for a while. */
	check(getenv("IOMMUFD_USER_SANITIZER_LIB") ||
	      resident_kib() < before + 256);
}

int main(void)
{
	int fd = memfd_create("memory", 0);

	check(!client_open(&client, 0, -1));
	client_start(&client);
	check(!client_map(&client, client_alloc(PAGE, PATTERN), PAGE, IOVA,
			  false));
	check(!client_io(&client, CLIENT_WRITE, 0, 8, IOVA));
	check(!client_unmap(&client, IOVA, PAGE));
	check(fd >= 0 && !ftruncate(fd, FILE_LEN));
	test_program_memory();
	test_files(fd);
	test_truncated_in_flight(fd);
	test_huge();
	test_holes();
	test_let_go();
	test_heap();
	test_no_leak();
	client_close(&client);
	return 0;
}
