// SPDX-License-Identifier: GPL-2.0-or-later
/* The routes to the kernel's memory failure handling, what each needs, and what its errors mean. */
#include "hwpoison-inject.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* The C library has only the other one. */
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

/* ---------------------------------------------------------------- the errors */

struct meaning {
	int err;
	const char *text;
};

static const char *find_meaning(const struct meaning *table, size_t n, int err)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].err == -err)
			return table[i].text;
	return strerror(-err);
}

static const char *explain_hard(int err)
{
	static const struct meaning table[] = {
		{ EBUSY, "the kernel can't handle a page of this kind, or could not get it out of use" },
		{ EHWPOISON, "it is poisoned already, or part of a huge page that can't be split" },
		{ ENXIO, "no page of memory has this number, or its memory block is offline" },
		{ EINTR, "interrupted by a signal before anything was done" },
		{ EPERM, "it needs CAP_SYS_ADMIN" },
	};

	return find_meaning(table, ARRAY_SIZE(table), err);
}

static const char *explain_soft(int err)
{
	static const struct meaning table[] = {
		{ EBUSY, "the page is in use in a way that it can't be moved" },
		{ EIO, "the page can't be moved: the kernel owns it, or its memory block is offline" },
		{ ENXIO, "no page of memory has this number" },
		{ EOPNOTSUPP, "soft offlining is switched off (vm.enable_soft_offline), or the filter "
			      "rejects the page" },
		{ ENOTRECOVERABLE, "the kernel owns the page" },
		{ ENOMEM, "there is no free page to move it to" },
	};

	return find_meaning(table, ARRAY_SIZE(table), err);
}

static const char *explain_in_target(int err)
{
	static const struct meaning table[] = {
		{ EPERM, "the process lacks CAP_SYS_ADMIN in the initial user namespace" },
		{ EFAULT, "the process can't read the page: it is poisoned already, or protected" },
		{ EBUSY, "the kernel can't get a page of this kind out of use, or another program has "
			 "begun to trace the process" },
		{ EHWPOISON, "it is poisoned already, or part of a huge page that can't be split" },
		{ EIO, "the page can't be moved" },
		{ EOPNOTSUPP, "soft offlining is switched off (vm.enable_soft_offline), or the filter "
			      "rejects the page" },
		{ ESRCH, "the process has ended" },
		{ ETIMEDOUT, "the process does not stop: it waits for something that can't be interrupted" },
	};

	return find_meaning(table, ARRAY_SIZE(table), err);
}

/* ------------------------------------------------------------------- the routes */

static int by_hard_offline(struct injection *inj, uint64_t pfn, const struct page_owner *owner)
{
	(void)owner;
	return kpage_offline_hard(inj->ctx, pfn);
}

static int by_soft_offline(struct injection *inj, uint64_t pfn, const struct page_owner *owner)
{
	(void)owner;
	return kpage_offline_soft(inj->ctx, pfn);
}

/* Until the process was held it ran. */
static bool has_page(const struct page_owner *owner, uint64_t pfn)
{
	uint64_t entry;

	return kpage_file_read(owner->pagemap, owner->offset, &entry, 1) == 1 &&
	       kpage_pagemap_pfn(entry) == pfn;
}

/* madvise(2) in the process: it takes an address, and the kernel looks up the page. */
static int madvise_in(struct injection *inj, uint64_t pfn, const struct page_owner *owner, int advice)
{
	const uint64_t args[6] = { owner->offset * kpage_page_size(), kpage_page_size(),
				   (uint64_t)advice };
	struct kpage_remote *remote;
	struct kpage_siginfo info;
	long result = 0;
	pid_t tid;
	int err, end;

	err = inj->hooks.hold(owner->pid, &tid, &remote, inj->hooks.arg);
	if (err)
		return err;
	err = has_page(owner, pfn) ? kpage_remote_syscall(remote, SYS_madvise, args, &result) : -ESTALE;
	/* Since 6.11 or so the kernel takes the caller for one that ran into the page. */
	if (!err && inj->hooks.siginfo && kpage_remote_siginfo(remote, &info) > 0)
		inj->hooks.siginfo(tid, &info, inj->hooks.arg);
	end = kpage_remote_detach(remote);
	if (err)
		return err;
	/* Killed by what it did to itself: what was done is done. */
	return result < 0 ? (int)result : end == -ESRCH ? 0 : end;
}

static int by_madvise(struct injection *inj, uint64_t pfn, const struct page_owner *owner)
{
	return madvise_in(inj, pfn, owner, MADV_HWPOISON);
}

static int by_soft_madvise(struct injection *inj, uint64_t pfn, const struct page_owner *owner)
{
	return madvise_in(inj, pfn, owner, MADV_SOFT_OFFLINE);
}

/* ----------------------------------------------------------- whether they are there */

