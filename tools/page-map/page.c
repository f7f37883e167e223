// SPDX-License-Identifier: GPL-2.0-or-later
/* One page: all that is known of it, and who owns it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/compound.h"
#include "common/forecast.h"
#include "text.h"
#include "views.h"

/* What a flag says of this page, on this kernel. */
static const char *flag_meaning(const struct text_view *t, const struct kpage_flag *flag,
				const struct page_info *p)
{
	if (flag->bit == KPAGE_KSM && t->view.app->machine.kinds.ksm_lies)
		return "says nothing: this kernel sets it on every anonymous page";
	if (flag->bit == KPAGE_SWAP && (p->kflags & KPAGE_BIT(HWPOISON)))
		return "pagemap: the entry of a poisoned page, which is no swap entry";
	return flag->meaning;
}

static void show_flags(struct text_view *t, const struct page_info *p)
{
	uint64_t flags = kpage_flags_expand(p->kflags, p->entry);
	size_t n;
	const struct kpage_flag *table = kpage_flag_table(&n);
	uint64_t known = 0;

	text_view_printf(t, STYLE_NORMAL, "flags       0x%016" PRIx64 "%s", p->kflags,
			 flags ? "" : ": none");
	for (size_t i = 0; i < n; i++) {
		known |= UINT64_C(1) << table[i].bit;
		if (flags & (UINT64_C(1) << table[i].bit))
			text_view_printf(t, STYLE_DIM, "  %-15s %s", table[i].name,
					 flag_meaning(t, &table[i], p));
	}
	if (flags & ~known)
		text_view_printf(t, STYLE_DIM, "  0x%-13" PRIx64 " not known", flags & ~known);
}

static void show_cgroup(struct text_view *t, const struct page_info *p)
{
	const struct machine *m = &t->view.app->machine;
	_cleanup_free_ char *path = p->cgroup ? machine_cgroup_path(m, p->cgroup) : NULL;

	if (!m->cgroup)
		text_view_add(t, STYLE_NORMAL, "cgroup      not known");
	else if (!p->cgroup)
		text_view_add(t, STYLE_NORMAL, "cgroup      charged to none");
	else
		text_view_printf(t, STYLE_NORMAL, "cgroup      %s (@%" PRIu64 ")",
				 path ? path : "its directory is not to be found", p->cgroup);
}

static void show_node(struct text_view *t, const struct page_info *p)
{
	const struct machine *m = &t->view.app->machine;
	int node = m->nodes ? kpage_nodes_find(m->nodes, p->pfn) : -1;

	if (node >= 0)
		text_view_printf(t, STYLE_NORMAL, "node        %d", node);
	else
		text_view_add(t, STYLE_NORMAL, "node        not known");
}

static void show_folio(struct text_view *t, const struct page_info *p)
{
	struct compound_extent folio = { 0 };

	compound_extent(&folio, t->view.app->machine.flags, p->pfn, &p->kflags, 1);
	text_view_printf(t, STYLE_NORMAL,
			 "folio       order %u: %" PRIu64 " page%s from PFN 0x%" PRIx64 " on%s",
			 compound_order(folio.pages), folio.pages, folio.pages == 1 ? "" : "s", folio.head,
			 folio.head != p->pfn ? " (this is a tail)" : "");
}

/* What an uncorrected error in it would do. */
static void show_forecast(struct text_view *t, enum page_kind kind, const struct page_info *p)
{
	struct forecast_page page = {
		.kind = kind,
		.kflags = p->kflags,
		.head_kflags = p->head_kflags,
		.mapped = t->pid || (p->mapcount && p->mapcount != UINT64_MAX),
	};
	struct forecast f;

	if (p->kflags & KPAGE_BIT(HWPOISON)) {
		text_view_add(t, STYLE_POISON, "an error    has happened: the page is poisoned");
		return;
	}
	page.handles_ksm = kind != PAGE_KSM || forecast_handles_ksm(t->view.app->machine.ctx);
	forecast_error(&page, &f);
	text_view_printf(t, STYLE_NORMAL, "an error    would be \"%s: %s\"",
			 f.type ? f.type : "a page of the kernel", f.result ? f.result : "refused");
	text_view_printf(t, STYLE_NORMAL, "            at once: %s", f.now ? f.now : "nobody is signalled");
	text_view_printf(t, STYLE_NORMAL, "            when it is touched: %s",
			 f.later ? f.later : "nobody is signalled");
	if (f.risk)
		text_view_printf(t, STYLE_NORMAL, "            %s", f.risk);
}

static void show_page(struct text_view *t, const struct page_info *p)
{
	enum page_kind kind = page_kind_of(&t->view.app->machine.kinds, p->kflags, p->head_kflags,
					   p->vma_name);

	t->has_page = true;
	t->pfn = p->pfn;
	t->poisoned = p->kflags & KPAGE_BIT(HWPOISON);
	t->mapped = p->mapcount && p->mapcount != UINT64_MAX;
	text_view_printf(t, STYLE_TITLE, "PFN         0x%" PRIx64 " (%" PRIu64 ")", p->pfn, p->pfn);
	text_view_printf(t, STYLE_NORMAL, "address     0x%" PRIx64 " (physical)",
			 p->pfn * kpage_page_size());
	text_view_printf(t, STYLE_NORMAL, "kind        %s", page_kind_name(kind));
	show_flags(t, p);
	if (p->mapcount == UINT64_MAX)
		text_view_add(t, STYLE_NORMAL, "map count   not known");
	else
		text_view_printf(t, STYLE_NORMAL, "map count   %" PRIu64, p->mapcount);
	show_cgroup(t, p);
	show_node(t, p);
	show_folio(t, p);
	show_forecast(t, kind, p);
}

