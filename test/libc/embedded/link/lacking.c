/* Calls a function that the embedded libc does not have. */
#include <netdb.h>
#include <stdio.h>
int main(void) { return puts("before"), fflush(stdout), getaddrinfo(NULL, "80", NULL, NULL); }
