/* Streams over file descriptors: the three standard ones, fopen(3), fclose(3), fflush(3), setvbuf(3), exit's part. */
#include "../syscall.h"
#include "stdio.h"

static ssize_t fd_read(FILE *f, char *to, size_t n) { return SYS(SYS_read, f->_fileno, to, n); }
static ssize_t fd_write(FILE *f, const char *from, size_t n) { return SYS(SYS_write, f->_fileno, from, n); }
static off64_t fd_seek(FILE *f, off64_t offset, int whence) { return lseek64(f->_fileno, offset, whence); }
static int fd_close(FILE *f) { return close(f->_fileno); }
HIDDEN const struct file_ops fd_ops = { fd_read, fd_write, fd_seek, fd_close, NULL };

static struct { int lock, count; void *owner; } locks[3];

#define STANDARD(number, flags, next) \
  { ._flags = MAGIC | LINKED | FILEBUF | (flags), ._chain = next, ._fileno = number, ._old_offset = -1, ._offset = -1, \
    ._lock = &locks[number], ._ops = &fd_ops }
FILE _IO_2_1_stdin_ = STANDARD(0, NO_WRITES, NULL);
FILE _IO_2_1_stdout_ = STANDARD(1, NO_READS, &_IO_2_1_stdin_);
FILE _IO_2_1_stderr_ = STANDARD(2, NO_READS | UNBUFFERED, &_IO_2_1_stdout_);
FILE *stdin = &_IO_2_1_stdin_;
FILE *stdout = &_IO_2_1_stdout_;
FILE *stderr = &_IO_2_1_stderr_;
HIDDEN FILE *all_streams = &_IO_2_1_stderr_;

HIDDEN void stream_link(FILE *f) {
  if (f->_flags & LINKED) return;
  f->_flags |= LINKED;
  f->_chain = all_streams;
  all_streams = f;
}
HIDDEN void stream_unlink(FILE *f) {
  if (!(f->_flags & LINKED)) return;
  for (FILE **at = &all_streams; *at; at = &(*at)->_chain)
    if (*at == f) {
      *at = f->_chain;
      break;
    }
  f->_flags &= ~LINKED;
}
HIDDEN void stream_init(FILE *f, int flags, const struct file_ops *ops) {
  memset(f, 0, sizeof *f);
  f->_flags = MAGIC | flags;
  f->_fileno = -1;
  f->_old_offset = -1;
  f->_offset = -1;
  f->_ops = ops;
}

/* The size of glibc's allocation for a stream (FILE, lock, wide part), up to 2.26: heap addresses depend on it. */
enum { STREAM_SIZE = sizeof(long) == 8 ? 568 : 352 };

/* The letters of fopen(3)'s mode, to open(2)'s flags and ours; -1 with EINVAL. */
static int parse_mode(const char *mode, int *stream_flags) {
  int flags, how;
  switch (*mode) {
    case 'r': flags = O_RDONLY, how = NO_WRITES; break;
    case 'w': flags = O_WRONLY | O_CREAT | O_TRUNC, how = NO_READS; break;
    case 'a': flags = O_WRONLY | O_CREAT | O_APPEND, how = NO_READS | APPENDING; break;
    default: errno = EINVAL; return -1;
  }
  for (int i = 1; i < 7 && mode[i] && mode[i] != ','; i++) {
    if (mode[i] == '+') {
      flags = (flags & ~O_ACCMODE) | O_RDWR;
      how &= APPENDING;
    } else if (mode[i] == 'x') {
      flags |= O_EXCL;
    } else if (mode[i] == 'e') {
      flags |= O_CLOEXEC;
    }
  }
  *stream_flags = how;
  return flags;
}

static FILE *new_stream(void) {
  FILE *f = malloc(STREAM_SIZE);
  if (!f) return NULL;
  stream_init(f, FILEBUF, &fd_ops);
  f->_flags2 = FLAGS2_HEAP_FILE;
  f->_lock = f + 1;
  memset(f->_lock, 0, 16);
  return f;
}

