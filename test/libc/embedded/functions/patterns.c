/* Patterns, users and groups, and streams of wide characters. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

static void shell_patterns(void) {
  static const char *const cases[][2] = {
    { "", "" }, { "*", "" }, { "a*b", "ab" }, { "a*b*c", "axbxxc" }, { "a?c", "abc" }, { "a?c", "ac" }, { "[abc]", "b" }, { "[!abc]", "b" },
    { "[^abc]", "d" }, { "[a-c]x", "bx" }, { "[]a]", "]" }, { "[!]a]", "b" }, { "[a-]", "-" }, { "[[:digit:]]*", "1x" }, { "[[:alpha:]-z]", "-" },
    { "[[:bad:]]", "b" }, { "[[.a.]]", "a" }, { "[[=a=]]", "a" }, { "[", "[" }, { "[a", "[a" }, { "\\*", "*" }, { "\\*", "\\x" }, { "\\", "\\" },
    { "a/b", "a/b" }, { "a*b", "a/b" }, { "a?b", "a/b" }, { "a[/]b", "a/b" }, { "a[x/]b", "a[x/]b" }, { ".x", ".x" }, { "*x", ".x" }, { "?x", ".x" }, { "[.]x", ".x" },
    { "a/*x", "a/.x" }, { "*/*", "a/b" }, { "*", "a/b/c" }, { "a", "a/b/c" }, { "A[b-d]", "ac" }, { "[[:upper:]]", "a" }, { "[C-E]", "d" }, { "**x", "ax" }, { "a**", "a" },
    { "*a*a*a*b", "aaaaaaaaaaaaaaaaaac" }, { "[!a-z]", "/" }, { "x[!a]", "x/" }, { "a\\/b", "a/b" }, { "[\\]]", "]" }, { "[a\\-z]", "-" },
  };
  static const int flags[] = { 0, FNM_PATHNAME, FNM_NOESCAPE, FNM_PERIOD, FNM_PATHNAME | FNM_PERIOD, FNM_LEADING_DIR, FNM_CASEFOLD };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    printf("%s %s:", cases[i][0], cases[i][1]);
    for (unsigned k = 0; k < sizeof flags / sizeof *flags; k++) printf(" %d", fnmatch(cases[i][0], cases[i][1], flags[k]));
    puts("");
  }
}

static int complain(const char *path, int number) { return printf("error %s %d\n", path, number), 0; }

static void names(const char *pattern, int flags) {
  glob_t g = { .gl_offs = 2 };
  errno = 0;
  int result = glob(pattern, flags, complain, &g);
  printf("%s %x: %d, %zu, %x:", pattern, flags, result, g.gl_pathc, g.gl_flags & GLOB_MAGCHAR);
  for (size_t i = 0; result == 0 && i < g.gl_pathc; i++) printf(" %s", g.gl_pathv[(flags & GLOB_DOOFFS ? 2 : 0) + i]);
  puts("");
  globfree(&g);
}

