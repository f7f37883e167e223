// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel says and does after an injection: its log, memory failures, signals. */
#include "follow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "common/signals.h"
#include "common/util.h"

/* One record of /dev/kmsg. */
#define KMSG_SIZE 8192

struct follow {
	struct kpage_watch *watch;	/* NULL: refused */
	int kmsg;			/* negative: refused */
	unsigned int lines, failures, signals;
};

struct follow *follow_new(struct kpage_ctx *ctx)
{
	struct follow *f;
	int err;

	if (!kpage_ctx_is_live(ctx)) {
		warn("--sysroot: there is no kernel that could be followed");
		return NULL;
	}
	f = xcalloc(1, sizeof(*f));
	err = kpage_watch_new(ctx, &f->watch);
	if (err)
		warn("memory failures: %s: %s", kpage_ctx_error_path(ctx), strerror(-err));
	f->kmsg = kpage_ctx_open(ctx, "/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (f->kmsg < 0)
		warn("the kernel's log: /dev/kmsg: %s", strerror(-f->kmsg));
	else
		lseek(f->kmsg, 0, SEEK_END);
	return f;
}

static bool is_about_it(const char *text)
{
	static const char *const marks[] = {
		"[Hardware Error]", "mce: ", "Memory failure", "Soft-offlining", "oft offline",
		"MCE: ", "Unexpected deferred", "Unexpected threshold", "Fake kernel panic",
	};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (strstr(text, marks[i]))
			return true;
	return false;
}

/* A record is "level,number,time,-;text", and lines of key=value behind. */
static void print_log(struct follow *f)
{
	char buf[KMSG_SIZE];

	while (f->kmsg >= 0) {
		ssize_t n = read(f->kmsg, buf, sizeof(buf) - 1);
		char *text;

		if (n < 0 && errno == EPIPE) {
			warn("the kernel's log: lines were overwritten before they were read");
			continue;
		}
		if (n <= 0)
			return;
		buf[n] = '\0';
		text = strchr(buf, ';');
		if (!text)
			continue;
		text[1 + strcspn(text + 1, "\n")] = '\0';
		if (!is_about_it(text + 1))
			continue;
		f->lines++;
		printf("log: %s\n", text + 1);
	}
}

static const char *code_name(int code)
{
	return code == BUS_MCEERR_AO ? "BUS_MCEERR_AO" : code == BUS_MCEERR_AR ? "BUS_MCEERR_AR" : "-";
}

static int print_event(const struct kpage_event *e, void *arg)
{
	struct follow *f = arg;

	if (e->kind == KPAGE_EVENT_FAILURE) {
		f->failures++;
		printf("failure: pfn 0x%" PRIx64 " %s: %s\n", e->pfn, e->type, e->result);
	} else if (e->kind == KPAGE_EVENT_SIGNAL) {
		f->signals++;
		printf("signal: %s[%d] SIGBUS %s\n", e->comm, (int)e->tid, code_name(e->code));
	}
	return 0;
}

static void look(struct follow *f)
{
	int err = f->watch ? kpage_watch_read(f->watch, print_event, f) : 0;

	if (err)
		warn("memory failures: %s", strerror(-err));
	print_log(f);
}

void follow_report(struct follow *f, uint64_t wait_ns)
{
	struct timespec start, nap = { .tv_nsec = 50 * 1000 * 1000 };

	if (!f)
		return;
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!signals_pending() && seconds_since(&start) < (double)wait_ns / 1e9) {
		look(f);
		nanosleep(&nap, NULL);
	}
	look(f);
	printf("total: %u lines of the log, %u memory failures, %u signals\n", f->lines, f->failures,
	       f->signals);
	if (f->watch && kpage_watch_lost(f->watch))
		warn("memory failures: %" PRIu64 " events were lost", kpage_watch_lost(f->watch));
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	kpage_watch_free(f->watch);
	if (f->kmsg >= 0)
		close(f->kmsg);
	free(f);
}
