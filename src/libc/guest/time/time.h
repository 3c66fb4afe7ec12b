/* Inside time/: struct tm and the zone. */
#ifndef FOLIO_TIME_H
#define FOLIO_TIME_H
#include "../libc.h"

struct tm { int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst; long tm_gmtoff; const char *tm_zone; };
struct zone_period { long offset; int dst; const char *name; };
HIDDEN struct zone_period zone_at(long long t);
HIDDEN void zone_load(int always); /* looks at TZ; without `always` only if it never did */
HIDDEN int to_calendar(long long t, long offset, struct tm *);
HIDDEN long long from_calendar(const struct tm *);
#endif
