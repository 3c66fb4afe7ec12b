/* What a program of the time had linked in from libc_nonshared.a: functions that libc.so does not export itself. */
#define WITH(name, parameters, call) int name parameters { return call; }
extern void *__dso_handle;
void *__dso_handle = 0;
int __cxa_atexit(void (*)(void *), void *, void *);
int __xstat(int, const char *, void *), __lxstat(int, const char *, void *), __fxstat(int, int, void *), __fxstatat(int, int, const char *, void *, int);
int __xstat64(int, const char *, void *), __lxstat64(int, const char *, void *), __fxstat64(int, int, void *), __fxstatat64(int, int, const char *, void *, int);
int __xmknod(int, const char *, unsigned, unsigned long long *);
#ifdef __x86_64__
enum { VERSION = 1 };
#else
enum { VERSION = 3 };
#endif
WITH(atexit, (void (*f)(void)), __cxa_atexit((void (*)(void *))f, 0, __dso_handle))
WITH(stat, (const char *p, void *s), __xstat(VERSION, p, s))
WITH(lstat, (const char *p, void *s), __lxstat(VERSION, p, s))
WITH(fstat, (int f, void *s), __fxstat(VERSION, f, s))
WITH(fstatat, (int d, const char *p, void *s, int f), __fxstatat(VERSION, d, p, s, f))
WITH(stat64, (const char *p, void *s), __xstat64(VERSION, p, s))
WITH(lstat64, (const char *p, void *s), __lxstat64(VERSION, p, s))
WITH(fstat64, (int f, void *s), __fxstat64(VERSION, f, s))
WITH(fstatat64, (int d, const char *p, void *s, int f), __fxstatat64(VERSION, d, p, s, f))
WITH(mknod, (const char *p, unsigned m, unsigned long long d), __xmknod(0, p, m, &d))
