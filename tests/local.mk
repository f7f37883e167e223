# SPDX-License-Identifier: GPL-2.0-or-later
# The unit tests, which "make check" runs, and the files of the other tests, which
# script/test runs.
unit_tests = \
	tests/unit/test-caps \
	tests/unit/test-cgroup \
	tests/unit/test-compound \
	tests/unit/test-container \
	tests/unit/test-ctx \
	tests/unit/test-dump \
	tests/unit/test-file \
	tests/unit/test-estimate \
	tests/unit/test-flags \
	tests/unit/test-hwpoison \
	tests/unit/test-idle \
	tests/unit/test-inject-events \
	tests/unit/test-kernel-filter \
	tests/unit/test-kernel-filter-options \
	tests/unit/test-kernel-lines \
	tests/unit/test-ledger \
	tests/unit/test-map-app \
	tests/unit/test-map-frame \
	tests/unit/test-map-inject \
	tests/unit/test-map-keys \
	tests/unit/test-map-mark \
	tests/unit/test-map-prompt \
	tests/unit/test-map-scan \
	tests/unit/test-map-scheme \
	tests/unit/test-map-search \
	tests/unit/test-map-space \
	tests/unit/test-maps \
	tests/unit/test-mce \
	tests/unit/test-mce-parse \
	tests/unit/test-mcelog-record \
	tests/unit/test-module \
	tests/unit/test-mounts \
	tests/unit/test-node \
	tests/unit/test-offline \
	tests/unit/test-order \
	tests/unit/test-online \
	tests/unit/test-owners \
	tests/unit/test-page-kind \
	tests/unit/test-page-set \
	tests/unit/test-processes \
	tests/unit/test-progress \
	tests/unit/test-range \
	tests/unit/test-record \
	tests/unit/test-rundir \
	tests/unit/test-sample \
	tests/unit/test-scan \
	tests/unit/test-select \
	tests/unit/test-policy \
	tests/unit/test-remote \
	tests/unit/test-remote-signals \
	tests/unit/test-remote-sleep \
	tests/unit/test-tally \
	tests/unit/test-targets \
	tests/unit/test-task \
	tests/unit/test-tasks \
	tests/unit/test-tie \
	tests/unit/test-util \
	tests/unit/test-vmas \
	tests/unit/test-walk-cache \
	tests/unit/test-walk-pace \
	tests/unit/test-walk-pfns \
	tests/unit/test-walk-task \
	tests/unit/test-watch

unit_fixture = tests/unit/fixture.c tests/unit/fixture.h
unit_victim = tests/unit/victim.c tests/unit/victim.h $(unit_fixture)
unit_libs = lib/libkpage-objects.la $(CMOCKA_LIBS) $(TRACEFS_LIBS) $(ZSTD_LIBS)

# The tests of tools/common.
common_fixture = $(unit_fixture) tests/unit/messages.c tests/unit/messages.h
common_libs = tools/common/libcommon.la lib/libkpage-objects.la $(CMOCKA_LIBS) $(TRACEFS_LIBS) $(ZSTD_LIBS) \
	$(JSON_C_LIBS) $(LIBCAP_LIBS) $(LIBKMOD_LIBS) $(POPT_LIBS)

# The tests of page-map's model.
map_fixture = tests/unit/map.c tests/unit/map.h $(common_fixture)
viewer_fixture = tests/unit/viewer.c tests/unit/viewer.h $(map_fixture)
map_libs = tools/page-map/libpagemap.la $(common_libs)

if WITH_CMOCKA
AM_CPPFLAGS += $(CMOCKA_CFLAGS)
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif

tests_unit_test_caps_SOURCES = tests/unit/test-caps.c $(common_fixture)
tests_unit_test_caps_LDADD = $(common_libs)
tests_unit_test_cgroup_SOURCES = tests/unit/test-cgroup.c $(unit_fixture)
tests_unit_test_cgroup_LDADD = $(unit_libs)
tests_unit_test_compound_SOURCES = tests/unit/test-compound.c $(common_fixture)
tests_unit_test_compound_LDADD = $(common_libs)
tests_unit_test_container_SOURCES = tests/unit/test-container.c \
	tools/page-types/container.c tools/page-types/container.h $(common_fixture)
