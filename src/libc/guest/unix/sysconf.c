/* sysconf(3), pathconf(3), uname's kin, and what they read. Numbers of names are those of <unistd.h>. */
#include "../syscall.h"

/* The kilobytes that a line of /proc/meminfo gives, in pages. */
static long meminfo_pages(const char *format) {
  char line[256];
  long kilobytes = -1;
  FILE *f = fopen("/proc/meminfo", "rce");
  if (!f) return -1;
  while (fgets(line, sizeof line, f))
    if (sscanf(line, format, &kilobytes) == 1) break;
  fclose(f);
  return kilobytes < 0 ? -1 : kilobytes / 4;
}
long get_phys_pages(void) { return meminfo_pages("MemTotal: %ld kB"); }
long get_avphys_pages(void) { return meminfo_pages("MemFree: %ld kB"); }

int get_nprocs(void) {
  int n = 0;
  char line[256];
  FILE *f = fopen("/proc/stat", "rce");
  if (!f) return 1;
  while (fgets(line, sizeof line, f))
    if (strncmp(line, "cpu", 3) == 0 && is_digit(line[3])) n++;
  fclose(f);
  return n ? n : 1;
}
ALIAS(get_nprocs_conf, get_nprocs);

static long limit(int resource, long otherwise) {
  unsigned long pair[2];
  return RAW(SYS_getrlimit, resource, pair) < 0 ? otherwise : (long)pair[0];
}

long sysconf(int name) {
  enum { RLIMIT_STACK = 3, RLIMIT_NPROC = 6, RLIMIT_NOFILE = 7 };
  switch (name) {
    case 0: { /* _SC_ARG_MAX: a quarter of the stack, at least 128 KiB */
      long quarter = limit(RLIMIT_STACK, 0) / 4;
      return quarter > 131072 ? quarter : 131072;
    }
    case 1: return limit(RLIMIT_NPROC, -1);
    case 2: return 100;    /* _SC_CLK_TCK */
    case 3: return 65536;  /* _SC_NGROUPS_MAX */
    case 4: return limit(RLIMIT_NOFILE, 256);
    case 5: return 16;     /* _SC_STREAM_MAX */
    case 6: return 6;      /* _SC_TZNAME_MAX */
    case 7: case 8: return 1;
    case 9: case 10: case 11: case 12: case 13: case 14: case 15: case 16: case 17: case 18: case 19: case 20: case 21: case 22:
    case 29: return 200809; /* realtime options, _SC_VERSION */
    case 30: return 4096;
    case 31: return 32;    /* _SC_RTSIG_MAX */
    case 60: return 1024;  /* _SC_IOV_MAX */
    case 83: return get_nprocs_conf();
    case 84: return get_nprocs();
    case 85: return get_phys_pages();
    case 86: return get_avphys_pages();
    case 101: return 8;    /* _SC_CHAR_BIT */
    case 103: return INT_MAX;
    case 104: return INT_MIN;
    case 180: return 64;   /* _SC_HOST_NAME_MAX */
    default: errno = EINVAL; return -1;
  }
}
ALIAS(__sysconf, sysconf);

long fpathconf(int fd, int name) {
  (void)fd;
  static const long values[] = { 127, 255, 255, 255, 4096, 4096, 1, 1, 0 };
  if (name >= 0 && name < (int)(sizeof values / sizeof *values)) return values[name];
  errno = EINVAL;
  return -1;
}
long pathconf(const char *path, int name) { return (void)path, fpathconf(-1, name); }

size_t confstr(int name, char *to, size_t n) {
  if (name != 0) {
    errno = EINVAL;
    return 0;
  }
  static const char path[] = "/bin:/usr/bin";
  if (n > 0) memcpy(to, path, min_size(n, sizeof path)), to[min_size(n, sizeof path) - 1] = 0;
  return sizeof path;
}

struct utsname { char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65]; };
int uname(struct utsname *u) { return (int)SYS(SYS_uname, u); }
int gethostname(char *to, size_t n) {
  struct utsname u;
  if (uname(&u) < 0) return -1;
  size_t size = strlen(u.nodename) + 1;
  memcpy(to, u.nodename, min_size(size, n));
  if (size <= n) return 0;
  errno = ENAMETOOLONG;
  return -1;
}
const char *gnu_get_libc_version(void) { return libc_glibc_version; }
const char *gnu_get_libc_release(void) { return "stable"; }
