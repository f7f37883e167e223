// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --report: the command's parent, which sees its signals.
 *
 * The code and the address of a signal that kills are known to nobody afterwards: wait(2)
 * tells its number, and no more. So the command is traced, with all of its threads, for its
 * signals alone. What it starts is not: that can be a whole system.
 */
#include "mcekill.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/lost-entry.h"
#include "common/victims.h"

struct bus_error {
	pid_t tid;
	int code;
	pid_t sender;			/* of one that a process sent */
	uint64_t address;
	unsigned int lsb;
	enum lost_entry entry;		/* of its address, where it is a memory error */
	uint64_t pfn;			/* LOST_POISON */
};

struct report {
	struct kpage_ctx *ctx;
	const char *name;
	pid_t pid;
	int started;			/* a pipe: a byte comes if it could not be started */
	int status;			/* of wait(2) */
	bool has_sigbus;
	struct bus_error latest;	/* SIGBUS of any kind */
	struct bus_error error;		/* … that was a memory error */
	uint64_t errors;		/* signals */
};

/* -------------------------------------------------------------- signals to pass on */

static int child_fd = -1;

/* What the terminal's keys and its window send, they send to the command as well; and, when
 * it is closed, to the session's first process alone. */
static bool comes_by_itself(int sig, const siginfo_t *info)
{
	if (sig == SIGPIPE)
		return info->si_pid == getpid();
	if (info->si_code != SI_KERNEL)
		return false;
	return sig == SIGINT || sig == SIGQUIT || sig == SIGWINCH ||
	       (sig == SIGHUP && getsid(0) != getpid());
}

/* Signals of this process's own errors, unless somebody sends them. */
static bool is_error(int sig)
{
	static const int errors[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i] == sig)
			return true;
	return false;
}

static void pass_on(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (is_error(sig) && (info->si_code > 0 || info->si_pid == getpid())) {
		/* It comes again, and this time to its end. */
		signal(sig, SIG_DFL);
		if (info->si_code <= 0)
			raise(sig);
	} else if (!comes_by_itself(sig, info)) {
		/* A value that came along goes along. */
		pidfd_send_signal(child_fd, sig, info->si_code == SI_QUEUE ? info : NULL, 0);
	}
	errno = saved;
}

/* What can't be caught, what its child tells it, and what stops its job. */
static bool is_own(int sig)
{
	static const int own[] = { SIGKILL, SIGSTOP, SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU };

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
}

/* --------------------------------------------------------------------- the command */

static _noreturn_ void child_run(struct kpage_ctx *ctx, const struct options *opt, int go,
				 int started, const sigset_t *mask)
{
	char byte;
	int status;

	if (read(go, &byte, 1) != 1)
		_exit(EXIT_FAILED);
	sigprocmask(SIG_SETMASK, mask, NULL);
	status = launch_exec(ctx, opt);
	if (write(started, "", 1) < 0)
		status = EXIT_FAILED;
	_exit(status);
}

static int give_up(struct report *r, int err, const char *what)
{
	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
	}
	return fail_errno(err, "--report: %s", what);
}

static int hold(struct report *r, int go)
{
	if (r->pid < 0)
		return give_up(r, -errno, "fork");
	if (ptrace(PTRACE_SEIZE, r->pid, NULL, PTRACE_O_TRACECLONE))
		return give_up(r, -errno, "the command can't be traced");
	child_fd = pidfd_open(r->pid, 0);
	if (child_fd < 0)
		return give_up(r, -errno, "pidfd_open");
	return write(go, "", 1) == 1 ? EXIT_OK : give_up(r, -errno, "pipe");
}

/* Starts it held, so that none of its signals is missed. */
static int start(struct report *r, const struct options *opt, const sigset_t *mask)
{
	int go[2], started[2], status;

	if (pipe2(go, O_CLOEXEC) || pipe2(started, O_CLOEXEC))
		return fail_errno(-errno, "pipe");
	fflush(NULL);
	r->pid = fork();
	if (r->pid == 0) {
		close(go[1]);
		child_run(r->ctx, opt, go[0], started[1], mask);
	}
	close(go[0]);
	close(started[1]);
	r->started = started[0];
	status = hold(r, go[1]);
	close(go[1]);
	return status;
}

