/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers and layouts of NVM Express 1.4, by its sections. Everything is
 * little endian, as are the machines this runs on.
 */
#ifndef DEVICES_NVME_SPEC_H
#define DEVICES_NVME_SPEC_H

#include <assert.h>
#include "base/compiler.h"

/* 3.1: controller registers. */
enum nvme_register {
	NVME_REG_CAP = 0x00,
	NVME_REG_VS = 0x08,
	NVME_REG_INTMS = 0x0c,
	NVME_REG_INTMC = 0x10,
	NVME_REG_CC = 0x14,
	NVME_REG_CSTS = 0x1c,
	NVME_REG_AQA = 0x24,
	NVME_REG_ASQ = 0x28,
	NVME_REG_ACQ = 0x30,
	NVME_REG_DOORBELLS = 0x1000,
};

/* 3.1.1: CAP. */
#define NVME_CAP_MQES(n_minus_1) ((__u64)(n_minus_1))
#define NVME_CAP_CQR (1ull << 16)
#define NVME_CAP_TO(half_seconds) ((__u64)(half_seconds) << 24)
#define NVME_CAP_CSS_NVM (1ull << 37)
#define NVME_CAP_MPSMAX(page_lg2) ((__u64)((page_lg2)-12) << 52)

#define NVME_VS_1_4 0x00010400u

/* 3.1.5: CC. */
#define NVME_CC_EN 1u
#define NVME_CC_CSS(cc) (((cc) >> 4) & 7)
#define NVME_CC_MPS(cc) (((cc) >> 7) & 15)
#define NVME_CC_AMS(cc) (((cc) >> 11) & 7)
#define NVME_CC_SHN(cc) (((cc) >> 14) & 3)
#define NVME_CC_IOSQES(cc) (((cc) >> 16) & 15)
#define NVME_CC_IOCQES(cc) (((cc) >> 20) & 15)

/* 3.1.6: CSTS. */
#define NVME_CSTS_RDY 1u
#define NVME_CSTS_CFS 2u
#define NVME_CSTS_SHST_DONE (2u << 2)

#define NVME_SQE_LG2 6
#define NVME_CQE_LG2 4

/* 4.2: a submission queue entry. */
struct nvme_sqe {
	__u8 opcode;
	__u8 flags; /* fuse 1:0, PSDT 7:6 */
	__u16 cid;
	__u32 nsid;
	__u64 reserved_8;
	__u64 metadata;
	__u64 prp1;
	__u64 prp2;
	__u32 cdw10;
	__u32 cdw11;
	__u32 cdw12;
	__u32 cdw13;
	__u32 cdw14;
	__u32 cdw15;
};
static_assert(sizeof(struct nvme_sqe) == 64, "4.2");

#define NVME_SQE_FUSE 0x03u
#define NVME_SQE_PSDT 0xc0u

/* 4.6: a completion queue entry. */
struct nvme_cqe {
	__u32 result;
	__u32 reserved_4;
	__u16 sq_head;
	__u16 sq_id;
	__u16 cid;
	__u16 status; /* phase 0, status code 8:1, type 11:9, more 14, DNR 15 */
};
static_assert(sizeof(struct nvme_cqe) == 16, "4.6");

/* 4.6.1: status code type 10:8 and code 7:0, "do not retry" 14. */
enum nvme_status {
	NVME_SUCCESS = 0x000,
	NVME_INVALID_OPCODE = 0x001,
	NVME_INVALID_FIELD = 0x002,
	NVME_DATA_TRANSFER_ERROR = 0x004,
	NVME_INTERNAL_ERROR = 0x006,
	NVME_ABORT_REQUESTED = 0x007,
	NVME_INVALID_NAMESPACE = 0x00b,
	NVME_COMMAND_SEQUENCE_ERROR = 0x00c,
	NVME_INVALID_PRP_OFFSET = 0x013,
	NVME_NAMESPACE_WRITE_PROTECTED = 0x020,
	NVME_LBA_OUT_OF_RANGE = 0x080,
	NVME_CAPACITY_EXCEEDED = 0x081,
	NVME_INVALID_CQ = 0x100,
	NVME_INVALID_QUEUE_ID = 0x101,
	NVME_INVALID_QUEUE_SIZE = 0x102,
	NVME_AER_LIMIT_EXCEEDED = 0x105,
	NVME_INVALID_VECTOR = 0x108,
	NVME_INVALID_LOG_PAGE = 0x109,
	NVME_INVALID_QUEUE_DELETION = 0x10c,
	NVME_FEATURE_NOT_SAVEABLE = 0x10d,
	NVME_FEATURE_NOT_CHANGEABLE = 0x10e,
	NVME_READ_ONLY_RANGE = 0x182,
	NVME_WRITE_FAULT = 0x280,
	NVME_UNRECOVERED_READ_ERROR = 0x281,
	NVME_STATUS_DNR = 0x4000,

