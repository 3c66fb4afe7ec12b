/* Code that changes: through aliases, files, other threads and processes, in the running block; fetches that fault. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef __x86_64__
#define PC REG_RIP
#else
#define PC REG_EIP
#endif
#define P 4096
#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define RX (PROT_READ | PROT_EXEC)
#define RW (PROT_READ | PROT_WRITE)

typedef int function(void);
typedef unsigned char byte;

static sigjmp_buf back;
static byte *base;
static const char *place(void *address) {
  static char text[2][30];
  static int k;
  long distance = (byte *)address - base;
  k ^= 1;
  if (address == 0) return "null";
  if (distance > 4 * P || distance < -4 * P) return "elsewhere";
  sprintf(text[k], "%ld", distance);
  return text[k];
}
static void fault(int signo, siginfo_t *info, void *context) {
  greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
  printf("  signal %d code %d addr %s pc %s err %x trap %d\n", signo, info->si_code, place(info->si_addr),
         place((void *)regs[PC]), (unsigned)regs[REG_ERR], (int)regs[REG_TRAPNO]);
  siglongjmp(back, 1);
}

/* What the code leaves in EAX, which it finds zero (but not all of RAX). */
static int call(byte *at) {
  int result = 0;
  if (sigsetjmp(back, 1)) return -1;
  __asm__ volatile("call *%1"
                   : "+a"(result)
                   : "r"(at)
                   : "ecx", "edx", "memory", "cc"
#ifdef __x86_64__
                     , "r8", "r9", "r10", "r11"
#endif
  );
  return result;
}

/* mov eax, value; ret */
static void returns(byte *at, int value) {
  byte code[6] = {0xb8, 0, 0, 0, 0, 0xc3};
  memcpy(code + 1, &value, 4);
  memcpy(at, code, 6);
}

static byte *pages(int count, int prot) {
  byte *at = mmap(0, count * P, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) abort();
  base = at;
  return at;
}

static void say(const char *what, long value) { printf("%s: %ld\n", what, value); }

static void aliases(void) {
  int fd = memfd_create("code", 0);
  ftruncate(fd, 2 * P);
  byte *write = mmap(0, 2 * P, RW, MAP_SHARED, fd, 0);
  byte *run = mmap(0, 2 * P, RX, MAP_SHARED, fd, 0);
  byte *again = mmap(0, 2 * P, RX, MAP_SHARED, fd, 0);
  base = run;
  long sum = 0;
  for (int i = 0; i < 1500; i++) {
    returns(write + 16, i);
    sum = sum * 3 + call(run + 16) + call(again + 16);
  }
  say("alias", sum);
  for (int i = 0; i < 5000; i++) {
    if (i % 500 == 0) returns(write + 16, i);
    sum = sum * 3 + call(run + 16) + call(again + 16);
  }
  say("alias, seldom", sum);
  for (int i = 0; i < 300; i++) {
    byte code[6];
    returns(code, i);
    pwrite(fd, code, 6, 16);
    sum = sum * 3 + call(run + 16);
    lseek(fd, 16, SEEK_SET);
    returns(code, -i);
    struct iovec parts[2] = {{code, 3}, {code + 3, 3}};
    writev(fd, parts, 2);
    sum = sum * 3 + call(again + 16);
  }
  say("write", sum);
  /* An instruction that crosses into the second page, which alone changes. */
  returns(write + P - 3, 0x01020304);
  say("across", call(run + P - 3));
  for (int i = 0; i < 300; i++) {
    write[P] = i;
    sum = sum * 3 + call(run + P - 3);
  }
  say("across, second page", sum);
  for (int i = 0; i < 300; i++) {
    write[P - 2] = i;
    sum = sum * 3 + call(run + P - 3);
  }
  say("across, first page", sum);
  mprotect(run + P, P, PROT_READ);
  say("second page not executable", call(run + P - 3));
  munmap(run + P, P);
  say("second page gone", call(run + P - 3));
  mmap(run + P, P, RX, MAP_SHARED | MAP_FIXED, fd, P);
  say("second page back", call(run + P - 3));
  mmap(run + P, P, RX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  say("second page of zeros", call(run + P - 3));
  mmap(run + P, P, RX, MAP_SHARED | MAP_FIXED, fd, P);
  ftruncate(fd, P);
  say("second page behind the end of the file", call(run + P - 3));
  ftruncate(fd, 2 * P);
  say("second page of the file emptied", call(run + P - 3));
  if (fork() == 0) {
    returns(write + 16, 4711);
    _exit(0);
  }
  wait(0);
  say("written by another process", call(run + 16));
  /* A private mapping shows the file until it is written to. */
  byte *own = mmap(0, P, RWX, MAP_PRIVATE, fd, 0);
  say("private", call(own + 16));
  returns(write + 16, 11);
  say("private, file changed", call(own + 16));
  own[17] = 12;
  say("private, changed", call(own + 16));
  returns(write + 16, 13);
  say("private, file changed again", call(own + 16));
  madvise(own, P, MADV_DONTNEED);
  say("private, given up", call(own + 16));
  fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, P);
  *(unsigned short *)(write + 18) = 0xc3c3;
  say("hole", call(run + 18));
  close(fd);
}

