#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types --dump, --diff and --watch on a real kernel, as root in the lab.

# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell

bats_require_minimum_version 1.5.0

load helper

CGROUP=/sys/fs/cgroup/snapshot-test

setup() {
	pids=()
}

teardown() {
	kill_victims
	unpoison_all
	[ ! -d $CGROUP ] || rmdir $CGROUP
	remove_files
}

# pfns ADDR-SPEC: the pages of the victim there, in hex, sorted.
pfns() {
	page-types -p "$pid" -a "$1" -L -N | sed 1d | cut -f 2 | sort
}

@test "--diff shows exactly the pages that were poisoned" {
	local before=$BATS_TEST_TMPDIR/before after=$BATS_TEST_TMPDIR/after first

	victim late -m 4
	first=${range%,*}
	page-types --dump "$before"
	pfns "$first+64" > "$BATS_TEST_TMPDIR/chosen"
	hwpoison-inject -p "$pid" -a "$first+64" > /dev/null
	page-types --dump "$after"

	page-types --diff -b hwpoison -L -N --json "$before" "$after" > "$BATS_TEST_TMPDIR/json"
	"$BATS_TEST_DIRNAME/../check-json" < "$BATS_TEST_TMPDIR/json"
	jq -e -s 'all(.[]; (.after | index("hwpoison")) and (.before | index("hwpoison") | not))' \
		"$BATS_TEST_TMPDIR/json" > /dev/null
	diff <(sort "$BATS_TEST_TMPDIR/chosen") \
		<(jq -r .pfn "$BATS_TEST_TMPDIR/json" | xargs printf '%x\n' | sort)
	run page-types --diff -b hwpoison "$before" "$after"
	((status == 0))
	has_line '^ +[0-9]+ +[0-9]+ +0 +64 +0 +0$'

	page-types -b hwpoison -x -N > /dev/null
	page-types --dump "$before"
	run page-types --diff -b hwpoison "$after" "$before"
	has_line '^ +64 +64 +0 +64 +0 +0$'
}

@test "a dump says of quiet pages what the machine says" {
	local dump=$BATS_TEST_TMPDIR/dump

	victim late -m 2
	hwpoison-inject -p "$pid" -a "${range%,*}+16" > /dev/null
	page-types --dump "$dump"
	diff <(page-types -b hwpoison -l -C) <(page-types -F "$dump" -b hwpoison -l -C)
	# Without the zero page, which everybody maps and references.
	diff <(page-types -r -b reserved,~mmap -l) <(page-types -F "$dump" -r -b reserved,~mmap -l)
	# The kernel says nothing of what lies behind the dump's end.
	[ "$(page-types | awk '/ total/ {print $2}')" = "$(page-types -F "$dump" | awk '/ total/ {print $2}')" ]
}

@test "a dump knows the pages of a cgroup when that is gone" {
	local dump=$BATS_TEST_TMPDIR/dump live saved

	mkdir $CGROUP
	# shellcheck disable=SC2016
	start_victim member sh -c 'echo $$ > '$CGROUP'/cgroup.procs; exec usemem -m 8'
	# On its way to sleep it may still touch a page for the first time.
	eventually has_state "$pid" S
	live=$(page-types -c $CGROUP -b anon,mmap=anon,mmap | awk '/ total/ {print $2}')
	page-types --dump "$dump"
	saved=$(page-types -F "$dump" -c $CGROUP -b anon,mmap=anon,mmap | awk '/ total/ {print $2}')
	((live >= 2048))
	((saved == live))
	# Its own pages are among them, mapped once.
	pfns "$range" > "$BATS_TEST_TMPDIR/own"
	page-types -F "$dump" -c $CGROUP -M -L -N | sed 1d | awk '$1 >= 1 {print $2}' | sort > "$BATS_TEST_TMPDIR/charged"
	[ -z "$(comm -23 "$BATS_TEST_TMPDIR/own" "$BATS_TEST_TMPDIR/charged")" ]

	kill_victims
	page-types --dump "$BATS_TEST_TMPDIR/later"
	run page-types --diff "$dump" "$BATS_TEST_TMPDIR/later"
	((status == 0))
	has_line " -[0-9]+  $CGROUP\$"
	rmdir $CGROUP
	run page-types -F "$dump" -c $CGROUP -b anon,mmap=anon,mmap
	has_line "^ +total\\s+$live "
}

@test "a part of the machine, through a pipe" {
	local dump=$BATS_TEST_TMPDIR/dump

	page-types --dump - -a 0x100+0x80 -a 0x1000+1 | cat > "$dump"
	run page-types -F "$dump"
	((status == 0))
	has_line '^ +total\s+129 '
	run page-types -F "$dump" -a 0x1000+2
	((status == 1))
}

# What was printed so far ends in the middle of a record, maybe.
has_seen_memory() {
	jq -es 'map(select(.record == "watch_sum")) | last | .change_total >= 8192' "$records" > /dev/null 2>&1
}

@test "--watch sees memory come and go" {
	local records=$BATS_TEST_TMPDIR/records

	page-types --watch 1 -b anon,mmap=anon,mmap --json > "$records" 3>&- &
	pids+=($!)
	eventually grep -q watch_sum "$records"
	victim late -m 32
	eventually has_seen_memory
	kill -TERM "${pids[0]}"
	status=0
	wait "${pids[0]}" || status=$?
	((status == 143))
	has_seen_memory
}

@test "--watch ends with its process" {
	victim late -m 1
	page-types --watch 0.2 -p "$pid" > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err" 3>&- &
	local watch=$!

	eventually grep -q 'round 2' "$BATS_TEST_TMPDIR/out"
	kill -KILL "$pid"
	status=0
	wait "$watch" || status=$?
	((status == 1))
	grep -qx "page-types: --pid: $pid: no such process: it has ended, or /proc hides it (hidepid)" \
		"$BATS_TEST_TMPDIR/err"
}
