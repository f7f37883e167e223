// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where this decoder is loaded, the kernel logs AMD's machine checks in this form alone:
 *
 *	CPU:2 (17:31:0) MC15_STATUS[-|CE|MiscV|AddrV|-|-|SyndV|CECC|-|-|-]: 0x9c2041000000011b
 *	Error Addr: 0x000000000e1b2a40
 *	PPIN: 0x02b3e1f2a7c84051
 *	IPID: 0x0000009600150f00, Syndrome: 0x000051130a400d02
 *
 * with family, model and stepping, in hex. MCG_STATUS is not in it.
 */
#include "amd-log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util.h"

#define LINE_SIZE 256
#define STATUS_DIGITS 16
#define FAMILY_HYGON 0x18
#define BANK_MAX 255

/* As the instruction has it: what does not fit into family and model is above. */
static uint64_t cpuid_of(unsigned int family, unsigned int model, unsigned int stepping)
{
	unsigned int base = MIN(family, 0xfU);

	return (uint64_t)(family - base) << 20 | (model >> 4 & 0xf) << 16 | base << 8 |
	       (model & 0xf) << 4 | (stepping & 0xf);
}

static enum amd_line read_first(const char *line, struct mce *m)
{
	unsigned int cpu, family, model, stepping, bank;
	const char *status = strstr(line, "]: 0x");
	char *end;

	if (sscanf(line, "CPU:%9u (%3x:%2x:%1x) MC%3u_STATUS[", &cpu, &family, &model, &stepping,
		   &bank) != 5 || bank > BANK_MAX)
		return AMD_LINE_OTHER;
	if (!status)
		return AMD_LINE_CUT;
	status += strlen("]: 0x");
	mce_set(m, MCE_STATUS, strtoull(status, &end, 16));
	if (end - status < STATUS_DIGITS)
		return AMD_LINE_CUT;
	mce_set(m, MCE_CPU, cpu);
	mce_set(m, MCE_BANK, bank);
	mce_set(m, MCE_VENDOR, family == FAMILY_HYGON ? VENDOR_HYGON : VENDOR_AMD);
	mce_set(m, MCE_CPUID, cpuid_of(family, model, stepping));
	return AMD_LINE_FIRST;
}

static enum amd_line read_more(const char *line, struct mce *m)
{
	static const struct {
		const char *label;
		enum mce_field field;
		int base;
		bool inside;	/* of a line with another label */
	} registers[] = {
		{ "Error Addr: 0x", MCE_ADDR, 16, false },
		{ "PPIN: 0x", MCE_PPIN, 16, false },
		{ "IPID: 0x", MCE_IPID, 16, false },
		{ ", Syndrome: 0x", MCE_SYND, 16, true },
		{ "TSC: ", MCE_TSC, 10, false },
	};
	enum amd_line result = AMD_LINE_OTHER;

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		const char *found = strstr(line, registers[i].label);

		if (!found || (found != line && !registers[i].inside) || mce_has(m, registers[i].field))
			continue;
		mce_set(m, registers[i].field,
			strtoull(found + strlen(registers[i].label), NULL, registers[i].base));
		result = AMD_LINE_MORE;
	}
	return result;
}

enum amd_line amd_line_read(const char *text, size_t length, struct mce *m)
{
	char line[LINE_SIZE];

	length = MIN(length, sizeof(line) - 1);
	memcpy(line, text, length);
	line[length] = '\0';
	return m->given ? read_more(line, m) : read_first(line, m);
}
