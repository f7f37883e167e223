// SPDX-License-Identifier: GPL-2.0-or-later
/* How each style looks. */
#include "palette.h"

#define HUE(fg256, fg16, rgb) { fg256, NO_COLOR, fg16, NO_COLOR, false, false, rgb, NULL }

static const struct look looks[NR_STYLES] = {
	[STYLE_NORMAL] = { NO_COLOR, NO_COLOR, NO_COLOR, NO_COLOR, false, false, "#d0d0d0", NULL },
	[STYLE_TITLE] = { NO_COLOR, NO_COLOR, NO_COLOR, NO_COLOR, true, false, "#ffffff", NULL },
	[STYLE_HEAD] = { 0, 70, 0, 2, false, true, "#000000", "#5faf00" },
	[STYLE_LABEL] = { 109, NO_COLOR, 6, NO_COLOR, false, false, "#87afaf", NULL },
	[STYLE_DIM] = { 242, NO_COLOR, 8, NO_COLOR, false, false, "#6c6c6c", NULL },
	[STYLE_KEY] = { NO_COLOR, NO_COLOR, NO_COLOR, NO_COLOR, true, false, "#ffffff", NULL },
	[STYLE_ACTION] = { 0, 37, 0, 6, false, true, "#000000", "#00afaf" },
	[STYLE_ALERT] = { 203, NO_COLOR, 9, NO_COLOR, true, false, "#ff5f5f", NULL },
	[STYLE_POISON] = { 15, 196, 15, 1, true, true, "#ffffff", "#ff0000" },
	[STYLE_HUE + HUE_GREY] = HUE(240, 8, "#585858"),
	[STYLE_HUE + HUE_DARK] = HUE(236, 8, "#303030"),
	[STYLE_HUE + HUE_BLUE] = HUE(33, 4, "#0087ff"),
	[STYLE_HUE + HUE_SKY] = HUE(117, 12, "#87d7ff"),
	[STYLE_HUE + HUE_CYAN] = HUE(51, 14, "#00ffff"),
	[STYLE_HUE + HUE_TEAL] = HUE(30, 6, "#008787"),
	[STYLE_HUE + HUE_GREEN] = HUE(34, 2, "#00af00"),
	[STYLE_HUE + HUE_LIME] = HUE(155, 10, "#afff5f"),
	[STYLE_HUE + HUE_YELLOW] = HUE(226, 11, "#ffff00"),
	[STYLE_HUE + HUE_ORANGE] = HUE(208, 3, "#ff8700"),
	[STYLE_HUE + HUE_BROWN] = HUE(130, 3, "#af5f00"),
	[STYLE_HUE + HUE_PINK] = HUE(211, 9, "#ff87af"),
	[STYLE_HUE + HUE_MAGENTA] = HUE(201, 13, "#ff00ff"),
	[STYLE_HUE + HUE_PURPLE] = HUE(99, 5, "#875fff"),
	[STYLE_HUE + HUE_VIOLET] = HUE(183, 13, "#d7afff"),
	[STYLE_HUE + HUE_WHITE] = HUE(252, 7, "#d0d0d0"),
};

const struct look *look_of(enum style style)
{
	return &looks[style];
}
