// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * special-pages: one page of a kind that usemem does not make, for the tests of the
 * lab. It prints what usemem prints: where its memory is, "ready", each SIGBUS; and
 * after SIGUSR1, which makes it read a byte of each page, what came of that. The policy
 * is early. Usage: special-pages KIND [FILE]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define HUGE_PAGE ((size_t)2 << 20)

struct memory {
	const char *file;	/* of the command line; NULL: none was given */
	volatile char *start;
	size_t size;
};

static void die(const char *what)
{
	fprintf(stderr, "special-pages: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void map(struct memory *m, size_t size, int flags, int fd)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	m->start = p;
	m->size = size;
}

static void advise(const struct memory *m, int advice, const char *name)
{
	if (madvise((void *)m->start, m->size, advice))
		die(name);
}

static void write_all(const struct memory *m)
{
	for (size_t i = 0; i < m->size; i += PAGE)
		m->start[i] = (char)(i / PAGE + 1);
}

/* Returns the sum, so that the reads are not left out. */
static int read_all(const struct memory *m)
{
	int sum = 0;

	for (size_t i = 0; i < m->size; i += PAGE)
		sum += m->start[i];
	return sum;
}

/* A reference to the first page, in a pipe: for as long as its reading end is open,
 * which is returned. */
static int pin(const struct memory *m)
{
	struct iovec iov = { (void *)m->start, PAGE };
	int fds[2];

	if (pipe(fds))
		die("pipe");
	if (vmsplice(fds[1], &iov, 1, 0) != (ssize_t)PAGE)
		die("vmsplice");
	close(fds[1]);
	return fds[0];
}

/* ------------------------------------------------------------------- anonymous */

static void make_base(struct memory *m)
{
	map(m, PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	advise(m, MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE");
}

/* The part of a mapping that begins where a huge page can. */
static void map_aligned(struct memory *m, int flags)
{
	map(m, 2 * HUGE_PAGE, flags | MAP_ANONYMOUS, -1);
	m->start += -(uintptr_t)m->start % HUGE_PAGE;
	m->size = HUGE_PAGE;
	advise(m, MADV_HUGEPAGE, "MADV_HUGEPAGE");
}

static void make_zero(struct memory *m)
{
	make_base(m);
	read_all(m);
}

static void make_huge_zero(struct memory *m)
{
	map_aligned(m, MAP_PRIVATE);
	read_all(m);
}

static void make_pinned_anon(struct memory *m)
{
	make_base(m);
	write_all(m);
	pin(m);
}

static void make_pinned_thp(struct memory *m)
{
	map_aligned(m, MAP_PRIVATE);
	write_all(m);
	pin(m);
}

static void make_fork(struct memory *m)
{
	pid_t parent = getpid();

	make_base(m);
	write_all(m);
	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

/* ------------------------------------------------------------------ swap cache */

/* Written to the swap and read again: equal to what is there. */
static void make_swapcache_clean(struct memory *m)
{
	make_base(m);
	write_all(m);
	advise(m, MADV_PAGEOUT, "MADV_PAGEOUT");
	read_all(m);
}

/* The same, and the mapping alone knows that it was written to since. */
static void make_swapcache_written(struct memory *m)
{
	make_swapcache_clean(m);
	write_all(m);
}

/* The pin keeps the kernel from writing it out, once it has its place in the swap: it is in
 * the swap cache, and nobody has it mapped. */
static void make_swapcache_unmapped(struct memory *m)
{
	int fd;

	make_base(m);
	write_all(m);
	fd = pin(m);
	advise(m, MADV_PAGEOUT, "MADV_PAGEOUT");
	close(fd);
}

static void make_swapcache_dirty(struct memory *m)
{
	make_swapcache_unmapped(m);
	read_all(m);
}

/* ------------------------------------------------------------------------ files */

static void make_thp_shm(struct memory *m)
{
	map_aligned(m, MAP_SHARED);
	write_all(m);
}

static void make_shm_read(struct memory *m)
{
	map(m, PAGE, MAP_SHARED | MAP_ANONYMOUS, -1);
	advise(m, MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE");
	read_all(m);
}

static void make_hugetlb_shared(struct memory *m)
{
	map(m, HUGE_PAGE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	write_all(m);
}

static void make_hugetlb_memfd(struct memory *m)
{
	int fd = memfd_create("special-pages", MFD_HUGETLB);

	if (fd < 0 || ftruncate(fd, (off_t)HUGE_PAGE))
		die("memfd_create");
	map(m, HUGE_PAGE, MAP_SHARED, fd);
	write_all(m);
}

/* In a file with a name, which outlives this process. */
static void make_hugetlb_file(struct memory *m)
{
	int fd = open(m->file ? m->file : "", O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)HUGE_PAGE))
		die("FILE");
	map(m, HUGE_PAGE, MAP_SHARED, fd);
	write_all(m);
}

/* ---------------------------------------------------------------- of the kernel */

/* What a network card would write received packets to. */
static void make_packet_ring(struct memory *m)
{
	const struct tpacket_req ring = {
		.tp_block_size = (unsigned int)PAGE,
		.tp_block_nr = 1,
		.tp_frame_size = (unsigned int)PAGE / 2,
		.tp_frame_nr = 2,
	};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)))
		die("AF_PACKET");
	map(m, PAGE, MAP_SHARED, fd);
	write_all(m);
}

/* ------------------------------------------------------------------- its life */

static const struct {
	const char *name;
	void (*make)(struct memory *m);
} kinds[] = {
	{ "zero", make_zero },
	{ "huge-zero", make_huge_zero },
	{ "fork", make_fork },
	{ "pinned-anon", make_pinned_anon },
	{ "pinned-thp", make_pinned_thp },
	{ "swapcache-clean", make_swapcache_clean },
	{ "swapcache-written", make_swapcache_written },
	{ "swapcache-dirty", make_swapcache_dirty },
	{ "swapcache-unmapped", make_swapcache_unmapped },
	{ "thp-shm", make_thp_shm },
	{ "shm-read", make_shm_read },
	{ "hugetlb-shared", make_hugetlb_shared },
	{ "hugetlb-memfd", make_hugetlb_memfd },
	{ "hugetlb-file", make_hugetlb_file },
	{ "packet-ring", make_packet_ring },
};

static sigjmp_buf after_fault;
static volatile sig_atomic_t reading, asked;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One write a line: the handler may come in between. */
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

/* vsnprintf() is none of the functions that a handler may call. It does here: glibc
 * takes no lock for it and allocates nothing for such a line. */
static void on_bus_error(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	say("special-pages: SIGBUS %s address 0x%lx lsb %d thread %d\n",
	    info->si_code == BUS_MCEERR_AO ? "BUS_MCEERR_AO" :
	    info->si_code == BUS_MCEERR_AR ? "BUS_MCEERR_AR" : "other",
	    (unsigned long)info->si_addr, (int)info->si_addr_lsb, (int)gettid());
	if (info->si_code != BUS_MCEERR_AO && reading)
		siglongjmp(after_fault, 1);
	if (info->si_code != BUS_MCEERR_AO)
		_exit(1);
}

static void on_request(int sig)
{
	(void)sig;
	asked = 1;
}

static void catch_signals(void)
{
	struct sigaction bus = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };
	struct sigaction request = { .sa_handler = on_request };

	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGUSR1, &request, NULL);
	if (prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0))
		die("PR_MCE_KILL");
}

