/* SPDX-License-Identifier: BSD-3-Clause */
/* Every size, offset and number of our <linux/iommufd_test.h>. */
#include <linux/iommufd_test.h>

#include "layout.h"

#define LAYOUT_COMPLETE 1

static const struct layout_entry table[] = {
#include "layout_test.inc"
};

int main(void)
{
	return LAYOUT_CHECK("linux/iommufd_test.h", table) ? 1 : 0;
}
