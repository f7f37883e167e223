// SPDX-License-Identifier: GPL-2.0-or-later
/* The ledger of the pages that a record is to have poisoned. */
#include "book.h"

#include <errno.h>
#include <string.h>

#include "common/inject.h"
#include "common/ledger.h"
#include "common/util.h"

struct book {
	struct kpage_ctx *ctx;
	const struct rundir *dir;
	struct ledger *ledger;
	struct kpage_file *flags;
	uint64_t *pfns;		/* that were noted */
	size_t n;
};

int book_open(struct kpage_ctx *ctx, struct rundir *dir, struct book **out)
{
	struct book *b = xcalloc(1, sizeof(*b));
	int status = ledger_open(dir, &b->ledger), err;

	b->ctx = ctx;
	b->dir = dir;
	if (!status) {
		err = kpage_file_open(ctx, KPAGE_SOURCE_FLAGS, &b->flags);
		if (err)
			status = fail_errno(err, "%s", kpage_ctx_error_path(ctx));
	}
	if (status)
		book_close(b);
	else
		*out = b;
	return status;
}

int book_note(struct book *b, const struct options *opt, uint64_t pfn)
{
	struct kpage_task task = { 0 };
	struct ledger_entry entry = {
		.pfn = pfn,
		.method = "mce",
		.pid = opt->pid,
		.has_address = opt->has_vaddr,
		.address = opt->vaddr,
	};
	int err;

	if (opt->pid && !kpage_task_read(b->ctx, opt->pid, &task))
		entry.comm = task.comm;
	err = ledger_add(b->ledger, &entry);
	if (err)
		return fail_errno(err, "%s/ledger: what can't be recorded is not poisoned",
				  rundir_path(b->dir));
	b->pfns = xgrow(b->pfns, b->n, sizeof(*b->pfns));
	b->pfns[b->n++] = entry.pfn;
	return EXIT_OK;
}

static bool is_poisoned(const struct book *b, uint64_t pfn)
{
	const struct injection inj = { .ctx = b->ctx, .flags = b->flags };
	uint64_t kflags;

	return !injection_read_flags(&inj, pfn, &kflags) && injection_is_poisoned(&inj, pfn, kflags);
}

void book_close(struct book *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		if (!is_poisoned(b, b->pfns[i]))
			ledger_add_unpoison(b->ledger, b->pfns[i]);
	ledger_free(b->ledger);
	kpage_file_free(b->flags);
	free(b->pfns);
	free(b);
}
