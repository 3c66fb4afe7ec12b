/* A library of the linking test: variables that the program copies, functions, and with NEWER one function more. */
#include <stdio.h>
#include <unistd.h>
int lib_variable = 42, lib_array[8] = {1, 2, 3};
static __thread int own = 5;
int *lib_pointer(void) { return &lib_variable; }
int lib_own(void) { return own++; }
void lib_print(void) { printf("library: %d %d\n", lib_variable, lib_array[2]), fflush(stdout); }
#ifdef NEWER
void lib_newer(void) { puts("newer"), fflush(stdout); }
__attribute__((constructor)) static void begin(void) { write(1, "begin\n", 6); }
__attribute__((destructor)) static void end(void) { write(1, "end\n", 4); }
#endif
