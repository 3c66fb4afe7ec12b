/*
 * String instructions with a repeat prefix: every one, at every size, in both directions, with random counts, places and
 * contents: overlapping, across pages, into pages that fault in the middle, with 32-bit addresses in 64-bit code, and onto
 * code. Prints a sum over all registers, flags and bytes for each of them.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE 4096
#define PAGES 5
#define BYTES (PAGES * PAGE)
#define ROUNDS 200

typedef unsigned long word;

struct regs {
	word a, c, s, d;
	unsigned char zero, carry, sign, parity, overflow;
};

#define INSTRUCTION(name, text) \
	static __attribute__((noinline)) void name(struct regs *r, word down) \
	{ \
		__asm__ volatile("test %9, %9\n\tjz 1f\n\tstd\n1:\tcmp $1, %9\n\t" text \
			"\n\tcld\n\tsetz %4\n\tsetc %5\n\tsets %6\n\tsetp %7\n\tseto %8" \
			: "+a"(r->a), "+c"(r->c), "+S"(r->s), "+D"(r->d), "=m"(r->zero), "=m"(r->carry), \
			  "=m"(r->sign), "=m"(r->parity), "=m"(r->overflow) \
			: "r"(down) : "memory", "cc"); \
	}

#define EACH(X) \
	X(movsb, "rep movsb") X(movsw, "rep movsw") X(movsl, "rep movsl") X(stosb, "rep stosb") X(stosw, "rep stosw") \
	X(stosl, "rep stosl") X(lodsb, "rep lodsb") X(lodsl, "rep lodsl") X(cmpsb, "repe cmpsb") X(cmpsw, "repne cmpsw") \
	X(cmpsl, "repe cmpsl") X(scasb, "repne scasb") X(scasbe, "repe scasb") X(scasl, "repne scasl") WIDE(X)
#ifdef __x86_64__
#define WIDE(X) \
	X(movsq, "rep movsq") X(stosq, "rep stosq") X(lodsq, "rep lodsq") X(cmpsq, "repe cmpsq") X(scasq, "repne scasq") \
	X(movsb32, "addr32 rep movsb") X(stosl32, "addr32 rep stosl") X(cmpsb32, "addr32 repe cmpsb")
#else
#define WIDE(X)
#endif
EACH(INSTRUCTION)

static const struct {
	const char *text;
	void (*run)(struct regs *, word);
} instructions[] = {
#define ROW(name, text) { text, name },
	EACH(ROW)
};

static unsigned char *area;
static uint32_t seed = 12345;
static sigjmp_buf back;
static struct regs faulted;

static uint32_t below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 4) * n >> 28);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
#ifdef __x86_64__
	faulted = (struct regs){ r[REG_RAX], r[REG_RCX], r[REG_RSI] - (word)area, r[REG_RDI] - (word)area };
#else
	faulted = (struct regs){ r[REG_EAX], r[REG_ECX], r[REG_ESI] - (word)area, r[REG_EDI] - (word)area };
#endif
	faulted.zero = number;
	faulted.carry = info->si_code;
	faulted.a += (word)info->si_addr - (word)area;
	siglongjmp(back, 1);
}

static uint64_t fold(uint64_t sum, uint64_t value)
{
	return (sum ^ value) * 0x9e3779b97f4a7c15u + (sum >> 29);
}

static uint64_t round_of(void (*run)(struct regs *, word), uint64_t sum, int round)
{
	struct regs r = { 0 };
	word down = below(4) == 0;
	/* Places near the ends of pages, counts mostly short. */
	word s = below(2) ? below(BYTES - 600) : (1 + below(PAGES - 1)) * PAGE - below(300);
	word d = below(3) ? below(BYTES - 600) : s + below(80) - 40;
	word byte = below(3) ? below(4) : below(256);
	if (d > BYTES - 600)
		d = 0;
	r.a = byte * (word)0x0101010101010101u;
	r.c = below(4) ? below(24) : below(3) ? below(512) : 0;
	r.s = (word)area + s;
	r.d = (word)area + d;
	for (int i = 0; i < 64; i++)
		area[below(BYTES)] = below(3) ? byte : below(256);
	if (round % 3 == 0)
		mprotect(area + (1 + below(PAGES - 1)) * PAGE, PAGE, below(2) ? PROT_NONE : PROT_READ);
	if (sigsetjmp(back, 1) == 0) {
		run(&r, down);
		r.s -= (word)area;
		r.d -= (word)area;
	} else {
		r = faulted;
		__asm__ volatile("cld");
	}
	if (round % 3 == 0)
		mprotect(area, BYTES, PROT_READ | PROT_WRITE);
	sum = fold(fold(fold(fold(sum, r.a), r.c), r.s), r.d);
	sum = fold(sum, r.zero | r.carry << 1 | r.sign << 2 | r.parity << 3 | r.overflow << 4);
	for (int i = 0; i < BYTES; i += sizeof(uint64_t)) {
		uint64_t eight;
		memcpy(&eight, area + i, sizeof eight);
		sum = fold(sum, eight);
	}
	return sum;
}

/* Moves a function over another one and calls it, again and again. */
static int moved_code(void)
{
	static const unsigned char one[] = { 0xb8, 1, 0, 0, 0, 0xc3 }, two[] = { 0xb8, 2, 0, 0, 0, 0xc3 };
	unsigned char *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int sum = 0;
	for (int i = 0; i < 300; i++) {
		struct regs r = { 0, sizeof one, (word)(i % 3 ? one : two), (word)code };
		movsb(&r, 0);
		sum = sum * 3 + ((int (*)(void))code)();
		sum %= 1000003;
	}
	return sum;
}

int main(void)
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef __x86_64__
	flags |= MAP_32BIT;
#endif
	area = mmap(NULL, BYTES + 2 * PAGE, PROT_NONE, flags, -1, 0);
	if (area == MAP_FAILED)
		return 1;
	area += PAGE;
	mprotect(area, BYTES, PROT_READ | PROT_WRITE);
	sigaction(SIGSEGV, &act, NULL);
	for (unsigned i = 0; i < sizeof instructions / sizeof *instructions; i++) {
		uint64_t sum = i;
		for (int round = 0; round < ROUNDS; round++)
			sum = round_of(instructions[i].run, sum, round);
		printf("%-18s %016llx\n", instructions[i].text, (unsigned long long)sum);
	}
	printf("moved code %d\n", moved_code());
	return 0;
}
