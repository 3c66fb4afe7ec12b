/* glob(3), with GNU's braces and tildes, and without functions of the caller's (GLOB_ALTDIRFUNC). */
#include "../syscall.h"

enum {
  GLOB_ERR = 1, GLOB_MARK = 2, GLOB_NOSORT = 4, GLOB_DOOFFS = 8, GLOB_NOCHECK = 16, GLOB_APPEND = 32, GLOB_NOESCAPE = 64,
  GLOB_PERIOD = 128, GLOB_MAGCHAR = 256, GLOB_ALTDIRFUNC = 512, GLOB_BRACE = 1024, GLOB_NOMAGIC = 2048, GLOB_TILDE = 4096,
  GLOB_ONLYDIR = 8192, GLOB_TILDE_CHECK = 16384, GLOB_FLAGS = 0x7eff,
};
enum { GLOB_NOSPACE = 1, GLOB_ABORTED = 2, GLOB_NOMATCH = 3 };
enum { FNM_PERIOD = 4, FNM_NOESCAPE = 2, DT_UNKNOWN = 0, DT_DIR = 4, DT_LNK = 10 };

typedef struct {
  size_t gl_pathc;
  char **gl_pathv;
  size_t gl_offs;
  int gl_flags;
  void *gl_functions[5];
} glob_t;
typedef int error_handler(const char *, int);

struct dirent64 { uint64_t d_ino; int64_t d_off; unsigned short d_reclen; unsigned char d_type; char d_name[256]; };
void *opendir(const char *);
struct dirent64 *readdir64(void *);
int closedir(void *), fnmatch(const char *, const char *, int);
void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
struct passwd { char *pw_name, *pw_passwd; uid_t pw_uid; gid_t pw_gid; char *pw_gecos, *pw_dir, *pw_shell; };
struct passwd *getpwnam(const char *), *getpwuid(uid_t);
uid_t getuid(void);

struct search { glob_t *g; int flags; error_handler *on_error; };

static int has_magic(const char *p, size_t n, int escapes) {
  int open = 0;
  for (size_t i = 0; i < n; i++) {
    if (p[i] == '*' || p[i] == '?' || (p[i] == ']' && open)) return 1;
    if (p[i] == '[') open = 1;
    if (p[i] == '\\' && escapes && i + 1 < n) i++;
  }
  return 0;
}

/* Puts a name behind those that are there; `name` belongs to the list from then on. */
static int add_name(glob_t *g, char *name) {
  char **list = name ? realloc(g->gl_pathv, (g->gl_offs + g->gl_pathc + 2) * sizeof *list) : NULL;
  if (!list) return free(name), GLOB_NOSPACE;
  if (!g->gl_pathv) memset(list, 0, g->gl_offs * sizeof *list);
  g->gl_pathv = list;
  list[g->gl_offs + g->gl_pathc++] = name;
  list[g->gl_offs + g->gl_pathc] = NULL;
  return 0;
}

static char *joined(const char *directory, const char *name, size_t n) {
  size_t before = strlen(directory);
  char *path = malloc(before + n + 2);
  if (!path) return NULL;
  memcpy(path, directory, before);
  memcpy(path + before, name, n);
  path[before + n] = 0;
  return path;
}

static void unescape(char *s) {
  for (char *to = s;; s++) {
    if (*s == '\\' && s[1]) s++;
    if (!(*to++ = *s)) return;
  }
}

static int is_directory(const char *path) {
  struct stat64 st;
  return SYS(SYS_stat, path, &st) == 0 && (st.st_mode & S_IFMT) == S_IFDIR;
}
static int exists(const char *path) {
  struct stat64 st;
  return SYS(SYS_lstat, path, &st) == 0;
}

static int expand(struct search *s, const char *directory, const char *rest);

/* A path that is complete, or a directory with `rest` behind it. `path` is given away. */
static int go_on(struct search *s, char *path, const char *rest, int known_directory) {
  if (!path) return GLOB_NOSPACE;
  int result = 0;
  if (*rest) {
    size_t n = strlen(path);
    path[n] = '/', path[n + 1] = 0;
    if (known_directory || is_directory(path)) result = expand(s, path, rest);
    free(path);
    return result;
  }
  if (s->flags & GLOB_MARK && is_directory(path)) {
    size_t n = strlen(path);
    path[n] = '/', path[n + 1] = 0;
  }
  return add_name(s->g, path);
}

