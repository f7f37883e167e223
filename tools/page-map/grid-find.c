// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding a page of the grid: by its place, by its flags; and what is left out. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "grid.h"

/* ---------------------------------------------------------------------- by place */

static void go_to_place(struct grid *g, uint64_t place, const char *what)
{
	uint64_t index = space_index(&g->space, place);

	if (index == UINT64_MAX)
		app_alert(g->view.app, "%s: there is no page here", what);
	else
		grid_move_to(g, index);
}

static void go_to_pfn(struct grid *g, uint64_t pfn, const char *what)
{
	if (!g->space.pid) {
		go_to_place(g, pfn, what);
		return;
	}
	/* The process's page tables say where it is. */
	snprintf(g->searching, sizeof(g->searching), "%s", what);
	g->search = (struct search){ .by_pfn = true, .pfn = pfn };
	g->wrapped = true;
	search_begin(&g->search, UINT64_MAX, false);
}

static void go_to_address(struct grid *g, uint64_t address, const char *what)
{
	if (g->space.pid)
		go_to_place(g, address / kpage_page_size(), what);
	else
		app_alert(g->view.app, "%s: an address in a process, and this is physical memory", what);
}

static void go_to_phys(struct grid *g, uint64_t address, const char *what)
{
	go_to_pfn(g, address / kpage_page_size(), what);
}

static void go_to_number(struct grid *g, uint64_t n, const char *what)
{
	if (g->space.pid)
		go_to_address(g, n, what);
	else
		go_to_pfn(g, n, what);
}

static bool is_called(const struct vma *vma, const char *name)
{
	return vma->name && strstr(vma->name, name);
}

static void go_to_name(struct grid *g, const char *name)
{
	for (size_t i = 0; i < g->vmas.n; i++) {
		uint64_t index;

		if (!is_called(&g->vmas.v[i], name))
			continue;
		index = space_index_from(&g->space, g->vmas.v[i].start);
		if (index >= g->space.pages || space_place(&g->space, index) >= g->vmas.v[i].end)
			continue;
		grid_move_to(g, index);
		return;
	}
	app_alert(g->view.app, "%s: neither a number nor a mapping with pages here", name);
}

static void go_to(struct grid *g, const char *text)
{
	static const struct {
		const char *word;
		void (*go)(struct grid *g, uint64_t n, const char *what);
	} ways[] = {
		{ "pfn ", go_to_pfn },
		{ "phys ", go_to_phys },
		{ "vaddr ", go_to_address },
		{ "", go_to_number },
	};
	uint64_t n;

	if (!*text)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		size_t len = strlen(ways[i].word);
		int err = strncmp(text, ways[i].word, len) ? -EINVAL :
							     kpage_number_parse(text + len, &n);

		if (err == -EINVAL)
			continue;
		if (err)
			app_alert(g->view.app, "%s: the number is too large", text);
		else
			ways[i].go(g, n, text);
		return;
	}
	go_to_name(g, text);
}

/* ---------------------------------------------------------------------- by flags */

static void want(struct grid *g, const char *text, const struct kpage_expr *expr)
{
	g->wanted_expr = *expr;
	snprintf(g->wanted, sizeof(g->wanted), "%s", text);
}

/* from: a page that is not looked at itself. */
static void begin_search(struct grid *g, const char *text, const struct kpage_expr *expr,
			 uint64_t from, bool backwards)
{
	g->search = (struct search){ .expr = *expr };
	snprintf(g->searching, sizeof(g->searching), "%s", text);
	g->wrapped = false;
	search_begin(&g->search, from, backwards);
}

/* What is wrong with a flag expression. */
static void complain(struct grid *g, int err, const struct kpage_name_error *name)
{
	if (err == -ENOTUNIQ)
		app_alert(g->view.app, "%s: this could mean %s", name->name, name->candidates);
	else if (err == -ERANGE)
		app_alert(g->view.app, "%s: the number is too large", name->name);
	else if (*name->name)
		app_alert(g->view.app, "%s: no such flag", name->name);
	else
		app_alert(g->view.app, "the name of a flag is missing");
}

static bool parse(struct grid *g, const char *text, struct kpage_expr *out)
{
	struct kpage_name_error name;
	int err = kpage_expr_parse(text, out, &name);

	if (err)
		complain(g, err, &name);
	return !err;
}

static void search_flags(struct grid *g, const char *text)
{
	struct kpage_expr expr;

	if (!*text || !parse(g, text, &expr))
		return;
	want(g, text, &expr);
	begin_search(g, text, &expr, g->cursor - 1, false);
}

static void filter(struct grid *g, const char *text)
{
	struct kpage_expr expr;

	if (grid_is_over(g) || (*text && !parse(g, text, &expr)))
		return;
	g->filtered = *text;
	if (*text) {
		g->filter = expr;
		snprintf(g->filter_text, sizeof(g->filter_text), "%s", text);
	}
	grid_rescan(g);
}

void grid_answer(struct view *v, enum action question, const char *text)
{
	struct grid *g = grid_of(v);

	if (question == ACTION_GOTO)
		go_to(g, text);
	else if (question == ACTION_SEARCH)
		search_flags(g, text);
	else if (question == ACTION_FILTER)
		filter(g, text);
}

/* -------------------------------------------------------------------- the search */

void grid_search_next(struct grid *g, bool backwards)
{
	if (*g->wanted)
		begin_search(g, g->wanted, &g->wanted_expr, g->cursor, backwards);
	else
		app_alert(g->view.app, "nothing was searched for yet (F3 or /)");
}

void grid_search_poisoned(struct grid *g)
{
	const struct kpage_expr expr = { KPAGE_BIT(HWPOISON), KPAGE_BIT(HWPOISON), false };

	/* What the user has searched for is what n goes on with. */
	if (!*g->wanted)
		want(g, "hwpoison", &expr);
	begin_search(g, "hwpoison", &expr, g->cursor, false);
}

/* Once more from the other end, if it was not there yet. */
static bool wrap(struct grid *g)
{
	if (g->wrapped)
		return false;
	g->wrapped = true;
	search_begin(&g->search, g->search.backwards ? g->space.pages : UINT64_MAX,
		     g->search.backwards);
	return true;
}

bool grid_search_work(struct grid *g, uint64_t ns)
{
	struct app *app = g->view.app;
	int found = search_step(&g->search, &g->space, ns);

	if (!found || (found == -ENOENT && wrap(g)))
		return true;
	app->dirty = true;
	if (found == 1) {
		grid_move_to(g, g->search.index);
		if (g->wrapped && !g->search.by_pfn)
			app_say(app, "%s: found from the other end on", g->searching);
	} else if (found == -ENOENT) {
		app_alert(app, "%s: there is none here", g->searching);
	} else {
		app_alert_errno(app, "the search", found);
	}
	return g->scanning;
}
