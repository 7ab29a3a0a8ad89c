/* SPDX-License-Identifier: BSD-3-Clause */
/* The descriptor table of a program that has no host; see base/file.h. */
#ifndef BASE_FILE_TABLE_H
#define BASE_FILE_TABLE_H

struct file;

/* As the members of struct file_host. */
struct file *file_table_get(int fd);
int file_table_install(struct file *file, int flags);

#endif /* BASE_FILE_TABLE_H */
