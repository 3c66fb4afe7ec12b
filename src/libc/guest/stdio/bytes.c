/* Unformatted input and output: fputc(3), fgetc(3), puts(3), fgets(3), fread(3), ungetc(3), fseek(3), getdelim(3). */
#include "stdio.h"

int fputc(int c, FILE *f) { return put_byte(f, c); }
ALIAS(putc, fputc);
ALIAS(_IO_putc, fputc);
ALIAS(fputc_unlocked, fputc);
ALIAS(putc_unlocked, fputc);
int putchar(int c) { return put_byte(stdout, c); }
ALIAS(putchar_unlocked, putchar);

int fgetc(FILE *f) { return get_byte(f); }
ALIAS(getc, fgetc);
ALIAS(_IO_getc, fgetc);
ALIAS(fgetc_unlocked, fgetc);
ALIAS(getc_unlocked, fgetc);
int getchar(void) { return get_byte(stdin); }
ALIAS(getchar_unlocked, getchar);

int puts(const char *s) {
  size_t n = strlen(s);
  orient(stdout);
  if (stdout->_mode > 0 || stream_put(stdout, s, n) != n || put_byte(stdout, '\n') == EOF) return EOF;
  return (int)min_size(n + 1, INT_MAX);
}
ALIAS(_IO_puts, puts);

int fputs(const char *s, FILE *f) {
  size_t n = strlen(s);
  orient(f);
  return f->_mode < 0 && stream_put(f, s, n) == n ? 1 : EOF;
}
ALIAS(fputs_unlocked, fputs);
ALIAS(_IO_fputs, fputs);

size_t fwrite(const void *from, size_t size, size_t count, FILE *f) {
  size_t n = size * count;
  if (n == 0) return 0;
  orient(f);
  size_t done = stream_put(f, from, n);
  return done == n || done == (size_t)EOF ? count : done / size;
}
ALIAS(fwrite_unlocked, fwrite);
ALIAS(_IO_fwrite, fwrite);

size_t fread(void *to, size_t size, size_t count, FILE *f) {
  size_t n = size * count;
  if (n == 0) return 0;
  size_t done = stream_get(f, to, n);
  return done == n ? count : done / size;
}
ALIAS(fread_unlocked, fread);
ALIAS(_IO_fread, fread);

/* Bytes up to a delimiter, at most n; *found tells whether it was there. */
static size_t get_until(FILE *f, char *to, size_t n, int delimiter, int *found) {
  size_t done = 0;
  *found = 0;
  while (done < n) {
    if (f->_IO_read_ptr >= f->_IO_read_end && __underflow(f) == EOF) break;
    size_t have = min_size((size_t)(f->_IO_read_end - f->_IO_read_ptr), n - done);
    char *end = memchr(f->_IO_read_ptr, delimiter, have);
    if (end) have = (size_t)(end - f->_IO_read_ptr) + 1;
    memcpy(to + done, f->_IO_read_ptr, have);
    f->_IO_read_ptr += have;
    done += have;
    if (end) {
      *found = 1;
      break;
    }
  }
  return done;
}

char *fgets(char *to, int n, FILE *f) {
  if (n <= 0) return NULL;
  if (n == 1) return *to = 0, to;
  int old = f->_flags & ERR_SEEN, found;
  f->_flags &= ~ERR_SEEN;
  size_t count = get_until(f, to, (size_t)n - 1, '\n', &found);
  char *result = count == 0 || (f->_flags & ERR_SEEN && errno != EAGAIN) ? NULL : to;
  if (result) to[count] = 0;
  f->_flags |= old;
  return result;
}
ALIAS(fgets_unlocked, fgets);
ALIAS(_IO_fgets, fgets);

char *gets(char *to) {
  char *at = to;
  int c;
  while ((c = get_byte(stdin)) != EOF && c != '\n') *at++ = (char)c;
  if (c == EOF && (at == to || stdin->_flags & ERR_SEEN)) return NULL;
  *at = 0;
  return to;
}
ALIAS(_IO_gets, gets);

