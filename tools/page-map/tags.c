// SPDX-License-Identifier: GPL-2.0-or-later
/* Pages that were chosen, each known by where it is and what was there. */
#include "app.h"

struct tag tag_make(pid_t pid, uint64_t started, const struct page_info *p)
{
	return (struct tag){ .pid = pid, .started = started, .place = p->place, .pfn = p->pfn };
}

bool tag_is_of(const struct tag *t, pid_t pid, uint64_t started)
{
	return t->pid == pid && (!pid || t->started == started);
}

bool app_toggle_tag(struct app *app, const struct tag *tag)
{
	for (size_t i = 0; i < app->nr_tags; i++) {
		if (!tag_is_of(&app->tags[i], tag->pid, tag->started) ||
		    app->tags[i].place != tag->place)
			continue;
		app->tags[i] = app->tags[--app->nr_tags];
		return true;
	}
	if (app->nr_tags == MAX_TAGS)
		return false;
	app->tags = xgrow(app->tags, app->nr_tags, sizeof(*app->tags));
	app->tags[app->nr_tags++] = *tag;
	return true;
}
