/* getopt(3), getopt_long(3), getopt_long_only(3). Arguments that are no options are moved to the end. */
#include "../libc.h"

struct option { const char *name; int has_arg, *flag, val; };
char *optarg;
int optind = 1, opterr = 1, optopt = '?';
static char *next_char;            /* in the argument at hand, its next option letter */
static int first_other, last_other; /* arguments passed over lie in [first_other, last_other) */
enum { PERMUTE, REQUIRE_ORDER, IN_ORDER };
static int ordering, posix;

/* Arguments passed over and the options after them change places. */
static void rotate(char **argv, int first, int middle, int end) {
  while (middle > first && end > middle) {
    char *last = argv[end - 1];
    (void)last;
    int left = middle - first, right = end - middle, n = left < right ? left : right;
    if (left <= right) {
      for (int i = 0; i < n; i++) {
        char *t = argv[first + i];
        argv[first + i] = argv[end - n + i];
        argv[end - n + i] = t;
      }
      end -= n;
    } else {
      for (int i = 0; i < n; i++) {
        char *t = argv[first + i];
        argv[first + i] = argv[middle + i];
        argv[middle + i] = t;
      }
      first += n;
    }
  }
}

static void exchange_others(char **argv) {
  rotate(argv, first_other, last_other, optind);
  first_other += optind - last_other;
  last_other = optind;
}

static int long_option(int argc, char **argv, const char *letters, const struct option *options, int *index, int only, const char *dashes, int complain) {
  size_t n = strcspn(next_char, "=");
  const struct option *found = NULL;
  int which = -1, exact = 0, ambiguous = 0;
  for (int i = 0; options[i].name; i++) {
    if (strncmp(options[i].name, next_char, n) != 0) continue;
    if (strlen(options[i].name) == n) {
      found = &options[i];
      which = i;
      exact = 1;
      break;
    }
    if (!found) found = &options[i], which = i;
    else if (only || found->has_arg != options[i].has_arg || found->flag != options[i].flag || found->val != options[i].val) ambiguous = 1;
  }
  if (ambiguous && !exact) {
    if (complain) {
      fprintf(stderr, "%s: option '%s%s' is ambiguous; possibilities:", argv[0], dashes, next_char);
      for (int i = 0; options[i].name; i++)
        if (strncmp(options[i].name, next_char, n) == 0) fprintf(stderr, " '%s%s'", dashes, options[i].name);
      fprintf(stderr, "\n");
    }
    next_char += strlen(next_char);
    optind++;
    optopt = 0;
    return '?';
  }
  if (!found) {
    if (only && argv[optind][1] != '-' && strchr(letters, *next_char)) return -1;
    if (complain) fprintf(stderr, "%s: unrecognized option '%s%s'\n", argv[0], dashes, next_char);
    next_char = NULL;
    optind++;
    optopt = 0;
    return '?';
  }
  optind++;
  const char *value = next_char[n] ? next_char + n + 1 : NULL;
  next_char = NULL;
  if (value && found->has_arg == 0) {
    if (complain) fprintf(stderr, "%s: option '%s%s' doesn't allow an argument\n", argv[0], dashes, found->name);
    optopt = found->val;
    return '?';
  }
  if (value) {
    optarg = (char *)value;
  } else if (found->has_arg == 1) {
    if (optind >= argc) {
      if (complain) fprintf(stderr, "%s: option '%s%s' requires an argument\n", argv[0], dashes, found->name);
      optopt = found->val;
      return *letters == ':' ? ':' : '?';
    }
    optarg = argv[optind++];
  }
  if (index) *index = which;
  if (!found->flag) return found->val;
  *found->flag = found->val;
  return 0;
}

static int get(int argc, char **argv, const char *letters, const struct option *options, int *index, int only) {
  static int started;
  if (argc < 1) return -1;
  optarg = NULL;
  if (optind == 0 || !started) {
    if (optind == 0) optind = 1;
    first_other = last_other = optind;
    next_char = NULL;
    ordering = *letters == '-' ? IN_ORDER : *letters == '+' || posix || getenv("POSIXLY_CORRECT") ? REQUIRE_ORDER : PERMUTE;
    started = 1;
  }
  if (*letters == '-' || *letters == '+') letters++;
  int complain = opterr && *letters != ':';
  if (!next_char || !*next_char) {
    if (last_other > optind) last_other = optind;
    if (first_other > optind) first_other = optind;
    if (ordering == PERMUTE) {
      if (first_other != last_other && last_other != optind) exchange_others(argv);
      else if (last_other != optind) first_other = optind;
      while (optind < argc && (argv[optind][0] != '-' || !argv[optind][1])) optind++;
      last_other = optind;
    }
    if (optind != argc && strcmp(argv[optind], "--") == 0) {
      optind++;
      if (first_other != last_other && last_other != optind) exchange_others(argv);
      else if (first_other == last_other) first_other = optind;
      last_other = argc;
      optind = argc;
    }
    if (optind == argc) {
      if (first_other != last_other) optind = first_other;
      return -1;
    }
    if (argv[optind][0] != '-' || !argv[optind][1]) {
      if (ordering == REQUIRE_ORDER) return -1;
      optarg = argv[optind++];
      return 1;
    }
    if (options && argv[optind][1] == '-') {
      next_char = argv[optind] + 2;
      return long_option(argc, argv, letters, options, index, only, "--", complain);
    }
    if (options && only && (argv[optind][2] || !strchr(letters, argv[optind][1]))) {
      next_char = argv[optind] + 1;
      int result = long_option(argc, argv, letters, options, index, only, "-", complain);
      if (result != -1) return result;
    }
    next_char = argv[optind] + 1;
  }
  char c = *next_char++;
  const char *at = strchr(letters, c);
  if (!*next_char) optind++;
  if (!at || c == ':' || c == ';') {
    if (complain) fprintf(stderr, "%s: invalid option -- '%c'\n", argv[0], c);
    optopt = c;
    return '?';
  }
  if (at[1] == ':' && at[2] == ':') {
    if (*next_char) {
      optarg = next_char;
      optind++;
    }
    next_char = NULL;
  } else if (at[1] == ':') {
    if (*next_char) {
      optarg = next_char;
      optind++;
    } else if (optind == argc) {
      if (complain) fprintf(stderr, "%s: option requires an argument -- '%c'\n", argv[0], c);
      optopt = c;
      c = *letters == ':' ? ':' : '?';
    } else {
      optarg = argv[optind++];
    }
    next_char = NULL;
  }
  return c;
}

int getopt(int argc, char *const *argv, const char *letters) { return get(argc, (char **)argv, letters, NULL, NULL, 0); }
int __posix_getopt(int argc, char *const *argv, const char *letters) {
  posix = 1;
  int result = getopt(argc, argv, letters);
  posix = 0;
  return result;
}
int getopt_long(int argc, char *const *argv, const char *letters, const struct option *options, int *index) {
  return get(argc, (char **)argv, letters, options, index, 0);
}
int getopt_long_only(int argc, char *const *argv, const char *letters, const struct option *options, int *index) {
  return get(argc, (char **)argv, letters, options, index, 1);
}