static int fail_debugfs(struct kpage_ctx *ctx, int err)
{
	const char *path = kpage_ctx_error_path(ctx);

	if (err == -ENODEV)
		return fail(EXIT_CANNOT, "debugfs: not mounted (try: mount -t debugfs none "
			    "/sys/kernel/debug; or --method hard-offline)");
	if (err == -ENOENT)
		return fail(EXIT_CANNOT, "%s/hwpoison: not there: the kernel's module hwpoison_inject is "
			    "missing (try: --load; or --method hard-offline; or in hwpoison-lab)", path);
	if (err == -EPERM && geteuid() == 0)
		return fail(EXIT_NOPERM, "%s: kernel lockdown forbids it, see "
			    "/sys/kernel/security/lockdown (try: --method hard-offline; or in hwpoison-lab)",
			    path);
	return fail_errno(err, "%s", path);
}

/* Lockdown shows when a file is opened, not before. */
static int open_debugfs(struct kpage_ctx *ctx, struct kpage_hwpoison **out)
{
	struct kpage_hwpoison_filter filter;
	struct kpage_hwpoison *hp = NULL;
	int err = kpage_hwpoison_open(ctx, &hp);

	if (!err)
		err = kpage_hwpoison_filter_read(hp, &filter);
	if (err)
		kpage_hwpoison_free(hp);
	else
		*out = hp;
	return err;
}

int method_open_debugfs(struct kpage_ctx *ctx, struct kpage_hwpoison **out)
{
	int err = open_debugfs(ctx, out);

	return err ? fail_debugfs(ctx, err) : EXIT_OK;
}

static int check_debugfs(struct kpage_ctx *ctx, bool quiet)
{
	struct kpage_hwpoison *hp = NULL;
	int err = open_debugfs(ctx, &hp);

	kpage_hwpoison_free(hp);
	if (err && quiet)
		return (int)status_of(err);
	return err ? fail_debugfs(ctx, err) : EXIT_OK;
}

static int check_failure_handling(struct kpage_ctx *ctx, bool quiet)
{
	uint64_t kb;
	int err = kpage_hardware_corrupted(ctx, &kb);

	if (!err)
		return EXIT_OK;
	if (quiet)
		return EXIT_CANNOT;
	if (err == -ENOENT)
		return fail(EXIT_CANNOT, "this kernel was built without CONFIG_MEMORY_FAILURE (try in "
			    "hwpoison-lab)");
	return fail_errno(err, "%s", kpage_ctx_error_path(ctx));
}

static int check_hard(struct kpage_ctx *ctx, bool quiet)
{
	int status = check_failure_handling(ctx, quiet), err;

	if (status)
		return status;
	err = kpage_offline_check(ctx);
	if (!err)
		return EXIT_OK;
	if (err == -ENOENT)
		return quiet ? EXIT_CANNOT :
			       fail(EXIT_CANNOT, "%s: not there (this kernel was built without "
				    "CONFIG_MEMORY_HOTPLUG; try: --method debugfs)",
				    kpage_ctx_error_path(ctx));
	return quiet ? (int)status_of(err) : fail_errno(err, "%s", kpage_ctx_error_path(ctx));
}

static const struct method methods[] = {
	{
		.inject = { "debugfs", true, false, inject_by_debugfs },
		.route = FILTER_DEBUGFS,
		.check = check_debugfs,
		.explain = explain_hard,
	},
	{
		.inject = { "hard-offline", false, false, by_hard_offline },
		.route = FILTER_HARD,
		.check = check_hard,
		.explain = explain_hard,
	},
	{
		.inject = { "madvise", false, false, by_madvise, true },
		.route = FILTER_HARD,
		.in_target = true,
		.check = check_failure_handling,
		.explain = explain_in_target,
	},
	{
		.inject = { "soft-offline", false, true, by_soft_offline },
		.route = FILTER_SOFT,
		.check = check_hard,
		.explain = explain_soft,
	},
	{
		.inject = { "soft-madvise", false, true, by_soft_madvise },
		.route = FILTER_SOFT,
		.in_target = true,
		.check = check_failure_handling,
		.explain = explain_in_target,
	},
	{
		.inject = { "mce", false, false, inject_by_machine_check, true },
		.route = FILTER_HARD,
		.real = true,
		.check = check_machine_check,
		.explain = explain_machine_check,
	},
};

const struct method *method_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (!strcmp(methods[i].inject.name, name))
			return &methods[i];
	return NULL;
}

const struct method *method_choose(struct kpage_ctx *ctx, int *status)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (methods[i].in_target || methods[i].inject.soft || methods[i].real)
			continue;
		*status = methods[i].check(ctx, true);
		if (!*status)
			return &methods[i];
	}
	/* The last word is that of the one that needs least. */
	*status = check_hard(ctx, false);
	return NULL;
}
