/*
 * Single steps (EFLAGS.TF), alignment checks (EFLAGS.AC) and EFLAGS.RF through system calls, signals, faults, REP, fork and
 * exec: small pieces of code run, and each signal's frame is shown.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef __x86_64__
#define REG(name) REG_R##name
#define WIDTH "q"
#define CODE(bits64, bits32) bits64
#else
#define REG(name) REG_E##name
#define WIDTH "l"
#define CODE(bits64, bits32) bits32
#endif
#define TF 0x100
#define AC 0x40000
#define PAGE 4096
#define EVENTS 200
#define ROUNDS 3
#define STACK_USED 65536

typedef unsigned char byte;

/* What handlers do besides taking notes. */
enum { NOTHING, TOGGLE_TF, REPAIR_ALIGNMENT, COUNT_STEPS, RAISE_ANOTHER } mode;

static struct event {
  int signo, code, trap, error;
  long pc, sp, address;
  unsigned flags, handler_flags, cx, ax;
} events[EVENTS];
static volatile int count;
/* Where code runs, what it finds in RSI and RBX, and in RDX: two pages, if there are any. */
static byte *body, *pages;
static byte data[256] __attribute__((aligned(64)));
static byte own_stack[STACK_USED] __attribute__((aligned(64)));
/* For the assembler: stack pointers, and flags to be set. */
byte *code_stack;
void *saved_sp;
unsigned long set_flags;
static volatile int steps_left;

static void show(const char *what) {
  printf("%s: %d\n", what, count);
  for (int i = 0; i < count; i++) {
    const struct event *e = &events[i];
    printf(" %d/%d trap %d error %x pc %ld sp %ld address %ld flags %x handler %x cx %x ax %x\n", e->signo, e->code, e->trap,
           e->error, e->pc, e->sp, e->address, e->flags, e->handler_flags, e->cx, e->ax);
  }
  fflush(stdout);
}

/* Addresses as distances, -7 if they are none of the program's business. */
static long place(const void *address) {
  const byte *bases[] = {body, data, pages};
  if (address == 0) return -1;
  for (int i = 0; i < 3; i++) {
    long distance = (const byte *)address - bases[i];
    if (bases[i] && distance >= 0 && distance < 2 * PAGE) return i * 100000 + distance;
  }
  return -7;
}

static void handler(int signo, siginfo_t *info, void *context) {
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  unsigned long flags;
  /* AC is still set, and the compiler may copy structures in larger units than their alignment. */
  __asm__ volatile("pushf; pop %0; pushf; and" WIDTH " $~0x40000, (%%" CODE("rsp", "esp") "); popf" : "=r"(flags)::"cc", "memory");
  if (count == EVENTS) _exit(9);
  struct event *e = &events[count++];
  long sp = (byte *)g[REG(SP)] - code_stack;
  *e = (struct event){signo, info->si_code, g[REG_TRAPNO], g[REG_ERR], place((void *)g[REG(IP)])};
  e->sp = sp > -STACK_USED && sp < STACK_USED ? sp : -7;
  e->address = info->si_code > 0 ? place(info->si_addr) : 0;
  e->flags = g[REG_EFL];
  e->handler_flags = flags & (TF | AC);
  /* SYSCALL leaves RIP in RCX. */
  e->cx = g[REG(CX)] & 0xfff;
  e->ax = g[REG(AX)] & 0xfff;
  switch (signo) {
    case SIGTRAP:
      if (mode == REPAIR_ALIGNMENT && e->trap == 1) g[REG_EFL] = (g[REG_EFL] & ~TF) | AC;
      if (mode == COUNT_STEPS && --steps_left == 0) g[REG_EFL] &= ~TF;
      break;
    case SIGBUS:
      if (mode != REPAIR_ALIGNMENT) show("SIGBUS"), _exit(3);
      g[REG_EFL] = (g[REG_EFL] & ~AC) | TF;
      break;
    case SIGILL:
      g[REG(IP)] += 2;
      break;
    case SIGFPE:
      g[REG(CX)] = 3;
      break;
    case SIGSEGV:
      if (mode == RAISE_ANOTHER) raise(SIGUSR2);
      if (e->trap == 4) break;
      if (!pages) show("SIGSEGV"), _exit(4);
      mprotect(pages, 2 * PAGE, PROT_READ | PROT_WRITE);
      break;
    case SIGUSR1:
      if (mode == TOGGLE_TF) g[REG_EFL] ^= TF;
      break;
  }
}

