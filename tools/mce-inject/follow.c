// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel says and does after an injection: its log, memory failures, signals. */
#include "follow.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "common/inject.h"
#include "common/record.h"
#include "common/signals.h"
#include "common/task-row.h"
#include "common/util.h"

/* One record of /dev/kmsg. */
#define KMSG_SIZE 8192

/* One that is followed, whoever has done it. */
static const struct inject_method method = { .name = "mce", .forces = true };

struct failure {
	uint64_t pfn;
	char type[64], result[16];
};

struct follow {
	struct injection inj;
	struct record_output out;
	pid_t pid;		/* the process whose page it is; 0: not known: */
	uint64_t vaddr;
	unsigned int lsb;	/* log2 of what is lost with it; 0: not known */
	int kmsg;		/* negative: refused */
	char **lines;
	size_t nr_lines;
	struct failure *failures;
	size_t nr_failures;
	size_t repeated;	/* pages that were poisoned already, by the log */
	size_t signalled, killed;
};

/* ---------------------------------------------------------------------- records */

static void get_line(const void *row, struct cell *out)
{
	cell_text(out, row);
}

static const struct column log_columns[] = {
	{ "text", "LOG", 0, get_line },
};

static const struct record_type log_record = { "mce_log", 1, NULL, log_columns,
					       ARRAY_SIZE(log_columns) };

static void get_pfn(const void *row, struct cell *out)
{
	cell_pfn(out, ((const struct failure *)row)->pfn);
}

static void get_type(const void *row, struct cell *out)
{
	cell_text(out, ((const struct failure *)row)->type);
}

static void get_result(const void *row, struct cell *out)
{
	cell_text(out, ((const struct failure *)row)->result);
}

static const struct column failure_columns[] = {
	{ "pfn", "PFN", -10, get_pfn },
	{ "type", "TYPE", -27, get_type },
	{ "result", "RESULT", 0, get_result },
};

static const struct record_type failure_record = { "mce_failure", 1, "\nmemory failures:",
						   failure_columns, ARRAY_SIZE(failure_columns) };

#define TOTAL_COLUMN(function, call)                            \
	static void function(const void *row, struct cell *out) \
	{                                                       \
		const struct follow *f = row;                   \
		call;                                           \
	}

TOTAL_COLUMN(total_lines, if (f->kmsg >= 0) cell_number(out, f->nr_lines))
TOTAL_COLUMN(total_failures, if (f->inj.was_watched) cell_number(out, f->nr_failures))
TOTAL_COLUMN(total_signalled, if (f->inj.was_watched) cell_number(out, f->signalled))
TOTAL_COLUMN(total_killed, if (f->inj.was_watched) cell_number(out, f->killed))
TOTAL_COLUMN(total_before, if (f->inj.has_corrupted) cell_number(out, f->inj.corrupted_before))
TOTAL_COLUMN(total_after, if (f->inj.has_corrupted) cell_number(out, f->inj.corrupted_after))
TOTAL_COLUMN(total_lost, if (f->inj.was_watched) cell_number(out, f->inj.events_lost))

static const struct column total_columns[] = {
	{ "log_lines", "LINES", 5, total_lines },
	{ "memory_failures", "FAILURES", 8, total_failures },
	{ "tasks_signalled", "SIGNALLED", 9, total_signalled },
	{ "tasks_killed", "KILLED", 6, total_killed },
	{ "hardware_corrupted_before", "KB BEFORE", 9, total_before },
	{ "hardware_corrupted_after", "KB AFTER", 8, total_after },
	{ "events_lost", "LOST", 4, total_lost },
};

static const struct record_type total_record = { "mce_total", 1, "\ntotal:", total_columns,
						 ARRAY_SIZE(total_columns) };

/* ------------------------------------------------------------------------ begin */

static void take_failure(const struct kpage_event *e, void *arg)
{
	struct follow *f = arg;
	struct failure *failure;

	f->failures = xgrow(f->failures, f->nr_failures, sizeof(*f->failures));
	failure = &f->failures[f->nr_failures++];
	*failure = (struct failure){ .pfn = e->pfn };
	memcpy(failure->type, e->type, sizeof(failure->type));
	memcpy(failure->result, e->result, sizeof(failure->result));
}

static uint64_t address_in(uint64_t pfn, pid_t tid, void *arg)
{
	const struct follow *f = arg;
	struct kpage_task task;

	(void)pfn;
	if (!f->pid || (tid != f->pid && (kpage_task_read(f->inj.ctx, tid, &task) || task.pid != f->pid)))
		return 0;
	return f->vaddr / kpage_page_size() * kpage_page_size();
}

/* Before it is lost, when its parts may become pages by themselves: how large that is. */
static void measure_page(struct follow *f, struct kpage_ctx *ctx, uint64_t pfn)
{
	struct kpage_file *flags;
	struct injection inj;
	uint64_t kflags;

	if (kpage_file_open(ctx, KPAGE_SOURCE_FLAGS, &flags))
		return;
	inj = (struct injection){ .ctx = ctx, .flags = flags };
	if (!injection_read_flags(&inj, pfn, &kflags))
		f->lsb = kflags & KPAGE_BIT(HUGE) ?
				 injection_folio_bits(&inj, injection_head(&inj, pfn, kflags)) :
				 (unsigned int)__builtin_ctzl(kpage_page_size());
	kpage_file_free(flags);
}

