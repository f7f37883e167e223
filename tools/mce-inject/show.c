// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A machine check record with every bit named. The text is a block of lines, made from
 * the same columns as the JSON: a line for each that is not null.
 */
#include "show.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "common/record.h"
#include "common/util.h"

struct row {
	const struct mce *m;
	const struct mce_rules *rules;
	const char *source;
	struct mce_judgement judgement;
};

static uint64_t status_of_row(const struct row *r)
{
	return r->m->value[MCE_STATUS];
}

/* -------------------------------------------------------------------- raw fields */

static void get_hex(const void *row, enum mce_field field, struct cell *out)
{
	const struct mce *m = ((const struct row *)row)->m;

	if (mce_has(m, field))
		cell_hex(out, m->value[field]);
}

static void get_number(const void *row, enum mce_field field, struct cell *out)
{
	const struct mce *m = ((const struct row *)row)->m;

	if (mce_has(m, field))
		cell_number(out, m->value[field]);
}

#define HEX(name, field) \
	static void get_##name(const void *row, struct cell *out) { get_hex(row, field, out); }
#define NUMBER(name, field) \
	static void get_##name(const void *row, struct cell *out) { get_number(row, field, out); }

NUMBER(cpu, MCE_CPU)
NUMBER(bank, MCE_BANK)
HEX(status, MCE_STATUS)
HEX(mcgstatus, MCE_MCGSTATUS)
HEX(addr, MCE_ADDR)
HEX(misc, MCE_MISC)
HEX(synd, MCE_SYND)
HEX(ipid, MCE_IPID)
HEX(ppin, MCE_PPIN)
HEX(cs, MCE_CS)
HEX(rip, MCE_RIP)
HEX(tsc, MCE_TSC)
NUMBER(time, MCE_TIME)
NUMBER(socketid, MCE_SOCKETID)
NUMBER(apicid, MCE_APICID)
HEX(mcgcap, MCE_MCGCAP)
HEX(cpuid, MCE_CPUID)
HEX(microcode, MCE_MICROCODE)

/* ----------------------------------------------------------------- decoded fields */

/* rest: the bits that no name stands for. */
static struct json_object *bit_names(uint64_t value, const struct mce_bit *bits, size_t n,
				     uint64_t rest)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < n; i++)
		if (value >> bits[i].bit & 1)
			json_push(array, json_object_new_string(bits[i].name));
	if (rest) {
		char hex[19];

		snprintf(hex, sizeof(hex), "0x%" PRIx64, rest);
		json_push(array, json_object_new_string(hex));
	}
	return array;
}

static void get_source(const void *row, struct cell *out)
{
	cell_text(out, ((const struct row *)row)->source);
}

static void get_line(const void *row, struct cell *out)
{
	const struct row *r = row;

	if (r->m->line)
		cell_number(out, r->m->line);
}

static void get_way(const void *row, struct cell *out)
{
	way_words(((const struct row *)row)->m->way, out->room, sizeof(out->room));
	cell_text(out, out->room);
}

static void get_vendor(const void *row, struct cell *out)
{
	static const struct {
		uint64_t vendor;
		const char *name;
	} names[] = {
		{ VENDOR_INTEL, "intel" }, { VENDOR_AMD, "amd" }, { VENDOR_HYGON, "hygon" },
		{ VENDOR_ZHAOXIN, "zhaoxin" },
	};
	const struct row *r = row;

	cell_text(out, "other");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].vendor == r->rules->vendor)
			cell_text(out, names[i].name);
}

static void get_status_bits(const void *row, struct cell *out)
{
	const struct row *r = row;
	size_t n;
	const struct mce_bit *bits = mce_status_bits(r->rules->vendor, &n);

	cell_json(out, bit_names(status_of_row(r), bits, n,
				 mce_status_rest(status_of_row(r), r->rules->vendor)));
}

