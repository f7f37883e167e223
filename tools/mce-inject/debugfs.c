// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Injection by the files of the module mce_inject: a register a file, and the bank last,
 * which fires. The kernel has one such record for everybody, and clears it when it fires;
 * the type stays.
 */
#include "debugfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cpus.h"
#include "common/util.h"
#include "show.h"

#define DEFAULT_ROOT "/sys/kernel/debug"
#define FLAGS "mce-inject/flags"
#define FAKE_PANIC "mce/fake_panic"
#define NOTE "mce-inject"

/* ------------------------------------------------------------------------ files */

void debugfs_find(struct debugfs *d)
{
	if (kpage_mount_find(d->ctx, "debugfs", "mce-inject", d->root, sizeof(d->root)))
		snprintf(d->root, sizeof(d->root), DEFAULT_ROOT);
}

struct path {
	char text[192];
};

static struct path path_of(const struct debugfs *d, const char *file)
{
	struct path path;

	snprintf(path.text, sizeof(path.text), "%s/%s", d->root, file);
	return path;
}

static struct path register_path(const struct debugfs *d, const char *name)
{
	struct path path;

	snprintf(path.text, sizeof(path.text), "%s/mce-inject/%s", d->root, name);
	return path;
}

/* The line end counts: the kernel cuts the last byte off the type. */
static int write_file(struct kpage_ctx *ctx, const char *path, const char *text)
{
	_cleanup_close_ int fd = kpage_ctx_open(ctx, path, O_WRONLY | O_TRUNC);
	char line[64];
	int length = snprintf(line, sizeof(line), "%s\n", text);

	if (fd < 0)
		return fd;
	return write(fd, line, (size_t)length) == length ? 0 : -errno;
}

static int fail_file(int err, const char *path)
{
	if (err == -ENOENT)
		return fail(EXIT_CANNOT, "%s: not there: the module mce_inject is not loaded (try --load), "
			    "or debugfs is not mounted", path);
	if (err == -EPERM)
		return fail(EXIT_NOPERM, "%s: %s (see /sys/kernel/security/lockdown)", path,
			    strerror(EPERM));
	return fail_errno(err, "%s", path);
}

/* ----------------------------------------------------------------------- writes */

/* In the order of the writes. */
static const struct {
	const char *file;
	enum mce_field field;
	bool always;		/* also if the record has none: 0 */
	bool decimal;
	const char *invalid;	/* what EINVAL means; NULL: nothing special */
} registers[] = {
	{ "cpu", MCE_CPU, true, true, "no such CPU, or it is offline" },
	{ "status", MCE_STATUS, true, false, NULL },
	{ "misc", MCE_MISC, true, false, NULL },
	{ "addr", MCE_ADDR, true, false, NULL },
	{ "synd", MCE_SYND, true, false, NULL },
	{ "ipid", MCE_IPID, false, false, NULL },
	{ "bank", MCE_BANK, true, true, "this CPU has no such bank, or the platform lets no errors be "
	  "written (then only --type sw works)" },
};

/* The kernel drops IPID without a word where it does not only log. */
static bool is_written(const struct debugfs *d, const struct mce *m, size_t i)
{
	if (registers[i].field == MCE_IPID && strcmp(d->type, "sw") != 0)
		return false;
	return registers[i].always || mce_has(m, registers[i].field);
}

static void value_text(const struct mce *m, size_t i, char *buf, size_t size)
{
	uint64_t value = m->value[registers[i].field];

	if (registers[i].decimal)
		snprintf(buf, size, "%" PRIu64, value);
	else
		snprintf(buf, size, "0x%" PRIx64, value);
}

/* What it reads is hexadecimal without a 0x. */
static int check_register(struct debugfs *d, const char *path, uint64_t value)
{
	char now[64];
	int err = kpage_ctx_read_line(d->ctx, path, now, sizeof(now));

	if (err)
		return fail_file(err, path);
	if (strtoull(now, NULL, 16) != value)
		return fail(EXIT_CANNOT, "%s: the kernel took 0x%" PRIx64 " but holds %s", path, value, now);
	return EXIT_OK;
}

static int write_register(struct debugfs *d, const struct mce *m, size_t i)
{
	struct path where = register_path(d, registers[i].file);
	const char *path = where.text;
	char text[32];
	int err;

	value_text(m, i, text, sizeof(text));
	err = write_file(d->ctx, path, text);
	if (err == -EINVAL && registers[i].invalid)
		return fail(EXIT_CANNOT, "%s: %s: %s", path, text, registers[i].invalid);
	if (err == -ENODEV)
		return fail(EXIT_CANNOT, "%s: %s: the bank is not populated", path, text);
	if (err)
		return fail_file(err, path);
	if (registers[i].decimal)
		return EXIT_OK;
	return check_register(d, path, m->value[registers[i].field]);
}

/*
 * Waits for the handler: the write only asks the CPU for the exception, and on one of
 * several of Intel's CPUs the handler waits seconds for the others. Until then fake_panic
 * must stay.
 */
static int settle(uint64_t cpu)
{
	int err = cpu_visit(cpu);

	return err ? fail_errno(err, "CPU %" PRIu64 ": waiting for its machine check", cpu) : EXIT_OK;
}

