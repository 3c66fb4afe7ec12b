/*
 * /etc/passwd and /etc/group: getpwnam(3), getgrnam(3), getpwent(3), getgrent(3), getgrouplist(3). Of the name services
 * of nsswitch.conf there is `files` only. Lines that are not entries are passed over, as nss_files does.
 */
#include "../stdio/stdio.h"
#include "../syscall.h"

struct passwd { char *pw_name, *pw_passwd; uid_t pw_uid; gid_t pw_gid; char *pw_gecos, *pw_dir, *pw_shell; };
struct group { char *gr_name, *gr_passwd; gid_t gr_gid; char **gr_mem; };

static char *field(char **rest) {
  char *start = *rest, *end = strchrnul(start, ':');
  *rest = *end ? end + 1 : end;
  *end = 0;
  return start;
}
/* A decimal number up to the next colon; 0 if there is none (`needed`) or something else. */
static int id_field(char **rest, unsigned *id, int needed) {
  char *text = field(rest), *end;
  *id = (unsigned)strtoul(text, &end, 10);
  return (end != text || !needed) && *end == 0;
}
/* Lines of the old network service: +, +NAME, -NAME. */
static int is_listed(const char *name) { return *name == '+' || *name == '-'; }

/* What an entry is made from: 1, 0 for a line that is none, -1 for lack of room (errno ERANGE). */
typedef int parser(char *line, char *spare, char *limit, void *to);

static int parse_passwd(char *line, char *spare, char *limit, void *to) {
  (void)spare, (void)limit;
  struct passwd *p = to;
  memset(p, 0, sizeof *p);
  p->pw_name = field(&line);
  int listed = is_listed(p->pw_name);
  if (!*line && listed) return 1;
  p->pw_passwd = field(&line);
  if (!id_field(&line, &p->pw_uid, !listed) || !id_field(&line, &p->pw_gid, !listed)) return 0;
  p->pw_gecos = field(&line);
  p->pw_dir = field(&line);
  p->pw_shell = line;
  return 1;
}

static int parse_group(char *line, char *spare, char *limit, void *to) {
  struct group *g = to;
  memset(g, 0, sizeof *g);
  g->gr_name = field(&line);
  int listed = is_listed(g->gr_name);
  if (*line || !listed) {
    g->gr_passwd = field(&line);
    if (!id_field(&line, &g->gr_gid, !listed)) return 0;
  }
  char **member = (char **)(((uintptr_t)spare + sizeof(char *) - 1) & -sizeof(char *));
  g->gr_mem = member;
  for (;;) {
    if ((char *)(member + 1) > limit) return -1;
    while (is_space(*line) || *line == ',') line++;
    if (!*line) break;
    *member++ = line;
    while (*line && *line != ',') line++;
    if (*line) *line++ = 0;
  }
  *member = NULL;
  return 1;
}

/* The next entry of a file: 0, or ENOENT at its end, ERANGE (the line is read again then). */
static int next_entry(FILE *f, parser *parse, void *to, char *buffer, size_t size) {
  for (;;) {
    off64_t at = stream_seek(f, 0, SEEK_CUR);
    if (size < 2) return ERANGE;
    buffer[size - 1] = 1;
    char *line = fgets(buffer, (int)min_size(size, INT_MAX), f);
    if (!line) return ENOENT;
    size_t length = strlen(line);
    int cut = length == size - 1 && line[length - 1] != '\n';
    if (!cut) {
      if (line[length - 1] == '\n') line[length - 1] = 0;
      while (is_space(*line)) line++;
      if (!*line || *line == '#') continue;
      int found = parse(line, buffer + length + 1, buffer + size, to);
      if (found == 0) continue;
      if (found > 0) return 0;
    }
    stream_seek(f, at, SEEK_SET);
    return errno = ERANGE;
  }
}

