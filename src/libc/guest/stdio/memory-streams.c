/* Streams without a file: fmemopen(3), open_memstream(3), fopencookie(3); tmpfile(3), popen(3), remove(3), mkstemp(3). */
#include "../syscall.h"
#include "stdio.h"

struct cookie_functions {
  ssize_t (*read)(void *, char *, size_t);
  ssize_t (*write)(void *, const char *, size_t);
  int (*seek)(void *, off64_t *, int);
  int (*close)(void *);
};
struct cookie_stream { FILE file; char lock[16]; void *cookie; struct cookie_functions functions; };

static ssize_t cookie_read(FILE *f, char *to, size_t n) {
  struct cookie_stream *c = (struct cookie_stream *)f;
  return c->functions.read ? c->functions.read(c->cookie, to, n) : -1;
}
static ssize_t cookie_write(FILE *f, const char *from, size_t n) {
  struct cookie_stream *c = (struct cookie_stream *)f;
  ssize_t count = c->functions.write ? c->functions.write(c->cookie, from, n) : 0;
  return count == 0 && n > 0 ? -1 : count;
}
static off64_t cookie_seek(FILE *f, off64_t offset, int whence) {
  struct cookie_stream *c = (struct cookie_stream *)f;
  if (c->functions.seek && c->functions.seek(c->cookie, &offset, whence) == 0 && offset != -1) return offset;
  if (!c->functions.seek) errno = EINVAL;
  return -1;
}
static int cookie_close(FILE *f) {
  struct cookie_stream *c = (struct cookie_stream *)f;
  return c->functions.close ? c->functions.close(c->cookie) : 0;
}
static const struct file_ops cookie_ops = { cookie_read, cookie_write, cookie_seek, cookie_close, NULL };

FILE *fopencookie(void *cookie, const char *mode, struct cookie_functions functions) {
  int flags;
  switch (*mode) {
    case 'r': flags = NO_WRITES; break;
    case 'w': flags = NO_READS; break;
    case 'a': flags = NO_READS | APPENDING; break;
    default: errno = EINVAL; return NULL;
  }
  if (mode[1] == '+' || (mode[1] == 'b' && mode[2] == '+')) flags &= APPENDING;
  struct cookie_stream *c = malloc(sizeof *c);
  if (!c) return NULL;
  stream_init(&c->file, flags, &cookie_ops);
  c->file._flags2 = FLAGS2_HEAP_FILE;
  c->file._lock = c->lock;
  memset(c->lock, 0, sizeof c->lock);
  c->cookie = cookie;
  c->functions = functions;
  stream_link(&c->file);
  return &c->file;
}

struct memory { char *data; size_t size, at, end; int own, append; };
static ssize_t memory_read(void *cookie, char *to, size_t n) {
  struct memory *m = cookie;
  n = min_size(n, m->end > m->at ? m->end - m->at : 0);
  memcpy(to, m->data + m->at, n);
  m->at += n;
  return (ssize_t)n;
}
static ssize_t memory_write(void *cookie, const char *from, size_t n) {
  struct memory *m = cookie;
  size_t at = m->append ? m->end : m->at;
  if (at + n > m->size) {
    if (at >= m->size) {
      errno = ENOSPC;
      return 0;
    }
    n = m->size - at;
  }
  memcpy(m->data + at, from, n);
  m->at = at + n;
  if (m->at > m->end) {
    m->end = m->at;
    if (m->end < m->size) m->data[m->end] = 0;
  }
  return (ssize_t)n;
}
static int memory_seek(void *cookie, off64_t *offset, int whence) {
  struct memory *m = cookie;
  off64_t at = *offset + (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (off64_t)m->at : (off64_t)m->end);
  if (at < 0 || (size_t)at > m->size) {
    errno = EINVAL;
    return -1;
  }
  m->at = (size_t)at;
  *offset = at;
  return 0;
}
static int memory_close(void *cookie) {
  struct memory *m = cookie;
  if (m->own) free(m->data);
  free(m);
  return 0;
}

FILE *fmemopen(void *buffer, size_t size, const char *mode) {
  struct memory *m = malloc(sizeof *m);
  if (!m) return NULL;
  *m = (struct memory){ buffer, size, 0, 0, buffer == NULL, *mode == 'a' };
  if (!buffer && !(m->data = malloc(size))) {
    free(m);
    return NULL;
  }
  if (!buffer) m->data[0] = 0;
  if (*mode == 'w' && mode[1] == '+') m->data[0] = 0;
  m->end = strnlen(m->data, size);
  if (*mode == 'r') m->end = size;
  if (*mode == 'w') m->end = 0;
  if (*mode == 'a') m->at = m->end;
  FILE *f = fopencookie(m, mode, (struct cookie_functions){ memory_read, memory_write, memory_seek, memory_close });
  if (!f) memory_close(m);
  return f;
}

