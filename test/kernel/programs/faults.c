/*
 * What user mode sees of privileged, invalid and faulting instructions, of segments, EFLAGS.AC and TF: each case runs a few
 * bytes of code and prints a line with the registers or the signal it ended in. For 64 and (-m32) 32 bits, static, -O1.
 * Addresses are printed relative to the case's code (c+), data (d+) or stack (s+).
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE 0x20000000UL /* two pages, then nothing */
#define DATA 0x10000000UL /* one page rw, one page r, one page rw not executable, then nothing */
#define PAGE 4096UL

typedef unsigned long word;
#ifdef __x86_64__
#define BITS 64
#define R(name) REG_R##name
#else
#define BITS 32
#define R(name) REG_E##name
#endif

static sigjmp_buf back;
static word in[8], out[9]; /* ax bx cx dx si di bp sp; flags */
static char signal_stack[1 << 16];

static char *stack_base;

static const char *
relative (word address)
{
  static char text[4][40];
  static int next;
  char *p = text[next++ & 3];
  if (address - CODE < 2 * PAGE + 32)
    sprintf (p, "c+%lx", address - CODE);
  else if (address - DATA < 4 * PAGE)
    sprintf (p, "d+%lx", address - DATA);
  else if ((uint32_t) address - (uint32_t) (word) stack_base + 0x10000 < 0x20000)
    strcpy (p, "stack");
  else
    sprintf (p, "%lx", address);
  return p;
}

static int traps, trap_limit;
static void
handler (int signo, siginfo_t *info, void *context)
{
  ucontext_t *uc = context;
#ifdef __x86_64__
  asm volatile ("pushfq; andq $~0x40000, (%%rsp); popfq" ::: "memory", "cc");
#else
  asm volatile ("pushfl; andl $~0x40000, (%%esp); popfl" ::: "memory", "cc");
#endif
  greg_t *g = uc->uc_mcontext.gregs;
  word cr2;
#ifdef __x86_64__
  cr2 = g[REG_CR2];
#else
  cr2 = uc->uc_mcontext.cr2;
#endif
  int trapno = g[REG_TRAPNO];
  printf (" [signal %d code %d addr %s ip %s trap %d err %lx", signo, info->si_code,
          info->si_code == SI_KERNEL || info->si_code == 128 ? "-" : relative ((word) info->si_addr), relative (g[R (IP)]), trapno,
          (word) g[REG_ERR]);
  if (trapno == 14)
    printf (" cr2 %s", relative (cr2));
  printf (" flags %lx ax %lx cx %lx]", (word) g[REG_EFL] & 0x254100, (word) g[R (AX)], (word) g[R (CX)]);
  if (signo == SIGTRAP && ++traps < trap_limit)
    return;
  siglongjmp (back, 1);
}

extern void enter (word *in, word *out, word code);
#ifdef __x86_64__
asm (".globl enter\n"
     "enter: push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rsi\n"
     "mov %rdx, %r15; mov %rdi, %r14\n"
     "mov (%r14), %rax; mov 8(%r14), %rbx; mov 16(%r14), %rcx; mov 24(%r14), %rdx; mov 32(%r14), %rsi; mov 40(%r14), %rdi; mov 48(%r14), %rbp\n"
     "push $0x202; popfq; call *%r15\n"
     "pop %r15; mov %rax, (%r15); mov %rbx, 8(%r15); mov %rcx, 16(%r15); mov %rdx, 24(%r15); mov %rsi, 32(%r15); mov %rdi, 40(%r15); mov %rbp, 48(%r15)\n"
     "pushfq; pop 64(%r15); cld; push $0x202; popfq\n"
     "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");
#else
asm (".globl enter\n"
     "enter: push %ebx; push %ebp; push %esi; push %edi; mov 20(%esp), %edi\n"
     "push 28(%esp)\n"
     "mov (%edi), %eax; mov 4(%edi), %ebx; mov 8(%edi), %ecx; mov 12(%edi), %edx; mov 16(%edi), %esi; mov 24(%edi), %ebp; mov 20(%edi), %edi\n"
     "push $0x202; popfl; call *(%esp)\n"
     "push %edi; mov 32(%esp), %edi; mov %eax, (%edi); mov %ebx, 4(%edi); mov %ecx, 8(%edi); mov %edx, 12(%edi); mov %esi, 16(%edi); pop 20(%edi); mov %ebp, 24(%edi)\n"
     "pushfl; pop 32(%edi); cld; push $0x202; popfl; add $4, %esp\n"
     "pop %edi; pop %esi; pop %ebp; pop %ebx; ret\n");
#endif

