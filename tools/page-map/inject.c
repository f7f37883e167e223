// SPDX-License-Identifier: GPL-2.0-or-later
/* Poisoning and unpoisoning from a view: hwpoison-inject does it, under its own rules. */
#include <inttypes.h>
#include <string.h>

#include "views.h"

void app_ask_inject(struct app *app, const struct tag *pages, size_t n, const char *what)
{
	char label[sizeof(app->prompt.label)];

	if (!app->settings.allow_inject) {
		app_alert(app, "only with --allow-inject");
		return;
	}
	free(app->chosen);
	app->chosen = xcalloc(n, sizeof(*app->chosen));
	memcpy(app->chosen, pages, n * sizeof(*app->chosen));
	app->nr_chosen = n;
	snprintf(label, sizeof(label), "%s: type \"poison\" or \"unpoison\"", what);
	app_ask(app, ACTION_ACT, label);
}

/* What lies at a place of a process now; 0: no page, or it can't be seen. */
static uint64_t pfn_at(const struct app *app, pid_t pid, uint64_t place)
{
	struct kpage_file *pagemap = NULL;
	uint64_t entry = 0;

	if (kpage_file_open_pagemap(app->machine.ctx, pid, &pagemap) ||
	    kpage_file_read(pagemap, place, &entry, 1) != 1)
		entry = 0;
	kpage_file_free(pagemap);
	return kpage_pagemap_pfn(entry) ? kpage_pagemap_pfn(entry) :
					  kpage_pagemap_poison_candidate(entry);
}

/* A page of a process may have moved since it was chosen, and the process may be another.
 * A page of memory is what its number says. */
static bool is_as_chosen(struct app *app, const struct tag *t)
{
	if (!t->pid)
		return true;
	/* What can't be told from another process is not poisoned either. */
	if (!t->started || machine_process_check(&app->machine, t->pid, t->started)) {
		app_alert(app, "process %d has ended: nothing is done", (int)t->pid);
		return false;
	}
	if (pfn_at(app, t->pid, t->place) == t->pfn)
		return true;
	app_alert(app, "0x%" PRIx64 " is another page than when it was chosen: nothing is done",
		  t->place * kpage_page_size());
	return false;
}

/* "A,B,C": page frame numbers, or addresses in a process. */
static char *list_places(const struct tag *pages, size_t n, bool addresses)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	for (size_t i = 0; to && i < n; i++)
		fprintf(to, "%s0x%" PRIx64, i ? "," : "",
			addresses ? pages[i].place * kpage_page_size() : pages[i].pfn);
	if (to)
		fclose(to);
	return text;
}

static void run(struct app *app, bool poison)
{
	const struct tag *pages = app->chosen;
	bool addresses = poison && pages[0].pid;
	_cleanup_free_ char *places = list_places(pages, app->nr_chosen, addresses);
	char pid[16];
	char *argv[8] = { (char *)"hwpoison-inject" };
	size_t k = 1;

	if (!places) {
		app_alert(app, "out of memory");
		return;
	}
	snprintf(pid, sizeof(pid), "%d", (int)pages[0].pid);
	if (addresses) {
		argv[k++] = (char *)"--pid";
		argv[k++] = pid;
	}
	argv[k++] = (char *)(!poison ? "--unpoison" : addresses ? "--vaddr" : "--pfn");
	argv[k++] = places;
	app_push(app, report_view(app, poison ? "poison" : "unpoison", argv));
}

void app_inject(struct app *app, const char *word)
{
	bool poison = !strcmp(word, "poison");

	if (!poison && strcmp(word, "unpoison") != 0) {
		app_alert(app, "neither \"poison\" nor \"unpoison\" was typed: nothing is done");
		return;
	}
	for (size_t i = 0; i < app->nr_chosen; i++)
		if (!is_as_chosen(app, &app->chosen[i]))
			return;
	run(app, poison);
}
