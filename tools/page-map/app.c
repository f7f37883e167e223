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
	app->views = xgrow(app->views, app->nr_views, sizeof(*app->views));
	app->views[app->nr_views++] = v;
}

void app_pop(struct app *app)
{
	struct view *v = app_view(app);

	/* The first one stays. */
	if (app->nr_views < 2)
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
	return list_of_vmas(app, app->pid);
}

static struct view *open_own_pages(struct app *app)
{
	return grid_of_process(app, app->pid, "pages", NULL);
}

struct screen {
	struct view *(*open)(struct app *app);
};

static const struct screen machine_screens[] = {
	{ open_memory },
	{ list_of_blocks },
	{ list_of_processes },
};
static const struct screen process_screens[] = {
	{ open_own_vmas },
	{ open_own_pages },
};
static const struct screen copy_screens[] = {
	{ open_memory },
	{ list_of_blocks },
};

static const struct screen *screens_of(const struct app *app, size_t *n)
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

static void next_screen(struct app *app)
{
	size_t n;
	const struct screen *screens = screens_of(app, &n);
	unsigned int next = (app->screen + 1) % (unsigned int)n;
	struct view *v = screens[next].open(app);

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
	v = screens_of(app, &n)[0].open(app);
	if (!v)
		return fail(app->pid && !app->machine.sees_pfns ? EXIT_NOPERM : EXIT_FAILED, "%s",
			    app->status);
	app_push(app, v);
	return EXIT_OK;
}

void app_close(struct app *app)
{
	leave_all(app);
	free(app->views);
	free(app->tags);
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
		{ EPERM, "the kernel hides page frame numbers from this user (try as root)" },
		{ EACCES, "not permitted: ptrace access is needed (try as root)" },
		{ ENODATA, "the copy ends before one of its pages" },
		{ EBADMSG, "truncated or damaged dump" },
	};

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

/* ----------------------------------------------------------------------- tags */

static size_t find_tag(const struct app *app, pid_t pid, uint64_t place)
{
	size_t i = 0;

	while (i < app->nr_tags && (app->tags[i].pid != pid || app->tags[i].place != place))
		i++;
	return i;
}

bool app_has_tag(const struct app *app, pid_t pid, uint64_t place)
{
	return find_tag(app, pid, place) < app->nr_tags;
}

bool app_toggle_tag(struct app *app, pid_t pid, uint64_t place)
{
	size_t i = find_tag(app, pid, place);

	if (i < app->nr_tags) {
		app->tags[i] = app->tags[--app->nr_tags];
		return true;
	}
	if (app->nr_tags == MAX_TAGS)
		return false;
	app->tags = xgrow(app->tags, app->nr_tags, sizeof(*app->tags));
	app->tags[app->nr_tags++] = (struct tag){ pid, place };
	return true;
}

/* ------------------------------------------------------------------- injection */

/* "A,B,C": page frame numbers, or addresses in a process. */
static char *list_places(const struct tag *pages, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	for (size_t i = 0; to && i < n; i++)
		fprintf(to, "%s0x%" PRIx64, i ? "," : "",
			pages[i].pid ? pages[i].place * kpage_page_size() : pages[i].place);
	if (to)
		fclose(to);
	return text;
}

void app_inject(struct app *app, const char *word, const struct tag *pages, size_t n)
{
	_cleanup_free_ char *places = list_places(pages, n);
	char pid[16];
	char *argv[8] = { (char *)"hwpoison-inject" };
	size_t k = 1;

	if (!places) {
		app_alert(app, "out of memory");
		return;
	}
	snprintf(pid, sizeof(pid), "%d", (int)pages[0].pid);
	if (!strcmp(word, "unpoison")) {
		argv[k++] = (char *)"--unpoison";
		argv[k++] = places;
	} else if (!strcmp(word, "poison")) {
		if (pages[0].pid) {
			argv[k++] = (char *)"--pid";
			argv[k++] = pid;
		}
		argv[k++] = (char *)(pages[0].pid ? "--vaddr" : "--pfn");
		argv[k++] = places;
	} else {
		app_alert(app, "neither \"poison\" nor \"unpoison\" was typed: nothing is done");
		return;
	}
	app_push(app, report_view(app, word, argv));
}

/* ------------------------------------------------------------------------ keys */

static void act(struct app *app, enum action action)
{
	struct view *v = app_view(app);

	switch (action) {
	case ACTION_NONE:
		return;
	case ACTION_QUIT:
		app->quit = true;
		return;
	case ACTION_HELP:
		app_push(app, help_view(app));
		return;
	case ACTION_NEXT_SCREEN:
		next_screen(app);
		return;
	case ACTION_FREEZE:
		app->frozen = !app->frozen;
		app_say(app, app->frozen ? "frozen" : "refreshed by itself again");
		return;
	case ACTION_FAILURE:
		if (app->failure.known)
			app_push(app, page_view(app, 0, app->failure.pfn));
		else
			app_say(app, "no memory failure has happened since the start");
		return;
	case ACTION_UNTAG:
		app->nr_tags = 0;
		return;
	case ACTION_REFRESH:
		if (v->ops->refresh)
			v->ops->refresh(v);
		return;
	default:
		break;
	}
	if (!v->ops->act(v, action) && action == ACTION_BACK)
		app_pop(app);
}

