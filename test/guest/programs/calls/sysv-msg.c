/* System V message queues: errors, order by type, waiting, statistics. Prints no identifier. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int KEY;
/* Without glibc, which looks into what it passes on. */
#ifdef __i386__
#define RAW_MSGCTL 402
#else
#define RAW_MSGCTL SYS_msgctl
#endif
#define show(call) do { errno = 0; long r_ = (long)(call); printf("%s: %s\n", #call, r_ == -1 ? strerrorname_np(errno) : "ok"); } while (0)
#define value(call) do { errno = 0; long r_ = (long)(call); printf("%s = %ld %s\n", #call, r_, r_ == -1 ? strerrorname_np(errno) : ""); } while (0)
static int id;
static struct { long type; char text[9000]; } m;

/* The limit of /proc/sys/kernel: others may have set it. */
static unsigned long long limit(const char *name, int field) {
  char path[64];
  unsigned long long v[4] = {0};
  snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
  FILE *f = fopen(path, "r");
  for (int i = 0; f && i <= field; i++) fscanf(f, "%llu", &v[i]);
  if (f) fclose(f);
  return v[field];
}

static int put(long type, const char *text, int flags) { m.type = type; strcpy(m.text, text); return msgsnd(id, &m, strlen(text), flags); }
static void get(long type, int size, int flags) {
  memset(&m, 'x', sizeof m);
  errno = 0;
  int r = msgrcv(id, &m, size, type, flags);
  if (r < 0) printf("get %ld %d %o: %s\n", type, size, flags, strerrorname_np(errno));
  else printf("get %ld %d %o: %d bytes, type %ld, \"%.*s\" %c\n", type, size, flags, r, m.type, r, m.text, m.text[r]);
}
static void stat_of(const char *when) {
  struct msqid_ds ds;
  memset(&ds, 0xaa, sizeof ds);
  if (msgctl(id, IPC_STAT, &ds) < 0) { printf("%s: %s\n", when, strerrorname_np(errno)); return; }
  printf("%s: key %d mode %o cbytes %lu qnum %lu qbytes %lu uid %u gid %u lspid %d lrpid %d st %d rt %d ct %d\n", when, ds.msg_perm.__key == KEY, ds.msg_perm.mode, (long)ds.__msg_cbytes, (long)ds.msg_qnum, (long)ds.msg_qbytes, ds.msg_perm.uid, ds.msg_perm.gid, ds.msg_lspid == getpid(), ds.msg_lrpid == getpid(), ds.msg_stime != 0, ds.msg_rtime != 0, ds.msg_ctime != 0);
}
static volatile int signals;
static void on_signal(int s) { signals++; }