static void paths(void) {
  mkdir("g", 0755), mkdir("g/sub", 0755), mkdir("g/other", 0755), chdir("g");
  for (const char *const *file = (const char *const[]){ "a.c", "b.c", "b.h", ".hidden", "sub/x.c", "sub/y", "other/x.c", "{a,b}", "s*r", NULL }; *file; file++)
    close(creat(*file, 0644));
  symlink("sub", "link"), symlink("nowhere", "broken"), setenv("HOME", "/home/of/mine", 1);
  static const char *const patterns[] = { "*", "*.c", "?.h", "*/*.c", "*/", "s*/x.c", "none*", "none", "a.c", "./*.h", ".*n", "[ab].c", "[!a].c", "sub//x.c", "*/.", "..", "b*", "s\\*r", "su[b", "*/y", "/et[c]/passw[d]", "link/*", "/" };
  for (unsigned i = 0; i < sizeof patterns / sizeof *patterns; i++) names(patterns[i], 0);
  names("*", GLOB_MARK), names("*", GLOB_PERIOD), names("*", GLOB_ONLYDIR), names("none*", GLOB_NOCHECK), names("none", GLOB_NOMAGIC), names("none*", GLOB_NOMAGIC);
  names("{a,b}.c", GLOB_BRACE), names("{sub,other}/{x,z}.c", GLOB_BRACE), names("{a,{b,}}.c", GLOB_BRACE), names("{none,a.c}", GLOB_BRACE), names("{a,b", GLOB_BRACE | GLOB_NOCHECK), names("\\{a,b\\}", GLOB_BRACE);
  names("~", GLOB_TILDE | GLOB_NOCHECK), names("~root/..", GLOB_TILDE), names("~nobody-here/x", GLOB_TILDE | GLOB_NOCHECK), names("~nobody-here/x", GLOB_TILDE_CHECK), names("s\\*r", GLOB_NOESCAPE), names("*.h", GLOB_DOOFFS);
  glob_t g;
  printf("%d", glob("*.c", 0, NULL, &g)), printf(" %d", glob("*.h", GLOB_APPEND, NULL, &g)), printf(" %zu %s %s\n", g.gl_pathc, g.gl_pathv[2], g.gl_pathv[1]), globfree(&g);
  glob64_t wide;
  printf("%d", glob64("*.c", 0, NULL, &wide)), printf(" %zu %d %d\n", wide.gl_pathc, glob_pattern_p("a\\*", 1), glob_pattern_p("a*", 1)), globfree64(&wide);
  chdir("..");
}

static void expression(const char *pattern, int flags, const char *text, int how) {
  regex_t r;
  regmatch_t m[6] = { { 1, 4 } };
  char message[64];
  int result = regcomp(&r, pattern, flags);
  printf("%s %d", pattern, result);
  if (result != 0) {
    size_t size = regerror(result, &r, message, sizeof message);
    printf(" %zu %s\n", size, message);
    return;
  }
  result = regexec(&r, text, 6, m, how);
  printf(" %zu %s %d", r.re_nsub, text, result);
  for (int i = 0; result == 0 && !(flags & REG_NOSUB) && i < 6; i++) printf(" %d,%d", m[i].rm_so, m[i].rm_eo);
  printf(" %d\n", regexec(&r, text, 0, NULL, how & ~REG_STARTEND));
  regfree(&r);
}

static void expressions(void) {
  static const char *const both[] = { "", "a", "^a", "a$", "^$", "a*", "a**", ".", ".*", "[a-c]*", "[^a]", "[]a]*", "[[:digit:]]+", "x[[:bad:]]", "[b-a]", "[a", "[[.a.]]", "[[.ab.]]", "[[=a=]]", "[a-[:digit:]]", "\\w*", "\\W", "\\s", "\\S*", "\\bb", "\\Ba", "\\<a", "b\\>", "\\`a", "c\\'", "a\\", "\\.", "a^b", "a$b", "^*a", "*a", "\\*", "ab\\|b", "a\\+", "a\\?b", "\\(a\\)\\1" };
  static const char *const extended[] = { "(a)(b)?", "(a|ab)(c|bcd)(d*)", "(a*)(ab)*(b*)", "(a*)*", "(a*)+", "(a|b)*c", "a|b|c", "(ab|a)(bc)?", "a{2}", "a{1,2}b", "a{,2}", "a{2,}", "a{0}b", "(a{0,1}){2}", "a{2,1}", "a{", "a{x", "a{99999}", "a{1", "{1}", "()", "(", ")", "a)", "(a", "a||b", "|a", "*a", "a|*b", "(*a)", "+", "a+?", "^*", "(^a)b", "a($)", "(a)\\1", "(a*)b\\1", "\\1(a)", "((a)|b)*", "(a)|(b)", "x*", "[0-9]+(\\.[0-9]+)?", "^([^=]+)=(.*)$", "(a?)(ab)?", "(.*)(b.*)", "a.c", "A[B-C]c" };
  static const char *const basic[] = { "\\(a\\)\\(b\\)*", "\\(ab*\\)*", "a\\{2\\}", "a\\{1,2\\}b", "\\{1\\}", "\\(", "\\)", "\\(a", "\\(*a\\)", "\\(^a\\)", "a\\|b", "(a)", "a+", "{", "a{1}", "\\(a*\\)b*\\1", "\\(a\\)\\{2,3\\}", "a\\{", "a\\{1", "a\\{2,1\\}", "\\2" };
  static const char *const texts[] = { "abcd", "aab", "ab=12.5", "A b\nac c", "", "xaabbaa" };
  for (unsigned t = 0; t < sizeof texts / sizeof *texts; t++) {
    for (unsigned i = 0; i < sizeof both / sizeof *both; i++) expression(both[i], 0, texts[t], 0), expression(both[i], REG_EXTENDED, texts[t], 0);
    for (unsigned i = 0; i < sizeof extended / sizeof *extended; i++) expression(extended[i], REG_EXTENDED, texts[t], 0), expression(extended[i], REG_EXTENDED | REG_ICASE | REG_NEWLINE, texts[t], REG_NOTBOL);
    for (unsigned i = 0; i < sizeof basic / sizeof *basic; i++) expression(basic[i], 0, texts[t], 0), expression(basic[i], REG_NOSUB | REG_ICASE, texts[t], REG_NOTEOL);
    if (strlen(texts[t]) > 3) expression("[a-c]*", 0, texts[t], REG_STARTEND);
  }
}

