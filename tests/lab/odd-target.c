// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * odd-target: a process that usemem is not, for the tests of the lab: it knows what an
 * injection must not change, or is in a state of its own. Its memory lies at the same
 * place each time. Like usemem it prints where that is, "ready", and each SIGBUS.
 * Usage: odd-target KIND [ARGUMENT]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define PAGES ((size_t)64)
#define PLACE UINT64_C(0x100000000000)
/* Where a child of "share" has the same memory. */
#define CHILD_PLACE(n) (PLACE + (uint64_t)(n) * UINT64_C(0x10000000000))

static char *memory;
static volatile sig_atomic_t over;

static void die(const char *what)
{
	fprintf(stderr, "odd-target: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* In one write(2), also from a handler. */
static void say(const char *format, ...)
{
	char line[256];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(1);
}

static void on_sigbus(int signo, siginfo_t *info, void *context)
{
	const char *code = info->si_code == BUS_MCEERR_AO ? "BUS_MCEERR_AO" :
			   info->si_code == BUS_MCEERR_AR ? "BUS_MCEERR_AR" : "of another kind";

	(void)signo;
	(void)context;
	say("odd-target: SIGBUS %s address %p lsb %d thread %d\n", code, info->si_addr,
	    info->si_addr_lsb, (int)gettid());
}

static void on_end(int signo)
{
	(void)signo;
	over = 1;
}

static void handle_signals(void)
{
	struct sigaction bus = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction end = { .sa_handler = on_end };

	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGTERM, &end, NULL);
}

static void make_memory(int flags)
{
	memory = mmap((void *)PLACE, PAGES * PAGE, PROT_READ | PROT_WRITE,
		      flags | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	for (size_t i = 0; i < PAGES; i++)
		memory[i * PAGE] = (char)i;
}

static void say_where(void)
{
	say("odd-target: pid %d at 0x%llx-0x%llx\n", (int)getpid(),
	    (unsigned long long)(uintptr_t)memory,
	    (unsigned long long)(uintptr_t)(memory + PAGES * PAGE));
}

static void say_ready(void)
{
	say("odd-target: ready pid %d\n", (int)getpid());
}

static void wait_for_end(void)
{
	while (!over)
		pause();
}

/* ----------------------------------------------------------------- the registers */

/* Memory of its own, that nobody injects into. */
static unsigned char other[1 << 16];

#if defined(__x86_64__)
/* rax, rbx, rcx, rdx, rsi, rdi, rbp, r8 to r15; then the carry flag. */
static uint64_t __attribute__((used)) general[15], general_after[16];
static unsigned char __attribute__((used)) vectors[16][16], vectors_after[16][16];
static uint64_t __attribute__((used)) rounds_left;

/* Loads all registers, spins, stores them: whoever stops the process stops it here. */
void spin(void);
#define ALL_GENERAL(m)                                                                        \
	m(rax, 0) m(rbx, 1) m(rcx, 2) m(rdx, 3) m(rsi, 4) m(rdi, 5) m(rbp, 6) m(r8, 7)          \
	m(r9, 8) m(r10, 9) m(r11, 10) m(r12, 11) m(r13, 12) m(r14, 13) m(r15, 14)
#define ALL_VECTORS(m)                                                                        \
	m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15)
#define LOAD(r, n) "mov general+8*" #n "(%rip), %" #r "\n"
#define STORE(r, n) "mov %" #r ", general_after+8*" #n "(%rip)\n"
#define LOAD_VECTOR(n) "movdqu vectors+16*" #n "(%rip), %xmm" #n "\n"
#define STORE_VECTOR(n) "movdqu %xmm" #n ", vectors_after+16*" #n "(%rip)\n"
__asm__(".text\n"
	".type spin, @function\n"
	"spin:\n"
	"push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
	ALL_VECTORS(LOAD_VECTOR)
	ALL_GENERAL(LOAD)
	"stc\n"
	"1: decq rounds_left(%rip)\n"	/* leaves the carry flag alone */
	"jnz 1b\n"
	ALL_GENERAL(STORE)
	"mov $0, %eax\n"
	"adc $0, %eax\n"
	"mov %rax, general_after+8*15(%rip)\n"
	ALL_VECTORS(STORE_VECTOR)
	"pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
	"ret\n"
	".size spin, . - spin\n");

static void fill_registers(void)
{
	for (size_t i = 0; i < 15; i++)
		general[i] = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	for (size_t i = 0; i < sizeof(vectors); i++)
		(&vectors[0][0])[i] = (unsigned char)(i * 7 + 1);
}

static bool registers_hold(void)
{
	rounds_left = 2000000;
	spin();
	return !memcmp(general, general_after, sizeof(general)) && general_after[15] == 1 &&
	       !memcmp(vectors, vectors_after, sizeof(vectors));
}
#else
static uint64_t compute(void)
{
	uint64_t x = 88172645463325252;
	double f = 1;

	for (int i = 0; i < 1000000; i++) {
		f = f * 0.5 + (double)(x >> 40);
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x ^ (uint64_t)f;
}

static void fill_registers(void)
{
}

/* The same twice. */
static bool registers_hold(void)
{
	return compute() == compute();
}
#endif

static void run_registers(const char *arg)
{
	unsigned long rounds = 0;

	(void)arg;
	fill_registers();
	for (size_t i = 0; i < sizeof(other); i++)
		other[i] = (unsigned char)(i * 31);
	say_ready();
	for (; !over; rounds++) {
		if (!registers_hold()) {
			say("odd-target: the registers have changed\n");
			exit(9);
		}
		for (size_t i = 0; i < sizeof(other); i++)
			if (other[i] != (unsigned char)(i * 31)) {
				say("odd-target: byte %zu has changed\n", i);
				exit(9);
			}
	}
	say("odd-target: nothing has changed in %lu rounds\n", rounds);
}

/* ------------------------------------------------------------------ system calls */

static int seconds;

static int make_timer(void)
{
	const struct itimerspec time = { .it_value.tv_sec = seconds };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	if (fd < 0 || timerfd_settime(fd, 0, &time, NULL))
		die("timerfd");
	return fd;
}

static long sleep_nanosleep(int timer)
{
	(void)timer;
	return nanosleep(&(struct timespec){ .tv_sec = seconds }, NULL);
}

static long sleep_read(int timer)
{
	uint64_t n;

	return read(timer, &n, sizeof(n));
}

static long sleep_futex(int timer)
{
	static int word;

	(void)timer;
	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &(struct timespec){ .tv_sec = seconds },
		       NULL, 0);
}

static long sleep_poll(int timer)
{
	(void)timer;
	return poll(NULL, 0, seconds * 1000);
}

/* Its own timeout begins anew with each stop: the kernel keeps no rest of it. */
static long sleep_epoll(int timer)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(0);

	epoll_ctl(fd, EPOLL_CTL_ADD, timer, &event);
	return epoll_wait(fd, &event, 1, -1);
}

