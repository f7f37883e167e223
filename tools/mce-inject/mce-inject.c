// SPDX-License-Identifier: GPL-2.0-or-later
/* mce-inject: machine check records, read, explained, and handed to the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/module.h"
#include "common/signals.h"
#include "book.h"
#include "debugfs.h"
#include "follow.h"
#include "machine.h"
#include "objections.h"
#include "options.h"
#include "parse.h"
#include "route.h"
#include "settings.h"
#include "show.h"

#define READ_SIZE 65536

struct run {
	struct options opt;
	struct kpage_ctx *ctx;
	struct machine machine;
	struct mce_list list;
	const char **sources;	/* the name of each record's text; NULL: ready-made */
};

/* ---------------------------------------------------------------- from a file */

static int read_all(int fd, char **text, size_t *length)
{
	*length = 0;
	for (;;) {
		ssize_t n;

		*text = xreallocarray(*text, *length + READ_SIZE, 1);
		n = read(fd, *text + *length, READ_SIZE);
		if (n < 0)
			return -errno;
		if (!n)
			return 0;
		*length += (size_t)n;
	}
}

static void name_sources(struct run *run, size_t from, const char *name)
{
	run->sources = xreallocarray(run->sources, run->list.n + 1, sizeof(*run->sources));
	for (size_t i = from; i < run->list.n; i++)
		run->sources[i] = name;
}

static int parse_text(struct run *run, const char *name, const char *text, size_t length)
{
	size_t before = run->list.n;
	struct mce_error err;

	run->list.passed_over = run->list.first_passed = 0;
	if (mce_parse(text, length, &run->list, &err))
		return fail(EXIT_FAILED, "%s:%zu:%zu: %s", name, err.line, err.column, err.text);
	if (run->list.passed_over)
		warn("%s:%zu: %zu lines are of no record: passed over", name, run->list.first_passed,
		     run->list.passed_over);
	if (run->list.n == before)
		return fail(EXIT_FAILED, "%s: no record", name);
	name_sources(run, before, name);
	return EXIT_OK;
}

static int read_source(struct run *run, const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	const char *name = is_stdin ? "<stdin>" : path;
	_cleanup_close_ int opened = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t length;
	int err;

	if (!is_stdin && opened < 0)
		return fail_errno(-errno, "%s", name);
	err = read_all(is_stdin ? STDIN_FILENO : opened, &text, &length);
	return err ? fail_errno(err, "%s", name) : parse_text(run, name, text, length);
}

static int read_sources(struct run *run)
{
	int status = EXIT_OK;

	if (!run->opt.files)
		return read_source(run, "-");
	for (char **file = run->opt.files; !status && *file; file++)
		status = read_source(run, *file);
	return status;
}

/* ------------------------------------------------------------------ ready-made */

static int resolve(struct run *run, uint64_t *address)
{
	const struct options *opt = &run->opt;
	uint64_t size = kpage_page_size(), entry = 0;
	struct kpage_file *pagemap = NULL;
	ssize_t n;
	int err = kpage_file_open_pagemap(run->ctx, opt->pid, &pagemap);

	if (err)
		return fail_errno(err, "%s", kpage_ctx_error_path(run->ctx));
	n = kpage_file_read(pagemap, opt->vaddr / size, &entry, 1);
	kpage_file_free(pagemap);
	if (n < 0)
		return fail_errno((int)n, "--pid: %d", (int)opt->pid);
	if (!n || !(entry & KPAGE_PM_PRESENT))
		return fail(EXIT_FAILED, "--vaddr: 0x%llx: process %d has no page there",
			    (unsigned long long)opt->vaddr, (int)opt->pid);
	if (!kpage_pagemap_pfn(entry))
		return fail(EXIT_NOPERM, "--pid: the kernel hides PFNs from this caller (CAP_SYS_ADMIN)");
	*address = kpage_pagemap_pfn(entry) * size + opt->vaddr % size;
	return EXIT_OK;
}

static int choose_cpu(const struct run *run, struct mce *m)
{
	const struct options *opt = &run->opt;
	uint64_t cpu = opt->cpu;
	int err = 0;

	if (!opt->has_cpu && opt->pid && opt->route->at_process)
		err = kpage_task_cpu(run->ctx, opt->pid, &cpu);
	if (err)
		return fail_errno(err, "--pid: %d", (int)opt->pid);
	mce_set(m, MCE_CPU, cpu);
	return EXIT_OK;
}

