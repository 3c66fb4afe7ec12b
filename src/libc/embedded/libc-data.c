/*
 * Variables of malloc, which src/libc/malloc reads and writes: where glibc has them, in libc's data segment, and the sizes
 * are those of the version that needs most. Thread-local ones fill the module's block up to what glibc's takes.
 */
#define VARIABLE __attribute__ ((visibility ("hidden")))
#define WORDS(n) [(n) * sizeof (long)]

VARIABLE __attribute__ ((aligned (32), section (".data"))) char main_arena WORDS (275) = { 0 };
VARIABLE __attribute__ ((aligned (32), section (".data"))) char mp_ WORDS (24) = { 0 };
VARIABLE int check_action = 3;
VARIABLE unsigned long narenas = 1;

VARIABLE char *__curbrk;
VARIABLE unsigned long global_max_fast, narenas_limit, tcache_key, arena_mem;
VARIABLE int perturb_byte, __malloc_initialized, using_malloc_checking;
VARIABLE void *free_list, *next_to_use, *aligned_heap_area;
VARIABLE char tcache_dummy WORDS (160);

VARIABLE __thread void *thread_arena, *tcache;
VARIABLE __thread int tcache_shutting_down;
VARIABLE __thread char __folio_tls_rest WORDS (8);
