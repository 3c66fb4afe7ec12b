/*
 * Time zones (tzset(3)): TZ names a file below /usr/share/zoneinfo (tzfile(5)) or is a POSIX rule; without TZ the file is
 * /etc/localtime. Files end in a rule for the time after their last transition.
 */
#include "../syscall.h"
#include "time.h"

enum { MAX_NAME = 16, MONTH = 'M', JULIAN = 'J', DAY = 0 };
struct change { int kind, month, week, day; long second; };
struct rule { char name[2][MAX_NAME]; long offset[2]; struct change change[2]; int has_dst; };

char *tzname[2] = { (char *)"UTC", (char *)"UTC" };
long timezone;
int daylight;
ALIAS(__tzname, tzname);
ALIAS(__timezone, timezone);
ALIAS(__daylight, daylight);

static struct rule rule = { { "UTC", "UTC" }, { 0, 0 }, { { 0 } }, 0 };
static unsigned char *file; /* of the zone, if there is one */
static size_t file_size;
static const unsigned char *times, *types, *infos, *names;
static unsigned time_count, type_count;
static char *loaded; /* TZ as it was last looked at */
static int ever, wide_times;

static uint32_t be32(const unsigned char *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }
static long long time_number(unsigned i) {
  if (!wide_times) return (int32_t)be32(times + 4 * i);
  return (long long)((uint64_t)be32(times + 8 * i) << 32 | be32(times + 8 * i + 4));
}

static const char *parse_name(const char *s, char *to) {
  int n = 0;
  if (*s == '<') {
    for (s++; *s && *s != '>'; s++)
      if (n < MAX_NAME - 1) to[n++] = *s;
    if (*s++ != '>') return NULL;
  } else {
    for (; is_alpha((unsigned char)*s); s++)
      if (n < MAX_NAME - 1) to[n++] = *s;
  }
  to[n] = 0;
  return n >= 3 ? s : NULL;
}
static const char *parse_hms(const char *s, long *seconds) {
  int sign = *s == '-' ? -1 : 1;
  if (*s == '-' || *s == '+') s++;
  if (!is_digit(*s)) return NULL;
  char *end;
  long value = strtol(s, &end, 10) * 3600;
  if (*end == ':' && is_digit(end[1])) value += strtol(end + 1, &end, 10) * 60;
  if (*end == ':' && is_digit(end[1])) value += strtol(end + 1, &end, 10);
  *seconds = sign * value;
  return end;
}
static const char *parse_change(const char *s, struct change *c) {
  char *end;
  if (*s == 'M') {
    c->kind = MONTH;
    c->month = (int)strtol(s + 1, &end, 10);
    if (*end != '.') return NULL;
    c->week = (int)strtol(end + 1, &end, 10);
    if (*end != '.') return NULL;
    c->day = (int)strtol(end + 1, &end, 10);
  } else {
    c->kind = *s == 'J' ? JULIAN : DAY;
    if (!is_digit(*(s += *s == 'J'))) return NULL;
    c->day = (int)strtol(s, &end, 10);
  }
  c->second = 7200;
  return *end == '/' ? parse_hms(end + 1, &c->second) : end;
}
static int parse_rule(const char *s, struct rule *r) {
  long west;
  *r = (struct rule){ .has_dst = 0 };
  if (!(s = parse_name(s, r->name[0])) || !(s = parse_hms(s, &west))) return 0;
  r->offset[0] = -west;
  strcpy(r->name[1], r->name[0]);
  if (!*s) return 1;
  if (!(s = parse_name(s, r->name[1]))) return 0;
  r->has_dst = 1;
  r->offset[1] = r->offset[0] + 3600;
  if (*s && *s != ',') {
    if (!(s = parse_hms(s, &west))) return 0;
    r->offset[1] = -west;
  }
  if (!*s) s = ",M3.2.0,M11.1.0";
  return *s == ',' && (s = parse_change(s + 1, &r->change[0])) && *s == ',' && (s = parse_change(s + 1, &r->change[1]));
}

static int is_leap(long long y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }
/* The moment of a change in a year, in seconds of a clock that shows `offset`. */
static long long change_time(const struct change *c, long long year, long offset) {
  struct tm tm = { .tm_year = (int)(year - 1900), .tm_mday = 1 };
  if (c->kind == MONTH) {
    tm.tm_mon = c->month - 1;
    long long first = from_calendar(&tm) / 86400;
    int weekday = (int)(((first + 4) % 7 + 7) % 7), day = (c->day - weekday + 7) % 7 + 7 * (c->week - 1);
    static const char lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int length = lengths[c->month - 1] + (c->month == 2 && is_leap(year));
    while (day >= length) day -= 7;
    tm.tm_mday = day + 1;
  } else {
    tm.tm_mday = c->day + 1 - (c->kind == JULIAN && !(is_leap(year) && c->day >= 60));
  }
  return from_calendar(&tm) + c->second - offset;
}

