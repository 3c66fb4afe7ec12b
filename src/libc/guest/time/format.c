/* strftime(3) in the C locale, with glibc's flags (_ - 0 ^ #) and widths, and strptime(3). */
#include "time.h"

static const char *const weekdays[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
static const char *const month_names[] = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December" };

struct target { char *at; size_t left, total; };
static void add(struct target *t, const char *s, size_t n) {
  t->total += n;
  if (n < t->left) {
    memcpy(t->at, s, n);
    t->at += n;
    t->left -= n;
  } else {
    t->left = 0;
  }
}

/* ISO 8601: week 1 has the year's first Thursday. */
static int iso_week(const struct tm *tm, long long *year) {
  int days[2], monday = (tm->tm_wday + 6) % 7;
  *year = tm->tm_year + 1900LL;
  for (int i = 0; i < 2; i++) {
    long long y = *year - 1 + i;
    days[i] = 365 + ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0);
  }
  int week = (tm->tm_yday - monday + 10) / 7;
  if (week < 1) {
    --*year;
    return (tm->tm_yday + days[0] - monday + 10) / 7;
  }
  if (week == 53 && (tm->tm_yday - monday + 3) >= days[1]) {
    ++*year;
    return 1;
  }
  return week;
}

static void put(struct target *t, const char *fmt, const struct tm *tm, int upper);

static void put_number(struct target *t, long long v, int digits, int pad, int flag, int width) {
  char text[24];
  if (flag == '-') digits = 1;
  else if (width > digits) digits = width;
  int blank = flag == '_' || (flag == 0 && pad == '_');
  int n = 0, negative = v < 0;
  unsigned long long u = negative ? -(unsigned long long)v : (unsigned long long)v;
  char *at = text + sizeof text;
  do *--at = (char)('0' + u % 10), u /= 10, n++;
  while (u);
  if (negative && !blank) add(t, "-", 1);
  for (int i = n + negative; i < digits; i++) add(t, blank ? " " : "0", 1);
  if (negative && blank) add(t, "-", 1);
  add(t, at, (size_t)n);
}
static void put_text(struct target *t, const char *s, int upper, int flag, int width) {
  size_t n = strlen(s);
  for (int i = (int)n; i < width; i++) add(t, flag == '0' ? "0" : " ", 1);
  for (; *s; s++) {
    char c = (char)(upper == 1 ? to_upper((unsigned char)*s) : upper == 2 ? to_lower((unsigned char)*s) : *s);
    add(t, &c, 1);
  }
}
static void put_format(struct target *t, const char *fmt, const struct tm *tm, int upper, int flag, int width) {
  char text[128];
  struct target inner = { text, sizeof text, 0 };
  put(&inner, fmt, tm, upper);
  *inner.at = 0;
  put_text(t, text, 0, flag, width);
}

