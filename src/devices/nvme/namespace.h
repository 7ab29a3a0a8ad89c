/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one namespace of a controller, in memory or in an image file.
 *
 * What was checked before a call comes here: the range lies in the namespace,
 * transfers are at most NVME_TRANSFER_MAX long, a read-only namespace sees no
 * write.
 */
#ifndef DEVICES_NVME_NAMESPACE_H
#define DEVICES_NVME_NAMESPACE_H

#include "devices/nvme/options.h"
#include "devices/nvme/spec.h"

struct nvme;
struct nvme_sq;
struct nvme_namespace;

/**
 * struct nvme_io_command - a command on blocks, decoded
 * @sq: where it came from
 * @sqe: the command; valid during the call
 * @offset: first byte in the namespace
 * @len: bytes
 */
struct nvme_io_command {
	struct nvme_sq *sq;
	const struct nvme_sqe *sqe;
	__u64 offset;
	__u64 len;
};

/**
 * struct nvme_namespace_ops - a kind of namespace
 *
 * @read: copy blocks into program memory. Return, here and in the next three:
 *	the command's status, or NVME_PENDING, and then it completes from
 *	@reap. Context: inside a read section (a burst)
 * @write: copy blocks from program memory
 * @flush: make what was written stable
 * @zero: clear blocks
 * @deallocate: a range is not needed any more; best effort
 * @submit: start what was queued. Return: how many completed at once, being
 *	refused. Context: outside a burst
 * @reap: stage the completions of what finished; with @is_waiting sleep for
 *	one, though not for long. Return: how many. Context: outside a burst
 * @sync: write all to stable storage, at shutdown. May be NULL
 * @destroy: nothing is in flight
 */
struct nvme_namespace_ops {
	__u16 (*read)(struct nvme *nvme, const struct nvme_io_command *command);
	__u16 (*write)(struct nvme *nvme,
		       const struct nvme_io_command *command);
	__u16 (*flush)(struct nvme *nvme,
		       const struct nvme_io_command *command);
	__u16 (*zero)(struct nvme *nvme, const struct nvme_io_command *command);
	void (*deallocate)(struct nvme *nvme, __u64 offset, __u64 len);
	unsigned int (*submit)(struct nvme *nvme);
	unsigned int (*reap)(struct nvme *nvme, bool is_waiting);
	void (*sync)(struct nvme *nvme);
	void (*destroy)(struct nvme_namespace *ns);
};

/**
 * struct nvme_namespace - what both kinds share
 * @ops: the kind
 * @len: bytes
 * @is_read_only: writes are refused
 * @has_write_cache: flush does something
 * @n_in_flight: commands that are pending
 * @n_free: commands that can be taken now
 * @bytes: where it is in memory, or NULL
 */
struct nvme_namespace {
	const struct nvme_namespace_ops *ops;
	__u64 len;
	bool is_read_only;
	bool has_write_cache;
	unsigned int n_in_flight;
	unsigned int n_free;
	__u8 *bytes;
};

/* Return: a namespace, zeroes at first, or err_ptr(-ENOMEM). */
struct nvme_namespace *nvme_namespace_memory_create(__u64 len);

/**
 * nvme_namespace_file_create() - open and lock the image
 * @nvme: whose
 *
 * Return: a namespace, or err_ptr(): -EBUSY when another has it, -ENOMEM, as
 * open(2).
 */
struct nvme_namespace *nvme_namespace_file_create(struct nvme *nvme);

/**
 * nvme_image_open() - open an image and lock it
 * @path: where
 * @is_read_only: shared with other readers
 * @len: its bytes, of a block device too
 *
 * Return: a descriptor, or -errno: -EBUSY when locked, -EINVAL when it is
 * neither a file nor a block device.
 */
int nvme_image_open(const char *path, bool is_read_only, __u64 *len);

#endif /* DEVICES_NVME_NAMESPACE_H */
