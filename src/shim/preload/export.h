/* SPDX-License-Identifier: BSD-3-Clause */
/* What this library shows to the dynamic linker: libc's names, no other. */
#ifndef PRELOAD_EXPORT_H
#define PRELOAD_EXPORT_H

#define EXPORT __attribute__((visibility("default")))

/* A second name of a function: "64" forms are the same on this machine. */
#define EXPORT_ALIAS(target) \
	__attribute__((visibility("default"), alias(target)))

#endif /* PRELOAD_EXPORT_H */
