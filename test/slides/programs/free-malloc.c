/* Freeing a mapped block raises the threshold: the next one of its size comes from the heap. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main () {
    void *a = malloc (1 << 20), *b;
    free (a);
    b = malloc (1 << 20);
    printf ("%p %p\n", a, b);
    sleep (1);
    return 0;
}
