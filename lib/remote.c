// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A system call, or a load, in another task. Between the calls of this interface the
 * task stands in the kernel's get_signal(), before any signal is taken: registers that
 * are put back there are what the kernel restarts an interrupted system call from, and
 * what it delivers signals on.
 */
#include "remote.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ptrace.h>

/* A task that does not stop in this time is given up if it sleeps uninterruptibly … */
#define ATTACH_MS 1000
/* … and in any case after that time: it may have to wait long for a processor. */
#define ATTACH_MAX_MS 10000
/* What the task runs is interrupted then: it waits for something. */
#define RUN_MS 10000

/* si_code of a SIGSYS by syscall user dispatch, which glibc does not know. */
#define CODE_USER_DISPATCH 2

/* The kernel's include/linux/sched.h. */
#define PF_EXITING     UINT64_C(0x00000004)
#define PF_IO_WORKER   UINT64_C(0x00000010)
#define PF_USER_WORKER UINT64_C(0x00004000)
#define PF_KTHREAD     UINT64_C(0x00200000)

static uint64_t signal_bit(int signo)
{
	return UINT64_C(1) << (signo - 1);
}

static bool is_memory_error(const siginfo_t *info)
{
	return info->si_signo == SIGBUS &&
	       (info->si_code == BUS_MCEERR_AO || info->si_code == BUS_MCEERR_AR);
}

static bool is_forced_memory_error(const siginfo_t *info)
{
	return info->si_signo == SIGBUS && info->si_code == BUS_MCEERR_AR;
}

/* ---------------------------------------------------------------------- signals */

/*
 * Everything is blocked but what the kernel forces on a task: a signal that is forced
 * while it is blocked loses its handler. Where the task itself blocks SIGBUS, this is
 * what a memory error does to it, and should.
 */
static uint64_t mask_while_held(const struct kpage_remote *r)
{
	static const int sync[] = REMOTE_SYNC_SIGNALS;
	uint64_t mask = UINT64_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(sync); i++)
		mask &= ~signal_bit(sync[i]);
	return mask | (r->mask & signal_bit(SIGBUS));
}

/* The kernel has unblocked a signal that it forced. */
static void note_forced(struct kpage_remote *r, const siginfo_t *info)
{
	if (is_forced_memory_error(info))
		r->mask &= ~signal_bit(SIGBUS);
}

/* One of a number, as the kernel does; but a memory error that can't be ignored stays. */
static void keep(struct kpage_remote *r, const siginfo_t *info)
{
	size_t i = 0;

	note_forced(r, info);
	while (i < r->nr_kept && r->kept[i].si_signo != info->si_signo)
		i++;
	if (i == r->nr_kept && i < ARRAY_SIZE(r->kept))
		r->nr_kept++;
	else if (i == r->nr_kept || is_forced_memory_error(&r->kept[i]))
		return;
	r->kept[i] = *info;
}

/* A memory error among the signals that wait in the kernel, without taking it. */
static int peek_memory_error(struct kpage_remote *r, siginfo_t *out)
{
	struct __ptrace_peeksiginfo_args args = { .nr = 1 };
	int n;

	for (;; args.off++) {
		siginfo_t info;

		n = tracee_ptrace(&r->task, PTRACE_PEEKSIGINFO, (uintptr_t)&args, &info);
		if (n <= 0)
			return n;
		if (is_memory_error(&info)) {
			*out = info;
			return 1;
		}
	}
}

/* ------------------------------------------------------------------------ running */

/* Waits; a task that takes too long is asked to stop, once, and then waited for. */
static int wait_stop(struct kpage_remote *r, bool *interrupted, struct stop *out)
{
	int err;

	for (;;) {
		err = tracee_wait(&r->task, RUN_MS, out);
		if (err != -ETIMEDOUT)
			return err;
		if (*interrupted)
			continue;
		*interrupted = true;
		err = tracee_interrupt(&r->task);
		if (err)
			return err;
	}
}

/*
 * Lets the task run, with a signal (0: none), until a stop of that kind. -ETIMEDOUT: it
 * does not get there; it is back in get_signal(). -EACCES: system calls from this place
 * are not for the kernel.
 */
static int run_until(struct kpage_remote *r, int request, int signo, enum stop_kind wanted,
		     struct stop *stop)
{
	bool interrupted = false;
	int err;

