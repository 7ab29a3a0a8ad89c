/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every file may use of the compiler, and the integer types that must
 * not mix.
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/types.h>

/** typedef iova_t - an address as a device sees it */
typedef __u64 iova_t;

#define likely(cond) __builtin_expect(!!(cond), 1)
#define unlikely(cond) __builtin_expect(!!(cond), 0)
#define array_len(array) (sizeof(array) / sizeof((array)[0]))

/* From a pointer to a member, the structure that holds it. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define CACHE_LINE 64u

#define always_inline inline __attribute__((always_inline))
#define no_inline __attribute__((noinline))
#define cacheline_aligned __attribute__((aligned(CACHE_LINE)))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

/* Clang proves at compile time what these say; gcc does not know them. */
#if defined(__clang__)
#define lock_acquires(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define lock_releases(...) __attribute__((release_capability(__VA_ARGS__)))
#define lock_requires(...) __attribute__((requires_capability(__VA_ARGS__)))
#define lock_capability __attribute__((capability("mutex")))
#define lock_unchecked __attribute__((no_thread_safety_analysis))
#else
#define lock_acquires(...)
#define lock_releases(...)
#define lock_requires(...)
#define lock_capability
#define lock_unchecked
#endif

#if defined(__SANITIZE_THREAD__)
#define BUILT_WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BUILT_WITH_TSAN 1
#endif
#endif

#endif /* BASE_COMPILER_H */
