// SPDX-License-Identifier: GPL-2.0-or-later
/* Records: the same row as a line of a table and as a line of JSON. */
#include "common/record.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/util.h"
#include "fixture.h"

struct row {
	uint64_t number;
	const char *text;
	bool known;
};

static void get_number(const void *row, struct cell *out)
{
	cell_number(out, ((const struct row *)row)->number);
}

static void get_hex(const void *row, struct cell *out)
{
	if (((const struct row *)row)->known)
		cell_hex(out, ((const struct row *)row)->number);
}

static void get_pfn(const void *row, struct cell *out)
{
	cell_pfn(out, ((const struct row *)row)->number);
}

static void get_text(const void *row, struct cell *out)
{
	cell_text(out, ((const struct row *)row)->text);
}

static void get_known(const void *row, struct cell *out)
{
	cell_bool(out, ((const struct row *)row)->known);
}

static void get_flags(const void *row, struct cell *out)
{
	cell_flags(out, ((const struct row *)row)->number);
}

static void get_object(const void *row, struct cell *out)
{
	struct json_object *o;

	if (!((const struct row *)row)->known)
		return;
	o = json_new_object();
	json_set_number(o, "n", ((const struct row *)row)->number);
	json_set_null(o, "nothing");
	cell_json(out, o);
}

static const struct column columns[] = {
	{ "number", "NUMBER", 8, get_number },
	{ "hex", "HEX", -8, get_hex },
	{ "pfn", "PFN", -8, get_pfn },
	{ NULL, "ONLY HERE", -9, get_text },
	{ "known", "KNOWN", -5, get_known },
	{ "flags", NULL, 0, get_flags },
	{ "object", NULL, 0, get_object },
	{ "text", "TEXT", 0, get_text },
};

static const struct record_type type = { "thing", 3, "things:", columns, ARRAY_SIZE(columns) };
static const struct record_type other = { "other", 1, NULL, columns, 1 };

/* A table of two types. */
static const struct column left_columns[] = {
	{ "text", NULL, 0, get_text },
	{ NULL, "A", 3, get_number },
	{ "pfn", "B", -4, get_pfn },
};

static const struct column right_columns[] = {
	{ "a", "A", 3, get_number },
	{ NULL, "B", -4, get_text },
	{ "hex", NULL, 0, get_hex },
};

static const struct column wide_columns[] = {
	{ "a", "A", 5, get_number },
	{ NULL, "B", -4, get_text },
};

static const struct record_type left = { "left", 1, NULL, left_columns, 3 };
static const struct record_type right = { "right", 1, NULL, right_columns, 3 };
static const struct record_type titled = { "titled", 1, "More:", right_columns, 3 };
static const struct record_type narrow = { "narrow", 1, NULL, right_columns, 1 };
static const struct record_type wide = { "wide", 1, NULL, wide_columns, 2 };

/* What is printed goes to a file for the time being. */
static int saved_stdout;

static void capture_begin(struct fixture *fx)
{
	int fd;

	fixture_text(fx, "/out", "");
	fd = kpage_ctx_open(fx->ctx, "/out", O_WRONLY);
	assert_true(fd >= 0);
	fflush(stdout);
	saved_stdout = dup(STDOUT_FILENO);
	assert_true(saved_stdout >= 0);
	assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	close(fd);
}

static void capture_end(struct fixture *fx, const char *expected)
{
	char text[4096];

	fflush(stdout);
	dup2(saved_stdout, STDOUT_FILENO);
	close(saved_stdout);
	assert_string_equal(fixture_read(fx, "/out", text, sizeof(text)), expected);
}

static void test_text(void **state)
{
	const struct row rows[] = { { 18, "some", true }, { 1, NULL, false } };
	struct record_output out = { .json = false };

	capture_begin(*state);
	record_print(&out, &type, &rows[0]);
	record_print(&out, &type, &rows[1]);
	record_print(&out, &other, &rows[0]);
	capture_end(*state, "things:\n"
			    "  NUMBER  HEX       PFN       ONLY HERE  KNOWN  TEXT\n"
			    "      18  0x12      0x12      some       yes    some\n"
			    "       1  -         0x1       -          no     -\n"
			    "  NUMBER\n"
			    "      18\n");
}

static void test_json(void **state)
{
	const struct row rows[] = { { 18, "so/me", true }, { UINT64_MAX, "", false } };
	struct record_output out = { .json = true };

	capture_begin(*state);
	record_print(&out, &type, &rows[0]);
	record_print(&out, &other, &rows[1]);
	capture_end(*state, "{\"record\":\"thing\",\"version\":3,\"number\":18,\"hex\":\"0x12\",\"pfn\":18,"
			    "\"known\":true,\"flags\":[\"error\",\"dirty\"],"
			    "\"object\":{\"n\":18,\"nothing\":null},\"text\":\"so/me\"}\n"
			    "{\"record\":\"other\",\"version\":1,\"number\":18446744073709551615}\n");
}

static void test_null(void **state)
{
	const struct row row = { 0, "", false };
	struct record_output out = { .json = true };

	capture_begin(*state);
	record_print(&out, &type, &row);
	capture_end(*state, "{\"record\":\"thing\",\"version\":3,\"number\":0,\"hex\":null,\"pfn\":0,"
			    "\"known\":false,\"flags\":[],\"object\":null,\"text\":null}\n");
}

static void test_same_table(void **state)
{
	const struct record_type *const types[] = { &left, &right, &left, &titled, &right,
						    &narrow, &left, &wide };
	struct record_output out = { .json = false };
	const struct row row = { 7, "x", true };

	capture_begin(*state);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		record_print(&out, types[i], &row);
	capture_end(*state, "  A  B\n"
			    "  7  0x7\n"
			    "  7  x\n"
			    "  7  0x7\n"
			    "More:\n"
			    "  A  B\n"
			    "  7  x\n"
			    "  A  B\n"
			    "  7  x\n"
			    "  A\n"
			    "  7\n"
			    "  A  B\n"
			    "  7  0x7\n"
			    "    A  B\n"
			    "    7  x\n");
}

/* A task may call itself anything. */
static void test_names(void **state)
{
	const struct row rows[] = { { 0, "a\n\033[1m\"", false }, { 0, "\xc3\xa4\xff\xc3", false } };
	struct record_output text = { .json = false }, json = { .json = true };

	capture_begin(*state);
	record_print(&text, &type, &rows[0]);
	record_print(&json, &type, &rows[0]);
	record_print(&json, &type, &rows[1]);
	capture_end(*state,
		    "things:\n"
		    "  NUMBER  HEX       PFN       ONLY HERE  KNOWN  TEXT\n"
		    "       0  -         0x0       a??[1m\"    no     a??[1m\"\n"
		    "{\"record\":\"thing\",\"version\":3,\"number\":0,\"hex\":null,\"pfn\":0,\"known\":false,"
		    "\"flags\":[],\"object\":null,\"text\":\"a\\n\\u001b[1m\\\"\"}\n"
		    "{\"record\":\"thing\",\"version\":3,\"number\":0,\"hex\":null,\"pfn\":0,\"known\":false,"
		    "\"flags\":[],\"object\":null,\"text\":\"\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_json, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_null, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_same_table, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_names, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