/* One of the two files, with the reader of getpwent and the room of the calls that have none of their own. */
struct database {
  const char *path;
  parser *parse;
  FILE *listing;
  char *room;
  size_t size;
};
enum { FIRST_ROOM = 1024 };
static struct database users = { "/etc/passwd", parse_passwd, NULL, NULL, 0 };
static struct database groups = { "/etc/group", parse_group, NULL, NULL, 0 };

typedef int matcher(const void *entry, const void *wanted);
static int search(struct database *d, matcher *matches, const void *wanted, void *entry, char *buffer, size_t size, void **result) {
  *result = NULL;
  int saved = errno;
  FILE *f = fopen(d->path, "rce");
  if (!f) return errno;
  int error;
  while ((error = next_entry(f, d->parse, entry, buffer, size)) == 0)
    if (matches(entry, wanted)) break;
  fclose(f);
  if (error == 0) *result = entry;
  if (error == ERANGE) return errno = ERANGE;
  errno = saved;
  return 0;
}
static void *larger_room(struct database *d) {
  size_t size = d->size ? 2 * d->size : FIRST_ROOM;
  char *room = realloc(d->room, size);
  if (room) d->room = room, d->size = size;
  return room;
}
static void *search_own(struct database *d, matcher *matches, const void *wanted, void *entry) {
  void *result;
  if (!d->room && !larger_room(d)) return NULL;
  while (search(d, matches, wanted, entry, d->room, d->size, &result) == ERANGE)
    if (!larger_room(d)) return NULL;
  return result;
}

static void rewind_listing(struct database *d) {
  if (d->listing) stream_seek(d->listing, 0, SEEK_SET);
}
static void end_listing(struct database *d) {
  if (d->listing) fclose(d->listing);
  d->listing = NULL;
}
static int next_of(struct database *d, void *entry, char *buffer, size_t size, void **result) {
  *result = NULL;
  if (!d->listing && !(d->listing = fopen(d->path, "rce"))) return errno;
  int error = next_entry(d->listing, d->parse, entry, buffer, size);
  if (error == 0) *result = entry;
  return error;
}
static void *next_own(struct database *d, void *entry) {
  void *result;
  if (!d->room && !larger_room(d)) return NULL;
  while (next_of(d, entry, d->room, d->size, &result) == ERANGE)
    if (!larger_room(d)) return NULL;
  return result;
}

static int user_named(const void *entry, const void *name) {
  const struct passwd *p = entry;
  return !is_listed(p->pw_name) && strcmp(p->pw_name, name) == 0;
}
static int user_numbered(const void *entry, const void *id) {
  const struct passwd *p = entry;
  return !is_listed(p->pw_name) && p->pw_uid == *(const uid_t *)id;
}
static int group_named(const void *entry, const void *name) {
  const struct group *g = entry;
  return !is_listed(g->gr_name) && strcmp(g->gr_name, name) == 0;
}
static int group_numbered(const void *entry, const void *id) {
  const struct group *g = entry;
  return !is_listed(g->gr_name) && g->gr_gid == *(const gid_t *)id;
}

static struct passwd user;
static struct group one_group;

int getpwnam_r(const char *name, struct passwd *to, char *buffer, size_t size, struct passwd **result) {
  return search(&users, user_named, name, to, buffer, size, (void **)result);
}
int getpwuid_r(uid_t id, struct passwd *to, char *buffer, size_t size, struct passwd **result) {
  return search(&users, user_numbered, &id, to, buffer, size, (void **)result);
}
struct passwd *getpwnam(const char *name) { return search_own(&users, user_named, name, &user); }
struct passwd *getpwuid(uid_t id) { return search_own(&users, user_numbered, &id, &user); }
void setpwent(void) { rewind_listing(&users); }
void endpwent(void) { end_listing(&users); }
struct passwd *getpwent(void) { return next_own(&users, &user); }
int getpwent_r(struct passwd *to, char *buffer, size_t size, struct passwd **result) {
  return next_of(&users, to, buffer, size, (void **)result);
}
int fgetpwent_r(FILE *f, struct passwd *to, char *buffer, size_t size, struct passwd **result) {
  int error = next_entry(f, parse_passwd, to, buffer, size);
  *result = error ? NULL : to;
  return error;
}
struct passwd *fgetpwent(FILE *f) {
  static char *room;
  static struct passwd entry;
  enum { LINE = 4096 };
  if (!room && !(room = malloc(LINE))) return NULL;
  return next_entry(f, parse_passwd, &entry, room, LINE) ? NULL : &entry;
}

