/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Charging pinned pages.
 *
 * Linux charges the user or the process, and nobody who has CAP_IPC_LOCK in
 * the initial user namespace. By default this project counts and never
 * refuses: the memory is the program's own and stays where it is. When the
 * limit is enforced, a pin that would exceed RLIMIT_MEMLOCK gives -ENOMEM.
 */
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/err.h"
#include "base/fault.h"
#include "base/overflow.h"
#include "mm/account.h"

static bool may_lock_any_amount(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective &
	       CAP_TO_MASK(CAP_IPC_LOCK);
}

static bool account_exceeds(const struct account *account, enum mm_account mode,
			    __u64 n_pages)
{
	struct rlimit limit;
	__u64 sum;

	if (!account->is_enforced || may_lock_any_amount())
		return false;
	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return false;
	if (limit.rlim_cur == RLIM_INFINITY)
		return false;
	return add_overflow(account->pages[mode], n_pages, &sum) ||
	       sum > limit.rlim_cur / MM_PAGE_LEN;
}

int account_charge(struct account *account, enum mm_account mode, __u64 n_pages)
{
	if (fault_inject(FAULT_CHARGE))
		return -ENOMEM;
	if (account_exceeds(account, mode, n_pages))
		return -ENOMEM;
	account->pages[mode] += n_pages;
	account->total += n_pages;
	if (account->total > account->peak)
		account->peak = account->total;
	return 0;
}

void account_uncharge(struct account *account, enum mm_account mode,
		      __u64 n_pages)
{
	account->pages[mode] -= n_pages;
	account->total -= n_pages;
}
