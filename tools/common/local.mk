# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LTLIBRARIES += tools/common/libcommon.la
tools_common_libcommon_la_SOURCES = \
	tools/common/grammar.c \
	tools/common/grammar.h \
	tools/common/caps.c \
	tools/common/caps.h \
	tools/common/compound.c \
	tools/common/compound.h \
	tools/common/copy.c \
	tools/common/copy.h \
	tools/common/cpus.c \
	tools/common/cpus.h \
	tools/common/forecast.c \
	tools/common/forecast.h \
	tools/common/inject-events.c \
	tools/common/inject.c \
	tools/common/inject.h \
	tools/common/kernel-filter.c \
	tools/common/kernel-filter.h \
	tools/common/kernel-filter-options.c \
	tools/common/ledger.c \
	tools/common/ledger.h \
	tools/common/lost-entry.c \
	tools/common/lost-entry.h \
	tools/common/module.c \
	tools/common/module.h \
	tools/common/narrow.c \
	tools/common/narrow.h \
	tools/common/options.c \
	tools/common/options.h \
	tools/common/outcome.c \
	tools/common/outcome.h \
	tools/common/owners.c \
	tools/common/owners.h \
	tools/common/pace.c \
	tools/common/pace.h \
	tools/common/page-kind.c \
	tools/common/page-kind.h \
	tools/common/page-set.c \
	tools/common/page-set.h \
	tools/common/processes.c \
	tools/common/processes.h \
	tools/common/progress.c \
	tools/common/progress.h \
	tools/common/record.c \
	tools/common/record.h \
	tools/common/rundir.c \
	tools/common/rundir.h \
	tools/common/safety.c \
	tools/common/safety.h \
	tools/common/sample.c \
	tools/common/sample.h \
	tools/common/select.c \
	tools/common/select.h \
	tools/common/signals.c \
	tools/common/signals.h \
	tools/common/targets.c \
	tools/common/targets.h \
	tools/common/task-row.c \
	tools/common/task-row.h \
	tools/common/util.c \
	tools/common/util.h \
	tools/common/victims.c \
	tools/common/victims.h \
	tools/common/vm-monitor.c \
	tools/common/vm-monitor.h \
	tools/common/vmas.c \
	tools/common/vmas.h \
	tools/common/walk.c \
	tools/common/walk.h
tools_common_libcommon_la_CFLAGS = $(AM_CFLAGS) $(JSON_C_CFLAGS) $(LIBCAP_CFLAGS) $(LIBKMOD_CFLAGS) \
	$(POPT_CFLAGS)
tools_common_libcommon_la_LIBADD = $(JSON_C_LIBS) $(LIBCAP_LIBS) $(LIBKMOD_LIBS)
