// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The route by /dev/mcelog, which a kernel with CONFIG_X86_MCELOG_LEGACY has: a record that
 * is written to it goes to the module mce_inject, if that is loaded, and nowhere otherwise.
 */
#include "route.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cpus.h"
#include "common/util.h"
#include "debugfs.h"
#include "volley.h"

#define DEVICE "/dev/mcelog"

/* -------------------------------------------------------------------- judgement */

/* Without recovery the kernel has other rules: what is uncorrected is no page's. */
static bool is_without_recovery(const struct machine *machine)
{
	if (vendor_is_amd(machine->rules.vendor))
		return false;
	return machine->knows_ser ? !machine->has_ser : !machine->hypervisor;
}

static void refine(const struct inject_env *env, const struct mce *m, struct mce_judgement *j)
{
	const char *because = NULL;

	if (route_is_of_a_process(j) && !volley_has_code(env, m))
		because = "action required of whatever the CPU runs then, which may be the kernel";
	if (m->value[MCE_STATUS] & MCI_UC && is_without_recovery(env->machine))
		because = "this CPU does not recover from errors, or is not known to (the module msr tells)";
	if (because && j->action != MCE_PANIC) {
		j->action = MCE_PANIC;
		j->because = because;
	}
}

static void mcelog_judge(const struct inject_env *env, const struct mce *m,
			 struct mce_judgement *out)
{
	bool exception = volley_is_exception(env, m);
	struct mce seen = *m;

	mce_set(&seen, MCE_MCGSTATUS, mce_mcgstatus(m, exception));
	if (volley_has_code(env, m))
		mce_set(&seen, MCE_CS, m->value[MCE_CS]);
	else
		route_forget_user_mode(&seen);
	route_judge(env, &seen, exception, route_is_alone(env, m, exception), out);
	if (exception)
		refine(env, m, out);
}

static bool has_record_before(const struct mce_group *group, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (group->records[j].value[MCE_CPU] == group->records[i].value[MCE_CPU])
			return true;
	return false;
}

static bool is_in_use(const struct inject_env *env, uint32_t cpu, uint64_t bank)
{
	enum bank_state state = machine_bank(env->ctx, cpu, bank);

	return state == BANK_UNKNOWN || state == BANK_ON;
}

static bool has_all_banks(const struct inject_env *env, const struct mce *m)
{
	const struct machine *machine = env->machine;

	for (size_t i = 0; i < machine->nr_cpus; i++)
		if ((m->way & MCE_CPU_BROADCAST || machine->cpus[i] == m->value[MCE_CPU]) &&
		    !is_in_use(env, machine->cpus[i], m->value[MCE_BANK]))
			return false;
	return true;
}

static const char *record_objection(const struct inject_env *env, const struct mce *m)
{
	const struct machine *machine = env->machine;
	bool all = m->way & MCE_CPU_BROADCAST;

	if (!(m->value[MCE_STATUS] & MCI_VAL))
		return "STATUS without VAL: the kernel would find nothing";
	if (!machine->nr_cpus || (!all && machine_find_cpu(machine, m->value[MCE_CPU]) == machine->nr_cpus))
		return "the machine has no such CPU, or it is offline";
	if (!has_all_banks(env, m))
		return "this CPU has no such bank, or it is off: the kernel would find nothing";
	if (m->value[MCE_CS] > UINT8_MAX)
		return "a code segment is at most 0xff here";
	if (m->way & MCE_POLL && m->way & MCE_EXCP)
		return "POLL and EXCP exclude each other";
	if (m->way & MCE_IN_PROC && m->way & MCE_IN_IRQ)
		return "IN_PROC and IN_IRQ exclude each other";
	/* The kernel's own check of it (BUG_ON) would bring it down. */
	if (all && m->way & MCE_IRQBROADCAST && mce_is_user_mode(m))
		return "IRQBROADCAST: no interrupt is in user mode, as the code segment says";
	return NULL;
}

/* Those that are raised by the last one. */
static const char *held_objection(const struct mce *m)
{
	if (m->way & (MCE_IN_PROC | MCE_IN_IRQ) || mce_has(m, MCE_CS))
		return "HOLD: it is raised in what its CPU runs then: not with IN_PROC, IN_IRQ or a code "
		       "segment";
	return NULL;
}