#ifndef SYS_modify_ldt
#define SYS_modify_ldt 123
#endif
struct desc { unsigned entry, base, limit, flags; };

static void
reset_segments (void)
{
  /* what a case may have left in them */
  unsigned short zero = 0;
  asm volatile ("mov %0, %%es\n mov %0, %%ds" ::"r" (
#ifdef __x86_64__
      zero
#else
      ({ unsigned short ss; asm ("mov %%ss, %0" : "=r"(ss)); ss; })
#endif
      ));
  (void) zero;
}

static int at_end;
static void
run_at (const char *name, word address, const char *hex)
{
  uint8_t bytes[64];
  int n = 0;
  for (const char *p = hex; *p; p++)
    {
      if (*p == ' ')
        continue;
      unsigned value;
      sscanf (p, "%2x", &value);
      bytes[n++] = value;
      p++;
    }
  memset ((void *) CODE, 0xcc, 2 * PAGE);
  if (at_end)
    address = CODE + 2 * PAGE - n;
  memcpy ((void *) address, bytes, n);
  if (!at_end && address + n < CODE + 2 * PAGE)
    ((uint8_t *) address)[n] = 0xc3;
  memset (out, 0, sizeof out);
  traps = 0;
  printf ("%s:", name);
  if (sigsetjmp (back, 1) == 0)
    {
      enter (in, out, address);
      printf (" ax %lx bx %s cx %lx dx %lx flags %lx", out[0], relative (out[1]), out[2], out[3], out[8] & 0x244cd5);
    }
  reset_segments ();
  printf ("\n");
  for (int i = 0; i < 8; i++)
    in[i] = 0;
  in[1] = DATA;
  in[4] = DATA + 64;
  in[5] = DATA + 128;
  trap_limit = 1;
  at_end = 0;
}

static void
run (const char *hex)
{
  run_at (hex, CODE + 0x100, hex);
}

static void
with (int reg, word value)
{
  in[reg] = value;
}

