// SPDX-License-Identifier: GPL-2.0-or-later
/* Records on stdout, as text or as JSON Lines, by their tables of columns. */
#include "common/record.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "common/util.h"
#include "kpage.h"

/* ----------------------------------------------------------------------- JSON */

static struct json_object *checked(struct json_object *o)
{
	if (!o)
		exit(fail(EXIT_FAILED, "JSON: %s", strerror(ENOMEM)));
	return o;
}

struct json_object *json_new_object(void)
{
	return checked(json_object_new_object());
}

struct json_object *json_new_array(void)
{
	return checked(json_object_new_array());
}

/* As many digits as say something: json-c's own would be 0.10000000000000001. */
struct json_object *json_new_real(double r)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6g", r);
	return checked(json_object_new_double_s(r, text));
}

void json_set(struct json_object *o, const char *name, struct json_object *value)
{
	if (json_object_object_add(o, name, value))
		exit(fail(EXIT_FAILED, "JSON: %s", strerror(ENOMEM)));
}

void json_set_number(struct json_object *o, const char *name, uint64_t n)
{
	json_set(o, name, checked(json_object_new_uint64(n)));
}

/* The length of the UTF-8 sequence that text begins with, 0 if it is none. */
static size_t sequence_length(const char *text)
{
	static const struct {
		unsigned char mask, value;
	} leads[] = { { 0x80, 0x00 }, { 0xe0, 0xc0 }, { 0xf0, 0xe0 }, { 0xf8, 0xf0 } };

	for (size_t n = 0; n < ARRAY_SIZE(leads); n++) {
		if (((unsigned char)text[0] & leads[n].mask) != leads[n].value)
			continue;
		for (size_t i = 1; i <= n; i++)
			if (((unsigned char)text[i] & 0xc0) != 0x80)
				return 0;
		return n + 1;
	}
	return 0;
}

/* The names of tasks and files are any bytes, JSON is UTF-8: what is none of it
 * becomes the character for that. */
static struct json_object *json_text(const char *text)
{
	static const char replacement[] = "\xef\xbf\xbd";
	_cleanup_free_ char *clean = xcalloc(strlen(text) + 1, sizeof(replacement));
	char *to = clean;

	while (*text) {
		size_t n = sequence_length(text);

		to = mempcpy(to, n ? text : replacement, n ? n : strlen(replacement));
		text += n ? n : 1;
	}
	return checked(json_object_new_string(clean));
}

void json_set_text(struct json_object *o, const char *name, const char *text)
{
	json_set(o, name, text ? json_text(text) : NULL);
}

void json_set_null(struct json_object *o, const char *name)
{
	json_set(o, name, NULL);
}

void json_push(struct json_object *array, struct json_object *value)
{
	if (json_object_array_add(array, value))
		exit(fail(EXIT_FAILED, "JSON: %s", strerror(ENOMEM)));
}

void json_push_number(struct json_object *array, uint64_t n)
{
	json_push(array, checked(json_object_new_uint64(n)));
}

static struct json_object *json_hex(uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, n);
	return checked(json_object_new_string(text));
}

struct json_object *json_flag_names(uint64_t flags)
{
	struct json_object *array = json_new_array();

	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t flag = flags & UINT64_C(1) << bit;
		char name[KPAGE_NAMES_SIZE];

		if (!flag)
			continue;
		kpage_flags_names(flag, name);
		json_push(array, checked(json_object_new_string(name)));
	}
	return array;
}

static struct json_object *cell_to_json(const struct cell *c)
{
	switch (c->type) {
	case CELL_NULL:
		break;
	case CELL_NUMBER:
	case CELL_PFN:
		return checked(json_object_new_uint64(c->number));
	case CELL_SIGNED:
		return checked(json_object_new_int64((int64_t)c->number));
	case CELL_HEX:
		return json_hex(c->number);
	case CELL_TEXT:
		return json_text(c->text);
	case CELL_BOOL:
		return checked(json_object_new_boolean(c->number != 0));
	case CELL_FLAGS:
		return json_flag_names(c->number);
	case CELL_JSON:
		return c->json;
	}
	return NULL;
}

static void add_columns(struct json_object *o, const struct record_type *type, const void *row)
{
	for (size_t i = 0; i < type->nr_columns; i++) {
		struct cell c = { .type = CELL_NULL };

		if (!type->columns[i].name)
			continue;
		type->columns[i].get(row, &c);
		json_set(o, type->columns[i].name, cell_to_json(&c));
	}
}

struct json_object *record_to_json(const struct record_type *type, const void *row)
{
	struct json_object *o = json_new_object();

	add_columns(o, type, row);
	return o;
}