static bool is_polled_by_interrupt(const struct inject_env *env, const struct mce_group *group,
				   size_t i)
{
	const struct mce *m = &group->records[i];
	bool others = i + 1 < group->n || (m->way & MCE_CPU_BROADCAST && env->machine->nr_cpus > 1);

	return others && !volley_is_exception(env, m) && volley_wants_interrupt(group);
}

static const char *group_objection(const struct inject_env *env, const struct mce_group *group,
				   size_t i)
{
	const struct mce *m = &group->records[i];

	if (m->way & MCE_CPU_BROADCAST && (m->way & MCE_HOLD || group->n > 1))
		return "CPU broadcast and HOLD: a CPU holds one record at a time";
	if (has_record_before(group, i))
		return "HOLD: a CPU holds one record at a time";
	if (m->way & MCE_HOLD && i == group->n - 1)
		return "HOLD: no record comes behind it, with which it would be raised";
	if (volley_has_broadcast(env, group) && !volley_is_broadcast(env, m))
		return "HOLD: all CPUs have to come to the exception of the other record, and this one's does "
		       "not";
	if (is_polled_by_interrupt(env, group, i))
		return "IRQBROADCAST: the interrupt raises exceptions only";
	return NULL;
}

static const char *mcelog_objection(const struct inject_env *env, const struct mce_group *group,
				    size_t i)
{
	const struct mce *m = &group->records[i];
	const char *reason = record_objection(env, m);

	if (!reason && m->way & MCE_HOLD)
		reason = held_objection(m);
	return reason ? reason : group_objection(env, group, i);
}

static void mcelog_say_dropped(const struct inject_env *env, const struct mce *m)
{
	uint32_t fields = FIELD_BIT(MCGSTATUS);

	if (volley_has_code(env, m))
		fields |= FIELD_BIT(CS) | FIELD_BIT(RIP);
	route_say_left_out(m, fields, ~(uint32_t)MCE_RIP_INEXACT,
			   "the kernel takes none of these from a record, they are left out");
	route_say_mcgstatus(m, volley_is_exception(env, m));
}

/* -------------------------------------------------------------------------- show */

static void show_write(const struct mcelog_record *r)
{
	printf("would write to " DEVICE ": CPU %" PRIu32 " BANK %u STATUS 0x%" PRIx64
	       " MCGSTATUS 0x%" PRIx64 " ADDR 0x%" PRIx64 " MISC 0x%" PRIx64
	       " RIP 0x%x:0x%" PRIx64 " inject_flags 0x%x\n", r->extcpu, r->bank, r->status,
	       r->mcgstatus, r->addr, r->misc, r->cs, r->ip, r->inject_flags);
}

static void mcelog_show(const struct inject_env *env, const struct mce_group *group)
{
	struct volley v;

	volley_make(env, group, &v);
	for (size_t i = 0; i < v.n; i++)
		if (v.armed[i] && i != v.raiser)
			show_write(&v.records[i]);
	show_write(&v.records[v.raiser]);
	volley_release(&v);
}

/* ------------------------------------------------------------------------- inject */

static int mcelog_open(const struct inject_env *env, void **state)
{
	int *fd = xcalloc(1, sizeof(*fd));

	*state = fd;
	*fd = kpage_ctx_open(env->ctx, DEVICE, O_WRONLY);
	if (*fd >= 0)
		return EXIT_OK;
	if (*fd == -ENOENT || *fd == -ENXIO || *fd == -ENODEV)
		return fail(EXIT_CANNOT, DEVICE ": not there: this kernel is built without it "
			    "(CONFIG_X86_MCELOG_LEGACY)");
	if (*fd == -EBUSY)
		return fail(EXIT_FAILED, DEVICE ": another process has opened it for itself alone");
	return fail_errno(*fd, DEVICE);
}

static void mcelog_close(void *state)
{
	int *fd = state;

	if (fd && *fd >= 0)
		close(*fd);
	free(fd);
}

/* Loaded, or part of the kernel. */
static int mcelog_ready(const struct inject_env *env)
{
	static const char module[] = "/sys/module/mce_inject";
	struct debugfs_path files = debugfs_path(env, "mce-inject");
	_cleanup_close_ int by_module = kpage_ctx_open(env->ctx, module, O_PATH | O_DIRECTORY);
	_cleanup_close_ int by_files = kpage_ctx_open(env->ctx, files.text, O_PATH | O_DIRECTORY);

	if (by_module >= 0 || by_files >= 0)
		return EXIT_OK;
	return fail(EXIT_CANNOT, "the module mce_inject is not loaded (try --load): " DEVICE " takes the "
		    "record, and nobody would inject it");
}

