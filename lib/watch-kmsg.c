// SPDX-License-Identifier: LGPL-2.1-or-later
/* Memory failures as the kernel's log tells them: /dev/kmsg. */
#include "watch.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* Longer than any record: the kernel's own limit is 8192 with its header, and a
 * shorter buffer makes read(2) fail with EINVAL. */
#define KMSG_RECORD_MAX 8193

/* Lines of ours are far shorter. */
#define KMSG_LINE_MAX 512

static bool starts_with(const char *s, const char *prefix, const char **rest)
{
	size_t len = strlen(prefix);

	if (strncmp(s, prefix, len) != 0)
		return false;
	*rest = s + len;
	return true;
}

/* The length of s without the suffix. */
static bool ends_with(const char *s, size_t len, const char *suffix, size_t *head)
{
	size_t tail = strlen(suffix);

	if (len < tail || memcmp(s + len - tail, suffix, tail) != 0)
		return false;
	*head = len - tail;
	return true;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return INT_MAX;
}

/* strtoull(3) takes signs, blanks and what does not fit. */
static bool take_number(const char **s, int base, uint64_t *out)
{
	const char *p = *s;
	uint64_t value = 0;

	for (; digit_value(*p) < base; p++) {
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit_value(*p), &value))
			return false;
	}
	if (p == *s)
		return false;
	*s = p;
	*out = value;
	return true;
}

/* The kernel prints some numbers with %#lx (0 has no 0x then), some with %lx. */
static bool take_hex(const char **s, uint64_t *out)
{
	if (!strncmp(*s, "0x", 2))
		*s += 2;
	return take_number(s, 16, out);
}

/* "COMM:TID" of that length. COMM is any text: the TID is what is right of the
 * last colon. */
static bool parse_task(const char *s, size_t len, struct kpage_event *event)
{
	const char *colon = memrchr(s, ':', len);
	const char *p = colon ? colon + 1 : NULL;
	size_t comm;
	uint64_t tid;

	if (!colon || !take_number(&p, 10, &tid) || p != s + len || !tid || tid > INT_MAX)
		return false;
	comm = (size_t)(colon - s);
	if (comm >= sizeof(event->comm))
		return false;
	memcpy(event->comm, s, comm);
	event->comm[comm] = '\0';
	event->tid = (pid_t)tid;
	return true;
}

bool failure_text_parse(const char *text, struct kpage_event *event)
{
	static const char action[] = "recovery action for ";
	const char *type = strstr(text, action), *result;
	size_t len;

	if (!type)
		return false;
	type += strlen(action);
	result = strrchr(type, ':');
	if (!result || result == type || result[1] != ' ' || !result[2])
		return false;
	len = (size_t)(result - type);
	if (len >= sizeof(event->type) || strlen(result + 2) >= sizeof(event->result))
		return false;
	memcpy(event->type, type, len);
	event->type[len] = '\0';
	strcpy(event->result, result + 2);
	return true;
}

/* What follows "Memory failure: PFN: ". */
static bool parse_failure(const char *text, struct kpage_event *event)
{
	const char *rest;
	size_t len;

	event->kind = KPAGE_EVENT_FAILURE;
	if (starts_with(text, "recovery action for ", &rest))
		return failure_text_parse(text, event);
	if (strcmp(text, "already hardware poisoned") == 0) {
		/* All that 6.1 says of it; later ones have a recovery action that
		 * "Failed" in its place. */
		strcpy(event->type, text);
		strcpy(event->result, "Failed");
		return true;
	}
	event->kind = KPAGE_EVENT_SIGNAL;
	return starts_with(text, "Sending SIGBUS to ", &rest) &&
	       ends_with(rest, strlen(rest), " due to hardware memory corruption", &len) &&
	       parse_task(rest, len, event);
}

/* What follows "MCE: Killing ". */
static bool parse_fault(const char *text, struct kpage_event *event)
{
	const char *address = strrchr(text, ' ');
	size_t len;

	event->kind = KPAGE_EVENT_FAULT;
	if (!address++ ||
	    !ends_with(text, (size_t)(address - text),
		       " due to hardware memory corruption fault at ", &len))
		return false;
	return take_hex(&address, &event->address) && !*address && parse_task(text, len, event);
}