static void open_log(struct follow *f, struct kpage_ctx *ctx)
{
	f->kmsg = kpage_ctx_open(ctx, "/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (f->kmsg < 0)
		warn("the kernel's log: /dev/kmsg: %s", strerror(-f->kmsg));
	else
		lseek(f->kmsg, 0, SEEK_END);
}

static void warn_of_filter(const struct follow *f)
{
	if (f->inj.filter_known && f->inj.filter.enable)
		warn("the kernel's filter is enabled: it hides real memory errors, too: a page that it "
		     "rejects stays in use (see hwpoison-inject --filter-show, --filter-clear)");
}

int follow_new(struct kpage_ctx *ctx, const struct options *opt, uint64_t address,
	       struct follow **out)
{
	struct follow *f;
	int status;

	*out = NULL;
	if (!kpage_ctx_is_live(ctx)) {
		warn("--sysroot: there is no kernel that could be followed");
		return EXIT_OK;
	}
	f = xcalloc(1, sizeof(*f));
	status = injection_open(&f->inj, ctx, NULL, &method);
	if (!status)
		status = injection_start(&f->inj);
	if (status) {
		free(f);
		return status;
	}
	f->out.json = opt->json;
	f->pid = opt->pid;
	f->vaddr = opt->vaddr;
	f->inj.all_pages = true;
	f->inj.hooks = (struct inject_hooks){
		.failure = take_failure, .address = address_in, .arg = f,
	};
	if (!f->inj.watch)
		warn("memory failures: %s: %s", kpage_ctx_error_path(ctx), strerror(-f->inj.watch_error));
	if (opt->pid)
		measure_page(f, ctx, address / kpage_page_size());
	open_log(f, ctx);
	warn_of_filter(f);
	*out = f;
	return EXIT_OK;
}

/* ----------------------------------------------------------------------- follow */

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
static void read_log(struct follow *f)
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
		/* Before 6.12 there is no event of it, and only then this line. */
		f->repeated += strstr(text, ": already hardware poisoned") != NULL;
		f->lines = xgrow(f->lines, f->nr_lines, sizeof(*f->lines));
		f->lines[f->nr_lines++] = xstrdup(text + 1);
	}
}

static void look(struct follow *f)
{
	injection_read_events(&f->inj);
	read_log(f);
}

/* ------------------------------------------------------------------------- end */

/* Of a THP that could not be split, its users are told of all of it. */
static unsigned int lsb_of_tasks(const struct follow *f)
{
	for (size_t i = 0; i < f->nr_failures; i++)
		if (!strcmp(f->failures[i].type, "unsplit thp"))
			return 0;
	return f->lsb;
}

static void print_tasks(struct follow *f)
{
	const struct victims *v = &f->inj.victims;

	for (size_t i = 0; i < v->n; i++) {
		_cleanup_free_ char *cgroup = NULL;
		struct task_row row;

		task_row_of_victim(&v->list[i], &row);
		row.lsb = row.has_address ? lsb_of_tasks(f) : 0;
		if (!kpage_cgroup_of_task(f->inj.ctx, row.tid, &cgroup))
			row.cgroup = cgroup;
		f->signalled++;
		f->killed += row.state == STATE_KILLED;
		record_print(&f->out, &task_record, &row);
	}
}

static void print(struct follow *f)
{
	for (size_t i = 0; i < f->nr_lines; i++)
		record_print(&f->out, &log_record, f->lines[i]);
	for (size_t i = 0; i < f->nr_failures; i++)
		record_print(&f->out, &failure_record, &f->failures[i]);
	print_tasks(f);
	record_print(&f->out, &total_record, f);
}

/* The handler of machine checks only passes a page on; the filter may reject it. */
static bool is_on_its_way(struct follow *f, size_t failures)
{
	bool is_told = f->inj.watch && f->inj.filter_known && !f->inj.filter.enable;

	return (is_told && f->nr_failures + f->repeated < failures) ||
	       injection_has_coming(&f->inj);
}

void follow_report(struct follow *f, uint64_t wait_ns, size_t failures)
{
	const double limit = (double)wait_ns / 1e9;
	struct timespec start, nap = { .tv_nsec = 50 * 1000 * 1000 };

	if (!f)
		return;
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!signals_pending() &&
	       injection_waits(limit, seconds_since(&start), is_on_its_way(f, failures))) {
		look(f);
		nanosleep(&nap, NULL);
	}
	injection_settle(&f->inj, 0);
	read_log(f);
	print(f);
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	injection_close(&f->inj);
	for (size_t i = 0; i < f->nr_lines; i++)
		free(f->lines[i]);
	free(f->lines);
	free(f->failures);
	if (f->kmsg >= 0)
		close(f->kmsg);
	free(f);
}
