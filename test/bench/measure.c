/*
 * measure FILE COMMAND [ARG…]: runs the command and writes to FILE, in one line, its status (128+n: killed by signal n),
 * user and system time in µs, wall time in µs and peak RSS in KiB. Times are those of wait4(2): all threads, and all
 * children that were waited for. The peak RSS is that of the largest process; exec(2) carries the caller's peak over
 * (setmax_mm_hiwater_rss in exec_mmap), hence this small static program and not a fork of node.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long micros(struct timeval t)
{
	return t.tv_sec * 1000000LL + t.tv_usec;
}

int main(int argc, char **argv)
{
	struct timespec from, to;
	struct rusage usage;
	int status;
	FILE *out;
	if (argc < 3)
		return 125;
	clock_gettime(CLOCK_MONOTONIC, &from);
	pid_t child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) < 0)
		return 125;
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (!(out = fopen(argv[1], "w")))
		return 125;
	status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	fprintf(out, "%d %lld %lld %lld %ld\n", status, micros(usage.ru_utime), micros(usage.ru_stime),
		(to.tv_sec - from.tv_sec) * 1000000LL + (to.tv_nsec - from.tv_nsec) / 1000, usage.ru_maxrss);
	return fclose(out) ? 125 : status;
}
