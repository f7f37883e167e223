# SPDX-License-Identifier: LGPL-2.1-or-later
lib_LTLIBRARIES += lib/libkpage.la
include_HEADERS = lib/kpage.h
pkgconfig_DATA = lib/libkpage.pc

# The modules by themselves, for the library and for its unit tests.
noinst_LTLIBRARIES += lib/libkpage-objects.la
lib_libkpage_objects_la_SOURCES = \
	lib/batch.c \
	lib/batch.h \
	lib/cgroup.c \
	lib/ctx.c \
	lib/dump-write.c \
	lib/dump.c \
	lib/dump.h \
	lib/file.c \
	lib/flags.c \
	lib/hwpoison.c \
	lib/idle.c \
	lib/kpage.h \
	lib/maps.c \
	lib/offline.c \
	lib/mounts.c \
	lib/node.c \
	lib/online.c \
	lib/policy.c \
	lib/private.h \
	lib/range.c \
	lib/remote-arch.h \
	lib/remote-code.c \
	lib/remote-rseq.c \
	lib/remote.c \
	lib/remote.h \
	lib/scan.c \
	lib/tally.c \
	lib/task.c \
	lib/tasks.c \
	lib/tracer.c \
	lib/tracer.h \
	lib/walk-cache.c \
	lib/walk-pfns.c \
	lib/walk-task.c \
	lib/watch-kmsg.c \
	lib/watch.c \
	lib/watch.h
if WITH_TRACEFS
lib_libkpage_objects_la_SOURCES += \
	lib/trace-instance.c \
	lib/trace-instance.h \
	lib/watch-trace.c
endif
lib_libkpage_objects_la_CFLAGS = $(AM_CFLAGS) $(TRACEFS_CFLAGS) $(ZSTD_CFLAGS) -fvisibility=hidden
lib_libkpage_objects_la_LIBADD = $(TRACEFS_LIBS) $(ZSTD_LIBS)

# libtool's version triple: change it by its rules when the interface changes.
lib_libkpage_la_SOURCES =
lib_libkpage_la_LIBADD = lib/libkpage-objects.la
lib_libkpage_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined \
	-Wl,--version-script=$(top_srcdir)/lib/libkpage.map
EXTRA_lib_libkpage_la_DEPENDENCIES = lib/libkpage.map
EXTRA_DIST += lib/libkpage.map