/* Every entry of a directory that matches the first component of `pattern`. */
static int expand_magic(struct search *s, const char *directory, const char *pattern, size_t n, const char *rest) {
  void *d = opendir(*directory ? directory : ".");
  if (!d) {
    if (errno == ENOTDIR || errno == ENOENT) return 0;
    if ((s->on_error && s->on_error(*directory ? directory : ".", errno)) || s->flags & GLOB_ERR) return GLOB_ABORTED;
    return 0;
  }
  char *component = joined("", pattern, n);
  int result = component ? 0 : GLOB_NOSPACE;
  int how = (s->flags & GLOB_PERIOD ? 0 : FNM_PERIOD) | (s->flags & GLOB_NOESCAPE ? FNM_NOESCAPE : 0);
  for (struct dirent64 *e; result == 0 && (e = readdir64(d));) {
    int may_be_directory = e->d_type == DT_UNKNOWN || e->d_type == DT_DIR || e->d_type == DT_LNK;
    if ((*rest || s->flags & GLOB_ONLYDIR) && !may_be_directory) continue;
    if (s->flags & GLOB_ONLYDIR && !*rest && e->d_type != DT_DIR) {
      char *path = joined(directory, e->d_name, strlen(e->d_name));
      int other = !path || !is_directory(path);
      free(path);
      if (other) continue;
    }
    if (fnmatch(component, e->d_name, how) == 0)
      result = go_on(s, joined(directory, e->d_name, strlen(e->d_name)), rest, e->d_type == DT_DIR);
  }
  free(component);
  closedir(d);
  return result;
}