static const struct {
	const char *name;
	long (*call)(int timer);
} sleeps[] = {
	{ "nanosleep", sleep_nanosleep }, { "read", sleep_read },   { "futex", sleep_futex },
	{ "poll", sleep_poll },		  { "epoll", sleep_epoll },
};

/* arg: CALL:SECONDS */
static void run_sleep(const char *arg)
{
	size_t i = 0, len = strcspn(arg, ":");
	struct timespec from, to;
	long result;
	int timer;

	while (strlen(sleeps[i].name) != len || strncmp(sleeps[i].name, arg, len))
		if (++i == sizeof(sleeps) / sizeof(sleeps[0]))
			exit(2);
	seconds = atoi(arg + len + 1);
	say_ready();
	clock_gettime(CLOCK_MONOTONIC, &from);
	timer = make_timer();
	errno = 0;
	result = sleeps[i].call(timer);
	say("odd-target: %s returned %ld, errno %d,", sleeps[i].name, result, errno);
	clock_gettime(CLOCK_MONOTONIC, &to);
	say(" after %ld ms\n", (long)(to.tv_sec - from.tv_sec) * 1000 +
				       (to.tv_nsec - from.tv_nsec) / 1000000);
}

/* ----------------------------------------------------------------------- threads */

static void *tick(void *arg)
{
	volatile unsigned long *count = arg;

	for (;;) {
		++*count;
		usleep(1000);
	}
	return NULL;
}

/* Two that run, while the first sleeps. */
static void run_threads(const char *arg)
{
	/* Not on the stack: they count on until the process is gone. */
	static volatile unsigned long counts[2];
	pthread_t thread;

	(void)arg;
	for (size_t i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, tick, (void *)&counts[i]))
			die("pthread_create");
	say_ready();
	wait_for_end();
	say("odd-target: counted to %lu and %lu\n", counts[0], counts[1]);
}

static void *sleep_on(void *arg)
{
	(void)arg;
	say_ready();
	for (;;)
		pause();
	return NULL;
}

/* The first thread is gone, the process is not. */
static void run_leaderless(const char *arg)
{
	pthread_t thread;

	(void)arg;
	if (pthread_create(&thread, NULL, sleep_on, NULL))
		die("pthread_create");
	pthread_exit(NULL);
}

/* Neither madvise(2) nor prctl(2), on pain of death. */
static void run_seccomp(const char *arg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	(void)arg;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		die("seccomp");
	say_ready();
	wait_for_end();
	say("odd-target: alive\n");
	/* Now it is on its own. */
	prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
	say("odd-target: not killed by the filter\n");
}

/* ----------------------------------------------------------------- several processes */

static void set_policy(int policy)
{
	if (prctl(PR_MCE_KILL, PR_MCE_KILL_SET, policy, 0, 0))
		die("prctl");
}

/* The pages of a shared mapping are not there after fork(2), until they are touched. */
static void read_all(void)
{
	for (size_t i = 0; i < PAGES; i++)
		(void)*(volatile char *)&memory[i * PAGE];
}