static void put(struct target *t, const char *fmt, const struct tm *tm, int all_upper) {
  for (; *fmt; fmt++) {
    if (*fmt != '%') {
      char c = (char)(all_upper ? to_upper((unsigned char)*fmt) : *fmt);
      add(t, &c, 1);
      continue;
    }
    const char *percent = fmt++;
    int flag = 0, upper = all_upper, change = 0, width = -1;
    for (;; fmt++) {
      if (*fmt == '_' || *fmt == '-' || *fmt == '0') flag = *fmt;
      else if (*fmt == '^') upper = 1;
      else if (*fmt == '#') change = 1;
      else break;
    }
    if (is_digit(*fmt)) {
      width = 0;
      for (; is_digit(*fmt); fmt++) width = width < 100000 ? width * 10 + (*fmt - '0') : width;
    }
    if (*fmt == 'E' || *fmt == 'O') fmt++;
    int hour12 = tm->tm_hour > 12 ? tm->tm_hour - 12 : tm->tm_hour == 0 ? 12 : tm->tm_hour;
    const char *day = (unsigned)tm->tm_wday < 7 ? weekdays[tm->tm_wday] : "?", *month = (unsigned)tm->tm_mon < 12 ? month_names[tm->tm_mon] : "?";
    char three[4] = "";
    long long year = tm->tm_year + 1900LL, iso;
    int week;
    switch (*fmt) {
      case 'a': case 'b': case 'h': memcpy(three, *fmt == 'a' ? day : month, 3), put_text(t, three, upper | change, flag, width); break;
      case 'A': put_text(t, day, upper | change, flag, width); break;
      case 'B': put_text(t, month, upper | change, flag, width); break;
      case 'c': put_format(t, "%a %b %e %H:%M:%S %Y", tm, upper, flag, width); break;
      case 'C': put_number(t, year / 100 - (year % 100 < 0), 2, 0, flag, width); break;
      case 'd': put_number(t, tm->tm_mday, 2, 0, flag, width); break;
      case 'D': case 'x': put_format(t, "%m/%d/%y", tm, upper, flag, width); break;
      case 'e': put_number(t, tm->tm_mday, 2, '_', flag, width); break;
      case 'F': put_format(t, "%Y-%m-%d", tm, upper, flag, width); break;
      case 'g': case 'G':
        iso_week(tm, &iso);
        if (*fmt == 'g') put_number(t, (iso % 100 + 100) % 100, 2, 0, flag, width);
        else put_number(t, iso, 1, 0, flag, width);
        break;
      case 'H': put_number(t, tm->tm_hour, 2, 0, flag, width); break;
      case 'I': put_number(t, hour12, 2, 0, flag, width); break;
      case 'j': put_number(t, tm->tm_yday + 1, 3, 0, flag, width); break;
      case 'k': put_number(t, tm->tm_hour, 2, '_', flag, width); break;
      case 'l': put_number(t, hour12, 2, '_', flag, width); break;
      case 'm': put_number(t, tm->tm_mon + 1, 2, 0, flag, width); break;
      case 'M': put_number(t, tm->tm_min, 2, 0, flag, width); break;
      case 'n': add(t, "\n", 1); break;
      case 'p': put_text(t, tm->tm_hour > 11 ? "PM" : "AM", change ? 2 : upper, flag, width); break;
      case 'P': put_text(t, tm->tm_hour > 11 ? "pm" : "am", 2, flag, width); break;
      case 'r': put_format(t, "%I:%M:%S %p", tm, upper, flag, width); break;
      case 'R': put_format(t, "%H:%M", tm, upper, flag, width); break;
      case 's': {
        struct tm copy = *tm;
        time_t mktime(struct tm *);
        put_number(t, mktime(&copy), 1, 0, flag, width);
        break;
      }
      case 'S': put_number(t, tm->tm_sec, 2, 0, flag, width); break;
      case 't': add(t, "\t", 1); break;
      case 'T': case 'X': put_format(t, "%H:%M:%S", tm, upper, flag, width); break;
      case 'u': put_number(t, (tm->tm_wday + 6) % 7 + 1, 1, 0, flag, width); break;
      case 'U': put_number(t, (tm->tm_yday - tm->tm_wday + 7) / 7, 2, 0, flag, width); break;
      case 'V': week = iso_week(tm, &iso), put_number(t, week, 2, 0, flag, width); break;
      case 'w': put_number(t, tm->tm_wday, 1, 0, flag, width); break;
      case 'W': put_number(t, (tm->tm_yday - (tm->tm_wday + 6) % 7 + 7) / 7, 2, 0, flag, width); break;
      case 'y': put_number(t, (year % 100 + 100) % 100, 2, 0, flag, width); break;
      case 'Y': put_number(t, year, 1, 0, flag, width); break;
      case 'z': {
        if (tm->tm_isdst < 0) break;
        long minutes = tm->tm_gmtoff / 60;
        add(t, minutes < 0 ? "-" : "+", 1);
        if (minutes < 0) minutes = -minutes;
        put_number(t, minutes / 60 * 100 + minutes % 60, 4, 0, flag, width);
        break;
      }
      case 'Z': put_text(t, tm->tm_zone && tm->tm_isdst >= 0 ? tm->tm_zone : "", change ? 2 : upper, flag, width); break;
      case '%': add(t, "%", 1); break;
      default:
        if (!*fmt) fmt--;
        add(t, percent, (size_t)(fmt - percent) + 1);
        break;
    }
  }
}

