// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From text to machine check records. A record begins with "CPU" or "MCE", and ends where
 * the next one begins; in the record language line ends mean nothing. What a kernel or
 * mcelog printed has the same words, but its numbers are hexadecimal without a "0x", and
 * among its lines are some that are about something else.
 */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "amd-log.h"
#include "common/util.h"

/* Whose words a record is in. */
enum dialect {
	CLASSIC,
	KERNEL,
	MCELOG,
	AMD_LOG,
};

struct parser {
	const char *start, *end;	/* of the text */
	regex_t log_prefix;
	const char *line, *line_end;
	const char *at;			/* what is read next */
	size_t number;			/* of the line */
	bool in_log;			/* the line has a prefix of the kernel's log */
	bool marked;			/* its prefix is that of hardware errors */
	bool record_is_marked;		/* the line that has begun the record was marked */
	bool open;			/* a record has begun */
	bool in_event;			/* mcelog's record is of no machine check */
	enum dialect dialect;		/* of that record */
	bool status_list, mcg_list;	/* in the values of STATUS, MCGSTATUS */
	struct mce record;
	struct mce_list found;
	struct mce_error *err;
};

struct word {
	const char *text;
	size_t length;
};

/* ------------------------------------------------------------------- messages */

static int wrong_at(struct parser *p, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int wrong_at(struct parser *p, const char *where, const char *format, ...)
{
	va_list args;

	p->err->line = p->number;
	p->err->column = (size_t)(where - p->line) + 1;
	va_start(args, format);
	vsnprintf(p->err->text, sizeof(p->err->text), format, args);
	va_end(args);
	return -EINVAL;
}

/* ----------------------------------------------------------------- characters */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct parser *p)
{
	while (p->at < p->line_end && is_blank(*p->at))
		p->at++;
}

static bool at_end(struct parser *p)
{
	skip_blanks(p);
	return p->at == p->line_end || *p->at == '#';
}

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The word or number that comes next, which is not taken; length 0: none does. */
static struct word peek_word(struct parser *p)
{
	struct word w = { NULL, 0 };

	skip_blanks(p);
	w.text = p->at;
	while (p->at + w.length < p->line_end && is_word_char(p->at[w.length]))
		w.length++;
	return w;
}

static bool word_is(struct word w, const char *name)
{
	return w.length == strlen(name) && !strncasecmp(w.text, name, w.length);
}

static bool take_word(struct parser *p, const char *name)
{
	struct word w = peek_word(p);

	if (!word_is(w, name))
		return false;
	p->at += w.length;
	return true;
}

static bool take_char(struct parser *p, char c)
{
	skip_blanks(p);
	if (p->at == p->line_end || *p->at != c)
		return false;
	p->at++;
	return true;
}

static int expect_char(struct parser *p, char c)
{
	return take_char(p, c) ? 0 : wrong_at(p, p->at, "expected '%c'", c);
}

static int expect_word(struct parser *p, const char *name)
{
	return take_word(p, name) ? 0 : wrong_at(p, p->at, "expected \"%s\"", name);
}

/* -------------------------------------------------------------------- numbers */

static bool is_number(struct word w, bool hex)
{
	if (!w.length)
		return false;
	if (hex)
		for (size_t i = 0; i < w.length; i++)
			if (!isxdigit((unsigned char)w.text[i]) && !(i == 1 && w.text[1] == 'x'))
				return false;
	return hex || isdigit((unsigned char)w.text[0]);
}

/* base: 0 as in C. */
static int take_number(struct parser *p, int base, uint64_t max, uint64_t *out)
{
	struct word w = peek_word(p);
	char copy[32], *rest;

	if (!is_number(w, base == 16))
		return wrong_at(p, p->at, "expected a %snumber", base == 16 ? "hexadecimal " : "");
	if (w.length >= sizeof(copy))
		return wrong_at(p, p->at, "expected a number of at most 64 bits");
	memcpy(copy, w.text, w.length);
	copy[w.length] = '\0';
	errno = 0;
	*out = strtoull(copy, &rest, base);
	if (*rest)
		return wrong_at(p, p->at + (rest - copy), "expected %s", base == 16 || copy[1] == 'x' ?
				"a hexadecimal digit" : "a digit (hexadecimal numbers begin with 0x)");
	if (errno || *out > max)
		return wrong_at(p, p->at, "expected a number up to 0x%llx", (unsigned long long)max);
	p->at += w.length;
	return 0;
}

