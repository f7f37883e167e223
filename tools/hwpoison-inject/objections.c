// SPDX-License-Identifier: GPL-2.0-or-later
/* What must not be hit by accident: page by page, and the whole of it. */
#include "hwpoison-inject.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common/safety.h"

/* Processes whose loss is a loss of more than was chosen. */
#define ANCESTORS_MAX 64

struct protected {
	struct {
		pid_t pid;
		const char *reason;
	} v[ANCESTORS_MAX];
	size_t n;
};

/* Memory blocks are never smaller. */
#define BLOCK_BYTES (UINT64_C(128) << 20)

/* The block that was looked at last: neighbours share it. */
struct last_block {
	uint64_t number;
	bool known, offline;
};

static bool is_offline(struct kpage_ctx *ctx, struct last_block *last, uint64_t pfn)
{
	uint64_t number = pfn / (BLOCK_BYTES / kpage_page_size());

	if (!last->known || last->number != number) {
		last->number = number;
		last->offline = kpage_block_is_offline(ctx, pfn) > 0;
		last->known = true;
	}
	return last->offline;
}

static void protect(struct protected *p, pid_t pid, const char *reason)
{
	if (p->n < ARRAY_SIZE(p->v)) {
		p->v[p->n].pid = pid;
		p->v[p->n++].reason = reason;
	}
}

static void protect_all(struct protected *p, struct kpage_ctx *ctx)
{
	struct kpage_task task;

	protect(p, 1, "it belongs to PID 1");
	protect(p, getpid(), "it belongs to hwpoison-inject itself");
	for (pid_t pid = getppid(); pid > 1 && !kpage_task_read(ctx, pid, &task); pid = task.ppid)
		protect(p, pid, "it belongs to the shell, or what else hwpoison-inject was started from");
}

static const char *of_owner(const struct protected *p, pid_t pid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].pid == pid)
			return p->v[i].reason;
	return NULL;
}

/* A page that is dropped and read again hurts nobody. */
static const char *of_owners(const struct run *run, const struct protected *p,
			     const struct target *t)
{
	const struct owner *owners;
	const char *reason = NULL;
	size_t n;

	if (run->method->inject.soft ||
	    (!page_loss_hurts(t->kflags) && !page_loss_hurts(target_head_flags(run, t))))
		return NULL;
	owners = owners_of(&run->owners, t->pfn, &n);
	for (size_t i = 0; i < n && !reason; i++)
		reason = of_owner(p, owners[i].pid);
	return reason;
}

/* The kinds whose loss can't be contained, and mostly not be undone. */
static const char *of_kind(enum page_kind kind)
{
	static const char *const reasons[NR_PAGE_KINDS] = {
		[PAGE_SLAB] = "it is the kernel's: slab",
		[PAGE_PGTABLE] = "it is the kernel's: a page table",
		[PAGE_RESERVED] = "it is the kernel's: reserved",
		[PAGE_OFFLINE] = "it is offline, or no page of memory",
		[PAGE_ZERO] = "it is the zero page, which everybody has",
		[PAGE_VDSO] = "it is the vdso: every program that is started from then on dies",
		[PAGE_DRIVER] = "it is a driver's buffer",
		[PAGE_OTHER] = "it is the kernel's, or nobody knows whose",
	};

	return reasons[kind];
}

static const char *of_page(const struct run *run, const struct protected *p,
			   struct last_block *block, const struct target *t)
{
	const char *reason;

	if (t->pfn == 0)
		return "it is PFN 0, which is what hidden PFNs read as";
	/* Its kind is what poisoning has made of it, and nothing is done to it. */
	if (t->poisoned)
		return NULL;
	reason = of_kind(t->kind);
	if (!reason && is_offline(run->ctx, block, t->pfn))
		reason = "its memory block is offline";
	return reason ? reason : of_owners(run, p, t);
}

void objections_find(struct run *run)
{
	struct last_block block = { 0 };
	struct protected p = { .n = 0 };

	protect_all(&p, run->ctx);
	for (size_t i = 0; i < run->targets.n; i++)
		run->pages[i].objection = of_page(run, &p, &block, run->pages[i].target);
}

/* The lesser of 4096 pages and a hundredth of memory. */
static uint64_t default_max(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);

	return pages > 0 ? MAX(MIN((uint64_t)pages / 100, UINT64_C(4096)), UINT64_C(1)) : 4096;
}

uint64_t targets_max(const struct run *run)
{
	if (run->opt.max)
		return run->opt.max;
	return run->opt.force || run->opt.list_targets ? TARGETS_MAX : default_max();
}

static int refuse(const struct page *page)
{
	return fail(EXIT_REFUSED, "PFN 0x%" PRIx64 ": refused: %s (--force does it all the same)",
		    page->target->pfn, page->objection);
}

/* A process, a file or a cgroup has pages of the kernel by the way (page tables are
 * charged to a cgroup, too): they are left out. What was asked for by number or by flag
 * is refused whole. */
static bool is_by_the_way(const struct run *run, const struct page *page)
{
	const struct selection *s = &run->opt.selection;
	bool found = run->child || s->nr_pids || s->file || s->cgroup;

	return found && !s->has_pfns && of_kind(page->target->kind);
}

/* The kernel asks for this sysctl before it looks at the page. Soft offlining is no
 * memory error. */
static int judge_recovery(const struct run *run)
{
	uint64_t recovery;

	if (run->opt.force || run->method->inject.soft ||
	    kpage_failure_setting(run->ctx, "memory_failure_recovery", &recovery) || recovery)
		return EXIT_OK;
	return fail(EXIT_REFUSED, "refused: vm.memory_failure_recovery is 0: the kernel panics at every "
		    "memory error, also at this one (try: sysctl vm.memory_failure_recovery=1; --force "
		    "does it all the same)");
}

int objections_judge(const struct run *run)
{
	int status = judge_recovery(run);

	if (status)
		return status;
	if (run->targets.over)
		return fail(EXIT_REFUSED, "refused: more than %" PRIu64 " pages are chosen (--max allows "
			    "more, --count takes fewer)", targets_max(run));
	for (size_t i = 0; i < run->targets.n; i++) {
		const struct page *page = &run->pages[i];

		/* Never written, by force or not: that is a mistake in any case. */
		if (page->target->pfn == 0)
			return fail(EXIT_REFUSED, "PFN 0: refused: %s", page->objection);
		if (page->objection && !run->opt.force && !is_by_the_way(run, page))
			return refuse(page);
	}
	return EXIT_OK;
}