static FILE *open_stream(FILE *f, const char *path, const char *mode, int large) {
  int how, flags = parse_mode(mode, &how);
  if (flags < 0) return NULL;
  int fd = open(path, flags | large, 0666);
  if (fd < 0) return NULL;
  f->_fileno = fd;
  f->_flags = (f->_flags & ~(NO_READS | NO_WRITES | APPENDING)) | how;
  if (flags & O_APPEND && (flags & O_ACCMODE) == O_WRONLY) {
    if (lseek64(fd, 0, SEEK_END) < 0 && errno != ESPIPE) {
      close(fd);
      return NULL;
    }
  }
  stream_link(f);
  return f;
}

static FILE *open_new(const char *path, const char *mode, int large) {
  FILE *f = new_stream();
  if (f && !open_stream(f, path, mode, large)) {
    free(f);
    return NULL;
  }
  return f;
}

FILE *fopen(const char *path, const char *mode) { return open_new(path, mode, 0); }
#ifdef __i386__
FILE *fopen64(const char *path, const char *mode) { return open_new(path, mode, O_LARGEFILE); }
#else
ALIAS(fopen64, fopen);
#endif
ALIAS(_IO_fopen, fopen);

/* fdopen(3): asks what the descriptor allows, and, as glibc did up to 2.19, where it stands. */
FILE *fdopen(int fd, const char *mode) {
  int how, flags = parse_mode(mode, &how);
  if (flags < 0) return NULL;
  int have = fcntl(fd, F_GETFL);
  if (have < 0) return NULL;
  if ((((have & O_ACCMODE) == O_RDONLY) && !(how & NO_WRITES)) || (((have & O_ACCMODE) == O_WRONLY) && !(how & NO_READS))) {
    errno = EINVAL;
    return NULL;
  }
  if (how & APPENDING && !(have & O_APPEND) && fcntl(fd, F_SETFL, have | O_APPEND) < 0) return NULL;
  FILE *f = new_stream();
  if (!f) return NULL;
  f->_fileno = fd;
  int saved = errno;
  off64_t at = stream_seek(f, 0, SEEK_CUR);
  if (at < 0 && errno != ESPIPE) {
    stream_set_buffer(f, NULL, NULL, 0);
    free(f);
    return NULL;
  }
  errno = saved;
  f->_offset = -1;
  f->_flags |= how;
  stream_link(f);
  return f;
}
ALIAS(_IO_fdopen, fdopen);

static int close_below(FILE *f) {
  int result = 0;
  if (f->_flags & PUTTING) result = stream_flush(f);
  else if (f->_IO_read_end != f->_IO_read_ptr && f->_ops == &fd_ops) stream_sync(f);
  if (f->_flags & IN_BACKUP) stream_drop_backup(f);
  stream_unlink(f);
  int closed = f->_ops->close ? f->_ops->close(f) : 0;
  stream_set_buffer(f, NULL, NULL, 0);
  f->_IO_read_base = f->_IO_read_ptr = f->_IO_read_end = f->_IO_write_base = f->_IO_write_ptr = f->_IO_write_end = NULL;
  return closed < 0 ? closed : result;
}

int fclose(FILE *f) {
  int result = close_below(f);
  if (f->_flags2 & FLAGS2_HEAP_FILE) {
    free(f);
  } else {
    f->_fileno = -1;
    f->_flags = MAGIC | FILEBUF | NO_READS | NO_WRITES;
  }
  return result < 0 ? EOF : 0;
}
ALIAS(_IO_fclose, fclose);

FILE *freopen(const char *path, const char *mode, FILE *f) {
  char self[32];
  if (!path) {
    snprintf(self, sizeof self, "/proc/self/fd/%d", f->_fileno);
    path = self;
  }
  int fd = f->_fileno, heap = f->_flags2 & FLAGS2_HEAP_FILE;
  void *lock = f->_lock;
  if (path == self) fd = dup(fd);
  close_below(f);
  if (path == self) snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  stream_init(f, FILEBUF, &fd_ops);
  f->_flags2 = heap;
  f->_lock = lock;
  FILE *result = open_stream(f, path, mode, 0);
  if (path == self) close(fd);
  return result;
}
ALIAS(freopen64, freopen);

/* Every stream with something to write. */
static int flush_all(void) {
  int result = 0;
  for (FILE *f = all_streams; f; f = f->_chain)
    if (f->_IO_write_ptr > f->_IO_write_base && __overflow(f, EOF) == EOF) result = EOF;
  return result;
}