/* Up to the first page that is lost. */
static void touch(const struct memory *m)
{
	bool lost = true;

	reading = 1;
	if (!sigsetjmp(after_fault, 1)) {
		read_all(m);
		lost = false;
	}
	reading = 0;
	say("special-pages: touched, %d lost\n", lost);
}

static void live(const struct memory *m)
{
	sigset_t request, none;

	sigemptyset(&none);
	sigemptyset(&request);
	sigaddset(&request, SIGUSR1);
	sigprocmask(SIG_BLOCK, &request, NULL);
	for (;;) {
		sigsuspend(&none);
		if (!asked)
			continue;
		asked = 0;
		touch(m);
	}
}

int main(int argc, char *argv[])
{
	struct memory m = { .file = argc > 2 ? argv[2] : NULL };
	const char *kind = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, kind))
			continue;
		catch_signals();
		kinds[i].make(&m);
		say("special-pages: pid %d kind %s %zu pages at 0x%lx-0x%lx\n", (int)getpid(), kind,
		    m.size / PAGE, (unsigned long)m.start, (unsigned long)m.start + m.size);
		say("special-pages: ready pid %d\n", (int)getpid());
		live(&m);
	}
	fprintf(stderr, "usage: special-pages KIND [FILE]\n");
	return 2;
}