int debugfs_inject(struct debugfs *d, const struct mce *m)
{
	int status = EXIT_OK;

	for (size_t i = 0; !status && i < ARRAY_SIZE(registers); i++)
		if (is_written(d, m, i))
			status = write_register(d, m, i);
	if (!status && strcmp(d->type, "sw") != 0 && kpage_ctx_is_live(d->ctx))
		status = settle(m->value[MCE_CPU]);
	return status;
}

/* --------------------------------------------------------------------- put back */

/* The note of a run: the type, and fake_panic or "-". */
static int put_back(struct debugfs *d)
{
	_cleanup_free_ char *note = NULL;
	char flags[8], fake[24];
	int err = rundir_note_read(d->dir, NOTE, &note);

	if (err == -ENOENT)
		return EXIT_OK;
	if (err)
		return fail_errno(err, "%s/" NOTE, rundir_path(d->dir));
	if (sscanf(note, "%7s %23s", flags, fake) != 2)
		return fail(EXIT_FAILED, "%s/" NOTE ": %s: not a note of this tool", rundir_path(d->dir),
			    note);
	err = write_file(d->ctx, path_of(d, FLAGS).text, flags);
	if (err)
		return fail_file(err, path_of(d, FLAGS).text);
	if (strcmp(fake, "-") != 0)
		err = write_file(d->ctx, path_of(d, FAKE_PANIC).text, fake);
	if (err)
		return fail_file(err, path_of(d, FAKE_PANIC).text);
	err = rundir_note_remove(d->dir, NOTE);
	return err ? fail_errno(err, "%s/" NOTE, rundir_path(d->dir)) : EXIT_OK;
}

static int take_note(struct debugfs *d)
{
	char note[64], flags[8], fake[24] = "-";
	struct path type = path_of(d, FLAGS), panic = path_of(d, FAKE_PANIC);
	int err = kpage_ctx_read_line(d->ctx, type.text, flags, sizeof(flags));

	if (err)
		return fail_file(err, type.text);
	if (d->fake_panic)
		err = kpage_ctx_read_line(d->ctx, panic.text, fake, sizeof(fake));
	if (err == -ENOENT)
		return fail(EXIT_CANNOT, "%s: not there: this kernel can't fake a panic", panic.text);
	if (err)
		return fail_file(err, panic.text);
	snprintf(note, sizeof(note), "%s %s", flags, fake);
	err = rundir_note_write(d->dir, NOTE, note);
	return err ? fail_errno(err, "%s/" NOTE, rundir_path(d->dir)) : EXIT_OK;
}

int debugfs_begin(struct debugfs *d)
{
	int status = put_back(d), err;

	if (!status)
		status = take_note(d);
	if (status)
		return status;
	err = write_file(d->ctx, path_of(d, FLAGS).text, d->type);
	if (err)
		return fail_file(err, path_of(d, FLAGS).text);
	if (d->fake_panic)
		err = write_file(d->ctx, path_of(d, FAKE_PANIC).text, "1");
	return err ? fail_file(err, path_of(d, FAKE_PANIC).text) : EXIT_OK;
}

int debugfs_end(struct debugfs *d, int status)
{
	int put = put_back(d);

	return status ? status : put;
}

/* ----------------------------------------------------------------------- messages */

void debugfs_show(const struct debugfs *d, const struct mce *m)
{
	char text[32];

	if (d->fake_panic)
		printf("would write 1 to %s\n", path_of(d, FAKE_PANIC).text);
	printf("would write %s to %s\n", d->type, path_of(d, FLAGS).text);
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		if (is_written(d, m, i)) {
			value_text(m, i, text, sizeof(text));
			printf("would write %s to %s\n", text, register_path(d, registers[i].file).text);
		}
}

void debugfs_say_dropped(const struct mce *m, const char *type)
{
	static const struct {
		enum mce_field field;
		const char *name;
	} without_file[] = {
		{ MCE_MCGSTATUS, "MCGSTATUS" }, { MCE_PPIN, "PPIN" }, { MCE_CS, "CS" },
		{ MCE_RIP, "RIP" }, { MCE_TSC, "TSC" }, { MCE_TIME, "TIME" },
		{ MCE_SOCKETID, "SOCKETID" }, { MCE_APICID, "APICID" }, { MCE_MCGCAP, "MCGCAP" },
		{ MCE_VENDOR, "PROCESSOR" }, { MCE_MICROCODE, "MICROCODE" },
	};
	char words[128], names[256] = "";
	size_t length = 0;

	for (size_t i = 0; i < ARRAY_SIZE(without_file); i++)
		if (mce_has(m, without_file[i].field))
			length += (size_t)snprintf(names + length, sizeof(names) - length, " %s",
						   without_file[i].name);
	way_words(m->way, words, sizeof(words));
	if (*words)
		snprintf(names + length, sizeof(names) - length, " %s", words);
	if (*names)
		warn("debugfs has no file for these, they are left out:%s", names);
	if (mce_has(m, MCE_ADDR) && !(m->value[MCE_STATUS] & MCI_ADDRV))
		warn("the status has no ADDRV: the kernel does not look at ADDR");
	if (mce_has(m, MCE_IPID) && strcmp(type, "sw") != 0)
		warn("IPID is only taken with --type sw: it is left out");
}