static struct zone_period by_rule(long long t) {
  int dst = 0;
  if (rule.has_dst) {
    struct tm tm;
    to_calendar(t, rule.offset[0], &tm);
    long long year = tm.tm_year + 1900LL;
    if (year < 1970) year = 1970; /* as in glibc: before it the rule of 1970 holds, so nothing changes */
    long long start = change_time(&rule.change[0], year, rule.offset[0]), end = change_time(&rule.change[1], year, rule.offset[1]);
    dst = start < end ? t >= start && t < end : t >= start || t < end;
  }
  return (struct zone_period){ rule.offset[dst], dst, rule.name[dst] };
}

static struct zone_period by_type(unsigned type) {
  const unsigned char *info = infos + 6 * type;
  return (struct zone_period){ (int32_t)be32(info), info[4], (const char *)names + info[5] };
}

HIDDEN struct zone_period zone_at(long long t) {
  struct zone_period p;
  if (!file) {
    p = by_rule(t);
  } else if (time_count == 0 || t < time_number(0)) {
    unsigned type = 0;
    while (type + 1 < type_count && infos[6 * type + 4]) type++;
    p = by_type(type);
  } else if (t >= time_number(time_count - 1) && rule.name[0][0]) {
    p = by_rule(t);
  } else {
    unsigned low = 0, high = time_count;
    while (high - low > 1) {
      unsigned middle = (low + high) / 2;
      if (time_number(middle) <= t) low = middle;
      else high = middle;
    }
    p = by_type(types[low]);
  }
  tzname[p.dst] = (char *)p.name;
  return p;
}

static int read_file(const char *name) {
  static const char base[] = "/usr/share/zoneinfo/";
  size_t n = strlen(name);
  char path[sizeof base + n];
  strcpy(path, *name == '/' ? "" : base);
  strcat(path, name);
  FILE *f = fopen(path, "rce");
  if (!f) return 0;
  size_t room = 65536, size;
  unsigned char *data = malloc(room);
  size = data ? fread(data, 1, room, f) : 0;
  fclose(f);
  if (size < 44 || memcmp(data, "TZif", 4) != 0) {
    free(data);
    return 0;
  }
  const unsigned char *head = data;
  size_t width = 4;
  for (int pass = 0;; pass++) { /* version 2 files repeat all with 64-bit times */
    time_count = be32(head + 32);
    type_count = be32(head + 36);
    times = head + 44;
    types = times + width * time_count;
    infos = types + time_count;
    names = infos + 6 * type_count;
    const unsigned char *end = names + be32(head + 40) + (width + 4) * be32(head + 28) + be32(head + 24) + be32(head + 20);
    if (end > data + size) {
      free(data);
      return 0;
    }
    wide_times = width == 8;
    head = end;
    if (pass == 1 || data[4] < '2') break;
    width = 8;
  }
  rule.name[0][0] = 0;
  if (wide_times && head < data + size && *head == '\n') {
    char text[64] = "";
    for (size_t i = 1; head + i < data + size && head[i] != '\n' && i < sizeof text; i++) text[i - 1] = (char)head[i], text[i] = 0;
    if (!parse_rule(text, &rule)) rule.name[0][0] = 0;
  }
  file = data;
  file_size = size;
  return 1;
}

static void load(const char *tz) {
  free(file);
  file = NULL;
  rule = (struct rule){ { "UTC", "UTC" }, { 0, 0 }, { { 0 } }, 0 };
  if (*tz == ':') tz++;
  if (!*tz) tz = "Universal";
  if (!read_file(tz) && !parse_rule(tz, &rule)) { /* what cannot be understood counts as UTC, under the name it begins with */
    char name[MAX_NAME];
    int named = parse_name(tz, name) != NULL;
    rule = (struct rule){ { "UTC", "UTC" }, { 0, 0 }, { { 0 } }, 0 };
    if (named) {
      strcpy(rule.name[0], name);
      rule.name[1][0] = 0;
    }
  }
  daylight = 0;
  if (!file) {
    timezone = -rule.offset[0];
    daylight = rule.has_dst;
    tzname[0] = rule.name[0];
    tzname[1] = rule.name[1];
    return;
  }
  tzname[0] = tzname[1] = NULL;
  for (unsigned i = 0; i < type_count; i++) {
    struct zone_period p = by_type(i);
    daylight |= p.dst;
    if (!tzname[p.dst] || 1) tzname[p.dst] = (char *)p.name;
  }
  for (unsigned i = 0; i < time_count; i++) {
    struct zone_period p = by_type(types[i]);
    tzname[p.dst] = (char *)p.name;
    if (!p.dst) timezone = -p.offset;
  }
  if (time_count == 0) timezone = -by_type(0).offset;
  if (!tzname[0]) tzname[0] = tzname[1];
  if (!tzname[1]) tzname[1] = tzname[0];
}

HIDDEN void zone_load(int always) {
  if (ever && !always) return;
  const char *tz = getenv("TZ");
  if (!tz) tz = "/etc/localtime";
  if (ever && loaded && strcmp(tz, loaded) == 0) return;
  ever = 1;
  free(loaded);
  loaded = strdup(tz);
  load(tz);
}
void tzset(void) { zone_load(1); }
