/* What programs use of the threads library while they have one thread. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#undef pthread_equal
static void once_only(void) { puts("once"); }
static void last(void *p) { printf("key %s\n", (char *)p); }
static void prepare(void) { puts("prepare"), fflush(stdout); }
static void parent(void) { wait(NULL), puts("parent"); }
static void in_child(void) { write(1, "child\n", 6); }
static void caught(int s) { printf("signal %d\n", s); }
extern int __register_atfork(void (*)(void), void (*)(void), void (*)(void), void *);
#define R(call) printf("%s = %d\n", #call, call)
int main(void) {
  pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP, checking;
  pthread_mutexattr_t attributes;
  pthread_cond_t condition;
  pthread_rwlock_t rw;
  pthread_spinlock_t spin;
  pthread_attr_t thread;
  pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_key_t key, other;
  sem_t sem;
  int n, kind, old;
  setvbuf(stdout, NULL, _IOLBF, 0);
  R(pthread_mutex_lock(&m)), R(pthread_mutex_trylock(&m)), R(pthread_mutex_unlock(&m)), R(pthread_mutex_trylock(&m)), R(pthread_mutex_unlock(&m)), R(pthread_mutex_destroy(&m));
  R(pthread_mutex_lock(&recursive)), R(pthread_mutex_lock(&recursive)), R(pthread_mutex_trylock(&recursive)), R(pthread_mutex_unlock(&recursive)), R(pthread_mutex_unlock(&recursive)), R(pthread_mutex_unlock(&recursive)), R(pthread_mutex_unlock(&recursive));
  R(pthread_mutexattr_init(&attributes)), R(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK)), R(pthread_mutexattr_gettype(&attributes, &kind)), R(kind), R(pthread_mutexattr_settype(&attributes, 77));
  R(pthread_mutex_init(&checking, &attributes)), R(pthread_mutex_lock(&checking)), R(pthread_mutex_lock(&checking)), R(pthread_mutex_trylock(&checking)), R(pthread_mutex_unlock(&checking)), R(pthread_mutex_unlock(&checking)), R(pthread_mutexattr_destroy(&attributes));
  R(pthread_cond_init(&condition, NULL)), R(pthread_cond_signal(&condition)), R(pthread_cond_broadcast(&condition)), R(pthread_cond_destroy(&condition));
  R(pthread_rwlock_init(&rw, NULL)), R(pthread_rwlock_rdlock(&rw)), R(pthread_rwlock_tryrdlock(&rw)), R(pthread_rwlock_trywrlock(&rw)), R(pthread_rwlock_unlock(&rw)), R(pthread_rwlock_unlock(&rw));
  R(pthread_rwlock_wrlock(&rw)), R(pthread_rwlock_tryrdlock(&rw)), R(pthread_rwlock_wrlock(&rw)), R(pthread_rwlock_unlock(&rw)), R(pthread_rwlock_destroy(&rw));
  R(pthread_spin_init(&spin, 0)), R(pthread_spin_lock(&spin)), R(pthread_spin_trylock(&spin)), R(pthread_spin_unlock(&spin)), R(pthread_spin_destroy(&spin));
  R(pthread_once(&once, once_only)), R(pthread_once(&once, once_only));
  R(pthread_key_create(&key, last)), R(pthread_key_create(&other, NULL)), R(pthread_setspecific(key, "value")), R(pthread_getspecific(key) != NULL), R(pthread_getspecific(other) == NULL), R(pthread_key_delete(other)), R(pthread_key_delete(other)), R(pthread_setspecific(other, "x"));
  R(pthread_equal(pthread_self(), pthread_self())), R(pthread_attr_init(&thread)), R(pthread_attr_destroy(&thread));
  R(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old)), R(old), R(pthread_setcancelstate(9, &old)), R(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old)), R(old), pthread_testcancel();
  R(sem_init(&sem, 0, 1)), R(sem_wait(&sem)), R(sem_trywait(&sem)), R(errno), R(sem_post(&sem)), R(sem_post(&sem)), R(sem_getvalue(&sem, &n)), R(n), R(sem_destroy(&sem)), R(sem_init(&sem, 0, -1u)), R(errno);
  signal(SIGUSR1, caught), R(pthread_kill(pthread_self(), SIGUSR1));
  R(__register_atfork(prepare, parent, in_child, NULL));
  if (fork() == 0) _exit(0);
  wait(NULL);
  if (0) pthread_cond_wait(&condition, &m); /* nobody would signal: for the name alone, see ends.c */
  pthread_exit(NULL);
}
