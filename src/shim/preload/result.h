/* SPDX-License-Identifier: BSD-3-Clause */
/* From our convention, -errno, to libc's. */
#ifndef PRELOAD_RESULT_H
#define PRELOAD_RESULT_H

#include <errno.h>
#include "base/compiler.h"

/* Return: @ret, or -1 with errno set. */
static inline long result_of(long ret)
{
	if (likely(ret >= 0))
		return ret;
	errno = (int)-ret;
	return -1;
}

static inline int result_int(long ret)
{
	return (int)result_of(ret);
}

/* Return: NULL, with errno set from @err. */
static inline void *result_null(int err)
{
	errno = -err;
	return NULL;
}

#endif /* PRELOAD_RESULT_H */
