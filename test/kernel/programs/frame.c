/* Dumps its own signal frames: no libc, raw system calls, the same source for both ABIs. */
typedef unsigned long ulong;
typedef unsigned int u32;

#ifdef __x86_64__
#define NR_write 1
#define NR_rt_sigaction 13
#define NR_setitimer 38
#define NR_pause 34
#define NR_getpid 39
#define NR_kill 62
#define NR_sigaltstack 131
#define NR_exit_group 231
static long call(long n, long a, long b, long c, long d) {
  long r;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return r;
}
__asm__(".text\n.globl restore_rt\nrestore_rt: mov $15, %eax\n syscall\n");
__asm__(".globl _start\n_start: xor %ebp, %ebp\n and $-16, %rsp\n call start\n");
#else
#define NR_write 4
#define NR_rt_sigaction 174
#define NR_setitimer 104
#define NR_pause 29
#define NR_getpid 20
#define NR_kill 37
#define NR_sigaltstack 186
#define NR_exit_group 252
static long call(long n, long a, long b, long c, long d) {
  long r;
  __asm__ volatile("int $0x80" : "=a"(r) : "a"(n), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
  return r;
}
__asm__(".text\n.globl restore_rt\nrestore_rt: mov $173, %eax\n int $0x80\n");
__asm__(".text\n.globl restore_old\nrestore_old: pop %eax\n mov $119, %eax\n int $0x80\n");
void restore_old(void);
__asm__(".globl _start\n_start: xor %ebp, %ebp\n and $-16, %esp\n call start\n");
#endif
void restore_rt(void);

struct action {
  ulong handler, flags, restorer;
  u32 mask[2];
};
struct stack {
  void *sp;
  int flags;
  ulong size;
};

static char out[1 << 18];
static volatile int used;
static u32 pid;
static volatile int skip;

static void put(const char *s) {
  while (*s) out[used++] = *s++;
}
static void hex(ulong v, int digits) {
  for (int i = digits - 1; i >= 0; i--) out[used++] = "0123456789abcdef"[(v >> (4 * i)) & 15];
}
static void number(const char *name, ulong v) {
  put(name);
  put(" ");
  hex(v, 2 * sizeof v);
  put("\n");
}
/* Lines of 16 bytes; words that hold the pid are shown as PPPPPPPP, lines of zeros are left out. */
static void dump(const u32 *p, int bytes) {
  for (int i = 0; i < bytes / 4; i += 4) {
    if (!(p[i] | p[i + 1] | p[i + 2] | p[i + 3])) continue;
    hex(4 * i, 4);
    for (int j = 0; j < 4; j++) {
      put(" ");
      if (p[i + j] == pid) put("PPPPPPPP");
      else hex(p[i + j], 8);
    }
    put("\n");
  }
}

/* The FXSAVE image of a frame. */
static volatile u32 *fxsave_of(volatile ulong *frame) {
#ifdef __x86_64__
  return (u32 *)frame[1 + 5 + 23];
#else
  return (u32 *)(frame[2] == (ulong)(frame + 4) ? frame[(144 + 20 + 76) / 4] : frame[(8 + 76) / 4]) + 28;
#endif
}
/* Behind the extended state: 832 bytes and the magic number with AVX. */
static char *fp_end(volatile ulong *frame) {
  return (char *)fxsave_of(frame) + 836 / 16 * 16 + 16;
}
/* Processors differ in whether they keep the last x87 opcode and pointers, and in MXCSR_MASK. */
static void forget_fp_pointers(volatile ulong *frame) {
  volatile u32 *fx = fxsave_of(frame);
#ifndef __x86_64__
  fx[3 - 28] = fx[5 - 28] = 0;
#endif
  fx[1] &= 0xffff;
  fx[2] = fx[3] = fx[4] = fx[5] = fx[7] = 0;
}

/* The frame starts at the handler's return address. */
static void handler(int signo) {
  volatile ulong *frame = (ulong *)__builtin_frame_address(0) + 1;
  forget_fp_pointers(frame);
  number("signal", signo);
  number("frame", (ulong)frame);
  dump((const u32 *)frame, fp_end(frame) - (char *)frame);
#ifdef __x86_64__
  frame[1 + 5 + 16] += skip;
#else
  ulong info = frame[2];
  /* Behind restorer and signo: a sigcontext, or pointers to siginfo and ucontext. */
  if (info == (ulong)(frame + 4)) frame[(144 + 20 + 56) / 4] += skip;
  else frame[(8 + 56) / 4] += skip;
#endif
  skip = 0;
}

static void install(int signo, ulong flags) {
  struct action action = {(ulong)handler, flags | 0x04000000, (ulong)restore_rt, {1u << 4, 3}};
#ifndef __x86_64__
  if (!(flags & 4)) action.restorer = (ulong)restore_old;
#endif
  call(NR_rt_sigaction, signo, (long)&action, 0, 8);
}

static void faults(const char *title, ulong flags) {
  static const int signals[] = {4, 5, 8, 10, 11};
  put(title);
  for (int i = 0; i < 5; i++) install(signals[i], flags);
  skip = 2;
  __asm__ volatile("ud2" ::: "memory");
  __asm__ volatile("int3" ::: "memory");
  skip = 2;
  __asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; mov $7, %%eax; div %%ecx" ::: "eax", "ecx", "edx", "memory");
  skip = 2;
  __asm__ volatile("mov %%eax, (%0)" ::"c"(0x1230L) : "memory");
  skip = 1;
  __asm__ volatile("hlt" ::: "memory");
  call(NR_kill, pid, 10, 0, 0);
}

static char alternate[16384] __attribute__((aligned(64)));

__attribute__((used)) void start(void) {
  /* Something recognisable in the x87 and SSE registers. */
  static const double values[] = {1.5, -2.25};
  __asm__ volatile("movupd %0, %%xmm3; fldl %0; fldpi" ::"m"(values[0]));
  pid = call(NR_getpid, 0, 0, 0, 0);
  faults("plain\n", 0);
  faults("siginfo\n", 4);
  struct stack stack = {alternate, 0, sizeof alternate};
  call(NR_sigaltstack, (long)&stack, 0, 0, 0);
  faults("altstack\n", 4 | 0x08000000);
  /* A timer, in a call that it interrupts. */
  install(14, 4);
  ulong timer[4] = {0, 0, 0, 2000};
  call(NR_setitimer, 0, (long)timer, 0, 0);
  number("pause", call(NR_pause, 0, 0, 0, 0));
  call(NR_write, 1, (long)out, used, 0);
  call(NR_exit_group, 0, 0, 0, 0);
}
