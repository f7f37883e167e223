# SPDX-License-Identifier: GPL-2.0-or-later
bin_PROGRAMS += tools/usemem/usemem
tools_usemem_usemem_SOURCES = \
	tools/usemem/cgroup.c \
	tools/usemem/cgroup.h \
	tools/usemem/handler.c \
	tools/usemem/handler.h \
	tools/usemem/kinds.c \
	tools/usemem/kinds.h \
	tools/usemem/memory.h \
	tools/usemem/options.c \
	tools/usemem/options.h \
	tools/usemem/report.c \
	tools/usemem/report.h \
	tools/usemem/touch.c \
	tools/usemem/touch.h \
	tools/usemem/usemem.c \
	tools/usemem/where.c \
	tools/usemem/where.h
tools_usemem_usemem_CFLAGS = $(AM_CFLAGS) $(POPT_CFLAGS) $(JSON_C_CFLAGS)
tools_usemem_usemem_LDADD = tools/common/libcommon.la lib/libkpage.la $(POPT_LIBS) $(JSON_C_LIBS)
dist_man_MANS += man/usemem.1
dist_bashcompletion_DATA += completions/usemem