/* Runs the bytes with these flags set, on a stack of their own. */
static void run(const char *name, const char *hex, unsigned long flags) {
  byte *at = body;
  if (!hex) return;
  for (; *hex; hex += 3) {
    *at++ = strtol(hex, 0, 16);
    if (!hex[2]) break;
  }
  *at = 0xc3;
  for (int i = 0; i < (int)sizeof data; i++) data[i] = i < 128 ? i * 7 : 0;
  code_stack = own_stack + sizeof own_stack / 2;
  set_flags = flags;
  steps_left = 5;
  count = 0;
  void *a = body, *d = pages, *S = data, *D = data + 128;
  __asm__ volatile(
      "push %%" CODE("rbx", "ebx") "; push %%" CODE("rbp", "ebp") "\n\t"
      CODE("mov %%rsp, saved_sp; mov code_stack, %%rsp; mov %%rsi, %%rbx; push %%rax\n\t",
           "mov %%esp, saved_sp; mov code_stack, %%esp; mov %%esi, %%ebx; push %%eax\n\t")
      "xor %%ecx, %%ecx; xor %%ebp, %%ebp; pushf; mov set_flags, %%ebp; or %%ebp, (%%" CODE("rsp", "esp") "); popf; nop\n\t"
      CODE("mov %%rsp, %%rbp\n\t", "mov %%esp, %%ebp\n\t")
      CODE("xchg (%%rsp), %%rax; mov $0, %%eax; call *(%%rsp)\n\t", "xchg (%%esp), %%eax; mov $0, %%eax; call *(%%esp)\n\t")
      "pushf; and" WIDTH " $~0x40100, (%%" CODE("rsp", "esp") "); popf; nop; cld; mov saved_sp, %%" CODE("rsp", "esp") "\n\t"
      "pop %%" CODE("rbp", "ebp") "; pop %%" CODE("rbx", "ebx")
      : "+a"(a), "+d"(d), "+S"(S), "+D"(D)
      :
      : "ecx", "memory", "cc", "xmm0", "xmm1", "xmm2"
#ifdef __x86_64__
        , "r8", "r9", "r10", "r11"
#endif
  );
  show(name);
}
#define RUN(name, bits64, bits32, flags) run(name, CODE(bits64, bits32), flags)
#define SAME(name, code, flags) run(name, code, flags)

