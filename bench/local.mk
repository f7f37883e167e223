# SPDX-License-Identifier: GPL-2.0-or-later
# What script/bench needs; built by "make bench" only.
bench_programs = bench/measure bench/bare-inject bench/bare-pagemaps bench/bare-read \
	bench/page-by-page bench/populate
EXTRA_PROGRAMS = $(bench_programs)
CLEANFILES += $(bench_programs)
bench_measure_SOURCES = bench/measure.c
bench_bare_inject_SOURCES = bench/bare-inject.c
bench_bare_pagemaps_SOURCES = bench/bare-pagemaps.c
bench_bare_read_SOURCES = bench/bare-read.c
bench_page_by_page_SOURCES = bench/page-by-page.c
bench_page_by_page_LDADD = lib/libkpage-objects.la $(TRACEFS_LIBS)
bench_populate_SOURCES = bench/populate.c

.PHONY: bench
bench: $(bench_programs)
EXTRA_DIST += script/bench script/bench-in-lab
