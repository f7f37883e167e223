/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How each style looks: on terminals of so many colours, and in a picture. */
#pragma once

#include "frame.h"

#define NO_COLOR (-1)

struct look {
	short fg256, bg256;	/* of 256 colours; NO_COLOR: the terminal's own */
	short fg16, bg16;	/* of 16; of 8, those from 8 on are 0 … 7 in bold */
	bool bold, reverse;	/* in any case; reverse where there are no colours */
	const char *fg, *bg;	/* in a picture, and where a terminal takes any colour; NULL:
				 * the ground shows */
};

const struct look *look_of(enum style style);
