/* Clocks: time(2), clock(3), clock_gettime(2), stime and ftime. System calls, as there were before vdso calls. */
#include "../syscall.h"

time_t time(time_t *to) {
  struct timeval now;
#ifdef __x86_64__
  long result = RAW(SYS_time, NULL);
  now.tv_sec = result;
#else
  RAW(SYS_gettimeofday, &now, NULL);
#endif
  if (to) *to = now.tv_sec;
  return now.tv_sec;
}
int clock_gettime(clockid_t id, struct timespec *to) { return (int)SYS(SYS_clock_gettime, id, to); }
int clock_getres(clockid_t id, struct timespec *to) { return (int)SYS(SYS_clock_getres, id, to); }
int clock_settime(clockid_t id, const struct timespec *from) { return (int)SYS(SYS_clock_settime, id, from); }
int clock_nanosleep(clockid_t id, int flags, const struct timespec *time, struct timespec *left) {
  return -(int)RAW(SYS_clock_nanosleep, id, flags, time, left);
}
clock_t clock(void) {
  struct timespec used;
  if (RAW(SYS_clock_gettime, 2, &used) < 0) return -1;
  return used.tv_sec * 1000000 + used.tv_nsec / 1000;
}
int timespec_get(struct timespec *to, int base) { return base == 1 && clock_gettime(0, to) == 0 ? base : 0; }
