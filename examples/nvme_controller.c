/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver of an NVMe controller. Numbers in brackets are sections of NVM
 * Express Base 1.4.
 *
 * Commands go through rings in memory: the driver writes an entry and stores
 * the new tail in a doorbell register. The controller fetches it, moves the
 * data, and writes a completion, whose phase bit tells new from old: it turns
 * over with every round of the ring. At last the driver stores the new head
 * of the completions in a second doorbell.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "nvme_controller.h"

enum {
	ADMIN_DEPTH = 31,
	IO_QUEUE_ID = 1,
	IO_VECTOR = 1,
	COMMAND_TIMEOUT_MS = 10000,
	SHUTDOWN_TIMEOUT_MS = 10000,
	SPINS_BEFORE_SLEEP = 1024,
	IDENTIFY_LEN = 4096,
};

static const char failed_advice[] =
	"look for reports of refused DMA, then start again";

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- queues ------------------------------------------------------------ */

static int nvme_queue_init(struct nvme *nvme, struct nvme_queue *queue,
			   unsigned int id, unsigned int depth)
{
	size_t commands_len, completions_len;
	int rc;

	*queue = (struct nvme_queue){
		.id = id,
		.n_entries = depth + 1,
		.phase = 1,
	};
	/* Both rings start at a page [3.1.9, 5.3, 5.4]. */
	commands_len = queue->n_entries * sizeof(struct nvme_command);
	completions_len = queue->n_entries * sizeof(struct nvme_completion);
	commands_len += -commands_len & (nvme->page_len - 1);
	completions_len += -completions_len & (nvme->page_len - 1);
	rc = pci_device_alloc_dma(nvme->pci, &queue->memory,
				  commands_len + completions_len,
				  nvme->page_len);
	if (rc)
		return rc;
	queue->completions_off = commands_len;
	queue->commands = queue->memory.va;
	queue->completions =
		(volatile struct nvme_completion *)((char *)queue->memory.va +
						    commands_len);
	return 0;
}

static void nvme_queue_deinit(struct nvme *nvme, struct nvme_queue *queue)
{
	pci_device_free_dma(nvme->pci, &queue->memory);
}

/* Doorbells stand in pairs: tail of submissions, head of completions. */
static size_t nvme_doorbell(const struct nvme *nvme,
			    const struct nvme_queue *queue, bool is_completion)
{
	return NVME_REG_DOORBELLS +
	       (2 * queue->id + is_completion) *
		       (size_t)nvme_cap_doorbell_stride(nvme->cap);
}

void nvme_submit(struct nvme_queue *queue, const struct nvme_command *command)
{
	queue->commands[queue->tail] = *command;
	if (++queue->tail == queue->n_entries)
		queue->tail = 0;
}

void nvme_ring(struct nvme *nvme, struct nvme_queue *queue)
{
	if (queue->rung == queue->tail)
		return;
	queue->rung = queue->tail;

	/* The commands are in memory before the controller looks. */
	dma_barrier();
	pci_write32(nvme->pci, nvme_doorbell(nvme, queue, false), queue->tail);
}

static bool nvme_has_completion(const struct nvme_queue *queue)
{
	return (queue->completions[queue->head].status & 1) == queue->phase;
}

bool nvme_reap(struct nvme_queue *queue, struct nvme_completion *completion)
{
	volatile struct nvme_completion *entry;

	if (!nvme_has_completion(queue))
		return false;

	/* The rest of the entry, and the data, are read after the phase. */
	dma_barrier();
	entry = &queue->completions[queue->head];
	completion->result = entry->result;
	completion->sq_head = entry->sq_head;
	completion->sq_id = entry->sq_id;
	completion->id = entry->id;
	completion->status = entry->status;
	if (++queue->head == queue->n_entries) {
		queue->head = 0;
		queue->phase ^= 1;
	}
	return true;
}

void nvme_release(struct nvme *nvme, struct nvme_queue *queue)
{
	/* All entries have been read before they may be overwritten. */
	dma_barrier();
	pci_write32(nvme->pci, nvme_doorbell(nvme, queue, true), queue->head);
}

