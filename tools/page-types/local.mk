# SPDX-License-Identifier: GPL-2.0-or-later
bin_PROGRAMS += tools/page-types/page-types
tools_page_types_page_types_SOURCES = \
	tools/page-types/act.c \
	tools/page-types/cache.c \
	tools/page-types/explain.c \
	tools/page-types/groups.c \
	tools/page-types/groups.h \
	tools/page-types/narrowed.c \
	tools/page-types/container.c \
	tools/page-types/container.h \
	tools/page-types/kernel-lines.c \
	tools/page-types/kernel-lines.h \
	tools/page-types/estimate.c \
	tools/page-types/estimate.h \
	tools/page-types/diff.c \
	tools/page-types/diff.h \
	tools/page-types/diff-show.c \
	tools/page-types/dump.c \
	tools/page-types/options.c \
	tools/page-types/order-tally.c \
	tools/page-types/order-tally.h \
	tools/page-types/order.c \
	tools/page-types/owners.c \
	tools/page-types/owners.h \
	tools/page-types/owners-column.c \
	tools/page-types/owners-files.c \
	tools/page-types/owners-places.c \
	tools/page-types/owners-report.c \
	tools/page-types/owners-select.c \
	tools/page-types/owners-servers.c \
	tools/page-types/page-types.c \
	tools/page-types/page-types.h \
	tools/page-types/sample-plan.c \
	tools/page-types/sample-plan.h \
	tools/page-types/sample-show.c \
	tools/page-types/sample-show.h \
	tools/page-types/sample-walk.c \
	tools/page-types/show.c \
	tools/page-types/show.h \
	tools/page-types/source.c \
	tools/page-types/summary.c \
	tools/page-types/summary.h \
	tools/page-types/watch.c \
	tools/page-types/watch-screen.c \
	tools/page-types/watch-screen.h
tools_page_types_page_types_CFLAGS = $(AM_CFLAGS) $(POPT_CFLAGS)
tools_page_types_page_types_LDADD = tools/common/libcommon.la lib/libkpage.la $(POPT_LIBS) -lm
dist_man_MANS += man/page-types.1
dist_bashcompletion_DATA += completions/page-types
