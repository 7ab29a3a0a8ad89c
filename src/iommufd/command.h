/* SPDX-License-Identifier: BSD-3-Clause */
/* A command on its way: what every ioctl handler takes. */
#ifndef IOMMUFD_COMMAND_H
#define IOMMUFD_COMMAND_H

#include "base/compiler.h"
#include "base/uaccess.h"
#include "iommufd/context.h"

/**
 * struct command - one ioctl
 * @ctx: the context it was made on
 * @arg: the program's structure, unchecked
 * @arg_len: bytes of it, as the program said
 * @args: our copy; what the program did not provide is zero
 * @new_object: a reserved object that the handler made. The dispatcher
 *	publishes it on success and destroys it otherwise
 */
struct command {
	struct iommufd_ctx *ctx;
	void *arg;
	__u32 arg_len;
	void *args;
	struct object *new_object;
};

/**
 * command_reply() - copy the structure back
 * @len: bytes of the whole structure; the program gets no more than it gave
 *
 * Return: 0 or -EFAULT.
 */
static always_inline int command_reply(const struct command *command,
				       size_t len)
{
	if (len > command->arg_len)
		len = command->arg_len;
	return copy_to_user(command->arg, command->args, len);
}

/* The handlers, one a command: main.c lists them. Return: 0 or -errno. */
int destroy_ioctl(struct command *command);
int option_ioctl(struct command *command);
int ioas_alloc_ioctl(struct command *command);
int ioas_allow_iovas_ioctl(struct command *command);
int ioas_iova_ranges_ioctl(struct command *command);
int ioas_map_ioctl(struct command *command);
int ioas_map_file_ioctl(struct command *command);
int ioas_copy_ioctl(struct command *command);
int ioas_change_process_ioctl(struct command *command);
int ioas_noiommu_get_pa_ioctl(struct command *command);
int ioas_unmap_ioctl(struct command *command);
int vfio_ioas_ioctl(struct command *command);
int hwpt_alloc_ioctl(struct command *command);
int hw_info_ioctl(struct command *command);

#endif /* IOMMUFD_COMMAND_H */
