/* SPDX-License-Identifier: BSD-3-Clause */
/* What base/thread.c asks of base/file.c. */
#ifndef BASE_FILE_HOST_H
#define BASE_FILE_HOST_H

/* Tell the host, if there is one, that the calling thread is ours. */
void file_host_thread_started(void);

#endif /* BASE_FILE_HOST_H */
