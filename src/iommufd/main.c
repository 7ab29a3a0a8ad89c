/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * /dev/iommu: opening and closing a context, and the table that takes each
 * ioctl to its handler.
 *
 * A command is copied in by the size that the program states. Shorter than
 * its first version: EINVAL. Longer than ours: what we do not know must be
 * zero, else E2BIG. The program's word on the size is read before the number
 * of the command is compared, as Linux does: a bad pointer is EFAULT even for
 * a command that does not exist.
 */
#include <linux/iommufd.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "base/err.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/overflow.h"
#include "base/uaccess.h"
#include "iommufd/command.h"
#include "iommufd/framework.h"
#include "iommufd/main.h"

/* One past the last command that the newest Linux has. */
#define IOMMUFD_CMD_END 0x96u

/**
 * struct ioctl_op - a row of the table
 * @run: the handler
 * @number: the whole command
 * @len: bytes of its structure
 * @min_len: bytes of the first version of it
 */
struct ioctl_op {
	int (*run)(struct command *command);
	unsigned int number;
	__u16 len;
	__u16 min_len;
};

/* Room for the arguments of any command; all begin with their size. */
union command_args {
	__u32 size;
	struct iommu_destroy destroy;
	struct iommu_hw_info hw_info;
	struct iommu_hwpt_alloc hwpt_alloc;
	struct iommu_ioas_alloc ioas_alloc;
	struct iommu_ioas_allow_iovas allow_iovas;
	struct iommu_ioas_change_process change_process;
	struct iommu_ioas_copy copy;
	struct iommu_ioas_iova_ranges iova_ranges;
	struct iommu_ioas_map map;
	struct iommu_ioas_map_file map_file;
	struct iommu_ioas_noiommu_get_pa get_pa;
	struct iommu_ioas_unmap unmap;
	struct iommu_option option;
	struct iommu_vfio_ioas vfio_ioas;
};

/* Never defined: only the sizes of its members are asked for. */
extern const union command_args no_args;

/* Number, handler, arguments, and the last field of their first version. */
#define IOCTL_OP(cmd, handler, member, last)                            \
	[(cmd)-IOMMU_DESTROY] = {                                       \
		.run = (handler),                                       \
		.number = (cmd),                                        \
		.len = sizeof(no_args.member),                          \
		.min_len = offsetof(__typeof__(no_args.member), last) + \
			   sizeof(no_args.member.last),                 \
	}

static const struct ioctl_op ioctl_ops[IOMMUFD_CMD_END -
				       (IOMMU_DESTROY & 0xffu)] = {
	IOCTL_OP(IOMMU_DESTROY, destroy_ioctl, destroy, id),
	IOCTL_OP(IOMMU_GET_HW_INFO, hw_info_ioctl, hw_info, __reserved),
	IOCTL_OP(IOMMU_HWPT_ALLOC, hwpt_alloc_ioctl, hwpt_alloc, __reserved),
	IOCTL_OP(IOMMU_IOAS_ALLOC, ioas_alloc_ioctl, ioas_alloc, out_ioas_id),
	IOCTL_OP(IOMMU_IOAS_ALLOW_IOVAS, ioas_allow_iovas_ioctl, allow_iovas,
		 allowed_iovas),
	IOCTL_OP(IOMMU_IOAS_CHANGE_PROCESS, ioas_change_process_ioctl,
		 change_process, __reserved),
	IOCTL_OP(IOMMU_IOAS_COPY, ioas_copy_ioctl, copy, src_iova),
	IOCTL_OP(IOMMU_IOAS_IOVA_RANGES, ioas_iova_ranges_ioctl, iova_ranges,
		 out_iova_alignment),
	IOCTL_OP(IOMMU_IOAS_MAP, ioas_map_ioctl, map, iova),
	IOCTL_OP(IOMMU_IOAS_MAP_FILE, ioas_map_file_ioctl, map_file, iova),
	IOCTL_OP(IOMMU_IOAS_NOIOMMU_GET_PA, ioas_noiommu_get_pa_ioctl, get_pa,
		 out_phys),
	IOCTL_OP(IOMMU_IOAS_UNMAP, ioas_unmap_ioctl, unmap, length),
	IOCTL_OP(IOMMU_OPTION, option_ioctl, option, val64),
	IOCTL_OP(IOMMU_VFIO_IOAS, vfio_ioas_ioctl, vfio_ioas, __reserved),
};