/* --------------------------------------------------------------------- fields */

#define BITS(n) (UINT64_MAX >> (64 - (n)))

static const struct key {
	const char *name;
	uint64_t max;
	enum mce_field field;
	int base;	/* in what a kernel or mcelog printed */
} keys[] = {
	{ "BANK", 255, MCE_BANK, 10 },
	{ "ADDR", UINT64_MAX, MCE_ADDR, 16 },
	{ "MISC", UINT64_MAX, MCE_MISC, 16 },
	{ "SYND", UINT64_MAX, MCE_SYND, 16 },
	{ "IPID", UINT64_MAX, MCE_IPID, 16 },
	{ "PPIN", UINT64_MAX, MCE_PPIN, 16 },
	{ "TSC", UINT64_MAX, MCE_TSC, 16 },
	{ "TIME", UINT64_MAX, MCE_TIME, 10 },
	{ "SOCKETID", BITS(32), MCE_SOCKETID, 16 },
	{ "SOCKET", BITS(32), MCE_SOCKETID, 10 },
	{ "APICID", BITS(32), MCE_APICID, 16 },
	{ "APIC", BITS(32), MCE_APICID, 16 },
	{ "MCGCAP", UINT64_MAX, MCE_MCGCAP, 16 },
	{ "MICROCODE", BITS(32), MCE_MICROCODE, 16 },
};

static const struct {
	const char *name;
	enum mce_way way;
} ways[] = {
	{ "NOBROADCAST", MCE_NOBROADCAST }, { "IRQBROADCAST", MCE_IRQBROADCAST },
	{ "NMIBROADCAST", MCE_NMIBROADCAST }, { "IN_IRQ", MCE_IN_IRQ },
	{ "IN_PROC", MCE_IN_PROC }, { "HOLD", MCE_HOLD }, { "POLL", MCE_POLL }, { "EXCP", MCE_EXCP },
};

struct name {
	const char *name;
	uint64_t bits;
};

static const struct name status_names[] = {
	{ "VAL", MCI_VAL }, { "OVER", MCI_OVER }, { "OVERFLOW", MCI_OVER }, { "UC", MCI_UC },
	{ "EN", MCI_EN }, { "ENABLED", MCI_EN }, { "MISCV", MCI_MISCV }, { "ADDRV", MCI_ADDRV },
	{ "PCC", MCI_PCC }, { "S", MCI_S }, { "AR", MCI_AR },
	{ "DEFERRED", MCI_DEFERRED }, { "POISON", MCI_POISON }, { "SYNDV", MCI_SYNDV },
	{ "TCC", MCI_TCC }, { "TES_YELLOW", MCI_TES_YELLOW },
	{ "UCNA", 0 }, { "SRAO", MCI_S }, { "SRAR", MCI_S | MCI_AR },
	{ "CORRECTED", MCI_VAL | MCI_EN },
	{ "UNCORRECTED", MCI_VAL | MCI_UC | MCI_EN },
	{ "FATAL", MCI_VAL | MCI_UC | MCI_EN | MCI_PCC },
};

static const struct name mcg_names[] = {
	{ "RIPV", MCG_RIPV }, { "EIPV", MCG_EIPV }, { "MCIP", MCG_MCIP }, { "LMCES", MCG_LMCES },
	{ "LMCE", MCG_LMCES }, { "TES_P", MCG_TES_P }, { "SEAM_NR", MCG_SEAM_NR },
};

static int take_field(struct parser *p, const char *where, enum mce_field field, int base,
		      uint64_t max)
{
	uint64_t value = 0;
	int err;

	if (mce_has(&p->record, field))
		return wrong_at(p, where, "expected each field once in a record");
	err = take_number(p, p->dialect == CLASSIC ? 0 : base, max, &value);
	if (!err)
		mce_set(&p->record, field, value);
	return err;
}

/* A value of STATUS or MCGSTATUS. 1: it is none. */
static int take_bits(struct parser *p, enum mce_field field, const struct name *names, size_t n)
{
	struct word w = peek_word(p);
	uint64_t value;

	for (size_t i = 0; i < n; i++)
		if (word_is(w, names[i].name)) {
			p->at += w.length;
			mce_set(&p->record, field, p->record.value[field] | names[i].bits);
			p->record.of_intel |= field == MCE_STATUS && names[i].bits & (MCI_S | MCI_AR);
			return 0;
		}
	if (!w.length || !isdigit((unsigned char)w.text[0]))
		return 1;
	if (take_number(p, 0, UINT64_MAX, &value))
		return -EINVAL;
	mce_set(&p->record, field, p->record.value[field] | value);
	return 0;
}

