// SPDX-License-Identifier: GPL-2.0-or-later
/* COMMAND: the policy is set in this process, which becomes the command. */
#include "mcekill.h"

#include <errno.h>
#include <string.h>

/* As shells have them. */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND	    127

int launch_exec(struct kpage_ctx *ctx, const struct options *opt)
{
	int err = opt->clear ? kpage_policy_clear(ctx, getpid()) :
			       kpage_policy_set(ctx, getpid(), opt->policy);

	if (err)
		return fail_errno(err, "%s", opt->policy_option);
	execvp(opt->command[0], opt->command);
	err = errno;
	warn("%s: %s", opt->command[0], strerror(err));
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

int launch(struct kpage_ctx *ctx, const struct options *opt)
{
	return opt->report ? launch_report(ctx, opt) : launch_exec(ctx, opt);
}
