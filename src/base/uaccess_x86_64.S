/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies between addresses that may be bad, for x86-64.
 *
 *   size_t copy_may_fault(void *dst, const void *src, size_t len)
 *                         rdi        rsi              rdx
 *
 * returns the bytes that were not copied, which are the last ones.
 *
 * One rule makes recovery short. At every instruction that touches memory,
 * all bytes before rdi are copied, and rdx bytes are left, from rsi to rdi.
 * So the recovery is the same for all of them: go on from there byte by byte,
 * until the byte that really cannot be copied faults again; rdx is then the
 * exact result. Bytes that a vector store wrote beyond rdi before the fault
 * are written once more, with the same data, which harms nobody.
 *
 * To hold the rule, the classes for short lengths load everything before they
 * store anything and never move rdi, and the loop moves rdi only after its
 * stores. Lengths that are no multiple are met by a last group that overlaps
 * the one before.
 *
 * The routine for AVX-512 uses registers 16 to 31 only: they do not put the
 * CPU into the state that VZEROUPPER has to end.
 */

/* Longer copies are the microcode's: it need not read lines it overwrites. */
#define REP_MOVSB_MIN 0x100000

/* An instruction that may fault, and its entry in the table. */
.macro may_fault recovery:req, insn:vararg
.Lfault\@:
	\insn
	.pushsection .copy_fault_table, "a", @progbits
	.long	.Lfault\@ - .
	.long	\recovery - .
	.popsection
.endm

	.section .copy_fault_table, "a", @progbits
	.balign	4
	.globl	copy_fault_table_start
	.hidden	copy_fault_table_start
copy_fault_table_start:
	.previous

	.text

/* Lengths of 0 to 15. */
.macro copy_below_16 name:req
	cmpl	$8, %edx
	jae	.L8_\name
	cmpl	$4, %edx
	jae	.L4_\name
	cmpl	$1, %edx
	ja	.L2_\name
	jb	.L0_\name
	may_fault .Lbytes, movzbl (%rsi), %ecx
	may_fault .Lbytes, movb %cl, (%rdi)
.L0_\name:
	xorl	%eax, %eax
	ret
	.balign	16
.L8_\name:
	may_fault .Lbytes, movq (%rsi), %rcx
	may_fault .Lbytes, movq -8(%rsi,%rdx), %r8
	may_fault .Lbytes, movq %rcx, (%rdi)
	may_fault .Lbytes, movq %r8, -8(%rdi,%rdx)
	xorl	%eax, %eax
	ret
	.balign	16
.L4_\name:
	may_fault .Lbytes, movl (%rsi), %ecx
	may_fault .Lbytes, movl -4(%rsi,%rdx), %r8d
	may_fault .Lbytes, movl %ecx, (%rdi)
	may_fault .Lbytes, movl %r8d, -4(%rdi,%rdx)
	xorl	%eax, %eax
	ret
	.balign	16
.L2_\name:
	may_fault .Lbytes, movzwl (%rsi), %ecx
	may_fault .Lbytes, movzwl -2(%rsi,%rdx), %r8d
	may_fault .Lbytes, movw %cx, (%rdi)
	may_fault .Lbytes, movw %r8w, -2(%rdi,%rdx)
	xorl	%eax, %eax
	ret
.endm

/* Two overlapping moves of @width bytes; no upper halves to clean. */
.macro copy_pair mov:req, width:req, v0:req, v1:req
	may_fault .Lbytes, \mov (%rsi), \v0
	may_fault .Lbytes, \mov -\width(%rsi,%rdx), \v1
	may_fault .Lbytes, \mov \v0, (%rdi)
	may_fault .Lbytes, \mov \v1, -\width(%rdi,%rdx)
	xorl	%eax, %eax
	ret
.endm

/*
 * copy_vectors - a routine but for the lengths below one vector
 * @v: bytes of a vector
 * @mova: aligned move
 * @end: what stands before every return
 * @r0 to @r7: vector registers
 */
