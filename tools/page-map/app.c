// SPDX-License-Identifier: GPL-2.0-or-later
/* The viewer without its terminal. */
#include "app.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "views.h"

/* ----------------------------------------------------------------------- the way */

struct view *app_view(const struct app *app)
{
	return app->views[app->nr_views - 1];
}

void app_push(struct app *app, struct view *v)
{
	if (!v)
		return;
	if (app->nr_views == MAX_DEPTH) {
		v->ops->free(v);
		app_alert(app, "this is deep enough: go up with Esc");
		return;
	}
	app->views[app->nr_views++] = v;
}

void app_pop(struct app *app)
{
	struct view *v = app_view(app);

	/* The first one stays. */
	if (app->nr_views < 2 || (v->ops->may_leave && !v->ops->may_leave(v)))
		return;
	app->nr_views--;
	v->ops->free(v);
}

static void leave_all(struct app *app)
{
	while (app->nr_views) {
		struct view *v = app->views[--app->nr_views];

		v->ops->free(v);
	}
}

/* ------------------------------------------------------------- the first screens */

static struct view *open_memory(struct app *app)
{
	return grid_of_machine(app, "memory", NULL);
}

static struct view *open_own_vmas(struct app *app)
{
	return list_of_vmas(app, app->pid, app->started);
}

static struct view *open_own_pages(struct app *app)
{
	char name[32];

	snprintf(name, sizeof(name), "pages of %d", (int)app->pid);
	return grid_of_process(app, app->pid, app->started, name, NULL);
}

typedef struct view *(*screen_open_fn)(struct app *app);

static const screen_open_fn machine_screens[] = { open_memory, list_of_blocks, list_of_processes };
static const screen_open_fn process_screens[] = { open_own_vmas, open_own_pages };
static const screen_open_fn copy_screens[] = { open_memory, list_of_blocks };

static const screen_open_fn *screens_of(const struct app *app, size_t *n)
{
	if (app->pid) {
		*n = ARRAY_SIZE(process_screens);
		return process_screens;
	}
	if (!machine_has_processes(&app->machine)) {
		*n = ARRAY_SIZE(copy_screens);
		return copy_screens;
	}
	*n = ARRAY_SIZE(machine_screens);
	return machine_screens;
}

/* Whether all of them may be left. */
static bool may_leave_all(const struct app *app)
{
	for (size_t i = 0; i < app->nr_views; i++) {
		struct view *v = app->views[i];

		if (v->ops->may_leave && !v->ops->may_leave(v))
			return false;
	}
	return true;
}

static void next_screen(struct app *app)
{
	size_t n;
	const screen_open_fn *screens = screens_of(app, &n);
	unsigned int next = (app->screen + 1) % (unsigned int)n;
	struct view *v = may_leave_all(app) ? screens[next](app) : NULL;

	if (!v)
		return;
	leave_all(app);
	app->screen = next;
	app_push(app, v);
}

int app_open(struct app *app, const char *sysroot, const char *copy)
{
	int status = machine_open(&app->machine, sysroot, copy);
	struct view *v;
	size_t n;

	if (status)
		return status;
	if (app->pid && kpage_task_read_memory(app->machine.ctx, app->pid, NULL) == -ESRCH)
		return fail(EXIT_FAILED, "--pid: %d: no such process, or a thread of the kernel",
			    (int)app->pid);
	if (app->pid)
		app->started = machine_process_started(&app->machine, app->pid);
	v = screens_of(app, &n)[0](app);
	if (!v)
		return fail(app->error ? status_of(app->error) : EXIT_FAILED, "%s", app->status);
	app_push(app, v);
	return EXIT_OK;
}

void app_close(struct app *app)
{
	leave_all(app);
	free(app->tags);
	free(app->chosen);
	kpage_watch_free(app->watch);
	machine_close(&app->machine);
}

void app_resize(struct app *app, int width, int height)
{
	app->width = width;
	app->height = height;
}

/* ---------------------------------------------------------------- what is said */

static void say(struct app *app, bool alert, const char *fmt, va_list args)
{
	vsnprintf(app->status, sizeof(app->status), fmt, args);
	app->alert = alert;
	app->dirty = true;
}

void app_say(struct app *app, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(app, false, fmt, args);
	va_end(args);
}

void app_alert(struct app *app, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(app, true, fmt, args);
	va_end(args);
}

void app_alert_errno(struct app *app, const char *what, int err)
{
	static const struct {
		int err;
		const char *text;
	} table[] = {
		{ ESRCH, "it has ended" },
		{ EPERM, "page frame numbers are hidden (CAP_SYS_ADMIN is needed)" },
		{ EACCES, "ptrace access to it is refused (CAP_SYS_PTRACE is needed)" },
		{ ENODATA, "the copy ends before one of its pages" },
		{ EBADMSG, "truncated or damaged dump" },
	};

	app->error = err;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].err == -err) {
			app_alert(app, "%s: %s", what, table[i].text);
			return;
		}
	app_alert(app, "%s: %s", what, strerror(-err));
}

