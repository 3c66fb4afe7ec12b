/*
 * POSIX threads with one thread: locks with their types, once, keys, semaphores. pthread_create is not there, and a
 * program that calls it is told so by ld.so. Layouts are glibc's (pthreadtypes.h), as far as programs initialise them statically.
 */
#include "../syscall.h"

enum { EDEADLOCK = EDEADLK, ETIMEDOUT = 110 };
enum { KIND_NORMAL, KIND_RECURSIVE, KIND_ERRORCHECK, KINDS = 3 };

struct mutex {
  int lock;
  unsigned count;
  int owner;
#ifdef __x86_64__
  unsigned users;
  int kind;
#else
  int kind;
  unsigned users;
#endif
};

/* What never happens in this thread is waited for as glibc does: asleep. */
static void wait_for_ever(int *word) {
  for (;;) RAW(SYS_futex, word, 128, *word, NULL);
}

int pthread_mutex_init(struct mutex *m, const int *attributes) {
  memset(m, 0, sizeof(void *) == 8 ? 40 : 24);
  m->kind = attributes ? *attributes & 3 : KIND_NORMAL;
  return 0;
}
int pthread_mutex_destroy(struct mutex *m) { return m->lock ? EBUSY : 0; }
int pthread_mutex_trylock(struct mutex *m) {
  if (m->lock && m->kind % 4 != KIND_RECURSIVE) return EBUSY;
  m->lock = 1;
  m->count++;
  m->owner = (int)RAW(SYS_gettid);
  return 0;
}
int pthread_mutex_lock(struct mutex *m) {
  if (m->lock && m->kind % 4 == KIND_ERRORCHECK) return EDEADLOCK;
  if (m->lock && m->kind % 4 != KIND_RECURSIVE) wait_for_ever(&m->lock);
  return pthread_mutex_trylock(m);
}
int pthread_mutex_unlock(struct mutex *m) {
  int checks = m->kind % 4 == KIND_ERRORCHECK || m->kind % 4 == KIND_RECURSIVE;
  if (!m->lock) return checks ? EPERM : 0;
  if (m->count > 1 && m->kind % 4 == KIND_RECURSIVE) return m->count--, 0;
  m->lock = m->owner = 0;
  m->count = 0;
  return 0;
}
int pthread_mutexattr_init(int *a) { return *a = 0, 0; }
int pthread_mutexattr_destroy(int *a) { return (void)a, 0; }
int pthread_mutexattr_settype(int *a, int kind) { return (unsigned)kind > KINDS ? EINVAL : (*a = kind, 0); }
int pthread_mutexattr_gettype(const int *a, int *kind) { return *kind = *a, 0; }

/* Nobody else could be waiting, and nobody else could signal. */
int pthread_cond_init(void *c, const void *a) { return (void)a, memset(c, 0, 48), 0; }
int pthread_cond_destroy(void *c) { return (void)c, 0; }
int pthread_cond_signal(void *c) { return (void)c, 0; }
int pthread_cond_broadcast(void *c) { return (void)c, 0; }
int pthread_cond_wait(int *c, struct mutex *m) {
  pthread_mutex_unlock(m);
  wait_for_ever(c);
  return 0;
}

/* rwlock: writer, or the number of readers. */
struct rwlock { unsigned readers; int writer; };
int pthread_rwlock_init(struct rwlock *l, const void *a) { return (void)a, memset(l, 0, sizeof(void *) == 8 ? 56 : 32), 0; }
int pthread_rwlock_destroy(struct rwlock *l) { return (void)l, 0; }
int pthread_rwlock_tryrdlock(struct rwlock *l) { return l->writer ? EBUSY : (l->readers++, 0); }
int pthread_rwlock_trywrlock(struct rwlock *l) { return l->writer || l->readers ? EBUSY : (l->writer = 1, 0); }
int pthread_rwlock_rdlock(struct rwlock *l) { return l->writer ? EDEADLOCK : pthread_rwlock_tryrdlock(l); }
int pthread_rwlock_wrlock(struct rwlock *l) {
  if (l->writer) return EDEADLOCK;
  if (l->readers) wait_for_ever(&l->writer);
  return pthread_rwlock_trywrlock(l);
}
int pthread_rwlock_unlock(struct rwlock *l) {
  if (l->writer) l->writer = 0;
  else if (l->readers) l->readers--;
  return 0;
}

/* glibc's spin locks are free at 1. */
int pthread_spin_init(int *l, int shared) { return (void)shared, *l = 1, 0; }
int pthread_spin_destroy(int *l) { return (void)l, 0; }
int pthread_spin_trylock(int *l) { return *l == 1 ? (*l = 0, 0) : EBUSY; }
int pthread_spin_lock(int *l) {
  while (*(volatile int *)l != 1) {}
  return *l = 0, 0;
}
int pthread_spin_unlock(int *l) { return *l = 1, 0; }

int pthread_once(int *control, void (*routine)(void)) {
  if (*control == 2) return 0;
  *control = 1;
  routine();
  *control = 2;
  return 0;
}