.macro copy_vectors name:req, v:req, recovery:req, mov:req, mova:req, end:req, \
	r0:req, r1:req, r2:req, r3:req, \
	r4:req, r5:req, r6:req, r7:req
	may_fault \recovery, \mov (%rsi), \r0
	cmpq	$(2 * \v), %rdx
	ja	.Lmore2_\name
	may_fault \recovery, \mov -\v(%rsi,%rdx), \r1
	may_fault \recovery, \mov \r0, (%rdi)
	may_fault \recovery, \mov \r1, -\v(%rdi,%rdx)
	\end
	xorl	%eax, %eax
	ret

	.balign	16
.Lmore2_\name:
	cmpq	$(4 * \v), %rdx
	ja	.Lmore4_\name
	may_fault \recovery, \mov \v(%rsi), \r1
	may_fault \recovery, \mov -2*\v(%rsi,%rdx), \r2
	may_fault \recovery, \mov -\v(%rsi,%rdx), \r3
	may_fault \recovery, \mov \r0, (%rdi)
	may_fault \recovery, \mov \r1, \v(%rdi)
	may_fault \recovery, \mov \r2, -2*\v(%rdi,%rdx)
	may_fault \recovery, \mov \r3, -\v(%rdi,%rdx)
	\end
	xorl	%eax, %eax
	ret

	.balign	16
.Lmore4_\name:
	cmpq	$(8 * \v), %rdx
	ja	.Lmore8_\name
	may_fault \recovery, \mov \v(%rsi), \r1
	may_fault \recovery, \mov 2*\v(%rsi), \r2
	may_fault \recovery, \mov 3*\v(%rsi), \r3
	may_fault \recovery, \mov -4*\v(%rsi,%rdx), \r4
	may_fault \recovery, \mov -3*\v(%rsi,%rdx), \r5
	may_fault \recovery, \mov -2*\v(%rsi,%rdx), \r6
	may_fault \recovery, \mov -\v(%rsi,%rdx), \r7
	may_fault \recovery, \mov \r0, (%rdi)
	may_fault \recovery, \mov \r1, \v(%rdi)
	may_fault \recovery, \mov \r2, 2*\v(%rdi)
	may_fault \recovery, \mov \r3, 3*\v(%rdi)
	may_fault \recovery, \mov \r4, -4*\v(%rdi,%rdx)
	may_fault \recovery, \mov \r5, -3*\v(%rdi,%rdx)
	may_fault \recovery, \mov \r6, -2*\v(%rdi,%rdx)
	may_fault \recovery, \mov \r7, -\v(%rdi,%rdx)
	\end
	xorl	%eax, %eax
	ret

	/* r0 holds the first vector; then rdi is aligned, and stays so. */
	.balign	16
.Lmore8_\name:
	cmpq	$REP_MOVSB_MIN, %rdx
	jae	.Lrep_\name
	may_fault \recovery, \mov \r0, (%rdi)
	movq	%rdi, %rcx
	orq	$(\v - 1), %rdi
	incq	%rdi
	subq	%rdi, %rcx
	subq	%rcx, %rsi
	addq	%rcx, %rdx

	.balign	32
.Lloop_\name:
	may_fault \recovery, \mov (%rsi), \r0
	may_fault \recovery, \mov \v(%rsi), \r1
	may_fault \recovery, \mov 2*\v(%rsi), \r2
	may_fault \recovery, \mov 3*\v(%rsi), \r3
	may_fault \recovery, \mova \r0, (%rdi)
	may_fault \recovery, \mova \r1, \v(%rdi)
	may_fault \recovery, \mova \r2, 2*\v(%rdi)
	may_fault \recovery, \mova \r3, 3*\v(%rdi)
	addq	$(4 * \v), %rsi
	addq	$(4 * \v), %rdi
	subq	$(4 * \v), %rdx
	cmpq	$(4 * \v), %rdx
	ja	.Lloop_\name

	/* 1 to 4 vectors are left: the last four, some of them again. */
	may_fault \recovery, \mov -4*\v(%rsi,%rdx), \r0
	may_fault \recovery, \mov -3*\v(%rsi,%rdx), \r1
	may_fault \recovery, \mov -2*\v(%rsi,%rdx), \r2
	may_fault \recovery, \mov -\v(%rsi,%rdx), \r3
	may_fault \recovery, \mov \r0, -4*\v(%rdi,%rdx)
	may_fault \recovery, \mov \r1, -3*\v(%rdi,%rdx)
	may_fault \recovery, \mov \r2, -2*\v(%rdi,%rdx)
	may_fault \recovery, \mov \r3, -\v(%rdi,%rdx)
	\end
	xorl	%eax, %eax
	ret

	/* The CPU keeps rdi, rsi and rcx exact across a fault. */
	.balign	16