static int begin_bits(struct parser *p, const char *where, enum mce_field field)
{
	if (p->dialect != CLASSIC)
		return take_field(p, where, field, 16, UINT64_MAX);
	if (mce_has(&p->record, field))
		return wrong_at(p, where, "expected each field once in a record");
	p->status_list = field == MCE_STATUS;
	p->mcg_list = field == MCE_MCGSTATUS;
	return 0;
}

/* STATUS and MCGSTATUS take values until another word comes; without any they are 0. */
static void end_bits(struct parser *p)
{
	if (p->status_list && !mce_has(&p->record, MCE_STATUS))
		mce_set(&p->record, MCE_STATUS, 0);
	if (p->mcg_list && !mce_has(&p->record, MCE_MCGSTATUS))
		mce_set(&p->record, MCE_MCGSTATUS, 0);
	p->status_list = p->mcg_list = false;
}

/* "<addr>", and the "{symbol}" behind it, which means the same. */
static int take_ip(struct parser *p, const char *where, int base)
{
	bool bracket = take_char(p, '<');

	if (take_field(p, where, MCE_RIP, base, UINT64_MAX))
		return -EINVAL;
	if (bracket && expect_char(p, '>'))
		return -EINVAL;
	if (!take_char(p, '{'))
		return 0;
	while (p->at < p->line_end && *p->at != '}')
		p->at++;
	return expect_char(p, '}');
}

/* "RIP ip", "RIP cs:ip", "RIP !INEXACT! cs:<ip>{symbol}" */
static int take_rip(struct parser *p, const char *where)
{
	uint64_t first;

	if (take_char(p, '!')) {
		if (expect_word(p, "INEXACT") || expect_char(p, '!'))
			return -EINVAL;
		p->record.way |= MCE_RIP_INEXACT;
	}
	if (mce_has(&p->record, MCE_RIP))
		return wrong_at(p, where, "expected each field once in a record");
	where = p->at;
	if (take_number(p, p->dialect == CLASSIC ? 0 : 16, UINT64_MAX, &first))
		return -EINVAL;
	if (!take_char(p, ':')) {
		mce_set(&p->record, MCE_RIP, first);
		return 0;
	}
	if (first > 0xffff)
		return wrong_at(p, where, "expected a code segment up to 0xffff");
	mce_set(&p->record, MCE_CS, first);
	return take_ip(p, where, 16);
}

/* "PROCESSOR vendor:cpuid" */
static int take_processor(struct parser *p, const char *where)
{
	if (take_field(p, where, MCE_VENDOR, 10, 255) || expect_char(p, ':'))
		return -EINVAL;
	return take_field(p, where, MCE_CPUID, 16, BITS(32));
}

/* ------------------------------------------------------------ record and record */

static int finish(struct parser *p)
{
	struct mce *m = &p->record;

	if (!p->open)
		return 0;
	end_bits(p);
	if (p->dialect != CLASSIC && !mce_has(m, MCE_STATUS))
		return wrong_at(p, p->at, "expected STATUS in the record that begins in line %zu", m->line);
	/* In the language, the default is 0, and giving a register says that it is valid. */
	if (p->dialect == CLASSIC) {
		mce_set(m, MCE_STATUS, m->value[MCE_STATUS]);
		m->value[MCE_STATUS] |= mce_has(m, MCE_ADDR) ? MCI_ADDRV : 0;
		m->value[MCE_STATUS] |= mce_has(m, MCE_MISC) ? MCI_MISCV : 0;
	}
	p->found.records = xgrow(p->found.records, p->found.n, sizeof(*m));
	p->found.records[p->found.n++] = *m;
	p->open = false;
	return 0;
}

static int begin(struct parser *p, enum dialect dialect)
{
	int err = finish(p);

	p->record = (struct mce){ .line = p->number };
	p->open = true;
	p->dialect = dialect;
	p->in_event = false;
	p->record_is_marked = p->marked;
	return err;
}

