// SPDX-License-Identifier: GPL-2.0-or-later
/* The grammars of the selection options, and the names of the flags, for --help. */
#include "common/grammar.h"

#include <stdio.h>

#include "kpage.h"

static const char grammar[] =
"\n"
"FLAGS:\n"
"  0x10                 bits as a number\n"
"  anon                 a name, or the beginning of one\n"
"  0x10,anon            both\n"
"ADDR-SPEC (pages: of memory; with --pid or --file, of the process or the file):\n"
"  N                    page N\n"
"  N+M                  M pages from N on\n"
"  N,M                  pages N to M-1\n"
"  N,                   pages from N on\n"
"  ,M                   pages 0 to M-1\n"
"BITS-SPEC:\n"
"  bit1,bit2            (flags & (bit1|bit2)) != 0\n"
"  bit1,bit2=bit1       (flags & (bit1|bit2)) == bit1\n"
"  bit1,~bit2           (flags & (bit1|bit2)) == bit1\n"
"  =bit1,bit2           flags == (bit1|bit2)\n"
"Flag names, (r) in raw mode only, (o) a second meaning of a bit, in raw mode only:\n";

static void print_flag_names(void)
{
	static const char *const kinds[] = {
		[KPAGE_FLAG_WELL_KNOWN] = "   ",
		[KPAGE_FLAG_RAW] = "(r)",
		[KPAGE_FLAG_OVERLOADED] = "(o)",
	};
	size_t n;
	const struct kpage_flag *table = kpage_flag_table(&n);

	for (size_t i = 0; i < n; i++)
		printf("%16s%s%s", table[i].name, kinds[table[i].kind],
		       i % 4 == 3 || i + 1 == n ? "\n" : "");
}

void print_grammar(void)
{
	fputs(grammar, stdout);
	print_flag_names();
}
