// SPDX-License-Identifier: GPL-2.0-or-later
/* The pages that lines of the kernel's log speak of. */
#include "kernel-lines.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "kpage.h"

enum number_kind {
	NUMBER_NONE,	/* such a line names no page, whatever a task in it is called */
	NUMBER_PFN,
	NUMBER_ADDRESS,	/* physical, in bytes */
	NUMBER_MCE,	/* the same, unless the bank is a memory controller of AMD */
	NUMBER_KB,
};

/*
 * What stands before the number, which is hex with or without 0x. The name of a task can
 * be anything, so that the wordings that have one come first. Those that the kernel has
 * changed over time are there in all forms that were seen.
 *
 * Not taken: "Error Addr:" of an AMD machine check. Of a memory controller it is a
 * normalized address, which counts the bytes of one channel; the line of EDAC that follows
 * has the page.
 */
static const struct wording {
	const char *text;
	enum number_kind kind;
	bool with_0x;		/* the number needs it */
	const char *also;	/* somewhere before; NULL: nothing; "": the line begins so */
} wordings[] = {
	/* A virtual address. */
	{ "MCE: Killing ", NUMBER_NONE, false, NULL },
	{ "Memory failure: ", NUMBER_PFN, true, NULL },
	{ "Memory failure on page ", NUMBER_PFN, false, NULL },
	{ "Injecting memory failure at pfn ", NUMBER_PFN, false, NULL },
	{ "Injecting memory failure for pfn ", NUMBER_PFN, false, NULL },
	/* Before 4.16 or so. */
	{ "Injecting memory failure for page ", NUMBER_PFN, false, NULL },
	{ "Soft offlining pfn ", NUMBER_PFN, false, NULL },
	{ "Soft offlining page ", NUMBER_PFN, false, NULL },
	{ "Soft-offlining pfn: ", NUMBER_PFN, false, NULL },
	{ "Soft-offlined pfn ", NUMBER_PFN, false, NULL },
	{ "Soft-offlined pfn: ", NUMBER_PFN, false, NULL },
	{ "Soft offline: ", NUMBER_PFN, true, NULL },
	{ "soft offline: ", NUMBER_PFN, true, NULL },
	{ "soft_offline: ", NUMBER_PFN, true, NULL },
	{ "soft_offline_page: ", NUMBER_PFN, true, NULL },
	{ "Unpoison: Software-unpoisoned page ", NUMBER_PFN, false, NULL },
	{ "Unpoison: Page was already unpoisoned ", NUMBER_PFN, false, NULL },
	{ "Unpoison: Someone grabs the hwpoison page ", NUMBER_PFN, false, NULL },
	{ "Unpoison: Disabled after HW memory failure ", NUMBER_PFN, false, NULL },
	{ "Unpoison: ", NUMBER_PFN, true, NULL },
	/* The event of the same name, in a trace. */
	{ "pfn ", NUMBER_PFN, true, "memory_failure_event:" },
	{ "HardwareCorrupted:", NUMBER_KB, false, NULL },
	/* Hardware. */
	{ "hardware memory error in user-access at ", NUMBER_ADDRESS, false, NULL },
	{ "physical_address: ", NUMBER_ADDRESS, false, NULL },
	{ " ADDR ", NUMBER_MCE, false, "[Hardware Error]" },
	/* mcelog, which may have it at the beginning of the line. */
	{ " ADDR ", NUMBER_MCE, false, "MCE" },
	{ " ADDR ", NUMBER_MCE, false, "MISC " },
	{ "ADDR ", NUMBER_MCE, false, "" },
	/* EDAC, and the event mc_event. */
	{ " page:", NUMBER_PFN, true, "EDAC" },
	{ " address:", NUMBER_ADDRESS, true, "mc_event:" },
	/* A page that the kernel complains about. */
	{ " pfn:", NUMBER_PFN, false, "BUG: Bad page" },
	{ " pfn:", NUMBER_PFN, true, "page:" },
};