/* With the same pages, elsewhere. */
static void be_child(unsigned int n, int policy, bool touches, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		exit(1);
	memory = mremap(memory, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			(void *)CHILD_PLACE(n));
	if (memory == MAP_FAILED)
		die("mremap");
	set_policy(policy);
	signal(SIGBUS, SIG_DFL);
	if (touches)
		read_all();
	say_where();
	say_ready();
	wait_for_end();
	exit(0);
}

/* Three with the same pages: the parent handles early, a child dies early, one waits.
 * arg: "untouched", or nothing */
static void run_share(const char *arg)
{
	bool touches = strcmp(arg, "untouched") != 0;
	pid_t parent = getpid();

	set_policy(PR_MCE_KILL_EARLY);
	if (fork() == 0)
		be_child(1, PR_MCE_KILL_EARLY, touches, parent);
	if (fork() == 0)
		be_child(2, PR_MCE_KILL_LATE, touches, parent);
	say_ready();
	wait_for_end();
}

/* ---------------------------------------------------------------- pages that are marked */

#ifndef UFFDIO_POISON
/* Since 6.6. */
struct uffdio_poison {
	struct uffdio_range range;
	uint64_t mode;
	int64_t updated;
};
#define UFFDIO_POISON _IOWR(UFFDIO, 0x08, struct uffdio_poison)
#define UFFD_FEATURE_POISON (1 << 14)
#endif

/* Has userfaultfd(2) mark the page, which is not there then. */
static void mark_page(char *page)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_POISON };
	const struct uffdio_range range = { .start = (uintptr_t)page, .len = PAGE };
	struct uffdio_register reg = { .range = range, .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_poison poison = { .range = range };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api)) {
		say("odd-target: this kernel has no UFFDIO_POISON\n");
		exit(4);
	}
	if (madvise(page, PAGE, MADV_DONTNEED) || ioctl(fd, UFFDIO_REGISTER, &reg) ||
	    ioctl(fd, UFFDIO_POISON, &poison))
		die("UFFDIO_POISON");
}

static sigjmp_buf out;
static volatile sig_atomic_t touch;

static void jump_out(int signo, siginfo_t *info, void *context)
{
	on_sigbus(signo, info, context);
	siglongjmp(out, 1);
}

static void on_usr1(int signo)
{
	(void)signo;
	touch = 1;
}

/* From SIGUSR1 on it can't be stopped, for a child has its memory. Once there is a file of
 * that name, the child puts other pages in the place of all that are there, and ends. */
static void run_vfork(const char *arg)
{
	signal(SIGUSR1, on_usr1);
	say_ready();
	while (!over) {
		if (touch && !vfork()) {
			while (access(arg, F_OK))
				usleep(20000);
			madvise(memory, PAGES * PAGE, MADV_DONTNEED);
			memset(memory, 1, PAGES * PAGE);
			_exit(0);
		}
		touch = 0;
		usleep(1000);
	}
}

/* Waits for the child that it has; false: this is it, or there shall be none. */
static bool is_parent(const char *arg)
{
	pid_t pid = strcmp(arg, "child") ? 0 : fork();
	int status;

	if (pid <= 0)
		return false;
	waitpid(pid, &status, 0);
	say("odd-target: child %d ended with status 0x%x\n", (int)pid, (unsigned int)status);
	return true;
}

/* Touches its page 3 at each SIGUSR1. arg: "dies"; "child": a child does it, and dies; or
 * "handler". */
static void run_touch(const char *arg)
{
	const struct sigaction handler = { .sa_sigaction = jump_out, .sa_flags = SA_SIGINFO };

	if (!strcmp(arg, "handler"))
		sigaction(SIGBUS, &handler, NULL);
	else
		signal(SIGBUS, SIG_DFL);
	signal(SIGUSR1, on_usr1);
	say_ready();
	while (!over) {
		if (touch && !is_parent(arg) && !sigsetjmp(out, 1))
			(void)*(volatile char *)(memory + 3 * PAGE + 8);
		touch = 0;
		usleep(20000);
	}
}

static void run_uffd_poison(const char *arg)
{
	mark_page(memory + 3 * PAGE);
	run_touch(arg);
}

/* --------------------------------------------------------------------------- main */

static const struct {
	const char *name;
	void (*run)(const char *arg);
	int map;
} kinds[] = {
	{ "registers", run_registers, MAP_PRIVATE }, { "sleep", run_sleep, MAP_PRIVATE },
	{ "threads", run_threads, MAP_PRIVATE },     { "leaderless", run_leaderless, MAP_PRIVATE },
	{ "seccomp", run_seccomp, MAP_PRIVATE },     { "share", run_share, MAP_SHARED },
	{ "fork", run_share, MAP_PRIVATE },	     { "touch", run_touch, MAP_PRIVATE },
	{ "uffd-poison", run_uffd_poison, MAP_PRIVATE }, { "vfork", run_vfork, MAP_PRIVATE },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[1], kinds[i].name))
			continue;
		make_memory(kinds[i].map);
		handle_signals();
		say_where();
		kinds[i].run(argc > 2 ? argv[2] : "");
		return 0;
	}
	fprintf(stderr, "usage: odd-target KIND [ARGUMENT]\n");
	return 2;
}