static bool is_keyword(struct word w)
{
	static const char *const others[] = { "CPU", "MCE", "STATUS", "MCGSTATUS", "RIP", "PROCESSOR" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (word_is(w, others[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (word_is(w, keys[i].name))
			return true;
	return false;
}

/* The kernel prints it with all its digits: where some are missing, the text is cut off. */
static int take_printed_status(struct parser *p)
{
	if (peek_word(p).length < 16)
		return wrong_at(p, p->at, "expected the 16 digits of a status");
	return take_field(p, p->at, MCE_STATUS, 16, UINT64_MAX);
}

/* What follows "CPU n:" where a kernel printed it. */
static int take_machine_check(struct parser *p, const char *where)
{
	if (expect_word(p, "Machine") || expect_word(p, "Check"))
		return -EINVAL;
	take_word(p, "Exception");
	p->dialect = KERNEL;
	if (expect_char(p, ':') || take_field(p, where, MCE_MCGSTATUS, 16, UINT64_MAX) ||
	    expect_word(p, "Bank") || take_field(p, where, MCE_BANK, 10, 255) || expect_char(p, ':'))
		return -EINVAL;
	return take_printed_status(p);
}

/* "CPU n" belongs to the record that "MCE" has begun. */
static bool is_of_open_record(const struct parser *p)
{
	const struct mce *m = &p->record;

	return p->open && !mce_has(m, MCE_CPU) && !(m->way & MCE_CPU_BROADCAST) &&
	       (p->dialect == MCELOG || !m->given);
}

static void pass_over(struct parser *p)
{
	p->at = p->line_end;
	if (!p->found.passed_over++)
		p->found.first_passed = p->number;
}

/* "4 northbridge": on K8, the bank's number has a name behind it. */
static int take_bank(struct parser *p, const char *where)
{
	int err = take_field(p, where, MCE_BANK, 10, 255);

	while (!err && p->dialect == MCELOG && !at_end(p) && !is_keyword(peek_word(p)))
		while (p->at < p->line_end && !is_blank(*p->at))
			p->at++;
	return err;
}

/* mcelog's "CPU n THERMAL EVENT": something that is no bank's. Its other lines go with it. */
static void drop_event(struct parser *p)
{
	p->open = false;
	p->in_event = true;
	pass_over(p);
}

static int take_cpu(struct parser *p, const char *where)
{
	struct word w;

	end_bits(p);
	if (!is_of_open_record(p) && begin(p, CLASSIC))
		return -EINVAL;
	if (take_word(p, "broadcast"))
		p->record.way |= MCE_CPU_BROADCAST;
	else if (take_field(p, where, MCE_CPU, 10, INT32_MAX))
		return -EINVAL;
	if (take_char(p, ':'))
		return take_machine_check(p, where);
	w = peek_word(p);
	if (w.length && isdigit((unsigned char)w.text[0]))
		return take_bank(p, where);
	if (p->dialect == MCELOG && !at_end(p) && !is_keyword(w))
		drop_event(p);
	return 0;
}

/* "MCE" of the language, "MCE n" of mcelog. */
static int take_mce(struct parser *p)
{
	struct word w = peek_word(p);
	bool counted = w.length && isdigit((unsigned char)w.text[0]);
	uint64_t number;

	end_bits(p);
	if (begin(p, counted ? MCELOG : CLASSIC))
		return -EINVAL;
	return counted ? take_number(p, 10, UINT64_MAX, &number) : 0;
}

static int take_way(struct parser *p, struct word w)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (word_is(w, ways[i].name)) {
			p->record.way |= ways[i].way;
			return 0;
		}
	return 1;
}

/* What mcelog puts behind some values for people. */
static void skip_notes(struct parser *p, enum mce_field field)
{
	if (p->dialect == MCELOG && (field == MCE_TIME || field == MCE_TSC)) {
		skip_blanks(p);
		if (field == MCE_TIME || (p->at < p->line_end && *p->at == '['))
			p->at = p->line_end;
	}
}

static int take_key(struct parser *p, const char *where, struct word w)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!word_is(w, keys[i].name))
			continue;
		if (take_field(p, where, keys[i].field, keys[i].base, keys[i].max))
			return -EINVAL;
		skip_notes(p, keys[i].field);
		return 0;
	}
	return 1;
}

static const struct {
	const char *name;
	int (*take)(struct parser *p, const char *where);
} statements[] = {
	{ "RIP", take_rip },
	{ "PROCESSOR", take_processor },
};

