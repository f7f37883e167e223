// SPDX-License-Identifier: GPL-2.0-or-later
/* The keys: what each is called and what it does. */
#include "keys.h"

#include <string.h>
#include <wchar.h>

#define F(n) (KEY_OF_F1 + (n) - 1)

static const struct key_binding bindings[] = {
	{ { F(1), 'h', '?' }, ACTION_HELP, "F1 h ?", "Help", "this help" },
	{ { KEY_OF_UP }, ACTION_UP, "Up", NULL, "a line up" },
	{ { KEY_OF_DOWN }, ACTION_DOWN, "Down", NULL, "a line down" },
	{ { KEY_OF_LEFT }, ACTION_LEFT, "Left", NULL, "a cell to the left" },
	{ { KEY_OF_RIGHT }, ACTION_RIGHT, "Right", NULL, "a cell to the right" },
	{ { KEY_OF_PAGE_UP }, ACTION_PAGE_UP, "PgUp", NULL, "a screen up" },
	{ { KEY_OF_PAGE_DOWN }, ACTION_PAGE_DOWN, "PgDn", NULL,
	  "a screen down" },
	{ { KEY_OF_HOME }, ACTION_HOME, "Home", NULL, "to the beginning" },
	{ { KEY_OF_END }, ACTION_END, "End", NULL, "to the end" },
	{ { KEY_OF_ENTER }, ACTION_ENTER, "Enter", NULL,
	  "go down: into the process, the mapping, the cell, the page" },
	{ { KEY_OF_ESCAPE, KEY_OF_BACKSPACE, 8 }, ACTION_BACK, "Esc Backspace", NULL,
	  "go up again; end a search or a question" },
	{ { KEY_OF_TAB, KEY_OF_BACK_TAB }, ACTION_NEXT_SCREEN, "Tab", "Next",
	  "the next screen: memory, its blocks, processes" },
	{ { F(3), '/' }, ACTION_SEARCH, "F3 /", "Search",
	  "search: pages by a flag expression, as page-types -b; rows by a part of the name" },
	{ { 'n' }, ACTION_NEXT, "n", NULL, "the next one that was searched for" },
	{ { 'N' }, ACTION_PREVIOUS, "N", NULL, "the one before" },
	{ { 'p' }, ACTION_POISONED, "p", NULL, "the next poisoned page" },
	{ { F(4), '\\' }, ACTION_FILTER, "F4 \\", "Filter",
	  "show only what matches: a flag expression, or a part of the name; nothing: all" },
	{ { F(5), 'r' }, ACTION_REFRESH, "F5 r", "Look", "look again, now" },
	{ { F(6), '>' }, ACTION_SORT, "F6 >", "Sort", "sort rows by the next column" },
	{ { 'g' }, ACTION_GOTO, "g", "Go",
	  "go to: a PFN (in a process: an address), \"pfn N\", \"phys ADDR\", \"vaddr ADDR\", "
	  "a mapping by its name; in a list: a name, or a number in the first column (of mappings: "
	  "an address)" },
	{ { '+', '=' }, ACTION_ZOOM_IN, "+", NULL, "fewer pages a cell" },
	{ { '-' }, ACTION_ZOOM_OUT, "-", NULL, "more pages a cell" },
	{ { '0' }, ACTION_ZOOM_FIT, "0", NULL, "all of it on one screen" },
	{ { 'c' }, ACTION_SCHEME, "c", "Scheme",
	  "colour by the next scheme: kind, LRU age, folio order, node, map count, dirty, cgroup" },
	{ { 'l' }, ACTION_LETTERS, "l", NULL, "cells as letters, or as blocks" },
	{ { 'm' }, ACTION_MARK, "m", NULL,
	  "mark: from now on cells with a page that changed stand out; again: no more" },
	{ { 'z' }, ACTION_FREEZE, "z", NULL, "freeze: no refresh by itself; again: go on" },
	{ { 'f' }, ACTION_FAILURE, "f", NULL, "to the page of the latest memory failure" },
	{ { 'o' }, ACTION_OWNERS, "o", NULL, "look for the owners of the page again" },
	{ { ' ' }, ACTION_TAG, "Space", NULL, "tag the page, or take the tag away" },
	{ { 'U' }, ACTION_UNTAG, "U", NULL, "take all tags away" },
	{ { F(9), 'k' }, ACTION_ACT, "F9 k", "Act",
	  "poison or unpoison the tagged pages, or the one at the cursor (--allow-inject)" },
	{ { F(10), 'q' }, ACTION_QUIT, "F10 q", "Quit", "quit" },
	{ { KEY_OF_CLICK }, ACTION_CLICK, "click", NULL, "put the cursor there" },
	{ { KEY_OF_DOUBLE_CLICK }, ACTION_DOUBLE_CLICK, "double click", NULL,
	  "the same, and go down; the wheel scrolls" },
};