tests_unit_test_container_LDADD = $(common_libs)
tests_unit_test_ctx_SOURCES = tests/unit/test-ctx.c $(unit_fixture)
tests_unit_test_ctx_LDADD = $(unit_libs)
tests_unit_test_estimate_SOURCES = tests/unit/test-estimate.c tools/page-types/estimate.c \
	tools/page-types/estimate.h tools/page-types/sample-plan.c tools/page-types/sample-plan.h
tests_unit_test_estimate_LDADD = $(common_libs) -lm
tests_unit_test_dump_SOURCES = tests/unit/test-dump.c $(unit_fixture)
tests_unit_test_dump_LDADD = $(unit_libs)
tests_unit_test_file_SOURCES = tests/unit/test-file.c $(unit_fixture)
tests_unit_test_file_LDADD = $(unit_libs)
tests_unit_test_flags_SOURCES = tests/unit/test-flags.c $(unit_fixture)
tests_unit_test_flags_LDADD = $(unit_libs)
tests_unit_test_hwpoison_SOURCES = tests/unit/test-hwpoison.c $(unit_fixture)
tests_unit_test_hwpoison_LDADD = $(unit_libs)
tests_unit_test_idle_SOURCES = tests/unit/test-idle.c $(unit_fixture)
tests_unit_test_idle_LDADD = $(unit_libs)
tests_unit_test_kernel_filter_SOURCES = tests/unit/test-kernel-filter.c $(common_fixture)
tests_unit_test_kernel_filter_LDADD = $(common_libs)
tests_unit_test_kernel_filter_options_SOURCES = tests/unit/test-kernel-filter-options.c $(common_fixture)
tests_unit_test_kernel_filter_options_LDADD = $(common_libs)
tests_unit_test_kernel_lines_SOURCES = tests/unit/test-kernel-lines.c \
	tools/page-types/kernel-lines.c tools/page-types/kernel-lines.h $(common_fixture)
tests_unit_test_kernel_lines_LDADD = $(common_libs)
tests_unit_test_inject_events_SOURCES = tests/unit/test-inject-events.c $(common_fixture)
tests_unit_test_inject_events_LDADD = $(common_libs)
tests_unit_test_inject_events_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=kpage_watch_read,--wrap=kpage_watch_has_trace \
	-Wl,--wrap=kpage_watch_has_kmsg,--wrap=kpage_watch_lost,--wrap=kpage_watch_free
tests_unit_test_ledger_SOURCES = tests/unit/test-ledger.c $(common_fixture)
tests_unit_test_ledger_LDADD = $(common_libs)
tests_unit_test_map_app_SOURCES = tests/unit/test-map-app.c $(viewer_fixture)
tests_unit_test_map_app_LDADD = $(map_libs)
tests_unit_test_map_frame_SOURCES = tests/unit/test-map-frame.c $(map_fixture)
tests_unit_test_map_frame_LDADD = $(map_libs)
tests_unit_test_map_inject_SOURCES = tests/unit/test-map-inject.c $(viewer_fixture)
tests_unit_test_map_inject_LDADD = $(map_libs)
tests_unit_test_map_keys_SOURCES = tests/unit/test-map-keys.c $(map_fixture)
tests_unit_test_map_keys_LDADD = $(map_libs)
tests_unit_test_map_mark_SOURCES = tests/unit/test-map-mark.c $(map_fixture)
tests_unit_test_map_mark_LDADD = $(map_libs)
tests_unit_test_map_prompt_SOURCES = tests/unit/test-map-prompt.c $(map_fixture)
tests_unit_test_map_prompt_LDADD = $(map_libs)
tests_unit_test_map_scan_SOURCES = tests/unit/test-map-scan.c $(map_fixture)
tests_unit_test_map_scan_LDADD = $(map_libs)
tests_unit_test_map_scheme_SOURCES = tests/unit/test-map-scheme.c $(map_fixture)
tests_unit_test_map_scheme_LDADD = $(map_libs)
tests_unit_test_map_search_SOURCES = tests/unit/test-map-search.c $(map_fixture)
tests_unit_test_map_search_LDADD = $(map_libs)
tests_unit_test_map_space_SOURCES = tests/unit/test-map-space.c $(map_fixture)
tests_unit_test_map_space_LDADD = $(map_libs)
tests_unit_test_maps_SOURCES = tests/unit/test-maps.c $(unit_fixture)
tests_unit_test_maps_LDADD = $(unit_libs)
mce_parts = tools/mce-inject/parse.c tools/mce-inject/amd-log.c tools/mce-inject/decode.c \
	tools/mce-inject/judge.c tools/mce-inject/ready.c
