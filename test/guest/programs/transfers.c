/* Results of splice, sendfile, copy_file_range, sealed memfds, mmap of special files, process_vm_*, and what /proc/self/io counts. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEAL_EXEC 0x20
#define NOEXEC_SEAL 8

static void show(const char *text, long result) {
  printf("%s = %ld %s\n", text, result, result == -1 ? strerrorname_np(errno) : "");
}
#define CALL(call) (errno = 0, show(#call, (long)(call)))
#define MAP(prot, flags, fd) (errno = 0, show("mmap " #prot " " #flags " " #fd, mmap(0, 4096, prot, flags, fd, 0) == MAP_FAILED ? -1 : 0))

static void splices(void) {
  int pair[2], tube[2], fd = open("big", O_CREAT | O_RDWR, 0644), null = open("/dev/null", O_RDWR);
  int zero = open("/dev/zero", O_RDWR), dir = open(".", O_RDONLY), event = eventfd(1, 0);
  int append = open("small", O_CREAT | O_WRONLY | O_APPEND, 0644), maps = open("/proc/self/maps", O_RDONLY);
  int uptime = open("/proc/uptime", O_RDONLY), plain = socket(AF_INET, SOCK_STREAM, 0), dgram = socket(AF_UNIX, SOCK_DGRAM, 0);
  off_t at = 0;
  loff_t wide = 0, negative = -1;
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  pipe(tube);
  ftruncate(fd, 100000);
  CALL(splice(fd, 0, pair[0], 0, 100, 0));
  CALL(splice(pair[0], 0, pair[1], 0, 100, 0));
  CALL(splice(fd, 0, tube[1], 0, 100, 0));
  CALL(splice(tube[0], 0, pair[0], 0, 100, 0));
  CALL(sendfile(pair[0], fd, 0, 100));
  CALL(sendfile(pair[0], fd, &at, 100));
  CALL(sendfile(fd, pair[1], 0, 100));
  CALL(sendfile(fd, pair[1], &at, 100));
  CALL(splice(pair[1], 0, tube[1], 0, 50, 0));
  CALL(splice(pair[1], &wide, tube[1], 0, 50, 0));
  CALL(splice(fd, &wide, tube[1], &wide, 50, 0));
  CALL(splice(fd, 0, fd, 0, 50, 0));
  CALL(splice(tube[0], 0, tube[1], 0, 5, 0));
  CALL(splice(tube[0], 0, fd, 0, 10, 0x100));
  CALL(splice(fd, &negative, tube[1], 0, 50, 0));
  CALL(splice(tube[0], 0, fd, &negative, 50, 0));
  CALL(splice(plain, 0, tube[1], 0, 50, 0));
  CALL(sendfile(plain, fd, 0, 10));
  CALL(sendfile(dgram, fd, 0, 10));
  CALL(sendfile(tube[1], fd, 0, 10));
  CALL(sendfile(tube[1], tube[0], 0, 10));
  CALL(sendfile(null, fd, 0, 10));
  CALL(sendfile(null, fd, 0, -1));
  CALL(sendfile(fd, null, 0, 10));
  CALL(sendfile(null, zero, 0, 10));
  CALL(sendfile(null, dir, 0, 10));
  CALL(sendfile(null, maps, 0, 10));
  CALL(splice(dir, 0, tube[1], 0, 10, 0));
  CALL(splice(zero, 0, tube[1], 0, 10, 0));
  CALL(splice(null, 0, tube[1], 0, 10, 0));
  CALL(splice(maps, 0, tube[1], 0, 10, 0));
  CALL(splice(uptime, 0, tube[1], 0, 4, 0));
  CALL(splice(tube[0], 0, append, 0, 1, 0));
  CALL(sendfile(append, fd, 0, 10));
  CALL(sendfile(fd, append, 0, 10));
  CALL(splice(event, 0, tube[1], 0, 8, 0));
  CALL(splice(tube[0], 0, event, 0, 8, 0));
  lseek(fd, 0, SEEK_SET);
  CALL(sendfile(event, fd, 0, 8));
  CALL(sendfile(null, event, 0, 8));
  CALL(copy_file_range(fd, 0, pair[0], 0, 10, 0));
  CALL(copy_file_range(maps, 0, fd, 0, 10, 0));
}

static int sealable(unsigned flags) {
  int fd = memfd_create("sealed", flags);
  ftruncate(fd, 8192);
  return fd;
}

static void seals(void) {
  int fd = sealable(MFD_ALLOW_SEALING);
  struct stat st;
  CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  MAP(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
  MAP(PROT_WRITE, MAP_SHARED, fd);
  MAP(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
  void *map = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
  CALL(mprotect(map, 4096, PROT_READ | PROT_WRITE));
  CALL(pwrite(fd, "x", 1, 0));
  CALL(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
  CALL(fallocate(fd, 0, 0, 100000));
  CALL(ftruncate(fd, 4096));
  fd = sealable(MFD_ALLOW_SEALING);
  map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
  MAP(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
  map = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
  CALL(mprotect(map, 4096, PROT_WRITE));
  CALL(write(fd, "x", 1));
  CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
  CALL(ftruncate(fd, 50));
  CALL(ftruncate(fd, 50000));
  CALL(fallocate(fd, 0, 0, 10000));
  CALL(fcntl(fd, F_GET_SEALS));
  CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
  CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
  CALL(fcntl(fd, F_ADD_SEALS, 0x1000));
  fd = sealable(MFD_ALLOW_SEALING);
  map = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
  CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  munmap(map, 4096);
  CALL(fcntl(fd, F_ADD_SEALS, SEAL_EXEC));
  CALL(fcntl(fd, F_GET_SEALS));
  fd = sealable(NOEXEC_SEAL);
  CALL(fcntl(fd, F_GET_SEALS));
  fstat(fd, &st);
  printf("%o\n", st.st_mode);
  CALL(fchmod(fd, 0777));
  CALL(fchmod(fd, 0600));
  fd = sealable(0);
  CALL(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
}

static void maps(void) {
  const char *names[] = {"/proc/self/maps", "/proc/self/mem", "/proc/self/io", "/proc/meminfo", "/proc", "/dev/null",
                         "/dev/urandom", "/proc/sys/kernel/ostype", "/sys/devices/system/cpu/online"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    int fd = open(names[i], O_RDONLY);
    puts(names[i]);
    MAP(PROT_READ, MAP_PRIVATE, fd);
    MAP(PROT_READ, MAP_SHARED, fd);
    MAP(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    close(fd);
  }
}

static char letters[5] = "abcd", two[9], three[3];

static void others(void) {
  pid_t child = fork();
  if (child == 0) {
    letters[0] = 'X';
    raise(SIGSTOP);
    _exit(0);
  }
  waitpid(child, 0, WUNTRACED);
  struct iovec local[2] = {{two, 2}, {three, 2}}, remote[2] = {{letters, 1}, {letters + 1, 10}};
  CALL(process_vm_readv(child, local, 2, remote, 2, 0));
  printf("%.2s %.2s\n", two, three);
  struct iovec hi = {"hi", 2};
  CALL(process_vm_writev(child, &hi, 1, remote, 2, 0));
  remote[0].iov_base = (void *)16;
  CALL(process_vm_writev(child, &hi, 1, remote, 1, 0));
  remote[0].iov_base = (void *)others;
  CALL(process_vm_writev(child, &hi, 1, remote, 1, 0));
  remote[0].iov_base = letters;
  CALL(process_vm_readv(child, local, 1, remote, 1, 0));
  printf("%c %s\n", two[0], letters);
  CALL(process_vm_readv(child, local, 1, remote, 1, 1));
  CALL(process_vm_readv(0x3fffffff, local, 1, remote, 1, 0));
  kill(child, SIGKILL);
  wait(0);
}

/* The counters of reads and writes since fork, execve's included; those of disk blocks depend on the disk. */
static void counters(void) {
  int fd = open("/proc/self/io", O_RDONLY);
  char text[512];
  for (int i = 0; i < 2; i++) {
    ssize_t count = pread(fd, text, sizeof text - 1, 0);
    text[count < 0 ? 0 : count] = 0;
    char *end = strstr(text, "read_bytes");
    if (end != 0) *end = 0;
    write(1, text, strlen(text));
    read(-1, text, 1);
    write(fd, text, 1);
  }
  close(fd);
}

int main(int argc, char **argv) {
  if (argc == 2) return counters(), 0;
  setvbuf(stdout, 0, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  if (fork() == 0) execl("/proc/self/exe", argv[0], "counters", (char *)0);
  wait(0);
  splices();
  seals();
  maps();
  others();
  return 0;
}