static void show_user(const struct passwd *p) {
  if (!p) puts("no user");
  else printf("%s %s %d %d %s %s %s\n", p->pw_name, p->pw_passwd, p->pw_uid, p->pw_gid, p->pw_gecos, p->pw_dir, p->pw_shell);
}
static void show_group(const struct group *g) {
  if (!g) return (void)puts("no group");
  printf("%s %s %d", g->gr_name, g->gr_passwd, g->gr_gid);
  for (char **member = g->gr_mem; *member; member++) printf(" %s", *member);
  puts("");
}

static void users(void) {
  struct passwd user, *found;
  struct group group, *one;
  char room[4096], few[8];
  show_user(getpwnam("root")), show_user(getpwnam("nobody-here")), show_user(getpwuid(1)), show_user(getpwuid(54321));
  show_group(getgrnam("root")), show_group(getgrnam("nobody-here")), show_group(getgrgid(1)), show_group(getgrgid(54321));
  printf("%d %d", getpwnam_r("root", &user, room, sizeof room, &found), found == &user), show_user(found), printf("%d %d\n", getpwnam_r("root", &user, few, sizeof few, &found), found == NULL);
  printf("%d", getpwuid_r(54321, &user, room, sizeof room, &found)), show_user(found), printf("%d", getgrnam_r("daemon", &group, room, sizeof room, &one)), show_group(one);
  printf("%d", getgrgid_r(0, &group, room, sizeof room, &one)), show_group(one), printf("%d %d\n", getgrgid_r(0, &group, few, 2, &one), one == NULL);
  int count = 0;
  for (setpwent(); (found = getpwent());) count++;
  printf("%d", count), setpwent(), show_user(getpwent()), printf("%d", getpwent_r(&user, room, sizeof room, &found)), show_user(found), endpwent();
  for (count = 0, setgrent(); (one = getgrent());) count++;
  printf("%d", count), setgrent(), show_group(getgrent()), printf("%d", getgrent_r(&group, room, sizeof room, &one)), show_group(one), endgrent();
  FILE *f = fopen("users", "w+");
  fputs("# a comment\n\n  anna:x:7:8:Anna,Room 1:/home/anna:/bin/sh\nbad line\nshort:x:1\nberta:*:9:10\n+::::::\ncarla:x:11x:12:::\n", f);
  printf("%d", putpwent(&(struct passwd){ "dora", "x", 13, 14, "", "/", "/bin/false" }, f)), rewind(f);
  show_user(fgetpwent(f)), printf("%d", fgetpwent_r(f, &user, room, sizeof room, &found)), show_user(found), show_user(fgetpwent(f)), show_user(fgetpwent(f)), fclose(f);
  f = fopen("groups", "w+");
  fputs("one:x:1:anna, berta,,carla\ntwo:x:2:\nthree:x:3\nbad:x:y:\n", f), rewind(f);
  show_group(fgetgrent(f)), printf("%d", fgetgrent_r(f, &group, room, sizeof room, &one)), show_group(one), show_group(fgetgrent(f)), show_group(fgetgrent(f)), fclose(f);
  gid_t list[4];
  printf("%d", getgrouplist("root", 5, list, (count = 4, &count))), printf(" %d %d\n", count, list[0]);
  printf("%d", setgroups(2, (gid_t[]){ 3, 4 })), printf(" %d", getgroups(4, list)), printf(" %d %d\n", list[0], list[1]), printf("%d", initgroups("root", 6)), printf(" %d", getgroups(4, list) > 0), printf(" %d\n", list[0]);
}

