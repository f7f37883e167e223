// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The route by the files of the module mce_inject: a register a file, and the bank last,
 * which fires. The kernel has one such record for everybody, and clears it when it fires;
 * the type stays.
 */
#include "debugfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cpus.h"
#include "common/util.h"

/* ------------------------------------------------------------------------ files */

void debugfs_find(struct inject_env *env)
{
	if (kpage_mount_find(env->ctx, "debugfs", "mce-inject", env->debugfs, sizeof(env->debugfs)))
		snprintf(env->debugfs, sizeof(env->debugfs), "/sys/kernel/debug");
}

struct debugfs_path debugfs_path(const struct inject_env *env, const char *file)
{
	struct debugfs_path path;

	snprintf(path.text, sizeof(path.text), "%s/%s", env->debugfs, file);
	return path;
}

/* The line end counts: the kernel cuts the last byte off the type. */
int debugfs_write(struct kpage_ctx *ctx, const char *path, const char *text)
{
	_cleanup_close_ int fd = kpage_ctx_open(ctx, path, O_WRONLY | O_TRUNC);
	char line[64];
	int length = snprintf(line, sizeof(line), "%s\n", text);

	if (fd < 0)
		return fd;
	return write(fd, line, (size_t)length) == length ? 0 : -errno;
}

int debugfs_fail(int err, const char *path)
{
	if (err == -ENOENT)
		return fail(EXIT_CANNOT, "%s: not there: the module mce_inject is not loaded (try --load), "
			    "or debugfs is not mounted", path);
	if (err == -EPERM)
		return fail(EXIT_NOPERM, "%s: %s (see /sys/kernel/security/lockdown)", path,
			    strerror(EPERM));
	return fail_errno(err, "%s", path);
}

static bool type_is(const struct inject_env *env, const char *type)
{
	return !strcmp(env->opt->type, type);
}

/* ----------------------------------------------------------------------- writes */

/* In the order of the writes. */
static const struct {
	const char *file;
	enum mce_field field;
	bool always;		/* also if the record has none: 0 */
	bool decimal;
	const char *invalid;	/* what EINVAL means; NULL: nothing special */
} registers[] = {
	{ "mce-inject/cpu", MCE_CPU, true, true, "no such CPU, or it is offline" },
	{ "mce-inject/status", MCE_STATUS, true, false, NULL },
	{ "mce-inject/misc", MCE_MISC, true, false, NULL },
	{ "mce-inject/addr", MCE_ADDR, true, false, NULL },
	{ "mce-inject/synd", MCE_SYND, true, false, NULL },
	{ "mce-inject/ipid", MCE_IPID, false, false, NULL },
	{ "mce-inject/bank", MCE_BANK, true, true, "this CPU has no such bank, or the platform lets no "
	  "errors be written (then only --type sw works)" },
};

/* The kernel drops IPID without a word where it does not only log, and where no bank has one. */
static bool takes_ipid(const struct inject_env *env)
{
	return type_is(env, "sw") && env->machine->smca;
}

static bool is_written(const struct inject_env *env, const struct mce *m, size_t i)
{
	if (registers[i].field == MCE_IPID && !takes_ipid(env))
		return false;
	return registers[i].always || mce_has(m, registers[i].field);
}

static void value_text(const struct mce *m, size_t i, char *buf, size_t size)
{
	uint64_t value = m->value[registers[i].field];

	if (registers[i].decimal)
		snprintf(buf, size, "%" PRIu64, value);
	else
		snprintf(buf, size, "0x%" PRIx64, value);
}

/* What it reads is hexadecimal without a 0x. */
static int check_register(struct kpage_ctx *ctx, const char *path, uint64_t value)
{
	char now[64];
	int err = kpage_ctx_read_line(ctx, path, now, sizeof(now));

	if (err)
		return debugfs_fail(err, path);
	if (strtoull(now, NULL, 16) != value)
		return fail(EXIT_CANNOT, "%s: the kernel took 0x%" PRIx64 " but holds %s", path, value, now);
	return EXIT_OK;
}

static int write_register(const struct inject_env *env, const struct mce *m, size_t i)
{
	struct debugfs_path where = debugfs_path(env, registers[i].file);
	const char *path = where.text;
	char text[32];
	int err;

	value_text(m, i, text, sizeof(text));
	err = debugfs_write(env->ctx, path, text);
	if (err == -EINVAL && registers[i].invalid)
		return fail(EXIT_CANNOT, "%s: %s: %s", path, text, registers[i].invalid);
	if (err == -ENODEV)
		return fail(EXIT_CANNOT, "%s: %s: the bank is not populated", path, text);
	if (err)
		return debugfs_fail(err, path);
	if (registers[i].decimal)
		return EXIT_OK;
	return check_register(env->ctx, path, m->value[registers[i].field]);
}

