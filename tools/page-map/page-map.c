// SPDX-License-Identifier: GPL-2.0-or-later
/* page-map: look at memory. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "common/signals.h"
#include "loop.h"
#include "options.h"
#include "print.h"
#include "state.h"

/* All that is asked for is done before the next key, and before the frame is shown. What
 * came to nothing is said, whatever the keys after it did: they were pressed elsewhere than
 * was meant. The status of the first of these. */
static int press_keys(struct app *app, struct frame *f, const char *keys)
{
	/* In the smallest steps, if it is not to go on longer than needed. */
	const uint64_t ns = app->settings.sample ? 1 : 0;
	bool in_word = false;
	int key, status = EXIT_OK, failed;

	for (;;) {
		while (app_work(app, ns))
			;
		app_draw(app, f);
		if (app->alert) {
			failed = fail(app->error ? status_of(app->error) : EXIT_FAILED, "%s",
				      app->status);
			status = status ? status : failed;
		}
		key = keys ? key_parse(&keys, &in_word) : KEY_OF_NONE;
		if (key == KEY_OF_NONE || app->quit)
			return status;
		app_key(app, key);
	}
}

static void redraw(struct app *app, struct frame *f, bool letters)
{
	app->settings.letters = letters;
	app_draw(app, f);
}

static int show_once(struct app *app, const struct options *opt)
{
	struct frame f = { .ascii = opt->ascii };
	int status;
	bool other;

	frame_init(&f, opt->width ? opt->width : MIN_WIDTH, opt->height ? opt->height : MIN_HEIGHT);
	app_resize(app, f.width, f.height);
	status = press_keys(app, &f, opt->keys);
	/* A key may have asked for the other kind of cells. */
	other = app->settings.letters;
	if (opt->svg) {
		int written;

		redraw(app, &f, opt->letters != other);
		written = frame_write_svg(&f, opt->svg);
		status = status ? status : written;
	}
	/* Without colours, letters are what can be read. */
	if (opt->once) {
		redraw(app, &f, !other);
		frame_print(&f, stdout);
	}
	frame_release(&f);
	return status;
}

/* Without it the map is shown all the same. */
static void start_watch(struct app *app)
{
	int err;

	if (app->machine.copy || !kpage_ctx_is_live(app->machine.ctx))
		return;
	err = kpage_watch_new(app->machine.ctx, &app->watch);
	if (err)
		app_alert(app, "memory failures won't be told: %s: %s", strerror(-err),
			  kpage_ctx_error_path(app->machine.ctx));
}

static int show_on_terminal(struct app *app, const struct options *opt)
{
	int status;

	state_load(&app->remembered);
	if (!opt->scheme)
		app->settings.scheme = app->remembered.scheme;
	app->settings.letters = app->remembered.letters || opt->letters;
	start_watch(app);
	status = loop_run(app, opt->ascii);
	if (!status)
		state_save(&app->remembered);
	return status;
}

static int run(struct app *app, const struct options *opt)
{
	int status;

	app->pid = opt->pid;
	app->settings.scheme = opt->scheme ? opt->scheme : scheme_find("kind");
	app->remembered.scheme = scheme_find("kind");
	app->settings.allow_inject = opt->allow_inject;
	app->settings.delay = opt->delay;
	app->settings.sample = opt->sample;
	status = app_open(app, opt->sysroot, opt->copy);
	if (!status)
		status = opt->once || opt->svg ? show_once(app, opt) : show_on_terminal(app, opt);
	app_close(app);
	return status;
}

int main(int argc, const char **argv)
{
	struct options opt;
	struct app app = { 0 };
	int status;
	enum parse_result parsed;

	setlocale(LC_ALL, "");
	parsed = options_parse(argc, argv, &opt, &status);
	if (parsed == PARSE_RUN) {
		if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
			opt.ascii = true;
		signal(SIGPIPE, SIG_IGN);
		status = run(&app, &opt);
	}
	options_release(&opt);
	status = close_stdout(status);
	/* As if nobody had caught it: who waits for us is to know. */
	if (app.ending) {
		signal(app.ending, SIG_DFL);
		raise(app.ending);
	}
	return status;
}
