# SPDX-License-Identifier: GPL-2.0-or-later
bin_PROGRAMS += tools/hwpoison-inject/hwpoison-inject
tools_hwpoison_inject_hwpoison_inject_SOURCES = \
	tools/hwpoison-inject/act.c \
	tools/hwpoison-inject/command.c \
	tools/hwpoison-inject/forecast.c \
	tools/hwpoison-inject/hwpoison-inject.c \
	tools/hwpoison-inject/hwpoison-inject.h \
	tools/hwpoison-inject/machine-check.c \
	tools/hwpoison-inject/methods.c \
	tools/hwpoison-inject/objections.c \
	tools/hwpoison-inject/options.c \
	tools/hwpoison-inject/policy.c \
	tools/hwpoison-inject/report.c \
	tools/hwpoison-inject/tasks.c \
	tools/hwpoison-inject/totals.c \
	tools/hwpoison-inject/touch.c \
	tools/hwpoison-inject/undo.c \
	tools/hwpoison-inject/verdict.c
tools_hwpoison_inject_hwpoison_inject_CFLAGS = $(AM_CFLAGS) $(POPT_CFLAGS) $(JSON_C_CFLAGS)
tools_hwpoison_inject_hwpoison_inject_LDADD = tools/common/libcommon.la lib/libkpage.la \
	$(POPT_LIBS) $(JSON_C_LIBS)
dist_man_MANS += man/hwpoison-inject.1
dist_bashcompletion_DATA += completions/hwpoison-inject
