/* IRELATIVE: functions that a resolver chooses, called directly, by pointer, and from another initialised pointer. */
#include <stdio.h>
static int one(void) { return 1; }
static int two(void) { return 2; }
static void *choose(void) { return one() == 1 ? (void *)two : (void *)one; }
static int chosen(void) __attribute__((ifunc("choose")));
static int (*volatile pointer)(void) = chosen;
int main(void) { return printf("%d %d %d\n", chosen(), pointer(), pointer == chosen), 0; }
