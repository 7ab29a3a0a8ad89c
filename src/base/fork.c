/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The forking thread holds the locks of base over the fork, so that what they
 * guard is whole in the child. They are taken in their order: the table of
 * files allocates under its lock.
 */
#include "base/file_table.h"
#include "base/fork.h"
#include "base/slab.h"

void base_fork_prepare(void)
{
	file_table_fork_prepare();
	slab_fork_prepare();
}

void base_fork_parent(void)
{
	slab_fork_done();
	file_table_fork_parent();
}

void base_fork_child(void)
{
	slab_fork_done();
	file_table_fork_child();
}