/*
 * Waits for the handler: the write only asks the CPU for the exception, and on one of
 * several of Intel's CPUs the handler waits seconds for the others. Until then fake_panic
 * must stay.
 */
static int settle(uint64_t cpu)
{
	int err = cpu_visit(cpu);

	return err ? fail_errno(err, "CPU %" PRIu64 ": waiting for its machine check", cpu) : EXIT_OK;
}

static int debugfs_inject(const struct inject_env *env, void *state, const struct mce_group *group,
			  const char *name)
{
	const struct mce *m = group->records;
	int status = EXIT_OK;

	(void)state;
	(void)name;
	for (size_t i = 0; !status && i < ARRAY_SIZE(registers); i++)
		if (is_written(env, m, i))
			status = write_register(env, m, i);
	if (!status && !type_is(env, "sw") && kpage_ctx_is_live(env->ctx))
		status = settle(m->value[MCE_CPU]);
	return status;
}

static void debugfs_show(const struct inject_env *env, const struct mce_group *group)
{
	const struct mce *m = group->records;
	char text[32];

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		if (is_written(env, m, i)) {
			value_text(m, i, text, sizeof(text));
			printf("would write %s to %s\n", text, debugfs_path(env, registers[i].file).text);
		}
}

/* --------------------------------------------------------------------- judgement */

/* The exception is raised in the kernel's code, on one CPU, whatever the record is. */
static void judge_exception(const struct inject_env *env, const struct mce *m,
			    struct mce_judgement *out)
{
	struct mce seen = *m;

	mce_set(&seen, MCE_CS, 0x10);
	mce_set(&seen, MCE_MCGSTATUS, MCG_MCIP | MCG_RIPV | MCG_EIPV);
	route_judge(env, &seen, true, env->machine->nr_cpus > 1 &&
		    !vendor_is_amd(env->machine->rules.vendor), out);
}

static void debugfs_judge(const struct inject_env *env, const struct mce *m,
			  struct mce_judgement *out)
{
	if (type_is(env, "hw")) {
		judge_exception(env, m, out);
		return;
	}
	/* AMD's interrupts only log as well: their handler grades nothing. */
	mce_judge(m, &env->machine->rules, out);
	out->action = MCE_LOGGED;
	out->because = "handed to the log";
}

static const char *debugfs_objection(const struct inject_env *env, const struct mce_group *group,
				     size_t i)
{
	const struct machine *machine = env->machine;
	const struct mce *m = &group->records[i];
	bool amd = vendor_is_amd(machine->rules.vendor);

	if (m->way & MCE_CPU_BROADCAST)
		return "CPU broadcast: debugfs injects on one CPU";
	if (m->way & MCE_HOLD)
		return "HOLD: debugfs injects at once";
	if (!(m->value[MCE_STATUS] & MCI_VAL))
		return "STATUS without VAL: the kernel would set it";
	if (m->value[MCE_MISC] && !(m->value[MCE_STATUS] & MCI_MISCV))
		return "STATUS without MISCV: the kernel sets it for a MISC that is not 0";
	if ((type_is(env, "df") || type_is(env, "th")) && !amd)
		return "--type df and th need a CPU of AMD";
	if (type_is(env, "hw") && !amd && !machine->hypervisor)
		return "--type hw: this CPU faults when an error is written into a bank";
	return route_place_objection(env, m);
}

static void debugfs_say_dropped(const struct inject_env *env, const struct mce *m)
{
	/* Nobody has given that of a ready-made record. */
	uint32_t ready = env->opt->ready ? FIELD_BIT(MCGSTATUS) : 0;

	route_say_left_out(m, FIELD_BIT(SYND) | FIELD_BIT(IPID) | ready, 0,
			   "debugfs has no file for these, they are left out");
	if (mce_has(m, MCE_IPID) && !takes_ipid(env))
		warn("IPID is only taken with --type sw, of a CPU with SMCA: it is left out");
}

const struct route debugfs_route = {
	.name = "debugfs",
	.by_module = true,
	.judge = debugfs_judge,
	.objection = debugfs_objection,
	.say_dropped = debugfs_say_dropped,
	.show = debugfs_show,
	.inject = debugfs_inject,
};