tests_unit_test_mce_SOURCES = tests/unit/test-mce.c $(common_fixture) $(mce_parts)
tests_unit_test_mce_LDADD = $(common_libs)
tests_unit_test_mce_parse_SOURCES = tests/unit/test-mce-parse.c $(common_fixture) $(mce_parts)
tests_unit_test_mce_parse_LDADD = $(common_libs)
tests_unit_test_mcelog_record_SOURCES = tests/unit/test-mcelog-record.c $(common_fixture)
tests_unit_test_mcelog_record_LDADD = $(common_libs)
tests_unit_test_module_SOURCES = tests/unit/test-module.c $(common_fixture)
tests_unit_test_module_LDADD = $(common_libs)
tests_unit_test_offline_SOURCES = tests/unit/test-offline.c $(unit_fixture)
tests_unit_test_offline_LDADD = $(unit_libs)
tests_unit_test_online_SOURCES = tests/unit/test-online.c $(unit_fixture)
tests_unit_test_online_LDADD = $(unit_libs)
tests_unit_test_mounts_SOURCES = tests/unit/test-mounts.c $(unit_fixture)
tests_unit_test_mounts_LDADD = $(unit_libs)
tests_unit_test_node_SOURCES = tests/unit/test-node.c $(unit_fixture)
tests_unit_test_node_LDADD = $(unit_libs)
tests_unit_test_order_SOURCES = tests/unit/test-order.c tools/page-types/order-tally.c \
	tools/page-types/order-tally.h $(common_fixture)
