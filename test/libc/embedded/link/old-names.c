/* A program that was linked with -lpthread -lrt -ldl -lm in the days when these were libraries of their own. */
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void begin(void) { puts("once"); }
int main(void) {
  struct timespec resolution;
  volatile double two = 2;
  pthread_once(&once, begin), pthread_once(&once, begin);
  int first = pthread_mutex_lock(&lock), second = pthread_mutex_trylock(&lock), last = pthread_mutex_unlock(&lock);
  printf("lock %d %d %d\n", first, second, last);
  printf("clock %d, root %.3f, self %d\n", clock_getres(CLOCK_REALTIME, &resolution), sqrt(two), dlopen(NULL, RTLD_LAZY) != NULL);
  return 0;
}
