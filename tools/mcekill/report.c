// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --report: the command's parent, which sees its signals.
 *
 * The code and the address of a signal that kills are known to nobody afterwards: wait(2)
 * tells its number, and no more. So the command is traced, with all of its threads, for its
 * signals alone. What it starts is not.
 */
#include "mcekill.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/victims.h"

struct bus_error {
	int code;
	uint64_t address;
	unsigned int lsb;
	bool has_pfn;
	uint64_t pfn;
};

struct report {
	struct kpage_ctx *ctx;
	const char *name;
	pid_t pid;
	int status;			/* of wait(2) */
	bool has_sigbus;
	struct bus_error latest;	/* SIGBUS of any kind */
	struct bus_error error;		/* … that was a memory error */
	uint64_t errors;
};

/* -------------------------------------------------------------- signals to pass on */

static int child_fd = -1;

/* What a terminal sends, it sends to the command as well. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (info->si_code != SI_KERNEL)
		pidfd_send_signal(child_fd, sig, NULL, 0);
	errno = saved;
}

/* Signals that are this process's own business: those of its child, of its job, of its
 * errors, and what can't be caught. */
static bool is_own(int sig)
{
	static const int own[] = {
		SIGKILL, SIGSTOP, SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGSEGV,
		SIGBUS,	 SIGFPE,  SIGILL,  SIGTRAP, SIGABRT, SIGSYS,  SIGPIPE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (own[i] == sig)
			return true;
	return false;
}

static void pass_signals_on(void)
{
	const struct sigaction action = { .sa_sigaction = pass_on,
					  .sa_flags = SA_SIGINFO | SA_RESTART };

	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		struct sigaction old;

		if (is_own(sig) || sigaction(sig, NULL, &old) || old.sa_handler == SIG_IGN)
			continue;
		sigaction(sig, &action, NULL);
	}
	/* Where it is ignored, no status of a child is left to wait for. */
	signal(SIGCHLD, SIG_DFL);
}

/* --------------------------------------------------------------------- the command */

static _noreturn_ void child_run(struct kpage_ctx *ctx, const struct options *opt, int go,
				 const sigset_t *mask)
{
	char byte;

	if (read(go, &byte, 1) != 1)
		_exit(EXIT_FAILED);
	sigprocmask(SIG_SETMASK, mask, NULL);
	_exit(launch_exec(ctx, opt));
}

static int give_up(struct report *r, int err, const char *what)
{
	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
	}
	return fail_errno(err, "--report: %s", what);
}

/* Starts it held, so that none of its signals is missed. */
static int start(struct report *r, const struct options *opt, const sigset_t *mask)
{
	int go[2], err = EXIT_OK;

	if (pipe2(go, O_CLOEXEC))
		return fail_errno(-errno, "pipe");
	fflush(NULL);
	r->pid = fork();
	if (r->pid == 0) {
		close(go[1]);
		child_run(r->ctx, opt, go[0], mask);
	}
	close(go[0]);
	if (r->pid < 0)
		err = give_up(r, -errno, "fork");
	else if (ptrace(PTRACE_SEIZE, r->pid, NULL, PTRACE_O_TRACECLONE))
		err = give_up(r, -errno, "the command can't be traced");
	else if ((child_fd = pidfd_open(r->pid, 0)) < 0)
		err = give_up(r, -errno, "pidfd_open");
	else if (write(go[1], "", 1) != 1)
		err = give_up(r, -errno, "pipe");
	close(go[1]);
	return err;
}

/* ----------------------------------------------------------------------- its stops */

/* The page that its page table says was lost there. Needs PFNs, thus rights. */
static void find_pfn(struct report *r, pid_t tid, struct bus_error *e)
{
	struct kpage_file *pagemap = NULL, *flags = NULL;
	uint64_t entry, kflags, pfn = 0;

	if (!kpage_file_open_pagemap(r->ctx, tid, &pagemap) &&
	    kpage_file_read(pagemap, e->address / kpage_page_size(), &entry, 1) == 1)
		pfn = kpage_pagemap_poison_candidate(entry);
	if (pfn && !kpage_file_open(r->ctx, KPAGE_SOURCE_FLAGS, &flags) &&
	    kpage_file_read(flags, pfn, &kflags, 1) == 1 && (kflags & KPAGE_BIT(HWPOISON))) {
		e->has_pfn = true;
		e->pfn = pfn;
	}
	kpage_file_free(flags);
	kpage_file_free(pagemap);
}

static void note_sigbus(struct report *r, pid_t tid)
{
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info))
		return;
	r->has_sigbus = true;
	r->latest = (struct bus_error){ .code = info.si_code };
	/* What a process sends has no address. */
	if (info.si_code > 0)
		r->latest.address = (uint64_t)(uintptr_t)info.si_addr;
	if (!signal_code_name(info.si_code))
		return;
	r->latest.lsb = (unsigned int)info.si_addr_lsb;
	find_pfn(r, tid, &r->latest);
	r->error = r->latest;
	r->errors++;
}

