/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A question on the bottom line, and the answer as it is typed. */
#pragma once

#include "frame.h"
#include "keys.h"

struct prompt {
	enum action question;	/* ACTION_NONE: nothing is asked */
	char label[128];
	char text[256];
	size_t len;
};

enum prompt_state {
	PROMPT_GOES_ON,
	PROMPT_ANSWERED,
	PROMPT_LEFT,
};

void prompt_ask(struct prompt *p, enum action question, const char *label);
enum prompt_state prompt_key(struct prompt *p, int key);
void prompt_draw(const struct prompt *p, struct frame *f, int y);