	for (;;) {
		err = tracee_resume(&r->task, request, signo);
		if (!err)
			err = wait_stop(r, &interrupted, stop);
		if (err)
			return err;
		signo = 0;
		if (stop->kind == STOP_SIGNAL && stop->info.si_signo == SIGSTOP)
			/* It stops the others. This one stops when it is let go. */
			signo = SIGSTOP;
		else if (stop->kind == wanted)
			return 0;
		else if (stop->kind == STOP_TRAP && interrupted)
			return -ETIMEDOUT;
		else if (stop->kind == STOP_SIGNAL && stop->info.si_signo == SIGSYS &&
			 stop->info.si_code == CODE_USER_DISPATCH)
			return -EACCES;
		else if (stop->kind == STOP_SIGNAL)
			keep(r, &stop->info);
	}
}

/* Runs a system call up to the stop at its exit. */
static int run_to_exit(struct kpage_remote *r, long nr, const uint64_t args[6], long *result)
{
	struct remote_regs regs = r->regs;
	struct stop stop;
	int err;

	remote_regs_call(&regs, r->code.syscall, nr, args);
	err = tracee_regs_set(&r->task, &regs);
	if (!err)
		err = run_until(r, PTRACE_SYSCALL, 0, STOP_SYSCALL, &stop);
	if (!err)
		err = run_until(r, PTRACE_SYSCALL, 0, STOP_SYSCALL, &stop);
	if (!err)
		err = tracee_regs_get(&r->task, &regs);
	if (!err)
		*result = remote_regs_result(&regs);
	return err;
}

/* From the exit of a system call on into get_signal(). */
static int go_home(struct kpage_remote *r)
{
	struct stop stop;
	int err;

	err = tracee_interrupt(&r->task);
	return err ? err : run_until(r, PTRACE_CONT, 0, STOP_TRAP, &stop);
}

/*
 * Puts a signal that was kept back among those that wait in the kernel. A tracer can
 * send the task any signal at the exit of a system call, can replace what a task is
 * about to take, and the kernel queues it again, with all it says, if it is blocked.
 */
static int give_back(struct kpage_remote *r, siginfo_t *info)
{
	static const uint64_t none[6];
	int err, signo = info->si_signo;
	struct stop stop;
	long ignored;

	err = tracee_mask_set(&r->task, ~signal_bit(signo));
	if (!err)
		err = run_to_exit(r, SYS_getpid, none, &ignored);
	/* A signal of a fault comes first even if it is blocked: it is queued again. */
	do {
		if (!err)
			err = run_until(r, PTRACE_CONT, signo, STOP_SIGNAL, &stop);
		if (!err)
			signo = stop.info.si_signo;
	} while (!err && signo != info->si_signo);
	if (!err)
		err = tracee_ptrace(&r->task, PTRACE_SETSIGINFO, 0, info);
	if (!err)
		err = tracee_mask_set(&r->task, UINT64_MAX);
	if (!err)
		err = tracee_interrupt(&r->task);
	if (!err)
		err = run_until(r, PTRACE_CONT, info->si_signo, STOP_TRAP, &stop);
	return err;
}

static struct resent *find_resent(const struct kpage_ctx *ctx, pid_t tid, int code)
{
	for (size_t i = 0; i < ctx->nr_resent; i++)
		if (ctx->resent[i].tid == tid && ctx->resent[i].code == code)
			return &ctx->resent[i];
	return NULL;
}

static int count_resent(struct kpage_ctx *ctx, pid_t tid, int code)
{
	struct resent *r = find_resent(ctx, tid, code);

	if (!r) {
		r = reallocarray(ctx->resent, ctx->nr_resent + 1, sizeof(*r));
		if (!r)
			return -ENOMEM;
		ctx->resent = r;
		r += ctx->nr_resent++;
		*r = (struct resent){ .tid = tid, .code = code };
	}
	r->times++;
	return 0;
}

KPAGE_EXPORT uint64_t kpage_remote_resent(const struct kpage_ctx *ctx, pid_t tid, int code)
{
	const struct resent *r = find_resent(ctx, tid, code);

	return r ? r->times : 0;
}

/* ------------------------------------------------------------------------- attach */

