/* System V shared memory: errors, attachments, removal, statistics, /proc. Prints no identifier and no address. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SHM_EXEC
#define SHM_EXEC 0100000
#endif
static int KEY;
/* Without glibc, which looks into what it passes on. */
#ifdef __i386__
#define RAW_SHMCTL 396
#else
#define RAW_SHMCTL SYS_shmctl
#endif
#define show(call) do { errno = 0; long r_ = (long)(call); printf("%s: %s\n", #call, r_ == -1 ? strerrorname_np(errno) : "ok"); } while (0)
#define value(call) do { errno = 0; long r_ = (long)(call); printf("%s = %ld %s\n", #call, r_, r_ == -1 ? strerrorname_np(errno) : ""); } while (0)

static void stat_of(int id, const char *when) {
  struct shmid_ds ds;
  memset(&ds, 0xaa, sizeof ds);
  int r = shmctl(id, IPC_STAT, &ds);
  if (r < 0) { printf("%s: %s\n", when, strerrorname_np(errno)); return; }
  printf("%s: key %d mode %o size %lu nattch %lu uid %u gid %u cuid %u cgid %u cpid %d lpid %d at %d dt %d ct %d\n", when,
         ds.shm_perm.__key == KEY, ds.shm_perm.mode, (unsigned long)ds.shm_segsz, (unsigned long)ds.shm_nattch, ds.shm_perm.uid,
         ds.shm_perm.gid, ds.shm_perm.cuid, ds.shm_perm.cgid, ds.shm_cpid == getpid(), ds.shm_lpid == getpid(),
         ds.shm_atime != 0, ds.shm_dtime != 0, ds.shm_ctime != 0);
}

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

/* The mappings of segments: permissions, offset and name; `smaps` values of the first one. */
static void maps(const char *what) {
  FILE *f = fopen("/proc/self/maps", "r");
  char line[512];
  printf("%s:\n", what);
  while (fgets(line, sizeof line, f)) {
    unsigned long from, to, off, ino;
    char perm[8], dev[16], name[200] = "";
    sscanf(line, "%lx-%lx %7s %lx %15s %lu %[^\n]", &from, &to, perm, &off, dev, &ino, name);
    char *at = strstr(name, "SYSV");
    if (at && strtoul(at + 4, NULL, 16) == (unsigned)KEY) memcpy(at + 4, "KEYKEYKE", 8);
    if (at) printf("  %lu pages %s %lx %s %s\n", (to - from) / 4096, perm, off, dev, name);
  }
  fclose(f);
}

static void smaps(void) {
  FILE *f = fopen("/proc/self/smaps", "r");
  char line[512];
  int in = 0;
  while (fgets(line, sizeof line, f)) {
    unsigned long a, b;
    if (sscanf(line, "%lx-%lx ", &a, &b) == 2) { in = strstr(line, "SYSV") != NULL; continue; }
    if (in && (strncmp(line, "Rss", 3) == 0 || strncmp(line, "Pss:", 4) == 0 || strncmp(line, "Shared", 6) == 0 || strncmp(line, "Private", 7) == 0 || strncmp(line, "VmFlags", 7) == 0)) fputs(line, stdout);
  }
  fclose(f);
}

