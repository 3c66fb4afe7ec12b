/*
 * What sigreturn makes of a floating-point state that the handler has edited: a state is loaded, INT3 raises SIGTRAP, the
 * handler edits the frame at random, and the state that comes back is shown, or the SIGSEGV of a frame that was refused.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#ifdef __x86_64__
#define XSAVE "xsave64"
#define XRSTOR "xrstor64"
#define LEGACY 0
#else
#define XSAVE "xsave"
#define XRSTOR "xrstor"
/* struct fregs_state lies before the FXSAVE image. */
#define LEGACY 112
#endif
#define PAGE 4096
#define CASES 3000
/* x87, SSE and AVX; the kernel may use more of them. */
#define FEATURES 7
#define IMAGE 832
/* Whether pointers are saved with their sign is up to the processor. */
#define POINTER 0xffffffffffffull
#define MAGIC1 0x46505853
#define MAGIC2 0x46505845

struct image {
  uint16_t fcw, fsw;
  uint8_t ftw, zero;
  uint16_t fop;
  unsigned long long fip, fdp;
  uint32_t mxcsr, mxcsr_mask;
  uint8_t st[8][16], xmm[16][16];
  uint8_t unused[48];
  uint32_t magic1, extended_size;
  uint64_t features;
  uint32_t xstate_size, padding[7];
  uint64_t xstate_bv, xcomp_bv, reserved[6];
  uint8_t ymm[256];
};
static struct image before __attribute__((aligned(64))), after __attribute__((aligned(64)));
static uint8_t moved[4 * PAGE] __attribute__((aligned(PAGE)));
static sigjmp_buf refused;
static char edits[400];

static uint32_t random_state = 1;
static uint32_t below(uint32_t limit) {
  random_state = random_state * 1664525 + 1013904223;
  return (uint64_t)random_state * limit >> 32;
}
static void randomize(void *at, int size) {
  for (int i = 0; i < size; i++) ((uint8_t *)at)[i] = below(256);
}
static int pick(const char *name) {
  if (below(12)) return 0;
  strcat(edits, " ");
  strcat(edits, name);
  return 1;
}
static uint32_t digest(const void *from, int size) {
  uint32_t hash = 2166136261u;
  for (int i = 0; i < size; i++) hash = (hash ^ ((const uint8_t *)from)[i]) * 16777619;
  return hash;
}

/* Intel's processors save the pointers at all times, AMD's for a pending exception only. */
static void show(const char *what, struct image *state) {
  printf(" %s %04x %04x %02x", what, state->fcw, state->fsw, state->ftw);
  if (state->fsw & 0x80) printf(" %03x %012llx %012llx", state->fop, state->fip & POINTER, state->fdp & POINTER);
  printf(" %x %08x", state->mxcsr, digest(state->st, 128));
  printf(" %08x %08x\n", digest(state->xmm, LEGACY ? 128 : 256), digest(state->ymm, LEGACY ? 128 : 256));
}