/* ---- waiting ----------------------------------------------------------- */

/* Nothing came in time: say why, if the controller knows. */
static int nvme_complain_timeout(struct nvme *nvme)
{
	uint32_t csts = pci_read32(nvme->pci, NVME_REG_CSTS);

	if (csts & NVME_CSTS_CFS)
		return complain(EIO, failed_advice,
				"the controller has failed (CSTS %#x)", csts);
	return complain(ETIMEDOUT, failed_advice,
			"a command does not complete (CSTS %#x)", csts);
}

/* Tell the CPU that this is a loop that waits. */
static void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/*
 * Polling is what is fastest; but others may need this CPU, too. It is given
 * away only after longer than a fast device takes, and by a short sleep: on a
 * busy machine whoever yields waits for the time slices of all others, while
 * who wakes goes first.
 */
static int nvme_wait_polling(struct nvme *nvme, struct nvme_queue *queue)
{
	uint64_t deadline = 0;

	for (unsigned int spins = 0; !nvme_has_completion(queue); spins++) {
		cpu_relax();
		if (spins % SPINS_BEFORE_SLEEP != SPINS_BEFORE_SLEEP - 1)
			continue;
		if (!deadline)
			deadline = now_ns() + COMMAND_TIMEOUT_MS * 1000000ULL;
		else if (now_ns() > deadline)
			return nvme_complain_timeout(nvme);
		usleep(1);
	}
	return 0;
}

/* The eventfd counts, so that no interrupt is lost between look and wait. */
static int nvme_wait_irq(struct nvme *nvme, struct nvme_queue *queue)
{
	struct pollfd pollfd = { .fd = nvme->event_fd, .events = POLLIN };
	uint64_t count;
	int rc;

	while (!nvme_has_completion(queue)) {
		rc = poll(&pollfd, 1, COMMAND_TIMEOUT_MS);
		if (rc < 0 && errno != EINTR)
			return complain(errno, "leave --irq out",
					"poll(eventfd)");
		if (rc == 0)
			return nvme_complain_timeout(nvme);
		if (rc > 0 && read(nvme->event_fd, &count, sizeof(count)) < 0 &&
		    errno != EAGAIN)
			return complain(errno, "leave --irq out",
					"read(eventfd)");
	}
	return 0;
}

int nvme_wait(struct nvme *nvme, struct nvme_queue *queue)
{
	if (queue->id != 0 && nvme->event_fd >= 0)
		return nvme_wait_irq(nvme, queue);
	return nvme_wait_polling(nvme, queue);
}

/* One command on a queue that is empty, from start to end. */
static int nvme_execute(struct nvme *nvme, struct nvme_queue *queue,
			const struct nvme_command *command,
			struct nvme_completion *completion)
{
	int rc;

	nvme_submit(queue, command);
	nvme_ring(nvme, queue);
	rc = nvme_wait(nvme, queue);
	if (rc)
		return rc;
	if (!nvme_reap(queue, completion))
		return nvme_complain_timeout(nvme);
	nvme_release(nvme, queue);
	return 0;
}

int nvme_io(struct nvme *nvme, const struct nvme_command *command)
{
	struct nvme_completion completion = { 0 };
	int rc;

	rc = nvme_execute(nvme, &nvme->io, command, &completion);
	return rc ? rc : (int)nvme_status(&completion);
}

static int nvme_admin(struct nvme *nvme, const struct nvme_command *command,
		      const char *name)
{
	struct nvme_completion completion = { 0 };
	int rc;

	rc = nvme_execute(nvme, &nvme->admin, command, &completion);
	if (rc)
		return rc;
	if (nvme_status(&completion) != NVME_STATUS_SUCCESS)
		return complain(EIO, "the controller does not support it",
				"command %s, status %#x", name,
				nvme_status(&completion));
	return 0;
}

/* ---- reset ------------------------------------------------------------- */

