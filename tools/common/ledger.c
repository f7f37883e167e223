// SPDX-License-Identifier: GPL-2.0-or-later
/* The ledger: JSON Lines in the run directory, one a poisoned or unpoisoned page. */
#include "common/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <time.h>

#define NAME "ledger"
#define NEW_NAME ".ledger.new"

struct ledger {
	struct rundir *dir;
	int fd;			/* to append to; -1: not under the lock */
	off_t end;		/* of the file: no one else writes meanwhile */
	bool unpoisoned;	/* a page, by this run */
};

typedef struct json_object json;

static void cleanup_json(json **object)
{
	json_object_put(*object);
}
#define _cleanup_json_ __attribute__((cleanup(cleanup_json)))

/* A hugetlb page is lost as a whole. */
#define HUGETLB_SIZE (UINT64_C(2) << 20)

bool ledger_entry_is_at(const struct ledger_entry *entry, uint64_t address)
{
	bool huge = entry->kind && !strcmp(entry->kind, "hugetlb");
	uint64_t size = huge ? HUGETLB_SIZE : kpage_page_size();

	return entry->has_address && entry->address / size == address / size;
}

/* --------------------------------------------------------------------- lines */

enum line_kind { LINE_POISON, LINE_UNPOISON, LINE_OTHER_BOOT, LINE_BROKEN };

struct line {
	enum line_kind kind;
	uint64_t pfn;
	json *object;		/* borrowed strings come from here */
};

