// SPDX-License-Identifier: GPL-2.0-or-later
/* Capabilities: only those that a tool needs, and only while it needs them. */
#include "common/caps.h"

#include <errno.h>
#include <string.h>

/* NULL: there is nothing to raise. */
static cap_t raised, lowered;

/* Of those that are needed, what this process may have. */
static int keep(cap_t old, cap_t kept, const cap_value_t *needed, size_t n, size_t *count)
{
	for (size_t i = 0; i < n; i++) {
		cap_flag_value_t has = CAP_CLEAR;

		if (cap_get_flag(old, needed[i], CAP_PERMITTED, &has) || has == CAP_CLEAR)
			continue;
		if (cap_set_flag(kept, CAP_PERMITTED, 1, &needed[i], CAP_SET))
			return -errno;
		++*count;
	}
	return 0;
}

static int set_permitted(const cap_value_t *needed, size_t n, size_t *count)
{
	cap_t old = cap_get_proc(), kept = cap_init();
	int err = old && kept ? keep(old, kept, needed, n, count) : -errno;

	if (!err && cap_set_proc(kept))
		err = -errno;
	cap_free(old);
	if (err)
		cap_free(kept);
	else
		lowered = kept;
	return err;
}

/* The same set, all of it effective. */
static int prepare_raised(const cap_value_t *needed, size_t n)
{
	raised = cap_dup(lowered);
	if (!raised)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		cap_flag_value_t has = CAP_CLEAR;

		if (!cap_get_flag(raised, needed[i], CAP_PERMITTED, &has) && has == CAP_SET &&
		    cap_set_flag(raised, CAP_EFFECTIVE, 1, &needed[i], CAP_SET))
			return -errno;
	}
	return 0;
}

static void forget(void)
{
	cap_free(raised);
	cap_free(lowered);
	raised = lowered = NULL;
}

int caps_begin(const cap_value_t *needed, size_t n)
{
	size_t count = 0;
	int err;

	forget();
	err = set_permitted(needed, n, &count);
	if (!err && count)
		err = prepare_raised(needed, n);
	if (err || !count)
		forget();
	return err ? fail_errno(err, "capabilities") : EXIT_OK;
}

/* Both sets are within what is permitted: neither can fail. */
static void set(cap_t caps)
{
	if (caps && cap_set_proc(caps))
		warn("capabilities: %s", strerror(errno));
}

void caps_raise(void)
{
	set(raised);
}

void caps_lower(void)
{
	set(lowered);
}