static int write_record(int fd, const struct mcelog_record *r)
{
	/* A kernel whose record is shorter takes as much of it. */
	ssize_t n = write(fd, r, sizeof(*r));

	if (n < 0)
		return -errno;
	return n ? 0 : -ENODATA;
}

/* Lays down the records of the other CPUs, and writes the one that raises them all. */
static int fire(int fd, const struct volley *v, bool live)
{
	int err = 0;

	for (size_t i = 0; !err && i < v->n; i++)
		if (v->armed[i] && i != v->raiser)
			err = write_record(fd, &v->records[i]);
	if (!err && live)
		err = cpu_stay(v->records[v->raiser].extcpu);
	return err ? err : write_record(fd, &v->records[v->raiser]);
}

/*
 * What a CPU has not come to raise must not be found in place of its registers later. Before
 * anything is laid down this also says whether it can be taken away again.
 */
static int disarm(int fd, const struct volley *v, bool live)
{
	int err = 0;

	for (size_t i = 0; live && !err && i < v->n; i++) {
		const struct mcelog_record none = {
			.extcpu = v->records[i].extcpu, .inject_flags = MCJ_CTX_PROCESS,
		};

		if (!v->armed[i] && i != v->raiser)
			continue;
		err = cpu_stay(none.extcpu);
		if (!err)
			err = write_record(fd, &none);
	}
	return err;
}

static _noreturn_ void work(int (*act)(int fd, const struct volley *v, bool live), int fd,
			    const struct volley *v, bool live)
{
	sigset_t all;

	/* Nothing is to stop it half-way; a SIGBUS of the kernel's comes nevertheless. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_DUMPABLE, 0);
	_exit(-act(fd, v, live));
}

/*
 * In a process of its own: it stays on a CPU, and the kernel may take it for the one that has
 * met the error. 0 or a negative errno; *killed: a SIGBUS has.
 */
static int apart(int (*act)(int fd, const struct volley *v, bool live), int fd,
		 const struct volley *v, bool live, bool *killed)
{
	int status;
	pid_t pid;

	signal(SIGCHLD, SIG_DFL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		work(act, fd, v, live);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
	if (WIFEXITED(status))
		return -WEXITSTATUS(status);
	return *killed ? 0 : -ECHILD;
}

static int fail_write(int err, const char *name)
{
	if (err == -EPERM)
		return fail(EXIT_NOPERM, DEVICE ": %s (CAP_SYS_ADMIN)", strerror(EPERM));
	if (err == -EINVAL)
		return fail(EXIT_CANNOT, "%s: a CPU has gone offline, or is not one that this process may run "
			    "on", name);
	if (err == -ECHILD)
		return fail(EXIT_FAILED, "%s: the process that injects was killed", name);
	if (err == -EIO)
		return fail(EXIT_CANNOT, DEVICE ": this CPU has no machine checks");
	return fail_errno(err, "%s: " DEVICE, name);
}

static int mcelog_inject(const struct inject_env *env, void *state, const struct mce_group *group,
			 const char *name)
{
	bool live = kpage_ctx_is_live(env->ctx), killed = false, ignored;
	const int *fd = state;
	struct volley v;
	int err, after = 0;

	volley_make(env, group, &v);
	err = apart(disarm, *fd, &v, live, &ignored);
	if (!err) {
		err = apart(fire, *fd, &v, live, &killed);
		after = apart(disarm, *fd, &v, live, &ignored);
	}
	volley_release(&v);
	if (killed)
		warn("%s: the kernel has killed the process that injects, by SIGBUS: it counts as the one "
		     "that has met the error", name);
	err = err ? err : after;
	return err ? fail_write(err, name) : EXIT_OK;
}

const struct route mcelog_route = {
	.name = "mcelog",
	.by_module = true,
	.at_process = true,
	.judge = mcelog_judge,
	.objection = mcelog_objection,
	.say_dropped = mcelog_say_dropped,
	.show = mcelog_show,
	.open = mcelog_open,
	.ready = mcelog_ready,
	.close = mcelog_close,
	.inject = mcelog_inject,
};