static int make_ready(struct run *run)
{
	const struct options *opt = &run->opt;
	uint64_t address = opt->address;
	bool has = opt->has_address || opt->pid;
	int status = opt->pid ? resolve(run, &address) : EXIT_OK;
	struct mce m;

	if (status)
		return status;
	if (has && address < kpage_page_size())
		return fail(EXIT_USAGE, "an address in page 0: that is what hidden PFNs read as");
	ready_make(opt->ready, has ? &address : NULL, &m);
	status = choose_cpu(run, &m);
	if (status)
		return status;
	if (opt->has_bank)
		mce_set(&m, MCE_BANK, opt->bank);
	run->list.records = xcalloc(1, sizeof(m));
	run->list.records[0] = m;
	run->list.n = 1;
	name_sources(run, 0, NULL);
	return EXIT_OK;
}

/* ------------------------------------------------------------------------ acts */

static struct mce_rules rules_for(const struct run *run, const struct mce *m)
{
	struct mce_rules rules = run->machine.rules;

	if (!run->opt.has_vendor && mce_has(m, MCE_VENDOR))
		rules.vendor = m->value[MCE_VENDOR];
	return rules;
}

static void show(const struct run *run, size_t i)
{
	const struct mce *m = &run->list.records[i];
	struct mce_rules rules = rules_for(run, m);
	struct mce_judgement j;

	mce_judge(m, &rules, &j);
	show_record(m, &rules, &j, run->sources[i], run->opt.json);
}

/* What this kernel makes of it by this route, which is not always that of the hardware's. */
static void show_by_route(const struct run *run, const struct inject_env *env, size_t i)
{
	const struct mce *m = &run->list.records[i];
	struct mce_judgement j;

	run->opt.route->judge(env, m, &j);
	show_record(m, &run->machine.rules, &j, run->sources[i], run->opt.json);
}

/* "FILE:LINE", or the option's name. */
static void name_record(const struct run *run, size_t i, char *buf, size_t size)
{
	if (run->sources[i])
		snprintf(buf, size, "%s:%zu", run->sources[i], run->list.records[i].line);
	else
		snprintf(buf, size, "--%s", run->opt.ready ? run->opt.ready->name : "");
}

/* The bits of action required and optional mean something else on AMD. */
static void warn_of_vendor(const struct run *run)
{
	for (size_t i = 0; i < run->list.n; i++) {
		const struct mce *m = &run->list.records[i];
		/* An injection is judged by the machine that it goes to. */
		const struct mce_rules rules = run->opt.decode ? rules_for(run, m) : run->machine.rules;
		char name[256];

		if (!m->of_intel || !vendor_is_amd(rules.vendor))
			continue;
		name_record(run, i, name, sizeof(name));
		warn("%s: a record of Intel's CPUs (S, AR), which AMD's read otherwise (%s)", name,
		     run->opt.decode ? "to judge it by Intel's rules: --vendor intel" :
				       "write one for them: see RECORDS in mce-inject(1)");
	}
}

/* The group that begins with record i. */
static struct mce_group group_at(const struct run *run, size_t i)
{
	struct mce_group group = { &run->list.records[i], 1 };

	while (group.records[group.n - 1].way & MCE_HOLD && i + group.n < run->list.n)
		group.n++;
	return group;
}

static int check_group(const struct run *run, const struct inject_env *env, size_t first)
{
	struct mce_group group = group_at(run, first);
	int status = EXIT_OK;

	for (size_t i = 0; !status && i < group.n; i++) {
		char name[256];

		name_record(run, first + i, name, sizeof(name));
		status = objections(env, name, &group, i);
		if (!status)
			run->opt.route->say_dropped(env, &group.records[i]);
	}
	return status;
}

static int check_all(const struct run *run, const struct inject_env *env)
{
	int status = EXIT_OK;

	for (size_t i = 0; !status && i < run->list.n; i += group_at(run, i).n)
		status = check_group(run, env, i);
	return status;
}

static bool is_possible(const struct inject_env *env, const struct mce_group *group)
{
	for (size_t i = 0; i < group->n; i++)
		if (env->opt->route->objection(env, group, i))
			return false;
	return true;
}

static int dry_run(const struct run *run, struct inject_env *env)
{
	struct mce_group group;
	int status;

	debugfs_find(env);
	status = check_all(run, env);
	settings_show(env);
	for (size_t i = 0; i < run->list.n; i += group.n) {
		group = group_at(run, i);
		for (size_t j = 0; j < group.n; j++)
			show_by_route(run, env, i + j);
		if (is_possible(env, &group))
			run->opt.route->show(env, &group);
	}
	return status;
}

static int note(const struct inject_env *env, struct book *book, const struct mce *m)
{
	uint64_t address = mce_address(m, env->machine->rules.vendor);

	return poisons(env, m) ? book_note(book, env->opt, address / kpage_page_size()) : EXIT_OK;
}

static int inject_group(const struct run *run, const struct inject_env *env, void *state,
			struct book *book, size_t first)
{
	struct mce_group group = group_at(run, first);
	int status = EXIT_OK;
	char name[256];

	name_record(run, first, name, sizeof(name));
	for (size_t i = 0; !status && i < group.n; i++)
		status = note(env, book, &group.records[i]);
	return status ? status : run->opt.route->inject(env, state, &group, name);
}

