#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject and the memory controller of cgroup v1. One of the last of the lab's
# tests by its name: it takes the controller away from cgroup v2.

# Bats runs each test in a subshell, helpers set variables, and jq has some of its own.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016,SC2034

bats_require_minimum_version 1.5.0

load helper
load inject

CGROUP=/sys/fs/cgroup/mem/inject

setup() {
	pids=()
	[ "$(is_old)" = yes ] || skip "6.1 is the last of the lab's kernels that has the controller of v1"
	mount_v1
	mkdir -p $CGROUP/below
}

teardown() {
	kill_victims
	filter 0 0
	unpoison_all
	[ ! -d $CGROUP ] || rmdir $CGROUP/below $CGROUP
	remove_files
}

@test "--cgroup: its pages and those below it, by path and by number" {
	local -a pfn

	victim_in $CGROUP above -m 1
	victim_in $CGROUP/below below -m 1
	pfns_of pfn -p "$pid" -a "$range" --count 2
	inject --cgroup $CGROUP/below -b anonymous --list-targets
	ends_with 0
	yields "true true" "[of(\"target\").pfn] | (length >= 256), any(. == ${pfn[0]})"
	inject --cgroup "@$(stat -c %i $CGROUP)" -b anonymous --list-targets
	yields "true true" "[of(\"target\").pfn] | (length >= 512), any(. == ${pfn[0]})"
	inject --cgroup $CGROUP --pfn "${pfn[0]}" --wait 0
	ends_with 0
	yields "poisoned /inject/below" '(of("page").outcome), (of("task").cgroup)'
}

@test "--memcg: the kernel lets through what is charged to it, and nothing else" {
	local -a inside outside

	victim_in $CGROUP inside -m 1
	pfns_of inside -p "$pid" -a "$range" --count 1
	victim_in $CGROUP/below outside -m 1
	pfns_of outside -p "$pid" -a "$range" --count 1
	inject --memcg $CGROUP --pfn "${inside[0]},${outside[0]}"
	ends_with 5
	outcomes "poisoned filtered"
	yields "$(stat -c %i $CGROUP) $CGROUP" 'of("run").filter | .memcg, .memcg_path'
	# It chooses its own, and not those below.
	inject --memcg $CGROUP --list-targets
	ends_with 0
	yields false "[of(\"target\").pfn] | any(. == ${outside[0]})"
}

@test "all records match their schemas" {
	records_are_valid
}
