// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mutated machine check records: the parser hands over all records of a text, each whole,
 * or an error with its place. The seed is fixed, so that a failure comes again.
 */
#include "mce-inject/decode.h"
#include "mce-inject/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util.h"

#define ITERATIONS 20000
#define TEXT_MAX 1024

static const char *const seeds[] = {
	"CPU 1 BANK 2\nSTATUS uncorrected s ar 0x134\nMCGSTATUS ripv mcip\nADDR 0x1000 MISC 0x8c\n"
	"RIP 0x33:0x1000 NOBROADCAST # comment\nCPU broadcast STATUS fatal HOLD\n",
	"[ 1.0] mce: [Hardware Error]: CPU 1: Machine Check Exception: 5 Bank 9: bd000000000000c0\n"
	"[ 1.0] mce: [Hardware Error]: RIP !INEXACT! 33:<00000000004011c2> {foo+0x1/0x2}\n"
	"[ 1.0] mce: [Hardware Error]: TSC 0 ADDR 3fdbd000 MISC 8c\n"
	"[ 1.0] mce: [Hardware Error]: PROCESSOR 0:a0f10 TIME 1 SOCKET 0 APIC 1 microcode 0\n",
	"Hardware event.\nMCE 0\nCPU 0 BANK 1 TSC 3f [at 1 Mhz]\nMISC 8c ADDR 1000\nTIME 1 Fri\n"
	"STATUS bd80000000000134 MCGSTATUS 7\nCPUID Vendor Intel Family 6\nMCE 1\nCPU 1 STATUS 1\n",
	"MCE 1\nCPU 3 THERMAL EVENT TSC 12\nSTATUS 1 MCGSTATUS 0\nMCE 2\nCPU 1 4 northbridge TSC 7a\n"
	"STATUS 2 MCGSTATUS 0\n",
	"[ 1.0] [Hardware Error]: CPU:2 (17:31:0) MC15_STATUS[-|CE|MiscV|-]: 0x9c2041000000011b\n"
	"[ 1.0] [Hardware Error]: Error Addr: 0x000000000e1b2a40\n[ 1.0] TIME 5\n"
	"[ 1.0] [Hardware Error]: IPID: 0x0000009600150f00, Syndrome: 0x000051130a400d02\n",
};

static uint64_t state = 20261128;

static size_t below(size_t n)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)(state >> 33) % n;
}

/* Changes a byte, or takes out, doubles or moves a piece. */
static size_t mutate(char *text, size_t length)
{
	static const char bytes[] = "\0 \n#:<>{}!x0f9[]CPUM";
	size_t at = below(length), n = 1 + below(MIN(length - at, 24)), to;

	switch (below(4)) {
	case 0:
		text[at] = bytes[below(sizeof(bytes) - 1)];
		return length;
	case 1:
		memmove(text + at, text + at + n, length - at - n);
		return length - n;
	case 2:
		if (length + n > TEXT_MAX)
			return length;
		memmove(text + at + n, text + at, length - at);
		return length + n;
	default:
		to = below(length - n + 1);
		memmove(text + to, text + at, n);
		return length;
	}
}

static void check(bool holds, const char *what, size_t iteration)
{
	if (holds)
		return;
	fprintf(stderr, "iteration %zu: %s\n", iteration, what);
	exit(1);
}

static void check_records(const struct mce_list *list, size_t iteration)
{
	static const struct mce_rules rules = { 0 };
	size_t line = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct mce *m = &list->records[i];
		char text[DECODE_TEXT];
		struct mce_judgement j;

		check(mce_has(m, MCE_STATUS), "a record without a status", iteration);
		check(m->line >= MAX(line, 1), "records are not in order", iteration);
		check(mce_has(m, MCE_VENDOR) || !mce_has(m, MCE_CPUID), "half a PROCESSOR", iteration);
		check(mce_has(m, MCE_RIP) || !mce_has(m, MCE_CS), "half a RIP", iteration);
		check(m->value[MCE_BANK] <= 255 && m->value[MCE_CS] <= 0xffff, "out of range", iteration);
		for (size_t f = 0; f < NR_MCE_FIELDS; f++)
			check(mce_has(m, f) || !m->value[f], "a value that was not given", iteration);
		mce_judge(m, &rules, &j);
		check(j.because && mce_class_name(j.class), "no judgement", iteration);
		mce_code_text(m->value[MCE_STATUS], m->value[MCE_VENDOR], text);
		check(*text, "no text for the error code", iteration);
		line = m->line;
	}
}

/* The text ends where its memory ends, so that a read behind it is seen. */
static bool parse_one(const char *text, size_t length, size_t iteration)
{
	struct mce_list list = { 0 };
	struct mce_error err = { 0 };
	char *copy = malloc(length ? length : 1);
	bool good;

	check(copy, "out of memory", iteration);
	memcpy(copy, text, length);
	good = !mce_parse(copy, length, &list, &err);
	if (good)
		check_records(&list, iteration);
	else
		check(!list.n && !list.records && err.line && err.column && *err.text,
		      "an error without its place, or with records", iteration);
	mce_list_release(&list);
	free(copy);
	return good;
}

int main(void)
{
	size_t good = 0;

	for (size_t i = 0; i < ITERATIONS; i++) {
		const char *seed = seeds[i % ARRAY_SIZE(seeds)];
		size_t length = strlen(seed), rounds = below(4);
		char text[TEXT_MAX];

		memcpy(text, seed, length);
		while (rounds-- && length)
			length = mutate(text, length);
		good += parse_one(text, length, i);
	}
	/* Otherwise only one of the two ways was tried. */
	check(good > ITERATIONS / 20 && good < ITERATIONS - ITERATIONS / 20, "too much of one kind", good);
	return 0;
}
