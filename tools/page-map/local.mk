# SPDX-License-Identifier: GPL-2.0-or-later
# The model knows no terminal, and is tested without one.
noinst_LTLIBRARIES += tools/page-map/libpagemap.la
tools_page_map_libpagemap_la_SOURCES = \
	tools/page-map/app.c \
	tools/page-map/app.h \
	tools/page-map/child.c \
	tools/page-map/child.h \
	tools/page-map/frame.c \
	tools/page-map/frame.h \
	tools/page-map/grid-draw.c \
	tools/page-map/grid-find.c \
	tools/page-map/grid.c \
	tools/page-map/grid.h \
	tools/page-map/inject.c \
	tools/page-map/keys.c \
	tools/page-map/keys.h \
	tools/page-map/list.c \
	tools/page-map/list.h \
	tools/page-map/lists.c \
	tools/page-map/machine.c \
	tools/page-map/machine.h \
	tools/page-map/mark.c \
	tools/page-map/mark.h \
	tools/page-map/page.c \
	tools/page-map/palette.c \
	tools/page-map/palette.h \
	tools/page-map/print.c \
	tools/page-map/print.h \
	tools/page-map/prompt.c \
	tools/page-map/prompt.h \
	tools/page-map/scan.c \
	tools/page-map/scan.h \
	tools/page-map/scheme.c \
	tools/page-map/scheme.h \
	tools/page-map/search.c \
	tools/page-map/search.h \
	tools/page-map/space.c \
	tools/page-map/space.h \
	tools/page-map/svg.c \
	tools/page-map/tags.c \
	tools/page-map/text.c \
	tools/page-map/text.h \
	tools/page-map/views.h

if WITH_NCURSES
bin_PROGRAMS += tools/page-map/page-map
tools_page_map_page_map_SOURCES = \
	tools/page-map/loop.c \
	tools/page-map/loop.h \
	tools/page-map/options.c \
	tools/page-map/options.h \
	tools/page-map/page-map.c \
	tools/page-map/screen.c \
	tools/page-map/screen.h \
	tools/page-map/state.c \
	tools/page-map/state.h
tools_page_map_page_map_CFLAGS = $(AM_CFLAGS) $(POPT_CFLAGS) $(NCURSES_CFLAGS)
tools_page_map_page_map_LDADD = tools/page-map/libpagemap.la tools/common/libcommon.la lib/libkpage.la \
	$(POPT_LIBS) $(NCURSES_LIBS)
dist_man_MANS += man/page-map.1
dist_bashcompletion_DATA += completions/page-map
else
EXTRA_DIST += man/page-map.1 completions/page-map
endif
