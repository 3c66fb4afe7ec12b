/* stdio under its other names: _IO_*, 64, unlocked, lists of arguments; and what is not in stdio.c of the guest's tests. */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <error.h>
#include <libintl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#undef putc
#undef getc
#undef putchar
#undef getchar
FILE *_IO_fopen(const char *, const char *), *_IO_fdopen(int, const char *);
char *_IO_fgets(char *, int, FILE *), *_IO_gets(char *), *gets(char *);
size_t _IO_fread(void *, size_t, size_t, FILE *), _IO_fwrite(const void *, size_t, size_t, FILE *);
long _IO_ftell(FILE *);
int _IO_vfprintf(FILE *, const char *, va_list), _IO_vsprintf(char *, const char *, va_list), _IO_vfscanf(FILE *, const char *, va_list, int *);
int __isoc99_vfscanf(FILE *, const char *, va_list), __isoc99_vscanf(const char *, va_list), __isoc99_vsscanf(const char *, const char *, va_list);
char *__dcgettext(const char *, const char *, int);
int _IO_file_underflow(FILE *);
ssize_t __getdelim(char **, size_t *, int, FILE *);
void _IO_setbuffer(FILE *, char *, size_t), _IO_flockfile(FILE *), _IO_funlockfile(FILE *);
#ifdef __x86_64__
__asm__(".symver _IO_vfscanf, _IO_vfscanf@GLIBC_2.2.5");
#else
__asm__(".symver _IO_vfscanf, _IO_vfscanf@GLIBC_2.0");
#endif
/* The undecorated scanf functions, not the ones of C99 that the headers make of them. */
int plain_scanf(const char *, ...) __asm__("scanf"), plain_fscanf(FILE *, const char *, ...) __asm__("fscanf"), plain_sscanf(const char *, const char *, ...) __asm__("sscanf");
int plain_vscanf(const char *, va_list) __asm__("vscanf"), plain_vfscanf(FILE *, const char *, va_list) __asm__("vfscanf"), plain_vsscanf(const char *, const char *, va_list) __asm__("vsscanf");
extern FILE _IO_2_1_stdin_, _IO_2_1_stdout_, _IO_2_1_stderr_;

static void written(FILE *f, const char *format, ...) {
  char text[100], *made;
  va_list ap;
#define WITH(call) va_start(ap, format), (call), va_end(ap)
  WITH(_IO_vfprintf(f, format, ap)), WITH(vfprintf(f, format, ap)), WITH(vprintf(format, ap));
  WITH(_IO_vsprintf(text, format, ap)), fputs(text, f), WITH(vsprintf(text, format, ap)), fputs(text, f);
  WITH(vsnprintf(text, 8, format, ap)), fputs(text, f), WITH(vasprintf(&made, format, ap)), fputs(made, f), free(made);
  fflush(f), WITH(vdprintf(1, format, ap)), WITH(vwarn(format, ap)), WITH(vwarnx(format, ap));
}
static void read_back(FILE *f, const char *format, ...) {
  va_list ap;
  int n = 0;
  WITH(n = _IO_vfscanf(f, format, ap, NULL)), printf("%d ", n), WITH(n = __isoc99_vfscanf(f, format, ap)), printf("%d ", n), WITH(n = plain_vfscanf(f, format, ap)), printf("%d ", n);
  WITH(n = __isoc99_vsscanf("5 6", format, ap)), printf("%d ", n), WITH(n = plain_vsscanf("7", format, ap)), printf("%d ", n);
  WITH(n = __isoc99_vscanf(format, ap)), printf("%d ", n), WITH(n = plain_vscanf(format, ap)), printf("%d\n", n);
}
static void own_name(void) { fputs("own name: ", stderr); }