	/* Ours: the command completes later; no such code exists. */
	NVME_PENDING = 0xffff,
};

/* 5: admin commands. */
enum nvme_admin_opcode {
	NVME_ADMIN_DELETE_SQ = 0x00,
	NVME_ADMIN_CREATE_SQ = 0x01,
	NVME_ADMIN_GET_LOG_PAGE = 0x02,
	NVME_ADMIN_DELETE_CQ = 0x04,
	NVME_ADMIN_CREATE_CQ = 0x05,
	NVME_ADMIN_IDENTIFY = 0x06,
	NVME_ADMIN_ABORT = 0x08,
	NVME_ADMIN_SET_FEATURES = 0x09,
	NVME_ADMIN_GET_FEATURES = 0x0a,
	NVME_ADMIN_ASYNC_EVENT = 0x0c,
	NVME_ADMIN_DOORBELL_BUFFER = 0x7c,
	NVME_ADMIN_N_OPCODES = 0x80,
};

/* 6: NVM commands. */
enum nvme_io_opcode {
	NVME_IO_FLUSH = 0x00,
	NVME_IO_WRITE = 0x01,
	NVME_IO_READ = 0x02,
	NVME_IO_WRITE_ZEROES = 0x08,
	NVME_IO_DATASET_MANAGEMENT = 0x09,
	NVME_IO_N_OPCODES = 0x0a,
};

#define NVME_CDW12_FUA (1u << 30)
#define NVME_CDW12_PRINFO (15u << 26)
#define NVME_DSM_DEALLOCATE (1u << 2)

/* 6.7, figure 403: a range of Dataset Management. */
struct nvme_dsm_range {
	__u32 attributes;
	__u32 n_blocks;
	__u64 slba;
};

/* 5.21.1: features. */
enum nvme_feature {
	NVME_FEAT_ARBITRATION = 0x01,
	NVME_FEAT_POWER = 0x02,
	NVME_FEAT_TEMPERATURE = 0x04,
	NVME_FEAT_ERROR_RECOVERY = 0x05,
	NVME_FEAT_WRITE_CACHE = 0x06,
	NVME_FEAT_N_QUEUES = 0x07,
	NVME_FEAT_COALESCING = 0x08,
	NVME_FEAT_VECTOR = 0x09,
	NVME_FEAT_ATOMICITY = 0x0a,
	NVME_FEAT_EVENTS = 0x0b,
	NVME_FEAT_LAST = 0x0b,
};

/* 5.14.1: log pages. */
enum nvme_log {
	NVME_LOG_ERROR = 0x01,
	NVME_LOG_SMART = 0x02,
	NVME_LOG_FIRMWARE = 0x03,
};

/* 5.14.1.1: an entry of the error log. */
struct nvme_error_entry {
	__u64 count;
	__u16 sq_id;
	__u16 cid;
	__u16 status;
	__u16 parameter;
	__u64 lba;
	__u32 nsid;
	__u8 vendor;
	__u8 transport;
	__u8 reserved_30[34];
};
static_assert(sizeof(struct nvme_error_entry) == 64, "5.14.1.1");

/* 5.2, figure 146: asynchronous events. */
enum nvme_event_type {
	NVME_EVENT_ERROR = 0,
	NVME_EVENT_SMART = 1,
	NVME_EVENT_N_TYPES,
};

enum nvme_event_info {
	NVME_EVENT_INVALID_DOORBELL = 0, /* of NVME_EVENT_ERROR */
	NVME_EVENT_INVALID_VALUE = 1,
	NVME_EVENT_INTERNAL_ERROR = 3,
	NVME_EVENT_TEMPERATURE = 1, /* of NVME_EVENT_SMART */
};

#define NVME_N_DOORBELL_SLOTS 1024u
#define NVME_BLOCK_LG2 9
#define NVME_BLOCK_LEN (1u << NVME_BLOCK_LG2)
#define NVME_NSID 1u
#define NVME_NSID_ALL 0xffffffffu

#endif /* DEVICES_NVME_SPEC_H */
