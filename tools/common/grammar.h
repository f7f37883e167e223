/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammars of the selection options, for --help. */
#pragma once

/* FLAGS, ADDR-SPEC, BITS-SPEC, and the names of the flags, to stdout. */
void print_grammar(void);
