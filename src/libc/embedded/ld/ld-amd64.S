/* The code of the embedded ld.so for amd64. The work is done by traps (src/dynlink): what stands here is where the kernel
   enters, the instructions that make ld.so's system calls and calls, and the data that the linker keeps in its own image. */

	.section .note.GNU-stack, "", @progbits
	.text

	.macro trap name
	.globl	__folio_trap_\name
	.hidden	__folio_trap_\name
	.type	__folio_trap_\name, @function
__folio_trap_\name:
	ud2
	.size	__folio_trap_\name, . - __folio_trap_\name
	.endm

	/* a C function that is a trap as a whole */
	.macro function name, trap
	.balign	16
	.globl	\name
	.type	\name, @function
\name:
	trap	\trap
	ret
	.size	\name, . - \name
	.endm

	.globl	_start
	.type	_start, @function
_start:
	trap	ld_start
	.globl	__folio_ld_call
	.hidden	__folio_ld_call
__folio_ld_call:
	call	*%rax
	jmp	__folio_trap_ld_next
	.globl	__folio_ld_syscall
	.hidden	__folio_ld_syscall
__folio_ld_syscall:
	syscall
	trap	ld_next

	/* %rsp and %r12: list of constructors; %r13: the program's entry point; %r14: the initial stack pointer */
	.globl	__folio_ld_init
	.hidden	__folio_ld_init
__folio_ld_init:
1:	movq	(%r12), %rax
	testq	%rax, %rax
	je	2f
	addq	$8, %r12
	movl	(%r14), %edi
	leaq	8(%r14), %rsi
	leaq	16(%r14, %rdi, 8), %rdx
	call	*%rax
	jmp	1b
2:	movq	%r14, %rsp
	xorl	%ebp, %ebp
	leaq	_dl_fini(%rip), %rdx
	jmp	*%r13
	.size	_start, . - _start

	/* handed to the program in %rdx, which gives it to atexit */
	.balign	16
	.globl	_dl_fini
	.hidden	_dl_fini
	.type	_dl_fini, @function
_dl_fini:
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_offset rbp, -16
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_offset rbx, -24
	movq	%rsp, %rbp
	.cfi_def_cfa_register rbp
	trap	ld_fini
1:	movq	(%rbx), %rax
	testq	%rax, %rax
	je	2f
	addq	$8, %rbx
	call	*%rax
	jmp	1b
2:	movq	%rbp, %rsp
	popq	%rbx
	popq	%rbp
	.cfi_def_cfa rsp, 8
	ret
	.cfi_endproc
	.size	_dl_fini, . - _dl_fini

	.balign	16
	.globl	_dl_runtime_resolve
	.hidden	_dl_runtime_resolve
	.type	_dl_runtime_resolve, @function
_dl_runtime_resolve:
	trap	ld_resolve
	.size	_dl_runtime_resolve, . - _dl_runtime_resolve

	function _dl_open, ld_open
	function _dl_close, ld_close
	function _dl_sym, ld_sym
	function _dl_error, ld_error
	function _dl_addr, ld_addr
	function _dl_phdr, ld_phdr
	function __tls_get_addr, ld_tls

	.macro object name, size
	.globl	\name
	.type	\name, @object
	.size	\name, \size
\name:	.zero	\size
	.endm

	.section .data.rel.ro, "aw", @progbits
	.balign	8
	object	__libc_enable_secure, 4
	.balign	8
	object	_dl_argv, 8
	object	__libc_stack_end, 8

	.bss
	.balign	32
	object	_r_debug, 40
	.balign	16
	.hidden	__folio_rtld, __folio_ld_map
	object	__folio_rtld, 128
	object	__folio_ld_map, 136
