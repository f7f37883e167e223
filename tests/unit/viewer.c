// SPDX-License-Identifier: GPL-2.0-or-later
/* The viewer without a terminal, on a tree of copied kernel files. */
#include "viewer.h"

#include <string.h>

int viewer_setup(void **state)
{
	struct viewer *v = calloc(1, sizeof(*v));
	void *map = NULL;

	if (!v || map_setup(&map)) {
		free(v);
		return -1;
	}
	v->map = map;
	*state = v;
	return 0;
}

int viewer_teardown(void **state)
{
	struct viewer *v = *state;
	void *map = v->map;

	if (v->app.nr_views)
		app_close(&v->app);
	frame_release(&v->frame);
	free(v);
	return map_teardown(&map);
}

void viewer_settle(struct viewer *v)
{
	while (app_work(&v->app, 0))
		;
	app_draw(&v->app, &v->frame);
}

void viewer_open(struct viewer *v, pid_t pid)
{
	v->app.pid = pid;
	v->app.settings.scheme = scheme_find("kind");
	v->app.settings.letters = true;
	v->app.settings.allow_inject = true;
	frame_init(&v->frame, MIN_WIDTH, MIN_HEIGHT);
	app_resize(&v->app, MIN_WIDTH, MIN_HEIGHT);
	assert_int_equal(app_open(&v->app, v->map->fx->dir, NULL), EXIT_OK);
	viewer_settle(v);
}

void viewer_press(struct viewer *v, const char *keys)
{
	bool in_word = false;
	int key;

	while ((key = key_parse(&keys, &in_word)) != KEY_OF_NONE) {
		app_key(&v->app, key);
		viewer_settle(v);
	}
}

void viewer_line(const struct viewer *v, int y, char out[MIN_WIDTH + 1])
{
	for (int x = 0; x < MIN_WIDTH; x++)
		out[x] = (char)frame_at(&v->frame, x, y)->ch;
	out[MIN_WIDTH] = '\0';
	for (size_t n = MIN_WIDTH; n && out[n - 1] == ' '; n--)
		out[n - 1] = '\0';
}

bool viewer_shows(const struct viewer *v, const char *text)
{
	char line[MIN_WIDTH + 1];

	for (int y = 0; y < MIN_HEIGHT; y++) {
		viewer_line(v, y, line);
		if (strstr(line, text))
			return true;
	}
	return false;
}

void viewer_put_started(const struct viewer *v, pid_t pid, unsigned int started)
{
	char text[256], path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	snprintf(text, sizeof(text),
		 "%d (victim) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %u 0 0\n", (int)pid, started);
	fixture_text(v->map->fx, path, text);
}
