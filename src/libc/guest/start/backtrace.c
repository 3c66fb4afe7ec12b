/*
 * backtrace(3): this libc keeps frame pointers; frames of programs are found by the machine, which knows their unwind
 * tables. The trap fills in return addresses from the frame at `frame` on and gives their number.
 */
#include "../libc.h"

HIDDEN int __folio_trap_backtrace(void **to, int size, void *frame);
HIDDEN int __folio_trap_symbolize(void *address, char *to, size_t size);

__attribute__((noinline)) int backtrace(void **to, int size) {
  int n = size > 0 ? __folio_trap_backtrace(to, size, __builtin_frame_address(0)) : 0;
  __asm__ volatile("" : "+r"(n));
  return n;
}

/* One line a frame: file(symbol+0xoffset)[0xaddress]. */
void backtrace_symbols_fd(void *const *frames, int n, int fd) {
  char line[512];
  for (int i = 0; i < n; i++) {
    int length = __folio_trap_symbolize(frames[i], line, sizeof line - 1);
    line[length++] = '\n';
    write(fd, line, (size_t)length);
  }
}

char **backtrace_symbols(void *const *frames, int n) {
  char line[512];
  size_t total = (size_t)n * sizeof(char *);
  for (int i = 0; i < n; i++) total += (size_t)__folio_trap_symbolize(frames[i], line, sizeof line) + 1;
  char **result = malloc(total);
  if (!result) return NULL;
  char *at = (char *)(result + n);
  for (int i = 0; i < n; i++) {
    result[i] = at;
    at += __folio_trap_symbolize(frames[i], at, sizeof line);
    *at++ = 0;
  }
  return result;
}
ALIAS(__backtrace, backtrace);
ALIAS(__backtrace_symbols_fd, backtrace_symbols_fd);
ALIAS(__backtrace_symbols, backtrace_symbols);