static int take_statement(struct parser *p, const char *where, struct word w)
{
	int result;

	if (word_is(w, "STATUS"))
		return begin_bits(p, where, MCE_STATUS);
	if (word_is(w, "MCGSTATUS"))
		return begin_bits(p, where, MCE_MCGSTATUS);
	for (size_t i = 0; i < ARRAY_SIZE(statements); i++)
		if (word_is(w, statements[i].name))
			return statements[i].take(p, where);
	result = take_key(p, where, w);
	return result == 1 ? take_way(p, w) : result;
}

/* --------------------------------------------------------------------- a line */

/* A value of the list that is open. 1: it is none, or no list is. */
static int take_value(struct parser *p)
{
	if (p->status_list)
		return take_bits(p, MCE_STATUS, status_names, ARRAY_SIZE(status_names));
	if (p->mcg_list)
		return take_bits(p, MCE_MCGSTATUS, mcg_names, ARRAY_SIZE(mcg_names));
	return 1;
}

static const char *open_list(const struct parser *p)
{
	if (p->status_list)
		return "STATUS";
	return p->mcg_list ? "MCGSTATUS" : NULL;
}

static int wrong_word(struct parser *p, const char *where, const char *list)
{
	if (list)
		return wrong_at(p, where, "expected a keyword, a number or the name of a bit of %s", list);
	return wrong_at(p, where, "expected a keyword%s", isdigit((unsigned char)*where) ?
			" before the number" : "");
}

/* One word with what belongs to it. */
static int take_one(struct parser *p)
{
	const char *list = open_list(p);
	struct word w = peek_word(p);
	const char *where = p->at;
	int result = take_value(p);

	if (result <= 0)
		return result;
	if (!w.length)
		return wrong_at(p, where, "expected a keyword");
	if (!p->open && !word_is(w, "CPU") && !word_is(w, "MCE"))
		return wrong_at(p, where, "expected CPU or MCE, which begin a record");
	p->at += w.length;
	if (word_is(w, "CPU"))
		return take_cpu(p, where);
	if (word_is(w, "MCE"))
		return take_mce(p);
	end_bits(p);
	result = take_statement(p, where, w);
	return result == 1 ? wrong_word(p, where, list) : result;
}

/* Finds text in the line. */
static const char *in_line(const struct parser *p, const char *text)
{
	return memmem(p->at, (size_t)(p->line_end - p->at), text, strlen(text));
}

/* Of what prints a line of the kernel's log, as often as it comes: */
static const char log_prefix[] =
	"^(<[0-9]+>"					/* printk: the level */
	"|\\[[^]]*\\] ?"					/* … the time, the caller */
	"|[0-9]+,[0-9]+,[0-9]+,[^;]*;"			/* /dev/kmsg */
	"|[a-z0-9]+ *:[a-z]+ *: "			/* dmesg -x: facility and level */
	"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+[,.][^ ]+ "	/* … --time-format iso */
	")+";

static bool skip_text(struct parser *p, const char *found, const char *text)
{
	if (found)
		p->at = found + strlen(text);
	return found;
}

/* Up to the mark of hardware errors; without it, what comes before, of syslog, of those
 * above, and of the kernel's own. */
static void skip_log_prefix(struct parser *p)
{
	static const char mark[] = "[Hardware Error]:", syslog[] = " kernel: ", subsystem[] = "mce: ";
	regmatch_t match = { 0 };

	p->marked = skip_text(p, in_line(p, mark), mark);
	p->in_log = p->marked;
	if (p->marked)
		return;
	p->in_log = skip_text(p, in_line(p, syslog), syslog);
	match.rm_eo = (regoff_t)(p->line_end - p->at);
	if (!regexec(&p->log_prefix, p->at, 1, &match, REG_STARTEND)) {
		p->in_log = true;
		p->at += match.rm_eo;
	}
	if (in_line(p, subsystem) == p->at)
		p->in_log = skip_text(p, p->at, subsystem);
}

/* "CPUID Vendor Intel Family 6 Model 85": all that counts of it is the vendor. */
static void note_vendor(struct parser *p)
{
	static const struct name vendors[] = { { "Intel", VENDOR_INTEL }, { "AMD", VENDOR_AMD } };

	if (!take_word(p, "CPUID") || !take_word(p, "Vendor") || mce_has(&p->record, MCE_VENDOR))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(vendors); i++)
		if (take_word(p, vendors[i].name))
			mce_set(&p->record, MCE_VENDOR, vendors[i].bits);
}

