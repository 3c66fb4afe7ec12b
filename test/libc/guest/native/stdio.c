/* stdio on files, memory and pipes: every kind of reading, writing, seeking and buffering, with errno. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>
#include "random.h"

static char path[] = "/tmp/folio-guest-XXXXXX", data[20000], back[20000];
static unsigned hash(const void *p, size_t n) {
  unsigned h = 5381;
  for (const unsigned char *s = p; n > 0; n--) h = h * 33 + *s++;
  return h;
}
static void contents(const char *what) {
  static char all[100000];
  int fd = open(path, O_RDONLY);
  ssize_t n = read(fd, all, sizeof all);
  close(fd);
  printf("%s: %zd bytes %08x\n", what, n, hash(all, (size_t)n));
}
static char *line;
static size_t line_size;

static void random_io(int steps, const char *mode, int buffering) {
  FILE *f = fopen(path, mode);
  static char own[3000];
  if (buffering == 1) setvbuf(f, NULL, _IOLBF, 0);
  if (buffering == 2) setvbuf(f, NULL, _IONBF, 0);
  if (buffering == 3) setvbuf(f, own, _IOFBF, 777);
  if (buffering == 4) setbuffer(f, own, 100);
  printf("%s %d:", mode, buffering);
  for (int i = 0; i < steps; i++) {
    size_t n = below(below(5) ? 50 : 6000);
    int c;
    errno = 0;
    switch (below(15)) {
      case 0: printf(" w%zu", fwrite(data + below(9000), 1, n, f)); fseek(f, 0, SEEK_CUR); break;
      case 1: fseek(f, 0, SEEK_CUR); c = (int)fread(back, 1, n, f); printf(" r%d/%08x", c, hash(back, (size_t)c)); fseek(f, 0, SEEK_CUR); break;
      case 2: printf(" s%d", fseek(f, (long)below(9000), SEEK_SET)); break;
      case 3: printf(" c%d", fseek(f, (long)below(200) - 100, SEEK_CUR)); break;
      case 4: printf(" e%d", fseek(f, -(long)below(3000), SEEK_END)); break;
      case 5: printf(" t%ld", ftell(f)); break;
      case 6: fseek(f, 0, SEEK_CUR); c = fgetc(f); printf(" g%d", c); if (c != EOF) printf("u%d%c", ungetc(c, f), fgetc(f)); fseek(f, 0, SEEK_CUR); break;
      case 7: printf(" p%d", fputc('A' + (int)below(26), f)); fseek(f, 0, SEEK_CUR); break;
      case 8: printf(" l%d", fflush(f)); break;
      case 9: fseek(f, 0, SEEK_CUR); printf(" G%d", fgets(back, (int)below(80) + 1, f) ? (int)strlen(back) : -1); fseek(f, 0, SEEK_CUR); break;
      case 10: printf(" f%d", fprintf(f, "%d\n%s", (int)below(1000), "text")); fseek(f, 0, SEEK_CUR); break;
      case 11: printf(" o%d%d", !!feof(f), !!ferror(f)); break;
      case 12: fseek(f, 0, SEEK_CUR); printf(" L%zd", getline(&line, &line_size, f)); fseek(f, 0, SEEK_CUR); break;
      case 13: { fpos_t p; printf(" P%d", fgetpos(f, &p)); fseek(f, 5, SEEK_SET); printf("%d", fsetpos(f, &p)); printf("%ld", ftell(f)); break; }
      default: fseek(f, 0, SEEK_CUR); c = fgetc(f); printf(" U%d", ungetc('Z', f)); printf(",%d", c == EOF ? 0 : fgetc(f)); printf(",%ld", ftell(f)); fseek(f, 0, SEEK_CUR); break;
    }
  }
  rewind(f);
  printf(" close%d\n", fclose(f));
  contents(mode);
}

static ssize_t cookie_read(void *c, char *to, size_t n) { int *left = c; if (*left <= 0) return 0; size_t m = (size_t)*left < n ? (size_t)*left : n; memset(to, 'k', m); *left -= (int)m; return (ssize_t)m; }
static ssize_t cookie_write(void *c, const char *from, size_t n) { printf("{%.*s}", (int)n, from); return (ssize_t)n; }
static int cookie_close(void *c) { printf("{closed}"); return 0; }

int main(int argc, char **argv) {
  random_state += strtoull(argv[1], NULL, 10) * 1000003;
  for (size_t i = 0; i < sizeof data; i++) data[i] = below(30) ? (char)('a' + below(26)) : '\n';
  int fd = mkstemp(path);
  printf("%d\n", write(fd, data, 9000) == 9000);
  close(fd);
  for (int b = 0; b < 5; b++)
    for (int i = 0; i < 3; i++) random_io(60, (const char *[]){ "r+", "w+", "a+" }[i], b);
  FILE *f = fopen(path, "r");
  errno = 0;
  printf("%d %d", fputc('x', f), errno);
  printf(" %d %d %s %zu", ferror(f) != 0, (clearerr(f), ferror(f)), fgets(back, 10, f), fread(back, 3, 4, f));
  printf(" %d %d %d", getc(f), (getc)(f), getc_unlocked(f));
  printf(" %d %d %d %d", fileno(f) > 2, __freadable(f) != 0, __fwritable(f) != 0, (int)__fbufsize(f));
  printf(" %d", fgetc(f));
  char word[100];
  int number = -1;
  printf(" %d", fscanf(f, "%99[a-m]%d", word, &number));
  printf(" %zd", getdelim(&line, &line_size, 'q', f));
  printf(" %d", fclose(f));
  f = fopen(path, "w");
  errno = 0;
  printf(" %d %d", fgetc(f), errno);
  printf(" %d %d %d", putc('a', f), (fputs)("line\n", f) >= 0, putw(77, f));
  printf(" %ld %d", ftell(f), (int)__fpending(f));
  f = freopen(path, "r", f);
  printf(" %c %ld", getc(f), ftell(f));
  fclose(f);
  errno = 0;
  printf(" %d", fopen("/nonexistent/file", "r") == NULL);
  printf(" %d", errno);
  printf(" %d", fopen(path, "q") == NULL);
  printf(" %d", errno);
  printf(" %d", fopen(path, "wx") == NULL);
  printf(" %d", errno);
  printf(" %d %d\n", fdopen(999, "r") == NULL, errno);
  contents("after");

  char *text = NULL;
  size_t size;
  FILE *m = open_memstream(&text, &size);
  fprintf(m, "hello %d", 5), fflush(m), printf("%s %zu", text, size);
  fputs(" more", m), fseek(m, 0, SEEK_SET), fputc('J', m), fclose(m);
  printf(" %s %zu\n", text, size);
  char fixed[30] = "0123456789";
  m = fmemopen(fixed, sizeof fixed, "r+");
  printf("%d", fgetc(m)), fseek(m, 5, SEEK_SET), fputs("xyz", m), fclose(m);
  printf(" %s", fixed);
  m = fmemopen(fixed, 10, "r");
  printf(" %zu %d", fread(back, 1, 100, m), !!feof(m)), fclose(m);
  m = fmemopen(fixed, 10, "w");
  fputs("abc", m), fflush(m), printf(" %s", fixed), fclose(m);
  int left = 10;
  m = fopencookie(&left, "r", (cookie_io_functions_t){ cookie_read, NULL, NULL, NULL });
  printf(" %s", fgets(back, 100, m)), fclose(m);
  m = fopencookie(NULL, "w", (cookie_io_functions_t){ NULL, cookie_write, NULL, cookie_close });
  setvbuf(m, NULL, _IOLBF, 0), fputs("one\ntwo", m), fclose(m), printf("\n");

  m = tmpfile();
  fputs("temporary", m), rewind(m), printf("%s", fgets(back, 100, m)), fclose(m);
  m = popen("cat; echo from the shell", "w");
  fflush(stdout), fputs("to the shell\n", m), printf(" %d", pclose(m));
  m = popen("echo out; exit 3", "r");
  printf(" %s", fgets(back, 100, m)), printf("%x\n", pclose(m));
  fflush(stdout);
  printf("%d", dprintf(1, "direct %d\n", 7)), fflush(stdout);
  char *allocated;
  printf(" %d", asprintf(&allocated, "%0500d", 5)), printf(" %zu", strlen(allocated));
  printf(" %d %s\n", snprintf(back, 5, "%s", "truncated"), back);
  setlinebuf(stdout), setbuf(stdout, NULL), printf("unbuffered %s\n", "now");
  printf("%d %d %d", puts("puts"), putchar('c'), (putchar_unlocked)('d'));
  printf(" %d %d", putc_unlocked('e', stdout), fputs_unlocked("f", stdout));
  printf(" %zu %d\n", fwrite_unlocked("gh", 1, 2, stdout), fputc_unlocked('i', stdout));
  flockfile(stdout), printf("%d", ftrylockfile(stdout)), funlockfile(stdout), funlockfile(stdout), fflush_unlocked(stdout);
  printf(" %d %d", feof_unlocked(stdout), ferror_unlocked(stdout)), clearerr_unlocked(stdout);
  printf(" %d %d %d\n", fwide(stdout, 0), __flbf(stdout) != 0, fileno_unlocked(stdout));
  errno = 2, perror("perror"), errno = 5, perror(""), perror(NULL);
  fprintf(stderr, "%s %d\n", "to stderr", 1), fputs("unbuffered\n", stderr);
  psignal(11, "psignal");
  printf("%d %d\n", remove(path), remove(path));
  printf("%d\n", errno);
  f = fopen("/dev/full", "w");
  printf("%d", fputs("x", f) >= 0);
  errno = 0;
  printf(" %d", fflush(f));
  printf(" %d", errno);
  printf(" %d\n", fclose(f));
  return 0;
}