enum { KEYS = 1024, ROUNDS = 4 };
struct key { int used; void (*destructor)(void *); void *value; };
static struct key *keys;
static unsigned key_count;
int pthread_key_create(unsigned *key, void (*destructor)(void *)) {
  unsigned i = 0;
  while (i < key_count && keys[i].used) i++;
  if (i >= KEYS) return EAGAIN;
  if (i == key_count) {
    struct key *larger = realloc(keys, (i + 1) * sizeof *larger);
    if (!larger) return ENOMEM;
    keys = larger;
    key_count++;
  }
  keys[i] = (struct key){ 1, destructor, NULL };
  return *key = i, 0;
}
static struct key *used_key(unsigned key) { return key < key_count && keys[key].used ? &keys[key] : NULL; }
int pthread_key_delete(unsigned key) { return used_key(key) ? (keys[key].used = 0) : EINVAL; }
void *pthread_getspecific(unsigned key) { return used_key(key) ? keys[key].value : NULL; }
int pthread_setspecific(unsigned key, const void *value) { return used_key(key) ? (keys[key].value = (void *)value, 0) : EINVAL; }

/* The last thread ends the program. */
NORETURN void pthread_exit(void *value) {
  (void)value;
  for (int round = 0, again = 1; again && round < ROUNDS; round++) {
    again = 0;
    for (unsigned i = 0; i < key_count; i++) {
      void *last = keys[i].value;
      if (!keys[i].used || !last) continue;
      keys[i].value = NULL;
      if (keys[i].destructor) keys[i].destructor(last), again = 1;
    }
  }
  exit(0);
}
unsigned long pthread_self(void) {
  unsigned long self;
#ifdef __x86_64__
  __asm__("movq %%fs:16, %0" : "=r"(self));
#else
  __asm__("movl %%gs:8, %0" : "=r"(self));
#endif
  return self;
}
int pthread_equal(unsigned long a, unsigned long b) { return a == b; }
int pthread_kill(unsigned long thread, int signo) {
  return thread != pthread_self() ? 3 /* ESRCH */ : -(int)RAW(SYS_tgkill, RAW(SYS_getpid), RAW(SYS_gettid), signo);
}
int pthread_attr_init(void *a) { return memset(a, 0, sizeof(void *) == 8 ? 56 : 36), 0; }
int pthread_attr_destroy(void *a) { return (void)a, 0; }
static int cancel_state, cancel_type;
int pthread_setcancelstate(int state, int *old) {
  if ((unsigned)state > 1) return EINVAL;
  if (old) *old = cancel_state;
  return cancel_state = state, 0;
}
int pthread_setcanceltype(int type, int *old) {
  if ((unsigned)type > 1) return EINVAL;
  if (old) *old = cancel_type;
  return cancel_type = type, 0;
}
void pthread_testcancel(void) {}

/* sem_t: the value comes first on i386; on amd64 too, with the number of waiters above it from 2.21 on. */
int sem_init(unsigned *s, int shared, unsigned value) {
  (void)shared;
  if (value > INT_MAX) return errno = EINVAL, -1;
  memset(s, 0, sizeof(void *) == 8 ? 32 : 16);
  return *s = value, 0;
}
int sem_destroy(unsigned *s) { return (void)s, 0; }
int sem_post(unsigned *s) {
  if (*s >= INT_MAX) return errno = EOVERFLOW, -1;
  return ++*s, 0;
}
int sem_trywait(unsigned *s) {
  if (*s == 0) return errno = EAGAIN, -1;
  return --*s, 0;
}
/* A signal's handler may post. */
int sem_wait(unsigned *s) {
  while (*(volatile unsigned *)s == 0) {
    long result = RAW(SYS_futex, s, 128, 0, NULL);
    if (result == -EINTR && *(volatile unsigned *)s == 0) return errno = EINTR, -1;
  }
  return --*s, 0;
}
int sem_getvalue(unsigned *s, int *value) { return *value = (int)*s, 0; }

/* fork's handlers (pthread_atfork(3)): the last ones registered prepare first, the others run in order. */
struct at_fork { void (*prepare)(void), (*parent)(void), (*child)(void); };
static struct at_fork *handlers;
static size_t handler_count;
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *dso) {
  (void)dso;
  struct at_fork *larger = realloc(handlers, (handler_count + 1) * sizeof *larger);
  if (!larger) return ENOMEM;
  handlers = larger;
  handlers[handler_count++] = (struct at_fork){ prepare, parent, child };
  return 0;
}
HIDDEN void libc_before_fork(void) {
  for (size_t i = handler_count; i-- > 0;)
    if (handlers[i].prepare) handlers[i].prepare();
}
HIDDEN void libc_after_fork(int in_child) {
  for (size_t i = 0; i < handler_count; i++) {
    void (*run)(void) = in_child ? handlers[i].child : handlers[i].parent;
    if (run) run();
  }
}

/* Shared memory objects: files of /dev/shm (shm_overview(7)). */
static char *shm_path(const char *name, char *to, size_t size) {
  while (*name == '/') name++;
  if (!*name || strchr(name, '/') || strlen(name) > 255 || snprintf(to, size, "/dev/shm/%s", name) < 0) return errno = EINVAL, NULL;
  return to;
}
int shm_open(const char *name, int flags, mode_t mode) {
  char path[280];
  return shm_path(name, path, sizeof path) ? open(path, flags | 0400000 /* O_NOFOLLOW */ | O_CLOEXEC, mode) : -1;
}
int shm_unlink(const char *name) {
  char path[280];
  return shm_path(name, path, sizeof path) ? unlink(path) : -1;
}
