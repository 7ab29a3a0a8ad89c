/* SPDX-License-Identifier: BSD-3-Clause */
/* Locked memory, counted as the kernel does. */
#ifndef MM_ACCOUNT_H
#define MM_ACCOUNT_H

#include "mm/mm.h"

/**
 * struct account - what is charged
 * @pages: by mode
 * @total: all modes
 * @peak: highest total
 * @is_enforced: RLIMIT_MEMLOCK is a limit
 */
struct account {
	__u64 pages[2];
	__u64 total;
	__u64 peak;
	bool is_enforced;
};

/* A fault point. Return: 0 or -ENOMEM: the limit. */
int account_charge(struct account *account, enum mm_account mode,
		   __u64 n_pages);
void account_uncharge(struct account *account, enum mm_account mode,
		      __u64 n_pages);

#endif /* MM_ACCOUNT_H */
