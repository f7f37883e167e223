// SPDX-License-Identifier: GPL-2.0-or-later
/* A question on the bottom line, and the answer as it is typed. */
#include "prompt.h"

#include <limits.h>
#include <string.h>
#include <wchar.h>

void prompt_ask(struct prompt *p, enum action question, const char *label)
{
	*p = (struct prompt){ .question = question };
	snprintf(p->label, sizeof(p->label), "%s", label);
}

static void take_char(struct prompt *p, int key)
{
	char bytes[MB_LEN_MAX];
	mbstate_t state = { 0 };
	size_t n = wcrtomb(bytes, (wchar_t)key, &state);

	if (n == (size_t)-1 || p->len + n >= sizeof(p->text))
		return;
	memcpy(p->text + p->len, bytes, n);
	p->len += n;
	p->text[p->len] = '\0';
}

/* The last character, of one byte or more: those that follow the first are 10xxxxxx. */
static void erase_char(struct prompt *p)
{
	while (p->len && (p->text[p->len - 1] & 0xc0) == 0x80)
		p->len--;
	if (p->len)
		p->len--;
	p->text[p->len] = '\0';
}

enum prompt_state prompt_key(struct prompt *p, int key)
{
	switch (key) {
	case KEY_OF_ENTER:
		return PROMPT_ANSWERED;
	case KEY_OF_ESCAPE:
		return PROMPT_LEFT;
	case KEY_OF_BACKSPACE:
	case 8:
		erase_char(p);
		return PROMPT_GOES_ON;
	case 21:	/* Ctrl-U */
		p->len = 0;
		p->text[0] = '\0';
		return PROMPT_GOES_ON;
	default:
		if (key >= ' ' && key < KEY_OF_UP)
			take_char(p, key);
		return PROMPT_GOES_ON;
	}
}

static const char *next_char(const char *text)
{
	do
		text++;
	while ((*text & 0xc0) == 0x80);
	return text;
}

void prompt_draw(const struct prompt *p, struct frame *f, int y)
{
	int x = frame_text(f, 0, y, f->width, STYLE_TITLE, p->label);
	const char *text = p->text;

	x = frame_text(f, x, y, f->width, STYLE_TITLE, ": ");
	/* The end of a long answer is what is being typed. */
	while (*text && frame_text_width(f, text) >= f->width - x)
		text = next_char(text);
	x = frame_text(f, x, y, f->width, STYLE_NORMAL, text);
	frame_mark(f, x, y, 1, MARK_CURSOR);
}
