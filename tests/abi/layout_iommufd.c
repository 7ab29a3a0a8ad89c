/* SPDX-License-Identifier: BSD-3-Clause */
/* Every size, offset and number of our <linux/iommufd.h>. */
#include <linux/iommufd.h>

#include "layout.h"

#define LAYOUT_COMPLETE 1

static const struct layout_entry table[] = {
#include "layout_iommufd.inc"
};

int main(void)
{
	return LAYOUT_CHECK("linux/iommufd.h", table) ? 1 : 0;
}