static void show(struct text_view *t, const struct page_info *p)
{
	if (t->pid)
		text_view_printf(t, STYLE_TITLE, "in process  %d at 0x%" PRIx64 ", pagemap entry 0x%016" PRIx64,
				 (int)t->pid, t->place * kpage_page_size(), p->entry);
	switch (p->state) {
	case PAGE_STATE_ABSENT:
		text_view_add(t, STYLE_NORMAL, "not populated: no page is there");
		break;
	case PAGE_STATE_SWAPPED:
		text_view_printf(t, STYLE_NORMAL, "swapped: offset 0x%" PRIx64 " of swap area %u",
				 kpage_pagemap_swap_offset(p->entry), kpage_pagemap_swap_type(p->entry));
		break;
	case PAGE_STATE_PAGE:
		show_page(t, p);
		break;
	}
}

static int open_space(const struct text_view *t, struct space *out)
{
	const struct kpage_range one = { t->place, t->place + 1 };

	const struct machine *m = &t->view.app->machine;
	int err;

	if (!t->pid)
		return space_of_machine(m, &one, out);
	err = space_of_process(m, t->pid, &one, out);
	return err ? err : machine_process_check(m, t->pid, t->started);
}

/* Whose another page is, is another question; and a page that is lost, or was put back, is
 * not mapped as before. Of a map count that changes it is not worth what it takes: all
 * processes are looked through. */
static bool owners_may_differ(const struct text_view *t, const struct text_view *before)
{
	return t->has_page != before->has_page || t->pfn != before->pfn ||
	       t->poisoned != before->poisoned || t->mapped != before->mapped;
}

/* It stays said for as long as it is so. */
static void show_error(struct text_view *t, int err)
{
	app_alert_errno(t->view.app, "the page", err);
	text_view_add(t, STYLE_ALERT, t->view.app->status);
}

static void fill(struct text_view *t)
{
	struct space space = { 0 };
	struct page_info p = { .place = t->place };
	const struct text_view before = *t;
	ssize_t n = open_space(t, &space);

	t->has_page = false;
	t->pfn = 0;
	t->poisoned = false;
	t->mapped = false;
	if (!n)
		n = space_read(&space, 0, 1, NEED_HEAD | NEED_MAPCOUNT | NEED_CGROUP, &p);
	if (n == 1)
		show(t, &p);
	else if (n < 0)
		show_error(t, (int)n);
	else
		text_view_add(t, STYLE_NORMAL, "there is no page now");
	text_view_add(t, STYLE_NORMAL, "");
	t->own = t->n;
	t->tag = tag_make(t->pid, t->started, &p);
	t->rerun = owners_may_differ(t, &before);
	space_release(&space);
	view_looked(&t->view, 0, 0);
	/* A process that has ended stays so. */
	t->view.looked = n != -ESRCH;
}

/* By --owners of page-types, which knows the ways from a page to who has it. */
static void find_owners(struct text_view *t)
{
	const struct machine *m = &t->view.app->machine;
	char pfn[32];
	char *argv[] = { (char *)"page-types", (char *)"--owners", (char *)"--pfn", pfn, NULL, NULL,
			 NULL };

	t->rerun = false;
	text_view_drop_output(t);
	if (!t->has_page || !machine_has_processes(m))
		return;
	snprintf(pfn, sizeof(pfn), "0x%" PRIx64, t->pfn);
	if (m->sysroot) {
		argv[4] = (char *)"--sysroot";
		argv[5] = (char *)(uintptr_t)m->sysroot;
	}
	text_view_run(t, argv);
}

static void ask_for_injection(struct text_view *t)
{
	struct app *app = t->view.app;
	char what[96];

	if (!t->has_page) {
		app_alert(app, "there is no page here");
		return;
	}
	snprintf(what, sizeof(what), "this page (PFN 0x%" PRIx64 ")", t->pfn);
	app_ask_inject(app, &t->tag, 1, what);
}

static bool page_act(struct text_view *t, enum action action)
{
	struct app *app = t->view.app;

	switch (action) {
	case ACTION_OWNERS:
		find_owners(t);
		return true;
	case ACTION_TAG:
		if (!t->has_page)
			app_alert(app, "there is no page here");
		else if (!app_toggle_tag(app, &t->tag))
			app_alert(app, "no more than %d tags", MAX_TAGS);
		return true;
	case ACTION_ACT:
		ask_for_injection(t);
		return true;
	default:
		return false;
	}
}

struct view *page_view(struct app *app, pid_t pid, uint64_t started, uint64_t place)
{
	struct text_view *t;
	char title[64];

	snprintf(title, sizeof(title), "page 0x%" PRIx64, pid ? place * kpage_page_size() : place);
	t = text_view_new(app, title);
	t->pid = pid;
	t->started = started;
	t->place = place;
	t->fill = fill;
	t->run = find_owners;
	t->act = page_act;
	fill(t);
	find_owners(t);
	return &t->view;
}
