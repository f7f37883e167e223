// SPDX-License-Identifier: GPL-2.0-or-later
/* The terminal, by ncurses. Nothing else knows of it. */
#include "screen.h"

#include <curses.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <wchar.h>

#include "palette.h"

static SCREEN *screen;	/* NULL: it is not ours */
static bool color_is_on;
static struct termios at_start;

/* ---------------------------------------------------------------- when it crashes */

/* What gives the screen back, as bytes: in a signal handler nothing of curses is safe. */
static char farewell[256];
static size_t farewell_len;

static int keep_byte(int c)
{
	if (farewell_len < sizeof(farewell))
		farewell[farewell_len++] = (char)c;
	return c;
}

static void prepare_farewell(void)
{
	/* Colours and the like off, cursor on, keypad and mouse off, the other screen. */
	const char *const names[] = { "sgr0", "op", "cnorm", "rmkx", "rmcup" };
	static const char mouse_off[] = "\033[?1000l\033[?1006l";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *text = tigetstr((char *)(uintptr_t)names[i]);

		if (text && text != (char *)-1)
			tputs(text, 1, keep_byte);
	}
	for (size_t i = 0; key_mouse && i < sizeof(mouse_off) - 1; i++)
		keep_byte(mouse_off[i]);
}

static void crash(int sig)
{
	ssize_t n = write(STDOUT_FILENO, farewell, farewell_len);

	(void)n;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &at_start);
	/* SA_RESETHAND: now it does what it does without us. */
	raise(sig);
}

static void catch_crashes(bool on)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP };
	struct sigaction action = {
		.sa_handler = on ? crash : SIG_DFL,
		.sa_flags = (int)(SA_RESETHAND | SA_ONSTACK),
	};
	/* What crashes may be the stack. */
	static char stack[1 << 16];
	const stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };

	sigaltstack(&other, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

/* ------------------------------------------------------------------------ colours */

/* Where there are so many, a number is no place in a palette: it is red, green and blue. */
#define DIRECT_COLORS (1 << 24)

static int direct_color(short of_256, const char *rgb)
{
	return of_256 == NO_COLOR ? NO_COLOR : (int)strtol(rgb + 1, NULL, 16);
}

/* A pair of colours a style; on 8 and 16 colours by their names there. */
static void make_pair(short style)
{
	const struct look *look = look_of((enum style)style);
	int fg = look->fg16, bg = look->bg16;

	if (COLORS >= DIRECT_COLORS) {
		fg = direct_color(look->fg256, look->fg);
		bg = direct_color(look->bg256, look->bg);
	} else if (COLORS >= 256) {
		fg = look->fg256;
		bg = look->bg256;
	} else if (COLORS < 16) {
		fg = fg > 7 ? fg - 8 : fg;
		bg = bg > 7 ? bg - 8 : bg;
		/* Black on black: the bright black of 16 colours is grey. */
		if (look->fg16 == 8)
			fg = COLOR_WHITE;
	}
	/* Of init_pair(3) a colour is but a short. */
	init_extended_pair(style + 1, fg, bg);
}

static void start_colors(void)
{
	const char *no_color = getenv("NO_COLOR");

	color_is_on = has_colors() && !(no_color && *no_color);
	if (!color_is_on)
		return;
	start_color();
	use_default_colors();
	for (int style = 0; style < NR_STYLES; style++)
		make_pair((short)style);
}

/* Of terminfo: what a terminal can't show along with a colour. */
enum { NCV_STANDOUT = 1, NCV_UNDERLINE = 2 };

static bool clashes_with_color(int what)
{
	return color_is_on && no_color_video > 0 && (no_color_video & what);
}

/* A change is worth more than a colour, but for that of poison. */
static short pair_of(const struct glyph *g)
{
	if (!color_is_on || ((g->marks & MARK_CHANGED) && g->style != STYLE_POISON &&
			     clashes_with_color(NCV_UNDERLINE)))
		return 0;
	return (short)(g->style + 1);
}

static attr_t attributes(const struct glyph *g)
{
	const struct look *look = look_of((enum style)g->style);
	attr_t attr = look->bold ? A_BOLD : A_NORMAL;

	if (color_is_on && COLORS < 16 && look->fg16 > 8)
		attr |= A_BOLD;
	if (!color_is_on && look->reverse)
		attr |= A_REVERSE;
	if (g->marks & MARK_CHANGED)
		attr |= A_BOLD | A_UNDERLINE;
	if (g->marks & MARK_TAGGED)
		attr |= clashes_with_color(NCV_STANDOUT) ? A_REVERSE : A_UNDERLINE | A_STANDOUT;
	if (g->marks & MARK_MIXED)
		attr |= A_DIM;
	if (g->marks & MARK_CURSOR)
		attr ^= A_REVERSE;
	return attr;
}

/* -------------------------------------------------------------------- to begin, to end */

static void start_curses(void)
{
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	mousemask(BUTTON1_CLICKED | BUTTON1_PRESSED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED |
			  BUTTON5_PRESSED, NULL);
	mouseinterval(150);
}

int screen_open(void)
{
	const char *term = getenv("TERM");
	bool can;
	int err;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return fail(EXIT_USAGE, "not on a terminal (try --once, which prints a frame)");
	if (!term || !*term)
		return fail(EXIT_USAGE, "TERM is not set (try --once, which prints a frame)");
	if (tcgetattr(STDIN_FILENO, &at_start))
		return fail_errno(-errno, "the terminal");
	/* Before newterm(), which leaks where it fails. */
	if (setupterm(NULL, STDOUT_FILENO, &err) == ERR)
		return fail(EXIT_USAGE, "TERM=%s: this terminal is not known (try --once, which prints a "
			    "frame)", term);
	can = cursor_address && clear_screen;
	del_curterm(cur_term);
	if (!can)
		return fail(EXIT_USAGE, "TERM=%s: this terminal can't place text (try --once, which prints "
			    "a frame)", term);
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return fail(EXIT_FAILED, "TERM=%s: the terminal can't be used", term);
	atexit(screen_close);
	prepare_farewell();
	catch_crashes(true);
	start_curses();
	start_colors();
	return EXIT_OK;
}

/* Where there is no other screen to go back to, the shell goes on in the last line. */
static void leave(void)
{
	if (!enter_ca_mode) {
		move(LINES - 1, 0);
		clrtoeol();
		refresh();
	}
	endwin();
}

void screen_close(void)
{
	if (!screen)
		return;
	leave();
	delscreen(screen);
	screen = NULL;
	catch_crashes(false);
}

void screen_suspend(void)
{
	leave();
}

void screen_resume(void)
{
	refresh();
	/* curses would do it with the first key, which is sent in the other mode then. */
	keypad(stdscr, TRUE);
	screen_resized();
}

void screen_size(int *width, int *height)
{
	getmaxyx(stdscr, *height, *width);
}

bool screen_needs_letters(void)
{
	return !color_is_on || COLORS < 256;
}

void screen_resized(void)
{
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_row)
		resizeterm(size.ws_row, size.ws_col);
	clearok(curscr, TRUE);
}