int getgrnam_r(const char *name, struct group *to, char *buffer, size_t size, struct group **result) {
  return search(&groups, group_named, name, to, buffer, size, (void **)result);
}
int getgrgid_r(gid_t id, struct group *to, char *buffer, size_t size, struct group **result) {
  return search(&groups, group_numbered, &id, to, buffer, size, (void **)result);
}
struct group *getgrnam(const char *name) { return search_own(&groups, group_named, name, &one_group); }
struct group *getgrgid(gid_t id) { return search_own(&groups, group_numbered, &id, &one_group); }
void setgrent(void) { rewind_listing(&groups); }
void endgrent(void) { end_listing(&groups); }
struct group *getgrent(void) { return next_own(&groups, &one_group); }
int getgrent_r(struct group *to, char *buffer, size_t size, struct group **result) {
  return next_of(&groups, to, buffer, size, (void **)result);
}
int fgetgrent_r(FILE *f, struct group *to, char *buffer, size_t size, struct group **result) {
  int error = next_entry(f, parse_group, to, buffer, size);
  *result = error ? NULL : to;
  return error;
}
struct group *fgetgrent(FILE *f) {
  static char *room;
  static struct group entry;
  enum { LINE = 4096 };
  if (!room && !(room = malloc(LINE))) return NULL;
  return next_entry(f, parse_group, &entry, room, LINE) ? NULL : &entry;
}

int putpwent(const struct passwd *p, FILE *f) {
  if (!p || !f || !p->pw_name) {
    errno = EINVAL;
    return -1;
  }
#define TEXT(s) ((s) ? (s) : "")
  int listed = is_listed(p->pw_name);
  int n = listed ? fprintf(f, "%s:%s:::%s:%s:%s\n", p->pw_name, TEXT(p->pw_passwd), TEXT(p->pw_gecos), TEXT(p->pw_dir), TEXT(p->pw_shell))
                 : fprintf(f, "%s:%s:%u:%u:%s:%s:%s\n", p->pw_name, TEXT(p->pw_passwd), p->pw_uid, p->pw_gid, TEXT(p->pw_gecos),
                           TEXT(p->pw_dir), TEXT(p->pw_shell));
  return n < 0 ? -1 : 0;
}

/* The group first, then those that list the user; -1 if there are more than *count, which then tells how many. */
int getgrouplist(const char *name, gid_t first, gid_t *list, int *count) {
  int n = 1, room = *count;
  if (room > 0) list[0] = first;
  FILE *f = fopen(groups.path, "rce");
  char *buffer = malloc(65536);
  struct group entry;
  while (f && buffer && next_entry(f, parse_group, &entry, buffer, 65536) == 0) {
    const struct group *g = &entry;
    char **member = g->gr_mem;
    while (*member && strcmp(*member, name) != 0) member++;
    if (!*member || g->gr_gid == first) continue;
    int known = 0;
    for (int i = 1; i < n && i < room; i++) known |= list[i] == g->gr_gid;
    if (known) continue;
    if (n < room) list[n] = g->gr_gid;
    n++;
  }
  if (f) fclose(f);
  free(buffer);
  *count = n;
  return n > room ? -1 : n;
}

int setgroups(size_t count, const gid_t *list) { return (int)SYS(SYS_setgroups, count, list); }
int initgroups(const char *name, gid_t first) {
  enum { MOST = 65536 };
  gid_t *list = malloc(MOST * sizeof *list);
  int count = MOST;
  if (!list) return -1;
  getgrouplist(name, first, list, &count);
  int result = setgroups((size_t)min_int(count, MOST), list);
  free(list);
  return result;
}