static void edit(ucontext_t *context) {
  uint8_t *start = (uint8_t *)context->uc_mcontext.fpregs;
  struct image *state = (struct image *)(start + LEGACY);
  uint32_t size = state->xstate_size;
  state->xstate_bv |= FEATURES;
  if (pick("fcw")) state->fcw = below(0x10000);
  if (pick("fsw")) state->fsw = below(0x10000);
  if (pick("ftw")) state->ftw = below(256);
  if (pick("pointers")) randomize(&state->fop, 18);
  if (pick("st")) randomize(state->st, 128);
  if (pick("xmm")) randomize(state->xmm, 256);
  if (pick("ymm")) randomize(state->ymm, 256);
  if (pick("mxcsr")) state->mxcsr = below(0x10000);
  /* Bit 17 is not reserved on AMD's processors. */
  if (pick("reserved-mxcsr")) state->mxcsr |= 1u << (below(2) ? 16 : 18 + below(14));
  if (pick("mxcsr-mask")) state->mxcsr_mask = below(0x10000);
  if (pick("xstate-bv")) state->xstate_bv = (state->xstate_bv & ~(uint64_t)FEATURES) | below(FEATURES + 1);
  if (pick("no-xstate-bv")) state->xstate_bv = 0;
  if (!below(4) && pick("unknown-feature")) state->xstate_bv |= 1ull << (19 + below(45));
  if (!below(4) && pick("xcomp-bv")) state->xcomp_bv = 1ull << below(64);
  if (!below(4) && pick("header")) ((uint8_t *)state->reserved)[below(48)] = 1 + below(255);
  if (pick("magic1")) state->magic1 ^= 1u << below(32);
  if (pick("magic2")) *(uint32_t *)((uint8_t *)state + size) ^= 1u << below(32);
  if (pick("features")) state->features = (state->features & ~(uint64_t)FEATURES) | below(FEATURES + 1);
  if (pick("unknown-features")) state->features |= 1ull << (19 + below(45));
  if (pick("extended-size")) state->extended_size += (int)below(3) * 8 - 8 - (int)below(2) * (int)size;
  if (pick("size")) {
    static const uint16_t sizes[] = {0, 511, 512, 575, 576, 577, 640, 828, 832};
    state->xstate_size = sizes[below(9)];
    if (below(4)) memcpy((uint8_t *)state + state->xstate_size, &(uint32_t){MAGIC2}, 4);
  }
  if (pick("larger-size")) state->xstate_size = size + (below(2) ? 4 : 1 << 20);
  if (pick("uc-flags")) context->uc_flags &= ~1ul;
  if (LEGACY) {
    if (pick("legacy-control")) randomize(start, 2);
    if (pick("legacy-status")) randomize(start + 4, 2);
    if (pick("legacy-tags")) randomize(start + 8, 2);
    if (pick("legacy-pointers")) randomize(start + 12, 16);
    if (pick("legacy-high-words")) randomize(start + 2, 2), randomize(start + 6, 2), randomize(start + 10, 2);
    if (pick("legacy-st")) randomize(start + 28, 80);
    if (pick("legacy-copy")) randomize(start + 108, 2);
    if (pick("legacy-magic")) randomize(start + 110, 2);
  }
  if (pick("moved")) {
    /* The last page cannot be read; few copies reach it. */
    static const uint16_t alignments[] = {0, 0, 0, 0, 0, 32, 16, 8, 4, 1};
    uint32_t used = LEGACY + size + 4, room = (used + 63) & -64;
    uint8_t *to = moved + 3 * PAGE - room - 64 - LEGACY + alignments[below(10)];
    if (!below(3)) to += 64 * below((room - 64) / 64);
    uint8_t *end = moved + 3 * PAGE;
    memcpy(to, start, to + used > end ? (uint32_t)(end - to) : used);
    context->uc_mcontext.fpregs = (void *)to;
  }
  if (!below(4) && pick("null")) context->uc_mcontext.fpregs = 0;
  if (!below(4) && pick("nowhere")) context->uc_mcontext.fpregs = (void *)(moved + 3 * PAGE);
}

static void on_trap(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  show("frame", (struct image *)((uint8_t *)((ucontext_t *)context)->uc_mcontext.fpregs + LEGACY));
  edit(context);
  printf(" edit%s\n", edits);
}

static void on_segv(int signal, siginfo_t *info, void *context) {
  (void)signal;
  const ucontext_t *uc = context;
  struct image *state = (struct image *)((uint8_t *)uc->uc_mcontext.fpregs + LEGACY);
  printf(" refused: code %d trap %d error %d\n", info->si_code, (int)uc->uc_mcontext.gregs[REG_TRAPNO],
         (int)uc->uc_mcontext.gregs[REG_ERR]);
  show("cleared", state);
  siglongjmp(refused, 1);
}

static void load_and_trap(void) {
  uint32_t mxcsr = 0x1f80;
  __asm__ volatile(XRSTOR " %1\n\tint3\n\t" XSAVE " %0\n\tfninit\n\tvzeroupper\n\tldmxcsr %2"
       : "+m"(after)
       : "m"(before), "m"(mxcsr), "a"(FEATURES), "d"(0)
       : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7"
#ifdef __x86_64__
       , "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#endif
  );
}

int main(void) {
  static int i;
  static uint8_t stack[1 << 16];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
  if (sizeof before != IMAGE) return 1;
  mprotect(moved + 3 * PAGE, PAGE, PROT_NONE);
  sigaltstack(&alternate, 0);
  sigaction(SIGTRAP, &action, 0);
  action.sa_sigaction = on_segv;
  action.sa_flags |= SA_ONSTACK;
  sigaction(SIGSEGV, &action, 0);
  for (; i < CASES; i++) {
    edits[0] = 0;
    randomize(&before, 24);
    randomize(before.st, sizeof before.st + sizeof before.xmm);
    randomize(before.ymm, sizeof before.ymm);
    before.mxcsr = below(0x10000);
    before.xstate_bv = below(3) ? FEATURES : below(FEATURES + 1);
    memset(&after, 0, sizeof after);
    printf("%d\n", i);
    if (sigsetjmp(refused, 1)) continue;
    load_and_trap();
    show("after", &after);
  }
  return 0;
}