size_t strftime(char *to, size_t n, const char *fmt, const struct tm *tm) {
  void tzset(void);
  tzset();
  struct target t = { to, n, 0 };
  put(&t, fmt, tm, 0);
  if (t.total >= n) return 0;
  *t.at = 0;
  return t.total;
}
size_t strftime_l(char *to, size_t n, const char *fmt, const struct tm *tm, void *locale) { return (void)locale, strftime(to, n, fmt, tm); }
ALIAS(__strftime_l, strftime_l);

static const char *parse_number(const char *s, int low, int high, int digits, int *value) {
  while (*s == ' ') s++;
  if (!is_digit(*s)) return NULL;
  int v = 0;
  while (digits-- > 0 && is_digit(*s)) v = v * 10 + (*s++ - '0');
  if (v < low || v > high) return NULL;
  *value = v;
  return s;
}
static const char *parse_name(const char *s, const char *const *names, int count, int *value) {
  int strncasecmp(const char *, const char *, size_t);
  for (int i = 0; i < count; i++) {
    size_t n = strlen(names[i]);
    if (strncasecmp(s, names[i], n) == 0) return *value = i, s + n;
    if (strncasecmp(s, names[i], 3) == 0) {
      int longer = 0;
      for (int j = i + 1; j < count; j++) longer |= strncasecmp(s, names[j], strlen(names[j])) == 0;
      if (!longer) return *value = i, s + 3;
    }
  }
  return NULL;
}

