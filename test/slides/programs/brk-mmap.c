/* A mapping first, then the break by hand. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main () {
    char *m = mmap (0, 20480, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *before = sbrk (0), *got = sbrk (10000), *after = sbrk (0);
    got[9999] = 1;
    printf ("%p %p %p %p\n", m, before, got, after);
    sleep (1);
    return 0;
}