int remote_status(struct kpage_ctx *ctx, pid_t tid, const char *key, int base, uint64_t *out)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0, len = strlen(key);
	int err;

	err = ctx_fopenf(ctx, &f, "/proc/%d/status", (int)tid);
	if (err)
		return task_errno(err);
	while (getline(&line, &size, f) > 0)
		if (!strncmp(line, key, len) && line[len] == ':') {
			*out = strtoull(line + len + 1, NULL, base);
			return 0;
		}
	/* One that has ended since it was opened can't be read. */
	return ferror(f) ? -ESRCH : -ENOENT;
}

/* Threads of the kernel that have a process's memory: they never run in user mode. */
static bool is_worker(struct kpage_ctx *ctx, pid_t tid, uint64_t flags)
{
	const uint64_t all = ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
	uint64_t blocked = 0;

	if (flags & (PF_KTHREAD | PF_IO_WORKER))
		return true;
	/* Before 6.4 the bit meant something else. */
	return flags & PF_USER_WORKER && !remote_status(ctx, tid, "SigBlk", 16, &blocked) &&
	       (blocked & all) == all;
}

/* Whether the task is one that can be held. */
static int check_task(struct kpage_ctx *ctx, pid_t tid)
{
	struct kpage_task task;
	uint64_t tracer = 0, flags;
	int err;

	err = kpage_task_read(ctx, tid, &task);
	if (!err)
		err = task_flags(ctx, tid, &flags);
	if (err)
		return err;
	if (task.state == 'Z' || task.state == 'X' || flags & PF_EXITING)
		return -ESRCH;
	if (!task.has_memory || is_worker(ctx, tid, flags))
		return -EOPNOTSUPP;
	err = remote_status(ctx, tid, "TracerPid", 10, &tracer);
	return !err && tracer ? -EBUSY : err;
}

/* A task that ended or that somebody traces is refused like one that may not be traced. */
static int why_refused(struct kpage_ctx *ctx, pid_t tid)
{
	int err = check_task(ctx, tid);

	return err ? err : -EPERM;
}

/* A task that does not stop: whether it never will. */
static bool is_hopeless(struct kpage_remote *r, unsigned int waited_ms)
{
	struct kpage_task task;

	if (waited_ms >= ATTACH_MAX_MS)
		return true;
	return waited_ms >= ATTACH_MS && !kpage_task_read(r->ctx, r->task.tid, &task) &&
	       task.state == 'D';
}

/* A signal that comes first is taken: there is nothing yet that it could disturb. */
static int wait_attached(struct kpage_remote *r)
{
	const unsigned int step = 100;
	struct stop stop;
	int err = 0;

	for (unsigned int waited = 0; !err;) {
		err = tracee_wait(&r->task, step, &stop);
		if (!err && stop.kind == STOP_TRAP)
			return 0;
		if (!err)
			err = tracee_resume(&r->task, PTRACE_CONT, stop.info.si_signo);
		else if (err == -ETIMEDOUT && !is_hopeless(r, waited += step))
			err = 0;
	}
	return err;
}

/* A filter of the task would judge our system calls, and could kill for them. */
static int suspend_seccomp(struct kpage_remote *r)
{
	const uintptr_t options = PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP;
	uint64_t mode = 0;
	int err;

	err = remote_status(r->ctx, r->task.tid, "Seccomp", 10, &mode);
	if (err == -ENOENT || (!err && !mode))
		return 0;
	if (!err)
		err = tracee_ptrace(&r->task, PTRACE_SETOPTIONS, 0, (void *)options);
	return err == -EPERM || err == -EINVAL ? -EACCES : err;
}

static int learn(struct kpage_remote *r)
{
	int err;

	err = tracee_regs_get(&r->task, &r->regs);
	if (!err)
		err = suspend_seccomp(r);
	if (err)
		return err;
	r->mem = ctx_openf(r->ctx, O_RDONLY, "/proc/%d/mem", (int)r->task.tid);
	/* Another user's takes a right to read any file, besides the one to trace. */
	if (r->mem < 0)
		return r->mem == -EACCES ? -EPERM : task_errno(r->mem);
	err = remote_code_find(r->ctx, r->task.tid, r->mem, &r->code);
	if (!err)
		err = remote_leave_rseq(&r->task, r->mem, &r->regs);
	if (!err)
		err = tracee_mask_get(&r->task, &r->mask);
	if (err)
		return err;
	remote_regs_restart(&r->regs);
	return tracee_mask_set(&r->task, mask_while_held(r));
}

