/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A context: one open of /dev/iommu.
 *
 * The order of locks inside a context, outer first:
 *
 *   group_lock < ioas lock (two of them in a copy, lower address first)
 *              < share_lock < the table of objects
 */
#ifndef IOMMUFD_CONTEXT_H
#define IOMMUFD_CONTEXT_H

#include "base/file.h"
#include "base/list.h"
#include "base/lock.h"
#include "iommufd/object.h"
#include "mm/mm.h"

struct ioas;

/**
 * struct iommufd_ctx - one open file
 * @file: the file itself; bound devices hold it
 * @objects: by ID
 * @account: who is charged. Changes only while there is no object, so every
 *	area of the context is charged alike
 * @vfio_ioas: the address space that VFIO containers use, or NULL; holds no
 *	reference. Written under the lock of @objects
 * @group_lock: guards @groups and everything about attachment: devices' and
 *	HWPTs' fields say so
 * @groups: those with a device bound here
 * @share_lock: guards the pins of memory that several areas share
 */
struct iommufd_ctx {
	struct file *file;
	struct object_table objects;
	enum mm_account account;
	struct ioas *_Atomic vfio_ioas;
	struct lock group_lock;
	struct list_head groups;
	struct lock share_lock;
};

#endif /* IOMMUFD_CONTEXT_H */