tests_unit_test_order_LDADD = $(common_libs)
tests_unit_test_owners_SOURCES = tests/unit/test-owners.c $(common_fixture)
tests_unit_test_owners_LDADD = $(common_libs)
tests_unit_test_page_kind_SOURCES = tests/unit/test-page-kind.c $(common_fixture)
tests_unit_test_page_kind_LDADD = $(common_libs)
tests_unit_test_page_set_SOURCES = tests/unit/test-page-set.c $(common_fixture)
tests_unit_test_page_set_LDADD = $(common_libs)
tests_unit_test_processes_SOURCES = tests/unit/test-processes.c $(common_fixture)
tests_unit_test_processes_LDADD = $(common_libs)
tests_unit_test_progress_SOURCES = tests/unit/test-progress.c $(common_fixture)
tests_unit_test_progress_LDADD = $(common_libs) -lutil
tests_unit_test_progress_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_gettime
tests_unit_test_range_SOURCES = tests/unit/test-range.c $(unit_fixture)
tests_unit_test_range_LDADD = $(unit_libs)
tests_unit_test_record_SOURCES = tests/unit/test-record.c $(common_fixture)
tests_unit_test_record_LDADD = $(common_libs)
tests_unit_test_rundir_SOURCES = tests/unit/test-rundir.c $(common_fixture)
tests_unit_test_rundir_LDADD = $(common_libs)
tests_unit_test_sample_SOURCES = tests/unit/test-sample.c $(common_fixture)
tests_unit_test_sample_LDADD = $(common_libs)
tests_unit_test_scan_SOURCES = tests/unit/test-scan.c $(unit_fixture)
tests_unit_test_scan_LDADD = $(unit_libs)
tests_unit_test_select_SOURCES = tests/unit/test-select.c $(common_fixture)
tests_unit_test_select_LDADD = $(common_libs)
tests_unit_test_policy_SOURCES = tests/unit/test-policy.c $(unit_victim)
tests_unit_test_policy_LDADD = $(unit_libs)
tests_unit_test_remote_SOURCES = tests/unit/test-remote.c $(unit_victim)
tests_unit_test_remote_LDADD = $(unit_libs)
tests_unit_test_remote_signals_SOURCES = tests/unit/test-remote-signals.c $(unit_victim)
tests_unit_test_remote_signals_LDADD = $(unit_libs)
tests_unit_test_remote_sleep_SOURCES = tests/unit/test-remote-sleep.c $(unit_victim)
tests_unit_test_remote_sleep_LDADD = $(unit_libs)
tests_unit_test_tally_SOURCES = tests/unit/test-tally.c $(unit_fixture)
tests_unit_test_tally_LDADD = $(unit_libs)
tests_unit_test_targets_SOURCES = tests/unit/test-targets.c $(common_fixture)
tests_unit_test_targets_LDADD = $(common_libs)
tests_unit_test_task_SOURCES = tests/unit/test-task.c $(unit_fixture)
tests_unit_test_task_LDADD = $(unit_libs)
tests_unit_test_tasks_SOURCES = tests/unit/test-tasks.c $(unit_fixture)
tests_unit_test_tasks_LDADD = $(unit_libs)
tests_unit_test_tie_SOURCES = tests/unit/test-tie.c tools/mcekill/tie.c tools/mcekill/tie.h
tests_unit_test_tie_LDADD = $(unit_libs)
tests_unit_test_util_SOURCES = tests/unit/test-util.c $(common_fixture)
tests_unit_test_util_LDADD = $(common_libs)
tests_unit_test_vmas_SOURCES = tests/unit/test-vmas.c $(common_fixture)
tests_unit_test_vmas_LDADD = $(common_libs)
tests_unit_test_walk_cache_SOURCES = tests/unit/test-walk-cache.c $(unit_fixture)
tests_unit_test_walk_cache_LDADD = $(unit_libs)
tests_unit_test_walk_pace_SOURCES = tests/unit/test-walk-pace.c $(unit_fixture)
tests_unit_test_walk_pace_LDADD = $(unit_libs)
tests_unit_test_walk_pace_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_nanosleep
tests_unit_test_walk_pfns_SOURCES = tests/unit/test-walk-pfns.c $(unit_fixture)
tests_unit_test_walk_pfns_LDADD = $(unit_libs)
tests_unit_test_walk_task_SOURCES = tests/unit/test-walk-task.c $(unit_fixture)
tests_unit_test_walk_task_LDADD = $(unit_libs)
tests_unit_test_watch_SOURCES = tests/unit/test-watch.c
tests_unit_test_watch_LDADD = $(unit_libs)

# Parsers on mutated texts.
check_PROGRAMS += tests/fuzz/fuzz-mce
TESTS += tests/fuzz/fuzz-mce
tests_fuzz_fuzz_mce_SOURCES = tests/fuzz/fuzz-mce.c $(mce_parts)
tests_fuzz_fuzz_mce_LDADD = tools/common/libcommon.la lib/libkpage.la

# What makes pages for the tests of the lab.
check_PROGRAMS += tests/lab/special-pages
tests_lab_special_pages_SOURCES = tests/lab/special-pages.c
# A process with a state of its own, for the tests of the lab.
check_PROGRAMS += tests/lab/mute-fs
tests_lab_mute_fs_SOURCES = tests/lab/mute-fs.c

