/* Runs programs one after the other: the output of each, then how it ended. After -t they may take 20 ms each. */
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **programs)
{
	int limited = count > 1 && strcmp(programs[1], "-t") == 0;
	for (int i = 1 + limited; i < count; i++) {
		int status = 0;
		if (fork() == 0) {
			struct itimerval limit = {.it_value.tv_usec = 20000};
			if (limited)
				setitimer(ITIMER_VIRTUAL, &limit, 0);
			execl(programs[i], programs[i], (char *)0);
			_exit(127);
		}
		wait(&status);
		printf("%s: status %d\n", programs[i], status);
		fflush(stdout);
	}
	return 0;
}
