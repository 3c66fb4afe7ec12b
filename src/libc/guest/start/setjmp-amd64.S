/* setjmp(3): rbx, rbp, r12-r15, rsp, rip; rbp, rsp and rip mangled with the thread's pointer guard (%fs:0x30). */
        .text
.macro mangle reg
        xorq    %fs:0x30, \reg
        rolq    $17, \reg
.endm
.macro demangle reg
        rorq    $17, \reg
        xorq    %fs:0x30, \reg
.endm
.macro function name
        .globl  \name
        .type   \name, @function
        .p2align 4
\name:
.endm
        function setjmp
        movl    $1, %esi
        jmp     save
        .size   setjmp, . - setjmp
        function _setjmp
        xorl    %esi, %esi
        jmp     save
        .size   _setjmp, . - _setjmp
        function __sigsetjmp
save:
        movq    %rbx, (%rdi)
        movq    %rbp, %rax
        mangle  %rax
        movq    %rax, 8(%rdi)
        movq    %r12, 16(%rdi)
        movq    %r13, 24(%rdi)
        movq    %r14, 32(%rdi)
        movq    %r15, 40(%rdi)
        leaq    8(%rsp), %rax
        mangle  %rax
        movq    %rax, 48(%rdi)
        movq    (%rsp), %rax
        mangle  %rax
        movq    %rax, 56(%rdi)
        jmp     libc_save_mask
        .size   __sigsetjmp, . - __sigsetjmp

        .hidden libc_restore_regs
        function libc_restore_regs
        movl    %esi, %eax
        movq    (%rdi), %rbx
        movq    8(%rdi), %rbp
        demangle %rbp
        movq    16(%rdi), %r12
        movq    24(%rdi), %r13
        movq    32(%rdi), %r14
        movq    40(%rdi), %r15
        movq    48(%rdi), %rdx
        demangle %rdx
        movq    56(%rdi), %rcx
        demangle %rcx
        movq    %rdx, %rsp
        jmp     *%rcx
        .size   libc_restore_regs, . - libc_restore_regs

        .hidden libc_saved_sp
        function libc_saved_sp
        movq    48(%rdi), %rax
        demangle %rax
        ret
        .size   libc_saved_sp, . - libc_saved_sp

        .hidden __restore_rt
        function __restore_rt
        movq    $15, %rax
        syscall
        .size   __restore_rt, . - __restore_rt

/* vfork(2): the child must not return on the parent's frame, so the return address waits in a register. */
        function vfork
        popq    %rdi
        movl    $58, %eax
        syscall
        pushq   %rdi
        cmpl    $-4095, %eax
        jae     1f
        ret
1:      movslq  %eax, %rdi
        jmp     libc_syscall_error
        .size   vfork, . - vfork
        .globl  __vfork
        .set    __vfork, vfork

/* syscall(2) */
        function syscall
        movq    %rdi, %rax
        movq    %rsi, %rdi
        movq    %rdx, %rsi
        movq    %rcx, %rdx
        movq    %r8, %r10
        movq    %r9, %r8
        movq    8(%rsp), %r9
        syscall
        cmpq    $-4095, %rax
        jae     1f
        ret
1:      movq    %rax, %rdi
        jmp     libc_syscall_error
        .size   syscall, . - syscall

/* clone(2): int clone(int (*fn)(void *), void *stack, int flags, void *arg, pid_t *ptid, void *tls, pid_t *ctid) */
        function clone
        testq   %rdi, %rdi
        jz      2f
        testq   %rsi, %rsi
        jz      2f
        subq    $16, %rsi
        movq    %rcx, 8(%rsi)
        movq    %rdi, (%rsi)
        movq    %rdx, %rdi
        movq    %r8, %rdx
        movq    %r9, %r8
        movq    8(%rsp), %r10
        movl    $56, %eax
        syscall
        testq   %rax, %rax
        jl      3f
        jz      1f
        ret
1:      xorl    %ebp, %ebp
        popq    %rax
        popq    %rdi
        call    *%rax
        movl    %eax, %edi
        call    _exit
2:      movq    $-22, %rax
3:      movq    %rax, %rdi
        jmp     libc_syscall_error
        .size   clone, . - clone
        .globl  __clone
        .set    __clone, clone
        .section .note.GNU-stack, "", @progbits
