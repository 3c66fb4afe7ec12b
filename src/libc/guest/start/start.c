/* __libc_start_main (LSB Core, "System V ABI: process initialization"), as start-up code of all eras calls it. */
#include "../libc.h"

enum { AT_NULL = 0, AT_PHDR = 3, AT_PHNUM = 5, AT_SECURE = 23 };
enum { PT_DYNAMIC = 2, PT_PHDR = 6 };
enum { DT_NULL = 0, DT_INIT = 12, DT_INIT_ARRAY = 25, DT_INIT_ARRAYSZ = 27, DT_PREINIT_ARRAY = 32, DT_PREINIT_ARRAYSZ = 33 };

typedef void initializer(int, char **, char **);
struct dynamic { long tag; unsigned long value; };
#ifdef __x86_64__
struct phdr { unsigned type, flags; unsigned long offset, vaddr, paddr, filesz, memsz, align; };
#else
struct phdr { unsigned type; unsigned long offset, vaddr, paddr, filesz, memsz; unsigned flags; unsigned long align; };
#endif

char **__environ;
WEAK_ALIAS(_environ, __environ);
WEAK_ALIAS(environ, __environ);
char *__progname = (char *)"", *__progname_full = (char *)"";
WEAK_ALIAS(program_invocation_short_name, __progname);
WEAK_ALIAS(program_invocation_name, __progname_full);
HIDDEN char **libc_argv;
HIDDEN unsigned long *libc_auxv;
HIDDEN void *__libc_stack_end;
THREAD_LOCAL int __libc_errno;
__attribute__((weak)) HIDDEN int libc_glibc_minor = 11;
__attribute__((weak)) HIDDEN char libc_glibc_version[] = "2.11.1";

int *__errno_location(void) { return &errno; }

HIDDEN unsigned long auxv_value(unsigned long type, unsigned long otherwise) {
  for (unsigned long *a = libc_auxv; a && a[0] != AT_NULL; a += 2)
    if (a[0] == type) return a[1];
  return otherwise;
}

unsigned long getauxval(unsigned long type) {
  unsigned long value = auxv_value(type, 0);
  if (value == 0) errno = ENOENT;
  return value;
}

HIDDEN int __libc_enable_secure;

/* Runs before the initializers of other objects (they may want environ), and again from __libc_start_main. */
__attribute__((constructor)) static void init_first(int argc, char **argv, char **envp) {
  if (libc_argv || !argv) return;
  (void)argc;
  libc_argv = argv;
  __environ = envp;
  char **end = envp;
  while (*end) end++;
  libc_auxv = (unsigned long *)(end + 1);
  __libc_enable_secure = auxv_value(AT_SECURE, 0) != 0;
  if (argv[0]) {
    char *slash = strrchr(argv[0], '/');
    __progname_full = argv[0];
    __progname = slash ? slash + 1 : argv[0];
  }
}

static void call_array(unsigned long base, unsigned long at, unsigned long size, int argc, char **argv, char **envp) {
  initializer **functions = (initializer **)(base + at);
  for (unsigned long i = 0; i < size / sizeof *functions; i++) functions[i](argc, argv, envp);
}

/* Programs linked since glibc 2.34 leave their own initializers to the libc (init is null): DT_INIT, DT_INIT_ARRAY. */
static void call_program_initializers(int argc, char **argv, char **envp) {
  const struct phdr *phdr = (const struct phdr *)auxv_value(AT_PHDR, 0);
  unsigned long count = auxv_value(AT_PHNUM, 0), base = 0;
  const struct dynamic *dynamic = NULL;
  for (unsigned long i = 0; phdr && i < count; i++) {
    if (phdr[i].type == PT_PHDR) base = (unsigned long)phdr - phdr[i].vaddr;
    if (phdr[i].type == PT_DYNAMIC) dynamic = (const struct dynamic *)(base + phdr[i].vaddr);
  }
  if (!dynamic) return;
  unsigned long value[DT_PREINIT_ARRAYSZ + 1] = { 0 };
  for (; dynamic->tag != DT_NULL; dynamic++)
    if ((unsigned long)dynamic->tag <= DT_PREINIT_ARRAYSZ) value[dynamic->tag] = dynamic->value;
  if (value[DT_INIT]) ((initializer *)(base + value[DT_INIT]))(argc, argv, envp);
  if (value[DT_INIT_ARRAY]) call_array(base, value[DT_INIT_ARRAY], value[DT_INIT_ARRAYSZ], argc, argv, envp);
}

NORETURN int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, initializer *init,
                               void (*fini)(void), void (*rtld_fini)(void), void *stack_end) {
  init_first(argc, argv, argv + argc + 1);
  __libc_stack_end = stack_end;
  if (rtld_fini) __cxa_atexit((void (*)(void *))rtld_fini, NULL, NULL);
  if (fini) __cxa_atexit((void (*)(void *))fini, NULL, NULL);
  if (init) init(argc, argv, __environ);
  else call_program_initializers(argc, argv, __environ);
  exit(main(argc, argv, __environ));
}
