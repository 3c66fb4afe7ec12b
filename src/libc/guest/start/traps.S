/*
 * Trap sites: functions whose work the machine does. ud2 is the site; what follows returns to the caller.
 * malloc and its family are traps themselves, as programs may interpose them and libc calls them like anyone else.
 */
        .text
.macro trap name
        .globl  __folio_trap_\name
        .hidden __folio_trap_\name
        .type   __folio_trap_\name, @function
        .p2align 4
__folio_trap_\name:
        ud2
        ret
        .size   __folio_trap_\name, . - __folio_trap_\name
.endm
        trap malloc
        trap free
        trap calloc
        trap realloc
        trap memalign
        trap posix_memalign
        trap aligned_alloc
        trap valloc
        trap pvalloc
        trap malloc_usable_size
        trap malloc_trim
        trap mallopt
        trap mallinfo
        trap malloc_stats
        trap backtrace
        trap symbolize
        .section .note.GNU-stack, "", @progbits