static void print_json(FILE *to, const struct record_type *type, const void *row)
{
	struct json_object *o = json_new_object();

	json_set_text(o, "record", type->name);
	json_set_number(o, "version", type->version);
	add_columns(o, type, row);
	fprintf(to, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

/* ----------------------------------------------------------------------- text */

static bool is_last(const struct record_type *type, size_t i)
{
	while (++i < type->nr_columns)
		if (type->columns[i].head)
			return false;
	return true;
}

/* Nothing pads the end of a line, and a name sends nothing to the terminal. */
static void print_padded(FILE *to, const struct record_type *type, size_t i, char *text)
{
	clean_name(text);
	if (is_last(type, i) && type->columns[i].width <= 0)
		fprintf(to, "%s\n", text);
	else
		fprintf(to, "%*s%s", type->columns[i].width, text, is_last(type, i) ? "\n" : "  ");
}

static void print_cell(FILE *to, const struct record_type *type, size_t i, const struct cell *c)
{
	char room[MAX(KPAGE_NAMES_SIZE, PATH_MAX)];

	strcpy(room, "-");
	switch (c->type) {
	case CELL_NULL:
	case CELL_JSON:
		break;
	case CELL_NUMBER:
		snprintf(room, sizeof(room), "%" PRIu64, c->number);
		break;
	case CELL_SIGNED:
		snprintf(room, sizeof(room), "%+" PRId64, (int64_t)c->number);
		break;
	case CELL_HEX:
	case CELL_PFN:
		snprintf(room, sizeof(room), "0x%" PRIx64, c->number);
		break;
	case CELL_TEXT:
		snprintf(room, sizeof(room), "%s", c->text);
		break;
	case CELL_BOOL:
		strcpy(room, c->number ? "yes" : "no");
		break;
	case CELL_FLAGS:
		if (c->number)
			kpage_flags_names(c->number, room);
		break;
	}
	print_padded(to, type, i, room);
}

static void print_head(FILE *to, const struct record_type *type)
{
	if (type->title)
		fprintf(to, "%s\n", type->title);
	for (size_t i = 0; i < type->nr_columns; i++) {
		struct cell head = { .type = CELL_TEXT, .text = type->columns[i].head };

		if (head.text)
			print_cell(to, type, i, &head);
	}
}

static void print_text(FILE *to, const struct record_type *type, const void *row)
{
	for (size_t i = 0; i < type->nr_columns; i++) {
		struct cell c = { .type = CELL_NULL };

		if (!type->columns[i].head)
			continue;
		type->columns[i].get(row, &c);
		print_cell(to, type, i, &c);
	}
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* The next column that the text has; NULL: no more. */
static const struct column *next_in_text(const struct record_type *type, size_t *i)
{
	while (*i < type->nr_columns) {
		const struct column *c = &type->columns[(*i)++];

		if (c->head)
			return c;
	}
	return NULL;
}

static bool is_same_table(const struct record_type *a, const struct record_type *b)
{
	const struct column *x, *y;
	size_t i = 0, j = 0;

	if (a == b || !a || !b)
		return a == b;
	do {
		x = next_in_text(a, &i);
		y = next_in_text(b, &j);
		if (x && y && (strcmp(x->head, y->head) != 0 || x->width != y->width))
			return false;
	} while (x && y);
	return x == y && is_same_text(a->title, b->title);
}

void record_print(struct record_output *out, const struct record_type *type, const void *row)
{
	FILE *to = out->to ? out->to : stdout;

	if (out->json) {
		print_json(to, type, row);
		return;
	}
	if (!is_same_table(out->table, type))
		print_head(to, type);
	out->table = type;
	print_text(to, type, row);
}

/* ---------------------------------------------------------------------- cells */

static void set(struct cell *c, enum cell_type type, uint64_t n)
{
	c->type = type;
	c->number = n;
}

void cell_number(struct cell *c, uint64_t n)
{
	set(c, CELL_NUMBER, n);
}

void cell_signed(struct cell *c, int64_t n)
{
	set(c, CELL_SIGNED, (uint64_t)n);
}

void cell_hex(struct cell *c, uint64_t n)
{
	set(c, CELL_HEX, n);
}

void cell_pfn(struct cell *c, uint64_t pfn)
{
	set(c, CELL_PFN, pfn);
}

void cell_bool(struct cell *c, bool b)
{
	set(c, CELL_BOOL, b);
}

void cell_flags(struct cell *c, uint64_t flags)
{
	set(c, CELL_FLAGS, flags);
}

void cell_text(struct cell *c, const char *text)
{
	if (!text || !*text)
		return;
	c->type = CELL_TEXT;
	c->text = text;
}

void cell_json(struct cell *c, struct json_object *o)
{
	if (!o)
		return;
	c->type = CELL_JSON;
	c->json = o;
}
