/*
 * Variables of malloc, which src/libc/malloc reads and writes: where glibc has them, in libc's data segment, and the sizes
 * are those of the version that needs most. Thread-local ones fill the module's block up to what glibc's takes.
 */
#define VARIABLE __attribute__ ((visibility ("hidden")))
#define WORDS(n) [(n) * sizeof (long)]

VARIABLE __attribute__ ((aligned (32), section (".data"))) char main_arena WORDS (275) = { 0 };
VARIABLE __attribute__ ((aligned (32), section (".data"))) char mp_ WORDS (24) = { 0 };
VARIABLE int check_action = 3;
/* The version of the image: link.mjs says which. */
VARIABLE int libc_glibc_minor = GLIBC_MINOR;
VARIABLE char libc_glibc_version[] = GLIBC_VERSION;
VARIABLE unsigned long narenas = 1;

VARIABLE char *__curbrk;
VARIABLE unsigned long global_max_fast, narenas_limit, tcache_key, arena_mem;
VARIABLE int perturb_byte, __malloc_initialized, using_malloc_checking;
VARIABLE void *free_list, *next_to_use, *aligned_heap_area;
VARIABLE char tcache_dummy WORDS (160);

VARIABLE __thread void *thread_arena, *tcache;
VARIABLE __thread int tcache_shutting_down;
VARIABLE __thread char __folio_tls_rest WORDS (8);

void libc_message (int abort_after, const char *format, ...) __attribute__ ((visibility ("hidden")));
void abort (void) __attribute__ ((noreturn));
long write (int, const void *, unsigned long);
unsigned long strlen (const char *);

/*
 * Where a call of malloc continues that found the heap damaged and is to end the program: malloc_printerr of malloc.c, and the
 * assertion. Bits 0-2 of style: 0 nothing is printed, 1 a line by libc_message, 2 a line on standard error; bit 3:
 * backtrace and memory map follow.
 */
VARIABLE __attribute__ ((noreturn)) void __folio_malloc_fatal (const char *line, int style)
{
#if GLIBC_MINOR < 26
  if ((style & 7) == 1)
    libc_message (style & 8 ? 2 : 1, "%s\n", line);
#endif
  if ((style & 7) != 0)
    {
      write (2, line, strlen (line));
      write (2, "\n", 1);
    }
  abort ();
}
