/* Types, constants and prototypes of folio's guest libc. Layouts follow the System V ABI and the Linux man pages. */
#ifndef FOLIO_LIBC_H
#define FOLIO_LIBC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define INT_MAX __INT_MAX__
#define INT_MIN (-INT_MAX - 1)
#define LONG_MAX __LONG_MAX__
#define LONG_MIN (-LONG_MAX - 1)
#define ULONG_MAX (2UL * LONG_MAX + 1)
#define LLONG_MAX __LONG_LONG_MAX__
#define LLONG_MIN (-LLONG_MAX - 1)
#define ULLONG_MAX (2ULL * LLONG_MAX + 1)

#define HIDDEN __attribute__((visibility("hidden")))
#define NORETURN __attribute__((noreturn))
#define ALIAS(name, target) extern __typeof__(target) name __attribute__((alias(#target)))
#define WEAK_ALIAS(name, target) extern __typeof__(target) name __attribute__((weak, alias(#target)))
#define THREAD_LOCAL HIDDEN __thread __attribute__((tls_model("initial-exec")))

typedef __PTRDIFF_TYPE__ ssize_t;
typedef long off_t;
typedef long long off64_t;
typedef int pid_t;
typedef unsigned uid_t, gid_t, mode_t, socklen_t;
typedef long time_t, suseconds_t, clock_t;
typedef int clockid_t;
typedef unsigned wint_t;

struct timeval { time_t tv_sec; suseconds_t tv_usec; };
struct timespec { time_t tv_sec; long tv_nsec; };
struct timezone { int tz_minuteswest, tz_dsttime; };

#ifdef FOLIO_LIBM /* another library: it has no way to libc's variable but this */
int *__errno_location(void) __attribute__((const));
#define errno (*__errno_location())
#else
extern THREAD_LOCAL int __libc_errno;
#define errno __libc_errno
/* The version that the image stands for, 2.MINOR: set when the image is laid out, 11 in a program that is linked with the object. */
extern HIDDEN int libc_glibc_minor;
extern HIDDEN char libc_glibc_version[];
#endif

enum {
  EPERM = 1, ENOENT, ESRCH, EINTR, EIO, ENXIO, E2BIG, ENOEXEC, EBADF, ECHILD, EAGAIN, ENOMEM, EACCES, EFAULT, ENOTBLK,
  EBUSY, EEXIST, EXDEV, ENODEV, ENOTDIR, EISDIR, EINVAL, ENFILE, EMFILE, ENOTTY, ETXTBSY, EFBIG, ENOSPC, ESPIPE, EROFS,
  EMLINK, EPIPE, EDOM, ERANGE, EDEADLK, ENAMETOOLONG, ENOLCK, ENOSYS, ENOTEMPTY, ELOOP, EOVERFLOW = 75, EILSEQ = 84,
};

enum {
  O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_ACCMODE = 3, O_CREAT = 0100, O_EXCL = 0200, O_NOCTTY = 0400, O_TRUNC = 01000,
  O_APPEND = 02000, O_NONBLOCK = 04000, O_DIRECTORY = 0200000, O_CLOEXEC = 02000000,
#ifdef __i386__
  O_LARGEFILE = 0100000,
#else
  O_LARGEFILE = 0,
#endif
};
enum { F_DUPFD = 0, F_GETFD, F_SETFD, F_GETFL, F_SETFL };
enum { SEEK_SET, SEEK_CUR, SEEK_END };
enum { PROT_READ = 1, PROT_WRITE = 2, MAP_PRIVATE = 2, MAP_ANONYMOUS = 32 };
#define MAP_FAILED ((void *)-1)
enum { S_IFMT = 0170000, S_IFCHR = 0020000, S_IFDIR = 0040000, S_IFREG = 0100000 };

