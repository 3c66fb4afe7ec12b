/* The code of the embedded ld.so for i386; see ld-amd64.S. */

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
	call	*%eax
	jmp	__folio_trap_ld_next
	.globl	__folio_ld_syscall
	.hidden	__folio_ld_syscall
__folio_ld_syscall:
	int	$0x80
	trap	ld_next

	/* %esp and %esi: list of constructors; %edi: the program's entry point; %ebx: the initial stack pointer */
	.globl	__folio_ld_init
	.hidden	__folio_ld_init
__folio_ld_init:
1:	movl	(%esi), %eax
	testl	%eax, %eax
	je	2f
	addl	$4, %esi
	movl	(%ebx), %ecx
	leal	8(%ebx, %ecx, 4), %edx
	leal	4(%ebx), %ebp
	subl	$4, %esp
	pushl	%edx
	pushl	%ebp
	pushl	%ecx
	call	*%eax
	addl	$16, %esp
	jmp	1b
2:	movl	%ebx, %esp
	xorl	%ebp, %ebp
	call	3f
3:	popl	%edx
	addl	$_dl_fini - 3b, %edx
	jmp	*%edi
	.size	_start, . - _start

	/* handed to the program in %edx, which gives it to atexit */
	.balign	16
	.globl	_dl_fini
	.hidden	_dl_fini
	.type	_dl_fini, @function
_dl_fini:
	.cfi_startproc
	pushl	%ebp
	.cfi_adjust_cfa_offset 4
	.cfi_offset ebp, -8
	pushl	%ebx
	.cfi_adjust_cfa_offset 4
	.cfi_offset ebx, -12
	movl	%esp, %ebp
	.cfi_def_cfa_register ebp
	trap	ld_fini
1:	movl	(%ebx), %eax
	testl	%eax, %eax
	je	2f
	addl	$4, %ebx
	call	*%eax
	jmp	1b
2:	movl	%ebp, %esp
	popl	%ebx
	popl	%ebp
	.cfi_def_cfa esp, 4
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

	/* loads the selector of the thread's segment */
	.balign	16
	.globl	__folio_set_gs
	.hidden	__folio_set_gs
	.type	__folio_set_gs, @function
__folio_set_gs:
	movl	4(%esp), %eax
	movw	%ax, %gs
	ret
	.size	__folio_set_gs, . - __folio_set_gs

	function _dl_open, ld_open
	function _dl_close, ld_close
	function _dl_sym, ld_sym
	function _dl_error, ld_error
	function _dl_addr, ld_addr
	function _dl_phdr, ld_phdr
	function __tls_get_addr, ld_tls

	/* the GNU variant takes its argument in %eax */
	.balign	16
	.globl	___tls_get_addr
	.type	___tls_get_addr, @function
___tls_get_addr:
	.cfi_startproc
	subl	$24, %esp
	.cfi_adjust_cfa_offset 24
	movl	%eax, (%esp)
	call	.Ltls_get_addr
	addl	$24, %esp
	.cfi_adjust_cfa_offset -24
	ret
	.cfi_endproc
	.size	___tls_get_addr, . - ___tls_get_addr
	.set	.Ltls_get_addr, __tls_get_addr

	.macro object name, size
	.globl	\name
	.type	\name, @object
	.size	\name, \size
\name:	.zero	\size
	.endm

	.section .data.rel.ro, "aw", @progbits
	.balign	4
	object	__libc_enable_secure, 4
	object	_dl_argv, 4
	object	__libc_stack_end, 4

	.bss
	.balign	32
	object	_r_debug, 20
	.balign	16
	.hidden	__folio_rtld, __folio_ld_map
	object	__folio_rtld, 64
	object	__folio_ld_map, 68