static void *patch(void *at) {
  for (int i = 0; i < 20; i++) {
    for (volatile int k = 0; k < 3000; k++) {
    }
    ((byte *)at)[1] = 100 + i;
  }
  return 0;
}

static void threads(void) {
  byte *code = pages(1, RWX);
  returns(code, 1);
  pthread_t thread;
  pthread_create(&thread, 0, patch, code);
  int seen = 0;
  while (seen != 119) seen = call(code);
  pthread_join(thread, 0);
  say("another thread", seen);
  byte loop[] = {0x31, 0xc0, 0xff, 0xc0, 0xeb, 0xfc, 0xc3}; /* xor eax, eax; again: inc eax; jmp again; ret */
  memcpy(code, loop, sizeof loop);
  pthread_t waker;
  void *stop(void *at) {
    usleep(1000);
    ((volatile byte *)at)[5] = 0;
    return 0;
  }
  pthread_create(&waker, 0, stop, code);
  say("endless loop ended", call(code) > 0);
  pthread_join(waker, 0);
}

/* Code that writes into what comes next. */
static void running(void) {
  byte *code = pages(1, RWX);
#ifdef __x86_64__
  byte next[] = {0xb9, 0xe8, 0x03, 0, 0,                      /* mov ecx, 1000 */
                 0x31, 0xc0,                                  /* xor eax, eax */
                 0x88, 0x0d, 0x01, 0, 0, 0,                   /* again: mov [rip + 1], cl: the immediate below */
                 0x05, 0x11, 0, 0, 0,                         /* add eax, 0x11 */
                 0xff, 0xc9, 0x75, 0xf1, 0xc3};               /* dec ecx; jnz again; ret */
  memcpy(code, next, sizeof next);
#else
  byte next[] = {0xb9, 0xe8, 0x03, 0, 0, 0x31, 0xc0, 0x88, 0x0d, 0, 0, 0, 0, 0x05, 0x11, 0, 0, 0, 0xff, 0xc9, 0x75, 0xf1, 0xc3};
  memcpy(code, next, sizeof next);
  *(byte **)(code + 9) = code + 14;
#endif
  say("next instruction", call(code));
  say("next instruction again", call(code));
  long sum;
  /* push, call, string and vector stores into the code behind them; each is followed by NOPs that they replace. */
  static const struct {
    const char *name;
    byte code[40];
  } stores[] = {
      /* The argument, a pointer to bytes to run, is in rsi/esi; the target in rdi/edi. */
      {"movsb", {0xa4, 0xa4, 0xa4, 0xa4, 0xa4, 0xa4}},
      {"rep movsb", {0xb9, 6, 0, 0, 0, 0xf3, 0xa4}},
      {"movsd", {0xa5, 0xa5}},
      {"movups", {0x0f, 0x10, 0x06, 0x0f, 0x11, 0x07}},
      {"movdqa", {0x66, 0x0f, 0x6f, 0x06, 0x66, 0x0f, 0x7f, 0x07}},
      {"movq", {0xf3, 0x0f, 0x7e, 0x06, 0x66, 0x0f, 0xd6, 0x07}},
      {"movntps", {0x0f, 0x10, 0x06, 0x0f, 0x2b, 0x07}},
      {"fistp", {0xdf, 0x2e, 0xdf, 0x3f}},
      {"mmx", {0x0f, 0x6f, 0x06, 0x0f, 0x7f, 0x07, 0x0f, 0x77}},
      {"xchg", {0x8b, 0x06, 0x87, 0x07, 0x8b, 0x46, 0x04, 0x87, 0x47, 0x04}},
      {"cmpxchg8b", {0x8b, 0x1e, 0x8b, 0x4e, 4, 0x8b, 0x07, 0x8b, 0x57, 4, 0xf0, 0x0f, 0xc7, 0x0f}},
      {"vmovups ymm", {0xc5, 0xfc, 0x10, 0x06, 0xc5, 0xfc, 0x11, 0x07, 0xc5, 0xf8, 0x77}},
      {"maskmovdqu", {0x66, 0x0f, 0x6f, 0x06, 0x66, 0x0f, 0x76, 0xc9, 0x66, 0x0f, 0xf7, 0xc1}},
      {"or", {0x8b, 0x06, 0xc7, 0x07, 0, 0, 0, 0, 0x09, 0x07, 0x8b, 0x46, 4, 0xc7, 0x47, 4, 0, 0, 0, 0, 0x09, 0x47, 4}},
  };
  static _Alignas(32) byte source[32];
  for (unsigned k = 0; k < sizeof stores / sizeof *stores; k++) {
    sum = 0;
    for (int i = 0; i < 60; i++) {
      byte *at = code + 256;
      byte *target = code + 320;
      memset(at, 0x90, 192);
      /* push rbx, rsi, rdi; mov rsi, source; mov rdi, target */
      byte *p = at;
      *p++ = 0x53, *p++ = 0x56, *p++ = 0x57;
      const void *addresses[] = {source, target};
      for (int a = 0; a < 2; a++) {
        if (sizeof(void *) == 8) *p++ = 0x48;
        *p++ = 0xbe + a;
        memcpy(p, &addresses[a], sizeof(void *));
        p += sizeof(void *);
      }
      memcpy(p, stores[k].code, sizeof stores[k].code);
      for (int n = 39; n >= 0 && p[n] == 0; n--) p[n] = 0x90;
      /* The bytes: mov eax, i; then NOPs; behind all of them the pops and RET. */
      memset(source, 0x90, 32);
      returns(source, 1000 * k + i);
      source[5] = 0x90;
      memcpy(at + 160, (byte[]){0x5f, 0x5e, 0x5b, 0xc3}, 4);
      if (i % 3 == 0) call(at);
      sum = sum * 7 + call(at);
    }
    say(stores[k].name, sum);
  }
  /* A REP that goes downwards and overwrites itself with NOPs: ECX is what it has left to do. */
  sum = 0;
  for (int i = 0; i < 40; i++) {
    byte *p = code;
    byte *at = code + 0x60;
    byte *last = at + 19;
    *p++ = 0x57;
    if (sizeof(void *) == 8) *p++ = 0x48;
    *p++ = 0xbf;
    memcpy(p, &last, sizeof(void *));
    p += sizeof(void *);
    memset(p, 0x90, 0x80);
    memcpy(p, (byte[]){0xb9, 40, 0, 0, 0, 0xb0, 0x90, 0xfd}, 8);
    memcpy(at, (byte[]){0xf3, 0xaa}, 2);
    memcpy(at + 20, (byte[]){0xfc, 0x89, 0xc8, 0x5f, 0xc3}, 5);
    sum = sum * 3 + call(code) + 1;
  }
  say("rep stosb over itself", sum);
  /* A system call that writes the instruction it returns to. */
  int fd = memfd_create("bytes", 0);
  byte bytes[6];
  returns(bytes, 77);
  pwrite(fd, bytes, 6, 0);
#ifdef __x86_64__
  byte reads[] = {0x31, 0xc0, 0xbf, 0, 0, 0, 0, 0x48, 0x8d, 0x35, 7, 0, 0, 0, 0xba, 6, 0, 0, 0, 0x0f, 0x05, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3};
  memcpy(code, reads, sizeof reads);
  memcpy(code + 3, &fd, 4);
#else
  byte reads[] = {0x53, 0xb8, 3, 0, 0, 0, 0xbb, 0, 0, 0, 0, 0xb9, 0, 0, 0, 0, 0xba, 5, 0, 0, 0, 0xcd, 0x80, 0x90, 0x90, 0x90, 0x90, 0x90, 0x5b, 0xc3};
  memcpy(code, reads, sizeof reads);
  memcpy(code + 7, &fd, 4);
  *(byte **)(code + 12) = code + 23;
#endif
  sum = 0;
  for (int i = 0; i < 50; i++) {
    lseek(fd, 0, SEEK_SET);
    bytes[1] = i;
    pwrite(fd, bytes, 6, 0);
    sum = sum * 3 + call(code);
  }
  say("read into the code that reads", sum);
  close(fd);
}

