/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The viewer without its terminal: a stack of views, the keys that come to them, what is
 * said on the bottom lines. It is drawn into a frame.
 */
#pragma once

#include <time.h>

#include "frame.h"
#include "keys.h"
#include "machine.h"
#include "prompt.h"
#include "space.h"
#include "scheme.h"

#define MIN_WIDTH 80
#define MIN_HEIGHT 24

struct app;
struct view;

struct view_ops {
	/* What it is called on the way at the top. The caller frees it. */
	char *(*title)(const struct view *v);
	/* Draws the lines 1 … height-3. */
	void (*draw)(struct view *v, struct frame *f);
	/* false: the action is not for it. */
	bool (*act)(struct view *v, enum action action);
	/* The answer to a question that it has asked. */
	void (*answer)(struct view *v, enum action question, const char *text);
	/* Goes on with what it does in the background, for about so long (0: to the end).
	 * Whether there is more to do. NULL: nothing. */
	bool (*work)(struct view *v, uint64_t ns);
	/* Begins to look at everything again. false: not now, something is still being done.
	 * NULL: it never changes. */
	bool (*refresh)(struct view *v);
	/* Whether it may be left; it has said why not. NULL: at any time. */
	bool (*may_leave)(struct view *v);
	void (*free)(struct view *v);
};

/* What a view is made of; each kind of view begins with it. */
struct view {
	const struct view_ops *ops;
	struct app *app;
	/* Of the latest look at everything: */
	uint64_t cpu_ns, pages;
	struct timespec done;
	bool looked;		/* there was one */
	bool stale;		/* what it shows has changed: it is looked at again soon */
	bool is_help;
};

/* A page that was chosen, to be tagged or poisoned. */
struct tag {
	pid_t pid;		/* 0: of physical memory */
	uint64_t started;	/* of the process: machine_process_started() */
	uint64_t place;
	uint64_t pfn;		/* that was there */
};

#define MAX_TAGS 4096
/* A way down is some six views; failures may be gone to from everywhere. */
#define MAX_DEPTH 32

struct settings {
	const struct scheme *scheme;
	bool letters;
	bool forced_letters;	/* the terminal can't show blocks */
	bool allow_inject;
	bool sample;		/* the first picture will do */
	double delay;		/* seconds between two looks, at least */
};

struct app {
	struct machine machine;
	struct settings settings;
	struct settings remembered;	/* of these, what a key has changed, or was so before */
	pid_t pid;		/* of --pid; 0: the machine */
	uint64_t started;	/* of that process */
	struct view *views[MAX_DEPTH];	/* the way: the last one is shown */
	size_t nr_views;
	unsigned int screen;	/* which of the first screens the way began with */
	struct prompt prompt;
	struct tag *tags;
	size_t nr_tags;
	struct tag *chosen;	/* that a question about an injection is about */
	size_t nr_chosen;
	struct kpage_watch *watch;
	struct {
		bool known, seen;	/* seen: the user has gone there */
		bool fresh;		/* no key has been pressed since */
		uint64_t pfn;
		char text[200];
	} failure;		/* the latest one */
	int error;		/* the negative errno that the latest key came to; 0: none */
	char status[512];
	bool alert;		/* the status is bad news */
	bool frozen;
	bool quit;
	bool dirty;		/* something was said, or is shown otherwise: draw it */
	int ending;		/* the signal that ended it; 0: none */
	int width, height;
	int mouse_x, mouse_y;	/* of KEY_OF_CLICK */
};

/* Opens what is looked at, and the first screen. EXIT_OK, or a status after a message. */
int app_open(struct app *app, const char *sysroot, const char *copy);
void app_close(struct app *app);

void app_resize(struct app *app, int width, int height);
void app_key(struct app *app, int key);
/* Works for about so long (0: until all is done). Whether there is more to do. */
bool app_work(struct app *app, uint64_t ns);
/* Seconds until the view is to be looked at anew; negative: never. */
double app_due(const struct app *app);
/* Looks at the view anew, if it is time. */
void app_tick(struct app *app);
void app_draw(struct app *app, struct frame *f);

/* --------------------------------------------------------------- for the views */

/* Goes down to another view, which is the app's from then on. */
void app_push(struct app *app, struct view *v);
void app_pop(struct app *app);
struct view *app_view(const struct app *app);

/* A line at the bottom, until the next key. */
void app_say(struct app *app, const char *fmt, ...) _printf_(2, 3);
/* The same for bad news. */
void app_alert(struct app *app, const char *fmt, ...) _printf_(2, 3);
/* The same for a negative errno. what: what could not be done, e.g. "process 17". */
void app_alert_errno(struct app *app, const char *what, int err);

/* Asks; the answer comes to the view that is shown. */
void app_ask(struct app *app, enum action question, const char *label);

/* inject.c: asks whether n pages (at least 1) are to be poisoned or unpoisoned; what they
 * are to the user. They are copied: just these it will be. */
void app_ask_inject(struct app *app, const struct tag *pages, size_t n, const char *what);
/* The answer. The report is a view. */
void app_inject(struct app *app, const char *word);

/* tags.c: a page as it was read. pid 0: of physical memory. */
struct tag tag_make(pid_t pid, uint64_t started, const struct page_info *p);
/* Whether it is of that process: a number may be another's by now. */
bool tag_is_of(const struct tag *t, pid_t pid, uint64_t started);
/* Tags it, or takes the tag away. false: there are too many. */
bool app_toggle_tag(struct app *app, const struct tag *tag);

/* Pages have changed by what is known of: no view on the way waits its time out. */
void app_stale(struct app *app);

/* What the kernel says of memory: kpage_watch_read() hands it to it. arg: the app. 0. */
int app_take_event(const struct kpage_event *event, void *arg);

/* A look at everything is over. */
void view_looked(struct view *v, uint64_t cpu_ns, uint64_t pages);
