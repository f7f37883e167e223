// SPDX-License-Identifier: GPL-2.0-or-later
/* A machine that was saved: a dump, or a copy of kpageflags. */
#include "common/copy.h"

#include <errno.h>

/* What is wrong with a file that begins as a dump does. */
static const char *dump_error(int err)
{
	static const struct {
		int err;
		const char *text;
	} table[] = {
		{ EBADMSG, "truncated or damaged dump" },
		{ EPROTONOSUPPORT, "a dump in a newer format than this version reads" },
		{ EDOM, "a dump of a machine with another page size" },
		{ EILSEQ, "a dump of a machine with another byte order" },
		{ ESPIPE, "a pipe, which can't be read at any place: save it in a file first" },
		{ EUCLEAN, "truncated, or no dump: not a whole number of 8-byte entries" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].err == -err)
			return table[i].text;
	return NULL;
}

static int fail_copy(const char *option, const char *path, int err)
{
	const char *text = dump_error(err);

	return text ? fail(EXIT_FAILED, "%s: %s: %s", option, path, text) :
		      fail_errno(err, "%s: %s", option, path);
}

/* 1 there is a page; 0 none; or an error. */
static int look_into(const struct kpage_file *flags)
{
	struct kpage_range known;
	uint64_t entry;

	if (!kpage_file_next(flags, 0, &known))
		return 0;
	return (int)kpage_file_read(flags, known.start, &entry, 1);
}

void copy_warn_if_empty(const char *option, const char *path, const struct kpage_file *flags)
{
	if (!look_into(flags))
		warn("%s: %s: empty: it has no page", option, path);
}

int copy_open(struct kpage_ctx *ctx, const char *option, const char *path,
	      struct kpage_dump **dump, struct kpage_file **flags)
{
	int err = kpage_dump_open(ctx, path, dump);

	if (!err)
		err = kpage_dump_file(*dump, KPAGE_SOURCE_FLAGS, flags);
	/* A folder can't be looked into, and is no copy either. */
	else if (err == -ENOMSG || err == -EISDIR)
		err = kpage_file_open_dump(ctx, path, flags);
	if (!err && !*dump)
		err = MIN(look_into(*flags), 0);
	return err ? fail_copy(option, path, err) : EXIT_OK;
}