static void remapped(void) {
  long sum = 0;
  byte *code = pages(1, RWX);
  for (int i = 0; i < 200; i++) {
    mprotect(code, P, RW);
    returns(code, i);
    mprotect(code, P, RX);
    sum = sum * 3 + call(code);
  }
  say("mprotect", sum);
  byte *other = mremap(code, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, pages(1, RW));
  base = other;
  say("moved", call(other));
  base = code;
  say("moved away", call(code));
  for (int i = 0; i < 200; i++) {
    mmap(code, P, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    returns(code, i);
    sum = sum * 3 + call(code) + call(other);
    munmap(code, P);
  }
  say("mapped anew", sum);
  code = pages(1, RWX);
  returns(code, 5);
  say("before", call(code));
  madvise(code, P, MADV_DONTNEED);
  code[6] = 0xc3;
  say("emptied", call(code + 6));
  returns(code, 6);
  if (fork() == 0) {
    returns(code, 7);
    say("child", call(code));
    fflush(stdout);
    _exit(0);
  }
  int status;
  wait(&status);
  say("parent", call(code));
  returns(code, 8);
  say("parent, changed", call(code));
  int fds[2];
  pipe(fds);
  byte bytes[6];
  returns(bytes, 9);
  write(fds[1], bytes, 6);
  struct iovec parts[2] = {{code, 2}, {code + 2, 4}};
  say("read from a pipe", readv(fds[0], parts, 2) == 6 ? call(code) : -2);
}

static void fetches(void) {
  byte *code = pages(3, RWX);
  munmap(code + P, P);
  returns(code + P - 6, 21);
  say("ends at the page's end", call(code + P - 6));
  memset(code + P - 4, 0x90, 4);
  say("runs off the page", call(code + P - 4));
  code[P - 1] = 0xb8;
  say("instruction cut off", call(code + P - 1));
  memset(code + P - 15, 0x66, 15);
  say("15 prefixes", call(code + P - 15));
  memset(code + P - 14, 0x66, 14);
  say("14 prefixes", call(code + P - 14));
  code[P - 2] = 0x0f, code[P - 1] = 0x0b;
  say("ud2 at the end", call(code + P - 2));
  code[P - 1] = 0x06;
  say("0f 06 at the end", call(code + P - 2));
  mprotect(code, P, PROT_READ);
  say("read-only", call(code + 100));
  mprotect(code, P, RW);
  say("not executable", call(code + 100));
  mprotect(code, P, PROT_NONE);
  say("no access", call(code + 100));
  mprotect(code, P, PROT_EXEC);
  returns(code + 2 * P, 22);
  say("executable only", call(code + P - 2));
  byte stack[64];
  base = stack;
  returns(stack, 1);
  say("stack", call(stack));
  byte *heap = malloc(100);
  base = heap;
  returns(heap, 1);
  say("heap", call(heap));
  base = 0;
  say("null", call(0));
  base = (byte *)-P;
  say("top", call((byte *)-16));
}

static byte *trapped;
static void mend(int signo, siginfo_t *info, void *context) {
  (void)info;
  returns(trapped, 300 + signo);
  if (signo == SIGTRAP) ((ucontext_t *)context)->uc_mcontext.gregs[PC]--;
}

static void mended(void) {
  struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
  sigaction(SIGILL, &action, 0);
  sigaction(SIGTRAP, &action, 0);
  trapped = pages(1, RWX);
  long sum = 0;
  for (int i = 0; i < 300; i++) {
    trapped[0] = 0x0f, trapped[1] = 0x0b;
    sum = sum * 3 + ((function *)trapped)();
    sum = sum * 3 + ((function *)trapped)();
    trapped[0] = 0xcc;
    sum = sum * 3 + ((function *)trapped)();
  }
  say("mended by handlers", sum);
}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  static byte alternate[1 << 16];
  sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate}, 0);
  struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
  for (int i = 0; i < 5; i++) sigaction(signals[i], &action, 0);
  aliases();
  threads();
  running();
  remapped();
  fetches();
  mended();
  return 0;
}
