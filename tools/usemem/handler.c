// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The SIGBUS handler. It calls only what signal-safety(7) allows: lines are put
 * together by hand and written with write(2).
 */
#include "handler.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/util.h"
#include "report.h"

/* Pages up to 1 GB; more is not the size of a page but nonsense. */
#define LSB_MAX 30

__thread struct guard guard;

/* Set once, before the handler is installed. */
static struct {
	enum handler_mode mode;
	const struct memory *mem;
	bool json;
} config;

/* ----------------------------------------------------------------- lines */

struct line {
	char text[512];
	size_t len;
};

static void put_text(struct line *l, const char *text)
{
	/* One byte is left for the newline. */
	while (*text && l->len < sizeof(l->text) - 1)
		l->text[l->len++] = *text++;
}

static void put_number(struct line *l, uint64_t n, unsigned int base)
{
	char digits[24];
	size_t at = sizeof(digits);

	digits[--at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	put_text(l, base == 16 ? "0x" : "");
	put_text(l, digits + at);
}

static void put_value(struct line *l, const struct field *f, const char *quote)
{
	if (f->type == FIELD_NUMBER) {
		put_number(l, f->number, 10);
		return;
	}
	put_text(l, quote);
	if (f->type == FIELD_HEX)
		put_number(l, f->number, 16);
	else
		put_text(l, f->text);
	put_text(l, quote);
}

/* The texts here are names without a character that JSON escapes. */
static void put_json(struct line *l, const struct field *fields, size_t n)
{
	put_text(l, "{\"record\":\"usemem.sigbus\",\"version\":1");
	for (size_t i = 0; i < n; i++) {
		put_text(l, ",\"");
		put_text(l, fields[i].name);
		put_text(l, "\":");
		put_value(l, &fields[i], "\"");
	}
	put_text(l, "}");
}

static void put_fields(struct line *l, const struct field *fields, size_t n)
{
	put_text(l, "usemem:");
	for (size_t i = 0; i < n; i++) {
		if (!fields[i].before)
			continue;
		put_text(l, fields[i].before);
		put_value(l, &fields[i], "");
	}
}

static void write_line(const struct line *l)
{
	for (size_t done = 0; done < l->len;) {
		ssize_t n = write(STDOUT_FILENO, l->text + done, l->len - done);

		if (n < 0 && errno != EINTR)
			return;
		done += n > 0 ? (size_t)n : 0;
	}
}

/* --------------------------------------------------------------- handler */

static const char *code_name(int code)
{
	switch (code) {
	case BUS_MCEERR_AO:
		return "BUS_MCEERR_AO";
	case BUS_MCEERR_AR:
		return "BUS_MCEERR_AR";
	default:
		return NULL;
	}
}

static bool is_memory_error(const siginfo_t *info)
{
	return info->si_code == BUS_MCEERR_AO || info->si_code == BUS_MCEERR_AR;
}

static void print_signal(const siginfo_t *info)
{
	const char *name = code_name(info->si_code);
	uintptr_t address = (uintptr_t)info->si_addr;
	bool ours = memory_has(config.mem, address);
	struct line line = { .len = 0 }, code = { .len = 0 };
	const struct field fields[] = {
		{ "code", " SIGBUS ", .type = FIELD_TEXT, .text = name ?: code.text },
		{ "address", " address ", .type = FIELD_HEX, .number = address },
		{ "lsb", " lsb ", .type = FIELD_NUMBER,
		  .number = is_memory_error(info) ? (uint64_t)info->si_addr_lsb : 0 },
		{ "tid", " thread ", .type = FIELD_NUMBER, .number = (uint64_t)gettid() },
		{ "pid", NULL, .type = FIELD_NUMBER, .number = (uint64_t)getpid() },
		{ "page", " page ", .type = FIELD_NUMBER,
		  .number = ours ? (address - memory_start(config.mem)) / config.mem->page_size
				 : 0 },
	};
	size_t n = ARRAY_SIZE(fields) - (ours ? 0 : 1);
	sigset_t saved;

	put_text(&code, info->si_code < 0 ? "code -" : "code ");
	put_number(&code, (uint64_t)(info->si_code < 0 ? -(int64_t)info->si_code : info->si_code),
		   10);
	code.text[code.len] = '\0';
	if (config.json)
		put_json(&line, fields, n);
	else
		put_fields(&line, fields, n);
	line.text[line.len++] = '\n';
	report_lock(&saved);
	write_line(&line);
	report_unlock(&saved);
}

static _noreturn_ void leave(int code)
{
	if (config.mem->name)
		unlink(config.mem->name);
	switch (code) {
	case BUS_MCEERR_AO:
		_exit(EXIT_SIGBUS_AO);
	case BUS_MCEERR_AR:
		_exit(EXIT_SIGBUS_AR);
	default:
		_exit(EXIT_SIGBUS_OTHER);
	}
}

/* All that a fault took: the page, or the huge page that it is part of. */
static void set_lost(const siginfo_t *info)
{
	uintptr_t address = (uintptr_t)info->si_addr;
	uintptr_t size = config.mem->page_size;

	if (is_memory_error(info) && info->si_addr_lsb > 0 && info->si_addr_lsb <= LSB_MAX)
		size = MAX(size, (uintptr_t)1 << info->si_addr_lsb);
	guard.lost_start = address & ~(size - 1);
	guard.lost_end = guard.lost_start + size;
}

/*
 * A fault would come again and again if the handler just returned. Where the
 * thread was touching the page, it jumps out of it. Elsewhere (a forged signal, a
 * fault that was repaired) it returns, and gives up when the same comes again
 * before anything else was touched.
 */
static void on_fault(const siginfo_t *info)
{
	uintptr_t address = (uintptr_t)info->si_addr;

	if (address >= guard.start && address < guard.end) {
		set_lost(info);
		siglongjmp(guard.env, 1);
	}
	/* +1: an address of 0 counts too. */
	if (guard.last_fault == address + 1)
		leave(info->si_code);
	guard.last_fault = address + 1;
}

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)sig;
	(void)context;
	print_signal(info);
	if (config.mode == HANDLER_EXIT)
		leave(info->si_code);
	/* Codes of 0 and below come from kill(2) and its kin. */
	if (info->si_code > 0 && info->si_code != BUS_MCEERR_AO)
		on_fault(info);
	errno = saved;
}

