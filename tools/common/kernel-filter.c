// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's own filter: set for one run, put back, shown, cleared. */
#include "common/kernel-filter.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/record.h"

#define NOTE "filter"
#define NOTE_SIZE 512

/* What the kernel has after boot: off, and nothing is asked for. */
static const struct kpage_hwpoison_filter filter_any = {
	.dev_major = UINT32_MAX,
	.dev_minor = UINT32_MAX,
};

static int fail_path(struct kpage_ctx *ctx, int err)
{
	const char *path = kpage_ctx_error_path(ctx);

	if (err == -EPERM && geteuid() == 0)
		return fail(EXIT_NOPERM, "%s: %s (kernel lockdown forbids it: see "
			    "/sys/kernel/security/lockdown)", path, strerror(EPERM));
	return fail_errno(err, "%s", path);
}

int kernel_filter_read(struct kpage_ctx *ctx, struct kpage_hwpoison *hp,
		       struct kpage_hwpoison_filter *out)
{
	int err = kpage_hwpoison_filter_read(hp, out);

	return err ? fail_path(ctx, err) : EXIT_OK;
}

/* ---------------------------------------------------------------------- note */

static void format_note(char text[static NOTE_SIZE], const char *boot,
			const struct kpage_hwpoison_filter *f)
{
	snprintf(text, NOTE_SIZE,
		 "boot=%s\nenable=%d\ndev-major=%" PRIu32 "\ndev-minor=%" PRIu32
		 "\nflags-mask=0x%" PRIx64 "\nflags-value=0x%" PRIx64 "\nmemcg=%" PRIu64 "\n",
		 boot, f->enable, f->dev_major, f->dev_minor, f->flags_mask, f->flags_value,
		 f->memcg);
}

static int parse_note(const char *text, char boot[static 64], struct kpage_hwpoison_filter *f)
{
	char again[NOTE_SIZE];
	unsigned int enable;

	if (sscanf(text,
		   "boot=%63[^\n] enable=%u dev-major=%" SCNu32 " dev-minor=%" SCNu32
		   " flags-mask=0x%" SCNx64 " flags-value=0x%" SCNx64 " memcg=%" SCNu64,
		   boot, &enable, &f->dev_major, &f->dev_minor, &f->flags_mask, &f->flags_value,
		   &f->memcg) != 7)
		return -EUCLEAN;
	f->enable = enable;
	/* scanf takes blanks, signs and numbers that are too large. */
	format_note(again, boot, f);
	return strcmp(again, text) ? -EUCLEAN : 0;
}

static int write_note(struct rundir *r, const struct kpage_hwpoison_filter *f)
{
	char text[NOTE_SIZE];
	int err;

	format_note(text, rundir_boot(r), f);
	err = rundir_note_write(r, NOTE, text);
	return err ? fail_errno(err, "%s/%s", rundir_path(r), NOTE) : EXIT_OK;
}

static int remove_note(struct rundir *r)
{
	int err = rundir_note_remove(r, NOTE);

	return err ? fail_errno(err, "%s/%s", rundir_path(r), NOTE) : EXIT_OK;
}

/* ------------------------------------------------------------------ for a run */

static int put_back(struct kpage_ctx *ctx, struct kpage_hwpoison *hp, struct rundir *r,
		    const struct kpage_hwpoison_filter *f)
{
	int err = kpage_hwpoison_filter_write(hp, f);

	if (!err)
		return remove_note(r);
	warn("the kernel's filter could not be put back: what it was is in %s/%s", rundir_path(r),
	     NOTE);
	return fail_path(ctx, err);
}

int kernel_filter_apply(struct kernel_filter *f, struct kpage_ctx *ctx, struct kpage_hwpoison *hp,
			struct rundir *r)
{
	int err, status;

	if (!kernel_filter_is_given(f))
		return EXIT_OK;
	status = kernel_filter_recover(ctx, hp, r);
	if (!status)
		status = kernel_filter_read(ctx, hp, &f->found);
	if (status)
		return status;
	if (f->want.memcg && !f->found.has_memcg)
		return fail(EXIT_CANNOT, "--memcg: %s/corrupt-filter-memcg: not there (a kernel without "
			    "CONFIG_MEMCG)", kpage_hwpoison_dir(hp));
	status = write_note(r, &f->found);
	if (status)
		return status;
	f->applied = true;
	err = kpage_hwpoison_filter_write(hp, &f->want);
	if (err) {
		status = fail_path(ctx, err);
		kernel_filter_restore(f, ctx, hp, r);
	}
	return status;
}

int kernel_filter_restore(struct kernel_filter *f, struct kpage_ctx *ctx,
			  struct kpage_hwpoison *hp, struct rundir *r)
{
	int status;

	if (!f->applied)
		return EXIT_OK;
	status = put_back(ctx, hp, r, &f->found);
	if (!status)
		f->applied = false;
	return status;
}

