/*
 * Lets a program run on the guest libc without folio: _start, a thread block, and the traps, which arrive as SIGILL.
 * The allocator hands out memory from one area and takes none back, but keeps sizes for realloc.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define AREA (768UL << 20)
char *__curbrk __attribute__((visibility("hidden")));
static char *area, *area_end, *next;
static char thread_block[16384] __attribute__((aligned(64)));

#ifdef __x86_64__
static long sys(long n, long a, long b, long c, long d, long e, long f) {
  long r;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(r) : "0"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return r;
}
#define MMAP SYS_mmap
#define ELF(x) Elf64_##x
#define IP(uc) uc->uc_mcontext.gregs[REG_RIP]
#define RESULT(uc) uc->uc_mcontext.gregs[REG_RAX]
static long argument(ucontext_t *uc, int i) {
  return uc->uc_mcontext.gregs[i == 0 ? REG_RDI : i == 1 ? REG_RSI : REG_RDX];
}
#else
static long sys(long n, long a, long b, long c, long d, long e, long f) {
  long args[6] = { a, b, c, d, e, f }, r;
  __asm__ volatile("pushl %%ebx; pushl %%ebp; pushl %%edi; pushl %%esi;"
                   "movl (%1), %%ebx; movl 4(%1), %%ecx; movl 8(%1), %%edx; movl 12(%1), %%esi; movl 20(%1), %%ebp; movl 16(%1), %%edi;"
                   "int $0x80; popl %%esi; popl %%edi; popl %%ebp; popl %%ebx"
                   : "=a"(r) : "D"(args), "0"(n) : "ecx", "edx", "memory");
  return r;
}
#define MMAP SYS_mmap2
#define ELF(x) Elf32_##x
#define IP(uc) uc->uc_mcontext.gregs[REG_EIP]
#define RESULT(uc) uc->uc_mcontext.gregs[REG_EAX]
static long argument(ucontext_t *uc, int i) { return ((long *)uc->uc_mcontext.gregs[REG_ESP])[1 + i]; }
#endif

#define TRAPS(X) X(malloc) X(free) X(calloc) X(realloc) X(memalign) X(posix_memalign) X(aligned_alloc) X(valloc) X(pvalloc) \
  X(malloc_usable_size) X(malloc_trim) X(mallopt) X(mallinfo) X(malloc_stats) X(backtrace) X(symbolize)
#define DECLARE(name) extern char __folio_trap_##name[] __attribute__((visibility("hidden")));
TRAPS(DECLARE)
#define NUMBER(name) T_##name,
enum { TRAPS(NUMBER) T_COUNT };
#define SITE(name) __folio_trap_##name,

extern int *__errno_location(void);

static void *take(size_t align, size_t n) {
  if (n > AREA / 2) {
    *__errno_location() = 12;
    return NULL;
  }
  if (!area) {
    area = next = (char *)sys(MMAP, 0, AREA, 3, 0x4022, -1, 0);
    area_end = area + AREA;
  }
  char *p = (char *)(((uintptr_t)next + 16 + align - 1) & -align);
  if (p + n > area_end) {
    *__errno_location() = 12;
    return NULL;
  }
  ((size_t *)p)[-1] = n;
  next = p + ((n + 15) & ~15UL);
  return p;
}

static long again(char *old, size_t n) {
  size_t had = old ? ((size_t *)old)[-1] : 0;
  if (old && n == 0) return 0;
  char *p = take(16, n);
  for (size_t i = 0; p && i < (had < n ? had : n); i++) p[i] = old[i];
  return (long)p;
}

static void trap(int signo, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  char *sites[] = { TRAPS(SITE) };
  int which = 0;
  while (which < T_COUNT && sites[which] != (char *)IP(uc)) which++;
  long a = argument(uc, 0), b = argument(uc, 1), result = 0;
  switch (which) {
    case T_malloc: case T_valloc: case T_pvalloc: result = (long)take(which == T_malloc ? 16 : 4096, (size_t)a); break;
    case T_calloc: result = (size_t)b && (size_t)a > AREA / (size_t)b ? (long)take(1, AREA) : (long)take(16, (size_t)a * (size_t)b); break;
    case T_realloc: result = again((char *)a, (size_t)b); break;
    case T_memalign: case T_aligned_alloc: result = (long)take((size_t)(a > 16 ? a : 16), (size_t)b); break;
    case T_posix_memalign: *(void **)a = take((size_t)b, (size_t)argument(uc, 2)); break;
    case T_malloc_usable_size: result = a ? ((long *)a)[-1] : 0; break;
    case T_COUNT: sys(SYS_exit_group, 99, 0, 0, 0, 0, 0); break;
    default: break;
  }
  RESULT(uc) = result;
  IP(uc) += 2;
}

extern int main(int, char **, char **);
extern int __libc_start_main(int (*)(int, char **, char **), int, char **, void *, void *, void *, void *);
extern char __ehdr_start[] __attribute__((visibility("hidden")));

#ifdef __x86_64__
__asm__("restore: movl $15, %eax; syscall");
#else
__asm__("restore: movl $173, %eax; int $0x80");
#endif
extern void restore(void) __attribute__((visibility("hidden")));

__attribute__((used)) void shim_start(long *stack) {
  const ELF(Ehdr) *ehdr = (void *)__ehdr_start;
  const ELF(Phdr) *phdr = (void *)(__ehdr_start + ehdr->e_phoff);
  char *tcb = thread_block + 8192;
  for (int i = 0; i < ehdr->e_phnum; i++) {
    if (phdr[i].p_type != PT_TLS) continue;
    const char *from = (void *)phdr[i].p_vaddr;
    char *to = tcb - ((phdr[i].p_memsz + phdr[i].p_align - 1) & -phdr[i].p_align);
    for (size_t j = 0; j < phdr[i].p_filesz; j++) to[j] = from[j];
  }
  ((void **)tcb)[0] = tcb;
#ifdef __x86_64__
  ((void **)tcb)[2] = tcb;
  sys(SYS_arch_prctl, 0x1002, (long)tcb, 0, 0, 0, 0);
#else
  ((void **)tcb)[2] = tcb;
  struct { unsigned entry, base, limit, flags; } desc = { -1u, (unsigned)tcb, 0xfffff, 0x51 };
  sys(SYS_set_thread_area, (long)&desc, 0, 0, 0, 0, 0);
  __asm__ volatile("movw %w0, %%gs" : : "q"(desc.entry * 8 + 3));
#endif
  struct { void *handler; unsigned long flags; void (*restorer)(void); unsigned long mask[2]; } act = { trap, SA_SIGINFO | SA_NODEFER | 0x04000000, restore, { 0, 0 } };
  sys(SYS_rt_sigaction, SIGILL, (long)&act, 0, 8, 0, 0);
  __libc_start_main(main, (int)stack[0], (char **)(stack + 1), 0, 0, 0, stack);
}
#ifdef __x86_64__
__asm__(".globl _start\n_start: xorl %ebp, %ebp; movq %rsp, %rdi; andq $-16, %rsp; call shim_start; hlt");
#else
__asm__(".globl _start\n_start: xorl %ebp, %ebp; movl %esp, %eax; andl $-16, %esp; subl $12, %esp; pushl %eax; call shim_start; hlt");
#endif
