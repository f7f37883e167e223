// SPDX-License-Identifier: GPL-2.0-or-later
/* What is remembered from one start to the next. */
#include "state.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* The folder, and the file in it; NULL: there is no home. */
static char *state_path(const char *file)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int n;

	/* A relative path is to be ignored, says the specification. */
	if (state && *state == '/')
		n = asprintf(&path, "%s/hwpoison-tools%s", state, file);
	else if (home && *home == '/')
		n = asprintf(&path, "%s/.local/state/hwpoison-tools%s", home, file);
	else
		return NULL;
	return n < 0 ? NULL : path;
}

static void take_line(struct settings *settings, const char *line)
{
	char name[32], value[32];

	if (sscanf(line, "%31s %31s", name, value) != 2)
		return;
	if (!strcmp(name, "scheme") && scheme_find(value))
		settings->scheme = scheme_find(value);
	else if (!strcmp(name, "letters"))
		settings->letters = !strcmp(value, "yes");
}

void state_load(struct settings *settings)
{
	_cleanup_free_ char *path = state_path("/page-map");
	_cleanup_fclose_ FILE *from = path ? fopen(path, "re") : NULL;
	char line[128];

	while (from && fgets(line, sizeof(line), from))
		take_line(settings, line);
}

/* With all above it, as mkdir -p. */
static void make_folder(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	mkdir(path, 0700);
}

void state_save(const struct settings *settings)
{
	_cleanup_free_ char *folder = state_path(""), *path = state_path("/page-map"),
			    *new = state_path("/page-map.new");
	FILE *to;
	bool bad;

	if (!folder || !path || !new)
		return;
	make_folder(folder);
	to = fopen(new, "we");
	if (!to)
		return;
	fprintf(to, "scheme %s\nletters %s\n", settings->scheme->name, settings->letters ? "yes" : "no");
	bad = ferror(to);
	/* A full disk leaves what was remembered before. */
	if (fclose(to) || bad || rename(new, path))
		unlink(new);
}
