// SPDX-License-Identifier: LGPL-2.1-or-later
/* The memory-failure kill policy of a thread, read and set from outside. */
#include "private.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

/* The kernel's include/linux/sched.h: the thread has a policy of its own; it is early. */
#define PF_MCE_PROCESS UINT64_C(0x00000080)
#define PF_MCE_EARLY   UINT64_C(0x08000000)

KPAGE_EXPORT int kpage_policy_get(struct kpage_ctx *ctx, pid_t tid, enum kpage_policy *out)
{
	uint64_t flags;
	int err;

	err = task_flags(ctx, tid, &flags);
	if (err)
		return err;
	/* The default leaves the other bit as it was. */
	if (!(flags & PF_MCE_PROCESS))
		*out = KPAGE_POLICY_DEFAULT;
	else
		*out = flags & PF_MCE_EARLY ? KPAGE_POLICY_EARLY : KPAGE_POLICY_LATE;
	return 0;
}

static int remote_prctl(struct kpage_remote *r, const uint64_t args[6])
{
	long result;
	int err = kpage_remote_syscall(r, SYS_prctl, args, &result);

	return err ? err : (int)result;
}

/* What is asked of the kernel, and which policy that is. */
struct wish {
	unsigned long command, value;	/* of PR_MCE_KILL */
	enum kpage_policy policy;
};

static int set_and_verify(struct kpage_remote *r, const struct wish *wish)
{
	const uint64_t set[6] = { PR_MCE_KILL, wish->command, wish->value };
	const uint64_t get[6] = { PR_MCE_KILL_GET };
	int err;

	err = remote_prctl(r, set);
	if (!err)
		err = remote_prctl(r, get);
	if (err < 0)
		return err;
	return err == (int)wish->policy ? 0 : -EIO;
}

static int set_elsewhere(struct kpage_ctx *ctx, pid_t tid, const struct wish *wish)
{
	struct kpage_remote *r;
	int err, end;

	err = kpage_remote_attach(ctx, tid, &r);
	if (err)
		return err;
	err = set_and_verify(r, wish);
	end = kpage_remote_detach(r);
	return err ? err : end;
}

static int set_here(const struct wish *wish)
{
	if (prctl(PR_MCE_KILL, wish->command, wish->value, 0, 0))
		return -errno;
	return prctl(PR_MCE_KILL_GET, 0, 0, 0, 0) == (int)wish->policy ? 0 : -EIO;
}

static int set_policy(struct kpage_ctx *ctx, pid_t tid, const struct wish *wish)
{
	enum kpage_policy now;
	int err;

	/* Its own it can be sure of without a /proc. */
	if (ctx->live && tid == (pid_t)syscall(SYS_gettid))
		return set_here(wish);
	err = set_elsewhere(ctx, tid, wish);
	if (!err)
		err = kpage_policy_get(ctx, tid, &now);
	if (err)
		return err;
	return now == wish->policy ? 0 : -EIO;
}

KPAGE_EXPORT int kpage_policy_set(struct kpage_ctx *ctx, pid_t tid, enum kpage_policy policy)
{
	const struct wish wish = { PR_MCE_KILL_SET, (unsigned long)policy, policy };

	/* The kernel changes the policy before it refuses a value that it does not know. */
	if ((unsigned int)policy > KPAGE_POLICY_DEFAULT)
		return -EINVAL;
	return set_policy(ctx, tid, &wish);
}

KPAGE_EXPORT int kpage_policy_clear(struct kpage_ctx *ctx, pid_t tid)
{
	const struct wish wish = { PR_MCE_KILL_CLEAR, 0, KPAGE_POLICY_DEFAULT };

	return set_policy(ctx, tid, &wish);
}
