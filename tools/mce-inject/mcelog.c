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
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cpus.h"
#include "common/util.h"
#include "debugfs.h"
#include "volley.h"

#define DEVICE "/dev/mcelog"

/* -------------------------------------------------------------------- judgement */

static bool is_of_a_process(const struct mce_judgement *j)
{
	return j->action == MCE_FAILURE &&
	       (j->class == MCE_CLASS_SRAR || j->class == MCE_CLASS_UNCORRECTED);
}

static void mcelog_judge(const struct inject_env *env, const struct mce *m,
			 struct mce_judgement *out)
{
	bool exception = volley_is_exception(env, m), own = volley_is_own(env, m);
	struct mce seen = *m;

	mce_set(&seen, MCE_MCGSTATUS, mce_mcgstatus(m, exception));
	if (own)
		mce_set(&seen, MCE_CS, m->value[MCE_CS]);
	mce_judge_as(&seen, &env->machine->rules, exception, out);
	if (out->action == MCE_PANIC)
		return;
	if (route_is_alone(env, m, exception)) {
		out->action = MCE_PANIC;
		out->because = ALONE;
	} else if (!own && is_of_a_process(out)) {
		out->action = MCE_PANIC;
		out->because = "action required of whatever the CPU runs then, which may be the kernel";
	}
}

static bool is_in_user_mode(const struct mce *m)
{
	return mce_has(m, MCE_CS) && (m->value[MCE_CS] & 3) == 3;
}

static bool has_record_before(const struct mce_group *group, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (group->records[j].value[MCE_CPU] == group->records[i].value[MCE_CPU])
			return true;
	return false;
}

static const char *mcelog_objection(const struct inject_env *env, const struct mce_group *group,
				    size_t i)
{
	const struct mce *m = &group->records[i];
	bool held = m->way & MCE_HOLD;

	if (!(m->value[MCE_STATUS] & MCI_VAL))
		return "STATUS without VAL: the kernel would find nothing";
	if (m->way & MCE_CPU_BROADCAST && (held || group->n > 1))
		return "CPU broadcast and HOLD: a CPU holds one record at a time";
	if (!(m->way & MCE_CPU_BROADCAST) &&
	    machine_find_cpu(env->machine, m->value[MCE_CPU]) == env->machine->nr_cpus)
		return "the machine has no such CPU, or it is offline";
	if (has_record_before(group, i))
		return "HOLD: a CPU holds one record at a time";
	if (held && i == group->n - 1)
		return "HOLD: no record comes behind it, with which it would be raised";
	if (held && (m->way & (MCE_IN_PROC | MCE_IN_IRQ) || mce_has(m, MCE_CS)))
		return "HOLD: it is raised in what its CPU runs then: not with IN_PROC, IN_IRQ or a code "
		       "segment";
	/* The kernel's own check of it (BUG_ON) would bring it down. */
	if (m->way & MCE_CPU_BROADCAST && m->way & MCE_IRQBROADCAST && is_in_user_mode(m))
		return "IRQBROADCAST: no interrupt is in user mode, as the code segment says";
	return NULL;
}

static void mcelog_say_dropped(const struct inject_env *env, const struct mce *m)
{
	bool exception = volley_is_exception(env, m);
	uint32_t fields = FIELD(MCGSTATUS), ways = ~(uint32_t)MCE_RIP_INEXACT;

	if (volley_is_own(env, m))
		fields |= FIELD(CS) | FIELD(RIP);
	route_say_left_out(m, fields, ways, "the kernel takes none of these from a record, they are left "
			   "out");
	if (!mce_has(m, MCE_MCGSTATUS) && exception)
		warn("no MCGSTATUS is given: 0x%" PRIx64 " is taken", mce_mcgstatus(m, true));
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

	for (size_t i = 0; i < group->n; i++)
		if (mcelog_objection(env, group, i))
			return;
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
		return fail(EXIT_FAILED, DEVICE ": somebody has it for himself");
	return fail_errno(*fd, DEVICE);
}

static void mcelog_close(void *state)
{
	int *fd = state;

	if (fd && *fd >= 0)
		close(*fd);
	free(fd);
}

static bool has_module(const struct inject_env *env)
{
	static const char module[] = "/sys/module/mce_inject";
	struct debugfs_path files = debugfs_path(env, "mce-inject");
	_cleanup_close_ int by_module = kpage_ctx_open(env->ctx, module, O_PATH | O_DIRECTORY);
	_cleanup_close_ int by_files = kpage_ctx_open(env->ctx, files.text, O_PATH | O_DIRECTORY);

	return by_module >= 0 || by_files >= 0;
}

static int write_record(int fd, const struct mcelog_record *r)
{
	ssize_t n = write(fd, r, sizeof(*r));

	if (n < 0)
		return -errno;
	return n == sizeof(*r) ? 0 : -EIO;
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

/* What a CPU has not come to raise must not be found in place of its registers later. */
static int disarm(int fd, const struct volley *v, bool live)
{
	for (size_t i = 0; live && i < v->n; i++) {
		const struct mcelog_record none = {
			.extcpu = v->records[i].extcpu, .inject_flags = MCJ_CTX_PROCESS,
		};

		if (v->armed[i] && !cpu_stay(none.extcpu))
			write_record(fd, &none);
	}
	return 0;
}

static _noreturn_ void work(int (*act)(int fd, const struct volley *v, bool live), int fd,
			    const struct volley *v, bool live)
{
	const struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
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
	pid_t pid = fork();

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
	return *killed ? 0 : -EINTR;
}

static int fail_write(int err, const char *name)
{
	if (err == -EPERM)
		return fail(EXIT_NOPERM, DEVICE ": %s (CAP_SYS_ADMIN)", strerror(EPERM));
	if (err == -EINVAL)
		return fail(EXIT_CANNOT, "%s: a CPU has gone offline, or is not ours", name);
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
	int err, after;

	if (!has_module(env))
		return fail(EXIT_CANNOT, "the module mce_inject is not loaded (try --load): " DEVICE
			    " takes the record, and nobody would inject it");
	volley_make(env, group, &v);
	err = apart(fire, *fd, &v, live, &killed);
	after = apart(disarm, *fd, &v, live, &ignored);
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
	.judge = mcelog_judge,
	.objection = mcelog_objection,
	.say_dropped = mcelog_say_dropped,
	.show = mcelog_show,
	.open = mcelog_open,
	.close = mcelog_close,
	.inject = mcelog_inject,
};
