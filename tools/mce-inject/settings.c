// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module's settings. They stay when a run has ended, and are everybody's: how they were
 * is noted in the run directory, and put back at the end, or by the next run.
 */
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/util.h"
#include "debugfs.h"

#define FLAGS "mce-inject/flags"
#define FAKE_PANIC "mce/fake_panic"
#define NOTE "mce-inject"

#define NOT_CHANGED "-"

static int write_setting(const struct settings *s, const char *file, const char *text)
{
	struct debugfs_path path = debugfs_path(s->env, file);
	int err = debugfs_write(s->env->ctx, path.text, text);

	return err ? debugfs_fail(err, path.text) : EXIT_OK;
}

static bool is_there(const struct settings *s, const char *file)
{
	struct debugfs_path path = debugfs_path(s->env, file);
	_cleanup_close_ int fd = kpage_ctx_open(s->env->ctx, path.text, O_PATH);

	return fd >= 0;
}

/* The type goes with the module: where that is not loaded any more, there is none. */
static int put_back_file(const struct settings *s, const char *file, const char *text)
{
	if (!strcmp(text, NOT_CHANGED))
		return EXIT_OK;
	if (!strcmp(file, FLAGS) && !is_there(s, FLAGS) && is_there(s, FAKE_PANIC))
		return EXIT_OK;
	return write_setting(s, file, text);
}

/* The note of a run: the type and fake_panic. */
static int put_back(const struct settings *s)
{
	_cleanup_free_ char *note = NULL;
	char flags[8], fake[24];
	int err = rundir_note_read(s->dir, NOTE, &note), status;

	if (err == -ENOENT)
		return EXIT_OK;
	if (err)
		return fail_errno(err, "%s/" NOTE, rundir_path(s->dir));
	if (sscanf(note, "%7s %23s", flags, fake) != 2)
		return fail(EXIT_FAILED, "%s/" NOTE ": %s: not a note of this tool", rundir_path(s->dir),
			    note);
	status = put_back_file(s, FLAGS, flags);
	if (!status)
		status = put_back_file(s, FAKE_PANIC, fake);
	if (status)
		return status;
	err = rundir_note_remove(s->dir, NOTE);
	return err ? fail_errno(err, "%s/" NOTE, rundir_path(s->dir)) : EXIT_OK;
}

/* How a file is now, if it is to be changed. */
static int read_setting(const struct settings *s, bool change, const char *file, char *buf,
			size_t size)
{
	struct debugfs_path path = debugfs_path(s->env, file);
	int err;

	snprintf(buf, size, NOT_CHANGED);
	err = change ? kpage_ctx_read_line(s->env->ctx, path.text, buf, size) : 0;
	if (err == -ENOENT && !strcmp(file, FAKE_PANIC))
		return fail(EXIT_CANNOT, "%s: not there: this kernel can't fake a panic, or debugfs is not "
			    "mounted", path.text);
	return err ? debugfs_fail(err, path.text) : EXIT_OK;
}

static int take_note(const struct settings *s)
{
	const struct options *opt = s->env->opt;
	char note[64], flags[8], fake[24];
	int status = read_setting(s, opt->type, FLAGS, flags, sizeof(flags)), err;

	if (!status)
		status = read_setting(s, opt->fake_panic, FAKE_PANIC, fake, sizeof(fake));
	if (status)
		return status;
	snprintf(note, sizeof(note), "%s %s", flags, fake);
	err = rundir_note_write(s->dir, NOTE, note);
	return err ? fail_errno(err, "%s/" NOTE, rundir_path(s->dir)) : EXIT_OK;
}

int settings_begin(const struct settings *s)
{
	const struct options *opt = s->env->opt;
	int status = s->env->opt->route->by_module ? put_back(s) : EXIT_OK;

	if (status || (!opt->type && !opt->fake_panic))
		return status;
	status = take_note(s);
	if (!status && opt->type)
		status = write_setting(s, FLAGS, opt->type);
	if (!status && opt->fake_panic)
		status = write_setting(s, FAKE_PANIC, "1");
	return status;
}

int settings_end(const struct settings *s, int status)
{
	int put = s->env->opt->route->by_module ? put_back(s) : EXIT_OK;

	return status ? status : put;
}

void settings_show(const struct inject_env *env)
{
	if (env->opt->fake_panic)
		printf("would write 1 to %s\n", debugfs_path(env, FAKE_PANIC).text);
	if (env->opt->type)
		printf("would write %s to %s\n", env->opt->type, debugfs_path(env, FLAGS).text);
}