/* The kernel's log has "CPU", "MCE" and the names of fields in other lines, too. */
static bool is_log_line_of_record(struct parser *p, struct word w)
{
	if (word_is(w, "CPU"))
		return in_line(p, "Machine Check:") || in_line(p, "Machine Check Exception:");
	/* With none open, the ring has lost the line that began it. */
	if (word_is(w, "MCE") || !p->open || p->dialect == AMD_LOG)
		return false;
	return p->marked || (p->dialect == KERNEL && !p->record_is_marked);
}

static bool is_line_of_record(struct parser *p)
{
	static const char headline[] = "Hardware event.";	/* of mcelog, before "MCE n" */
	struct word w = peek_word(p);
	char behind;

	if (in_line(p, headline) == p->at || (p->in_event && !word_is(w, "MCE") && !word_is(w, "CPU")))
		return false;
	if (!p->in_log && (!p->open || p->dialect == CLASSIC))
		return true;
	/* "CPU:1 (17:1:2) MC9_STATUS…", "CPU1: Core temperature…" are no records. */
	behind = w.text + w.length < p->line_end ? w.text[w.length] : ' ';
	if (!is_keyword(w) || !is_blank(behind))
		return false;
	return !p->in_log || is_log_line_of_record(p, w);
}

static bool has_more_of_amd(struct parser *p)
{
	return p->open && p->dialect == AMD_LOG &&
	       amd_line_read(p->at, (size_t)(p->line_end - p->at), &p->record) == AMD_LINE_MORE;
}

/* A line of the kernel's decoder of AMD's errors. 1: it is none. */
static int take_amd_line(struct parser *p)
{
	struct mce first = { .line = p->number };
	enum amd_line what;

	if (!p->marked)
		return 1;
	what = amd_line_read(p->at, (size_t)(p->line_end - p->at), &first);
	if (what == AMD_LINE_CUT)
		return wrong_at(p, p->at, "expected a status of 16 digits in this line");
	if (what == AMD_LINE_OTHER)
		return has_more_of_amd(p) ? 0 : 1;
	if (begin(p, AMD_LOG))
		return -EINVAL;
	p->record = first;
	return 0;
}

static int take_line(struct parser *p)
{
	int amd;

	if (at_end(p))
		return 0;
	skip_log_prefix(p);
	if (at_end(p))
		return 0;
	amd = take_amd_line(p);
	if (amd != 1)
		return amd;
	if (!is_line_of_record(p)) {
		if (p->open && p->dialect == MCELOG)
			note_vendor(p);
		pass_over(p);
		return 0;
	}
	/* Its numbers would be read as those of the language. */
	if (p->in_log && p->open && p->dialect == CLASSIC && !word_is(peek_word(p), "CPU"))
		return wrong_at(p, p->at, "expected the line \"CPU n: Machine Check\" before this one");
	while (!at_end(p))
		if (take_one(p))
			return -EINVAL;
	return 0;
}

/* ------------------------------------------------------------------- the whole */

static int take_text(struct parser *p)
{
	const char *next = p->start;

	while (next < p->end) {
		const char *newline = memchr(next, '\n', (size_t)(p->end - next));

		p->line = p->at = next;
		p->line_end = newline ? newline : p->end;
		p->number++;
		next = newline ? newline + 1 : p->end;
		if (take_line(p))
			return -EINVAL;
	}
	return finish(p);
}

static void append(struct mce_list *list, const struct mce_list *found)
{
	for (size_t i = 0; i < found->n; i++) {
		list->records = xgrow(list->records, list->n, sizeof(*list->records));
		list->records[list->n++] = found->records[i];
	}
	list->passed_over += found->passed_over;
	if (!list->first_passed)
		list->first_passed = found->first_passed;
}

int mce_parse(const char *text, size_t length, struct mce_list *list, struct mce_error *err)
{
	struct parser p = {
		.start = text, .end = text + length, .line = text, .line_end = text, .at = text,
		.err = err,
	};
	int result;

	if (regcomp(&p.log_prefix, log_prefix, REG_EXTENDED))
		return wrong_at(&p, text, "%s", strerror(ENOMEM));
	result = take_text(&p);
	regfree(&p.log_prefix);
	if (!result)
		append(list, &p.found);
	mce_list_release(&p.found);
	return result;
}

void mce_list_release(struct mce_list *list)
{
	free(list->records);
	*list = (struct mce_list){ 0 };
}