/* Copy the program's structure in; its tail that we lack must be zero. */
static no_inline int command_read_in_steps(struct command *command,
					   const struct ioctl_op *op,
					   unsigned int cmd)
{
	char *args = command->args;
	size_t len;
	int rc;

	rc = copy_from_user(&command->arg_len, command->arg,
			    sizeof(command->arg_len));
	if (rc)
		return rc;
	len = command->arg_len;
	if (op->number != cmd)
		return -ENOTTY;
	if (len < op->min_len)
		return -EINVAL;
	if (len > op->len) {
		rc = check_zeroed_user((char *)command->arg + op->len,
				       len - op->len);
		if (rc && (rc != -E2BIG || guard_holds(GUARD_STRUCT_TAIL)))
			return rc;
		len = op->len;
	}
	if (len < op->len)
		memset(args + len, 0, op->len - len);
	return copy_from_user(args, command->arg, len);
}

static always_inline int command_read(struct command *command,
				      union command_args *args,
				      const struct ioctl_op *op,
				      unsigned int cmd)
{
	command->args = args;
	if (unlikely(op->number != cmd))
		return command_read_in_steps(command, op, cmd);
	if (fault_inject(FAULT_USER_COPY))
		return -EFAULT;
	if (unlikely(copy_may_fault(args, command->arg, op->len) ||
		     args->size != op->len))
		return command_read_in_steps(command, op, cmd);
	command->arg_len = op->len;
	return 0;
}

/* An object that the command made is found from now on, or never was. */
static no_inline void command_finish(struct command *command, int rc)
{
	struct object_table *objects = &command->ctx->objects;
	struct object *object = command->new_object;

	if (!rc) {
		object_publish(objects, object);
		return;
	}
	object_abort(objects, object);
	object->ops->destroy(object);
}

static long iommufd_file_ioctl(struct file *file, unsigned int cmd, void *arg)
{
	unsigned int index = (cmd & 0xffu) - (IOMMU_DESTROY & 0xffu);
	const struct ioctl_op *op;
	union command_args args;
	struct command command;
	int rc;

	/* The rest belongs to VFIO containers, which are not served here. */
	if (index >= array_len(ioctl_ops))
		return -ENOTTY;
	op = &ioctl_ops[index];
	command.ctx = file->priv;
	command.arg = arg;
	command.new_object = NULL;
	rc = command_read(&command, &args, op, cmd);
	if (rc)
		return rc;
	rc = op->run(&command);
	if (unlikely(command.new_object))
		command_finish(&command, rc);
	return rc;
}

/*
 * Nothing that this context serves can be mapped yet, so past the checks of
 * the request there is never anything at the offset.
 */
static void *iommufd_file_mmap(struct file *file,
			       const struct file_mmap *request)
{
	(void)file;
	if (!is_aligned(request->len, MM_PAGE_LEN))
		return err_ptr(-EINVAL);
	if (!(request->flags & MAP_SHARED))
		return err_ptr(-EINVAL);
	if (request->prot & PROT_EXEC)
		return err_ptr(-EPERM);
	return err_ptr(-ENXIO);
}

static void iommufd_file_release(struct file *file)
{
	struct iommufd_ctx *ctx = file->priv;

	object_table_deinit(&ctx->objects);
	lock_deinit(&ctx->share_lock);
	lock_deinit(&ctx->group_lock);
	mem_free(ctx);
	file_free(file);
}

static const struct file_ops iommufd_file_ops = {
	.name = "iommufd",
	.ioctl = iommufd_file_ioctl,
	.mmap = iommufd_file_mmap,
	.release = iommufd_file_release,
};

static struct file *iommufd_node_open(struct file_node *node, int flags)
{
	struct iommufd_ctx *ctx;

	(void)flags;
	ctx = mem_alloc(sizeof(*ctx));
	if (!ctx)
		return err_ptr(-ENOMEM);
	ctx->file = file_alloc(&iommufd_file_ops, ctx, node);
	if (!ctx->file) {
		mem_free(ctx);
		return err_ptr(-ENOMEM);
	}
	object_table_init(&ctx->objects);
	ctx->account = MM_ACCOUNT_USER;
	lock_init(&ctx->group_lock, LOCK_RANK_IOMMUFD_GROUP);
	list_init(&ctx->groups);
	/* Below the address spaces' locks and above mm's, as endpoints are. */
	lock_init(&ctx->share_lock, LOCK_RANK_IOMMU_ENDPOINT);
	return ctx->file;
}

void iommufd_node_init(struct file_node *node, dev_t rdev)
{
	memset(node, 0, sizeof(*node));
	node->path = "/dev/iommu";
	node->rdev = rdev;
	node->mode = S_IFCHR | 0660;
	node->open = iommufd_node_open;
}

struct iommufd_ctx *iommufd_ctx_from_file(struct file *file)
{
	return file->ops == &iommufd_file_ops ? file->priv : NULL;
}

int destroy_ioctl(struct command *command)
{
	const struct iommu_destroy *args = command->args;

	return object_destroy(&command->ctx->objects, args->id);
}

/* As Linux answers when it is built without devices that have no IOMMU. */
int ioas_noiommu_get_pa_ioctl(struct command *command)
{
	(void)command;
	return -EOPNOTSUPP;
}