const struct key_binding *key_table(size_t *n)
{
	*n = ARRAY_SIZE(bindings);
	return bindings;
}

enum action key_action(int key)
{
	for (size_t i = 0; i < ARRAY_SIZE(bindings); i++)
		for (size_t k = 0; k < ARRAY_SIZE(bindings[i].keys) && bindings[i].keys[k]; k++)
			if (bindings[i].keys[k] == key)
				return bindings[i].action;
	return ACTION_NONE;
}

static const struct {
	const char *name;
	int key;
} names[] = {
	{ "Tab", KEY_OF_TAB },	       { "Enter", KEY_OF_ENTER },
	{ "Esc", KEY_OF_ESCAPE },      { "Backspace", KEY_OF_BACKSPACE },
	{ "Up", KEY_OF_UP },	       { "Down", KEY_OF_DOWN },
	{ "Left", KEY_OF_LEFT },       { "Right", KEY_OF_RIGHT },
	{ "PgUp", KEY_OF_PAGE_UP },    { "PgDn", KEY_OF_PAGE_DOWN },
	{ "Home", KEY_OF_HOME },       { "End", KEY_OF_END },
	{ "Space", ' ' },	       { "F1", F(1) },
	{ "F3", F(3) },		       { "F4", F(4) },
	{ "F5", F(5) },		       { "F6", F(6) },
	{ "F9", F(9) },		       { "F10", F(10) },
};

/* The key of that name, which is a whole word; *text moves on. */
static int take_name(const char **text)
{
	size_t len = strcspn(*text, " ");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strlen(names[i].name) != len || strncmp(names[i].name, *text, len))
			continue;
		*text += len;
		return names[i].key;
	}
	return KEY_OF_NONE;
}

void key_label(int key, char out[KEY_LABEL_SIZE])
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].key == key) {
			snprintf(out, KEY_LABEL_SIZE, "%s", names[i].name);
			return;
		}
	if (key >= KEY_OF_F1 && key <= KEY_OF_F12)
		snprintf(out, KEY_LABEL_SIZE, "F%d", key - KEY_OF_F1 + 1);
	else if (key > 0 && key < ' ')
		snprintf(out, KEY_LABEL_SIZE, "Ctrl-%c", '@' + key);
	else if (snprintf(out, KEY_LABEL_SIZE, "%lc", (wint_t)key) < 0)
		snprintf(out, KEY_LABEL_SIZE, "0x%x", (unsigned int)key);
}

/* A character of the locale; what is none, a byte. */
static int take_typed(const char **text)
{
	mbstate_t state = { 0 };
	wchar_t ch;
	size_t n = mbrtowc(&ch, *text, MB_CUR_MAX, &state);

	if (n == (size_t)-1 || n == (size_t)-2)
		return (unsigned char)*(*text)++;
	*text += n;
	return (int)ch;
}

int key_parse(const char **text, bool *in_word)
{
	size_t blanks = strspn(*text, " ");
	int key;

	*text += blanks;
	if (blanks)
		*in_word = false;
	key = *in_word ? KEY_OF_NONE : take_name(text);
	if (key)
		return key;
	*in_word = true;
	return take_typed(text);
}
