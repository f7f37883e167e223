// SPDX-License-Identifier: GPL-2.0-or-later
/* --system: the kernel's settings of memory failure handling, in words, and changed. */
#include "mcekill.h"

#include <errno.h>

static const struct setting {
	const char *name;	/* below /proc/sys/vm */
	const char *option;
	const char *needs;	/* which kernels have it */
	const char *meaning[2];	/* of 0, of 1 */
	const char *danger[2];	/* what such a value does; NULL: nothing to warn of */
} settings[NR_KNOBS] = {
	[KNOB_EARLY_KILL] = {
		.name = "memory_failure_early_kill",
		.option = "--early-kill",
		.needs = "those with CONFIG_MEMORY_FAILURE have it",
		.meaning = {
			"the default is late: signalled when the page is touched",
			"the default is early: signalled as soon as the kernel knows",
		},
	},
	[KNOB_RECOVERY] = {
		.name = "memory_failure_recovery",
		.option = "--recovery",
		.needs = "those with CONFIG_MEMORY_FAILURE have it",
		.meaning = {
			"every memory error panics the machine",
			"the kernel contains a memory error and goes on",
		},
		.danger = { "the next injection panics this machine" },
	},
	[KNOB_SOFT_OFFLINE] = {
		.name = "enable_soft_offline",
		.option = "--soft-offline",
		.needs = "6.11 and later have it",
		.meaning = {
			"no page is taken out of use for its corrected errors, nor by a request",
			"a page can be emptied and taken out of use",
		},
	},
	[KNOB_PANIC] = {
		.name = "panic_on_unrecoverable_memory_failure",
		.option = "--panic-on-unrecoverable",
		.needs = "7.3 and later have it",
		.meaning = {
			"an error in a page of the kernel itself is ignored: the page stays in use",
			"an error in a page of the kernel itself panics the machine",
		},
		.danger = { NULL, "the next injection into a page of the kernel panics this machine" },
	},
};

struct row {
	const struct setting *setting;
	bool known, changed;
	uint64_t value, before;
};

/* ------------------------------------------------------------------------ the rows */

static const struct row *row_of(const void *row)
{
	return row;
}

static void get_name(const void *row, struct cell *c)
{
	snprintf(c->room, sizeof(c->room), "vm.%s", row_of(row)->setting->name);
	cell_text(c, c->room);
}

static void get_before(const void *row, struct cell *c)
{
	if (row_of(row)->changed)
		cell_number(c, row_of(row)->before);
}

static void get_value(const void *row, struct cell *c)
{
	if (row_of(row)->known)
		cell_number(c, row_of(row)->value);
}

static void get_meaning(const void *row, struct cell *c)
{
	const struct row *r = row;

	if (!r->known) {
		snprintf(c->room, sizeof(c->room), "not in this kernel (%s)", r->setting->needs);
		cell_text(c, c->room);
	} else if (r->value < ARRAY_SIZE(r->setting->meaning)) {
		cell_text(c, r->setting->meaning[r->value]);
	}
}

static const char *danger_of(const struct row *row)
{
	if (!row->known || row->value >= ARRAY_SIZE(row->setting->danger))
		return NULL;
	return row->setting->danger[row->value];
}

static void get_warning(const void *row, struct cell *c)
{
	cell_text(c, danger_of(row));
}

static const struct column setting_columns[] = {
	{ "name", "SETTING", -40, get_name },
	{ "before", "BEFORE", 6, get_before },
	{ "value", "VALUE", 5, get_value },
	{ "meaning", "MEANING", 0, get_meaning },
	{ "warning", NULL, 0, get_warning },
};

static const struct record_type setting_record = {
	.name = "setting",
	.version = 1,
	.columns = setting_columns,
	.nr_columns = ARRAY_SIZE(setting_columns),
};

/* ------------------------------------------------------------------- read and write */

static int read_all(struct kpage_ctx *ctx, struct row rows[NR_KNOBS])
{
	for (size_t i = 0; i < NR_KNOBS; i++) {
		int err = kpage_failure_setting(ctx, settings[i].name, &rows[i].value);

		rows[i].setting = &settings[i];
		rows[i].known = !err;
		if (err && err != -ENOENT)
			return fail_errno(err, "%s", kpage_ctx_error_path(ctx));
	}
	return EXIT_OK;
}

static int check_known(const struct options *opt, const struct row rows[NR_KNOBS])
{
	for (size_t i = 0; i < NR_KNOBS; i++)
		if (opt->has_knob[i] && !rows[i].known)
			return fail(EXIT_CANNOT, "%s: this kernel has no vm.%s (%s)",
				    settings[i].option, settings[i].name, settings[i].needs);
	return EXIT_OK;
}

static bool is_back(struct kpage_ctx *ctx, const struct row *row)
{
	uint64_t now;

	return !row->changed ||
	       (!kpage_failure_setting(ctx, row->setting->name, &now) && now == row->before);
}

/* What was changed before one could not be; and that one, which may have been. */
static void put_back(struct kpage_ctx *ctx, const struct row rows[NR_KNOBS])
{
	for (size_t i = 0; i < NR_KNOBS; i++) {
		int err = is_back(ctx, &rows[i]) ? 0 :
			  kpage_failure_setting_write(ctx, settings[i].name, rows[i].before);

		if (err)
			fail_errno(err, "%s: could not be put back", kpage_ctx_error_path(ctx));
	}
}

static int change_all(struct kpage_ctx *ctx, const struct options *opt, struct row rows[NR_KNOBS])
{
	for (size_t i = 0; i < NR_KNOBS; i++) {
		int err;

		if (!opt->has_knob[i])
			continue;
		rows[i].before = rows[i].value;
		rows[i].value = opt->knobs[i];
		rows[i].changed = true;
		err = kpage_failure_setting_write(ctx, settings[i].name, opt->knobs[i]);
		if (err) {
			int status = fail_errno(err, "%s: %s", settings[i].option,
						kpage_ctx_error_path(ctx));

			put_back(ctx, rows);
			return status;
		}
	}
	return EXIT_OK;
}

/* It persists over a rmmod on most kernels, and swallows real errors, too. */
static void warn_of_filter(struct kpage_ctx *ctx)
{
	struct kpage_hwpoison *hp = NULL;
	struct kpage_hwpoison_filter filter;

	if (kpage_hwpoison_open(ctx, &hp))
		return;
	if (!kpage_hwpoison_filter_read(hp, &filter) && filter.enable)
		warn("%s/corrupt-filter-enable is 1: the kernel ignores memory errors that the filter "
		     "rejects, real ones, too (try: hwpoison-inject --filter-show)",
		     kpage_hwpoison_dir(hp));
	kpage_hwpoison_free(hp);
}

int system_run(struct kpage_ctx *ctx, const struct options *opt)
{
	struct record_output out = { .json = opt->json };
	struct row rows[NR_KNOBS] = { 0 };
	int status = read_all(ctx, rows);

	if (!status)
		status = check_known(opt, rows);
	if (!status)
		status = change_all(ctx, opt, rows);
	if (status)
		return status;
	for (size_t i = 0; i < NR_KNOBS; i++) {
		record_print(&out, &setting_record, &rows[i]);
		if (danger_of(&rows[i]))
			warn("vm.%s is %d: %s", settings[i].name, (int)rows[i].value, danger_of(&rows[i]));
	}
	warn_of_filter(ctx);
	return EXIT_OK;
}