int handler_install(enum handler_mode mode, const struct memory *m, bool json)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_RESTART };
	sigset_t sigbus;

	config.mode = mode;
	config.mem = m;
	config.json = json;
	if (sigaction(SIGBUS, &action, NULL))
		return fail_errno(-errno, "SIGBUS: sigaction");
	/* The parent may have left it blocked. */
	sigemptyset(&sigbus);
	sigaddset(&sigbus, SIGBUS);
	pthread_sigmask(SIG_UNBLOCK, &sigbus, NULL);
	return EXIT_OK;
}

/* ---------------------------------------------------------------- thread */

struct start {
	sem_t ready;
	int err;
};

static _noreturn_ void *take_signals(void *arg)
{
	struct start *start = arg;

	if (prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0))
		start->err = -errno;
	sem_post(&start->ready);
	for (;;)
		pause();
}

int handler_start_thread(void)
{
	struct start start = { .err = 0 };
	pthread_t thread;
	int err;

	if (sem_init(&start.ready, 0, 0))
		return fail_errno(-errno, "handler thread");
	err = -pthread_create(&thread, NULL, take_signals, &start);
	if (err)
		return fail_errno(err, "handler thread");
	pthread_detach(thread);
	/* Its policy holds before the memory exists. */
	while (sem_wait(&start.ready))
		;
	if (start.err)
		return fail_errno(start.err, "handler thread: policy early");
	return EXIT_OK;
}
