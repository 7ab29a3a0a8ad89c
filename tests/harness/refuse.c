/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * refuse PROGRAM [ARG]...: run a program as a container would, with
 * io_uring_setup, userfaultfd and pidfd_getfd refused by EPERM.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define REFUSE_EXIT 127

/* Load a word of struct seccomp_data; jump over the next or not; end. */
#define REFUSE_LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define REFUSE_IF(value, n_if, n_else) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (n_if), (n_else))
#define REFUSE_END(action) BPF_STMT(BPF_RET | BPF_K, (action))

static int refuse_install(void)
{
	struct sock_filter filter[] = {
		REFUSE_LOAD(arch),
		REFUSE_IF(AUDIT_ARCH_X86_64, 0, 4),
		REFUSE_LOAD(nr),
		REFUSE_IF(SYS_io_uring_setup, 3, 0),
		REFUSE_IF(SYS_userfaultfd, 2, 0),
		REFUSE_IF(SYS_pidfd_getfd, 1, 0),
		REFUSE_END(SECCOMP_RET_ALLOW),
		REFUSE_END(SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(*filter),
		.filter = filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return -errno;
	return 0;
}

int main(int argc, char **argv)
{
	int err;

	if (argc < 2) {
		fprintf(stderr, "usage: refuse PROGRAM [ARG]...\n");
		return REFUSE_EXIT;
	}
	err = refuse_install();
	if (err) {
		fprintf(stderr, "refuse: seccomp: %s\n", strerror(-err));
		return REFUSE_EXIT;
	}
	execvp(argv[1], argv + 1);
	fprintf(stderr, "refuse: %s: %s\n", argv[1], strerror(errno));
	return REFUSE_EXIT;
}