static int nvme_wait_csts(struct nvme *nvme, uint32_t mask, uint32_t value,
			  uint64_t timeout_ms)
{
	uint64_t deadline = now_ns() + timeout_ms * 1000000;
	uint32_t csts;

	for (;;) {
		csts = pci_read32(nvme->pci, NVME_REG_CSTS);
		if ((csts & mask) == value)
			return 0;
		if (csts & NVME_CSTS_CFS && value)
			return complain(EIO, failed_advice,
					"the controller has failed (CSTS %#x)",
					csts);
		if (now_ns() > deadline)
			return complain(ETIMEDOUT,
					"reset the device and start again",
					"CSTS is %#x, and not %#x of %#x", csts,
					value, mask);
		usleep(100);
	}
}

/* Off: then the controller does no DMA, and memory can go. */
static int nvme_disable(struct nvme *nvme)
{
	uint32_t cc = pci_read32(nvme->pci, NVME_REG_CC);

	pci_write32(nvme->pci, NVME_REG_CC, cc & ~(uint32_t)NVME_CC_EN);
	return nvme_wait_csts(nvme, NVME_CSTS_RDY, 0,
			      nvme_cap_timeout_ms(nvme->cap));
}

/* [3.5.1]: off, the admin queue, on. */
static int nvme_reset(struct nvme *nvme)
{
	struct nvme_queue *admin = &nvme->admin;
	uint32_t last = admin->n_entries - 1;
	uint32_t cc;
	int rc;

	rc = nvme_disable(nvme);
	if (rc)
		return rc;

	pci_write32(nvme->pci, NVME_REG_AQA, last << 16 | last);
	pci_write64(nvme->pci, NVME_REG_ASQ, admin->memory.iova);
	pci_write64(nvme->pci, NVME_REG_ACQ,
		    admin->memory.iova + admin->completions_off);

	cc = NVME_CC_EN | NVME_CC_ENTRIES |
	     (nvme_cap_min_page_lg2(nvme->cap) - 12) << NVME_CC_MPS_SHIFT;
	pci_write32(nvme->pci, NVME_REG_CC, cc);
	return nvme_wait_csts(nvme, NVME_CSTS_RDY | NVME_CSTS_CFS,
			      NVME_CSTS_RDY, nvme_cap_timeout_ms(nvme->cap));
}

/* [7.6.2]. The caches are written, the controller may lose power. */
static void nvme_shut_down(struct nvme *nvme)
{
	uint32_t cc = pci_read32(nvme->pci, NVME_REG_CC);

	cc &= ~(uint32_t)NVME_CC_SHN_MASK;
	pci_write32(nvme->pci, NVME_REG_CC, cc | NVME_CC_SHN_NORMAL);
	nvme_wait_csts(nvme, NVME_CSTS_SHST_MASK, NVME_CSTS_SHST_DONE,
		       SHUTDOWN_TIMEOUT_MS);
	nvme_disable(nvme);
}

/* ---- identify ---------------------------------------------------------- */

static int nvme_identify(struct nvme *nvme, uint32_t nsid, uint32_t what)
{
	struct nvme_command command = {
		.opcode = NVME_ADMIN_IDENTIFY,
		.nsid = nsid,
		.prp1 = nvme->buffer.iova,
		.cdw10 = what,
	};

	return nvme_admin(nvme, &command, "Identify");
}

/* Text is padded with blanks and has no end mark. */
static void nvme_copy_text(char *to, const uint8_t *from, size_t len)
{
	while (len && from[len - 1] == ' ')
		len--;
	memcpy(to, from, len);
	to[len] = '\0';
}