/* ------------------------------------------------------------------------- to show */

void screen_show(const struct frame *f)
{
	int width, height;

	screen_size(&width, &height);
	for (int y = 0; y < MIN(height, f->height); y++) {
		for (int x = 0; x < MIN(width, f->width); x++) {
			const struct glyph *g = frame_at(f, x, y);
			const wchar_t text[2] = { (wchar_t)g->ch, L'\0' };
			cchar_t cell;

			if (!g->ch)
				continue;
			setcchar(&cell, text, attributes(g), pair_of(g), NULL);
			mvadd_wch(y, x, &cell);
		}
	}
	refresh();
}

/* -------------------------------------------------------------------------- keys */

static int mouse_key(int *x, int *y)
{
	MEVENT event;

	if (getmouse(&event) != OK)
		return KEY_OF_NONE;
	*x = event.x;
	*y = event.y;
	if (event.bstate & BUTTON4_PRESSED)
		return KEY_OF_WHEEL_UP;
	if (event.bstate & BUTTON5_PRESSED)
		return KEY_OF_WHEEL_DOWN;
	if (event.bstate & BUTTON1_DOUBLE_CLICKED)
		return KEY_OF_DOUBLE_CLICK;
	return event.bstate & (BUTTON1_CLICKED | BUTTON1_PRESSED) ? KEY_OF_CLICK : KEY_OF_NONE;
}

static int named_key(wint_t code)
{
	static const struct {
		wint_t code;
		int key;
	} table[] = {
		{ KEY_UP, KEY_OF_UP },	       { KEY_DOWN, KEY_OF_DOWN },
		{ KEY_LEFT, KEY_OF_LEFT },     { KEY_RIGHT, KEY_OF_RIGHT },
		{ KEY_PPAGE, KEY_OF_PAGE_UP }, { KEY_NPAGE, KEY_OF_PAGE_DOWN },
		{ KEY_HOME, KEY_OF_HOME },     { KEY_END, KEY_OF_END },
		{ KEY_BTAB, KEY_OF_BACK_TAB }, { KEY_ENTER, KEY_OF_ENTER },
		{ KEY_RESIZE, KEY_OF_RESIZE }, { KEY_BACKSPACE, KEY_OF_BACKSPACE },
		/* Of "linux", Ctrl-Z is a key with a name. */
		{ KEY_SUSPEND, 'Z' & 0x1f },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].code == code)
			return table[i].key;
	if (code >= KEY_F(1) && code <= KEY_F(12))
		return KEY_OF_F1 + (int)(code - KEY_F(1));
	return KEY_OF_NONE;
}

static int key_of(int kind, wint_t code, int *x, int *y)
{
	if (kind == KEY_CODE_YES)
		return code == KEY_MOUSE ? mouse_key(x, y) : named_key(code);
	return code == '\r' ? KEY_OF_ENTER : (int)code;
}

/* What means nothing, as a button that is let go of, hides no key behind it. */
int screen_key(int *x, int *y)
{
	int kind, key = KEY_OF_NONE;
	wint_t code;

	while (!key && (kind = get_wch(&code)) != ERR)
		key = key_of(kind, code, x, y);
	return key;
}