/* struct stat as the programs see it. On amd64 the kernel's; on i386 converted from stat64 (stat(2)). */
#ifdef __i386__
struct stat {
  unsigned long long st_dev;
  unsigned short __pad1;
  unsigned long st_ino;
  unsigned st_mode, st_nlink, st_uid, st_gid;
  unsigned long long st_rdev;
  unsigned short __pad2;
  long st_size, st_blksize, st_blocks;
  struct timespec st_atim, st_mtim, st_ctim;
  unsigned long __unused4, __unused5;
};
struct stat64 {
  unsigned long long st_dev;
  unsigned __pad1;
  unsigned long __st_ino;
  unsigned st_mode, st_nlink, st_uid, st_gid;
  unsigned long long st_rdev;
  unsigned __pad2;
  long long st_size __attribute__((packed, aligned(4)));
  long st_blksize;
  long long st_blocks __attribute__((packed, aligned(4)));
  struct timespec st_atim, st_mtim, st_ctim;
  unsigned long long st_ino __attribute__((packed, aligned(4)));
};
#else
struct stat {
  unsigned long st_dev, st_ino, st_nlink;
  unsigned st_mode, st_uid, st_gid, __pad0;
  unsigned long st_rdev;
  long st_size, st_blksize, st_blocks;
  struct timespec st_atim, st_mtim, st_ctim;
  long __unused[3];
};
#define stat64 stat
#endif

/* setjmp/ and signals */
typedef struct { unsigned long word[1024 / (8 * sizeof(long))]; } sigset_t;
union sigval { int sival_int; void *sival_ptr; };
struct sigaction {
  union { void (*sa_handler)(int); void (*sa_sigaction)(int, void *, void *); };
  sigset_t sa_mask;
  int sa_flags;
  void (*sa_restorer)(void);
};
typedef void (*sighandler_t)(int);
#define SIG_DFL ((sighandler_t)0)
#define SIG_IGN ((sighandler_t)1)
#define SIG_ERR ((sighandler_t)-1)
enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };
enum { SIGABRT = 6, SIGKILL = 9, SIGSEGV = 11, SIGCHLD = 17, SIGINT = 2, SIGQUIT = 3, SIGALRM = 14, NSIG = 65 };
#define SA_RESTART 0x10000000
#define SA_RESTORER 0x04000000

/* stdio: the layout of glibc's FILE, because macros of old programs read and write these fields. */
typedef struct _IO_FILE FILE;
struct file_ops;
struct _IO_FILE {
  int _flags;
  char *_IO_read_ptr, *_IO_read_end, *_IO_read_base;
  char *_IO_write_base, *_IO_write_ptr, *_IO_write_end;
  char *_IO_buf_base, *_IO_buf_end;
  char *_IO_save_base, *_IO_backup_base, *_IO_save_end;
  void *_markers;
  FILE *_chain;
  int _fileno, _flags2;
  off_t _old_offset;
  unsigned short _cur_column;
  signed char _vtable_offset;
  char _shortbuf[1];
  void *_lock;
  off64_t _offset __attribute__((aligned(4)));
  void *_pad1, *_cookie, *_pad3, *_pad4;
  size_t _pad5;
  int _mode;
  char _unused2[15 * sizeof(int) - 4 * sizeof(void *) - sizeof(size_t)];
  const struct file_ops *_ops; /* where glibc has its vtable pointer */
};
#ifdef __i386__
_Static_assert(sizeof(struct _IO_FILE) == 152, "_IO_FILE_plus on i386");
#else
_Static_assert(sizeof(struct _IO_FILE) == 224, "_IO_FILE_plus on amd64");
#endif
extern FILE _IO_2_1_stdin_, _IO_2_1_stdout_, _IO_2_1_stderr_;
extern FILE *stdin, *stdout, *stderr;
#define EOF (-1)

/* memory: the traps into the allocator, and the functions programs may interpose */
void *malloc(size_t), *calloc(size_t, size_t), *realloc(void *, size_t), *memalign(size_t, size_t);
void free(void *);

/* string */
void *memcpy(void *, const void *, size_t), *memmove(void *, const void *, size_t), *memset(void *, int, size_t);
void *mempcpy(void *, const void *, size_t), *memchr(const void *, int, size_t), *memrchr(const void *, int, size_t);
void *rawmemchr(const void *, int), *memmem(const void *, size_t, const void *, size_t);
int memcmp(const void *, const void *, size_t);
size_t strlen(const char *), strnlen(const char *, size_t), strspn(const char *, const char *), strcspn(const char *, const char *);
char *strcpy(char *, const char *), *strncpy(char *, const char *, size_t), *stpcpy(char *, const char *);
char *strcat(char *, const char *), *strchr(const char *, int), *strrchr(const char *, int), *strchrnul(const char *, int);
char *strstr(const char *, const char *), *strdup(const char *), *strpbrk(const char *, const char *);
int strcmp(const char *, const char *), strncmp(const char *, const char *, size_t), strcasecmp(const char *, const char *);
int strncasecmp(const char *, const char *, size_t);
char *strerror(int), *strsignal(int), *__strerror_r(int, char *, size_t);
HIDDEN const char *errno_text(int), *signal_text(int);

