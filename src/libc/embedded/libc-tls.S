/* Words that hold the offsets of libc's thread-local variables from the thread pointer, once libc is relocated: thread_arena,
   tcache, tcache_shutting_down, errno. On amd64 they are GOT entries, and link.mjs reads from these instructions (never
   executed) where those are; on i386 they lie at the symbol itself. */
	.globl	__folio_tls_offsets
	.hidden	__folio_tls_offsets
#ifdef __x86_64__
	.text
	.type	__folio_tls_offsets, @function
__folio_tls_offsets:
	movq	thread_arena@GOTTPOFF(%rip), %rax
	movq	tcache@GOTTPOFF(%rip), %rax
	movq	tcache_shutting_down@GOTTPOFF(%rip), %rax
	movq	__libc_errno@GOTTPOFF(%rip), %rax
	.size	__folio_tls_offsets, . - __folio_tls_offsets
#else
	.section .data.rel.ro, "aw", @progbits
	.type	__folio_tls_offsets, @object
	.balign	4
__folio_tls_offsets:
	.long	thread_arena@ntpoff, tcache@ntpoff, tcache_shutting_down@ntpoff, __libc_errno@ntpoff
	.size	__folio_tls_offsets, 16
#endif
	.section .note.GNU-stack, "", @progbits