/* open_memstream: what was written is handed out at fflush and fclose, always with a NUL behind it. */
struct growing { char **text; size_t *size; char *data; size_t room, at, end; };
static void publish(struct growing *g) {
  g->data[g->end] = 0;
  *g->text = g->data;
  *g->size = min_size(g->at, g->end);
}
static ssize_t growing_write(void *cookie, const char *from, size_t n) {
  struct growing *g = cookie;
  if (g->at + n + 1 > g->room) {
    size_t room = 2 * (g->at + n + 1);
    char *larger = realloc(g->data, room);
    if (!larger) return 0;
    memset(larger + g->room, 0, room - g->room);
    g->data = larger;
    g->room = room;
  }
  memcpy(g->data + g->at, from, n);
  g->at += n;
  if (g->at > g->end) g->end = g->at;
  publish(g);
  return (ssize_t)n;
}
static int growing_seek(void *cookie, off64_t *offset, int whence) {
  struct growing *g = cookie;
  off64_t at = *offset + (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (off64_t)g->at : (off64_t)g->end);
  if (at < 0) {
    errno = EINVAL;
    return -1;
  }
  *offset = (off64_t)(g->at = (size_t)at);
  return 0;
}
static int growing_close(void *cookie) {
  struct growing *g = cookie;
  publish(g);
  g->data[*g->size] = 0; /* what lies behind the place of the last write is cut off */
  free(g);
  return 0;
}
FILE *open_memstream(char **text, size_t *size) {
  struct growing *g = calloc(1, sizeof *g);
  if (!g) return NULL;
  *g = (struct growing){ text, size, calloc(1, 8192), 8192, 0, 0 };
  if (!g->data) {
    free(g);
    return NULL;
  }
  publish(g);
  return fopencookie(g, "w", (struct cookie_functions){ NULL, growing_write, growing_seek, growing_close });
}

int remove(const char *path) {
  int rmdir(const char *);
  if (unlink(path) == 0) return 0;
  return errno == EISDIR || errno == EPERM ? rmdir(path) : -1;
}

/* Names of temporary files: the last six characters from the clock and the process. */
static int fill_template(char *name, int suffix, int kind, int flags) {
  static uint64_t value;
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  size_t n = strlen(name);
  if (n < 6 + (size_t)suffix || memcmp(name + n - 6 - (size_t)suffix, "XXXXXX", 6) != 0) {
    errno = EINVAL;
    return -1;
  }
  char *x = name + n - 6 - suffix;
  struct timeval now;
  RAW(SYS_gettimeofday, &now, NULL);
  value += ((uint64_t)(uint32_t)now.tv_usec << 16) ^ (uint64_t)(uint32_t)now.tv_sec ^ (uint64_t)(uint32_t)getpid();
  int saved = errno;
  for (int tries = 0; tries < 238328; tries++, value += 7777) {
    uint64_t v = value;
    for (int i = 0; i < 6; i++, v /= 62) x[i] = letters[v % 62];
    int fd;
    if (kind == 0) {
      fd = (int)SYS(SYS_open, name, (flags & ~O_ACCMODE) | O_RDWR | O_CREAT | O_EXCL, 0600);
    } else if (kind == 1) {
      fd = (int)SYS(SYS_mkdir, name, 0700);
    } else {
      struct stat64 st;
      fd = RAW(SYS_lstat, name, &st) < 0 ? 0 : -1;
      if (fd < 0) errno = EEXIST;
    }
    if (fd >= 0) {
      errno = saved;
      return fd;
    }
    if (errno != EEXIST) return -1;
  }
  errno = EEXIST;
  return -1;
}
int mkstemp(char *name) { return fill_template(name, 0, 0, O_LARGEFILE * 0); }
int mkostemp(char *name, int flags) { return fill_template(name, 0, 0, flags); }
int mkstemps(char *name, int suffix) { return fill_template(name, suffix, 0, 0); }
int mkstemp64(char *name) { return fill_template(name, 0, 0, O_LARGEFILE); }
char *mkdtemp(char *name) { return fill_template(name, 0, 1, 0) < 0 ? NULL : name; }
char *mktemp(char *name) {
  if (fill_template(name, 0, 2, 0) < 0) *name = 0;
  return name;
}
char *tmpnam_r(char *to) { return to ? mktemp(strcpy(to, "/tmp/fileXXXXXX")) : NULL; }
char *tmpnam(char *to) {
  static char own[20];
  return tmpnam_r(to ? to : own);
}
FILE *tmpfile(void) {
  char name[] = "/tmp/tmpfXXXXXX";
  int fd = mkstemp(name);
  if (fd < 0) return NULL;
  unlink(name);
  FILE *f = fdopen(fd, "w+");
  if (!f) close(fd);
  return f;
}
ALIAS(tmpfile64, tmpfile);

/* popen(3): the children are remembered, so that later ones do not inherit their ends. */
static struct child { struct child *next; FILE *file; pid_t pid; } *children;
FILE *popen(const char *command, const char *mode) {
  int pipe2(int *, int), dup2(int, int), end[2], writing = *mode == 'w';
  if (*mode != 'r' && *mode != 'w') {
    errno = EINVAL;
    return NULL;
  }
  if (SYS(SYS_pipe2, end, strchr(mode, 'e') ? O_CLOEXEC : 0) < 0) return NULL;
  struct child *c = malloc(sizeof *c);
  FILE *f = c ? fdopen(end[writing], writing ? "w" : "r") : NULL;
  pid_t pid = f ? fork() : -1;
  if (pid == 0) {
    for (struct child *other = children; other; other = other->next) close(fileno(other->file));
    if (end[!writing] != !writing) dup2(end[!writing], !writing), close(end[!writing]);
    close(end[writing]);
    char *argv[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
    execve("/bin/sh", argv, __environ);
    _exit(127);
  }
  close(end[!writing]);
  if (pid < 0) {
    if (f) fclose(f);
    else close(end[writing]);
    free(c);
    return NULL;
  }
  *c = (struct child){ children, f, pid };
  children = c;
  return f;
}
int pclose(FILE *f) {
  for (struct child **at = &children; *at; at = &(*at)->next) {
    struct child *c = *at;
    if (c->file != f) continue;
    *at = c->next;
    pid_t pid = c->pid, got;
    int status;
    free(c);
    fclose(f);
    do got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -1 : status;
  }
  errno = ECHILD;
  return -1;
}