int
main (void)
{
  stack_t alternate = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
  stack_base = (char *) &alternate;
  setvbuf (stdout, NULL, _IONBF, 0);
  mmap ((void *) CODE, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  mmap ((void *) DATA, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  mmap ((void *) (DATA + PAGE), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  mmap ((void *) (DATA + 2 * PAGE), PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  memset ((void *) (DATA + 2 * PAGE), 0xc3, PAGE);
  sigaltstack (&alternate, NULL);
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
    sigaction (signals[i], &action, NULL);
  in[1] = DATA;
  trap_limit = 1;

  static const char *const plain[] = {
    /* privileged and system */
    "f4", "fa", "fb", "e4 80", "e6 80", "ec", "ee", "6c", "6e", "f3 6c", "0f 30", "0f 32", "0f 33", "0f 06", "0f 08", "0f 09", "0f 20 c0", "0f 22 c0",
    "0f 20 e0", "0f 20 c8", "0f 21 c0", "0f 23 c0", "0f 01 13", "0f 01 1b", "0f 00 d0", "0f 00 d8", "0f 01 f0", "0f 01 3b", "0f 01 f8", "0f 07", "0f 35", 
    "cf",
    /* what UMIP covers */
    "0f 01 03 8b 03", "0f 01 0b 8b 03", "0f 01 e0", "0f 01 23 8b 03", "0f 00 c0", "0f 00 c8", "0f 00 03 8b 03", "0f 00 0b 8b 03", "66 0f 01 e0",
    /* software interrupts */
    "cc", "cd 00", "cd 01", "cd 03", "cd 04", "cd 05", "cd 0d", "cd 20", "cd 7f", "cd 81", "cd ff", "b8 14 00 00 00 cd 80 31 c0",
    "ce", "b8 00 00 00 80 83 e8 01 ce",
    /* no such instruction */
    "0f 0b", "0f b9 c0", "0f ff c0", "0f 04", "0f 0a", "0f 24", "0f 36", "0f 7a", "0f a6", "0f a7", "f0 90", "f0 8b 03", "f0 01 c0", "f0 01 03",
    "f0 83 3b 00", "f0 0f a3 03", "f0 0f ab 03", "f0 0f b1 03", "f0 0f c7 c8", "f0 f7 1b", "f0 f7 03 00 00 00 00", "f0 87 03", "f0 c3", "f0 0f 28 03", "f0 0f ba 2b 01", "f0 0f ba 23 01",
    "fe d0", "ff f8", "8f c8", "c6 c8 00", "c7 f0 00 00 00 00", "d6", "f6 c8 01", "0f ae f8", "8d c0", "0f 01 ca", "62 f1 7c 48 28 c0",
    "06", "27", "2f", "37", "3f", "60 61", "62 03", "82 c0 01", "9a 00 00 00 00 33 00", "ea 00 00 00 00 33 00", "c4 03", "c5 03", "0e", "d4 00", "d5 0a", "63 c3", "63 03",
    "66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", "f0 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90",
    "c5 f8 77", "c5 f8 10 c9", "66 c5 f8 77", "f0 c5 f8 77", "0f 0f c0 9e",
    /* arithmetic */
    "31 c9 f7 f1", "b9 01 00 00 00 ba 02 00 00 00 f7 f1", "d9 ee d9 e8 dc f9 9b", "db e3 66 c7 03 7b 03 d9 2b d9 e8 d9 ee de f9 9b db e3",
    "db e3 c7 03 7b 03 00 00 d9 2b d9 e8 d9 ee de f9 90 d9 ee", "c7 03 80 1d 00 00 0f ae 13 0f 57 c0 0f 57 c9 0f 5e c1", "c7 03 00 1f 00 00 0f ae 13 0f 57 c0 0f 57 c9 0f 5e c1",
    "c7 03 00 00 01 00 0f ae 13",
    /* page faults */
    "8b 83 00 30 00 00", "89 83 00 10 00 00", "89 83 00 30 00 00", "8b 83 fd 2f 00 00", "89 83 fe 0f 00 00", "81 c3 00 20 00 00 ff e3", "81 c3 00 10 00 00 ff e3", "81 c3 00 30 00 00 ff e3",
    "01 83 00 10 00 00", "0f b1 83 00 10 00 00", "f0 0f ba ab 00 10 00 00 01", "0f ae 3b", "0f ae bb 00 30 00 00", "0f 18 8b 00 30 00 00", "0f 0d 8b 00 30 00 00",
    /* movaps, movdqu, fxsave and cmpxchg8b off their alignment */
    "0f 28 43 01", "0f 29 43 08", "0f 10 43 01", "0f ae 43 08", "0f ae 4b 08", "0f c7 4b 01",
    /* EFLAGS.AC */
    "9c 81 0c 24 00 00 04 00 9d 8b 03 8b 43 01", "9c 81 0c 24 00 00 04 00 9d 66 8b 43 01", "9c 81 0c 24 00 00 04 00 9d 8a 43 01 66 89 43 03",
    "9c 81 0c 24 00 00 04 00 9d 0f 10 43 04", "9c 81 0c 24 00 00 04 00 9d dd 43 04", "9c 81 0c 24 00 00 04 00 9d 8b 83 01 30 00 00", "9c 81 0c 24 00 00 04 00 9d 0f 28 43 08",
    "9c 81 0c 24 00 00 04 00 9d 9c 58 9c 81 24 24 ff ff fb ff 9d 8b 53 01",
  };
  for (unsigned i = 0; i < sizeof plain / sizeof *plain; i++)
    run (plain[i]);

  /* EFLAGS.TF: the first traps after POPF, over a few kinds of instructions */
  static const char *const stepped[] = {
    "9c 81 0c 24 00 01 00 00 9d 90 40 90 90", "9c 81 0c 24 00 01 00 00 9d 9c 81 24 24 ff fe ff ff 9d 90 90", "9c 81 0c 24 00 01 00 00 9d 8c d0 8e d0 40 90",
    "9c 81 0c 24 00 01 00 00 9d 16 90 90 59", "9c 81 0c 24 00 01 00 00 9d b9 03 00 00 00 f3 aa 90", "9c 81 0c 24 00 01 00 00 9d 31 c9 f3 aa 90", "9c 81 0c 24 00 01 00 00 9d 0f 0b",
    "9c 81 0c 24 00 01 00 00 9d cc", "9c 81 0c 24 00 01 00 00 9d b8 14 00 00 00 cd 80 31 c0 90", "9c 81 0c 24 00 01 00 00 9d 8b 83 00 30 00 00",
    "9c 81 0c 24 00 01 04 00 9d 8b 43 01", "9c 81 0c 24 00 01 00 00 9d eb 01 90 90", "9c 81 0c 24 00 01 00 00 9d 9c 58 90", 
    BITS == 64 ? "9c 81 0c 24 00 01 00 00 9d b8 27 00 00 00 0f 05 31 c0 90" : "90",
  };
  for (unsigned i = 0; i < sizeof stepped / sizeof *stepped; i++)
    {
      trap_limit = 6;
      run (stepped[i]);
    }

  /* selectors */
  static const unsigned selectors[] = {0, 3, 8, 0x10, 0x18, 0x20, 0x23, 0x28, 0x2b, 0x30, 0x33, 0x38, 0x40, 0x53, 0x5b, 0x63, 0x6b, 0x73, 0x78, 0x7b, 0x83, 0x88, 0xfff8, 7, 0xf};
  static const char *const uses[] = {"31 c0 0f 02 c1", "31 c0 0f 03 c1", "0f 00 e1", "0f 00 e9", "8c d8 50 8e d9 8c da 58 8e d8", "8c c0 50 8e c1 8c c2 58 8e c0", "8e e1 8c e0", "8e d1 8c d0", "8e c9", BITS == 64 ? "51 0f a9" : "51 0f a1"};
  for (unsigned k = 0; k < sizeof uses / sizeof *uses; k++)
    for (unsigned i = 0; i < sizeof selectors / sizeof *selectors; i++)
      {
        char name[80];
        /* FS holds the thread pointer of 64-bit code; that of the C library in 32-bit code is one of these */
        if (BITS == 64 ? k == 6 : selectors[i] == 0x63)
          continue;
        /* a limit of 0, which folio does not keep */
        if (BITS == 32 && (k == 4 || k == 5) && selectors[i] >> 3 == 15)
          continue;
        /* the limit of segment 15 is the processor's number */
        if (selectors[i] >> 3 == 15 && k == 1)
          continue;
        sprintf (name, "%s with %x", uses[k], selectors[i]);
        with (2, selectors[i]);
        run_at (name, CODE + 0x100, uses[k]);
      }

  /* at the end of what is mapped */
  static const char *const ends[] = {"90", "b8 01 00", "0f", "66", "f3 0f", "8b", "8b 83", "c4 e2", "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66", "e8 01 00 00", "eb", "cc"};
  for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++)
    {
      char name[80];
      sprintf (name, "%s at the end", ends[i]);
      at_end = 1;
      run_at (name, CODE, ends[i]);
    }

#ifdef __x86_64__
  static const char *const wide[] = {
    "48 8b 00", "48 89 00", "48 8b 45 00", "48 8b 44 25 00", "48 89 c4 50", "ff e0", "50 c3", "ff d0", "48 89 c4 58", "0f ae 38", "3e 48 8b 45 00", "a1 00 00 00 00 00 80 00 00", "48 89 c7 a4", "48 89 c6 a4", "48 89 c7 ab", "c9", "8f 00", "ff 30", "0f 28 00", "0f 18 08",
  };
  static const word targets[] = {0x0000800000000000, 0xffff7fffffffffff, 0x8000000000000000, 0xffff800000000000, 0xffffffff81000000, 0xffffffffffffffff, 0x00007ffffffffffc, 0xffffffffff600000};
  for (unsigned k = 0; k < sizeof wide / sizeof *wide; k++)
    for (unsigned i = 0; i < sizeof targets / sizeof *targets; i++)
      {
        char name[80];
        sprintf (name, "%s with %lx", wide[k], targets[i]);
        if (strcmp (wide[k], "ff d0") == 0 && i == 7)
          continue;
        with (0, targets[i]);
        with (6, targets[i]);
        run_at (name, CODE + 0x100, wide[k]);
      }
  /* vsyscalls: time (NULL) is not NULL; getcpu; off the entry points */
  static const word entries[] = {0xffffffffff600400, 0xffffffffff600008, 0xffffffffff600c00};
  for (unsigned i = 0; i < 3; i++)
    {
      char name[40];
      sprintf (name, "vsyscall %lx", entries[i]);
      with (0, entries[i]);
      with (5, 0);
      run_at (name, CODE + 0x100, i == 0 ? "ff d0 48 85 c0 0f 95 c0 0f b6 c0 31 c9" : "ff d0");
    }
  /* far transfers: to compatibility mode and back, and to what is no code segment */
  run_at ("retf to 0x23 and back", CODE + 0x100, "6a 23 68 10 01 00 20 48 cb 90 90 90 90 90 90 90 b8 44 33 22 11 40 48 ea 20 01 00 20 33 00 90 90 48 b8 88 77 66 55 44 33 22 11 31 c9");
  run_at ("jmp far [rbx] to 0x23", CODE + 0x100, "c7 03 10 01 00 20 c7 43 04 23 00 00 00 ff 2b 90 48 ea 20 01 00 20 33 00 90 90 90 90 90 90 90 90 31 c9");
  run_at ("iretq to 0x23 and back", CODE + 0x100, "48 89 e1 6a 2b 51 9c 6a 23 68 14 01 00 20 48 cf 90 90 90 90 8c c8 ea 20 01 00 20 33 00 90 90 90 31 c9");
  run_at ("iretq to 0x33", CODE + 0x100, "48 89 e1 6a 2b 51 9c 6a 33 68 14 01 00 20 48 cf 90 90 90 90 8c c8 31 c9");
  run_at ("call far [rbx] to 0x33", CODE + 0x100, "c7 03 20 01 00 20 c7 43 04 33 00 00 00 ff 1b 31 c9 c3 90 90 90 90 90 90 90 90 90 90 90 90 90 90 8c c8 cb");
  static const char *const bad[] = {"6a 2b 68 20 01 00 20 48 cb", "6a 00 68 20 01 00 20 48 cb", "6a 10 68 20 01 00 20 48 cb", "6a 30 68 20 01 00 20 48 cb", "6a 53 68 20 01 00 20 48 cb", "6a 07 68 20 01 00 20 48 cb", "ff 28", "ff e8",
    "0f b5 03", "0f b2 03", "0f b4 c0"};
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    run (bad[i]);
#else
  /* segments of the LDT: data with a limit, not present, read-only, expand-down, execute-only */
  struct desc ldt[] = {
    {0, DATA, 15, 1 | 64}, {1, DATA, 15, 1 | 32 | 64}, {2, DATA, 15, 1 | 8 | 64}, {3, DATA, 15, 1 | (1 << 1) | 64}, {4, DATA, 1, 1 | 16 | 64}, {5, 0, 0xfffff, 1 | 16 | (2 << 1) | 64}, {6, 0, 0xfffff, 1 | 16 | (2 << 1) | 8 | 64},
  };
  for (unsigned i = 0; i < sizeof ldt / sizeof *ldt; i++)
    printf ("modify_ldt %d: %ld\n", i, (long) syscall (SYS_modify_ldt, 0x11, &ldt[i], sizeof ldt[i]));
  static const char *const access[] = {"8e e1 64 a1 08 00 00 00", "8e e1 8c e0", "8e e1 64 c7 05 08 00 00 00 01 02 03 04", "0f 02 c1", "0f 03 c1", "0f 00 e1", "0f 00 e9"};
  for (unsigned k = 0; k < sizeof access / sizeof *access; k++)
    for (unsigned i = 0; i < sizeof ldt / sizeof *ldt; i++)
      {
        char name[80];
        /* folio keeps bases, not limits and access rights */
        if (k < 3 && i > 1 && i != 6)
          continue;
        sprintf (name, "%s with %x", access[k], i * 8 + 7);
        with (2, i * 8 + 7);
        run_at (name, CODE + 0x100, access[k]);
      }
  run_at ("les", CODE + 0x100, "c7 03 44 33 22 11 66 8c 5b 04 c4 03");
  run_at ("lds of nothing", CODE + 0x100, "c7 03 44 33 22 11 66 c7 43 04 50 00 c5 03");
  run_at ("lfs", CODE + 0x100, "c7 03 44 33 22 11 66 8c 5b 04 0f b4 03");
  run_at ("bound", CODE + 0x100, "c7 03 01 00 00 00 c7 43 04 05 00 00 00 b8 03 00 00 00 62 03");
  run_at ("bound broken", CODE + 0x100, "c7 03 01 00 00 00 c7 43 04 05 00 00 00 b8 06 00 00 00 62 03");
  run_at ("arpl raises", CODE + 0x100, "b8 10 00 00 00 b9 03 00 00 00 63 c8");
  run_at ("arpl does not", CODE + 0x100, "b8 13 00 00 00 b9 01 00 00 00 63 c8");
  run_at ("retf to cs", CODE + 0x100, "0e 68 10 01 00 20 cb 90 90 90 90 90 90 90 90 90 8c c8");
  run_at ("callf to cs", CODE + 0x100, "9a 10 01 00 20 23 00 31 c9 c3 90 90 90 90 90 90 8c c8 cb");
  run_at ("jmp far to 0x33 and back", CODE + 0x100, "ea 10 01 00 20 33 00 90 90 90 90 90 90 90 90 90 48 b8 44 33 22 11 00 00 00 00 6a 23 68 30 01 00 20 48 cb 90 90 90 90 90 90 90 90 90 90 90 90 90 40 31 c9");
  run_at ("iret", CODE + 0x100, "9c 0e 68 10 01 00 20 cf 90 90 90 90 90 90 90 90 b8 01 00 00 00");
  run_at ("high address wraps", CODE + 0x100, "b8 ff ff ff ff 8b 00");
  run_at ("16-bit address", CODE + 0x100, "67 8b 00");
#endif
  fflush (stdout);
  return 0;
}
