/* Broken-down time: gmtime(3), timegm(3), mktime(3), asctime(3), with the zone of zone.c. Proleptic Gregorian calendar. */
#include "time.h"

static const unsigned short before_month[2][13] = {
  { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 },
  { 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366 },
};
static int leap(long long y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }
static long long floor_div(long long a, long long b) { return a / b - (a % b < 0); }
/* Days from 1970-01-01 to the first of January of a year. */
static long long days_before(long long year) {
  long long y = year - 1;
  return 365 * (year - 1970) + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) - 477;
}

HIDDEN int to_calendar(long long t, long offset, struct tm *tm) {
  t += offset;
  long long days = floor_div(t, 86400), rest = t - days * 86400;
  long long year = 1970 + floor_div(days, 366);
  while (days_before(year + 1) <= days) {
    long long step = (days - days_before(year + 1)) / 366;
    year += step > 0 ? step : 1;
  }
  while (days_before(year) > days) year--;
  if (year - 1900 > INT_MAX || year - 1900 < INT_MIN) {
    errno = EOVERFLOW;
    return 0;
  }
  int yday = (int)(days - days_before(year)), month = 0;
  const unsigned short *table = before_month[leap(year)];
  while (table[month + 1] <= yday) month++;
  tm->tm_sec = (int)(rest % 60);
  tm->tm_min = (int)(rest / 60 % 60);
  tm->tm_hour = (int)(rest / 3600);
  tm->tm_mday = yday - table[month] + 1;
  tm->tm_mon = month;
  tm->tm_year = (int)(year - 1900);
  tm->tm_wday = (int)(((days + 4) % 7 + 7) % 7);
  tm->tm_yday = yday;
  return 1;
}

HIDDEN long long from_calendar(const struct tm *tm) {
  long long year = tm->tm_year + 1900LL + floor_div(tm->tm_mon, 12);
  int month = (int)(tm->tm_mon - floor_div(tm->tm_mon, 12) * 12);
  long long days = days_before(year) + before_month[leap(year)][month] + tm->tm_mday - 1;
  return ((days * 24 + tm->tm_hour) * 60 + tm->tm_min) * 60 + tm->tm_sec;
}

static struct tm shared_tm;

struct tm *gmtime_r(const time_t *t, struct tm *tm) {
  tm->tm_isdst = 0;
  tm->tm_gmtoff = 0;
  tm->tm_zone = "GMT";
  return to_calendar(*t, 0, tm) ? tm : NULL;
}
struct tm *gmtime(const time_t *t) { return gmtime_r(t, &shared_tm); }

static struct tm *to_local(const time_t *t, struct tm *tm) {
  struct zone_period p = zone_at(*t);
  tm->tm_isdst = p.dst;
  tm->tm_gmtoff = p.offset;
  tm->tm_zone = p.name;
  return to_calendar(*t, p.offset, tm) ? tm : NULL;
}
struct tm *localtime_r(const time_t *t, struct tm *tm) {
  zone_load(0);
  return to_local(t, tm);
}
struct tm *localtime(const time_t *t) {
  zone_load(1);
  return to_local(t, &shared_tm);
}

time_t timegm(struct tm *tm) {
  long long t = from_calendar(tm);
  time_t result = (time_t)t;
  if (result != t) {
    errno = EOVERFLOW;
    return -1;
  }
  gmtime_r(&result, tm);
  return result;
}

/* mktime(3): the moment whose local time this is; tm_isdst decides where there are two, or moves by the difference. */
time_t mktime(struct tm *tm) {
  zone_load(1);
  long long wall = from_calendar(tm), t = wall - zone_at((time_t)wall).offset;
  for (int i = 0; i < 4; i++) {
    long long next = wall - zone_at((time_t)t).offset;
    if (next == t) break;
    if (i == 3) break; /* a gap: the two offsets alternate */
    t = next;
  }
  int want = tm->tm_isdst > 0;
  if (tm->tm_isdst >= 0 && zone_at((time_t)t).dst != want) {
    for (long long distance = 601200; distance <= 268455600 * 2LL; distance += 601200) { /* the nearest period with that flag */
      struct zone_period before = zone_at((time_t)(t - distance)), after = zone_at((time_t)(t + distance));
      if (before.dst == want || after.dst == want) {
        t = wall - (before.dst == want ? before : after).offset;
        break;
      }
    }
  }
  time_t result = (time_t)t;
  if (result != t) {
    errno = EOVERFLOW;
    return -1;
  }
  struct tm out;
  if (!to_local(&result, &out)) return -1;
  *tm = out;
  return result;
}
ALIAS(timelocal, mktime);

static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
char *asctime_r(const struct tm *tm, char *to) {
  if (!tm) {
    errno = EINVAL;
    return NULL;
  }
  const char *day = (unsigned)tm->tm_wday < 7 ? days + 3 * tm->tm_wday : "???", *month = (unsigned)tm->tm_mon < 12 ? months + 3 * tm->tm_mon : "???";
  int n = snprintf(to, 26, "%.3s %.3s%3d %.2d:%.2d:%.2d %d\n", day, month, tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec, 1900 + tm->tm_year);
  if (n < 26) return to;
  errno = EOVERFLOW;
  return NULL;
}
char *asctime(const struct tm *tm) {
  static char text[114];
  return asctime_r(tm, text);
}
char *ctime(const time_t *t) {
  struct tm *tm = localtime(t);
  return tm ? asctime(tm) : NULL;
}
char *ctime_r(const time_t *t, char *to) {
  struct tm tm;
  return localtime_r(t, &tm) ? asctime_r(&tm, to) : NULL;
}
double difftime(time_t a, time_t b) { return (double)((long double)a - (long double)b); }
ALIAS(__gmtime_r, gmtime_r);
