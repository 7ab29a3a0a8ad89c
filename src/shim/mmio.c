/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MMIO by SIGSEGV: find the page, decode the instruction, perform it, step
 * over.
 *
 * Performed are mov, movzx, movsx, movsxd and movnti, and test, cmp, and, or,
 * xor and bt with a memory operand, of 1 to 8 bytes: what C compilers make of
 * volatile accesses and of bit fields. Flags are set as the processor sets
 * them (Intel SDM volume 2, each instruction; AF of the logical ones, which is
 * undefined there, is left as it was).
 *
 * All runs in the signal handler, on the thread that made the access. Zydis
 * neither allocates nor locks.
 */
#include <string.h>
#include <ucontext.h>
#include <Zydis/Zydis.h>
#include "base/log.h"
#include "base/trap.h"
#include "base/uaccess.h"
#include "shim/mmio.h"

#define INSTRUCTION_MAX 15u

/* EFLAGS, SDM volume 1, 3.4.3. */
enum {
	FLAG_CF = 1 << 0,
	FLAG_PF = 1 << 2,
	FLAG_AF = 1 << 4,
	FLAG_ZF = 1 << 6,
	FLAG_SF = 1 << 7,
	FLAG_OF = 1 << 11,
};

/**
 * struct access - one instruction on a trapped page
 * @range: the page's range, in use
 * @offset: of the access in the range
 * @gregs: registers of the thread
 * @insn: decoded
 * @ops: its operands
 * @mem: which operand is the memory
 * @width: bytes of the memory operand
 */
struct access {
	struct trap_range *range;
	__u64 offset;
	greg_t *gregs;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	unsigned int mem;
	unsigned int width;
};

static ZydisDecoder decoder;

void mmio_init(void)
{
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
}

static __u64 width_mask(unsigned int width)
{
	return width == 8 ? UINT64_MAX : (1ULL << (8 * width)) - 1;
}

static __u64 sign_extend(__u64 value, unsigned int width)
{
	unsigned int shift = 64 - 8 * width;

	return (__u64)((__s64)(value << shift) >> shift);
}

/* The general registers in the order of their encoding. */
static greg_t *register_of(struct access *access, ZydisRegister reg)
{
	static const signed char index[] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
		REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
		REG_R12, REG_R13, REG_R14, REG_R15,
	};
	ZydisRegister full = ZydisRegisterGetLargestEnclosing(
		ZYDIS_MACHINE_MODE_LONG_64, reg);
	ZyanI8 id = ZydisRegisterGetId(full);

	if (ZydisRegisterGetClass(full) != ZYDIS_REGCLASS_GPR64 || id < 0 ||
	    (size_t)id >= array_len(index))
		return NULL;
	return &access->gregs[index[id]];
}

static bool is_high_byte(ZydisRegister reg)
{
	return reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
}

static void register_write(struct access *access, const ZydisDecodedOperand *op,
			   __u64 value)
{
	greg_t *reg = register_of(access, op->reg.value);
	unsigned int width = op->size / 8u;
	__u64 mask = width_mask(width);

	if (is_high_byte(op->reg.value)) {
		mask <<= 8;
		value <<= 8;
	}
	if (width == 4)
		*reg = (greg_t)(value & mask); /* clears the upper half */
	else
		*reg = (greg_t)(((__u64)*reg & ~mask) | (value & mask));
}

/* A register or an immediate, sign-extended as the instruction has it. */
static __u64 operand_value(struct access *access, const ZydisDecodedOperand *op)
{
	__u64 value;

	if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		return op->imm.is_signed ? (__u64)op->imm.value.s
					 : op->imm.value.u;
	value = (__u64)*register_of(access, op->reg.value);
	if (is_high_byte(op->reg.value))
		value >>= 8;
	return value & width_mask(op->size / 8u);
}

static bool is_natural(const struct access *access)
{
	return !((access->range->offset + access->offset) &
		 (access->width - 1));
}

static __u64 device_load(struct access *access)
{
	const struct trap_ops *ops = access->range->ops;
	__u64 value = 0;
	unsigned int i;

	if (is_natural(access))
		return ops->load(access->range, access->offset, access->width) &
		       width_mask(access->width);
	for (i = 0; i < access->width; i++)
		value |=
			(ops->load(access->range, access->offset + i, 1) & 0xff)
			<< (8 * i);
	return value;
}

static void device_store(struct access *access, __u64 value)
{
	const struct trap_ops *ops = access->range->ops;
	unsigned int i;

	value &= width_mask(access->width);
	if (is_natural(access)) {
		ops->store(access->range, access->offset, access->width, value);
		return;
	}
	for (i = 0; i < access->width; i++)
		ops->store(access->range, access->offset + i, 1,
			   (value >> (8 * i)) & 0xff);
}

