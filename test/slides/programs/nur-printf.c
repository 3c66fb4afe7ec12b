/* No malloc at all. */
#include <stdio.h>
#include <unistd.h>
int main () {
    printf ("kein Heap\n");
    sleep (1);
    return 0;
}
