// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The route by the virtual machine that this runs in, whose monitor takes a CPU, a bank,
 * STATUS, MCGSTATUS, ADDR and MISC. Whatever is uncorrected comes as an exception; for the
 * rest the kernel is made to look at its banks.
 */
#include "route.h"

#include <errno.h>
#include <stdio.h>

#include "common/util.h"
#include "common/vm-monitor.h"

static bool is_exception(const struct mce *m)
{
	return m->value[MCE_STATUS] & MCI_UC;
}

/* An error that was met by a process is one only while the CPU runs it. */
static bool is_of_a_process(const struct inject_env *env, const struct mce *m)
{
	struct mce_judgement j;

	mce_judge(m, &env->machine->rules, &j);
	return route_is_of_a_process(&j) && (!mce_has(m, MCE_CS) || mce_is_user_mode(m));
}

/* What the virtual machine is to do for a record. */
static struct vm_check check_of(const struct inject_env *env, const struct mce *m)
{
	const struct options *opt = env->opt;
	bool exception = is_exception(m);

	return (struct vm_check){
		.cpu = m->value[MCE_CPU],
		.bank = m->value[MCE_BANK],
		.status = m->value[MCE_STATUS],
		.mcgstatus = mce_mcgstatus(m, exception),
		.addr = m->value[MCE_ADDR],
		.misc = m->value[MCE_MISC],
		.broadcast = route_is_broadcast(env, m, exception),
		.user_mode = is_of_a_process(env, m),
		.any_cpu = opt->ready && !opt->has_cpu,
		.has_vaddr = opt->has_vaddr,
		.vaddr = opt->vaddr,
	};
}

static void virtual_judge(const struct inject_env *env, const struct mce *m,
			  struct mce_judgement *out)
{
	bool exception = is_exception(m);
	struct mce seen = *m;

	mce_set(&seen, MCE_MCGSTATUS, mce_mcgstatus(m, exception));
	if (!is_of_a_process(env, m))
		route_forget_user_mode(&seen);
	route_judge(env, &seen, exception, route_is_alone(env, m, exception), out);
}

/* The monitor does nothing for a CPU that is not there, and says nothing. */
static const char *virtual_objection(const struct inject_env *env, const struct mce_group *group,
				     size_t i)
{
	const struct mce *m = &group->records[i];

	if (m->way & MCE_HOLD)
		return "HOLD: the machine does it at once";
	if (!(m->value[MCE_STATUS] & MCI_VAL))
		return "STATUS without VAL: the machine takes none";
	return route_place_objection(env, m);
}

static void virtual_say_dropped(const struct inject_env *env, const struct mce *m)
{
	struct mce_judgement j;
	uint32_t fields = FIELD_BIT(MCGSTATUS) | FIELD_BIT(CS);

	/* It says in which code the machine is to be. */
	mce_judge(m, &env->machine->rules, &j);
	if (route_is_of_a_process(&j) && mce_has(m, MCE_CS))
		fields |= FIELD_BIT(RIP);
	route_say_left_out(m, fields, MCE_NOBROADCAST | MCE_CPU_BROADCAST,
			   "the machine's monitor takes none of these, they are left out");
	route_say_mcgstatus(m, is_exception(m));
}

static int virtual_open(const struct inject_env *env, void **state)
{
	struct vm_monitor *vm = NULL;
	int err = vm_monitor_open(env->ctx, &vm);

	*state = vm;
	if (!err)
		return EXIT_OK;
	if (err == -ENODEV)
		return fail(EXIT_CANNOT, "--via machine: this is no virtual machine of hwpoison-lab, which "
			    "has a device for it (try: hwpoison-lab run -- mce-inject ...)");
	if (err == -EBUSY)
		return fail(EXIT_FAILED, "--via machine: somebody else is using the machine's monitor");
	return fail_errno(err, "%s", kpage_ctx_error_path(env->ctx));
}

static void virtual_close(void *state)
{
	vm_monitor_free(state);
}

static int virtual_inject(const struct inject_env *env, void *state, const struct mce_group *group,
			  const char *name)
{
	struct vm_check check = check_of(env, group->records);
	int err = vm_monitor_raise(state, &check);

	if (!err)
		return EXIT_OK;
	if (err == -EREMOTEIO)
		return fail(EXIT_CANNOT, "%s: the machine: %s", name, vm_monitor_words(state));
	return fail_errno(err, "%s: the machine's monitor", name);
}

static void virtual_show(const struct inject_env *env, const struct mce_group *group)
{
	struct vm_check check = check_of(env, group->records);
	char text[VM_CHECK_TEXT];

	vm_check_text(&check, text);
	printf("would have the machine do: %s\n", text);
}

const struct route virtual_route = {
	.name = "machine",
	.judge = virtual_judge,
	.objection = virtual_objection,
	.say_dropped = virtual_say_dropped,
	.show = virtual_show,
	.open = virtual_open,
	.close = virtual_close,
	.inject = virtual_inject,
};
