/* The allocator's public functions. Each calls its trap, so that it has a frame of its own in backtraces. */
#include "../libc.h"

struct mallinfo { int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost; };

#define TRAP(type, name, parameters, arguments) \
  HIDDEN type __folio_trap_##name parameters; \
  type name parameters { \
    type result = __folio_trap_##name arguments; \
    __asm__ volatile("" : "+r"(result)); \
    return result; \
  }
#define VOID_TRAP(name, parameters, arguments) \
  HIDDEN void __folio_trap_##name parameters; \
  void name parameters { \
    __folio_trap_##name arguments; \
    __asm__ volatile(""); \
  }

TRAP(void *, malloc, (size_t size), (size))
VOID_TRAP(free, (void *block), (block))
TRAP(void *, calloc, (size_t count, size_t size), (count, size))
TRAP(void *, realloc, (void *block, size_t size), (block, size))
TRAP(void *, memalign, (size_t alignment, size_t size), (alignment, size))
TRAP(int, posix_memalign, (void **block, size_t alignment, size_t size), (block, alignment, size))
TRAP(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
TRAP(void *, valloc, (size_t size), (size))
TRAP(void *, pvalloc, (size_t size), (size))
TRAP(size_t, malloc_usable_size, (void *block), (block))
TRAP(int, malloc_trim, (size_t pad), (pad))
TRAP(int, mallopt, (int parameter, int value), (parameter, value))
VOID_TRAP(malloc_stats, (void), ())
HIDDEN void __folio_trap_mallinfo(struct mallinfo *);
struct mallinfo mallinfo(void) {
  struct mallinfo result;
  __folio_trap_mallinfo(&result);
  return result;
}

ALIAS(cfree, free);
ALIAS(__libc_malloc, malloc);
ALIAS(__libc_free, free);
ALIAS(__libc_calloc, calloc);
ALIAS(__libc_realloc, realloc);
ALIAS(__libc_memalign, memalign);
ALIAS(__libc_valloc, valloc);
ALIAS(__libc_pvalloc, pvalloc);
ALIAS(__libc_mallopt, mallopt);
ALIAS(__libc_mallinfo, mallinfo);
