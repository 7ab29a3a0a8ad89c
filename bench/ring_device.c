/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bare device: a process that answers each command with one memcpy() and
 * one completion. It translates nothing and checks nothing, so nothing that
 * does can be faster by much.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ring.h"

static pid_t device_pid;
static int resume_end;
static int paused_end;

/* As the controller's own: huge pages, each block with its number. */
static char *namespace_create(uint64_t len)
{
	char *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (bytes == MAP_FAILED)
		_exit(1);
	madvise(bytes, len, MADV_HUGEPAGE);
	memset(bytes, 0, len);
	for (uint64_t i = 0; i < len; i += RING_BLOCK_LEN) {
		uint64_t tag = ring_tag(i / RING_BLOCK_LEN);

		memcpy(bytes + i, &tag, sizeof(tag));
	}
	return bytes;
}

static inline void device_answer(struct ring_memory *memory, const char *bytes,
				 const struct ring_command *command,
				 struct ring_completion *completion,
				 uint16_t phase)
{
	uint64_t block = command->cdw10 | (uint64_t)command->cdw11 << 32;
	size_t len = (command->cdw12 + 1) * (size_t)RING_BLOCK_LEN;

	if (command->opcode == RING_READ)
		memcpy((char *)memory + (command->prp1 - RING_IOVA),
		       bytes + block * RING_BLOCK_LEN, len);
	completion->result = 0;
	completion->id = command->id;
	__atomic_store_n(&completion->status, phase, __ATOMIC_RELEASE);
}

/* Until the driver pauses it. */
static void device_run(struct ring_memory *memory, const char *bytes,
		       uint32_t *head, uint16_t *phase)
{
	while (!memory->is_paused) {
		uint32_t tail = __atomic_load_n(&memory->doorbells[0].word,
						__ATOMIC_ACQUIRE);

		while (*head != tail) {
			device_answer(memory, bytes, &memory->commands[*head],
				      &memory->completions[*head], *phase);
			if (++*head == RING_ENTRIES) {
				*head = 0;
				*phase ^= 1;
			}
		}
	}
}

static void device_main(struct ring_memory *memory, uint64_t len, int resumed,
			int paused)
{
	char *bytes = namespace_create(len);
	uint16_t phase = 1;
	uint32_t head = 0;
	char byte = 0;

	/* Paused from the start; each byte read is one run. */
	do {
		if (write(paused, &byte, 1) != 1)
			_exit(1);
		if (read(resumed, &byte, 1) != 1)
			_exit(0);
		device_run(memory, bytes, &head, &phase);
	} while (true);
}

static void wait_paused(void)
{
	char byte;

	bench_check(read(paused_end, &byte, 1) == 1, "the bare ring died");
}

struct ring *ring_device_start(struct ring_memory *memory, unsigned int cpu,
			       uint64_t len)
{
	static struct ring ring;
	int resumes[2], pauses[2];

	bench_check(!pipe(resumes) && !pipe(pauses), "pipe() failed");
	memory->is_paused = 1;
	device_pid = fork();
	bench_check(device_pid >= 0, "fork() failed");
	if (!device_pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(resumes[1]);
		bench_pin_cpu(cpu);
		device_main(memory, len, resumes[0], pauses[1]);
	}
	close(resumes[0]);
	close(pauses[1]);
	resume_end = resumes[1];
	paused_end = pauses[0];
	wait_paused();
	ring = (struct ring){
		.commands = memory->commands,
		.completions = memory->completions,
		.tail_doorbell = &memory->doorbells[0].word,
		.head_doorbell = &memory->doorbells[1].word,
		.n_entries = RING_ENTRIES,
		.phase = 1,
	};
	return &ring;
}

void ring_device_resume(struct ring_memory *memory)
{
	char byte = 0;

	memory->is_paused = 0;
	bench_check(write(resume_end, &byte, 1) == 1, "the bare ring died");
}

void ring_device_pause(struct ring_memory *memory)
{
	memory->is_paused = 1;
	wait_paused();
}

void ring_device_stop(void)
{
	close(resume_end);
	waitpid(device_pid, NULL, 0);
}