/* NULL if it is not there or null. */
static const char *get_text(json *object, const char *key)
{
	json *value = json_object_object_get(object, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static int get_number(json *object, const char *key, uint64_t *out)
{
	json *value = json_object_object_get(object, key);

	/* json-c saturates: a negative number reads as 0. */
	if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
		return -EINVAL;
	*out = json_object_get_uint64(value);
	return 0;
}

static json *parse_object(const char *text, size_t len)
{
	struct json_tokener *tokener;
	json *object;

	/* A line that was cut off may be whole but for its end: it is not trusted. */
	if (!len || text[len - 1] != '\n')
		return NULL;
	tokener = json_tokener_new();
	if (!tokener)
		return NULL;
	object = json_tokener_parse_ex(tokener, text, (int)len);
	/* Nothing but a newline behind it. */
	if (object && (!json_object_is_type(object, json_type_object) ||
		       json_tokener_get_parse_end(tokener) + 1 < len)) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

static enum line_kind judge_line(struct line *line, const char *boot)
{
	const char *its_boot, *event;

	if (!line->object)
		return LINE_BROKEN;
	its_boot = get_text(line->object, "boot");
	event = get_text(line->object, "event");
	if (!its_boot || !event || get_number(line->object, "pfn", &line->pfn))
		return LINE_BROKEN;
	if (strcmp(its_boot, boot) != 0)
		return LINE_OTHER_BOOT;
	if (!strcmp(event, "poison"))
		return LINE_POISON;
	return !strcmp(event, "unpoison") ? LINE_UNPOISON : LINE_BROKEN;
}

/* The caller puts line->object. */
static void parse_line(struct line *line, const char *text, size_t len, const char *boot)
{
	*line = (struct line){ .object = parse_object(text, len) };
	line->kind = judge_line(line, boot);
}

static void warn_of_broken(const struct ledger *l, uint64_t number)
{
	warn("%s/%s: line %" PRIu64 ": broken, passed over", rundir_path(l->dir), NAME, number);
}

/* ------------------------------------------------------------------- opening */

/* NULL and -ENOENT: there is none yet. */
static int open_stream(const struct ledger *l, FILE **out)
{
	int fd = openat(rundir_fd(l->dir), NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *f;

	if (fd < 0)
		return -errno;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	*out = f;
	return 0;
}

/* Where a line of this boot is, and whether it still says something. */
struct place {
	uint64_t pfn;
	off_t offset;
	bool poisoned;
	bool settled;		/* the page was unpoisoned, here or later */
};

struct places {
	struct place *v;
	size_t n, room;
	uint64_t others;	/* lines that are broken, or of another boot */
};

static void cleanup_places(struct places *p)
{
	free(p->v);
}

static void add_place(struct places *p, const struct line *line, off_t offset)
{
	if (p->n == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->v = xreallocarray(p->v, p->room, sizeof(*p->v));
	}
	p->v[p->n++] = (struct place){
		.pfn = line->pfn,
		.offset = offset,
		.poisoned = line->kind == LINE_POISON,
	};
}

static int by_pfn_and_time(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->pfn != y->pfn)
		return x->pfn < y->pfn ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int by_time(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The lines of this boot, by PFN and time; broken ones are told of. */
static int find_places(const struct ledger *l, FILE *f, struct places *out)
{
	_cleanup_free_ char *text = NULL;
	size_t room = 0;
	off_t offset = 0;
	ssize_t len;

	for (uint64_t number = 1; (len = getline(&text, &room, f)) > 0; number++) {
		struct line line;

		parse_line(&line, text, (size_t)len, rundir_boot(l->dir));
		json_object_put(line.object);
		if (line.kind == LINE_BROKEN)
			warn_of_broken(l, number);
		if (line.kind == LINE_BROKEN || line.kind == LINE_OTHER_BOOT)
			out->others++;
		else
			add_place(out, &line, offset);
		offset += len;
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_pfn_and_time);
	for (size_t i = out->n; i-- > 0;) {
		const struct place *next = i + 1 < out->n ? &out->v[i + 1] : NULL;

		out->v[i].settled = !out->v[i].poisoned ||
				    (next && next->pfn == out->v[i].pfn && next->settled);
	}
	return ferror(f) ? -EIO : 0;
}

/* Settled lines are history, which is kept while it is short: each start reads all. */
static void drop_settled(struct places *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++)
		kept += !p->v[i].settled;
	if (p->n - kept <= LEDGER_HISTORY)
		return;
	kept = 0;
	for (size_t i = 0; i < p->n; i++)
		if (!p->v[i].settled)
			p->v[kept++] = p->v[i];
	p->others += p->n - kept;
	p->n = kept;
}

static int copy_lines(const struct places *p, FILE *from, FILE *to)
{
	_cleanup_free_ char *text = NULL;
	size_t room = 0, next = 0;
	off_t offset = 0;
	ssize_t len;

	for (; next < p->n && (len = getline(&text, &room, from)) > 0; offset += len) {
		if (p->v[next].offset != offset)
			continue;
		if (fwrite(text, (size_t)len, 1, to) != 1)
			return -errno;
		next++;
	}
	return next < p->n ? -EIO : 0;
}

static int write_copy(const struct ledger *l, const struct places *p, FILE *from)
{
	int fd = openat(rundir_fd(l->dir), NEW_NAME,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
	int err;

	if (!to) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	rewind(from);
	err = copy_lines(p, from, to);
	if (!err && (fflush(to) || fsync(fd)))
		err = -errno;
	if (fclose(to) && !err)
		err = -errno;
	return err;
}

/* Pages of an earlier boot are whole again; a line that was cut off would spoil the
 * next one. */
static int prune(const struct ledger *l)
{
	_cleanup_(places) struct places p = { 0 };
	_cleanup_fclose_ FILE *from = NULL;
	int dir = rundir_fd(l->dir);
	int err = open_stream(l, &from);

	if (err)
		return err == -ENOENT ? 0 : err;
	err = find_places(l, from, &p);
	if (!err)
		drop_settled(&p);
	if (err || !p.others)
		return err;
	if (p.n)
		qsort(p.v, p.n, sizeof(*p.v), by_time);
	err = write_copy(l, &p, from);
	if (!err && renameat(dir, NEW_NAME, dir, NAME))
		err = -errno;
	if (err)
		unlinkat(dir, NEW_NAME, 0);
	return err;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	/* Here where it was made longer, so that the next start need not. If it can't be
	 * done, it can be then. */
	if (l->unpoisoned && rundir_is_locked(l->dir))
		prune(l);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

static int open_to_append(struct ledger *l)
{
	int err = prune(l);

	if (err)
		return err;
	l->fd = openat(rundir_fd(l->dir), NAME,
		       O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (l->fd < 0)
		return -errno;
	l->end = lseek(l->fd, 0, SEEK_END);
	return l->end < 0 ? -errno : 0;
}

int ledger_open(struct rundir *r, struct ledger **out)
{
	_cleanup_(ledger) struct ledger *l = xcalloc(1, sizeof(*l));
	int err;

	l->dir = r;
	l->fd = -1;
	err = rundir_is_locked(r) ? open_to_append(l) : 0;
	if (err)
		return fail_errno(err, "%s/%s", rundir_path(r), NAME);
	*out = l;
	l = NULL;
	return EXIT_OK;
}

/* -------------------------------------------------------------------- adding */

static void add(json *object, const char *key, json *value)
{
	if (json_object_object_add(object, key, value))
		json_object_put(value);
}

static void add_text(json *object, const char *key, const char *text)
{
	add(object, key, text ? json_object_new_string(text) : NULL);
}

static void add_time(json *object, const char *given)
{
	char text[32];
	time_t now = time(NULL);
	struct tm tm;

	if (!given && gmtime_r(&now, &tm) && strftime(text, sizeof(text), "%FT%TZ", &tm))
		given = text;
	add_text(object, "time", given);
}

/* What both kinds of line begin with. */
static json *new_line(const struct ledger *l, const char *event, uint64_t pfn, const char *when)
{
	json *object = json_object_new_object();

	if (!object)
		return NULL;
	add_text(object, "event", event);
	add_time(object, when);
	add_text(object, "boot", rundir_boot(l->dir));
	add(object, "pfn", json_object_new_uint64(pfn));
	return object;
}

static void add_owner(json *object, const struct ledger_entry *entry)
{
	char address[24];

	snprintf(address, sizeof(address), "0x%" PRIx64, entry->address);
	add(object, "pid", entry->pid ? json_object_new_int64(entry->pid) : NULL);
	add_text(object, "comm", entry->comm);
	add_text(object, "address", entry->has_address ? address : NULL);
}

/* Whole, or not at all. */
static int append(struct ledger *l, const char *text, size_t len)
{
	ssize_t n;

	do
		n = write(l->fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < len)
		return ftruncate(l->fd, l->end) ? -errno : -ENOSPC;
	l->end += n;
	return 0;
}

static int append_object(struct ledger *l, json *object)
{
	_cleanup_free_ char *line = NULL;
	const char *text;
	int len;

	if (l->fd < 0)
		return -ENOLCK;
	text = object ? json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE) :
			NULL;
	len = text ? asprintf(&line, "%s\n", text) : -1;
	if (len < 0) {
		line = NULL;
		return -ENOMEM;
	}
	return append(l, line, (size_t)len);
}

int ledger_add(struct ledger *l, const struct ledger_entry *entry)
{
	_cleanup_json_ json *object = new_line(l, "poison", entry->pfn, entry->time);

	if (object) {
		add_text(object, "method", entry->method);
		add_owner(object, entry);
		add_text(object, "kind", entry->kind);
		add_text(object, "tool", entry->tool ? entry->tool : program_invocation_short_name);
	}
	return append_object(l, object);
}

int ledger_add_unpoison(struct ledger *l, uint64_t pfn)
{
	_cleanup_json_ json *object = new_line(l, "unpoison", pfn, NULL);

	l->unpoisoned = true;
	if (object)
		add_text(object, "tool", program_invocation_short_name);
	return append_object(l, object);
}

/* ------------------------------------------------------------------- reading */

static void fill_entry(struct ledger_entry *entry, json *object)
{
	const char *address = get_text(object, "address");
	uint64_t pid, at = 0;

	*entry = (struct ledger_entry){
		.time = get_text(object, "time"),
		.method = get_text(object, "method"),
		.comm = get_text(object, "comm"),
		.kind = get_text(object, "kind"),
		.tool = get_text(object, "tool"),
		.has_address = address && !kpage_number_parse(address, &at),
	};
	entry->address = at;
	if (!get_number(object, "pid", &pid) && pid <= INT32_MAX)
		entry->pid = (pid_t)pid;
	get_number(object, "pfn", &entry->pfn);
}

static int hand_out(FILE *f, const struct place *place,
		    int (*each)(const struct ledger_entry *, void *), void *arg)
{
	_cleanup_json_ json *object = NULL;
	_cleanup_free_ char *text = NULL;
	struct ledger_entry entry;
	size_t room = 0;
	ssize_t len;

	if (fseeko(f, place->offset, SEEK_SET))
		return -errno;
	len = getline(&text, &room, f);
	object = len > 0 ? parse_object(text, (size_t)len) : NULL;
	if (!object)
		return -EIO;
	fill_entry(&entry, object);
	return each(&entry, arg);
}

int ledger_read(struct ledger *l, int (*each)(const struct ledger_entry *entry, void *arg), void *arg)
{
	_cleanup_(places) struct places p = { 0 };
	_cleanup_fclose_ FILE *f = NULL;
	int err = open_stream(l, &f);

	if (err)
		return err == -ENOENT ? 0 : err;
	/* What is read twice, to keep no more than a few words a page. */
	err = find_places(l, f, &p);
	for (size_t i = 0; !err && i < p.n; i++) {
		bool latest = i + 1 == p.n || p.v[i + 1].pfn != p.v[i].pfn;

		if (latest && !p.v[i].settled)
			err = hand_out(f, &p.v[i], each, arg);
	}
	return err;
}

/* ------------------------------------------------------------------- searching */

/* A sieve, before a line is taken apart: most are about something else. */
static bool may_fit(const char *text, size_t len, const struct ledger_query *query)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, query->pfn);
	if (query->has_pfn && !memmem(text, len, number, strlen(number)))
		return false;
	snprintf(number, sizeof(number), "%d", query->pid);
	return !query->pid || memmem(text, len, number, strlen(number));
}

static bool fits(const struct ledger_entry *entry, const struct ledger_query *query)
{
	return (!query->has_pfn || entry->pfn == query->pfn) &&
	       (!query->pid || entry->pid == query->pid);
}

static int search_line(const struct ledger *l, const char *text, size_t len,
		       const struct ledger_query *query,
		       int (*each)(const struct ledger_entry *, void *), void *arg)
{
	struct ledger_entry entry;
	struct line line;
	int ret = 0;

	if (!may_fit(text, len, query))
		return 0;
	parse_line(&line, text, len, rundir_boot(l->dir));
	if (line.kind == LINE_POISON) {
		fill_entry(&entry, line.object);
		ret = fits(&entry, query) ? each(&entry, arg) : 0;
	}
	json_object_put(line.object);
	return ret;
}

int ledger_search(struct ledger *l, const struct ledger_query *query,
		  int (*each)(const struct ledger_entry *entry, void *arg), void *arg)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *text = NULL;
	size_t room = 0;
	ssize_t len;
	int err = open_stream(l, &f);

	if (err)
		return err == -ENOENT ? 0 : err;
	while (!err && (len = getline(&text, &room, f)) > 0)
		err = search_line(l, text, (size_t)len, query, each, arg);
	return !err && ferror(f) ? -EIO : err;
}