/* A number that nothing is glued to. */
static bool parse_number(const char *text, bool with_0x, int base, uint64_t *out)
{
	bool has_0x = text[0] == '0' && text[1] == 'x';
	char *end;

	if (has_0x)
		text += 2;
	if ((with_0x && !has_0x) || !isxdigit((unsigned char)text[0]) || (has_0x && base != 16))
		return false;
	errno = 0;
	*out = strtoull(text, &end, base);
	return !errno && end > text && !isalnum((unsigned char)*end) && *end != '_';
}

/* Page 0 is what one says who does not know it. */
static enum line_subject page_subject(uint64_t n, uint64_t *pfn)
{
	if (!n)
		return LINE_NOTHING;
	*pfn = n;
	return LINE_PAGE;
}

/* What the bank belongs to is in bits 43:32 of IPID, which follows ADDR on the line. */
#define HARDWARE_UMC 0x96

static bool is_normalized(const char *text)
{
	static const char name[] = " IPID ";
	const char *ipid = strstr(text, name);
	uint64_t n;

	return ipid && parse_number(ipid + strlen(name), false, 16, &n) &&
	       (n >> 32 & 0xfff) == HARDWARE_UMC;
}

static enum line_subject parse_behind(const struct wording *w, const char *text, uint64_t *pfn)
{
	uint64_t n;

	text += strspn(text, " \t");
	if (!parse_number(text, w->with_0x, w->kind == NUMBER_KB ? 10 : 16, &n))
		return LINE_NOTHING;
	switch (w->kind) {
	case NUMBER_MCE:
		return is_normalized(text) ? LINE_NOTHING : page_subject(n / kpage_page_size(), pfn);
	case NUMBER_PFN:
		return page_subject(n, pfn);
	case NUMBER_ADDRESS:
		return page_subject(n / kpage_page_size(), pfn);
	case NUMBER_KB:
		return LINE_ALL_POISONED;
	case NUMBER_NONE:
		break;
	}
	return LINE_NOTHING;
}

/* Where what stands before the number ends; NULL: not in this line. */
static const char *find_wording(const struct wording *w, const char *line)
{
	const char *also = w->also ? strstr(line, w->also) : line, *at;

	at = also ? strstr(also, w->text) : NULL;
	if (at > line && w->also && !w->also[0])
		at = NULL;
	return at ? at + strlen(w->text) : NULL;
}

enum line_subject kernel_line_parse(const char *line, uint64_t *pfn)
{
	for (size_t i = 0; i < ARRAY_SIZE(wordings); i++) {
		const char *behind = find_wording(&wordings[i], line);
		enum line_subject subject;

		if (!behind)
			continue;
		if (wordings[i].kind == NUMBER_NONE)
			return LINE_NOTHING;
		subject = parse_behind(&wordings[i], behind, pfn);
		if (subject != LINE_NOTHING)
			return subject;
	}
	return LINE_NOTHING;
}

static void take_line(struct kernel_lines *l, const char *line)
{
	uint64_t pfn = 0;

	l->lines++;
	switch (kernel_line_parse(line, &pfn)) {
	case LINE_NOTHING:
		l->passed_over++;
		break;
	case LINE_ALL_POISONED:
		l->all_poisoned = true;
		break;
	case LINE_PAGE:
		if (!page_set_add(&l->seen, pfn))
			break;
		l->pfns = xgrow(l->pfns, l->n, sizeof(*l->pfns));
		l->pfns[l->n++] = pfn;
		break;
	}
}

int kernel_lines_read(FILE *f, struct kernel_lines *out)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	*out = (struct kernel_lines){ 0 };
	errno = 0;
	while (getline(&line, &size, f) > 0)
		take_line(out, line);
	return ferror(f) ? (errno ? -errno : -EIO) : 0;
}

void kernel_lines_release(struct kernel_lines *l)
{
	page_set_release(&l->seen);
	free(l->pfns);
	*l = (struct kernel_lines){ 0 };
}