ssize_t getdelim(char **line, size_t *size, int delimiter, FILE *f) {
  if (!line || !size) {
    errno = EINVAL;
    return -1;
  }
  if (!*line || *size == 0) {
    *size = 120;
    if (!(*line = realloc(NULL, *size))) return -1;
  }
  size_t done = 0;
  int found = 0;
  while (!found) {
    if (f->_IO_read_ptr >= f->_IO_read_end && __underflow(f) == EOF) break;
    size_t have = (size_t)(f->_IO_read_end - f->_IO_read_ptr);
    char *end = memchr(f->_IO_read_ptr, delimiter, have);
    size_t now = end ? (size_t)(end - f->_IO_read_ptr) + 1 : have;
    if (done + now + 1 > *size) {
      size_t want = 2 * *size > done + now + 1 ? 2 * *size : done + now + 1;
      char *larger = realloc(*line, want);
      if (!larger) return -1;
      *line = larger;
      *size = want;
    }
    memcpy(*line + done, f->_IO_read_ptr, now);
    f->_IO_read_ptr += now;
    done += now;
    found = end != NULL;
  }
  if (done == 0) return -1;
  (*line)[done] = 0;
  return (ssize_t)done;
}
ALIAS(__getdelim, getdelim);
ssize_t getline(char **line, size_t *size, FILE *f) { return getdelim(line, size, '\n', f); }

/* One byte can always be put back: over the byte just read, else into a small area of its own before the buffer. */
int ungetc(int c, FILE *f) {
  if (c == EOF) return EOF;
  orient(f);
  if (f->_flags & PUTTING && stream_to_get(f) == EOF) return EOF;
  if (!(f->_flags & IN_BACKUP) && f->_IO_read_ptr > f->_IO_read_base && (unsigned char)f->_IO_read_ptr[-1] == (unsigned char)c) {
    f->_IO_read_ptr--;
  } else if (f->_flags & IN_BACKUP && f->_IO_read_ptr > f->_IO_save_base) {
    *--f->_IO_read_ptr = (char)c;
  } else if (f->_flags & IN_BACKUP) {
    return EOF;
  } else {
    enum { AREA = 128 };
    char *area = malloc(AREA);
    if (!area) return EOF;
    if (!f->_IO_read_base) {
      stream_buffer(f);
      f->_IO_read_base = f->_IO_read_ptr = f->_IO_read_end = f->_IO_buf_base;
    }
    f->_IO_save_base = area;
    f->_IO_backup_base = f->_IO_read_base;
    f->_pad5 = (size_t)(f->_IO_read_ptr - f->_IO_read_base);
    f->_IO_save_end = f->_IO_read_end;
    f->_flags |= IN_BACKUP;
    f->_IO_read_base = area;
    f->_IO_read_end = area + AREA;
    f->_IO_read_ptr = area + AREA - 1;
    *f->_IO_read_ptr = (char)c;
  }
  f->_flags &= ~EOF_SEEN;
  return (unsigned char)c;
}
ALIAS(_IO_ungetc, ungetc);

int fseeko64(FILE *f, off64_t offset, int whence) {
  if ((unsigned)whence > SEEK_END) {
    errno = EINVAL;
    return -1;
  }
  return stream_seek(f, offset, whence) < 0 ? -1 : 0;
}
int fseek(FILE *f, long offset, int whence) { return fseeko64(f, offset, whence); }
ALIAS(fseeko, fseek);
void rewind(FILE *f) {
  fseek(f, 0, SEEK_SET);
  f->_flags &= ~(EOF_SEEN | ERR_SEEN);
}

