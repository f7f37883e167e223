/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal, by ncurses. */
#pragma once

#include "frame.h"
#include "keys.h"

/*
 * Takes the terminal over. It is given back by screen_close(), at exit(3), and by any signal
 * that ends the program by surprise. EXIT_OK, or a status after a message: no terminal, or one that
 * can't place text (TERM=dumb).
 */
int screen_open(void);
void screen_close(void);

/* How it is to be drawn for: its size; letters where colours are few. */
void screen_size(int *width, int *height);
bool screen_needs_letters(void);

/* Gives the terminal back while the program is stopped, and takes it again. */
void screen_suspend(void);
void screen_resume(void);

/* A change of its size was told by a signal. */
void screen_resized(void);

void screen_show(const struct frame *f);

/* A key that was pressed; KEY_OF_NONE: none. Does not wait. Of a click, where it was. */
int screen_key(int *x, int *y);
