/* Three requests above the mmap threshold. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main () {
    void *a = malloc (1 << 20), *b = malloc (1 << 20), *c = malloc (1 << 20);
    printf ("%p %p %p\n", a, b, c);
    sleep (1);
    return 0;
}