/* The memory failures that are sure to come of it. */
static size_t count_failures(const struct run *run, const struct inject_env *env)
{
	size_t n = 0;

	for (size_t i = 0; i < run->list.n; i++) {
		struct mce_judgement j;

		run->opt.route->judge(env, &run->list.records[i], &j);
		n += j.action == MCE_FAILURE;
	}
	return n;
}

static int inject_all(const struct run *run, const struct inject_env *env, void *state,
		      struct book *book)
{
	struct follow *follow;
	int status = follow_new(run->ctx, &run->opt, run->list.records[0].value[MCE_ADDR], &follow);

	for (size_t i = 0; !status && !signals_pending() && i < run->list.n; i += group_at(run, i).n)
		status = inject_group(run, env, state, book, i);
	follow_report(follow, run->opt.wait_ns, status ? 0 : count_failures(run, env));
	follow_free(follow);
	return status;
}

/* What is only logged poisons nothing, and needs no look at pages. */
static int open_book(const struct run *run, const struct inject_env *env, struct rundir *dir,
		     struct book **book)
{
	for (size_t i = 0; i < run->list.n; i++)
		if (poisons(env, &run->list.records[i]))
			return book_open(run->ctx, dir, book);
	return EXIT_OK;
}

static int inject_locked(const struct run *run, const struct inject_env *env, void *state,
			 struct rundir *dir)
{
	const struct settings settings = { env, dir };
	struct book *book = NULL;
	int status = open_book(run, env, dir, &book);

	if (!status)
		status = settings_begin(&settings);
	if (!status)
		status = inject_all(run, env, state, book);
	status = settings_end(&settings, status);
	book_close(book);
	return status;
}

/* The module's files are only there when it is loaded. */
static int make_module_ready(const struct run *run, struct inject_env *env)
{
	const struct route *route = run->opt.route;
	int status = run->opt.load ? module_load(run->ctx, "mce_inject", NULL) : EXIT_OK;

	debugfs_find(env);
	return !status && route->ready ? route->ready(env) : status;
}

static int inject(const struct run *run, struct inject_env *env)
{
	_cleanup_(rundir) struct rundir *dir = NULL;
	const struct route *route = run->opt.route;
	void *state = NULL;
	int status = check_all(run, env);

	if (!status && route->open)
		status = route->open(env, &state);
	if (!status)
		status = make_module_ready(run, env);
	if (!status)
		status = rundir_open(run->ctx, &dir);
	if (!status)
		status = rundir_lock(dir);
	if (!status)
		status = inject_locked(run, env, state, dir);
	if (route->close)
		route->close(state);
	return status;
}

#if defined(__x86_64__) || defined(__i386__)
#define HAS_MACHINE_CHECKS true
#else
#define HAS_MACHINE_CHECKS false
#endif

/* A tree of copies may be that of another machine. */
static int check_machine(const struct run *run)
{
	if (HAS_MACHINE_CHECKS || !kpage_ctx_is_live(run->ctx))
		return EXIT_OK;
	return fail(EXIT_CANNOT, "machine checks: x86 has them, this machine does not (--decode and "
		    "--dry-run read records here, too)");
}

static int go(struct run *run)
{
	struct inject_env env = { .opt = &run->opt, .machine = &run->machine };
	int status, err = kpage_ctx_new(run->opt.sysroot, &run->ctx);

	if (err)
		return fail_errno(err, "--sysroot: %s", run->opt.sysroot ? run->opt.sysroot : "/");
	status = machine_read(run->ctx, &run->machine);
	if (run->opt.has_vendor)
		run->machine.rules.vendor = run->opt.vendor;
	if (!status)
		status = run->opt.ready ? make_ready(run) : read_sources(run);
	if (status)
		return status;
	warn_of_vendor(run);
	env.ctx = run->ctx;
	if (run->opt.dry_run)
		return dry_run(run, &env);
	if (!run->opt.decode) {
		status = check_machine(run);
		return status ? status : inject(run, &env);
	}
	for (size_t i = 0; i < run->list.n; i++)
		show(run, i);
	return EXIT_OK;
}

int main(int argc, char *argv[])
{
	struct run run = { 0 };
	int status;

	switch (options_parse(argc, (const char **)argv, &run.opt, &status)) {
	case PARSE_RUN:
		/* A wait for input is to end by a signal as ever. */
		if (!run.opt.decode && !run.opt.dry_run)
			signals_hold();
		status = go(&run);
		break;
	case PARSE_DONE:
	case PARSE_BAD:
		break;
	}
	options_release(&run.opt);
	machine_release(&run.machine);
	mce_list_release(&run.list);
	free(run.sources);
	kpage_ctx_free(run.ctx);
	status = close_stdout(status);
	signals_release();
	return status;
}