void app_ask(struct app *app, enum action question, const char *label)
{
	prompt_ask(&app->prompt, question, label);
}

/* ------------------------------------------------------------------------ keys */

static void go_to_failure(struct app *app)
{
	if (!app->failure.known) {
		app_alert(app, "no memory failure has happened since the start");
		return;
	}
	app->failure.seen = true;
	app_push(app, page_view(app, 0, 0, app->failure.pfn));
}

static void quit(struct app *app)
{
	app->quit = may_leave_all(app);
}

static void help(struct app *app)
{
	/* Once is enough. */
	if (!app_view(app)->is_help)
		app_push(app, help_view(app));
}

static void freeze(struct app *app)
{
	app->frozen = !app->frozen;
	app_say(app, app->frozen ? "frozen" : "refreshed by itself again");
}

static void untag(struct app *app)
{
	app->nr_tags = 0;
}

static void look_again(struct app *app)
{
	struct view *v = app_view(app);

	if (v->ops->refresh && !v->ops->refresh(v))
		v->stale = true;
}

/* What is not a view's to do. */
static const struct {
	enum action action;
	void (*run)(struct app *app);
} own_actions[] = {
	{ ACTION_QUIT, quit },		{ ACTION_HELP, help },
	{ ACTION_NEXT_SCREEN, next_screen }, { ACTION_FREEZE, freeze },
	{ ACTION_FAILURE, go_to_failure }, { ACTION_UNTAG, untag },
	{ ACTION_REFRESH, look_again },
};

static void act(struct app *app, enum action action)
{
	struct view *v = app_view(app);

	for (size_t i = 0; i < ARRAY_SIZE(own_actions); i++)
		if (own_actions[i].action == action) {
			own_actions[i].run(app);
			return;
		}
	if (v->ops->act(v, action))
		return;
	if (action == ACTION_BACK)
		app_pop(app);
	else
		app_alert(app, "that does nothing here");
}

/* A step of the wheel is three lines. */
static bool take_wheel(struct app *app, int key)
{
	if (key != KEY_OF_WHEEL_UP && key != KEY_OF_WHEEL_DOWN)
		return false;
	for (int i = 0; i < 3; i++)
		act(app, key == KEY_OF_WHEEL_UP ? ACTION_UP : ACTION_DOWN);
	return true;
}

static void take_key(struct app *app, int key)
{
	enum action action = key_action(key);
	char name[KEY_LABEL_SIZE];

	if (action) {
		act(app, action);
		return;
	}
	key_label(key, name);
	app_alert(app, "%s: no such key (F1 shows those that there are)", name);
}

static void answer(struct app *app, enum action question)
{
	struct view *v = app_view(app);

	if (question == ACTION_ACT)
		app_inject(app, app->prompt.text);
	else
		v->ops->answer(v, question, app->prompt.text);
}

static void forget_what_was_said(struct app *app)
{
	app->status[0] = '\0';
	app->alert = false;
	app->error = 0;
	app->failure.fresh = false;
}

/* Who types an answer, or gives it up, has not read what is said meanwhile. */
static void take_key_of_answer(struct app *app, int key)
{
	enum action question = app->prompt.question;
	enum prompt_state state = prompt_key(&app->prompt, key);

	if (state == PROMPT_GOES_ON)
		return;
	app->prompt.question = ACTION_NONE;
	if (state != PROMPT_ANSWERED)
		return;
	forget_what_was_said(app);
	answer(app, question);
}

void app_key(struct app *app, int key)
{
	app->dirty = true;
	if (app->prompt.question) {
		take_key_of_answer(app, key);
		return;
	}
	forget_what_was_said(app);
	if (!take_wheel(app, key))
		take_key(app, key);
}

/* ------------------------------------------------------------------------ time */

bool app_work(struct app *app, uint64_t ns)
{
	struct view *v = app_view(app);

	return v->ops->work && v->ops->work(v, ns);
}

/* At most one part in so many of a processor goes into looking again by itself. */
#define SHARE 200

double app_due(const struct app *app)
{
	const struct view *v = app_view(app);
	double pause;

	if (app->frozen || !v->ops->refresh || !v->looked || !kpage_ctx_is_live(app->machine.ctx) ||
	    app->machine.copy)
		return -1;
	pause = MAX(app->settings.delay, (double)v->cpu_ns * SHARE / 1e9) - seconds_since(&v->done);
	return MAX(pause, 0);
}

void view_looked(struct view *v, uint64_t cpu_ns, uint64_t pages)
{
	v->cpu_ns = cpu_ns;
	v->pages = pages;
	v->looked = true;
	v->app->dirty = true;
	clock_gettime(CLOCK_MONOTONIC, &v->done);
}

void app_stale(struct app *app)
{
	for (size_t i = 0; i < app->nr_views; i++)
		app->views[i]->stale = true;
}

