// SPDX-License-Identifier: GPL-2.0-or-later
/* Why a task could not touch a page, and which page that was. */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "common/lost-entry.h"

#ifndef UFFD_FEATURE_POISON
#define UFFD_FEATURE_POISON (1 << 14)
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

/* Whether userfaultfd(2) of this kernel can mark pages so; true also if it does not tell. */
static bool kernel_has_uffd_poison(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	_cleanup_close_ int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (fd < 0)
		return errno != ENOSYS;
	return ioctl(fd, UFFDIO_API, &api) || (api.features & UFFD_FEATURE_POISON);
}

static bool is_nothing_poisoned(struct kpage_ctx *ctx)
{
	uint64_t kb;

	return !kpage_hardware_corrupted(ctx, &kb) && !kb;
}

static void set_page(struct tie_kill *kill, uint64_t pfn)
{
	kill->cause = CAUSE_LATE;
	kill->pfn = pfn;
	kill->has_pfn = true;
}

/* From what is certain to what is likely. */
void cause_of_touch(struct kpage_ctx *ctx, struct origins *origins, bool failures_seen,
		    struct tie_kill *kill)
{
	struct origin origin;
	uint64_t pfn = 0;
	enum lost_entry entry = lost_entry_look(ctx, kill->tid, kill->address, &pfn);

	if (entry == LOST_MARKER) {
		kill->cause = CAUSE_UFFD;
		return;
	}
	if (entry == LOST_POISON) {
		set_page(kill, pfn);
		return;
	}
	origin_of_address(origins, kill->pid ? kill->pid : kill->tid, kill->address, &origin);
	if (origin.known) {
		set_page(kill, origin.pfn);
		kill->pid = origin.pid;
	} else if (!failures_seen && is_nothing_poisoned(ctx)) {
		kill->cause = CAUSE_UFFD;
	} else {
		/* Its entry is no marker, or no kernel of this kind makes them. */
		kill->cause = entry == LOST_OTHER || !kernel_has_uffd_poison() ? CAUSE_LATE :
										  CAUSE_UNKNOWN;
	}
}