static int attach(void *arg)
{
	struct kpage_remote *r = arg;
	int err;

	err = tracee_seize(&r->task);
	/* A security module's word for it. */
	if (err == -EACCES)
		err = -EPERM;
	if (!err)
		err = wait_attached(r);
	if (!err)
		err = learn(r);
	return err;
}

static void free_remote(struct kpage_remote *r)
{
	tracer_stop(&r->tracer);
	if (r->mem >= 0)
		close(r->mem);
	free(r);
}

KPAGE_EXPORT int kpage_remote_attach(struct kpage_ctx *ctx, pid_t tid, struct kpage_remote **out)
{
	struct kpage_remote *r;
	int err;

	if (!REMOTE_SUPPORTED || !ctx->live)
		return -ENOSYS;
	err = check_task(ctx, tid);
	if (err)
		return err;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->ctx = ctx;
	r->mem = -1;
	r->task.tid = tid;
	err = tracer_start(&r->tracer);
	if (err) {
		free(r);
		return err;
	}
	err = tracer_call(&r->tracer, attach, r);
	if (err) {
		/* Detached with the end of the thread, its registers untouched. */
		free_remote(r);
		return err == -EPERM ? why_refused(ctx, tid) : err;
	}
	*out = r;
	return 0;
}

/* ------------------------------------------------------------------------- calls */

struct syscall_request {
	struct kpage_remote *r;
	long nr;
	const uint64_t *args;
	long result;
};

static int do_syscall(void *arg)
{
	struct syscall_request *q = arg;
	int err;

	err = run_to_exit(q->r, q->nr, q->args, &q->result);
	return err ? err : go_home(q->r);
}

KPAGE_EXPORT int kpage_remote_syscall(struct kpage_remote *r, long nr, const uint64_t args[6],
				      long *result)
{
	struct syscall_request q = { .r = r, .nr = nr, .args = args };
	int err;

	if (r->task.gone)
		return -ESRCH;
	err = tracer_call(&r->tracer, do_syscall, &q);
	if (!err)
		*result = q.result;
	return err;
}

struct load_request {
	struct kpage_remote *r;
	uint64_t address;
	siginfo_t *info;
};

/* The kernel forces the signal of a step, and of a fault: one that is ignored gets its
 * default action back, and we could not tell the kernel to ignore it again. */
static int check_ignored(struct kpage_remote *r)
{
	uint64_t ignored = 0;
	int err;

	err = remote_status(r->ctx, r->task.tid, "SigIgn", 16, &ignored);
	if (err)
		return err;
	return ignored & (signal_bit(SIGTRAP) | signal_bit(SIGSEGV)) ? -EOPNOTSUPP : 0;
}

static bool is_step(const siginfo_t *info)
{
	return info->si_signo == SIGTRAP && info->si_code == TRAP_TRACE;
}

/* By the kernel, for this access. A memory error may be an older one: "action optional" is
 * never for an access, and the other kind says what part of memory it is about. */
static bool is_fault(const siginfo_t *info, uint64_t address)
{
	const uint64_t other = (uint64_t)(uintptr_t)info->si_addr ^ address;

	if (is_forced_memory_error(info))
		return info->si_addr_lsb < 1 || info->si_addr_lsb > 63 ||
		       !(other >> info->si_addr_lsb);
	return (info->si_signo == SIGSEGV || info->si_signo == SIGBUS) && info->si_code > 0 &&
	       !is_memory_error(info);
}

static int do_load(void *arg)
{
	struct load_request *q = arg;
	struct kpage_remote *r = q->r;
	struct remote_regs regs = r->regs;
	struct stop stop;
	bool met;
	int err;

	err = check_ignored(r);
	if (err)
		return err;
	remote_regs_load(&regs, r->code.load, r->code.load_bytes, q->address);
	err = tracee_regs_set(&r->task, &regs);
	while (!err) {
		err = run_until(r, PTRACE_SINGLESTEP, 0, STOP_SIGNAL, &stop);
		if (err || is_step(&stop.info))
			return err;
		met = is_fault(&stop.info, q->address);
		if (!met || is_memory_error(&stop.info))
			keep(r, &stop.info);
		if (met) {
			*q->info = stop.info;
			return 1;
		}
	}
	return err;
}

