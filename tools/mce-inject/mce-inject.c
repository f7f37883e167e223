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
#include "show.h"
#include "virtual.h"

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
	if (opt->has_cpu)
		mce_set(&m, MCE_CPU, opt->cpu);
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

	if (run->opt.has_vendor)
		rules.vendor = run->opt.vendor;
	else if (mce_has(m, MCE_VENDOR))
		rules.vendor = m->value[MCE_VENDOR];
	return rules;
}

static void show(const struct run *run, size_t i)
{
	struct mce_rules rules = rules_for(run, &run->list.records[i]);

	show_record(&run->list.records[i], &rules, run->sources[i], run->opt.json);
}

/* "FILE:LINE", or the option's name. */
static void name_record(const struct run *run, size_t i, char *buf, size_t size)
{
	if (run->sources[i])
		snprintf(buf, size, "%s:%zu", run->sources[i], run->list.records[i].line);
	else
		snprintf(buf, size, "--%s", run->opt.ready ? run->opt.ready->name : "");
}

static void say_dropped(const struct run *run, const struct mce *m)
{
	struct vm_check check;

	if (!run->opt.by_machine) {
		debugfs_say_dropped(m, run->opt.type);
		return;
	}
	virtual_check(&run->opt, &run->machine, m, &check);
	virtual_say_dropped(m, &check);
}

static int check_all(const struct run *run)
{
	int status = EXIT_OK;

	for (size_t i = 0; !status && i < run->list.n; i++) {
		char name[256];

		name_record(run, i, name, sizeof(name));
		status = objections(&run->opt, &run->machine, name, &run->list.records[i]);
		if (!status)
			say_dropped(run, &run->list.records[i]);
	}
	return status;
}

static void show_injection(const struct run *run, const struct mce *m)
{
	struct debugfs d = {
		.ctx = run->ctx, .type = run->opt.type, .fake_panic = run->opt.fake_panic,
	};
	struct vm_check check;

	if (!run->opt.by_machine) {
		debugfs_find(&d);
		debugfs_show(&d, m);
		return;
	}
	virtual_check(&run->opt, &run->machine, m, &check);
	virtual_show(&check);
}

static int dry_run(const struct run *run)
{
	int status = check_all(run);

	for (size_t i = 0; i < run->list.n; i++) {
		show(run, i);
		show_injection(run, &run->list.records[i]);
	}
	return status;
}

static int raise_one(struct run *run, struct vm_monitor *vm, size_t i)
{
	struct vm_check check;
	char name[256];

	name_record(run, i, name, sizeof(name));
	virtual_check(&run->opt, &run->machine, &run->list.records[i], &check);
	return virtual_raise(vm, &check, name);
}

/* By the module, or by the machine. */
static int inject_one(struct run *run, struct debugfs *d, struct vm_monitor *vm, struct book *book,
		      size_t i)
{
	const struct mce *m = &run->list.records[i];
	uint64_t address = mce_address(m, run->machine.rules.vendor);
	int status = EXIT_OK;

	if (poisons(&run->opt, &run->machine, m))
		status = book_note(book, &run->opt, address / kpage_page_size());
	if (status)
		return status;
	return vm ? raise_one(run, vm, i) : debugfs_inject(d, m);
}

static int inject_all(struct run *run, struct debugfs *d, struct vm_monitor *vm, struct book *book)
{
	struct follow *follow;
	int status = follow_new(run->ctx, &run->opt, &follow);

	for (size_t i = 0; !status && !signals_pending() && i < run->list.n; i++)
		status = inject_one(run, d, vm, book, i);
	follow_report(follow, run->opt.wait_ns);
	follow_free(follow);
	return status;
}

static int inject_by_debugfs(struct run *run, struct rundir *dir, struct book *book)
{
	struct debugfs d = {
		.ctx = run->ctx, .type = run->opt.type, .fake_panic = run->opt.fake_panic, .dir = dir,
	};
	int status;

	debugfs_find(&d);
	status = debugfs_begin(&d);
	if (!status)
		status = inject_all(run, &d, NULL, book);
	return debugfs_end(&d, status);
}

static int inject(struct run *run)
{
	_cleanup_(rundir) struct rundir *dir = NULL;
	struct vm_monitor *vm = NULL;
	struct book *book = NULL;
	int status = run->opt.by_machine ? virtual_open(run->ctx, &vm) : EXIT_OK;

	if (!status)
		status = check_all(run);
	if (!status && run->opt.load)
		status = module_load(run->ctx, "mce_inject", NULL);
	if (!status)
		status = rundir_open(run->ctx, &dir);
	if (!status)
		status = rundir_lock(dir);
	/* What is only logged poisons nothing, and needs no look at pages. */
	if (!status && is_real(&run->opt))
		status = book_open(run->ctx, dir, &book);
	if (!status)
		status = vm ? inject_all(run, NULL, vm, book) : inject_by_debugfs(run, dir, book);
	book_close(book);
	vm_monitor_free(vm);
	return status;
}

static int go(struct run *run)
{
	int status, err = kpage_ctx_new(run->opt.sysroot, &run->ctx);

	if (err)
		return fail_errno(err, "--sysroot: %s", run->opt.sysroot ? run->opt.sysroot : "/");
	status = machine_read(run->ctx, &run->machine);
	if (!status)
		status = run->opt.ready ? make_ready(run) : read_sources(run);
	if (status)
		return status;
	if (run->opt.dry_run)
		return dry_run(run);
	if (!run->opt.decode)
		return inject(run);
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
	mce_list_release(&run.list);
	free(run.sources);
	kpage_ctx_free(run.ctx);
	status = close_stdout(status);
	signals_release();
	return status;
}