int main(void) {
  char text[200];
  int a = 0, b = 0, c = 0;
  program_invocation_name = "prog", program_invocation_short_name = "prog";
  /* Standard input: numbers, then lines. */
  printf("%d", plain_scanf("%d", &a)), printf(" %d", __isoc99_scanf("%d", &b)), printf(" %d %d\n", a, b);
  FILE *f = _IO_fopen("file", "w+");
  written(f, "%d<%s>\n", 7, "text"), _IO_fputs("1 2 3 4 5 6 7 8 9\n", f), _IO_fprintf(f, "%d\n", 10), _IO_putc('x', f), _IO_fwrite("yz\n", 1, 3, f);
  printf("at %ld %ld %lld %ld\n", _IO_ftell(f), ftello(f), (long long)ftello64(f), ftell(f));
  rewind(f), fputs(_IO_fgets(text, 100, f), stdout), printf("%d %d %d\n", _IO_feof(f), _IO_ferror(f), _IO_getc(f)), _IO_ungetc('Q', f), printf("%c\n", fgetc_unlocked(f));
  for (int i = 0; i < 4; i++) fgets_unlocked(text, 100, f);
  printf("%s", text), text[_IO_fread(text, 1, 5, f)] = 0, puts(text), fseeko(f, -40, SEEK_END), text[fread_unlocked(text, 1, 5, f)] = 0, puts(text);
  fpos64_t place;
  printf("%d", fgetpos64(f, &place)), printf(" %c", getc_unlocked(f)), printf(" %d", fsetpos64(f, &place)), printf(" %c", getc(f)), printf(" %d\n", fseeko64(f, 0, SEEK_SET));
  while (fgets(text, 100, f) && text[0] != '1') {}
  printf("%s", text), fseek(f, -(long)strlen(text), SEEK_CUR), plain_fscanf(f, "%d", &a), plain_sscanf("99", "%d", &b), printf("%d %d\n", a, b), read_back(f, "%d%d", &a, &b);
  printf("eof %d error %d w %d\n", feof_unlocked(f), ferror_unlocked(f), putw(0x41424344, f)), fflush(f), fseek(f, -4, SEEK_END), printf("%x\n", getw(f));
  printf("%d %d\n", __freading(f) != 0, __fwriting(f) != 0), fseek(f, 0, SEEK_CUR), fputc_unlocked('a', f), putc_unlocked('b', f), putc('c', f), fwrite_unlocked("de", 1, 2, f);
  printf("%d %d\n", __freading(f) != 0, __fwriting(f) != 0), __fpurge(f), printf("%d\n", __fsetlocking(f, FSETLOCKING_QUERY)), fseek(f, 0, SEEK_SET), printf("%c\n", __underflow(f));
  _IO_flockfile(f), _IO_funlockfile(f), _IO_fflush(f), printf("%d %d\n", _IO_fclose(f), fclose(fopen64("file", "r")));
  f = fopen64("file", "r"), f = freopen64("file", "r", f), setvbuf(f, NULL, _IONBF, 0), printf("%c%c\n", getc(f), _IO_file_underflow(f)), fclose(f);
  f = _IO_fdopen(dup(1), "w"), _IO_setbuffer(f, text, 100), _IO_setvbuf(f, NULL, _IOLBF, 0), fputs("line\n", f), fclose(f);
  f = tmpfile64(), fputs("x", f), printf("%d\n", ftell(f) == 1), fclose(f), printf("%d %d\n", tmpnam(text) == text, tmpnam_r(text) == text);
  printf("%s %d\n", _IO_gets(text), getchar()), printf("%c", getchar_unlocked()), printf("%s\n", gets(text));
  char *line = NULL;
  size_t room = 0;
  printf("%zd ", getline(&line, &room, stdin)), fputs(line, stdout), printf("%zd\n", __getdelim(&line, &room, ' ', stdin)), free(line);
  putchar('p'), putchar_unlocked('q'), _IO_puts("r"), _IO_printf("%d\n", 1), _IO_sprintf(text, "%d", 2), puts(text);
  printf("%d %d %d\n", &_IO_2_1_stdin_ == stdin, &_IO_2_1_stdout_ == stdout, &_IO_2_1_stderr_ == stderr);
  printf("%s %s %s %s\n", gettext("a"), dgettext("d", "b"), dcgettext("d", "c", 5), __dcgettext("d", "e", 5));
  printf("%s %s %s %s\n", ngettext("one", "many", 1), ngettext("one", "many", 2), dngettext("d", "one", "many", 0), dcngettext("d", "one", "many", 1, 5)), printf("%s\n", textdomain(NULL)), printf("%s\n", textdomain("other"));
  printf("%d %d\n", bindtextdomain("x", NULL) != NULL, bind_textdomain_codeset("x", NULL) == NULL);
  fflush(stdout), error(0, 2, "error"), error_one_per_line = 1, error_at_line(0, 0, "f", 1, "once"), error_at_line(0, 0, "f", 1, "twice"), error_print_progname = own_name, error(0, 0, "named");
  f = fopen("file", "w+"), setvbuf(f, NULL, _IONBF, 0), printf("%c", __overflow(f, 'V')), rewind(f), printf("%c\n", __uflow(f)), fclose(f);
  printf("%u\n", error_message_count), fputs("end", stdout), _flushlbf();
  return 0;
}