off64_t ftello64(FILE *f) {
  off64_t pending = f->_IO_write_ptr - f->_IO_write_base;
  if (f->_ops->seek && pending > 0 && f->_flags & APPENDING) {
    if (stream_flush(f) == EOF) return -1;
    pending = 0;
  }
  if (!f->_ops->seek) {
    errno = ESPIPE;
    return -1;
  }
  off64_t at = f->_offset >= 0 ? f->_offset : f->_ops->seek(f, 0, SEEK_CUR);
  if (at < 0) return -1;
  if (f->_flags & IN_BACKUP)
    return at - (f->_IO_save_end - (f->_IO_backup_base + f->_pad5)) - (f->_IO_read_end - f->_IO_read_ptr);
  if (f->_flags & PUTTING) return at + pending - (f->_IO_read_end - f->_IO_write_base > 0 ? f->_IO_read_end - f->_IO_write_base : 0);
  return at - (f->_IO_read_end - f->_IO_read_ptr);
}
long ftell(FILE *f) {
  off64_t at = ftello64(f);
  if (at != (long)at) {
    errno = EOVERFLOW;
    return -1;
  }
  return (long)at;
}
ALIAS(ftello, ftell);
ALIAS(_IO_ftell, ftell);

typedef struct { off_t at; mbstate_t state; } fpos;
typedef struct { off64_t at; mbstate_t state; } fpos64;
int fgetpos(FILE *f, fpos *position) {
  position->at = ftell(f);
  return position->at == -1 ? -1 : 0;
}
int fsetpos(FILE *f, const fpos *position) { return fseek(f, position->at, SEEK_SET); }
int fgetpos64(FILE *f, fpos64 *position) {
  position->at = ftello64(f);
  return position->at == -1 ? -1 : 0;
}
int fsetpos64(FILE *f, const fpos64 *position) { return fseeko64(f, position->at, SEEK_SET); }

int feof(FILE *f) { return (f->_flags & EOF_SEEN) != 0; }
ALIAS(feof_unlocked, feof);
ALIAS(_IO_feof, feof);
int ferror(FILE *f) { return (f->_flags & ERR_SEEN) != 0; }
ALIAS(ferror_unlocked, ferror);
ALIAS(_IO_ferror, ferror);
void clearerr(FILE *f) { f->_flags &= ~(EOF_SEEN | ERR_SEEN); }
ALIAS(clearerr_unlocked, clearerr);
int fileno(FILE *f) {
  if (f->_fileno < 0) {
    errno = EBADF;
    return -1;
  }
  return f->_fileno;
}
ALIAS(fileno_unlocked, fileno);

int getw(FILE *f) {
  int word;
  return fread(&word, sizeof word, 1, f) == 1 ? word : EOF;
}
int putw(int word, FILE *f) { return fwrite(&word, sizeof word, 1, f) == 1 ? 0 : EOF; }

int fwide(FILE *f, int mode) {
  if (mode != 0 && f->_mode == 0) f->_mode = mode > 0 ? 1 : -1;
  return f->_mode;
}

/* One thread: the locks are always free. */
void flockfile(FILE *f) { (void)f; }
void funlockfile(FILE *f) { (void)f; }
int ftrylockfile(FILE *f) { return (void)f, 0; }
ALIAS(_IO_flockfile, flockfile);
ALIAS(_IO_funlockfile, funlockfile);

/* perror(3) leaves stderr's orientation alone: it writes through a duplicate while that is open. */
void perror(const char *prefix) {
  int number = errno;
  const char *colon = prefix && *prefix ? ": " : "";
  if (!*colon) prefix = "";
  FILE *f = stderr;
  if (f->_mode == 0 && f->_fileno >= 0) {
    int fd = dup(f->_fileno);
    FILE *copy = fd < 0 ? NULL : fdopen(fd, "w+");
    if (copy) f = copy;
    else if (fd >= 0) close(fd);
  }
  char unknown[32];
  fprintf(f, "%s%s%s\n", prefix, colon, __strerror_r(number, unknown, sizeof unknown));
  if (f != stderr) {
    if (f->_flags & ERR_SEEN) stderr->_flags |= ERR_SEEN;
    fclose(f);
  }
  errno = number;
}