static void set_flags(struct access *access, __u64 clear, __u64 set)
{
	greg_t *flags = &access->gregs[REG_EFL];

	*flags = (greg_t)(((__u64)*flags & ~clear) | set);
}

/* ZF, SF and PF of a result. */
static __u64 result_flags(__u64 result, unsigned int width)
{
	__u64 flags = 0;

	result &= width_mask(width);
	if (!result)
		flags |= FLAG_ZF;
	if (result >> (8 * width - 1))
		flags |= FLAG_SF;
	if (!__builtin_parity((unsigned int)(result & 0xff)))
		flags |= FLAG_PF;
	return flags;
}

static void flags_logical(struct access *access, __u64 result)
{
	set_flags(access, FLAG_CF | FLAG_OF | FLAG_ZF | FLAG_SF | FLAG_PF,
		  result_flags(result, access->width));
}

static void flags_compare(struct access *access, __u64 left, __u64 right)
{
	unsigned int sign = 8 * access->width - 1;
	__u64 mask = width_mask(access->width);
	__u64 result;
	__u64 flags;

	left &= mask;
	right &= mask;
	result = (left - right) & mask;
	flags = result_flags(result, access->width);
	if (left < right)
		flags |= FLAG_CF;
	if (((left ^ right) & (left ^ result)) >> sign & 1)
		flags |= FLAG_OF;
	if ((left & 0xf) < (right & 0xf))
		flags |= FLAG_AF;
	set_flags(access,
		  FLAG_CF | FLAG_OF | FLAG_ZF | FLAG_SF | FLAG_PF | FLAG_AF,
		  flags);
}

static void perform_move(struct access *access)
{
	const ZydisDecodedOperand *dst = &access->ops[0];
	__u64 value;

	if (access->mem == 0) {
		device_store(access, operand_value(access, &access->ops[1]));
		return;
	}
	value = device_load(access);
	if (access->insn.mnemonic == ZYDIS_MNEMONIC_MOVSX ||
	    access->insn.mnemonic == ZYDIS_MNEMONIC_MOVSXD)
		value = sign_extend(value, access->width);
	register_write(access, dst, value);
}

static __u64 logical_result(ZydisMnemonic mnemonic, __u64 left, __u64 right)
{
	if (mnemonic == ZYDIS_MNEMONIC_OR)
		return left | right;
	if (mnemonic == ZYDIS_MNEMONIC_XOR)
		return left ^ right;
	return left & right;
}

/* and, or, xor, test: the other operand is a register or an immediate. */
static void perform_logical(struct access *access)
{
	ZydisMnemonic mnemonic = access->insn.mnemonic;
	const ZydisDecodedOperand *other = &access->ops[!access->mem];
	__u64 result = logical_result(mnemonic, device_load(access),
				      operand_value(access, other));

	if (mnemonic == ZYDIS_MNEMONIC_TEST)
		; /* flags only */
	else if (access->mem == 0)
		device_store(access, result);
	else
		register_write(access, &access->ops[0], result);
	flags_logical(access, result);
}

static void perform_compare(struct access *access)
{
	__u64 value = device_load(access);
	__u64 other = operand_value(access, &access->ops[!access->mem]);

	if (access->mem == 0)
		flags_compare(access, value, other);
	else
		flags_compare(access, other, value);
}

/* The faulting address is already that of the word which holds the bit. */
static void perform_bit_test(struct access *access)
{
	__u64 bit = operand_value(access, &access->ops[1]) &
		    (8 * access->width - 1);

	set_flags(access, FLAG_CF,
		  (device_load(access) >> bit) & 1 ? FLAG_CF : 0);
}

/* Return: what performs the instruction, or NULL. */
static void (*find_performer(const struct access *access))(struct access *)
{
	switch (access->insn.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_MOVZX:
	case ZYDIS_MNEMONIC_MOVSX:
	case ZYDIS_MNEMONIC_MOVSXD:
	case ZYDIS_MNEMONIC_MOVNTI:
		return perform_move;
	case ZYDIS_MNEMONIC_TEST:
	case ZYDIS_MNEMONIC_AND:
	case ZYDIS_MNEMONIC_OR:
	case ZYDIS_MNEMONIC_XOR:
		return perform_logical;
	case ZYDIS_MNEMONIC_CMP:
		return perform_compare;
	case ZYDIS_MNEMONIC_BT:
		return perform_bit_test;
	default:
		return NULL;
	}
}

