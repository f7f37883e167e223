/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a function of tools/common says on stderr. */
#pragma once

#include <stddef.h>

#define MESSAGES_SIZE 2048

/* stderr goes to a file until the end; then what was written is in buf. */
void messages_begin(void);
void messages_end(char buf[MESSAGES_SIZE]);

/* The result of a call, and what it said. */
#define HEAR(buf, call)                \
	({                             \
		messages_begin();      \
		typeof(call) _result = (call);\
		messages_end(buf);     \
		_result;               \
	})