struct parsed { int century, year, pm, hour12, have_year, have_mon, have_mday, have_yday, have_wday; };
static const char *parse_time(const char *s, const char *fmt, struct tm *tm, struct parsed *p) {
  int v;
  for (; *fmt && s; fmt++) {
    if (is_space((unsigned char)*fmt)) {
      while (is_space((unsigned char)*s)) s++;
      continue;
    }
    if (*fmt != '%') {
      if (*s++ != *fmt) return NULL;
      continue;
    }
    fmt++;
    while (*fmt == '_' || *fmt == '-' || *fmt == '0' || *fmt == '^' || *fmt == '#' || *fmt == 'E' || *fmt == 'O') fmt++;
    switch (*fmt) {
      case '%': if (*s++ != '%') return NULL; break;
      case 'a': case 'A': if ((s = parse_name(s, weekdays, 7, &tm->tm_wday))) p->have_wday = 1; break;
      case 'b': case 'B': case 'h': if ((s = parse_name(s, month_names, 12, &tm->tm_mon))) p->have_mon = 1; break;
      case 'c': s = parse_time(s, "%a %b %e %H:%M:%S %Y", tm, p); break;
      case 'C': if ((s = parse_number(s, 0, 99, 2, &v))) p->century = v, p->have_year = 1; break;
      case 'd': case 'e': if ((s = parse_number(s, 1, 31, 2, &tm->tm_mday))) p->have_mday = 1; break;
      case 'D': case 'x': s = parse_time(s, "%m/%d/%y", tm, p); break;
      case 'F': s = parse_time(s, "%Y-%m-%d", tm, p); break;
      case 'H': case 'k': s = parse_number(s, 0, 23, 2, &tm->tm_hour), p->hour12 = 0; break;
      case 'I': case 'l': if ((s = parse_number(s, 1, 12, 2, &v))) tm->tm_hour = v % 12, p->hour12 = 1; break;
      case 'j': if ((s = parse_number(s, 1, 366, 3, &v))) tm->tm_yday = v - 1, p->have_yday = 1; break;
      case 'm': if ((s = parse_number(s, 1, 12, 2, &v))) tm->tm_mon = v - 1, p->have_mon = 1; break;
      case 'M': s = parse_number(s, 0, 59, 2, &tm->tm_min); break;
      case 'n': case 't': while (is_space((unsigned char)*s)) s++; break;
      case 'p': case 'P':
        if ((*s | 32) != 'a' && (*s | 32) != 'p') return NULL;
        if ((s[1] | 32) != 'm') return NULL;
        p->pm = (*s | 32) == 'p';
        s += 2;
        break;
      case 'r': s = parse_time(s, "%I:%M:%S %p", tm, p); break;
      case 'R': s = parse_time(s, "%H:%M", tm, p); break;
      case 's': {
        time_t seconds = 0;
        struct tm *localtime_r(const time_t *, struct tm *);
        if (!is_digit(*s)) return NULL;
        while (is_digit(*s)) seconds = seconds * 10 + (*s++ - '0');
        localtime_r(&seconds, tm);
        break;
      }
      case 'S': s = parse_number(s, 0, 61, 2, &tm->tm_sec); break;
      case 'T': case 'X': s = parse_time(s, "%H:%M:%S", tm, p); break;
      case 'u': if ((s = parse_number(s, 1, 7, 1, &v))) tm->tm_wday = v % 7, p->have_wday = 1; break;
      case 'w': if ((s = parse_number(s, 0, 6, 1, &tm->tm_wday))) p->have_wday = 1; break;
      case 'U': case 'W': s = parse_number(s, 0, 53, 2, &v); break;
      case 'V': s = parse_number(s, 0, 53, 2, &v); break;
      case 'y': if ((s = parse_number(s, 0, 99, 2, &v))) p->year = v, p->have_year = 1, tm->tm_year = v >= 69 ? v : v + 100; break;
      case 'Y': if ((s = parse_number(s, 0, 9999, 4, &v))) tm->tm_year = v - 1900, p->have_year = 1, p->century = -1; break;
      case 'z': {
        while (*s == ' ') s++;
        if (*s == 'Z') {
          s++;
          tm->tm_gmtoff = 0;
          break;
        }
        if (*s != '+' && *s != '-') return NULL;
        int negative = *s++ == '-', n = 0;
        for (v = 0; n < 4 && is_digit(*s); n++) {
          v = v * 10 + (*s++ - '0');
          if (*s == ':' && n == 1) s++;
        }
        if (n == 2) v *= 100;
        else if (n != 4) return NULL;
        tm->tm_gmtoff = (v / 100 * 60 + v % 100) * 60L * (negative ? -1 : 1);
        break;
      }
      case 'Z': break;
      default: return NULL;
    }
  }
  return s;
}

char *strptime(const char *s, const char *fmt, struct tm *tm) {
  struct parsed p = { -1, -1, -1, 0, 0, 0, 0, 0, 0 };
  s = parse_time(s, fmt, tm, &p);
  if (!s) return NULL;
  if (p.hour12 && p.pm > 0) tm->tm_hour += 12;
  if (p.century >= 0) tm->tm_year = p.century * 100 - 1900 + (p.year >= 0 ? p.year : 0);
  if (p.have_mon && p.have_mday) { /* the day of the week and of the year follow */
    struct tm copy = { .tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday };
    to_calendar(from_calendar(&copy), 0, &copy);
    if (p.have_year || p.have_mon) tm->tm_wday = copy.tm_wday, tm->tm_yday = copy.tm_yday;
  } else if (p.have_yday && p.have_year) {
    struct tm copy = { .tm_year = tm->tm_year, .tm_mday = tm->tm_yday + 1 };
    to_calendar(from_calendar(&copy), 0, &copy);
    tm->tm_mon = copy.tm_mon, tm->tm_mday = copy.tm_mday, tm->tm_wday = copy.tm_wday;
  }
  return (char *)s;
}