static void get_mcg_bits(const void *row, struct cell *out)
{
	const struct row *r = row;
	size_t n;
	const struct mce_bit *bits = mce_mcg_bits(&n);

	if (mce_has(r->m, MCE_MCGSTATUS))
		cell_json(out, bit_names(r->m->value[MCE_MCGSTATUS], bits, n,
					 mce_mcg_rest(r->m->value[MCE_MCGSTATUS])));
}

static void get_code(const void *row, struct cell *out)
{
	cell_hex(out, status_of_row(row) & 0xffff);
}

static void get_code_text(const void *row, struct cell *out)
{
	char text[DECODE_TEXT];
	const struct row *r = row;

	mce_code_text(status_of_row(r), r->rules->vendor, text);
	snprintf(out->room, sizeof(out->room), "%.127s", text);
	cell_text(out, out->room);
}

/* AMD's extended error code has six bits. */
static void get_model_code(const void *row, struct cell *out)
{
	const struct row *r = row;
	bool amd = vendor_is_amd(r->rules->vendor);

	cell_hex(out, status_of_row(r) >> 16 & (amd ? 0x3f : 0xffff));
}

static void get_corrected_count(const void *row, struct cell *out)
{
	const struct row *r = row;

	if (!vendor_is_amd(r->rules->vendor))
		cell_number(out, status_of_row(r) >> 38 & 0x7fff);
}

static void get_threshold(const void *row, struct cell *out)
{
	const struct row *r = row;

	cell_text(out, mce_threshold(status_of_row(r), r->rules->vendor));
}

static void get_core(const void *row, struct cell *out)
{
	const struct row *r = row;

	if (vendor_is_amd(r->rules->vendor) && status_of_row(r) & MCI_COREIDV)
		cell_number(out, status_of_row(r) >> 32 & 0x3f);
}

/* MISC is laid out so only on Intel. */
static bool has_address_in_misc(const struct row *r)
{
	return mce_has(r->m, MCE_MISC) && status_of_row(r) & MCI_MISCV &&
	       !vendor_is_amd(r->rules->vendor);
}

static void get_mode(const void *row, struct cell *out)
{
	const struct row *r = row;

	if (has_address_in_misc(r))
		cell_text(out, mce_address_mode(r->m->value[MCE_MISC]));
}

static void get_lsb(const void *row, struct cell *out)
{
	const struct row *r = row;

	if (has_address_in_misc(r))
		cell_number(out, mce_address_lsb(r->m->value[MCE_MISC]));
	else if (vendor_is_amd(r->rules->vendor) && mce_amd_address_lsb(r->m->value[MCE_ADDR]))
		cell_number(out, mce_amd_address_lsb(r->m->value[MCE_ADDR]));
}

static void get_ipid_part(const void *row, unsigned int shift, uint64_t mask, struct cell *out)
{
	const struct row *r = row;

	if (mce_has(r->m, MCE_IPID))
		cell_hex(out, r->m->value[MCE_IPID] >> shift & mask);
}

static void get_ipid_type(const void *row, struct cell *out)
{
	get_ipid_part(row, 48, 0xffff, out);
}

static void get_ipid_hardware(const void *row, struct cell *out)
{
	get_ipid_part(row, 32, 0xfff, out);
}

static void get_ipid_instance(const void *row, struct cell *out)
{
	const struct row *r = row;
	uint64_t ipid = r->m->value[MCE_IPID];

	if (mce_has(r->m, MCE_IPID))
		cell_hex(out, (ipid >> 44 & 0xf) << 32 | (ipid & UINT32_MAX));
}

static void get_class(const void *row, struct cell *out)
{
	cell_text(out, mce_class_name(((const struct row *)row)->judgement.class));
}

static void get_action(const void *row, struct cell *out)
{
	cell_text(out, mce_action_name(((const struct row *)row)->judgement.action));
}

static void get_because(const void *row, struct cell *out)
{
	cell_text(out, ((const struct row *)row)->judgement.because);
}

