// SPDX-License-Identifier: GPL-2.0-or-later
/* mcekill: who is killed early, who late, and who just was. */
#include "mcekill.h"

#include "common/signals.h"

const char *policy_name(enum kpage_policy policy)
{
	static const char *const names[] = {
		[KPAGE_POLICY_LATE] = "late",
		[KPAGE_POLICY_EARLY] = "early",
		[KPAGE_POLICY_DEFAULT] = "default",
	};

	return names[policy];
}

void warn_no_failures(void)
{
	warn("this kernel has no vm.memory_failure_early_kill: it does not handle memory failures "
	     "(CONFIG_MEMORY_FAILURE)");
}

static int run_mode(struct kpage_ctx *ctx, const struct options *opt)
{
	static int (*const modes[])(struct kpage_ctx *ctx, const struct options *opt) = {
		[MODE_GET] = policy_show,   [MODE_LIST] = policy_show,
		[MODE_SET] = policy_change, [MODE_LAUNCH] = launch,
		[MODE_SYSTEM] = system_run, [MODE_MONITOR] = monitor_run,
	};

	return modes[opt->mode](ctx, opt);
}

static int run(const struct options *opt)
{
	struct kpage_ctx *ctx = NULL;
	int err = kpage_ctx_new(opt->sysroot, &ctx), status;

	if (err)
		return fail_errno(err, "--sysroot: %s", opt->sysroot ? opt->sysroot : "/");
	status = run_mode(ctx, opt);
	kpage_ctx_free(ctx);
	return status;
}

int main(int argc, const char **argv)
{
	struct options opt;
	int status;

	if (options_parse(argc, argv, &opt, &status) == PARSE_RUN)
		status = run(&opt);
	status = close_stdout(status);
	/* The others end by a signal as such, or are meant to be ended by one. */
	if (opt.mode == MODE_SET)
		signals_release();
	options_release(&opt);
	return status;
}
