/* The end of a program, in each way argv[1] names: handlers, flushing, messages, status. */
#define _GNU_SOURCE
#undef NDEBUG
#include <assert.h>
#include <err.h>
#include <errno.h>
#include <error.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void first(void) { puts("first"); }
static void again(void) { puts("again"); }
static void second(void) { puts("second"), atexit(again); }
static void with_status(int status, void *p) { printf("status %d %s\n", status, (char *)p); }
static void cxa(void *p) { printf("cxa %s\n", (char *)p); }
static void many(void) { static int n; n++; if (n == 100) puts("a hundred"); }
extern int __cxa_atexit(void (*)(void *), void *, void *);
extern int __cxa_at_quick_exit(void (*)(void *), void *);
extern void __cxa_finalize(void *);
extern void __assert_perror_fail(int, const char *, unsigned, const char *);
static void on_abort(int s) { write(1, "caught\n", 7); }
static void quick(void) { write(1, "quick\n", 6); }

int main(int argc, char **argv) {
  program_invocation_name = "prog", program_invocation_short_name = "prog";
  printf("not flushed yet;");
  errno = 2;
  switch (argv[1][0]) {
    case 'a': atexit(first), atexit(second), on_exit(with_status, "on_exit"), __cxa_atexit(cxa, "arg", NULL); return 5;
    case 'b': for (int i = 0; i < 100; i++) atexit(many); exit(3 + 256);
    case 'c': fflush(stdout), atexit(first), _exit(4);
    case 'd': fflush(stdout), abort();
    case 'e': signal(SIGABRT, on_abort), fflush(stdout), abort();
    case 'f': fflush(stdout), assert(argc == 17);
    case 'g': fflush(stdout), __assert_perror_fail(5, "file.c", 12, "function");
    case 'h': err(6, "err %d", 1);
    case 'i': errx(7, "errx");
    case 'j': warn("warn"), warnx("warnx %s", "x"), error(0, 13, "error %d", 2), error(8, 0, "the end");
    case 'k': error_at_line(9, 2, "f.c", 10, "at line");
    case 'l': __cxa_at_quick_exit((void (*)(void *))quick, NULL), __cxa_at_quick_exit((void (*)(void *))quick, NULL), fflush(stdout), quick_exit(10);
    case 'm': { static int dso; __cxa_atexit(cxa, "mine", &dso), __cxa_atexit(cxa, "other", NULL), __cxa_finalize(&dso); puts("finalized"); return 0; }
    case 'n': fflush(stdout), fclose(stdout), fclose(stdin); return puts("x") == EOF;
    case 'o': fflush(stdout), _Exit(11);
    case 'p': fflush(stdout), raise(SIGKILL);
    case 'q': { static jmp_buf env; atexit(first); if (setjmp(env) == 0) longjmp(env, 0); exit(12); }
    case 'r': { char line[9]; return fgets(line, 9, stdin) ? 0 : 1; } /* the rest of standard input is for the next program */
  }
  return 0;
}
