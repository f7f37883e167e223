/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys: what each is called and what it does. */
#pragma once

#include "common/util.h"

/* A character by its number in Unicode, and these. */
enum key {
	KEY_OF_NONE = 0,
	KEY_OF_TAB = '\t',
	KEY_OF_ENTER = '\n',
	KEY_OF_ESCAPE = 27,
	KEY_OF_BACKSPACE = 127,
	KEY_OF_UP = 0x110000,
	KEY_OF_DOWN,
	KEY_OF_LEFT,
	KEY_OF_RIGHT,
	KEY_OF_PAGE_UP,
	KEY_OF_PAGE_DOWN,
	KEY_OF_HOME,
	KEY_OF_END,
	KEY_OF_BACK_TAB,
	KEY_OF_F1,
	KEY_OF_F12 = KEY_OF_F1 + 11,
	KEY_OF_CLICK,
	KEY_OF_DOUBLE_CLICK,
	KEY_OF_WHEEL_UP,
	KEY_OF_WHEEL_DOWN,
	KEY_OF_RESIZE,
};

enum action {
	ACTION_NONE,
	ACTION_HELP,
	ACTION_UP,
	ACTION_DOWN,
	ACTION_LEFT,
	ACTION_RIGHT,
	ACTION_PAGE_UP,
	ACTION_PAGE_DOWN,
	ACTION_HOME,
	ACTION_END,
	ACTION_ENTER,
	ACTION_BACK,
	ACTION_NEXT_SCREEN,
	ACTION_ZOOM_IN,
	ACTION_ZOOM_OUT,
	ACTION_ZOOM_FIT,
	ACTION_SCHEME,
	ACTION_LETTERS,
	ACTION_GOTO,
	ACTION_SEARCH,
	ACTION_NEXT,
	ACTION_PREVIOUS,
	ACTION_POISONED,
	ACTION_FAILURE,
	ACTION_FILTER,
	ACTION_SORT,
	ACTION_TAG,
	ACTION_UNTAG,
	ACTION_MARK,
	ACTION_FREEZE,
	ACTION_REFRESH,
	ACTION_OWNERS,
	ACTION_ACT,
	ACTION_QUIT,
	ACTION_CLICK,
	ACTION_DOUBLE_CLICK,
	NR_ACTIONS
};

struct key_binding {
	int keys[4];		/* any of them; 0: no further one */
	enum action action;
	const char *names;	/* as the help shows them */
	const char *label;	/* on the bottom line; NULL: not there */
	const char *help;
};

/* The table, *n of them. */
const struct key_binding *key_table(size_t *n);

enum action key_action(int key);

/* What a key is called. */
#define KEY_LABEL_SIZE 16
void key_label(int key, char out[KEY_LABEL_SIZE]);

/* Reads the next one of keys that are written down: "Down F3 hwpoison Enter". Words are
 * names of keys, or else are typed. *text moves on; *in_word is false at first.
 * KEY_OF_NONE: there is none. */
int key_parse(const char **text, bool *in_word);