static bool is_job_stop(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* By clone(2), without being its thread. */
static bool is_another_process(const struct report *r, pid_t tid)
{
	struct kpage_task task;

	return tid != r->pid && !kpage_task_read(r->ctx, tid, &task) && task.pid != r->pid;
}

static void handle_stop(struct report *r, pid_t tid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_STOP && is_job_stop(sig)) {
		ptrace(PTRACE_LISTEN, tid, NULL, NULL);
	} else if (event == PTRACE_EVENT_STOP && is_another_process(r, tid)) {
		ptrace(PTRACE_DETACH, tid, NULL, NULL);
	} else if (event) {
		ptrace(PTRACE_CONT, tid, NULL, NULL);
	} else {
		if (sig == SIGBUS)
			note_sigbus(r, tid);
		ptrace(PTRACE_CONT, tid, NULL, (void *)(uintptr_t)sig);
	}
}

static int follow(struct report *r)
{
	for (;;) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			return fail_errno(-errno, "%s[%d]", r->name, (int)r->pid);
		if (WIFSTOPPED(status)) {
			handle_stop(r, tid, status);
		} else if (tid == r->pid) {
			r->status = status;
			return EXIT_OK;
		}
	}
}

/* ----------------------------------------------------------------------- the report */

static void describe(const struct bus_error *e, char *buf, size_t size)
{
	const char *code = signal_code_name(e->code);
	int n = snprintf(buf, size, "%s at 0x%" PRIx64 ", %" PRIu64 " bytes lost", code, e->address,
			 UINT64_C(1) << (e->lsb & 63));

	if (e->has_pfn && n > 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, ", PFN 0x%" PRIx64, e->pfn);
}

/* A bus error that was none of memory. */
static void describe_other(const struct bus_error *e, char *buf, size_t size)
{
	static const char *const names[] = {
		[BUS_ADRALN] = "BUS_ADRALN, a misaligned address",
		[BUS_ADRERR] = "BUS_ADRERR, an address with nothing behind it",
		[BUS_OBJERR] = "BUS_OBJERR, an error of the object behind it",
	};

	if (e->code <= 0)
		snprintf(buf, size, "a SIGBUS that a process sent (it can have been itself)");
	else if ((size_t)e->code < ARRAY_SIZE(names))
		snprintf(buf, size, "an ordinary bus error: %s, at 0x%" PRIx64, names[e->code],
			 e->address);
	else
		snprintf(buf, size, "a SIGBUS of the kernel with code %d", e->code);
}

static void say_death(const struct report *r, const char *errors)
{
	char what[160];

	if (r->has_sigbus && signal_code_name(r->latest.code)) {
		describe(&r->latest, what, sizeof(what));
		warn("%s[%d]: killed by a memory error: %s", r->name, (int)r->pid, what);
		return;
	}
	if (r->has_sigbus)
		describe_other(&r->latest, what, sizeof(what));
	else
		strcpy(what, "a SIGBUS that was not seen");
	warn("%s[%d]: killed by %s; %s", r->name, (int)r->pid, what, errors);
}

static const char *signal_name(int sig, char name[static 16])
{
	const char *abbreviation = sigabbrev_np(sig);

	if (abbreviation)
		snprintf(name, 16, "SIG%s", abbreviation);
	else
		snprintf(name, 16, "signal %d", sig);
	return name;
}

static void say(const struct report *r)
{
	char errors[256] = "no memory error", latest[160], name[16];

	if (r->errors) {
		describe(&r->error, latest, sizeof(latest));
		snprintf(errors, sizeof(errors), "%" PRIu64 " memory error%s, the latest: %s", r->errors,
			 r->errors == 1 ? "" : "s", latest);
	}
	if (WIFSIGNALED(r->status) && WTERMSIG(r->status) == SIGBUS)
		say_death(r, errors);
	else if (WIFSIGNALED(r->status))
		warn("%s[%d]: killed by %s; %s", r->name, (int)r->pid,
		     signal_name(WTERMSIG(r->status), name), errors);
	else
		warn("%s[%d]: exit status %d; %s", r->name, (int)r->pid, WEXITSTATUS(r->status), errors);
}

/* Ends as the command did. Its core is there; another one would take its place. */
static int end_alike(int status)
{
	const struct rlimit none = { 0 };
	sigset_t set;
	int sig;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + sig;
}

int launch_report(struct kpage_ctx *ctx, const struct options *opt)
{
	struct report r = { .ctx = ctx, .name = opt->command[0] };
	sigset_t all, mask;
	int status;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	status = start(&r, opt, &mask);
	if (!status) {
		pass_signals_on();
		sigprocmask(SIG_SETMASK, &mask, NULL);
		status = follow(&r);
	}
	if (status)
		return status;
	close(child_fd);
	say(&r);
	return end_alike(r.status);
}
