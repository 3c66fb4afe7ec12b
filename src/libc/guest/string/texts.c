/* strerror(3), strsignal(3), psignal(3). The texts lie one after the other, so that no pointer needs relocating. */
#include "../libc.h"

#define T(text) text "\0"
static const char errno_list[] =
#include "errno-texts.h"
  ;
#undef T
#define T(text, name) text "\0"
static const char signal_list[] =
#include "signal-texts.h"
  ;

static const char *nth(const char *list, const char *end, int n) {
  if (n < 0) return NULL;
  for (; n > 0 && list < end; n--) list += strlen(list) + 1;
  return list < end && *list ? list : NULL;
}

HIDDEN const char *errno_text(int number) { return nth(errno_list, errno_list + sizeof errno_list - 1, number); }
HIDDEN const char *signal_text(int signo) { return nth(signal_list, signal_list + sizeof signal_list - 1, signo); }

/* GNU's strerror_r: the text itself, or "Unknown error N" in the caller's buffer. */
char *__strerror_r(int number, char *buffer, size_t size) {
  const char *text = errno_text(number);
  if (text) return (char *)text;
  snprintf(buffer, size, "Unknown error %d", number);
  return buffer;
}
WEAK_ALIAS(strerror_r, __strerror_r);

int __xpg_strerror_r(int number, char *buffer, size_t size) {
  const char *text = errno_text(number);
  if (!text) {
    snprintf(buffer, size, "Unknown error %d", number);
    return EINVAL;
  }
  size_t length = strlen(text);
  if (size > 0) memcpy(buffer, text, min_size(length, size - 1)), buffer[min_size(length, size - 1)] = 0;
  return length < size ? 0 : ERANGE;
}

char *strerror(int number) {
  static char unknown[32];
  int saved = errno;
  char *text = __strerror_r(number, unknown, sizeof unknown);
  errno = saved;
  return text;
}

char *strsignal(int signo) {
  static char other[32];
  const char *text = signal_text(signo);
  if (text) return (char *)text;
  if (signo >= 34 && signo <= 64) snprintf(other, sizeof other, "Real-time signal %d", signo - 34);
  else snprintf(other, sizeof other, "Unknown signal %d", signo);
  return other;
}

void psignal(int signo, const char *prefix) {
  const char *colon = prefix && *prefix ? ": " : "";
  if (!*colon) prefix = "";
  fprintf(stderr, "%s%s%s\n", prefix, colon, strsignal(signo));
}