/* ctype in the C locale */
static inline int is_digit(int c) { return (unsigned)c - '0' < 10; }
static inline int is_space(int c) { return c == ' ' || (unsigned)c - '\t' < 5; }
static inline int is_upper(int c) { return (unsigned)c - 'A' < 26; }
static inline int is_lower(int c) { return (unsigned)c - 'a' < 26; }
static inline int is_alpha(int c) { return ((unsigned)c | 32) - 'a' < 26; }
static inline int to_lower(int c) { return is_upper(c) ? c + 32 : c; }
static inline int to_upper(int c) { return is_lower(c) ? c - 32 : c; }

/* stdlib */
long strtol(const char *, char **, int);
unsigned long strtoul(const char *, char **, int);
long long strtoll(const char *, char **, int);
unsigned long long strtoull(const char *, char **, int);
double strtod(const char *, char **);
char *getenv(const char *);
void exit(int) NORETURN, _exit(int) NORETURN, abort(void) NORETURN;
int __cxa_atexit(void (*)(void *), void *, void *);
int atoi(const char *);
extern char **__environ;
extern char *__progname, *__progname_full;
HIDDEN extern char **libc_argv;
HIDDEN extern unsigned long *libc_auxv;
HIDDEN unsigned long auxv_value(unsigned long type, unsigned long otherwise);

/* stdio */
int printf(const char *, ...), fprintf(FILE *, const char *, ...), sprintf(char *, const char *, ...);
int snprintf(char *, size_t, const char *, ...), vfprintf(FILE *, const char *, va_list), vsnprintf(char *, size_t, const char *, va_list);
int vfscanf(FILE *, const char *, va_list), sscanf(const char *, const char *, ...), vsscanf(const char *, const char *, va_list);
int fflush(FILE *), fclose(FILE *), fputs(const char *, FILE *), fputc(int, FILE *), puts(const char *), ungetc(int, FILE *);
int fgetc(FILE *), __overflow(FILE *, int), __uflow(FILE *), __underflow(FILE *), fileno(FILE *);
size_t fwrite(const void *, size_t, size_t, FILE *), fread(void *, size_t, size_t, FILE *);
char *fgets(char *, int, FILE *);
FILE *fopen(const char *, const char *), *fdopen(int, const char *);
void perror(const char *);
HIDDEN void stdio_exit(void);

/* wide and multibyte characters of the C locale */
typedef struct { int __count; unsigned __value; } mbstate_t;
size_t wcrtomb(char *, wchar_t, mbstate_t *), mbrtowc(wchar_t *, const char *, size_t, mbstate_t *), wcslen(const wchar_t *);

/* unix */
int open(const char *, int, ...), close(int), fcntl(int, int, ...), dup(int), isatty(int), fstat(int, struct stat *);
int stat(const char *, struct stat *), unlink(const char *), execve(const char *, char *const[], char *const[]), kill(pid_t, int);
int raise(int), sigaction(int, const struct sigaction *, struct sigaction *), sigprocmask(int, const sigset_t *, sigset_t *);
int gettimeofday(struct timeval *, void *), nanosleep(const struct timespec *, struct timespec *);
ssize_t read(int, void *, size_t), write(int, const void *, size_t);
off_t lseek(int, off_t, int);
off64_t lseek64(int, off64_t, int);
void *mmap(void *, size_t, int, int, int, off_t);
int munmap(void *, size_t), ioctl(int, unsigned long, ...);
pid_t getpid(void), fork(void), vfork(void), wait4(pid_t, int *, int, void *), waitpid(pid_t, int *, int);
long sysconf(int);
int getpagesize(void);
time_t time(time_t *);
HIDDEN void libc_message(int abort_after, const char *format, ...);

static inline int min_int(int a, int b) { return a < b ? a : b; }
static inline size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

#endif