static const struct column columns[] = {
	{ "source", NULL, 0, get_source },
	{ "line", NULL, 0, get_line },
	{ "cpu", NULL, 0, get_cpu },
	{ "bank", NULL, 0, get_bank },
	{ "status", NULL, 0, get_status },
	{ "status_bits", NULL, 0, get_status_bits },
	{ "code", NULL, 0, get_code },
	{ "code_text", NULL, 0, get_code_text },
	{ "model_code", NULL, 0, get_model_code },
	{ "corrected_count", NULL, 0, get_corrected_count },
	{ "threshold", NULL, 0, get_threshold },
	{ "core", NULL, 0, get_core },
	{ "mcgstatus", NULL, 0, get_mcgstatus },
	{ "mcgstatus_bits", NULL, 0, get_mcg_bits },
	{ "addr", NULL, 0, get_addr },
	{ "misc", NULL, 0, get_misc },
	{ "address_mode", NULL, 0, get_mode },
	{ "lsb", NULL, 0, get_lsb },
	{ "synd", NULL, 0, get_synd },
	{ "ipid", NULL, 0, get_ipid },
	{ "ipid_type", NULL, 0, get_ipid_type },
	{ "ipid_hardware", NULL, 0, get_ipid_hardware },
	{ "ipid_instance", NULL, 0, get_ipid_instance },
	{ "ppin", NULL, 0, get_ppin },
	{ "cs", NULL, 0, get_cs },
	{ "rip", NULL, 0, get_rip },
	{ "tsc", NULL, 0, get_tsc },
	{ "time", NULL, 0, get_time },
	{ "socketid", NULL, 0, get_socketid },
	{ "apicid", NULL, 0, get_apicid },
	{ "mcgcap", NULL, 0, get_mcgcap },
	{ "vendor", NULL, 0, get_vendor },
	{ "cpuid", NULL, 0, get_cpuid },
	{ "microcode", NULL, 0, get_microcode },
	{ "way", NULL, 0, get_way },
	{ "class", NULL, 0, get_class },
	{ "action", NULL, 0, get_action },
	{ "because", NULL, 0, get_because },
};

static const struct record_type mce_record = {
	.name = "mce", .version = 1, .columns = columns, .nr_columns = ARRAY_SIZE(columns),
};

/* -------------------------------------------------------------------------- output */

void way_words(uint32_t way, char *out, size_t size)
{
	static const char *const words[] = {
		"NOBROADCAST", "IRQBROADCAST", "NMIBROADCAST", "IN_IRQ", "IN_PROC", "HOLD", "POLL", "EXCP",
		"CPU broadcast", "!INEXACT!",
	};
	size_t length = 0;

	*out = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(words) && length < size; i++)
		if (way >> i & 1)
			length += (size_t)snprintf(out + length, size - length, "%s%s", length ? " " : "",
						   words[i]);
}

static void print_value(struct json_object *value)
{
	if (!json_object_is_type(value, json_type_array)) {
		printf(" %s", json_object_get_string(value));
		return;
	}
	for (size_t i = 0; i < json_object_array_length(value); i++)
		printf(" %s", json_object_get_string(json_object_array_get_idx(value, i)));
}

static void print_block(const struct row *row)
{
	struct json_object *o = record_to_json(&mce_record, row);

	printf("machine check\n");
	json_object_object_foreach(o, name, value) {
		if (!value)
			continue;
		printf("  %-15s", name);
		print_value(value);
		printf("\n");
	}
	json_object_put(o);
}

void show_record(const struct mce *m, const struct mce_rules *rules, const struct mce_judgement *j,
		 const char *source, bool json)
{
	struct record_output out = { .json = json };
	struct row row = { .m = m, .rules = rules, .source = source, .judgement = *j };

	if (json)
		record_print(&out, &mce_record, &row);
	else
		print_block(&row);
}
