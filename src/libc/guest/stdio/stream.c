/*
 * Streams: buffers and their two states, getting and putting. The rules are glibc's (2.11, 2.13), because they can be
 * seen from outside: when a buffer is made and how large it is, what is written at once, what a line buffer holds back.
 *
 * Getting: read_base <= read_ptr <= read_end, no room to write (write_base = write_ptr = write_end).
 * Putting (flag PUTTING): write_base <= write_ptr; write_end is the buffer's end, or write_base if every byte must pass
 * __overflow: line buffered and unbuffered streams.
 */
#include "../syscall.h"
#include "stdio.h"

/* Up to glibc 2.22 buffers are anonymous pages, st_blksize bytes; from 2.23 on they are blocks of malloc of at most 8192. */
static char *new_buffer(size_t size) {
  if (libc_glibc_minor >= 23) return malloc(size);
  char *base = mmap(NULL, (size + 4095) & ~4095UL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return base == MAP_FAILED ? NULL : base;
}

static void drop_buffer(char *base, size_t size) {
  if (libc_glibc_minor >= 23) free(base);
  else munmap(base, (size + 4095) & ~4095UL);
}

HIDDEN void stream_set_buffer(FILE *f, char *base, char *end, int own) {
  if (f->_IO_buf_base && !(f->_flags & USER_BUF)) drop_buffer(f->_IO_buf_base, (size_t)(f->_IO_buf_end - f->_IO_buf_base));
  f->_IO_buf_base = base;
  f->_IO_buf_end = end;
  f->_flags = own ? f->_flags & ~USER_BUF : f->_flags | USER_BUF;
}

static void set_get(FILE *f, char *base, char *at, char *end) {
  f->_IO_read_base = base;
  f->_IO_read_ptr = at;
  f->_IO_read_end = end;
}

static void no_put(FILE *f) { f->_IO_write_base = f->_IO_write_ptr = f->_IO_write_end = f->_IO_buf_base; }

/* 8192 bytes if the file cannot be asked. */
HIDDEN void stream_buffer(FILE *f) {
  if (f->_IO_buf_base) return;
  size_t size = 8192;
  struct stat64 st;
  if (!(f->_flags & UNBUFFERED) || f->_mode > 0) {
    if (f->_ops == &fd_ops && f->_fileno >= 0 && RAW(SYS_fstat, f->_fileno, &st) >= 0) {
      if ((st.st_mode & S_IFMT) == S_IFCHR) {
        unsigned major = (unsigned)(st.st_rdev >> 8) & 0xfff; /* 136 to 143 are pseudo-terminals: no need to ask */
        char termios[64];
        if ((major >= 136 && major <= 143) || RAW(SYS_ioctl, f->_fileno, 0x5401, termios) == 0) f->_flags |= LINE_BUF;
      }
      if (st.st_blksize > 0 && (libc_glibc_minor < 23 || (size_t)st.st_blksize < size)) size = (size_t)st.st_blksize;
    }
    char *base = new_buffer(size);
    if (base) return stream_set_buffer(f, base, base + size, 1);
  }
  stream_set_buffer(f, f->_shortbuf, f->_shortbuf + 1, 0);
}

static int every_byte(const FILE *f) { return f->_mode <= 0 && f->_flags & (LINE_BUF | UNBUFFERED); }

/* Writes n bytes to what lies below and leaves the buffer empty, whatever happened. Gives how many went. */
static size_t write_through(FILE *f, const char *from, size_t n) {
  if (f->_flags & APPENDING) {
    f->_offset = -1;
  } else if (f->_IO_read_end != f->_IO_write_base) { /* what was read ahead moves the place to write at */
    off64_t at = f->_ops->seek ? f->_ops->seek(f, f->_IO_write_base - f->_IO_read_end, SEEK_CUR) : -1;
    if (at < 0) return 0;
    f->_offset = at;
  }
  size_t left = n;
  while (left > 0) {
    ssize_t count = f->_ops->write ? f->_ops->write(f, from, left) : -1;
    if (count < 0) {
      f->_flags |= ERR_SEEN;
      break;
    }
    left -= (size_t)count;
    from += count;
    if (f->_ops != &fd_ops && count == 0) break;
  }
  if (f->_offset >= 0) f->_offset += (off64_t)(n - left);
  set_get(f, f->_IO_buf_base, f->_IO_buf_base, f->_IO_buf_base);
  f->_IO_write_base = f->_IO_write_ptr = f->_IO_buf_base;
  f->_IO_write_end = every_byte(f) ? f->_IO_buf_base : f->_IO_buf_end;
  return n - left;
}

HIDDEN int stream_flush(FILE *f) {
  size_t n = (size_t)(f->_IO_write_ptr - f->_IO_write_base);
  if (n == 0 || (f->_ops && f->_ops->grow)) return 0;
  return write_through(f, f->_IO_write_base, n) == n ? 0 : EOF;
}

HIDDEN void stream_drop_backup(FILE *f) {
  if (!(f->_flags & IN_BACKUP)) return;
  free(f->_IO_save_base);
  f->_flags &= ~IN_BACKUP;
  set_get(f, f->_IO_backup_base, f->_IO_backup_base + f->_pad5, f->_IO_save_end);
  f->_IO_save_base = f->_IO_backup_base = f->_IO_save_end = NULL;
}

/* One byte for a stream whose buffer has no room, or with EOF: just become ready to put, and flush. */
int __overflow(FILE *f, int c) {
  orient(f);
  if (f->_flags & NO_WRITES) {
    f->_flags |= ERR_SEEN;
    errno = EBADF;
    return EOF;
  }
  if (!(f->_flags & PUTTING) || !f->_IO_write_base) {
    if (!f->_IO_write_base) {
      stream_buffer(f);
      set_get(f, f->_IO_buf_base, f->_IO_buf_base, f->_IO_buf_base);
    }
    if (f->_flags & IN_BACKUP) stream_drop_backup(f);
    if (f->_IO_read_ptr == f->_IO_buf_end) f->_IO_read_end = f->_IO_read_ptr = f->_IO_buf_base;
    f->_IO_write_base = f->_IO_write_ptr = f->_IO_read_ptr;
    f->_IO_write_end = every_byte(f) ? f->_IO_write_ptr : f->_IO_buf_end;
    f->_IO_read_base = f->_IO_read_ptr = f->_IO_read_end;
    f->_flags |= PUTTING;
  }
  if (c == EOF) return stream_flush(f);
  if (f->_IO_write_ptr == f->_IO_buf_end && (f->_ops->grow ? f->_ops->grow(f) : stream_flush(f)) == EOF) return EOF;
  *f->_IO_write_ptr++ = (char)c;
  if ((f->_flags & UNBUFFERED || (f->_flags & LINE_BUF && c == '\n')) && stream_flush(f) == EOF) return EOF;
  return (unsigned char)c;
}

HIDDEN size_t stream_put(FILE *f, const char *from, size_t n) {
  if (n == 0) return 0;
  size_t room = 0, left = n;
  int flush = 0;
  if (f->_flags & LINE_BUF && f->_flags & PUTTING) {
    room = (size_t)(f->_IO_buf_end - f->_IO_write_ptr);
    const char *newline = room >= n ? memrchr(from, '\n', n) : NULL;
    if (newline) {
      room = (size_t)(newline - from) + 1;
      flush = 1;
    }
  } else if (f->_IO_write_end > f->_IO_write_ptr) {
    room = (size_t)(f->_IO_write_end - f->_IO_write_ptr);
  }
  size_t now = min_size(room, n);
  f->_IO_write_ptr = mempcpy(f->_IO_write_ptr, from, now);
  from += now;
  left -= now;
  if (left == 0 && !flush) return n;
  if (f->_ops->grow) {
    for (; left > 0 && __overflow(f, (unsigned char)*from) != EOF; from++) left--;
    return n - left;
  }
  if (__overflow(f, EOF) == EOF) return left == 0 ? (size_t)EOF : n - left;
  size_t block = (size_t)(f->_IO_buf_end - f->_IO_buf_base), direct = left - (block >= 128 ? left % block : 0);
  if (direct > 0) {
    size_t count = write_through(f, from, direct);
    left -= count;
    from += count;
    if (count < direct) return n - left;
  }
  while (left > 0) {
    now = f->_IO_write_end > f->_IO_write_ptr ? min_size((size_t)(f->_IO_write_end - f->_IO_write_ptr), left) : 0;
    f->_IO_write_ptr = mempcpy(f->_IO_write_ptr, from, now);
    from += now;
    left -= now;
    if (left == 0) break;
    if (__overflow(f, (unsigned char)*from) == EOF) break;
    from++;
    left--;
  }
  return n - left;
}

HIDDEN size_t stream_pad(FILE *f, int c, size_t n) {
  char block[16];
  memset(block, c, sizeof block);
  size_t done = 0;
  while (done < n) {
    size_t now = min_size(n - done, sizeof block);
    if (stream_put(f, block, now) != now) break;
    done += now;
  }
  return done;
}

/* From putting to getting: what was put is written, what was put is not read again. */
HIDDEN int stream_to_get(FILE *f) {
  if (f->_IO_write_ptr > f->_IO_write_base && __overflow(f, EOF) == EOF) return EOF;
  if (f->_flags & IN_BACKUP) {
    f->_IO_read_base = f->_IO_backup_base;
  } else {
    f->_IO_read_base = f->_IO_buf_base;
    if (f->_IO_write_ptr > f->_IO_read_end) f->_IO_read_end = f->_IO_write_ptr;
  }
  f->_IO_read_ptr = f->_IO_write_ptr;
  f->_IO_write_base = f->_IO_write_ptr = f->_IO_write_end = f->_IO_read_ptr;
  f->_flags &= ~PUTTING;
  return 0;
}

static int mark(FILE *f, ssize_t count) {
  f->_flags |= count == 0 ? EOF_SEEN : ERR_SEEN;
  return EOF;
}

/* Fills the buffer from below. */
static int fill(FILE *f) {
  if (f->_flags & NO_READS) {
    f->_flags |= ERR_SEEN;
    errno = EBADF;
    return EOF;
  }
  if (!f->_ops->read) return EOF;
  stream_buffer(f);
  if (f->_flags & (LINE_BUF | UNBUFFERED) && (stdout->_flags & (LINKED | NO_WRITES | LINE_BUF)) == (LINKED | LINE_BUF)) __overflow(stdout, EOF);
  if (stream_to_get(f) == EOF) return EOF;
  set_get(f, f->_IO_buf_base, f->_IO_buf_base, f->_IO_buf_base);
  no_put(f);
  ssize_t count = f->_ops->read(f, f->_IO_buf_base, (size_t)(f->_IO_buf_end - f->_IO_buf_base));
  if (count <= 0) {
    f->_offset = -1;
    return mark(f, count);
  }
  f->_IO_read_end += count;
  if (f->_offset >= 0) f->_offset += count;
  return (unsigned char)*f->_IO_read_ptr;
}

int __underflow(FILE *f) {
  orient(f);
  if (f->_flags & PUTTING && stream_to_get(f) == EOF) return EOF;
  if (f->_IO_read_ptr < f->_IO_read_end) return (unsigned char)*f->_IO_read_ptr;
  if (f->_flags & IN_BACKUP) {
    stream_drop_backup(f);
    if (f->_IO_read_ptr < f->_IO_read_end) return (unsigned char)*f->_IO_read_ptr;
  }
  return fill(f);
}
ALIAS(_IO_file_underflow, __underflow);

int __uflow(FILE *f) {
  int c = __underflow(f);
  if (c != EOF) f->_IO_read_ptr++;
  return c;
}

HIDDEN size_t stream_get(FILE *f, char *to, size_t n) {
  size_t left = n;
  orient(f);
  while (left > 0) {
    if (f->_flags & PUTTING && stream_to_get(f) == EOF) break;
    size_t have = min_size((size_t)(f->_IO_read_end - f->_IO_read_ptr), left);
    to = mempcpy(to, f->_IO_read_ptr, have);
    f->_IO_read_ptr += have;
    left -= have;
    if (left == 0) break;
    if (f->_flags & IN_BACKUP) {
      stream_drop_backup(f);
      continue;
    }
    stream_buffer(f);
    size_t block = (size_t)(f->_IO_buf_end - f->_IO_buf_base);
    if (left < block || f->_flags & NO_READS || !f->_ops->read) {
      if (__underflow(f) == EOF) break;
      continue;
    }
    set_get(f, f->_IO_buf_base, f->_IO_buf_base, f->_IO_buf_base); /* whole blocks go past the buffer */
    no_put(f);
    ssize_t count = f->_ops->read(f, to, block >= 128 ? left - left % block : left);
    if (count <= 0) {
      mark(f, count);
      break;
    }
    to += count;
    left -= (size_t)count;
    if (f->_offset >= 0) f->_offset += count;
  }
  return n - left;
}

/* fflush(3) on a stream one reads: the file offset becomes what the program has read up to. */
HIDDEN int stream_sync(FILE *f) {
  if (f->_IO_write_ptr > f->_IO_write_base && stream_flush(f) == EOF) return EOF;
  if (f->_flags & IN_BACKUP) stream_drop_backup(f);
  off64_t ahead = f->_IO_read_end - f->_IO_read_ptr;
  if (f->_flags & PUTTING || ahead == 0 || !f->_ops->seek) return 0;
  off64_t at = f->_ops->seek(f, -ahead, SEEK_CUR);
  if (at >= 0) {
    f->_IO_read_end = f->_IO_read_ptr;
    f->_offset = at;
  } else if (errno != ESPIPE) {
    return EOF;
  }
  return 0;
}

HIDDEN off64_t stream_seek(FILE *f, off64_t offset, int whence) {
  if (f->_flags & IN_BACKUP) {
    if (whence == SEEK_CUR) offset -= f->_IO_save_end - (f->_IO_backup_base + f->_pad5) + (f->_IO_read_end - f->_IO_read_ptr);
    stream_drop_backup(f);
    f->_IO_read_ptr = f->_IO_read_end;
  }
  if (f->_IO_write_ptr > f->_IO_write_base || f->_flags & PUTTING)
    if (stream_to_get(f) == EOF) return -1;
  if (!f->_ops->seek) {
    errno = ESPIPE;
    return -1;
  }
  stream_buffer(f);
  if (whence == SEEK_CUR) {
    offset -= f->_IO_read_end - f->_IO_read_ptr;
    if (f->_offset >= 0) {
      offset += f->_offset;
      whence = SEEK_SET;
    }
  }
  if (whence == SEEK_SET && offset < 0) {
    errno = EINVAL;
    return -1;
  }
  if (whence == SEEK_SET && f->_offset >= 0 && f->_IO_read_base) { /* within what the buffer holds */
    off64_t start = f->_offset - (f->_IO_read_end - f->_IO_buf_base);
    if (offset >= start && offset < f->_offset) {
      set_get(f, f->_IO_buf_base, f->_IO_buf_base + (offset - start), f->_IO_read_end);
      no_put(f);
      f->_flags &= ~EOF_SEEN;
      return offset;
    }
  }
  off64_t at = f->_ops->seek(f, offset, whence);
  if (at < 0) return -1;
  f->_offset = at;
  f->_flags &= ~EOF_SEEN;
  set_get(f, f->_IO_buf_base, f->_IO_buf_base, f->_IO_buf_base);
  no_put(f);
  return at;
}
