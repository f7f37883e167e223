# SPDX-License-Identifier: GPL-2.0-or-later
bin_PROGRAMS += tools/mce-inject/mce-inject
tools_mce_inject_mce_inject_SOURCES = \
	tools/mce-inject/amd-log.c \
	tools/mce-inject/amd-log.h \
	tools/mce-inject/book.c \
	tools/mce-inject/book.h \
	tools/mce-inject/debugfs.c \
	tools/mce-inject/debugfs.h \
	tools/mce-inject/decode.c \
	tools/mce-inject/decode.h \
	tools/mce-inject/follow.c \
	tools/mce-inject/follow.h \
	tools/mce-inject/judge.c \
	tools/mce-inject/machine.c \
	tools/mce-inject/machine.h \
	tools/mce-inject/mce-inject.c \
	tools/mce-inject/mcelog-record.h \
	tools/mce-inject/mcelog.c \
	tools/mce-inject/mce.h \
	tools/mce-inject/objections.c \
	tools/mce-inject/objections.h \
	tools/mce-inject/options.c \
	tools/mce-inject/options.h \
	tools/mce-inject/parse.c \
	tools/mce-inject/parse.h \
	tools/mce-inject/ready.c \
	tools/mce-inject/ready.h \
	tools/mce-inject/route.c \
	tools/mce-inject/route.h \
	tools/mce-inject/settings.c \
	tools/mce-inject/settings.h \
	tools/mce-inject/show.c \
	tools/mce-inject/show.h \
	tools/mce-inject/virtual.c \
	tools/mce-inject/volley.c \
	tools/mce-inject/volley.h
tools_mce_inject_mce_inject_CFLAGS = $(AM_CFLAGS) $(POPT_CFLAGS) $(JSON_C_CFLAGS)
tools_mce_inject_mce_inject_LDADD = tools/common/libcommon.la lib/libkpage.la \
	$(POPT_LIBS) $(JSON_C_LIBS)
dist_man_MANS += man/mce-inject.1
dist_bashcompletion_DATA += completions/mce-inject