int app_take_event(const struct kpage_event *event, void *arg)
{
	struct app *app = arg;

	if (event->kind != KPAGE_EVENT_FAILURE)
		return 0;
	app->failure.known = true;
	app->failure.seen = false;
	app->failure.fresh = true;
	app->failure.pfn = event->pfn;
	snprintf(app->failure.text, sizeof(app->failure.text),
		 "memory failure: PFN 0x%" PRIx64 ": %s: %s (f: go there)", event->pfn, event->type,
		 event->result);
	app_stale(app);
	app->dirty = true;
	return 0;
}

static void read_watch(struct app *app)
{
	int err;

	if (!app->watch || kpage_watch_wait(app->watch, 0) <= 0)
		return;
	err = kpage_watch_read(app->watch, app_take_event, app);
	if (err)
		app_alert_errno(app, "the kernel's events", err);
}

void app_tick(struct app *app)
{
	struct view *v = app_view(app);
	double due = app_due(app);

	read_watch(app);
	/* A failure changes what is shown: that is not waited for. */
	if (!v->looked || !v->ops->refresh || !(v->stale || (due >= 0 && due <= 0)))
		return;
	machine_update(&app->machine);
	v->looked = false;
	if (v->ops->refresh(v))
		v->stale = false;
	else
		v->looked = true;
}

/* ------------------------------------------------------------------------- draw */

/* What the latest look took, if there is room for it. */
static void draw_cost(const struct app *app, struct frame *f, int from)
{
	const struct view *v = app_view(app);
	double seconds = (double)v->cpu_ns / 1e9;
	double pause = MAX(app->settings.delay, seconds * SHARE);
	char text[96], share[32] = "";

	if (!v->looked || !v->pages)
		return;
	if (app->frozen)
		snprintf(share, sizeof(share), ", frozen");
	else if (app_due(app) >= 0)
		snprintf(share, sizeof(share), ", %.1f%% CPU", seconds / pause * 100);
	snprintf(text, sizeof(text), "%.3f s, %.1f Mpages/s%s", seconds,
		 (double)v->pages / 1e6 / MAX(seconds, 1e-9), share);
	if (from + 1 + (int)strlen(text) <= f->width)
		frame_text(f, f->width - (int)strlen(text), 0, f->width, STYLE_DIM, text);
}

/* Of a way that is too long the end is shown. */
static void draw_way(const struct app *app, struct frame *f)
{
	_cleanup_free_ char *way = xstrdup(app->machine.copy ? app->machine.copy : "page-map");

	for (size_t i = 0; i < app->nr_views; i++) {
		_cleanup_free_ char *title = app->views[i]->ops->title(app->views[i]), *longer = NULL;

		if (asprintf(&longer, "%s > %s", way, title) < 0)
			return;
		free(way);
		way = longer;
		longer = NULL;
	}
	draw_cost(app, f, frame_text(f, 0, 0, f->width, STYLE_TITLE, end_of(way, (size_t)f->width)));
}

static void draw_keys(struct frame *f, int y)
{
	size_t n;
	const struct key_binding *keys = key_table(&n);
	int x = 0;

	for (size_t i = 0; i < n; i++) {
		char name[8];

		if (!keys[i].label)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(keys[i].names, " "), keys[i].names);
		/* As far as whole ones go. */
		if (x + (int)(strlen(name) + strlen(keys[i].label)) > f->width)
			break;
		x = frame_text(f, x, y, f->width, STYLE_KEY, name);
		x = frame_text(f, x, y, f->width, STYLE_ACTION, keys[i].label) + 1;
	}
}

/* A failure comes before what was said until then, and what is said of its consequences;
 * only what a key was pressed for hides it for as long as it is new. */
static void draw_status(const struct app *app, struct frame *f, int y)
{
	const char *text = app->status;
	enum style style = app->alert ? STYLE_ALERT : STYLE_NORMAL;

	/* What is said during a question stands above it. */
	if (app->prompt.question) {
		prompt_draw(&app->prompt, f, y--);
		if (!*text && !app->failure.fresh)
			return;
	}
	if (app->failure.known && !app->failure.seen && (app->failure.fresh || !*text)) {
		text = app->failure.text;
		style = STYLE_ALERT;
	}
	if (!*text)
		return;
	/* What the view does in the background may stand there. */
	frame_printf(f, 0, y, f->width, STYLE_NORMAL, "%*s", f->width, "");
	frame_text_cut(f, 0, y, f->width, style, text);
}

void app_draw(struct app *app, struct frame *f)
{
	struct view *v = app_view(app);

	frame_clear(f);
	f->letters = app->settings.letters || app->settings.forced_letters;
	if (f->width < MIN_WIDTH || f->height < MIN_HEIGHT) {
		frame_printf(f, 0, 0, f->width, STYLE_ALERT, "%dx%d: at least %dx%d is needed",
			     f->width, f->height, MIN_WIDTH, MIN_HEIGHT);
		return;
	}
	v->ops->draw(v, f);
	draw_way(app, f);
	draw_status(app, f, f->height - 2);
	draw_keys(f, f->height - 1);
}