check_PROGRAMS += tests/lab/odd-target
tests_lab_odd_target_SOURCES = tests/lab/odd-target.c
tests_lab_odd_target_CFLAGS = $(AM_CFLAGS) -pthread
# A read(2) that fails when a test wants it.
check_LTLIBRARIES += tests/lab/failing-read.la
tests_lab_failing_read_la_SOURCES = tests/lab/failing-read.c
tests_lab_failing_read_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
# A process for the tests of mcekill, in the lab and elsewhere.
check_PROGRAMS += tests/lab/policy-target
tests_lab_policy_target_SOURCES = tests/lab/policy-target.c
tests_lab_policy_target_CFLAGS = $(AM_CFLAGS) -pthread

bats_tests = \
	tests/bats/consistency.bats \
	tests/bats/golden.bats \
	tests/bats/helper.bash \
	tests/bats/hwpoison-inject-docs.bats \
	tests/bats/hwpoison-inject-fixture.bats \
	tests/bats/hwpoison-inject-ledger.bats \
	tests/bats/hwpoison-inject-targets.bats \
	tests/bats/hwpoison-inject-usage.bats \
	tests/bats/hwpoison-lab.bats \
	tests/bats/inject.bash \
	tests/bats/json-schema.bats \
	tests/bats/mce-inject.bats \
	tests/bats/mcekill-launch.bats \
	tests/bats/mcekill-monitor.bats \
	tests/bats/mcekill-show.bats \
	tests/bats/mcekill-usage.bats \
	tests/bats/mcekill.bash \
	tests/bats/page-map.bash \
	tests/bats/page-map-frame.bash \
	tests/bats/page-map-keys.bats \
	tests/bats/page-map-screen.bats \
	tests/bats/page-map.bats \
	tests/bats/page-types-big.bats \
	tests/bats/page-types-docs.bats \
	tests/bats/page-types-dump.bats \
	tests/bats/page-types-errors.bats \
	tests/bats/page-types-explain.bats \
	tests/bats/page-types-file.bats \
	tests/bats/page-types-groups.bats \
	tests/bats/page-types-json.bats \
	tests/bats/page-types-order.bats \
	tests/bats/page-types-owners.bats \
	tests/bats/page-types-poison.bats \
	tests/bats/page-types-process.bats \
	tests/bats/page-types-select.bats \
	tests/bats/page-types-snapshot.bats \
	tests/bats/page-types-usage.bats \
	tests/bats/usemem.bats

lab_tests = \
	tests/lab/big-machine.bats \
	tests/lab/helper.bash \
	tests/lab/inject-filters.bats \
	tests/lab/inject-kinds.bats \
	tests/lab/inject-methods.bats \
	tests/lab/inject-safety.bats \
	tests/lab/inject-selection.bats \
	tests/lab/inject-targets.bash \
	tests/lab/inject-tasks.bats \
	tests/lab/inject.bash \
	tests/lab/mce-inject.bats \
	tests/lab/mcekill-monitor.bats \
	tests/lab/mcekill.bats \
	tests/lab/order.bats \
	tests/lab/owners.bats \
	tests/lab/page-types-groups.bats \
	tests/lab/page-map.bats \
	tests/lab/page-types.bats \
	tests/lab/readme.bats \
	tests/lab/snapshot.bats \
	tests/lab/usemem.bats \
	tests/lab/inject-kernel-pages.bats \
	tests/lab/hwpoison-rst.bats \
	tests/lab/inject-cgroup-v1.bats \
	tests/lab/mce-machine.bats \
	tests/lab/mce-mcelog.bats \
	tests/lab/mce.bash \
	tests/lab/mcelog/Kbuild \
	tests/lab/mcelog/mcelog-module.c \
	tests/lab/mcelog/mce-inject-module.c

host_tests = \
	tests/host/hwpoison-lab-boot.bats \
	tests/host/hwpoison-lab-mce.bats \
	tests/host/hwpoison-lab-panics.bats \
	tests/host/inject-lockdown.bats \
	tests/host/mce-inject-cpus.bats \
	tests/host/nodes.bats

EXTRA_DIST += $(bats_tests) $(lab_tests) $(host_tests) tests/check-json tests/check-options tests/fuzz/dump \
	tests/golden
