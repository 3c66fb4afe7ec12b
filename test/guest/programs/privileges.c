/* Set-group-ID directories, and who loses set-user-ID and set-group-ID bits by what. Needs to be started by root. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *name) {
  struct stat st;
  if (lstat(name, &st) != 0) perror(name);
  else printf("%s %o %d %d\n", name, st.st_mode, st.st_uid, st.st_gid);
}

static void make(const char *prefix) {
  char file[20], directory[20], node[20], link[20];
  snprintf(file, sizeof file, "%s-file", prefix);
  snprintf(directory, sizeof directory, "%s-dir", prefix);
  snprintf(node, sizeof node, "%s-fifo", prefix);
  snprintf(link, sizeof link, "%s-link", prefix);
  close(open(file, O_CREAT | O_RDWR, 02775));
  mkdir(directory, 0755);
  mknod(node, S_IFIFO | 02644, 0);
  symlink("x", link);
  const char *names[] = {file, directory, node, link};
  for (int i = 0; i < 4; i++) show(names[i]);
  chmod(file, 02775);
  show(file);
  chmod(directory, 0755);
  show(directory);
}

int main(void) {
  if (getuid() != 0) return puts("not root"), 0;
  umask(022);
  chown(".", -1, 50);
  chmod(".", 02777);
  make("root");
  chmod("root-file", 06755);
  chown("root-file", 0, 0);
  show("root-file");
  chmod("root-file", 06745);
  chown("root-file", 0, 0);
  show("root-file");
  chown("root-dir", 0, 0);
  show("root-dir");
  chmod("root-file", 06777);
  int fd = open("root-file", O_RDWR);
  write(fd, "x", 1);
  show("root-file");
  fflush(stdout);
  if (fork() == 0) {
    setegid(60);
    seteuid(1000);
    write(fd, "", 0);
    show("root-file");
    write(fd, "x", 1);
    show("root-file");
    make("user");
    fflush(stdout);
    _exit(0);
  }
  wait(0);
  return 0;
}