static int nvme_identify_controller(struct nvme *nvme)
{
	const uint8_t *data = nvme->buffer.va;
	unsigned int mdts;
	int rc;

	rc = nvme_identify(nvme, 0, NVME_IDENTIFY_CONTROLLER);
	if (rc)
		return rc;
	nvme->vendor = data[NVME_ID_VENDOR] |
		       (unsigned int)data[NVME_ID_VENDOR + 1] << 8;
	nvme_copy_text(nvme->serial, data + NVME_ID_SERIAL, NVME_ID_SERIAL_LEN);
	nvme_copy_text(nvme->model, data + NVME_ID_MODEL, NVME_ID_MODEL_LEN);
	nvme_copy_text(nvme->firmware, data + NVME_ID_FIRMWARE,
		       NVME_ID_FIRMWARE_LEN);

	/* A power of two, in units of the smallest page. */
	mdts = data[NVME_ID_MDTS];
	if (mdts && mdts < 32)
		nvme->max_transfer = (uint64_t)nvme->page_len << mdts;
	return 0;
}

static int nvme_identify_namespace(struct nvme *nvme)
{
	const uint8_t *data = nvme->buffer.va;
	uint32_t format;
	unsigned int block_lg2;
	int rc;

	rc = nvme_identify(nvme, NVME_NSID, NVME_IDENTIFY_NAMESPACE);
	if (rc)
		return rc;
	memcpy(&nvme->n_blocks, data + NVME_NS_N_BLOCKS, sizeof(uint64_t));
	memcpy(&format,
	       data + NVME_NS_FORMATS + (data[NVME_NS_FORMAT] & 0xful) * 4,
	       sizeof(format));
	block_lg2 = format >> 16 & 0xff;
	if (!nvme->n_blocks)
		return complain(ENODEV, "create one first",
				"the controller has no namespace %d",
				NVME_NSID);
	if (block_lg2 < 9 || block_lg2 > 12 || (format & 0xffff))
		return complain(EOPNOTSUPP,
				"format it with blocks of 512 or 4096 bytes "
				"without metadata",
				"namespace %d", NVME_NSID);
	nvme->block_len = 1U << block_lg2;
	return 0;
}

/* ---- the I/O queue ----------------------------------------------------- */

static int nvme_create_io_queue(struct nvme *nvme, int vector)
{
	const struct nvme_queue *io = &nvme->io;
	struct nvme_command features = {
		.opcode = NVME_ADMIN_SET_FEATURES,
		.cdw10 = NVME_FEATURE_NUMBER_OF_QUEUES,
		.cdw11 = 0, /* one of each, 0-based */
	};
	struct nvme_command create_cq = {
		.opcode = NVME_ADMIN_CREATE_CQ,
		.prp1 = io->memory.iova + io->completions_off,
		.cdw10 = (io->n_entries - 1) << 16 | io->id,
		.cdw11 = NVME_QUEUE_CONTIGUOUS,
	};
	struct nvme_command create_sq = {
		.opcode = NVME_ADMIN_CREATE_SQ,
		.prp1 = io->memory.iova,
		.cdw10 = (io->n_entries - 1) << 16 | io->id,
		.cdw11 = io->id << 16 | NVME_QUEUE_CONTIGUOUS,
	};
	int rc;

	if (vector >= 0)
		create_cq.cdw11 |= (uint32_t)vector << 16 |
				   NVME_QUEUE_INTERRUPTS;
	rc = nvme_admin(nvme, &features, "Set Features");
	if (rc)
		return rc;
	rc = nvme_admin(nvme, &create_cq, "Create I/O Completion Queue");
	if (rc)
		return rc;
	return nvme_admin(nvme, &create_sq, "Create I/O Submission Queue");
}

/* The submission queue first: it still uses the other one. */
static void nvme_delete_io_queue(struct nvme *nvme)
{
	struct nvme_command command = { .cdw10 = nvme->io.id };

	command.opcode = NVME_ADMIN_DELETE_SQ;
	if (nvme_admin(nvme, &command, "Delete I/O Submission Queue"))
		return;
	command.opcode = NVME_ADMIN_DELETE_CQ;
	nvme_admin(nvme, &command, "Delete I/O Completion Queue");
}

static int nvme_init_irq(struct nvme *nvme)
{
	int rc;

	nvme->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (nvme->event_fd < 0)
		return complain(errno, "close some files", "eventfd()");
	rc = pci_device_enable_irq(nvme->pci, IO_VECTOR, nvme->event_fd);
	if (rc < 0) {
		close(nvme->event_fd);
		nvme->event_fd = -1;
	}
	return rc;
}