/* `directory` is what was found so far, "" or with a slash at its end. */
static int expand(struct search *s, const char *directory, const char *rest) {
  size_t slashes = 0;
  while (rest[slashes] == '/') slashes++;
  if (slashes) {
    char *more = joined(directory, rest, slashes);
    if (!more) return GLOB_NOSPACE;
    int result = rest[slashes] ? expand(s, more, rest + slashes) : is_directory(more) ? add_name(s->g, more) : 0;
    if (rest[slashes] || s->g->gl_pathc == 0 || s->g->gl_pathv[s->g->gl_offs + s->g->gl_pathc - 1] != more) free(more);
    return result;
  }
  size_t n = (size_t)(strchrnul(rest, '/') - rest);
  const char *next = rest + n + (rest[n] == '/');
  if (has_magic(rest, n, !(s->flags & GLOB_NOESCAPE))) {
    if (rest[n] && !*next) {
      /* "*\/" at the end: directories, with the slash */
      struct search only = { s->g, s->flags | GLOB_MARK | GLOB_ONLYDIR, s->on_error };
      return expand_magic(&only, directory, rest, n, "");
    }
    return expand_magic(s, directory, rest, n, next);
  }
  char *path = joined(directory, rest, n);
  if (!path) return GLOB_NOSPACE;
  if (!(s->flags & GLOB_NOESCAPE)) unescape(path);
  if (rest[n] && !*next) {
    size_t length = strlen(path);
    path[length] = '/', path[length + 1] = 0;
    if (is_directory(path)) return add_name(s->g, path);
    free(path);
    return 0;
  }
  if (!*next && !exists(path)) return free(path), 0;
  return go_on(s, path, next, 0);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* ~ and ~NAME in front, or NULL if nothing is to be done. */
static char *with_home(const char *pattern, int *unknown) {
  size_t n = (size_t)(strchrnul(pattern, '/') - pattern);
  char *name = joined("", pattern + 1, n - 1);
  if (!name) return NULL;
  const char *home = *name ? NULL : getenv("HOME");
  if (!home) {
    struct passwd *p = *name ? getpwnam(name) : getpwuid(getuid());
    home = p ? p->pw_dir : NULL;
  }
  free(name);
  *unknown = home == NULL;
  return home ? joined(home, pattern + n, strlen(pattern + n)) : NULL;
}

/* The end of the alternative at p: a comma or the closing brace of its level, or NULL. */
static const char *end_of_alternative(const char *p, int escapes) {
  int depth = 0;
  for (; *p; p++) {
    if (*p == '\\' && escapes && p[1]) p++;
    else if (*p == '{') depth++;
    else if (*p == '}' && depth-- == 0) return p;
    else if (*p == ',' && depth == 0) return p;
  }
  return NULL;
}

static int one_pattern(const char *pattern, int flags, error_handler *on_error, glob_t *g);

/* GLOB_BRACE: each alternative is a pattern of its own. -1 if there are no braces. */
static int braces(const char *pattern, int flags, error_handler *on_error, glob_t *g) {
  int escapes = !(flags & GLOB_NOESCAPE);
  const char *open = pattern;
  while (*open && (*open != '{' || open[1] == '}')) {
    if (*open == '{') open++;
    else if (*open == '\\' && escapes && open[1]) open++;
    open++;
  }
  if (!*open) return -1;
  const char *close = open + 1;
  while ((close = end_of_alternative(close, escapes)) && *close == ',') close++;
  if (!close) return -1;
  size_t before = g->gl_pathc;
  for (const char *part = open + 1;;) {
    const char *end = end_of_alternative(part, escapes);
    char *head = joined("", pattern, (size_t)(open - pattern)), *middle = head ? joined(head, part, (size_t)(end - part)) : NULL;
    char *whole = middle ? joined(middle, close + 1, strlen(close + 1)) : NULL;
    free(head), free(middle);
    if (!whole) return GLOB_NOSPACE;
    int result = one_pattern(whole, flags & ~(GLOB_NOCHECK | GLOB_NOMAGIC), on_error, g);
    free(whole);
    if (result && result != GLOB_NOMATCH) return result;
    if (*end == '}') break;
    part = end + 1;
  }
  if (g->gl_pathc > before) return 0;
  return flags & (GLOB_NOCHECK | GLOB_NOMAGIC) ? add_name(g, joined("", pattern, strlen(pattern))) : GLOB_NOMATCH;
}

static int one_pattern(const char *pattern, int flags, error_handler *on_error, glob_t *g) {
  if (flags & GLOB_BRACE) {
    int result = braces(pattern, flags, on_error, g);
    if (result >= 0) return result;
  }
  size_t before = g->gl_pathc;
  int escapes = !(flags & GLOB_NOESCAPE), magic = has_magic(pattern, strlen(pattern), escapes);
  char *home = NULL;
  if (*pattern == '~' && flags & (GLOB_TILDE | GLOB_TILDE_CHECK)) {
    int unknown = 0;
    home = with_home(pattern, &unknown);
    if (unknown && flags & GLOB_TILDE_CHECK) return GLOB_NOMATCH;
  }
  struct search s = { g, flags, on_error };
  int result = expand(&s, "", home ? home : pattern);
  const char *last = strrchr(pattern, '/');
  last = last ? last + 1 : pattern;
  int last_magic = has_magic(last, strlen(last), escapes) || (escapes && strchr(last, '\\'));
  if (result == 0 && g->gl_pathc == before) {
    const char *name = home ? home : pattern;
    result = flags & GLOB_NOCHECK || (flags & GLOB_NOMAGIC && !magic) ? add_name(g, joined("", name, strlen(name))) : GLOB_NOMATCH;
  }
  free(home);
  if (result) return result;
  g->gl_flags = last_magic ? g->gl_flags | GLOB_MAGCHAR : g->gl_flags & ~GLOB_MAGCHAR;
  if (!(flags & GLOB_NOSORT)) qsort(g->gl_pathv + g->gl_offs + before, g->gl_pathc - before, sizeof(char *), by_name);
  return 0;
}

int glob64(const char *pattern, int flags, error_handler *on_error, glob_t *g) {
  if (!pattern || !g || flags & ~GLOB_FLAGS || flags & GLOB_ALTDIRFUNC) {
    errno = EINVAL;
    return -1;
  }
  if (!(flags & GLOB_DOOFFS)) g->gl_offs = 0;
  if (!(flags & GLOB_APPEND)) g->gl_pathc = 0, g->gl_pathv = NULL;
  g->gl_flags = flags & ~GLOB_MAGCHAR;
  int result = one_pattern(pattern, flags, on_error, g);
  if (!g->gl_pathv && g->gl_offs) {
    g->gl_pathv = calloc(g->gl_offs + 1, sizeof(char *));
    if (!g->gl_pathv) return GLOB_NOSPACE;
  }
  return result;
}
ALIAS(glob, glob64);

void globfree64(glob_t *g) {
  if (!g->gl_pathv) return;
  for (size_t i = 0; i < g->gl_pathc; i++) free(g->gl_pathv[g->gl_offs + i]);
  free(g->gl_pathv);
  g->gl_pathv = NULL;
  g->gl_pathc = 0;
}
ALIAS(globfree, globfree64);
int glob_pattern_p(const char *pattern, int quote) { return has_magic(pattern, strlen(pattern), quote); }
