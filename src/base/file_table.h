/* SPDX-License-Identifier: BSD-3-Clause */
/* The descriptor table of a program that has no host; see base/file.h. */
#ifndef BASE_FILE_TABLE_H
#define BASE_FILE_TABLE_H

struct file;

/* As the members of struct file_host. */
struct file *file_table_get(int fd);
int file_table_install(struct file *file, int flags);

/* Around a fork; see base/fork.h. */
void file_table_fork_prepare(void);
void file_table_fork_parent(void);
void file_table_fork_child(void);

#endif /* BASE_FILE_TABLE_H */
