/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asked for by -d nvme,key=value. */
#ifndef DEVICES_NVME_OPTIONS_H
#define DEVICES_NVME_OPTIONS_H

#include "devices/model.h"

#define NVME_QUEUES_MAX 64u
#define NVME_QUEUES_DEFAULT 16u
#define NVME_SERIAL_LEN 20u

enum nvme_io {
	NVME_IO_ANY, /* io_uring, else threads */
	NVME_IO_URING,
	NVME_IO_THREADS,
};

/**
 * struct nvme_options - checked options
 * @image: path of the image file on the heap, or NULL: memory
 * @len: bytes of the namespace, whole blocks
 * @is_read_only: ro
 * @n_queues: I/O queue pairs
 * @serial: empty: the name of the device
 * @io: how an image is read and written
 */
struct nvme_options {
	char *image;
	__u64 len;
	bool is_read_only;
	unsigned int n_queues;
	char serial[NVME_SERIAL_LEN + 1];
	enum nvme_io io;
};

extern const struct model_key nvme_option_keys[];

/* Return: 0, or -EINVAL with config->error set; nothing is then held. */
int nvme_options_parse(struct nvme_options *options,
		       struct model_config *config);
void nvme_options_deinit(struct nvme_options *options);

#endif /* DEVICES_NVME_OPTIONS_H */
