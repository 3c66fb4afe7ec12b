/* setjmp(3): ebx, esi, edi, ebp, esp, eip; the last two mangled with the thread's pointer guard (%gs:0x18). */
        .text
.macro function name
        .globl  \name
        .type   \name, @function
        .p2align 4
\name:
.endm
        function setjmp
        movl    4(%esp), %eax
        movl    $1, %edx
        jmp     save
        .size   setjmp, . - setjmp
        function _setjmp
        movl    4(%esp), %eax
        xorl    %edx, %edx
        jmp     save
        .size   _setjmp, . - _setjmp
        function __sigsetjmp
        movl    4(%esp), %eax
        movl    8(%esp), %edx
save:
        movl    %ebx, (%eax)
        movl    %esi, 4(%eax)
        movl    %edi, 8(%eax)
        movl    %ebp, 12(%eax)
        leal    4(%esp), %ecx
        xorl    %gs:0x18, %ecx
        roll    $9, %ecx
        movl    %ecx, 16(%eax)
        movl    (%esp), %ecx
        xorl    %gs:0x18, %ecx
        roll    $9, %ecx
        movl    %ecx, 20(%eax)
        jmp     libc_save_mask
        .size   __sigsetjmp, . - __sigsetjmp

        .hidden libc_restore_regs
        function libc_restore_regs
        movl    4(%esp), %ecx
        movl    8(%esp), %eax
        movl    20(%ecx), %edx
        rorl    $9, %edx
        xorl    %gs:0x18, %edx
        movl    (%ecx), %ebx
        movl    4(%ecx), %esi
        movl    8(%ecx), %edi
        movl    12(%ecx), %ebp
        movl    16(%ecx), %ecx
        rorl    $9, %ecx
        xorl    %gs:0x18, %ecx
        movl    %ecx, %esp
        jmp     *%edx
        .size   libc_restore_regs, . - libc_restore_regs

        .hidden libc_saved_sp
        function libc_saved_sp
        movl    4(%esp), %eax
        movl    16(%eax), %eax
        rorl    $9, %eax
        xorl    %gs:0x18, %eax
        ret
        .size   libc_saved_sp, . - libc_saved_sp

        .hidden __restore_rt
        function __restore_rt
        movl    $173, %eax
        int     $0x80
        .size   __restore_rt, . - __restore_rt
        .hidden __restore
        function __restore
        popl    %eax
        movl    $119, %eax
        int     $0x80
        .size   __restore, . - __restore

/* raw6(number, six arguments): %ebp carries the sixth, so this cannot be written inline. */
        .hidden raw6
        function raw6
        pushl   %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    20(%esp), %eax
        movl    24(%esp), %ebx
        movl    28(%esp), %ecx
        movl    32(%esp), %edx
        movl    36(%esp), %esi
        movl    40(%esp), %edi
        movl    44(%esp), %ebp
        int     $0x80
        popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret
        .size   raw6, . - raw6

/* syscall(2) has raw6's parameters. */
        function syscall
        pushl   %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    20(%esp), %eax
        movl    24(%esp), %ebx
        movl    28(%esp), %ecx
        movl    32(%esp), %edx
        movl    36(%esp), %esi
        movl    40(%esp), %edi
        movl    44(%esp), %ebp
        int     $0x80
        popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        cmpl    $-4095, %eax
        jae     fail
        ret
        .size   syscall, . - syscall
fail:
        pushl   %eax
        call    libc_syscall_error
        addl    $4, %esp
        ret

/* vfork(2): the child must not return on the parent's frame, so the return address waits in a register. */
        function vfork
        popl    %ecx
        movl    $190, %eax
        int     $0x80
        pushl   %ecx
        cmpl    $-4095, %eax
        jae     fail
        ret
        .size   vfork, . - vfork
        .globl  __vfork
        .set    __vfork, vfork

/* clone(2): int clone(int (*fn)(void *), void *stack, int flags, void *arg, pid_t *ptid, void *tls, pid_t *ctid) */
        function clone
        movl    4(%esp), %edx
        movl    8(%esp), %ecx
        movl    $-22, %eax
        testl   %edx, %edx
        jz      fail
        testl   %ecx, %ecx
        jz      fail
        subl    $28, %ecx
        andl    $-16, %ecx
        movl    16(%esp), %eax
        movl    %eax, 4(%ecx)
        movl    %edx, (%ecx)
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    24(%esp), %ebx
        movl    32(%esp), %edx
        movl    36(%esp), %esi
        movl    40(%esp), %edi
        movl    $120, %eax
        int     $0x80
        testl   %eax, %eax
        jz      1f
        popl    %edi
        popl    %esi
        popl    %ebx
        jl      fail
        ret
1:      xorl    %ebp, %ebp
        popl    %eax
        call    *%eax
        movl    %eax, %ebx
        movl    $1, %eax
        int     $0x80
        hlt
        .size   clone, . - clone
        .globl  __clone
        .set    __clone, clone
        .section .note.GNU-stack, "", @progbits