static void tell(const siginfo_t *info, struct kpage_siginfo *out)
{
	*out = (struct kpage_siginfo){
		.signo = info->si_signo,
		.code = info->si_code,
		.address = (uint64_t)(uintptr_t)info->si_addr,
		.lsb = info->si_signo == SIGBUS ? (unsigned int)info->si_addr_lsb : 0,
	};
}

KPAGE_EXPORT int kpage_remote_load(struct kpage_remote *r, uint64_t address,
				   struct kpage_siginfo *info)
{
	siginfo_t met;
	struct load_request q = { r, address, &met };
	int err;

	if (r->task.gone)
		return -ESRCH;
	err = r->code.load ? tracer_call(&r->tracer, do_load, &q) : -EOPNOTSUPP;
	if (err > 0 && info)
		tell(&met, info);
	return err;
}

/* ------------------------------------------------------------------------ the end */

struct siginfo_request {
	struct kpage_remote *r;
	siginfo_t *out;
};

static int find_memory_error(void *arg)
{
	struct siginfo_request *q = arg;
	int n;

	for (size_t i = 0; i < q->r->nr_kept; i++)
		if (is_memory_error(&q->r->kept[i])) {
			*q->out = q->r->kept[i];
			return 1;
		}
	n = peek_memory_error(q->r, q->out);
	if (n > 0)
		note_forced(q->r, q->out);
	return n;
}

KPAGE_EXPORT int kpage_remote_siginfo(struct kpage_remote *r, struct kpage_siginfo *out)
{
	siginfo_t found;
	struct siginfo_request q = { r, &found };
	int n = r->task.gone ? -ESRCH : tracer_call(&r->tracer, find_memory_error, &q);

	if (n > 0)
		tell(&found, out);
	return n;
}

KPAGE_EXPORT bool kpage_remote_blocks(const struct kpage_remote *r, int signo)
{
	return r->mask & signal_bit(signo);
}

/* Whether signals wait that the task takes as soon as its own mask is back. */
static bool has_signals(struct kpage_remote *r)
{
	uint64_t own = 0, shared = 0;

	return !remote_status(r->ctx, r->task.tid, "SigPnd", 16, &own) &&
	       !remote_status(r->ctx, r->task.tid, "ShdPnd", 16, &shared) &&
	       (own | shared) & ~r->mask;
}

/*
 * A handler that runs at a call that was rewound does not end it: the kernel takes it for
 * one that was not made yet. So the task enters it again before it gets its mask back, and
 * its signals interrupt it there. *signo: one that it took on the way; SIGSTOP alone can't
 * be blocked.
 */
static int enter_call(struct kpage_remote *r, int *signo)
{
	uint8_t code[REMOTE_CODE_SIZE];
	bool interrupted = false;
	struct stop stop;
	int err;

	if (pread(r->mem, code, sizeof(code), (off_t)remote_regs_ip(&r->regs)) != sizeof(code) ||
	    !remote_code_is_syscall(code) || !has_signals(r))
		return 0;
	err = tracee_mask_set(&r->task, UINT64_MAX);
	if (!err)
		err = tracee_resume(&r->task, PTRACE_SYSCALL, 0);
	if (!err)
		err = wait_stop(r, &interrupted, &stop);
	if (!err && stop.kind == STOP_SIGNAL)
		*signo = stop.info.si_signo;
	return err;
}

static int detach(void *arg)
{
	struct kpage_remote *r = arg;
	int err, lost = 0, signo = 0;
	siginfo_t info;

	for (size_t i = 0; i < r->nr_kept && !r->task.gone; i++) {
		err = give_back(r, &r->kept[i]);
		if (!err && is_memory_error(&r->kept[i]))
			err = count_resent(r->ctx, r->task.tid, r->kept[i].si_code);
		lost = lost ? lost : err;
	}
	r->nr_kept = 0;
	find_memory_error(&(struct siginfo_request){ r, &info });
	err = tracee_regs_set(&r->task, &r->regs);
	if (!err && REMOTE_REWINDS)
		err = enter_call(r, &signo);
	if (!err)
		err = tracee_mask_set(&r->task, r->mask);
	if (!err)
		err = tracee_resume(&r->task, PTRACE_DETACH, signo);
	return err ? err : lost;
}

KPAGE_EXPORT int kpage_remote_detach(struct kpage_remote *r)
{
	int err;

	if (!r)
		return 0;
	err = r->task.gone ? -ESRCH : tracer_call(&r->tracer, detach, r);
	free_remote(r);
	return err;
}