int __isoc99_vfwscanf(FILE *, const wchar_t *, va_list), __isoc99_vwscanf(const wchar_t *, va_list), __isoc99_vswscanf(const wchar_t *, const wchar_t *, va_list);
int __isoc99_fwscanf(FILE *, const wchar_t *, ...), __isoc99_wscanf(const wchar_t *, ...), __isoc99_swscanf(const wchar_t *, const wchar_t *, ...);
int __wprintf_chk(int, const wchar_t *, ...), __fwprintf_chk(FILE *, int, const wchar_t *, ...), __swprintf_chk(wchar_t *, size_t, int, size_t, const wchar_t *, ...);
int __vwprintf_chk(int, const wchar_t *, va_list), __vfwprintf_chk(FILE *, int, const wchar_t *, va_list), __vswprintf_chk(wchar_t *, size_t, int, size_t, const wchar_t *, va_list);
/* The plain names of <wchar.h>, not those that the standard of the day has it replace them by. */
#define PLAIN(name) __asm__(#name)
int plain_swscanf(const wchar_t *, const wchar_t *, ...) PLAIN(swscanf), plain_fwscanf(FILE *, const wchar_t *, ...) PLAIN(fwscanf), plain_wscanf(const wchar_t *, ...) PLAIN(wscanf);
int plain_vswscanf(const wchar_t *, const wchar_t *, va_list) PLAIN(vswscanf), plain_vfwscanf(FILE *, const wchar_t *, va_list) PLAIN(vfwscanf), plain_vwscanf(const wchar_t *, va_list) PLAIN(vwscanf);

static void lists(int count, ...) {
  va_list all, one;
  wchar_t text[40] = L"";
  va_start(all, count);
#define WITH(call) (va_copy(one, all), call)
  wprintf(L"%d", WITH(vwprintf(L"<%d>", one))), wprintf(L"%d", WITH(vfwprintf(stdout, L"<%d>", one))), wprintf(L"%d", WITH(vswprintf(text, 40, L"<%d>", one))), wprintf(L"%ls\n", text);
  wprintf(L"%d", WITH(__vwprintf_chk(1, L"<%d>", one))), wprintf(L"%d", WITH(__vfwprintf_chk(stdout, 1, L"<%d>", one))), wprintf(L"%d", WITH(__vswprintf_chk(text, 40, 1, 40, L"<%d>", one))), wprintf(L"%ls\n", text);
  va_end(all);
}
static int scan_lists(int how, FILE *f, ...) {
  va_list all;
  va_start(all, f);
  int result = how == 0 ? __isoc99_vfwscanf(f, L"%d", all) : how == 1 ? __isoc99_vwscanf(L"%d", all) : how == 2 ? __isoc99_vswscanf(L"77", L"%d", all) : how == 3 ? plain_vfwscanf(f, L"%d", all) : how == 4 ? plain_vwscanf(L"%d", all) : plain_vswscanf(L"78", L"%d", all);
  va_end(all);
  return result;
}

