/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A frame without a terminal: as text, and as a picture. */
#pragma once

#include "frame.h"

/* The text of the frame, without blanks at the ends of lines. */
void frame_print(const struct frame *f, FILE *to);

/* An SVG 1.1 picture of it. EXIT_OK, or a status after a message. */
int frame_write_svg(const struct frame *f, const char *path);