int fflush(FILE *f) {
  if (!f) return flush_all();
  return stream_sync(f) ? EOF : 0;
}
int fflush_unlocked(FILE *f) { return fflush(f); }
ALIAS(_IO_fflush, fflush);

/* exit(3): all is written, offsets of what was read are put right, and nothing is buffered from here on. */
HIDDEN void stdio_exit(void) {
  flush_all();
  for (FILE *f = all_streams; f; f = f->_chain) {
    if (!(f->_flags & UNBUFFERED) && f->_mode != 0) {
      stream_sync(f);
      f->_flags |= UNBUFFERED | USER_BUF; /* the pages are left to the kernel */
      f->_IO_buf_base = NULL;
      stream_set_buffer(f, f->_shortbuf, f->_shortbuf + 1, 0);
      f->_IO_read_base = f->_IO_read_ptr = f->_IO_read_end = f->_shortbuf;
      f->_IO_write_base = f->_IO_write_ptr = f->_IO_write_end = f->_shortbuf;
    }
    f->_mode = -1;
  }
}

int setvbuf(FILE *f, char *buffer, int mode, size_t size) {
  enum { FULL, LINE, NONE };
  if (mode == NONE) {
    if (stream_sync(f) == EOF) return EOF;
    stream_set_buffer(f, f->_shortbuf, f->_shortbuf + 1, 0);
    f->_flags = (f->_flags & ~LINE_BUF) | UNBUFFERED;
  } else if (mode == FULL || mode == LINE) {
    f->_flags = (f->_flags & ~(LINE_BUF | UNBUFFERED)) | (mode == LINE ? LINE_BUF : 0);
    if (mode == FULL && !buffer && !f->_IO_buf_base) { /* allocated now; that may find a terminal, which does not count */
      stream_buffer(f);
      f->_flags &= ~LINE_BUF;
      return 0;
    }
    if (!buffer || size == 0) return 0;
    if (stream_sync(f) == EOF) return EOF;
    stream_set_buffer(f, buffer, buffer + size, 0);
  } else {
    return EOF;
  }
  f->_IO_read_base = f->_IO_read_ptr = f->_IO_read_end = f->_IO_write_base = f->_IO_write_ptr = f->_IO_write_end = f->_IO_buf_base;
  if (!(f->_flags & PUTTING)) f->_IO_write_base = f->_IO_write_ptr = f->_IO_write_end = NULL;
  else f->_IO_write_end = f->_flags & (LINE_BUF | UNBUFFERED) ? f->_IO_buf_base : f->_IO_buf_end;
  return 0;
}
ALIAS(_IO_setvbuf, setvbuf);
void setbuffer(FILE *f, char *buffer, size_t size) { setvbuf(f, buffer, buffer ? 0 : 2, size); }
ALIAS(_IO_setbuffer, setbuffer);
void setbuf(FILE *f, char *buffer) { setbuffer(f, buffer, 8192); }
void setlinebuf(FILE *f) { setvbuf(f, NULL, 1, 0); }
int __fsetlocking(FILE *f, int type) { return (void)f, type == 0 ? 1 : type; }
void __fpurge(FILE *f) {
  stream_drop_backup(f);
  f->_IO_read_end = f->_IO_read_ptr;
  f->_IO_write_ptr = f->_IO_write_base;
}
size_t __fbufsize(FILE *f) { return (size_t)(f->_IO_buf_end - f->_IO_buf_base); }
size_t __fpending(FILE *f) { return (size_t)(f->_IO_write_ptr - f->_IO_write_base); }
int __flbf(FILE *f) { return f->_flags & LINE_BUF; }
int __freadable(FILE *f) { return !(f->_flags & NO_READS); }
int __fwritable(FILE *f) { return !(f->_flags & NO_WRITES); }
int __freading(FILE *f) { return f->_flags & NO_WRITES || (!(f->_flags & PUTTING) && f->_IO_read_base); }
int __fwriting(FILE *f) { return f->_flags & NO_READS || f->_flags & PUTTING; }
void _flushlbf(void) {
  for (FILE *f = all_streams; f; f = f->_chain)
    if (f->_flags & LINE_BUF && f->_IO_write_ptr > f->_IO_write_base) __overflow(f, EOF);
}