int main(void) {
  KEY = 0x46000000 | getpid();
  setvbuf(stdout, NULL, _IONBF, 0);
  msgctl(msgget(KEY, 0), IPC_RMID, NULL);
  show(msgget(KEY, 0));
  id = msgget(KEY, IPC_CREAT | 0640);
  show(id);
  show(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600));
  value(msgget(KEY, 0) == id);
  stat_of("fresh");
  show(msgsnd(-1, &m, 1, 0)); show(msgsnd(id + 32768, &m, 1, 0));
  m.type = 0; show(msgsnd(id, &m, 1, 0));
  m.type = -3; show(msgsnd(id, &m, 1, 0));
  m.type = 1;
  show(msgsnd(id, &m, -1, 0)); show(msgsnd(id, &m, 8193, 0)); show(msgsnd(id, (void *)1, 1, 0)); show(msgsnd(-1, (void *)1, 1, 0));
  show(msgsnd(id + 32768, (void *)1, 9999, 0));
  get(0, 100, IPC_NOWAIT);
  show(msgrcv(-1, &m, 10, 0, IPC_NOWAIT)); show(msgrcv(id, &m, -1, 0, IPC_NOWAIT)); show(msgrcv(id + 32768, &m, 10, 0, IPC_NOWAIT));
  show(put(3, "three", 0)); show(put(1, "one", 0)); show(put(2, "two", 0)); show(put(1, "uno", 0)); show(put(7, "", 0));
  stat_of("five");
  get(2, 2, IPC_NOWAIT);
  get(2, 2, IPC_NOWAIT | MSG_NOERROR);
  get(2, 10, IPC_NOWAIT);
  get(1, 10, IPC_NOWAIT | MSG_COPY | MSG_EXCEPT);
  get(1, 10, MSG_COPY);
  get(0, 10, IPC_NOWAIT | MSG_COPY);
  get(3, 10, IPC_NOWAIT | MSG_COPY);
  get(4, 10, IPC_NOWAIT | MSG_COPY);
  get(-1, 10, IPC_NOWAIT | MSG_COPY);
  get(0, 2, IPC_NOWAIT | MSG_COPY);
  get(-2, 10, 0);
  get(3, 10, MSG_EXCEPT);
  get(LONG_MIN, 10, 0);
  get(0, 0, 0);
  get(0, 10, IPC_NOWAIT);
  stat_of("empty");
  /* full: by bytes, then by count */
  memset(m.text, 'f', 8192); m.type = 5;
  show(msgsnd(id, &m, 8192, IPC_NOWAIT)); show(msgsnd(id, &m, 8192, IPC_NOWAIT)); show(msgsnd(id, &m, 1, IPC_NOWAIT)); show(msgsnd(id, &m, 0, IPC_NOWAIT));
  stat_of("full");
  get(0, 3, MSG_NOERROR); msgrcv(id, &m, 9000, 0, 0); msgrcv(id, &m, 9000, 0, 0);
  struct msqid_ds ds;
  msgctl(id, IPC_STAT, &ds);
  ds.msg_qbytes = 3; ds.msg_perm.mode = 0620; ds.msg_perm.gid = 88;
  show(msgctl(id, IPC_SET, &ds));
  stat_of("small");
  show(put(1, "", IPC_NOWAIT)); show(put(1, "", IPC_NOWAIT)); show(put(1, "abcd", IPC_NOWAIT)); show(put(1, "abc", IPC_NOWAIT)); show(put(1, "", IPC_NOWAIT));
  while (msgrcv(id, &m, 9000, 0, IPC_NOWAIT) >= 0);
  ds.msg_qbytes = 16384; ds.msg_perm.uid = 99;
  msgctl(id, IPC_SET, &ds);
  if (fork() == 0) {
    setgid(1234); setuid(99); ds.msg_qbytes = 16385;
    show(msgctl(id, IPC_SET, &ds)); ds.msg_qbytes = 1000; show(msgctl(id, IPC_SET, &ds)); get(0, 10, IPC_NOWAIT);
    _exit(0);
  }
  wait(NULL);
  stat_of("other owner");
  if (fork() == 0) {
    setgid(88); setuid(1234);
    show(put(1, "x", IPC_NOWAIT)); get(0, 10, IPC_NOWAIT); show(msgget(KEY, 0400)); show(msgget(KEY, 0200)); show(msgctl(id, IPC_STAT, &ds)); show(msgctl(id, IPC_RMID, NULL)); show(msgctl(id, IPC_SET, &ds));
    _exit(0);
  }
  wait(NULL);
  get(0, 10, 0);
  /* msgctl's errors */
  show(syscall(RAW_MSGCTL, id, IPC_STAT, 1)); show(syscall(RAW_MSGCTL, id, IPC_SET, 1)); show(msgctl(id, 99, &ds)); show(msgctl(id, -1, &ds)); show(msgctl(-1, IPC_STAT, &ds)); show(msgctl(id + 32768, IPC_STAT, &ds));
  struct msginfo info;
  memset(&info, 0, sizeof info);
  value(msgctl(0, IPC_INFO, (void *)&info) >= 0);
  printf("%d %d %d %d %d %d\n", info.msgmax == limit("msgmax", 0), info.msgmnb == limit("msgmnb", 0), info.msgmni == limit("msgmni", 0), info.msgssz, info.msgseg, info.msgpool > 0);
  value(msgctl(0, MSG_INFO, (void *)&info) >= 0);
  printf("%d\n", info.msgpool >= 1);
  value(msgctl(id & 32767, MSG_STAT, &ds) == id); value(msgctl(id & 32767, 13, &ds) == id); show(msgctl(32767, MSG_STAT, &ds));
  /* waiting: a sender hands over; one who has too little room learns it */
  int status;
  if (fork() == 0) { get(4, 3, 0); _exit(0); }
  usleep(20000);
  if (fork() == 0) {
    int r = msgrcv(id, &m, 30, 4, 0);
    usleep(30000);
    printf("%d bytes\n", r);
    _exit(0);
  }
  usleep(20000);
  put(4, "handed over", 0);
  wait(NULL); wait(NULL);
  stat_of("handed over");
  if (fork() == 0) { for (int i = 0; i < 8; i++) put(1 + i % 3, "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890", 0); put(9, "last", 0); _exit(0); }
  usleep(20000);
  for (int i = 0, r; i < 9; i++) { r = msgrcv(id, &m, 9000, 0, 0); printf("%d bytes of type %ld\n", r, m.type); }
  wait(NULL);
  /* signals and removal */
  struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &sa, NULL);
  alarm(1);
  get(0, 10, 0);
  printf("%d\n", signals);
  if (fork() == 0) { get(0, 10, 0); _exit(0); }
  usleep(20000);
  FILE *f = fopen("/proc/sysvipc/msg", "r");
  char line[512], mine[64];
  fgets(line, sizeof line, f); fputs(line, stdout);
  sprintf(mine, "%10d %10d ", KEY, id);
  while (fgets(line, sizeof line, f))
    if (strncmp(line, mine, strlen(mine)) == 0) {
      unsigned long v[8];
      sscanf(line + 21, "%lo %lu %lu %*u %*u %lu %lu %lu %lu", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6]);
      printf("%lo %lu %lu %lu %lu %lu %lu\n", v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
    }
  fclose(f);
  msgctl(id, IPC_RMID, NULL);
  wait(NULL);
  stat_of("gone");
  show(put(1, "x", 0)); get(0, 10, 0); show(msgctl(id, IPC_RMID, NULL));
  id = msgget(IPC_PRIVATE, 0600);
  m.type = 1; msgsnd(id, &m, 8192, 0); msgsnd(id, &m, 8192, 0);
  if (fork() == 0) { int r = put(1, "waits", 0); _exit(r < 0 ? errno : 0); }
  usleep(20000);
#ifdef __i386__
  unsigned char old[64];
  memset(old, 0xee, sizeof old);
  value(syscall(SYS_ipc, 14, id, IPC_STAT, 0, old));
  for (int i = 0; i < 64; i++) if (i != 14 && i != 15 && (i < 24 || i >= 36) && (i < 50 || i >= 54)) printf("%02x ", old[i]);
  printf("\n");
  struct { void *p; long type; } kludge = {&m, 1};
  value(syscall(SYS_ipc, 12, id, 9000, IPC_NOWAIT, &kludge));
  value(syscall(SYS_ipc, 12, id, 9000, IPC_NOWAIT, 0));
  value(syscall(SYS_ipc, 12 | 1 << 16, id, 9000, IPC_NOWAIT, &m, 2));
  value(syscall(401, id, &m, 9000, 1, IPC_NOWAIT));
  m.type = 3;
  wait(&status);
  value(syscall(400, id, &m, 9, IPC_NOWAIT));
  msgctl(id, IPC_RMID, NULL);
#else
  msgctl(id, IPC_RMID, NULL);
  wait(&status);
#endif
  printf("%x\n", status);
  return 0;
}
