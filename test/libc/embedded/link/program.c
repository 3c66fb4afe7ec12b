/* Copies of the library's variables and of libc's; a function that an older library does not have, with an argument. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
extern int lib_variable, lib_array[8], *lib_pointer(void), lib_own(void);
extern void lib_print(void), lib_newer(void);
extern char **environ;
int main(int argc, char **argv) {
  lib_variable = 7, lib_array[2] = 9;
  lib_print();
  int first = lib_own(), second = lib_own();
  fprintf(stdout, "same %d, own %d %d, environ %d, optind %d\n", lib_pointer() == &lib_variable, first, second, environ[0] != NULL, optind);
  fflush(stdout);
  if (argc > 1) lib_newer();
  return 3;
}