static int recover_locked(struct kpage_ctx *ctx, struct kpage_hwpoison *hp, struct rundir *r)
{
	struct kpage_hwpoison_filter f = { 0 };
	_cleanup_free_ char *text = NULL;
	char boot[64];
	int status, err = rundir_note_read(r, NOTE, &text);

	if (err)
		return err == -ENOENT ? EXIT_OK : fail_errno(err, "%s/%s", rundir_path(r), NOTE);
	if (parse_note(text, boot, &f))
		return fail(EXIT_FAILED, "%s/%s: not understood: look at the kernel's filter, and clear it",
			    rundir_path(r), NOTE);
	/* The boot has reset the filter. */
	if (strcmp(boot, rundir_boot(r)) != 0)
		return remove_note(r);
	if (!hp)
		return EXIT_OK;
	status = put_back(ctx, hp, r, &f);
	if (!status)
		warn("the kernel's filter was left behind by a run that was killed: put back");
	return status;
}

int kernel_filter_recover(struct kpage_ctx *ctx, struct kpage_hwpoison *hp, struct rundir *r)
{
	bool held = rundir_is_locked(r);
	int status, err = rundir_trylock(r);

	if (err == -EWOULDBLOCK)
		return EXIT_OK;
	if (err)
		return fail_errno(err, "%s/lock", rundir_path(r));
	status = recover_locked(ctx, hp, r);
	if (!held)
		rundir_unlock(r);
	return status;
}

int kernel_filter_clear(struct kpage_ctx *ctx, struct kpage_hwpoison *hp, struct rundir *r)
{
	int err;

	if (!rundir_is_locked(r))
		return fail_errno(-ENOLCK, "%s/lock", rundir_path(r));
	err = kpage_hwpoison_filter_write(hp, &filter_any);
	return err ? fail_path(ctx, err) : remove_note(r);
}

/* --------------------------------------------------------------------- showing */

struct row {
	const struct kpage_hwpoison_filter *filter;
	char *path;	/* of the memory cgroup; NULL: any, or not to be found */
};

static const struct kpage_hwpoison_filter *filter_of(const void *row)
{
	return ((const struct row *)row)->filter;
}

static void get_enable(const void *row, struct cell *out)
{
	cell_bool(out, filter_of(row)->enable);
}

static void get_number(uint32_t number, struct cell *out)
{
	if (number != UINT32_MAX)
		cell_number(out, number);
}

static void get_major(const void *row, struct cell *out)
{
	get_number(filter_of(row)->dev_major, out);
}

static void get_minor(const void *row, struct cell *out)
{
	get_number(filter_of(row)->dev_minor, out);
}

static void get_mask(const void *row, struct cell *out)
{
	cell_hex(out, filter_of(row)->flags_mask);
}

static void get_value(const void *row, struct cell *out)
{
	cell_hex(out, filter_of(row)->flags_value);
}

static void get_mask_names(const void *row, struct cell *out)
{
	cell_flags(out, filter_of(row)->flags_mask);
}

static void get_value_names(const void *row, struct cell *out)
{
	cell_flags(out, filter_of(row)->flags_value);
}

static void get_memcg(const void *row, struct cell *out)
{
	if (filter_of(row)->memcg)
		cell_number(out, filter_of(row)->memcg);
}

static void get_path(const void *row, struct cell *out)
{
	cell_text(out, ((const struct row *)row)->path);
}

static const struct column columns[] = {
	{ "enable", "ENABLED", -7, get_enable },
	{ "dev_major", "MAJOR", 5, get_major },
	{ "dev_minor", "MINOR", 7, get_minor },
	{ "flags_mask", NULL, 0, get_mask },
	{ "flags_value", NULL, 0, get_value },
	{ NULL, "MASK", -16, get_mask_names },
	{ NULL, "VALUE", -16, get_value_names },
	{ "memcg", "MEMCG", 8, get_memcg },
	{ "memcg_path", "CGROUP", 0, get_path },
};

static const struct record_type filter_record = {
	.name = "filter",
	.version = 1,
	.title = "The kernel's filter (-: any):",
	.columns = columns,
	.nr_columns = ARRAY_SIZE(columns),
};

static void fill_row(struct row *row, struct kpage_ctx *ctx, const struct kpage_hwpoison_filter *f)
{
	*row = (struct row){ .filter = f };
	if (f->memcg && kpage_cgroup_path(ctx, f->memcg, &row->path))
		row->path = NULL;
}

struct json_object *kernel_filter_json(struct kpage_ctx *ctx,
				       const struct kpage_hwpoison_filter *filter)
{
	struct json_object *object;
	struct row row;

	fill_row(&row, ctx, filter);
	object = record_to_json(&filter_record, &row);
	free(row.path);
	return object;
}

int kernel_filter_show(struct kpage_ctx *ctx, struct kpage_hwpoison *hp, bool json)
{
	struct record_output out = { .json = json };
	struct kpage_hwpoison_filter f;
	struct row row;
	int status = kernel_filter_read(ctx, hp, &f);

	if (status)
		return status;
	fill_row(&row, ctx, &f);
	record_print(&out, &filter_record, &row);
	free(row.path);
	return EXIT_OK;
}