static void nvme_deinit_irq(struct nvme *nvme)
{
	if (nvme->event_fd < 0)
		return;
	pci_device_disable_irq(nvme->pci);
	close(nvme->event_fd);
}

/* ---- start and stop ---------------------------------------------------- */

/* Read what the controller is; refuse what this driver does not know. */
static int nvme_probe(struct nvme *nvme, unsigned int depth)
{
	size_t doorbells_end;

	nvme->cap = pci_read64(nvme->pci, NVME_REG_CAP);
	nvme->page_len = (size_t)1 << nvme_cap_min_page_lg2(nvme->cap);
	if (nvme->cap == UINT64_MAX || !nvme_cap_has_nvm_commands(nvme->cap))
		return complain(ENODEV, "choose another with --device",
				"%s is no NVMe controller", nvme->pci->name);
	if (depth >= nvme_cap_max_entries(nvme->cap))
		return complain(EINVAL, "use less with --depth",
				"the controller has queues of %u entries",
				nvme_cap_max_entries(nvme->cap));
	doorbells_end = NVME_REG_DOORBELLS +
			4 * (size_t)nvme_cap_doorbell_stride(nvme->cap);
	if (doorbells_end > nvme->pci->bar_len)
		return complain(ENODEV, "choose another with --device",
				"BAR 0 has %zu bytes", nvme->pci->bar_len);
	return 0;
}

static int nvme_setup(struct nvme *nvme, bool has_irq)
{
	int vector = -1;
	int rc;

	rc = nvme_reset(nvme);
	if (rc)
		return rc;
	rc = nvme_identify_controller(nvme);
	if (rc)
		return rc;
	rc = nvme_identify_namespace(nvme);
	if (rc)
		return rc;
	if (has_irq) {
		vector = nvme_init_irq(nvme);
		if (vector < 0)
			return vector;
	}
	return nvme_create_io_queue(nvme, vector);
}

int nvme_start(struct nvme *nvme, struct pci_device *pci, unsigned int depth,
	       bool has_irq)
{
	int rc;

	*nvme = (struct nvme){ .pci = pci, .event_fd = -1 };
	rc = nvme_probe(nvme, depth);
	if (rc)
		return rc;
	rc = nvme_queue_init(nvme, &nvme->admin, 0, ADMIN_DEPTH);
	if (rc)
		return rc;
	rc = nvme_queue_init(nvme, &nvme->io, IO_QUEUE_ID, depth);
	if (rc)
		goto err_deinit_admin;
	rc = pci_device_alloc_dma(pci, &nvme->buffer,
				  nvme->page_len > IDENTIFY_LEN ? nvme->page_len
								: IDENTIFY_LEN,
				  nvme->page_len);
	if (rc)
		goto err_deinit_io;
	rc = nvme_setup(nvme, has_irq);
	if (rc)
		goto err_disable;
	return 0;

err_disable:
	nvme_disable(nvme);
	nvme_deinit_irq(nvme);
	pci_device_free_dma(pci, &nvme->buffer);
err_deinit_io:
	nvme_queue_deinit(nvme, &nvme->io);
err_deinit_admin:
	nvme_queue_deinit(nvme, &nvme->admin);
	return rc;
}

void nvme_stop(struct nvme *nvme)
{
	/* A controller that has failed is not asked for order any more. */
	if (pci_read32(nvme->pci, NVME_REG_CSTS) & NVME_CSTS_CFS) {
		nvme_disable(nvme);
	} else {
		nvme_delete_io_queue(nvme);
		nvme_shut_down(nvme);
	}
	nvme_deinit_irq(nvme);
	pci_device_free_dma(nvme->pci, &nvme->buffer);
	nvme_queue_deinit(nvme, &nvme->io);
	nvme_queue_deinit(nvme, &nvme->admin);
}
