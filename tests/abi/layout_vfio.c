/* SPDX-License-Identifier: BSD-3-Clause */
/* Every size, offset and number of our <linux/vfio.h>. */
#include <linux/vfio.h>

#include "layout.h"

#define LAYOUT_COMPLETE 1

static const struct layout_entry table[] = {
#include "layout_vfio.inc"
};

int main(void)
{
	return LAYOUT_CHECK("linux/vfio.h", table) ? 1 : 0;
}
