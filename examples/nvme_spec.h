/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an NVMe controller and its driver say to each other, as far as the
 * example needs it. Numbers in brackets are sections of NVM Express Base 1.4.
 * All of it is little endian.
 */
#ifndef EXAMPLES_NVME_SPEC_H
#define EXAMPLES_NVME_SPEC_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	      "on such a machine every field would need a conversion");

/* Registers in BAR 0 [3.1]. */
enum {
	NVME_REG_CAP = 0x00, /* 64 bits */
	NVME_REG_CC = 0x14,
	NVME_REG_CSTS = 0x1c,
	NVME_REG_AQA = 0x24,
	NVME_REG_ASQ = 0x28, /* 64 bits */
	NVME_REG_ACQ = 0x30, /* 64 bits */
	NVME_REG_DOORBELLS = 0x1000,
};

/* CC [3.1.5]: queue entries of 2^6 and 2^4 bytes, the NVM command set. */
enum {
	NVME_CC_EN = 1 << 0,
	NVME_CC_MPS_SHIFT = 7,
	NVME_CC_SHN_NORMAL = 1 << 14,
	NVME_CC_SHN_MASK = 3 << 14,
	NVME_CC_ENTRIES = 6 << 16 | 4 << 20,
};

/* CSTS [3.1.6] */
enum {
	NVME_CSTS_RDY = 1 << 0,
	NVME_CSTS_CFS = 1 << 1,
	NVME_CSTS_SHST_MASK = 3 << 2,
	NVME_CSTS_SHST_DONE = 2 << 2,
};

/* CAP [3.1.1]: most entries of a queue. */
static inline unsigned int nvme_cap_max_entries(uint64_t cap)
{
	return (unsigned int)(cap & 0xffff) + 1;
}

/* The controller needs no longer to become ready or to stop. */
static inline uint64_t nvme_cap_timeout_ms(uint64_t cap)
{
	return (cap >> 24 & 0xff) * 500;
}

/* Bytes from one doorbell to the next. */
static inline unsigned int nvme_cap_doorbell_stride(uint64_t cap)
{
	return 4U << (cap >> 32 & 0xf);
}

static inline bool nvme_cap_has_nvm_commands(uint64_t cap)
{
	return cap >> 37 & 1;
}

/* The smallest memory page, as a power of two. */
static inline unsigned int nvme_cap_min_page_lg2(uint64_t cap)
{
	return 12 + (unsigned int)(cap >> 48 & 0xf);
}

/* Commands for the admin queue [5] and for I/O queues [6]. */
enum {
	NVME_ADMIN_DELETE_SQ = 0x00,
	NVME_ADMIN_CREATE_SQ = 0x01,
	NVME_ADMIN_DELETE_CQ = 0x04,
	NVME_ADMIN_CREATE_CQ = 0x05,
	NVME_ADMIN_IDENTIFY = 0x06,
	NVME_ADMIN_SET_FEATURES = 0x09,

	NVME_IO_FLUSH = 0x00,
	NVME_IO_WRITE = 0x01,
	NVME_IO_READ = 0x02,
};

enum {
	NVME_IDENTIFY_NAMESPACE = 0x00,
	NVME_IDENTIFY_CONTROLLER = 0x01,
	NVME_FEATURE_NUMBER_OF_QUEUES = 0x07,
	NVME_QUEUE_CONTIGUOUS = 1 << 0,
	NVME_QUEUE_INTERRUPTS = 1 << 1,
};

/* An entry of a submission queue [4.2]. */
struct nvme_command {
	uint8_t opcode;
	uint8_t flags;
	uint16_t id;
	uint32_t nsid;
	uint64_t reserved;
	uint64_t metadata;
	uint64_t prp1;
	uint64_t prp2;
	uint32_t cdw10;
	uint32_t cdw11;
	uint32_t cdw12;
	uint32_t cdw13;
	uint32_t cdw14;
	uint32_t cdw15;
};
static_assert(sizeof(struct nvme_command) == 64, "[4.2]");

/* An entry of a completion queue [4.6]; bit 0 of the status is the phase. */
struct nvme_completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t sq_head;
	uint16_t sq_id;
	uint16_t id;
	uint16_t status;
};
static_assert(sizeof(struct nvme_completion) == 16, "[4.6]");

/* Status code type and status code, together [4.6.1]. */
enum {
	NVME_STATUS_MASK = 0x7ff,
	NVME_STATUS_SUCCESS = 0x000,
	NVME_STATUS_DATA_TRANSFER_ERROR = 0x004,
};

/* Identify Controller [5.15.2.2]: byte offsets in its 4096 bytes. */
enum {
	NVME_ID_VENDOR = 0,
	NVME_ID_SERIAL = 4,
	NVME_ID_SERIAL_LEN = 20,
	NVME_ID_MODEL = 24,
	NVME_ID_MODEL_LEN = 40,
	NVME_ID_FIRMWARE = 64,
	NVME_ID_FIRMWARE_LEN = 8,
	NVME_ID_MDTS = 77,
};

/* Identify Namespace [5.15.2.1]: byte offsets in its 4096 bytes. */
enum {
	NVME_NS_N_BLOCKS = 0,
	NVME_NS_FORMAT = 26,
	NVME_NS_FORMATS = 128,
};

#endif /* EXAMPLES_NVME_SPEC_H */
