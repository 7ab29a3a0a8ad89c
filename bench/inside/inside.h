/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DMA as a model does it: loops inside the shared library.
 *
 * The public library has no call for DMA. libiommufd-bench.so is made of the
 * same objects as libiommufd-user.so, with the functions below beside them, so
 * the code measured is position independent and reaches its thread-local
 * variables as in the library that is installed.
 */
#ifndef BENCH_INSIDE_H
#define BENCH_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A device of the benchmark's own, which does DMA and nothing else. */
struct inside_device;

/**
 * inside_attach() - make a device, attached and with bus master on
 * @fd: of /dev/iommu
 * @ioas_id: its address space
 *
 * Return: the device, or NULL.
 */
struct inside_device *inside_attach(int fd, uint32_t ioas_id);
void inside_detach(struct inside_device *device);

/* Return: 0, or -EIO when the access is refused. */
int inside_dma(struct inside_device *device, uint64_t iova, void *buf,
	       size_t len, bool is_write);

/**
 * struct inside_work - a run of DMAs
 * @iovas: where, one after the other
 * @n: their number
 * @buf: the device's memory
 * @len: bytes of each, at least 8
 * @n_burst: DMAs in a read section; 0: each has its own
 * @is_dependent: the first word read is added to the next IOVA
 * @is_write: to the program's memory
 */
struct inside_work {
	const uint64_t *iovas;
	size_t n;
	void *buf;
	size_t len;
	unsigned int n_burst;
	bool is_dependent;
	bool is_write;
};

/* Return: the sum of all first words of @work->buf, or -EIO as uint64_t. */
uint64_t inside_run(struct inside_device *device,
		    const struct inside_work *work);

#endif /* BENCH_INSIDE_H */
