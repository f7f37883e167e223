// SPDX-License-Identifier: LGPL-2.1-or-later
/* Numbers and page ranges: the addr-spec of page-types. */
#include "private.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

KPAGE_EXPORT int kpage_number_parse(const char *text, uint64_t *out)
{
	unsigned long long n;
	char *end;

	/* strtoull takes blanks and signs, and wraps negative numbers around; from
	 * glibc 2.38 on it may take 0b as well. */
	if (!isdigit((unsigned char)text[0]) || (text[0] == '0' && (text[1] | 32) == 'b'))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (*end)
		return -EINVAL;
	if (errno)
		return -errno;
	*out = n;
	return 0;
}

int number_parse(const char *text, size_t len, uint64_t *out)
{
	_cleanup_free_ char *part = strndup(text, len);

	return part ? kpage_number_parse(part, out) : -ENOMEM;
}

int number_write(int fd, uint64_t number)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "0x%" PRIx64 "\n", number);

	/* One write is one number: the kernel takes no part of it. A write that a
	 * signal interrupted before it began has done nothing (EINTR). */
	while (write(fd, text, (size_t)len) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* The number before or behind a separator; an empty one is `empty`. */
static int parse_part(const char *text, size_t len, uint64_t empty, uint64_t *out)
{
	if (len)
		return number_parse(text, len, out);
	*out = empty;
	return 0;
}

KPAGE_EXPORT int kpage_range_parse(const char *text, struct kpage_range *out)
{
	size_t len = strcspn(text, ",+");
	const char *tail = text + len;
	uint64_t start = 0, end = 0;
	int err;

	if (!*text || !strcmp(text, ",") || (*tail == '+' && (!len || !tail[1])))
		return -EINVAL;
	err = parse_part(text, len, 0, &start);
	if (err)
		return err;
	if (!*tail) {
		end = start + 1;
		if (!end)
			return -ERANGE;
	} else {
		err = parse_part(tail + 1, strlen(tail + 1), UINT64_MAX, &end);
		if (err)
			return err;
		if (*tail == '+' && __builtin_add_overflow(start, end, &end))
			return -ERANGE;
	}
	if (end < start)
		return -EINVAL;
	out->start = start;
	out->end = end;
	return 0;
}

KPAGE_EXPORT size_t kpage_range_subtract(struct kpage_range range, const struct kpage_range *set,
					 size_t n, struct kpage_range *out)
{
	uint64_t at = range.start;
	size_t parts = 0;

	/* From left to right: what lies before the next covered piece is a part. */
	while (at < range.end) {
		uint64_t next = range.end, skip = at;

		for (size_t i = 0; i < n; i++) {
			if (set[i].start <= at && set[i].end > skip)
				skip = set[i].end;
			else if (set[i].start > at && set[i].start < set[i].end)
				next = MIN(next, set[i].start);
		}
		if (skip > at) {
			at = skip;
			continue;
		}
		out[parts++] = (struct kpage_range){ at, next };
		at = next;
	}
	return parts;
}
