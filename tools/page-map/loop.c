// SPDX-License-Identifier: GPL-2.0-or-later
/* The viewer on a terminal: keys, signals and time. */
#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "screen.h"

/* A key is answered within this time, whatever is being read. */
#define SLICE_NS (20 * 1000 * 1000)
/* The kernel's events, and what a program prints, are looked at so often. */
#define TICK_MS 200
/* The picture of a long scan grows so often. */
#define FRAME_S 0.1

struct loop {
	struct app *app;
	struct frame frame;
	int signals;
	int ending;		/* a signal that ends the program; 0: none */
	struct timespec drawn;
};

static int open_signals(int *fd, sigset_t *before)
{
	static const int handled[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(handled); i++)
		sigaddset(&set, handled[i]);
	if (sigprocmask(SIG_BLOCK, &set, before))
		return -errno;
	*fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *fd < 0 ? -errno : 0;
}

static void take_size(struct loop *l)
{
	int width, height;

	screen_size(&width, &height);
	frame_init(&l->frame, width, height);
	app_resize(l->app, width, height);
	l->app->dirty = true;
}

static void take_terminal_anew(struct loop *l)
{
	screen_suspend();
	screen_resume();
	take_size(l);
}

/* It goes on with a SIGCONT. */
static void stop(void)
{
	screen_suspend();
	raise(SIGSTOP);
}

static void take_signals(struct loop *l)
{
	struct signalfd_siginfo info;

	while (read(l->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGWINCH:
			screen_resized();
			take_size(l);
			break;
		case SIGTSTP:
			stop();
			break;
		case SIGCONT:
			/* After a SIGSTOP, too: who knows what the terminal is like. */
			take_terminal_anew(l);
			break;
		default:
			l->ending = (int)info.ssi_signo;
		}
	}
}

/* In raw mode the terminal makes no signals of keys. */
#define CTRL(c) ((c) & 0x1f)

static void take_key(struct loop *l, int key)
{
	struct app *app = l->app;

	switch (key) {
	case CTRL('C'):
		app->quit = true;
		return;
	case CTRL('Z'):
		stop();
		return;
	case CTRL('L'):
		screen_resized();
		break;
	case KEY_OF_RESIZE:
		take_size(l);
		break;
	default:
		/* From its picture a view knows how far a screen is, and the end. */
		app_draw(app, &l->frame);
		app_key(app, key);
	}
	l->app->dirty = true;
}

static void take_keys(struct loop *l)
{
	int key;

	while (!l->app->quit && (key = screen_key(&l->app->mouse_x, &l->app->mouse_y)) != KEY_OF_NONE)
		take_key(l, key);
}

static void draw(struct loop *l)
{
	app_draw(l->app, &l->frame);
	screen_show(&l->frame);
	clock_gettime(CLOCK_MONOTONIC, &l->drawn);
	l->app->dirty = false;
}

/* How long there is nothing to do, in ms. */
static int idle_ms(const struct loop *l, bool busy)
{
	double due = app_due(l->app);

	if (busy)
		return 0;
	return due >= 0 && due * 1000 < TICK_MS ? (int)(due * 1000) + 1 : TICK_MS;
}

/* false: the terminal is gone. */
static bool wait(struct loop *l, bool busy)
{
	struct pollfd polled[] = { { STDIN_FILENO, POLLIN, 0 }, { l->signals, POLLIN, 0 } };

	if (poll(polled, ARRAY_SIZE(polled), idle_ms(l, busy)) < 0)
		return errno == EINTR;
	if (polled[1].revents)
		take_signals(l);
	if (polled[0].revents & (POLLERR | POLLNVAL))
		return false;
	if (polled[0].revents & POLLIN)
		take_keys(l);
	return !(polled[0].revents & POLLHUP);
}

static void run(struct loop *l)
{
	bool busy = true;

	draw(l);
	while (!l->app->quit && !l->ending && wait(l, busy)) {
		if (l->app->quit || l->ending)
			break;
		app_tick(l->app);
		busy = app_work(l->app, SLICE_NS);
		if (l->app->dirty || (busy && seconds_since(&l->drawn) >= FRAME_S))
			draw(l);
	}
}

int loop_run(struct app *app, bool ascii)
{
	struct loop l = { .app = app, .signals = -1 };
	int status = screen_open(), err;
	sigset_t before;

	if (status)
		return status;
	l.frame.ascii = ascii;
	app->settings.forced_letters = ascii || screen_needs_letters();
	err = open_signals(&l.signals, &before);
	if (!err) {
		take_size(&l);
		run(&l);
	}
	screen_close();
	frame_release(&l.frame);
	if (l.signals >= 0) {
		close(l.signals);
		sigprocmask(SIG_SETMASK, &before, NULL);
	}
	if (err)
		return fail_errno(err, "signals");
	app->ending = l.ending;
	return EXIT_OK;
}