void app_key(struct app *app, int key)
{
	struct view *v = app_view(app);
	enum prompt_state state;
	enum action question;

	app->status[0] = '\0';
	app->alert = false;
	if (!app->prompt.question) {
		act(app, key_action(key));
		return;
	}
	state = prompt_key(&app->prompt, key);
	if (state == PROMPT_GOES_ON)
		return;
	question = app->prompt.question;
	app->prompt.question = ACTION_NONE;
	if (state == PROMPT_ANSWERED && v->ops->answer)
		v->ops->answer(v, question, app->prompt.text);
}

/* ------------------------------------------------------------------------ time */

bool app_work(struct app *app, uint64_t ns)
{
	struct view *v = app_view(app);

	return v->ops->work && v->ops->work(v, ns);
}

/* At most this share of a processor goes into looking again by itself. */
#define SHARE 100

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

static int note_failure(const struct kpage_event *event, void *arg)
{
	struct app *app = arg;

	if (event->kind == KPAGE_EVENT_FAILURE) {
		app->failure.known = true;
		app->failure.pfn = event->pfn;
		app_alert(app, "memory failure: PFN 0x%" PRIx64 ": %s: %s (f: go there)", event->pfn,
			  event->type, event->result);
	}
	return 0;
}

/* Whether the kernel has told of a failure meanwhile. */
static bool read_watch(struct app *app)
{
	uint64_t before = app->failure.pfn;
	bool known = app->failure.known;
	int err;

	if (!app->watch || kpage_watch_wait(app->watch, 0) <= 0)
		return false;
	app->failure.known = false;
	err = kpage_watch_read(app->watch, note_failure, app);
	if (err)
		app_alert_errno(app, "the kernel's events", err);
	if (app->failure.known)
		return true;
	app->failure.known = known;
	app->failure.pfn = before;
	return false;
}

void app_tick(struct app *app)
{
	struct view *v = app_view(app);
	double due = app_due(app);

	/* A failure changes what is shown: that is not waited for. */
	if ((read_watch(app) || (due >= 0 && due <= 0)) && v->ops->refresh && v->looked) {
		v->looked = false;
		v->ops->refresh(v);
	}
}

/* ------------------------------------------------------------------------- draw */

static void draw_cost(const struct app *app, struct frame *f)
{
	const struct view *v = app_view(app);
	double seconds = (double)v->cpu_ns / 1e9;
	double pause = MAX(app->settings.delay, seconds * SHARE);
	char text[96];

	if (!v->looked || !v->pages)
		return;
	if (app->frozen || app_due(app) < 0)
		snprintf(text, sizeof(text), "%.3f s, %.1f Mpages/s%s", seconds,
			 (double)v->pages / 1e6 / MAX(seconds, 1e-9), app->frozen ? ", frozen" : "");
	else
		snprintf(text, sizeof(text), "%.3f s, %.1f Mpages/s, %.1f%% CPU", seconds,
			 (double)v->pages / 1e6 / MAX(seconds, 1e-9), seconds / pause * 100);
	frame_text(f, f->width - (int)strlen(text), 0, (int)strlen(text), STYLE_DIM, text);
}

static void draw_way(const struct app *app, struct frame *f)
{
	int x = frame_text(f, 0, 0, f->width, STYLE_DIM,
			   app->machine.copy ? app->machine.copy : "page-map");

	for (size_t i = 0; i < app->nr_views; i++) {
		_cleanup_free_ char *title = app->views[i]->ops->title(app->views[i]);

		x = frame_text(f, x, 0, f->width, STYLE_DIM, " > ");
		x = frame_text(f, x, 0, f->width, STYLE_TITLE, title);
	}
	draw_cost(app, f);
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

void app_draw(struct app *app, struct frame *f)
{
	struct view *v = app_view(app);

	frame_clear(f);
	f->letters = app->settings.letters;
	if (f->width < MIN_WIDTH || f->height < MIN_HEIGHT) {
		frame_printf(f, 0, 0, f->width, STYLE_ALERT, "%dx%d: at least %dx%d is needed",
			     f->width, f->height, MIN_WIDTH, MIN_HEIGHT);
		return;
	}
	v->ops->draw(v, f);
	draw_way(app, f);
	if (app->prompt.question)
		prompt_draw(&app->prompt, f, f->height - 2);
	else
		frame_text(f, 0, f->height - 2, f->width, app->alert ? STYLE_ALERT : STYLE_NORMAL,
			   app->status);
	draw_keys(f, f->height - 1);
}
