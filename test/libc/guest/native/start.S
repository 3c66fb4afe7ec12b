/* _start of a test program that is linked to an embedded image: no initializers of its own. */
        .text
        .globl  _start
_start:
#ifdef __x86_64__
        xorl    %ebp, %ebp
        movq    %rdx, %r9
        popq    %rsi
        movq    %rsp, %rdx
        andq    $-16, %rsp
        pushq   %rax
        pushq   %rsp
        xorl    %r8d, %r8d
        xorl    %ecx, %ecx
        movq    $main, %rdi
        call    __libc_start_main
#else
        xorl    %ebp, %ebp
        popl    %esi
        movl    %esp, %ecx
        andl    $-16, %esp
        pushl   %eax
        pushl   %esp
        pushl   %edx
        pushl   $0
        pushl   $0
        pushl   %ecx
        pushl   %esi
        pushl   $main
        call    __libc_start_main
#endif
        hlt
        .section .note.GNU-stack, "", @progbits
