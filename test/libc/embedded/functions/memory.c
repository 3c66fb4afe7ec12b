/* malloc's functions under all their names; sizes and distances, not addresses. */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
void cfree(void *), *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t), *__libc_valloc(size_t), *__libc_pvalloc(size_t), __libc_free(void *);
int __libc_mallopt(int, int);
struct mallinfo __libc_mallinfo(void);
#ifdef __x86_64__
__asm__(".symver cfree, cfree@GLIBC_2.2.5");
#else
__asm__(".symver cfree, cfree@GLIBC_2.0");
#endif
static char *first;
static void show(const char *name, void *p) { printf("%s %td %zu\n", name, (char *)p - first, malloc_usable_size(p)); }
int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  first = malloc(100);
  show("malloc", malloc(10)), show("calloc", calloc(3, 30)), show("realloc", realloc(malloc(50), 500));
  show("libc malloc", __libc_malloc(10)), show("libc calloc", __libc_calloc(3, 30)), show("libc realloc", __libc_realloc(malloc(60), 700));
  void *p = NULL;
  printf("%d\n", posix_memalign(&p, 64, 100)), show("posix_memalign", p), show("memalign", memalign(256, 9)), show("aligned_alloc", aligned_alloc(32, 64));
  show("libc memalign", __libc_memalign(128, 5)), printf("%d %d\n", (int)((uintptr_t)valloc(5) % 4096), (int)((uintptr_t)pvalloc(5) % 4096)), printf("%d %d\n", (int)((uintptr_t)__libc_valloc(5) % 4096), (int)((uintptr_t)__libc_pvalloc(5) % 4096));
  free(malloc(3000)), cfree(malloc(3000)), __libc_free(malloc(3000)), show("again", malloc(3000));
  printf("%d %d\n", mallopt(M_PERTURB, 1), __libc_mallopt(M_TRIM_THRESHOLD, 1 << 20)), printf("%d\n", malloc_trim(0));
  struct mallinfo info = mallinfo(), same = __libc_mallinfo();
  printf("%d %d %d %d %d\n", info.arena, info.ordblks, info.uordblks, info.fordblks, memcmp(&info, &same, sizeof info)), malloc_stats();
  return 0;
}