bool kmsg_line_parse(const char *line, struct kpage_event *event)
{
	struct kpage_event found = { 0 };
	const char *rest;
	bool ours;

	if (starts_with(line, "Memory failure: ", &rest))
		ours = take_hex(&rest, &found.pfn) && starts_with(rest, ": ", &rest) &&
		       parse_failure(rest, &found);
	else
		ours = starts_with(line, "MCE: Killing ", &rest) && parse_fault(rest, &found);
	if (ours)
		*event = found;
	return ours;
}

/* The first line of a record's text. The kernel writes what is no printable
 * ASCII, and the backslash, as \xHH, which a task's name may have. */
static bool copy_line(const char *text, char line[static KMSG_LINE_MAX])
{
	size_t n = 0;

	while (*text && *text != '\n') {
		int high, low;

		if (n == KMSG_LINE_MAX - 1)
			return false;
		line[n] = *text++;
		if (line[n] == '\\' && *text == 'x') {
			high = digit_value(text[1]);
			low = high < 16 ? digit_value(text[2]) : INT_MAX;
			if (low >= 16 || !(high | low))
				return false;
			line[n] = (char)(high << 4 | low);
			text += 3;
		}
		n++;
	}
	line[n] = '\0';
	return true;
}

int kmsg_record_parse(const char *record, uint64_t *seq, struct kpage_event *event)
{
	uint64_t priority, number, usec, nsec;
	char line[KMSG_LINE_MAX];
	const char *p = record;

	if (!take_number(&p, 10, &priority) || *p++ != ',' || !take_number(&p, 10, &number) ||
	    *p++ != ',' || !take_number(&p, 10, &usec) || *p++ != ',')
		return -EBADMSG;
	p = strpbrk(p, ";\n");
	if (!p || *p != ';' || __builtin_mul_overflow(usec, UINT64_C(1000), &nsec))
		return -EBADMSG;
	*seq = number;
	/* A facility other than the kernel's (0) was written by a program. */
	if (priority >> 3 || !copy_line(p + 1, line) || !kmsg_line_parse(line, event))
		return 0;
	event->time_ns = nsec;
	return 1;
}

void kmsg_seq_saw(struct kmsg_seq *s, uint64_t seq)
{
	if (s->known && seq > s->next)
		s->lost += seq - s->next;
	s->known = true;
	s->next = seq + 1;
}

void kmsg_seq_overrun(struct kmsg_seq *s)
{
	/* The next record's number tells how many, unless none was seen yet. */
	if (!s->known)
		s->lost++;
}

int watch_kmsg_open(struct kpage_ctx *ctx, unsigned int kinds, struct watch_kmsg *out)
{
	static const char path[] = "/dev/kmsg";
	_cleanup_close_ int fd = ctx_open(ctx, path, O_RDONLY | O_NONBLOCK);

	if (fd == -ENOENT || fd == -ENXIO)
		return -ENODEV;
	if (fd < 0)
		return fd;
	if (lseek(fd, 0, SEEK_END) < 0)
		return ctx_error(ctx, -errno, path);
	*out = (struct watch_kmsg){ .fd = TAKE_FD(fd), .kinds = kinds };
	return 0;
}

void watch_kmsg_close(struct watch_kmsg *k)
{
	cleanup_close(&k->fd);
	k->fd = -1;
}

static int take_record(struct watch_kmsg *k, const char *record, struct watch_queue *q)
{
	struct kpage_event event;
	uint64_t seq;
	int found;

	found = kmsg_record_parse(record, &seq, &event);
	if (found < 0)
		return found;
	kmsg_seq_saw(&k->seq, seq);
	return found && k->kinds & 1u << event.kind ? watch_queue_add(q, &event) : 0;
}

int watch_kmsg_gather(struct watch_kmsg *k, struct watch_queue *q)
{
	char record[KMSG_RECORD_MAX];
	ssize_t n;
	int err;

	for (;;) {
		n = read(k->fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			kmsg_seq_overrun(&k->seq);
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0)
			return 0;
		record[n] = '\0';
		err = take_record(k, record, q);
		if (err)
			return err;
	}
}
