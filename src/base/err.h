/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pointer or a negative errno in one word. The last page of the address
 * space never holds an object, so its addresses stand for errors.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <errno.h>
#include "base/compiler.h"

#define ERR_MAX 4095

static inline void *err_ptr(int err)
{
	return (void *)(intptr_t)err;
}

static inline int ptr_err(const void *ptr)
{
	return (int)(intptr_t)ptr;
}

static inline bool is_err(const void *ptr)
{
	return (uintptr_t)ptr >= (uintptr_t)-ERR_MAX;
}

#endif /* BASE_ERR_H */