static void wide_streams(void) {
  wchar_t text[60];
  char bytes[20];
  int n = 0, result;
  FILE *f = fopen("wide", "w+");
  result = fwprintf(f, L"1 2 3 4 %d %ls %s %c%lc %5.2f|\n", 5, L"wide", "bytes", 'c', L'w', 2.5), wprintf(L"%d %d\n", result, fwide(f, 0));
  wprintf(L"%d %d %d %d", fputws(L"line", f), fputws_unlocked(L" two\n", f), fputwc(L'x', f), fputwc_unlocked(L'y', f)), wprintf(L" %d %d %d\n", putwc(L'z', f), putwc_unlocked(L'\n', f), putwchar(L'!')), putwchar_unlocked(L'?');
  wprintf(L"%d\n", fputs("narrow", f)), rewind(f);
  wprintf(L"%d %d", __isoc99_fwscanf(f, L"%d", &n), n), wprintf(L" %d %d", plain_fwscanf(f, L"%d", &n), n), wprintf(L" %d %d", scan_lists(0, f, &n), n), wprintf(L" %d %d\n", scan_lists(3, f, &n), n);
  wprintf(L"%d %d %d %d", fgetwc(f), fgetwc_unlocked(f), getwc(f), getwc_unlocked(f)), wprintf(L" %lc %lc\n", ungetwc(L'Q', f), fgetwc(f));
  wprintf(L"%ls", fgetws(text, 60, f)), wprintf(L"%ls", fgetws_unlocked(text, 4, f)), wprintf(L"%ls", fgetws(text, 60, f)), wprintf(L"%d\n", fgetws(text, 2, f) == text);
  while (fgetwc(f) != WEOF) {}
  wprintf(L"%d %d\n", feof(f) != 0, fgetws(text, 60, f) == NULL), fclose(f);
  wprintf(L"%d %ls\n", swprintf(text, 60, L"%03d %s %ls %x %.3e", 7, "s", L"l", 255, 1e10), text), wprintf(L"%d\n", swprintf(text, 3, L"%d", 12345)), wprintf(L"%d\n", swprintf(text, 0, L""));
  result = plain_swscanf(L"12 word 0x1f 2.5", L"%d %ls %x", &n, text, &result), wprintf(L"%d %d %ls\n", result, n, text), wprintf(L"%d %d %s\n", __isoc99_swscanf(L"9 w", L"%d %s", &n, bytes), n, bytes), wprintf(L"%d %d", scan_lists(2, NULL, &n), n), wprintf(L" %d %d\n", scan_lists(5, NULL, &n), n);
  wprintf(L"%d %d", plain_wscanf(L"%d", &n), n), wprintf(L" %d %d", __isoc99_wscanf(L"%d", &n), n), wprintf(L" %d %d", scan_lists(1, NULL, &n), n), wprintf(L" %d %d %d %d\n", scan_lists(4, NULL, &n), n, getwchar(), getwchar_unlocked());
  wprintf(L"%d", __wprintf_chk(1, L"%s ", "c")), wprintf(L"%d", __fwprintf_chk(stdout, 1, L"%s ", "d")), wprintf(L"%d %ls\n", __swprintf_chk(text, 60, 1, 60, L"%d", 8), text), lists(1, 42);
  struct tm day = { .tm_year = 110, .tm_mon = 4, .tm_mday = 3 };
  wprintf(L"%zu", wcsftime(text, 60, L"%Y-%m-%d", &day)), wprintf(L" %ls %zu\n", text, wcsftime(text, 3, L"%Y", &day));
  wprintf(L"%d %d\n", printf("not here\n"), puts("nor here") == EOF);
}

int main(void) {
  shell_patterns(), paths(), expressions(), users(), fflush(stdout);
  stdout = fdopen(dup(1), "w"), wide_streams();
  return 0;
}