static void map(int prot) { pages = mmap(0, 2 * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
static void unmap(void) {
  munmap(pages, 2 * PAGE);
  pages = 0;
}

/* Switches TF off, at the end. */
#define OFF64 " 9c 48 81 24 24 ff fe ff ff 9d"
#define OFF32 " 9c 81 24 24 ff fe ff ff 9d"

static void steps(void) {
  SAME("plain", "90 b0 01 90 31 c0", TF);
  SAME("rep movsb", "b9 05 00 00 00 f3 a4 90", TF);
  SAME("rep movsb of nothing", "31 c9 f3 a4 90", TF);
  SAME("rep stosd downwards", "fd b9 03 00 00 00 f3 ab fc", TF);
  SAME("repe cmpsb", "b9 09 00 00 00 f3 a6 90", TF);
  SAME("repne scasb", "b9 09 00 00 00 b0 03 f2 ae 90", TF);
  SAME("loop", "b9 04 00 00 00 e2 fe 90", TF);
  SAME("pushf popf", "9c 58 9c 9d 90", TF);
  RUN("popf clears", "9c 48 81 24 24 ff fe ff ff 9d 90 90", "9c 81 24 24 ff fe ff ff 9d 90 90", TF);
  RUN("popf sets", "9c 48 81 0c 24 00 01 00 00 9d 90 90" OFF64 " 90", "9c 81 0c 24 00 01 00 00 9d 90 90" OFF32 " 90", 0);
  SAME("mov ss", "8c d0 8e d0 90 90", TF);
  SAME("mov ss twice", "8c d0 8e d0 8e d0 90 90", TF);
  SAME("mov ss, pushf", "8c d0 8e d0 9c 58 90", TF);
  RUN("mov ss, popf sets", "8c d0 9c 48 81 0c 24 00 01 00 00 8e d0 9d 90 90" OFF64, "8c d0 9c 81 0c 24 00 01 00 00 8e d0 9d 90 90" OFF32, 0);
  RUN("pop ss", 0, "16 17 90 90", TF);
  RUN("other segments", "8c c0 8c d8 8c c8 8c e0 8c e8 8c d9 8e d9 8e c1",
      "0f a0 0f a1 90 1e 1f 06 07 0f a8 0f a9 0e 58 8c e8 8e e8 16 58 1e 58 06 58 8c d8 8c c0 8c d9 8e c1 8e d9", TF);
  SAME("endbr, rdssp", "f3 0f 1e fa f3 0f 1e fb b8 05 00 00 00 f3 0f 1e c8 90", TF);
  SAME("fstp of D9", "d9 e8 d9 eb d9 d9 dd 5e 40 0f b7 46 46 db e3 90", TF);
  SAME("mov ss, rep", "8c d0 b9 03 00 00 00 8e d0 f3 a4 90", TF);
  RUN("mov ss, system call", "8c d1 b8 ff ff 00 00 8e d1 0f 05 90 90", "8c d1 b8 ff ff 00 00 8e d1 cd 80 90 90", TF);
  SAME("mov ss, int3", "8c d1 8e d1 cc 90 90", TF);
  SAME("mov ss, ud2", "8c d1 8e d1 0f 0b 90 90", TF);
  RUN("system call", "b8 ff ff 00 00 0f 05 90 90", "b8 ff ff 00 00 cd 80 90 90", TF);
  SAME("int 80", "b8 ff ff 00 00 cd 80 90 90", TF);
  RUN("two system calls", "b8 ff ff 00 00 0f 05 0f 05 90", "b8 ff ff 00 00 cd 80 cd 80 90", TF);
  SAME("int3", "cc 90 90", TF);
  SAME("int3 without TF", "cc 90 90", 0);
  SAME("int 3 of two bytes", "cd 03 90 90", TF);
  RUN("into", 0, "b0 7f 04 01 ce 90", TF);
  SAME("ud2", "0f 0b 90 90", TF);
  SAME("div by 0", "31 c9 b8 09 00 00 00 31 d2 f7 f1 90", TF);
  SAME("call ret", "e8 02 00 00 00 90 c3 90 c3", TF);
  SAME("x87", "d9 e8 d9 eb de c1 dd d8 9b 90", TF);
  RUN("iret with RF and TF",
      "49 89 e0 b9 04 00 00 00 6a 2b 41 50 9c 81 0c 24 00 01 01 00 6a 33 48 8d 05 03 00 00 00 50 48 cf f3 a4 90" OFF64,
      "b9 04 00 00 00 9c 81 0c 24 00 01 01 00 0e e8 00 00 00 00 83 04 24 05 cf f3 a4 90" OFF32, 0);
  RUN("iret with RF, int3 later", "49 89 e0 6a 2b 41 50 9c 81 0c 24 00 00 01 00 6a 33 48 8d 05 03 00 00 00 50 48 cf 90 cc",
      "9c 81 0c 24 00 00 01 00 0e e8 00 00 00 00 83 04 24 05 cf 90 cc 90", 0);
  RUN("iret with RF and TF, int3", "49 89 e0 6a 2b 41 50 9c 81 0c 24 00 01 01 00 6a 33 48 8d 05 03 00 00 00 50 48 cf cc 90" OFF64,
      "9c 81 0c 24 00 01 01 00 0e e8 00 00 00 00 83 04 24 05 cf cc 90" OFF32, 0);
  mode = COUNT_STEPS;
  SAME("five steps", "90 90 90 90 90 90 90 90 90 90", TF);
  SAME("five steps of a REP", "b9 14 00 00 00 f3 a4 90", TF);
  mode = NOTHING;
}

/* Pages that come in, and pages that the handler opens. */
static void faults(unsigned long flags) {
  map(PROT_READ | PROT_WRITE);
  RUN("rep over new pages", "48 8d ba fd 0f 00 00 b9 06 00 00 00 f3 aa 90", "8d ba fd 0f 00 00 b9 06 00 00 00 f3 aa 90", flags);
  mprotect(pages, 2 * PAGE, PROT_NONE);
  SAME("load", "90 8b 02 90", flags);
  mprotect(pages, 2 * PAGE, PROT_NONE);
  RUN("rep", "48 8d ba fd 0f 00 00 b9 06 00 00 00 f3 a4 90", "8d ba fd 0f 00 00 b9 06 00 00 00 f3 a4 90", flags);
  mprotect(pages + PAGE, PAGE, PROT_NONE);
  RUN("rep, in the middle", "48 8d ba fd 0f 00 00 b9 06 00 00 00 f3 a4 90", "8d ba fd 0f 00 00 b9 06 00 00 00 f3 a4 90", flags);
  mprotect(pages + PAGE, PAGE, PROT_NONE);
  SAME("gather", "b8 00 04 00 00 c5 f9 6e c8 c5 f1 73 f9 04 c5 e9 76 d2 c5 f9 ef c0 c4 e2 69 90 04 8a 90", flags);
  mprotect(pages + PAGE, PAGE, PROT_NONE);
  SAME("store across", "90 c7 82 fe 0f 00 00 01 02 03 04 90", flags);
  mprotect(pages, PAGE, PROT_READ);
  SAME("read-modify-write", "90 83 02 05 90 83 2a 06 90", flags);
  mprotect(pages, 2 * PAGE, PROT_NONE);
  RUN("push", "48 89 e1 48 8d a2 10 10 00 00 50 50 50 58 48 89 cc 90", "89 e1 8d a2 08 10 00 00 50 50 50 58 89 cc 90", flags);
  mprotect(pages, 2 * PAGE, PROT_NONE);
  mode = RAISE_ANOTHER;
  SAME("another signal at the handler's return", "90 8b 02 90", flags);
  mode = NOTHING;
  unmap();
}

static void unaligned(void) {
  mode = REPAIR_ALIGNMENT;
  RUN("loads", "8b 46 01 66 8b 46 01 8a 46 01 48 8b 46 04 48 8b 46 08 0f 10 46 01 f3 0f 6f 46 02 0f 28 06",
      "8b 46 01 66 8b 46 01 8a 46 01 0f 10 46 01 f3 0f 6f 46 02 0f 28 06", AC);
  RUN("stores", "88 46 41 66 89 46 41 89 46 42 48 89 46 44 48 89 46 48 0f 11 46 41 0f 29 46 40",
      "88 46 41 66 89 46 41 89 46 42 0f 11 46 41 0f 29 46 40", AC);
  SAME("read-modify-write", "01 46 41 ff 46 42 f0 ff 46 43 87 46 41 0f c1 46 42 f0 0f b1 46 43", AC);
  RUN("strings", "48 ff c6 a5 48 a5 66 a5 a4 a5 b9 03 00 00 00 f3 a5 ab ad af a7", "46 a5 66 a5 a4 a5 b9 03 00 00 00 f3 a5 ab ad af a7", AC);
  RUN("stack", "48 ff cc 50 58 9c 9d e8 00 00 00 00 58 6a 01 58 48 ff c4", "4c 50 58 9c 9d e8 00 00 00 00 58 6a 01 58 60 61 44", AC);
  RUN("enter leave", "48 ff cc c8 10 00 00 c9 48 ff c4 c8 08 00 02 c9", "4c c8 10 00 00 c9 44 c8 08 00 02 c9", AC);
  SAME("x87", "d9 46 01 dd 46 04 db 6e 08 db 6e 04 db 7e 44 dd 5e 44 d9 5e 41 df 46 01 db 46 02 df 6e 04 df 7e 44 db 5e 42 df 5e 41 db e3", AC);
  SAME("x87 images", "d9 76 41 d9 66 41 dd 76 41 dd 66 41 db e3 d9 7e 41 d9 6e 41 dd 7e 41", AC);
  SAME("sse", "f3 0f 10 46 01 f2 0f 10 46 04 f3 0f 11 46 41 f2 0f 11 46 44 f3 0f 58 46 02 0f 12 46 04 0f 17 46 44 66 0f 6e 46 02 66 0f d6 46 44", AC);
  SAME("avx", "c5 fc 10 46 01 c5 fc 10 46 10 c5 fc 11 46 41 c5 fc 58 46 04 c5 f8 58 46 04 c5 f8 10 46 08 c5 f8 77", AC);
  SAME("cmpxchg8b, bt, mxcsr", "0f c7 4e 44 0f a3 4e 41 0f ab 4e 42 0f ae 5e 41 0f ae 56 41 0f b6 46 01 0f b7 46 01", AC);
  SAME("movbe, crc32, movnti", "0f 38 f0 46 01 f2 0f 38 f1 46 01 0f 18 46 01 66 0f 7f 46 40 66 0f e7 46 40 0f c3 46 41", AC);
  RUN("indirect jump", "48 8d 0d 07 00 00 00 48 89 4e 41 ff 66 41 31 c9", "e8 00 00 00 00 59 83 c1 0a 89 4e 41 ff 66 41 31 c9", AC);
  RUN("bound, lds", 0, "c7 46 41 00 00 00 00 c7 46 45 09 00 00 00 62 46 41 c7 46 44 00 00 00 00 8c 5e 48 c5 46 44", AC);
  SAME("with TF", "8b 46 01 90 8b 46 02 90", AC | TF);
  mode = NOTHING;
  RUN("system call", "b8 ff ff 00 00 0f 05 90 90", "b8 ff ff 00 00 cd 80 90 90", TF | AC);
}

/* kill(getpid(), SIGUSR1) */
#define KILL64 "b8 27 00 00 00 0f 05 89 c7 be 0a 00 00 00 b8 3e 00 00 00 0f 05 31 c0 31 c9 90 0f 1f 00" OFF64
#define KILL32 "53 b8 14 00 00 00 cd 80 89 c3 b9 0a 00 00 00 b8 25 00 00 00 cd 80 31 c0 31 c9 90 0f 1f 00" OFF32 " 5b"

/* In a child, with the signals at their defaults (0), ignored (1) or blocked (2), else handled. */
static void child(const char *name, const char *hex, unsigned long flags, int disposition) {
  int status;
  if (fork() == 0) {
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGTRAP);
    sigaddset(&both, SIGBUS);
    if (disposition < 2) signal(SIGTRAP, disposition ? SIG_IGN : SIG_DFL), signal(SIGBUS, disposition ? SIG_IGN : SIG_DFL);
    if (disposition == 2) sigprocmask(SIG_BLOCK, &both, 0);
    run(name, hex, flags);
    while (wait(0) > 0) continue;
    _exit(0);
  }
  wait(&status);
  /* Whether it left a core dump is not its matter. */
  printf("%s, %d: status %x\n", name, disposition, status & ~0x80);
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc > 1) {
    unsigned long flags;
    __asm__ volatile("pushf; pop %0" : "=r"(flags));
    return (flags & (TF | AC)) != 0;
  }
  static byte alternate[STACK_USED];
  sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate}, 0);
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaddset(&action.sa_mask, SIGUSR2);
  const int handled[] = {SIGTRAP, SIGBUS, SIGILL, SIGFPE, SIGSEGV, SIGUSR1, SIGUSR2};
  for (int i = 0; i < 7; i++) sigaction(handled[i], &action, 0);
  body = mmap(0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int round = 0; round < ROUNDS; round++) {
    steps();
    faults(0);
    faults(TF);
    unaligned();
    RUN("kill", KILL64, KILL32, 0);
    mode = TOGGLE_TF;
    RUN("kill, TF set", KILL64, KILL32, 0);
    mode = NOTHING;
  }
  for (int disposition = 0; disposition < 4; disposition++) {
    child("TF", "90 90", TF, disposition);
    child("AC", "90 8b 46 01", AC, disposition);
    child("int3", "cc", 0, disposition);
  }
  child("fork", CODE("b8 39 00 00 00 0f 05 31 c0 90", "b8 02 00 00 00 cd 80 31 c0 90"), TF, 3);
  int status;
  if (fork() == 0) {
    char *arguments[] = {argv[0], "flags", 0};
    mode = COUNT_STEPS;
    steps_left = 3;
    __asm__ volatile("pushf; or" WIDTH " $0x40100, (%%" CODE("rsp", "esp") "); popf" ::: "memory", "cc");
    execv("/proc/self/exe", arguments);
    _exit(99);
  }
  wait(&status);
  printf("exec: %x\n", status);
  return 0;
}
