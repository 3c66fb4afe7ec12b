/* dlopen(3) and its kin, with their messages. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
int exported(void) { return 1; }
static void failed(void *result) { printf("%d %s\n", result != NULL, dlerror()); }
int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  void *library = dlopen("./library.so", RTLD_NOW);
  if (library == NULL) return printf("%s\n", dlerror()), 1;
  ((void (*)(void))dlsym(library, "lib_print"))();
  printf("again %d\n", dlopen("./library.so", RTLD_LAZY | RTLD_NOLOAD) == library);
  Dl_info info;
  printf("dladdr %d", dladdr(dlsym(library, "lib_own"), &info)), printf(" %s %s\n", strrchr(info.dli_fname, '/'), info.dli_sname);
  printf("own %d\n", ((int (*)(void))dlsym(library, "lib_own"))());
  failed(dlsym(library, "nothing"));
  failed(dlopen("./nothing.so", RTLD_LAZY));
  failed(dlopen("./dlopen.c.txt", RTLD_LAZY));
  failed(dlvsym(library, "lib_print", "LIBRARY_9"));
  failed(dlsym(RTLD_DEFAULT, "lib_print"));
  printf("no error %d\n", dlerror() == NULL);
  printf("close %d %d\n", dlclose(library), dlclose(library));
  printf("gone %d\n", dlopen("./library.so", RTLD_LAZY | RTLD_NOLOAD) == NULL), dlerror();
  for (int i = 0; i < 40; i++) {
    void *again = dlopen("./library.so", RTLD_LAZY);
    if (((int (*)(void))dlsym(again, "lib_own"))() != 5) puts("own is not 5");
    dlclose(again);
  }
  printf("default %d next %d\n", dlsym(RTLD_DEFAULT, "printf") == (void *)printf, dlsym(RTLD_NEXT, "malloc") != NULL);
  void *self = dlopen(NULL, RTLD_LAZY);
  printf("self %d\n", dlsym(self, "exported") == (void *)exported);
  void *math = dlopen("libm.so.6", RTLD_LAZY | RTLD_GLOBAL);
  printf("math %g %d\n", ((double (*)(double))dlsym(math, "sqrt"))(2), dlsym(RTLD_DEFAULT, "cos") == dlsym(math, "cos"));
  return 0;
}
