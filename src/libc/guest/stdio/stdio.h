/* Inside stdio: flag bits of FILE._flags (the macros of <stdio.h> test some of them), and the operations of a stream. */
#ifndef FOLIO_STDIO_H
#define FOLIO_STDIO_H
#include "../libc.h"

enum {
  MAGIC = (int)0xfbad0000, USER_BUF = 1, UNBUFFERED = 2, NO_READS = 4, NO_WRITES = 8, EOF_SEEN = 0x10, ERR_SEEN = 0x20,
  LINKED = 0x80, IN_BACKUP = 0x100, LINE_BUF = 0x200, PUTTING = 0x800, APPENDING = 0x1000, FILEBUF = 0x2000,
};
enum { FLAGS2_NOTCANCEL = 2, FLAGS2_FORTIFY = 4, FLAGS2_SCANF_STD = 16, FLAGS2_HEAP_FILE = 0x10000 };

/* What lies under the buffer. Counts like read(2) and write(2); seek gives the new position or -1. */
struct file_ops {
  ssize_t (*read)(FILE *, char *, size_t);
  ssize_t (*write)(FILE *, const char *, size_t);
  off64_t (*seek)(FILE *, off64_t, int);
  int (*close)(FILE *);
  int (*grow)(FILE *); /* a memory stream's buffer is full: make room, or EOF */
};
HIDDEN extern const struct file_ops fd_ops;
HIDDEN extern FILE *all_streams;

HIDDEN void stream_buffer(FILE *);                             /* allocates one if there is none */
HIDDEN void stream_set_buffer(FILE *, char *, char *, int own);
HIDDEN int stream_flush(FILE *);                               /* writes what is pending */
HIDDEN int stream_sync(FILE *);                                /* fflush(3) on one stream */
HIDDEN size_t stream_put(FILE *, const char *, size_t);        /* fwrite of bytes: how many were taken */
HIDDEN size_t stream_get(FILE *, char *, size_t);
HIDDEN size_t stream_pad(FILE *, int c, size_t);
HIDDEN off64_t stream_seek(FILE *, off64_t, int);
HIDDEN void stream_link(FILE *), stream_unlink(FILE *);
HIDDEN int stream_close_backup(FILE *);
HIDDEN void stream_init(FILE *, int flags, const struct file_ops *);
HIDDEN void stream_drop_backup(FILE *);
HIDDEN int stream_to_get(FILE *);

/* A stream over memory for the length of one call: sprintf, sscanf. */
HIDDEN void string_writer(FILE *, char *, size_t, const struct file_ops *);
HIDDEN void string_reader(FILE *, const char *);

HIDDEN int format(FILE *, const char *, va_list, int fortify);
HIDDEN int scan(FILE *, const char *, va_list, int iso_c99);

static inline int put_byte(FILE *f, int c) {
  return f->_IO_write_ptr >= f->_IO_write_end ? __overflow(f, (unsigned char)c) : (unsigned char)(*f->_IO_write_ptr++ = (char)c);
}
static inline int get_byte(FILE *f) {
  return f->_IO_read_ptr >= f->_IO_read_end ? __uflow(f) : (unsigned char)*f->_IO_read_ptr++;
}
/* The first byte operation decides that a stream is not wide. */
static inline void orient(FILE *f) {
  if (f->_mode == 0) f->_mode = -1;
}
#endif
