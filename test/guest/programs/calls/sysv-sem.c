/* System V semaphores: errors, atomic operations, waiting, undo, statistics. Prints no identifier. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int KEY;
/* Without glibc, which looks into what it passes on. */
#ifdef __i386__
#define RAW_SEMCTL 394
#else
#define RAW_SEMCTL SYS_semctl
#endif
#define show(call) do { errno = 0; long r_ = (long)(call); printf("%s: %s\n", #call, r_ == -1 ? strerrorname_np(errno) : "ok"); } while (0)
#define value(call) do { errno = 0; long r_ = (long)(call); printf("%s = %ld %s\n", #call, r_, r_ == -1 ? strerrorname_np(errno) : ""); } while (0)
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

union semun { int val; struct semid_ds *buf; unsigned short *array; struct seminfo *info; };
static int id;

/* glibc for i386 looks into the timeout */
#ifdef __i386__
#define timed(id, ops, n, time) syscall(SYS_ipc, 4, id, n, 0, ops, time)
#else
#define timed(id, ops, n, time) syscall(SYS_semtimedop, id, ops, n, time)
#endif
static int op1(int num, int op, int flg) { struct sembuf b = {num, op, flg}; return semop(id, &b, 1); }
static void all(const char *when) {
  unsigned short v[4] = {9, 9, 9, 9};
  int r = semctl(id, 0, GETALL, (union semun){.array = v});
  printf("%s: %d:", when, r);
  for (int i = 0; i < 4; i++) printf(" %d(%d n%d z%d)", v[i], semctl(id, i, GETPID) == getpid(), semctl(id, i, GETNCNT), semctl(id, i, GETZCNT));
  printf("\n");
}
static void stat_of(const char *when) {
  struct semid_ds ds;
  memset(&ds, 0xaa, sizeof ds);
  int r = semctl(id, 0, IPC_STAT, (union semun){.buf = &ds});
  if (r < 0) { printf("%s: %s\n", when, strerrorname_np(errno)); return; }
  printf("%s: key %d mode %o nsems %lu uid %u gid %u cuid %u ot %d ct %d\n", when, ds.sem_perm.__key == KEY, ds.sem_perm.mode, (long)ds.sem_nsems, ds.sem_perm.uid, ds.sem_perm.gid, ds.sem_perm.cuid, ds.sem_otime != 0, ds.sem_ctime != 0);
}
static volatile int signals;
static void on_signal(int s) { signals++; }
static void *locker(void *x) { op1(3, 1, SEM_UNDO); return NULL; }
static void waitfor(int num, int cmd, int n) { while (semctl(id, num, cmd) < n) usleep(1000); }

