/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands on I/O queues, NVMe 1.4 section 6: checked here, carried out by
 * the namespace.
 */
#include "devices/nvme/io.h"
#include "devices/nvme/prp.h"

typedef __u16 (*io_handler)(struct nvme *nvme, struct nvme_sq *sq,
			    const struct nvme_sqe *sqe);

static __u64 sqe_slba(const struct nvme_sqe *sqe)
{
	return (__u64)sqe->cdw11 << 32 | sqe->cdw10;
}

/* Are these blocks in the namespace? Neither side of the test wraps. */
static bool io_range_is_bad(const struct nvme *nvme, __u64 slba, __u64 n_blocks)
{
	__u64 n_total = nvme->ns->len >> NVME_BLOCK_LG2;

	return slba > n_total || n_blocks > n_total - slba;
}

/* The blocks of a command with NLB in cdw12. */
static inline __u16 io_decode(struct nvme *nvme, struct nvme_sq *sq,
			      const struct nvme_sqe *sqe,
			      struct nvme_io_command *command)
{
	__u64 n_blocks = (__u64)(sqe->cdw12 & 0xffff) + 1;

	if (unlikely(sqe->nsid != NVME_NSID))
		return NVME_INVALID_NAMESPACE;
	/* No metadata, so no protection information to check or insert. */
	if (unlikely(sqe->cdw12 & NVME_CDW12_PRINFO))
		return NVME_INVALID_FIELD;
	if (unlikely(io_range_is_bad(nvme, sqe_slba(sqe), n_blocks)))
		return NVME_LBA_OUT_OF_RANGE;
	command->sq = sq;
	command->sqe = sqe;
	command->offset = sqe_slba(sqe) << NVME_BLOCK_LG2;
	command->len = n_blocks << NVME_BLOCK_LG2;
	return NVME_SUCCESS;
}

static __u16 io_read(struct nvme *nvme, struct nvme_sq *sq,
		     const struct nvme_sqe *sqe)
{
	struct nvme_io_command command;
	__u16 status;

	status = io_decode(nvme, sq, sqe, &command);
	if (unlikely(status))
		return status;
	if (unlikely(command.len > NVME_TRANSFER_MAX))
		return NVME_INVALID_FIELD;
	nvme->counters.n_reads++;
	nvme->counters.blocks_read += command.len >> NVME_BLOCK_LG2;
	return nvme->ns->ops->read(nvme, &command);
}

static __u16 io_write(struct nvme *nvme, struct nvme_sq *sq,
		      const struct nvme_sqe *sqe)
{
	struct nvme_io_command command;
	__u16 status;

	status = io_decode(nvme, sq, sqe, &command);
	if (unlikely(status))
		return status;
	if (unlikely(command.len > NVME_TRANSFER_MAX))
		return NVME_INVALID_FIELD;
	if (unlikely(nvme->ns->is_read_only))
		return NVME_READ_ONLY_RANGE;
	nvme->counters.n_writes++;
	nvme->counters.blocks_written += command.len >> NVME_BLOCK_LG2;
	return nvme->ns->ops->write(nvme, &command);
}

static __u16 io_write_zeroes(struct nvme *nvme, struct nvme_sq *sq,
			     const struct nvme_sqe *sqe)
{
	struct nvme_io_command command;
	__u16 status;

	status = io_decode(nvme, sq, sqe, &command);
	if (status)
		return status;
	if (nvme->ns->is_read_only)
		return NVME_READ_ONLY_RANGE;
	return nvme->ns->ops->zero(nvme, &command);
}

static __u16 io_flush(struct nvme *nvme, struct nvme_sq *sq,
		      const struct nvme_sqe *sqe)
{
	struct nvme_io_command command = { .sq = sq, .sqe = sqe };

	if (unlikely(sqe->nsid != NVME_NSID && sqe->nsid != NVME_NSID_ALL))
		return NVME_INVALID_NAMESPACE;
	return nvme->ns->ops->flush(nvme, &command);
}

static __u16 io_dataset_management(struct nvme *nvme, struct nvme_sq *sq,
				   const struct nvme_sqe *sqe)
{
	struct nvme_dsm_range ranges[256];
	unsigned int n = (sqe->cdw10 & 0xff) + 1;
	unsigned int i;
	__u16 status;

	(void)sq;
	if (sqe->nsid != NVME_NSID)
		return NVME_INVALID_NAMESPACE;
	if (nvme->ns->is_read_only)
		return NVME_READ_ONLY_RANGE;
	status = nvme_prp_read(nvme, sqe, ranges, n * sizeof(ranges[0]));
	if (status)
		return status;
	for (i = 0; i < n; i++)
		if (io_range_is_bad(nvme, ranges[i].slba, ranges[i].n_blocks))
			return NVME_LBA_OUT_OF_RANGE;
	if (!(sqe->cdw11 & NVME_DSM_DEALLOCATE))
		return NVME_SUCCESS;
	vfio_dma_burst_end();
	for (i = 0; i < n; i++)
		if (ranges[i].n_blocks)
			nvme->ns->ops->deallocate(
				nvme, ranges[i].slba << NVME_BLOCK_LG2,
				(__u64)ranges[i].n_blocks << NVME_BLOCK_LG2);
	nvme_burst_begin(nvme);
	return NVME_SUCCESS;
}

static const io_handler io_handlers[NVME_IO_N_OPCODES] = {
	[NVME_IO_FLUSH] = io_flush,
	[NVME_IO_WRITE] = io_write,
	[NVME_IO_READ] = io_read,
	[NVME_IO_WRITE_ZEROES] = io_write_zeroes,
	[NVME_IO_DATASET_MANAGEMENT] = io_dataset_management,
};

__u16 nvme_io_run(struct nvme *nvme, struct nvme_sq *sq,
		  const struct nvme_sqe *sqe)
{
	__u16 status;

	if (unlikely(sqe->opcode >= NVME_IO_N_OPCODES ||
		     !io_handlers[sqe->opcode]))
		return NVME_INVALID_OPCODE;
	/* Neither fused commands nor SGLs are offered by Identify. */
	if (unlikely(sqe->flags & (NVME_SQE_FUSE | NVME_SQE_PSDT)))
		return NVME_INVALID_FIELD;
	status = io_handlers[sqe->opcode](nvme, sq, sqe);
	if (status == NVME_PENDING) {
		sq->n_in_flight++;
		sq->cq->n_reserved++;
	}
	return status;
}
