/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records: one table of columns a record type says how its rows look as
 * text and as JSON, so that the two can't disagree. Rows are streamed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_object;

enum cell_type {
	CELL_NULL,	/* not known, or not so: "-" */
	CELL_NUMBER,
	CELL_SIGNED,	/* a change: with its sign in text */
	CELL_HEX,	/* a string in JSON: 64 bits do not fit its numbers everywhere */
	CELL_PFN,	/* hex in text, a number in JSON */
	CELL_TEXT,
	CELL_BOOL,	/* "yes" and "no" in text */
	CELL_FLAGS,	/* page flags: an array of names in JSON */
	CELL_JSON,	/* an object or array, for columns that the text has not */
};

struct cell {
	enum cell_type type;
	uint64_t number;		/* all but TEXT and JSON */
	const char *text;		/* borrowed, or &room */
	char room[128];
	struct json_object *json;	/* handed over */
};

/* Fill in a cell that is CELL_NULL. */
void cell_number(struct cell *c, uint64_t n);
void cell_signed(struct cell *c, int64_t n);
void cell_hex(struct cell *c, uint64_t n);
void cell_pfn(struct cell *c, uint64_t pfn);
void cell_bool(struct cell *c, bool b);
void cell_flags(struct cell *c, uint64_t flags);
/* NULL and "" stay CELL_NULL. The text must outlive the row. */
void cell_text(struct cell *c, const char *text);
/* NULL stays CELL_NULL. */
void cell_json(struct cell *c, struct json_object *o);

struct column {
	const char *name;	/* in JSON; NULL: text only */
	const char *head;	/* in text; NULL: JSON only */
	int width;		/* at least; negative: to the left */
	void (*get)(const void *row, struct cell *out);
};

struct record_type {
	const char *name;	/* "record" in JSON */
	unsigned int version;
	const char *title;	/* of the table in text; NULL: none */
	const struct column *columns;
	size_t nr_columns;
};

struct record_output {
	bool json;
	FILE *to;	/* NULL: stdout */
	const struct record_type *table;	/* the one whose row was printed last */
};

/* Types with the same title and the same heads share a table: its head is not printed
 * again between their rows. */
void record_print(struct record_output *out, const struct record_type *type, const void *row);

/* The row as an object without "record" and "version", for a field of another record. */
struct json_object *record_to_json(const struct record_type *type, const void *row);

/* JSON values for cell_json(); they end the program when memory is out. */
struct json_object *json_new_object(void);
struct json_object *json_new_array(void);
struct json_object *json_new_real(double r);
void json_set(struct json_object *o, const char *name, struct json_object *value);
void json_set_number(struct json_object *o, const char *name, uint64_t n);
void json_set_text(struct json_object *o, const char *name, const char *text);
void json_set_null(struct json_object *o, const char *name);
void json_push(struct json_object *array, struct json_object *value);
void json_push_number(struct json_object *array, uint64_t n);
/* An array of the names of page flags; a bit without one as "0x…". */
struct json_object *json_flag_names(uint64_t flags);