/* ----------------------------------------------------------------------- its stops */

static void note_sigbus(struct report *r, pid_t tid)
{
	struct bus_error *e = &r->latest;
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info))
		return;
	r->has_sigbus = true;
	*e = (struct bus_error){ .tid = tid, .code = info.si_code };
	/* What a process sends has no address. */
	if (info.si_code > 0)
		e->address = (uint64_t)(uintptr_t)info.si_addr;
	else
		e->sender = info.si_pid;
	if (!signal_code_name(info.si_code))
		return;
	e->lsb = (unsigned int)info.si_addr_lsb;
	e->entry = lost_entry_look(r->ctx, tid, e->address, &e->pfn);
	r->error = *e;
	r->errors++;
}

static bool is_job_stop(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* By clone(2), without being its thread. */
static bool is_another_process(const struct report *r, pid_t tid)
{
	return tid != r->pid && syscall(SYS_tgkill, r->pid, tid, 0) && errno == ESRCH;
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
	char rest[48] = "";

	if (e->entry == LOST_POISON)
		snprintf(rest, sizeof(rest), ", PFN 0x%" PRIx64, e->pfn);
	else if (e->entry == LOST_MARKER)
		strcpy(rest, ", by UFFDIO_POISON: no page is poisoned");
	snprintf(buf, size, "%s at 0x%" PRIx64 ", %" PRIu64 " bytes lost%s", code, e->address,
		 UINT64_C(1) << (e->lsb & 63), rest);
}

/* A SIGBUS that was not told to be of memory. */
static void describe_other(const struct report *r, char *buf, size_t size)
{
	static const char *const names[] = {
		[BUS_ADRALN] = "BUS_ADRALN, a misaligned address",
		[BUS_ADRERR] = "BUS_ADRERR, behind the end of a file, or a page that could not be had",
		[BUS_OBJERR] = "BUS_OBJERR, an error of the object behind it",
	};
	const struct bus_error *e = &r->latest;

	if (e->code <= 0 && e->sender == r->pid)
		snprintf(buf, size, "a SIGBUS that it sent itself");
	else if (e->code <= 0)
		snprintf(buf, size, "a SIGBUS that process %d sent", (int)e->sender);
	else if (e->code == SI_KERNEL)
		snprintf(buf, size, "a SIGBUS for which the kernel gives no reason: a machine check that "
			 "could not be recovered from, or a fault of the stack segment (see its log)");
	else if ((size_t)e->code < ARRAY_SIZE(names))
		snprintf(buf, size, "an ordinary bus error: %s, at 0x%" PRIx64, names[e->code],
			 e->address);
	else
		snprintf(buf, size, "a SIGBUS of the kernel with code %d", e->code);
}

static void say_death(const struct report *r, const char *errors)
{
	char what[256] = "a SIGBUS that was not seen";

	if (r->has_sigbus && signal_code_name(r->latest.code)) {
		describe(&r->latest, what, sizeof(what));
		warn("%s[%d]: killed by a memory error: %s, in thread %d", r->name, (int)r->pid, what,
		     (int)r->latest.tid);
		return;
	}
	if (r->has_sigbus)
		describe_other(r, what, sizeof(what));
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
	char errors[256] = "no memory error in its own threads", latest[160], name[16];

	if (r->errors) {
		describe(&r->error, latest, sizeof(latest));
		snprintf(errors, sizeof(errors), "%" PRIu64 " signal%s of memory errors, the latest: %s",
			 r->errors, r->errors == 1 ? "" : "s", latest);
	}
	if (WIFSIGNALED(r->status) && WTERMSIG(r->status) == SIGBUS)
		say_death(r, errors);
	else if (WIFSIGNALED(r->status))
		warn("%s[%d]: killed by %s%s; %s", r->name, (int)r->pid,
		     signal_name(WTERMSIG(r->status), name),
		     WCOREDUMP(r->status) ? " (core dumped)" : "", errors);
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
	char byte;

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
	/* What could not be started has said so itself. */
	if (read(r.started, &byte, 1) == 0)
		say(&r);
	close(r.started);
	return end_alike(r.status);
}