.Lrep_\name:
	\end
	movq	%rdx, %rcx
	may_fault .Lrep_bytes, rep movsb
	xorl	%eax, %eax
	ret
.endm

.macro function name:req
	.globl	\name
	.hidden	\name
	.type	\name, @function
	.p2align 6
\name:
	.cfi_startproc
.endm

.macro end_function name:req
	.cfi_endproc
	.size	\name, . - \name
.endm

.macro nothing
.endm

/* Where all recoveries end up; not called. */
function copy_recover
.Lzeroupper_bytes:
	vzeroupper
	jmp	.Lbytes
.Lrep_bytes:
	movq	%rcx, %rdx
.Lbytes:
	testq	%rdx, %rdx
	jz	.Lbytes_end
	may_fault .Lbytes_end, movzbl (%rsi), %ecx
	may_fault .Lbytes_end, movb %cl, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rdx
	jmp	.Lbytes
.Lbytes_end:
	movq	%rdx, %rax
	ret
end_function copy_recover

function copy_may_fault
	jmp	*copy_best(%rip)
end_function copy_may_fault

function copy_may_fault_sse2
	cmpq	$16, %rdx
	jb	.Lbelow_16_sse2
	copy_vectors sse2, 16, .Lbytes, movups, movaps, nothing, \
		%xmm0, %xmm1, %xmm2, %xmm3, %xmm4, %xmm5, %xmm6, %xmm7
.Lbelow_16_sse2:
	copy_below_16 sse2
end_function copy_may_fault_sse2

function copy_may_fault_avx2
	cmpq	$32, %rdx
	jb	.Lbelow_32_avx2
	copy_vectors avx2, 32, .Lzeroupper_bytes, vmovdqu, vmovdqa, \
		vzeroupper, %ymm0, %ymm1, %ymm2, %ymm3, %ymm4, \
		%ymm5, %ymm6, %ymm7
	.balign	16
.Lbelow_32_avx2:
	cmpl	$16, %edx
	jb	.Lbelow_16_avx2
	copy_pair vmovdqu, 16, %xmm0, %xmm1
.Lbelow_16_avx2:
	copy_below_16 avx2
end_function copy_may_fault_avx2

function copy_may_fault_avx512
	cmpq	$64, %rdx
	jb	.Lbelow_64_avx512
	copy_vectors avx512, 64, .Lbytes, vmovdqu64, vmovdqa64, nothing, \
		%zmm16, %zmm17, %zmm18, %zmm19, %zmm20, %zmm21, %zmm22, %zmm23
	.balign	16
.Lbelow_64_avx512:
	cmpl	$32, %edx
	jb	.Lbelow_32_avx512
	copy_pair vmovdqu64, 32, %ymm16, %ymm17
	.balign	16
.Lbelow_32_avx512:
	cmpl	$16, %edx
	jb	.Lbelow_16_avx512
	copy_pair vmovdqu64, 16, %xmm16, %xmm17
	.balign	16
.Lbelow_16_avx512:
	copy_below_16 avx512
end_function copy_may_fault_avx512

	.section .copy_fault_table, "a", @progbits
	.globl	copy_fault_table_end
	.hidden	copy_fault_table_end
copy_fault_table_end:

	.section .note.GNU-stack, "", @progbits
