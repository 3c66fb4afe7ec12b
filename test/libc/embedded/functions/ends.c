/* Functions that do not return, one in each run. */
#define _GNU_SOURCE
#include <assert.h>
#include <err.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
void __chk_fail(void), __stack_chk_fail(void), __assert(const char *, const char *, int), __longjmp_chk(jmp_buf, int);
extern char *program_invocation_name, *program_invocation_short_name;
static void with(void (*end)(int, const char *, va_list), const char *format, ...) {
  va_list ap;
  va_start(ap, format), end(5, format, ap);
}
static void late(int s) { (void)s, write(1, "waited\n", 7), _exit(9); }
static jmp_buf env;
__attribute__((noinline)) static int deeper(void) { volatile char room[200]; room[0] = 0; return (setjmp)(env) + room[0]; }
int main(int argc, char **argv) {
  program_invocation_name = program_invocation_short_name = "prog";
  (void)argc;
  switch (argv[1][0]) {
    case 'a': __chk_fail();
    case 'b': __stack_chk_fail();
    case 'c': __assert("it holds", "ends.c", 3);
    case 'd': with(verr, "verr %d", 1);
    case 'e': with(verrx, "verrx %d", 1);
    case 'f': { pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; pthread_cond_t c = PTHREAD_COND_INITIALIZER; signal(SIGALRM, late), alarm(1), pthread_mutex_lock(&m), pthread_cond_wait(&c, &m); }
    case 'g': if (deeper() == 0) __longjmp_chk(env, 1);
    case 'h': __fdelt_chk(1024);
  }
  return 0;
}