int main(int argc, char **argv) {
  if (argc > 1) return 3;
  KEY = 0x46000000 | getpid();
  setvbuf(stdout, NULL, _IONBF, 0);
  int page = 4096;
  /* errors of shmget */
  shmctl(shmget(KEY, 0, 0), IPC_RMID, NULL);
  show(shmget(KEY, page, 0));
  show(shmget(KEY, 0, IPC_CREAT | 0600));
  show(shmget(IPC_PRIVATE, 0, 0600));
  int id = shmget(KEY, 3 * page - 100, IPC_CREAT | 0640);
  show(id);
  show(shmget(KEY, page, IPC_CREAT | IPC_EXCL | 0600));
  show(shmget(KEY, 4 * page, 0));
  show(shmget(KEY, 3 * page - 99, 0600));
  value(shmget(KEY, 0, 0) == id);
  value(shmget(KEY, page, 0777) == id);
  stat_of(id, "fresh");
  /* errors of shmat */
  show(shmat(-1, NULL, 0));
  show(shmat(id + 1, NULL, 0));
  show(shmat(id + 32768, NULL, 0));
  show(shmat(id, (void *)1, 0));
  show(shmat(id, (void *)0x10001, 0));
  show(shmat(id, NULL, SHM_REMAP));
  show(shmat(id, (void *)100, SHM_REMAP | SHM_RND));
  show(shmat(id, (void *)main, 0));
  show(shmat(id, (void *)((unsigned long)main & ~4095ul), 0));
  show(shmat(id, (void *)(-4096l), 0));
  show(shmdt(NULL));
  show(shmdt((void *)1));
  show(shmdt(main));
  show(shmdt((void *)((unsigned long)main & ~4095ul)));
  /* attach, read, write */
  char *a = shmat(id, NULL, 0);
  char *b = shmat(id, NULL, SHM_RDONLY);
  printf("%d %d %d\n", a != (void *)-1, b != (void *)-1, a != b);
  strcpy(a + page + 5, "shared");
  printf("%s %d\n", b + page + 5, a[3 * page - 1]);
  maps("two attachments");
  smaps();
  stat_of(id, "attached twice");
  show(mprotect(b, page, PROT_READ | PROT_WRITE));
  show(mprotect(a, page, PROT_READ | PROT_WRITE | PROT_EXEC));
  stat_of(id, "split");
  maps("split");
  show(mprotect(a, page, PROT_READ | PROT_WRITE));
  maps("as before");
  show(munmap(a + page, page));
  maps("hole");
  stat_of(id, "hole");
  show(shmdt(a + page));
  show(shmdt(a));
  stat_of(id, "detached");
  maps("one attachment");
  /* at an address, remapped */
  char *room = mmap(NULL, 16 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  show(shmat(id, room, 0));
  value(shmat(id, room + page, SHM_REMAP) == room + page);
  value(shmat(id, room + 5 * page + 7, SHM_REMAP | SHM_RND | SHM_EXEC) == room + 5 * page);
  printf("%s\n", room + 2 * page + 5);
  maps("remapped");
  char *moved = mremap(room + page, 3 * page, 3 * page, MREMAP_MAYMOVE | MREMAP_FIXED, room + 10 * page);
  value(moved == room + 10 * page);
  stat_of(id, "moved");
  show(mremap(moved, 3 * page, 5 * page, MREMAP_MAYMOVE));
  munmap(room, 16 * page);
  maps("unmapped");
  stat_of(id, "unmapped");
  /* fork */
  a = shmat(id, NULL, 0);
  int pid = fork();
  if (pid == 0) {
    stat_of(id, "child");
    strcpy(a, "from the child");
    shmdt(a);
    stat_of(id, "child detached");
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  printf("%s\n", a);
  stat_of(id, "after the child");
  if (fork() == 0) { a[100] = 77; _exit(0); }
  wait(NULL);
  printf("%d\n", a[100]);
  stat_of(id, "after exit");
  /* a private copy is none: the memory is shared over execve's end */
  if (fork() == 0) { execl("/proc/self/exe", argv[0], "end", NULL); _exit(1); }
  int status; wait(&status);
  printf("exec %x\n", status);
  stat_of(id, "after exec");
  /* IPC_SET, locks, unknown commands */
  struct shmid_ds ds;
  shmctl(id, IPC_STAT, &ds);
  ds.shm_perm.mode = 07654; ds.shm_perm.uid = 77; ds.shm_perm.gid = 78;
  show(shmctl(id, IPC_SET, &ds));
  stat_of(id, "set");
  show(syscall(RAW_SHMCTL, id, IPC_SET, 1));
  show(syscall(RAW_SHMCTL, id, IPC_STAT, 1));
  show(shmctl(id, 99, &ds));
  show(shmctl(id, -1, &ds));
  show(shmctl(-1, IPC_STAT, &ds));
  show(shmctl(id + 32768, IPC_RMID, NULL));
  show(shmctl(id, SHM_LOCK, NULL));
  stat_of(id, "locked");
  show(shmctl(id, SHM_LOCK, NULL));
  show(shmctl(id, SHM_UNLOCK, NULL));
  show(shmctl(id, SHM_UNLOCK, NULL));
  ds.shm_perm.uid = -1;
  show(shmctl(id, IPC_SET, &ds));
  /* as another user */
  if (fork() == 0) {
    setgid(1234); setuid(1234);
    show(shmget(KEY, 0, 0));
    show(shmget(KEY, 0, 0400));
    show(shmget(KEY, 0, 0002));
    show(shmat(id, NULL, 0));
    show(shmat(id, NULL, SHM_RDONLY));
    show(shmat(id, NULL, SHM_RDONLY | SHM_EXEC));
    show(shmctl(id, IPC_RMID, NULL));
    show(shmctl(id, IPC_SET, &ds));
    show(shmctl(id, SHM_LOCK, NULL));
    show(shmctl(id, SHM_UNLOCK, NULL));
    stat_of(id, "other user");
    _exit(0);
  }
  wait(NULL);
  if (fork() == 0) {
    setgid(78); setuid(1234);
    show(shmat(id, NULL, 0));
    show(shmat(id, NULL, SHM_RDONLY));
    _exit(0);
  }
  wait(NULL);
  if (fork() == 0) {
    setgid(1234); setuid(77);
    show(shmat(id, NULL, SHM_EXEC));
    show(shmat(id, NULL, 0));
    show(shmctl(id, SHM_LOCK, NULL));
    show(shmctl(id, SHM_UNLOCK, NULL));
    _exit(0);
  }
  wait(NULL);
  /* information */
  struct shminfo info;
  memset(&info, 0, sizeof info);
  value(shmctl(0, IPC_INFO, (void *)&info) >= 0);
  unsigned long long shmmax = limit("shmmax", 0);
  if (sizeof(long) == 4 && shmmax > 0x7fffffff) shmmax = 0x7fffffff;
  printf("%d %lu %d %d %d\n", info.shmmax == (unsigned long)shmmax, (long)info.shmmin, info.shmmni == limit("shmmni", 0), info.shmseg == limit("shmmni", 0), info.shmall == (unsigned long)limit("shmall", 0));
  struct shm_info used;
  int most = shmctl(0, SHM_INFO, (void *)&used);
  printf("%d %d %d %lu %lu\n", most >= 0, used.used_ids >= 1, used.shm_tot >= 3, (long)used.swap_attempts, (long)used.swap_successes);
  show(syscall(RAW_SHMCTL, 0, SHM_INFO, 1));
  show(syscall(RAW_SHMCTL, 0, IPC_INFO, 1));
  value(shmctl(id & 32767, SHM_STAT, &ds) == id);
  printf("%lu\n", (long)ds.shm_segsz);
  show(shmctl(32767, SHM_STAT, &ds));
  value(shmctl(id & 32767, 15, &ds) == id);
  /* /proc/sysvipc/shm */
  FILE *f = fopen("/proc/sysvipc/shm", "r");
  char line[512], mine[64];
  fgets(line, sizeof line, f); fputs(line, stdout);
  sprintf(mine, "%10d %10d ", KEY, id);
  while (fgets(line, sizeof line, f))
    if (strncmp(line, mine, strlen(mine)) == 0) {
      long size, natt, cpid, lpid, uid, gid, cu, cg, at, dt, ct, rss, swap; int perm;
      int n = sscanf(line + strlen(mine), "%o %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld", &perm, &size, &cpid, &lpid, &natt, &uid, &gid, &cu, &cg, &at, &dt, &ct, &rss, &swap);
      printf("%d fields: %o %ld %d %ld %ld %ld %ld %ld %ld %ld\n", n, perm, size, cpid == getpid(), natt, uid, gid, cu, cg, rss, swap);
    }
  fclose(f);
  /* removal while attached */
  show(shmctl(id, IPC_RMID, NULL));
  stat_of(id, "removed");
  maps("removed");
  show(shmget(KEY, 0, 0));
  show(shmctl(id, IPC_RMID, NULL));
  char *c = shmat(id, NULL, 0);
  printf("%d %s\n", c != (void *)-1, c);
  shmdt(c);
  int again = shmget(KEY, page, IPC_CREAT | 0600);
  value(again != id && again >= 0);
  shmdt(a); shmdt(b);
  stat_of(id, "gone");
  show(shmat(id, NULL, 0));
  show(shmctl(again, IPC_RMID, NULL));
  stat_of(again, "gone at once");
  show(shmctl(again, IPC_RMID, NULL));
  /* beyond the end: SIGBUS */
  id = shmget(IPC_PRIVATE, 100, 0600);
  a = shmat(id, NULL, 0);
  shmctl(id, IPC_RMID, NULL);
  maps("private");
  a = mremap(a, page, 2 * page, MREMAP_MAYMOVE);
  value(a != MAP_FAILED);
  a[4095] = 1;
  printf("%d\n", a[4095]);
  if (fork() == 0) { a[4096] = 1; _exit(0); }
  wait(&status);
  printf("%d\n", WTERMSIG(status));
#ifdef __i386__
  /* the calls of their own numbers */
  id = syscall(395, IPC_PRIVATE, 5000, 0600);
  show(id);
  a = (char *)syscall(397, id, 0, 0);
  value(a != (char *)-1);
  memset(&ds, 0, sizeof ds);
  value(syscall(396, id, IPC_STAT, &ds));
  printf("%lu %lu\n", (long)ds.shm_segsz, (long)ds.shm_nattch);
  show(syscall(396, id, IPC_STAT | 0x100, &ds));
  show(syscall(398, a));
  show(syscall(396, id, IPC_RMID, 0));
  /* the old struct of ipc(2) */
  id = shmget(IPC_PRIVATE, 6000, 0606);
  unsigned char old[64];
  memset(old, 0xee, sizeof old);
  value(syscall(SYS_ipc, 24, id, IPC_STAT, 0, old));
  for (int i = 0; i < 64; i++) if ((i < 20 || i >= 32) && i != 14 && i != 15 && (i < 32 || i >= 34)) printf("%02x ", old[i]);
  printf("\n");
  unsigned word[5] = {1, 1, 1, 1, 1};
  value(syscall(SYS_ipc, 24, 0, IPC_INFO, 0, word) >= 0);
  printf("%d %x %d %d\n", word[0] == shmmax, word[1], word[2] == limit("shmmni", 0), word[4] == (unsigned)limit("shmall", 0));
  show(syscall(SYS_ipc, 21 | 1 << 16, id, 0, word, 0));
  show(syscall(SYS_ipc, 21, id, 0, 1, 0));
  show(syscall(SYS_ipc, 21, id, 0, word, 0));
  show(syscall(SYS_ipc, 22, 0, 0, 0, word[0]));
  show(syscall(SYS_ipc, 0));
  show(syscall(SYS_ipc, 99));
  show(shmctl(id, IPC_RMID, NULL));
#else
  id = shmget(IPC_PRIVATE, 6000, 0606);
  show(syscall(SYS_shmctl, id, IPC_RMID | 0x100, 0));
  show(syscall(SYS_shmctl, id, IPC_RMID, 0));
  show(shmget(IPC_PRIVATE, 1ul << 62, 0600));
  show(shmget(IPC_PRIVATE, -1ul, 0600));
#endif
  return 0;
}
