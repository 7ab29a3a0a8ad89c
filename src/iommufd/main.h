/* SPDX-License-Identifier: BSD-3-Clause */
/* What the file of a context is. */
#ifndef IOMMUFD_MAIN_H
#define IOMMUFD_MAIN_H

struct file;
struct iommufd_ctx;

/* Return: the context of a file of /dev/iommu, or NULL for other files. */
struct iommufd_ctx *iommufd_ctx_from_file(struct file *file);

#endif /* IOMMUFD_MAIN_H */
