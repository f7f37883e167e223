# SPDX-License-Identifier: GPL-2.0-or-later
bin_PROGRAMS += tools/mcekill/mcekill
tools_mcekill_mcekill_SOURCES = \
	tools/mcekill/cause.c \
	tools/mcekill/launch.c \
	tools/mcekill/mcekill.c \
	tools/mcekill/mcekill.h \
	tools/mcekill/monitor.c \
	tools/mcekill/monitor.h \
	tools/mcekill/options.c \
	tools/mcekill/origin.c \
	tools/mcekill/policy.c \
	tools/mcekill/report.c \
	tools/mcekill/rows.c \
	tools/mcekill/scope.c \
	tools/mcekill/show.c \
	tools/mcekill/system.c \
	tools/mcekill/tasks.c \
	tools/mcekill/tie.c \
	tools/mcekill/tie.h
tools_mcekill_mcekill_CFLAGS = $(AM_CFLAGS) $(POPT_CFLAGS) $(JSON_C_CFLAGS)
tools_mcekill_mcekill_LDADD = tools/common/libcommon.la lib/libkpage.la \
	$(POPT_LIBS) $(JSON_C_LIBS)
dist_man_MANS += man/mcekill.1
dist_bashcompletion_DATA += completions/mcekill

# --monitor as a service.
if WITH_SYSTEMD_UNIT
systemdsystemunit_DATA = systemd/mcekill-monitor.service
endif
EXTRA_DIST += systemd/mcekill-monitor.service.in
CLEANFILES += systemd/mcekill-monitor.service

systemd/mcekill-monitor.service: systemd/mcekill-monitor.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	sed -e 's|@bindir[@]|$(bindir)|g' $(srcdir)/systemd/mcekill-monitor.service.in >$@.tmp && \
	mv -f $@.tmp $@
