// SPDX-License-Identifier: GPL-2.0-or-later
#include "watch-screen.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "common/util.h"

/* The time, the head, the sum, and the line that the cursor stays on: were there text in
 * that, the end of it would move the first line out. */
#define OTHER_LINES 4

/* A window changes its size at any time: it is asked for anew each round. */
static void find_size(struct watch_screen *s)
{
	struct winsize size = { 0 };

	s->lines = s->columns = 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col) {
		s->lines = size.ws_row;
		s->columns = size.ws_col;
	}
}

FILE *watch_screen_begin(struct watch_screen *s)
{
	find_size(s);
	s->to = open_memstream(&s->text, &s->size);
	if (!s->to)
		exit(fail(EXIT_FAILED, "%s", strerror(ENOMEM)));
	return s->to;
}

size_t watch_screen_rows(const struct watch_screen *s)
{
	if (!s->lines)
		return SIZE_MAX;
	return s->lines > OTHER_LINES ? s->lines - OTHER_LINES : 0;
}

/* What a round prints are numbers and the names of flags: each byte is a column. */
static void print_line(const struct watch_screen *s, const char *line, size_t length)
{
	if (s->columns)
		length = MIN(length, (size_t)s->columns);
	printf("%.*s\n", (int)length, line);
}

static void print_lines(const struct watch_screen *s)
{
	unsigned int left = s->lines ? s->lines - 1 : UINT32_MAX;
	const char *line = s->text, *end;

	for (; left && (end = strchr(line, '\n')); line = end + 1, left--)
		print_line(s, line, (size_t)(end - line));
}

void watch_screen_end(struct watch_screen *s)
{
	if (fclose(s->to))
		exit(fail(EXIT_FAILED, "%s", strerror(ENOMEM)));
	printf("\033[H\033[2J");
	print_lines(s);
	free(s->text);
	s->text = NULL;
}
