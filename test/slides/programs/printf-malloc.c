/* The stdio buffer comes before the heap, and not from it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main () {
    void *a, *b;
    printf ("zuerst\n");
    a = malloc (24);
    b = malloc (100);
    printf ("%p %p\n", a, b);
    sleep (1);
    return 0;
}
