/* The C part of setjmp(3), and what the assembler functions share. */
#include "../syscall.h"

struct jump { long reg[sizeof(long) == 8 ? 8 : 6]; int mask_saved; sigset_t mask; };

HIDDEN NORETURN void libc_restore_regs(struct jump *, int);
HIDDEN uintptr_t libc_saved_sp(struct jump *);

#ifdef __i386__
__attribute__((regparm(3)))
#endif
HIDDEN int libc_save_mask(struct jump *env, int save) {
  env->mask_saved = save && sigprocmask(SIG_BLOCK, NULL, &env->mask) == 0;
  return 0;
}

HIDDEN long libc_syscall_error(long negative) {
  errno = -(int)negative;
  return -1;
}

NORETURN void siglongjmp(struct jump *env, int value) {
  if (env->mask_saved) sigprocmask(SIG_SETMASK, &env->mask, NULL);
  libc_restore_regs(env, value ? value : 1);
}
ALIAS(longjmp, siglongjmp);
ALIAS(_longjmp, siglongjmp);

HIDDEN NORETURN void __fortify_fail(const char *);

/* With _FORTIFY_SOURCE: one may only jump up the stack (an alternate signal stack is left out of account). */
NORETURN void __longjmp_chk(struct jump *env, int value) {
  struct { void *sp; int flags; size_t size; } alternate = { 0 };
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  if (libc_saved_sp(env) < here && (RAW(SYS_sigaltstack, NULL, &alternate) < 0 || !(alternate.flags & 1)))
    __fortify_fail("longjmp causes uninitialized stack frame");
  siglongjmp(env, value);
}