/* The other operand is a general register or an immediate. */
static bool other_operand_ok(struct access *access)
{
	const ZydisDecodedOperand *other = &access->ops[!access->mem];

	if (access->insn.operand_count_visible != 2)
		return false;
	if (other->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		return true;
	return other->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       register_of(access, other->reg.value);
}

/* Where the memory operand begins, as far as registers alone tell. */
static __u64 operand_address(struct access *access)
{
	const ZydisDecodedOperandMem *mem = &access->ops[access->mem].mem;
	__u64 address = (__u64)mem->disp.value;

	if (mem->base == ZYDIS_REGISTER_RIP)
		address += (__u64)access->gregs[REG_RIP] + access->insn.length;
	else if (mem->base != ZYDIS_REGISTER_NONE)
		address += (__u64)*register_of(access, mem->base);
	if (mem->index != ZYDIS_REGISTER_NONE)
		address += (__u64)*register_of(access, mem->index) * mem->scale;
	return address;
}

/*
 * The fault is told by its first byte in the range; the access may have begun
 * before it, in memory of another kind. Never with a base in FS or GS.
 */
static bool access_begins_before(struct access *access)
{
	ZydisRegister segment = access->ops[access->mem].mem.segment;
	__u64 start;

	if (access->offset || segment == ZYDIS_REGISTER_FS ||
	    segment == ZYDIS_REGISTER_GS)
		return false;
	start = operand_address(access);
	return start < access->range->start &&
	       start + access->width > access->range->start;
}

/* Find the memory operand and check that its access fits the range. */
static bool access_prepare(struct access *access)
{
	for (access->mem = 0; access->mem < 2; access->mem++)
		if (access->ops[access->mem].type == ZYDIS_OPERAND_TYPE_MEMORY)
			break;
	if (access->mem == 2 || !other_operand_ok(access))
		return false;
	access->width = access->ops[access->mem].size / 8u;
	if (access->width != 1 && access->width != 2 && access->width != 4 &&
	    access->width != 8)
		return false;
	return access->offset + access->width <= access->range->len &&
	       !access_begins_before(access);
}

static void report_instruction(const struct access *access, bool is_decoded)
{
	char text[96] = "an instruction that cannot be decoded";
	ZydisFormatter formatter;

	if (is_decoded && ZYAN_SUCCESS(ZydisFormatterInit(
				  &formatter, ZYDIS_FORMATTER_STYLE_INTEL)))
		ZydisFormatterFormatInstruction(
			&formatter, &access->insn, access->ops,
			access->insn.operand_count_visible, text, sizeof(text),
			(ZyanU64)access->gregs[REG_RIP], NULL);
	log_line("'%s' at 0x%llx on %s at offset 0x%llx cannot be performed; "
		 "device registers take mov, movzx, movsx, movnti, test, cmp, "
		 "and, or, xor and bt of 1 to 8 bytes",
		 text, (unsigned long long)access->gregs[REG_RIP],
		 access->range->name,
		 (unsigned long long)(access->range->offset + access->offset));
}

static bool access_perform(struct access *access)
{
	void (*perform)(struct access * access);
	unsigned char code[INSTRUCTION_MAX];
	const void *rip = (const void *)access->gregs[REG_RIP];
	size_t n_code = sizeof(code);
	bool is_decoded;

	memset(code, 0, sizeof(code));
	/* The instruction may end just before memory that is not there. */
	n_code -= copy_may_fault(code, rip, sizeof(code));
	is_decoded = ZYAN_SUCCESS(ZydisDecoderDecodeFull(
		&decoder, code, n_code, &access->insn, access->ops));
	perform = is_decoded ? find_performer(access) : NULL;
	if (!perform || !access_prepare(access)) {
		report_instruction(access, is_decoded);
		return false;
	}
	perform(access);
	access->gregs[REG_RIP] += access->insn.length;
	return true;
}

bool mmio_fault(const siginfo_t *info, void *ucontext)
{
	greg_t *gregs = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
	uintptr_t address = (uintptr_t)info->si_addr;
	struct access access;
	bool is_store = gregs[REG_ERR] & 2;
	bool is_done;

	if (info->si_code <= 0 || info->si_code == SI_KERNEL)
		return false; /* sent by somebody, or no address */
	access.range = trap_begin(address);
	if (!access.range)
		return false;
	access.offset = address - access.range->start;
	access.gregs = gregs;
	if (access.range->ops->permits &&
	    !access.range->ops->permits(access.range, is_store))
		is_done = false;
	else if (access.range->ops->open &&
		 access.range->ops->open(access.range, access.offset, is_store))
		is_done = true;
	else
		is_done = access_perform(&access);
	trap_end();
	return is_done;
}
