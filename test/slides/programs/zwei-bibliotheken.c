/* Two libraries of its own besides libc; the kernel's map of it tells where they went. */
#include <unistd.h>
int eins (void);
int zwei (void);
int main () { sleep (eins () + zwei ()); return 0; }