int main(void) {
  KEY = 0x46000000 | getpid();
  setvbuf(stdout, NULL, _IONBF, 0);
  semctl(semget(KEY, 0, 0), 0, IPC_RMID);
  show(semget(KEY, 4, 0));
  show(semget(KEY, 0, IPC_CREAT | 0600));
  show(semget(KEY, -1, IPC_CREAT | 0600));
  show(semget(KEY, 32001, IPC_CREAT | 0600));
  id = semget(KEY, 4, IPC_CREAT | 0640);
  show(id);
  show(semget(KEY, 4, IPC_CREAT | IPC_EXCL | 0600));
  show(semget(KEY, 5, 0));
  value(semget(KEY, 0, 0) == id);
  value(semget(KEY, 3, 0) == id);
  stat_of("fresh");
  all("fresh");
  /* semop's errors */
  struct sembuf ops[600];
  memset(ops, 0, sizeof ops);
  show(semop(id, ops, 0));
  show(semop(id, ops, 501));
  show(semop(id, ops, 500));
  show(semop(id, (void *)1, 501));
  show(semop(id, (void *)1, 1));
  show(semop(id, (void *)1, 0));
  show(semop(-1, ops, 1));
  show(semop(id + 32768, ops, 1));
  show(op1(4, 0, 0));
  show(op1(4, 1, 0));
  show(op1(0xffff, 1, 0));
  show(op1(0, -1, IPC_NOWAIT));
  show(op1(0, 0, IPC_NOWAIT));
  show(op1(0, 32767, 0));
  show(op1(0, 1, 0));
  show(op1(0, 0, IPC_NOWAIT));
  show(op1(0, -32768, IPC_NOWAIT));
  show(op1(0, -32767, SEM_UNDO));
  show(op1(0, 32767, 0));
  show(op1(0, -2, SEM_UNDO));
  show(op1(0, 1, SEM_UNDO));
  show(op1(0, 1, SEM_UNDO));
  all("operated");
  struct timespec bad = {0, 1000000000}, minus = {-1, 0}, soon = {0, 2000000}, zero = {0, 0};
  show(timed(id, ops, 1, &bad));
  show(timed(id, ops, 1, &minus));
  show(timed(id, (void *)1, 1, &bad));
  show(timed(id, ops, 501, &bad));
  show(timed(id, ops, 0, &bad));
  show(timed(-1, ops, 1, &bad));
  show(timed(id, ops, 1, (void *)1));
  show(timed(id, ops, 1, &soon));
  show(timed(id, ops, 1, &zero));
  /* all or none */
  struct sembuf three[3] = {{1, 5, 0}, {2, 7, 0}, {3, -1, IPC_NOWAIT}};
  show(semop(id, three, 3));
  all("none");
  three[2].sem_op = 0;
  show(semop(id, three, 3));
  all("all");
  struct sembuf same[3] = {{1, -5, 0}, {1, 0, 0}, {1, 2, 0}};
  show(semop(id, same, 3));
  all("in order");
  /* semctl */
  unsigned short v[4] = {1, 2, 3, 4}, high[4] = {1, 2, 3, 40000};
  show(semctl(id, 0, SETALL, (union semun){.array = v}));
  show(semctl(id, 0, SETALL, (union semun){.array = high}));
  show(syscall(RAW_SEMCTL, id, 0, SETALL, 1));
  show(syscall(RAW_SEMCTL, id, 0, GETALL, 1));
  show(semctl(id, 9, SETALL, (union semun){.array = v}));
  all("set");
  show(semctl(id, 4, GETVAL)); show(semctl(id, -1, GETVAL)); show(semctl(id, 4, GETPID));
  show(semctl(id, 4, GETNCNT)); show(semctl(id, -1, GETZCNT));
  show(semctl(id, 4, SETVAL, (union semun){.val = 1}));
  show(semctl(id, 4, SETVAL, (union semun){.val = -1}));
  show(semctl(id, 0, SETVAL, (union semun){.val = 32768}));
  show(semctl(id, 0, SETVAL, (union semun){.val = 32767}));
  show(semctl(id + 32768, 0, SETVAL, (union semun){.val = 1}));
  show(semctl(id + 32768, 0, SETVAL, (union semun){.val = -1}));
  show(semctl(-1, 0, GETVAL));
  show(semctl(id, 0, 99));
  show(semctl(id, 0, -1));
  show(syscall(RAW_SEMCTL, id, 0, IPC_STAT, 1));
  show(syscall(RAW_SEMCTL, id, 0, IPC_SET, 1));
  struct seminfo info;
  memset(&info, 0, sizeof info);
  value(semctl(0, 0, IPC_INFO, (union semun){.info = &info}) >= 0);
  printf("%d %d %d %d %d %d %d %d %d %d\n", info.semmap == limit("sem", 1), info.semmni == limit("sem", 3), info.semmns == limit("sem", 1), info.semmnu == limit("sem", 1), info.semmsl == limit("sem", 0), info.semopm == limit("sem", 2), info.semume == limit("sem", 2), info.semusz, info.semvmx, info.semaem);
  value(semctl(0, 0, SEM_INFO, (union semun){.info = &info}) >= 0);
  printf("%d %d\n", info.semusz >= 1, info.semaem >= 4);
  show(syscall(RAW_SEMCTL, 0, 0, SEM_INFO, 1));
  struct semid_ds ds;
  value(semctl(id & 32767, 0, SEM_STAT, (union semun){.buf = &ds}) == id);
  value(semctl(id & 32767, 0, 20, (union semun){.buf = &ds}) == id);
  show(semctl(32767, 0, SEM_STAT, (union semun){.buf = &ds}));
  ds.sem_perm.mode = 0744; ds.sem_perm.uid = 55;
  show(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}));
  stat_of("changed");
  if (fork() == 0) {
    setgid(1234); setuid(1234);
    show(semget(KEY, 4, 0200)); show(semget(KEY, 4, 0444));
    show(op1(1, 1, 0)); show(op1(0, 0, IPC_NOWAIT));
    show(semctl(id, 0, GETVAL)); show(semctl(id, 0, SETVAL, (union semun){.val = 1}));
    show(semctl(id, 0, SETALL, (union semun){.array = v})); show(semctl(id, 9, GETVAL));
    show(semctl(id, 9, SETVAL, (union semun){.val = 1}));
    show(semctl(id, 0, IPC_RMID)); show(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}));
    _exit(0);
  }
  wait(NULL);
  /* waiting: who was first goes first */
  memset(v, 0, sizeof v);
  semctl(id, 0, SETALL, (union semun){.array = v});
  int pids[3], status;
  for (int i = 0; i < 3; i++) {
    pids[i] = fork();
    if (pids[i] == 0) { int r = op1(0, i == 0 ? -2 : -1, 0); printf("child %d: %d\n", i, r); if (i) op1(1, 1, 0); _exit(0); }
    waitfor(0, GETNCNT, i + 1);
  }
  all("three wait");
  op1(0, 1, 0);
  waitfor(1, GETVAL, 1);
  all("one goes");
  op1(0, 1, 0);
  waitfor(1, GETVAL, 2);
  op1(0, 2, 0);
  for (int i = 0; i < 3; i++) wait(NULL);
  all("all went");
  /* wait for zero; a complex operation that would block at its second part */
  op1(2, 1, 0);
  if (fork() == 0) { int r = op1(2, 0, 0); printf("zero %d\n", r); _exit(0); }
  waitfor(2, GETZCNT, 1);
  int second = fork();
  if (second == 0) { struct sembuf two[2] = {{3, -1, 0}, {2, -3, IPC_NOWAIT}}; int r = semop(id, two, 2); printf("second part: %d %s\n", r, strerrorname_np(errno)); _exit(0); }
  waitfor(3, GETNCNT, 1);
  all("waiting");
  op1(3, 1, 0);
  waitpid(second, NULL, 0);
  op1(2, -1, 0);
  wait(NULL);
  all("zero");
  /* signals, time, removal */
  signal(SIGALRM, on_signal);
  struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &sa, NULL);
  alarm(1);
  show(op1(0, -1, 0));
  printf("%d signals\n", signals);
  int parent = getpid();
  if (fork() == 0) { waitfor(0, GETNCNT, 1); kill(parent, SIGUSR1); _exit(0); }
  show(op1(0, -1, 0));
  wait(NULL);
  ops[0] = (struct sembuf){0, -1, 0};
  show(timed(id, ops, 1, &soon));
  show(timed(id, ops, 1, &zero));
  all("interrupted");
  /* undo */
  semctl(id, 0, SETALL, (union semun){.array = (unsigned short[]){5, 5, 5, 0}});
  if (fork() == 0) { op1(0, -3, SEM_UNDO); op1(1, 4, SEM_UNDO); op1(2, -1, 0); op1(2, 1, SEM_UNDO); all("in child"); _exit(0); }
  wait(NULL);
  all("undone");
  if (fork() == 0) { op1(0, -3, SEM_UNDO); op1(1, 4, SEM_UNDO); semctl(id, 0, SETVAL, (union semun){.val = 9}); op1(1, -9, 0); _exit(0); }
  wait(NULL);
  all("undone but what was set, and not below zero");
  if (fork() == 0) { op1(0, 1, SEM_UNDO); if (fork() == 0) { all("grandchild"); _exit(0); } wait(NULL); all("still"); execl("/bin/true", "true", NULL); _exit(1); }
  wait(NULL);
  all("undone behind execve");
  if (fork() == 0) { pthread_t t; pthread_create(&t, NULL, locker, NULL); pthread_join(t, NULL); all("a thread's end undoes nothing"); _exit(0); }
  wait(NULL);
  all("but the process's does");
  if (fork() == 0) { op1(3, 1, SEM_UNDO); kill(getpid(), SIGKILL); }
  op1(3, -1, 0) ; wait(NULL);
  all("killed");
  semctl(id, 3, SETVAL, (union semun){.val = 0});
  if (fork() == 0) { int r = op1(3, -1, 0); printf("removed: %d %s\n", r, strerrorname_np(errno)); _exit(0); }
  waitfor(3, GETNCNT, 1);
  FILE *f = fopen("/proc/sysvipc/sem", "r");
  char line[512], mine[64];
  fgets(line, sizeof line, f); fputs(line, stdout);
  sprintf(mine, "%10d %10d ", KEY, id);
  while (fgets(line, sizeof line, f))
    if (strncmp(line, mine, strlen(mine)) == 0) printf("%.16s\n", line + 21);
  fclose(f);
  semctl(id, 0, IPC_RMID);
  wait(NULL);
  stat_of("gone");
  show(op1(0, 1, 0));
  show(semctl(id, 0, IPC_RMID));
#ifdef __i386__
  id = syscall(393, IPC_PRIVATE, 2, 0600);
  show(id);
  show(syscall(394, id, 1, SETVAL, 7));
  value(syscall(394, id, 1, GETVAL, 0));
  long long t64[2] = {0, 1000};
  struct sembuf minus9 = {1, -9, 0};
  show(syscall(420, id, &minus9, 1, t64));
  unsigned char old[48];
  unsigned arg = (unsigned)(unsigned long)old;
  memset(old, 0xee, sizeof old);
  value(syscall(SYS_ipc, 3, id, 0, IPC_STAT, &arg));
  for (int i = 0; i < 48; i++) if (i != 14 && i != 15 && (i < 16 || i >= 24)) printf("%02x ", old[i]);
  printf("\n");
  show(syscall(SYS_ipc, 3, id, 0, IPC_STAT, 0));
  show(syscall(SYS_ipc, 3, id, 0, IPC_STAT, 1));
  show(syscall(394, id, 0, IPC_RMID, 0));
#endif
  return 0;
}
