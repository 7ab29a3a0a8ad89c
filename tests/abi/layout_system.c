/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables of layout_iommufd.c and layout_vfio.c, held against the headers
 * of the system, which this file alone is compiled with. They may be older:
 * what they do not have is not asked. Exit status 77: they are not there.
 */
#include "layout.h"

#if __has_include(<linux/vfio.h>)
#include <linux/vfio.h>
#define HAVE_VFIO 1
#else
#define HAVE_VFIO 0
#endif

#if __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>
#define HAVE_IOMMUFD 1
#else
#define HAVE_IOMMUFD 0
#endif

#if defined(UAPI_LINUX_VFIO_H) || defined(UAPI_LINUX_IOMMUFD_H)
#error "these are our headers, not the system's"
#endif

#if HAVE_VFIO
static const struct layout_entry vfio_table[] = {
#include "layout_vfio.inc"
};
#endif

#if HAVE_IOMMUFD
static const struct layout_entry iommufd_table[] = {
#include "layout_iommufd.inc"
};
#endif

int main(void)
{
	unsigned int n_wrong = 0;

#if HAVE_VFIO
	n_wrong += LAYOUT_CHECK("the system's linux/vfio.h", vfio_table);
#else
	printf("the system has no linux/vfio.h\n");
#endif
#if HAVE_IOMMUFD
	n_wrong += LAYOUT_CHECK("the system's linux/iommufd.h", iommufd_table);
#else
	printf("the system has no linux/iommufd.h\n");
#endif
	if (!HAVE_VFIO && !HAVE_IOMMUFD)
		return 77;
	return n_wrong ? 1 : 0;
}
