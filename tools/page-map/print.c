// SPDX-License-Identifier: GPL-2.0-or-later
/* A frame as text. */
#include "print.h"

#include <limits.h>
#include <wchar.h>

static void print_char(uint32_t ch, FILE *to)
{
	char bytes[MB_LEN_MAX];
	mbstate_t state = { 0 };
	size_t n = wcrtomb(bytes, (wchar_t)ch, &state);

	if (n == (size_t)-1)
		fputc('?', to);
	else
		fwrite(bytes, 1, n, to);
}

void frame_print(const struct frame *f, FILE *to)
{
	for (int y = 0; y < f->height; y++) {
		int end = f->width;

		while (end && frame_at(f, end - 1, y)->ch == ' ')
			end--;
		for (int x = 0; x < end; x++)
			if (frame_at(f, x, y)->ch)
				print_char(frame_at(f, x, y)->ch, to);
		fputc('\n', to);
	}
}
