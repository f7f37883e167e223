#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject on pages of the kernel: refused, and by force marked for the rest of
# this boot, which no other file shares.
#
# The kernel goes on to use such a page; it only won't give it out again once it is
# free. What would end everything is not tried: the vdso, without which no program runs.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # bats runs each test in a subshell; run sets stderr

bats_require_minimum_version 1.5.0

load helper

TABLES=/sys/fs/cgroup/inject-tables

# Whose page tables are there to the end.
setup_file() {
	mkdir "$TABLES"
	sh -c 'echo $$ > "$1/cgroup.procs"; exec sleep 1000' sh "$TABLES" > /dev/null 2>&1 3>&- &
	echo $! > "$BATS_FILE_TMPDIR/sleeper"
}

teardown_file() {
	kill -KILL "$(< "$BATS_FILE_TMPDIR/sleeper")"
	eventually rmdir "$TABLES"
}

setup() {
	pids=()
	before=$(corrupted)
	[ "$(is_old)" = yes ] && type="unknown page" || type="get hwpoison page"
}

teardown() {
	kill_victims
	remove_files
}

# inject OPTION…: sets status, output, and page, target: the records of that kind.
inject() {
	run --separate-stderr hwpoison-inject --json "$@"
	echo "$output"
	echo "$stderr"
	[ -z "$output" ] || echo "$output" >> "$BATS_FILE_TMPDIR/records"
	page=$(grep '"record":"page"' <<< "$output" || true)
	target=$(grep '"record":"target"' <<< "$output" || true)
}

# is_stuck KIND ERRNO WHY: page has the kernel's answer for that kind, and can't be undone.
is_stuck() {
	local pfn

	jq -e --arg kind "$1" --arg type "$type" '.kind == $kind and .outcome == "flagged-only" and
		.errno == 16 and .type == $type and .result == "Ignored" and
		(.hwp_before | not) and .hwp_after' <<< "$page"
	(($(corrupted) == before + 4))
	pfn=$(jq .pfn <<< "$page")
	inject --unpoison "$pfn"
	((status == 5))
	jq -e --argjson errno "$2" --arg why "$3" '.outcome == "still-poisoned" and
		.errno == $errno and .error == $why' <<< "$output"
	(($(corrupted) == before + 4))
}

# by_force KIND OPTION…: a page of that kind, chosen by its flags.
by_force() {
	local kind=$1

	shift
	inject "$@" --count 1
	((status == 6))
	[[ $stderr == *"refused: it is the kernel's: "*" (--force does it all the same)"* ]]
	(($(corrupted) == before))

	inject "$@" --count 1 --dry-run --force
	jq -e --arg kind "$kind" '.kind == $kind and .objection and .forecast.type == null and
		.forecast.result == "Ignored" and .forecast.at_once == null and
		.forecast.on_access == null' <<< "$target"
	for _ in 1 2 3; do
		inject "$@" --count 1 --force
		# It may have become something else in between.
		[[ $page == *'"outcome":"moved"'* ]] || break
	done
	((status == 5))
	is_stuck "$kind" 16 "the kernel uses it: it stays poisoned until reboot"
}

@test "a page of slab" {
	by_force slab -b slab
}

@test "a page table" {
	eventually grep -q sleep "/proc/$(< "$BATS_FILE_TMPDIR/sleeper")/comm"
	inject --list-targets --cgroup "$TABLES" -b pgtable --count 1
	by_force pgtable --pfn "$(jq .pfn <<< "$target")"
}

# From the first megabyte, where PCs keep their video memory; 0 is never poisoned.
@test "a reserved page" {
	by_force reserved -b reserved -a 0xa0,
}

# in_victim NAME KIND…: a page that a process has by the way.
in_victim() {
	special "$1" "$1"
	inject -p "$pid" --vaddr "$address"
	((status == 0))
	jq -e '.outcome == "refused" and .error == "it is the zero page, which everybody has"' <<< "$page"
	(($(corrupted) == before))

	inject -p "$pid" --vaddr "$address" --dry-run
	((status == 0))
	jq -e '.kind == "zero" and .objection and .forecast.result == "Ignored" and
		.forecast.at_once == null and .forecast.on_access == null' <<< "$target"
	inject -p "$pid" --vaddr "$address" --force
	((status == 5))
	jq -se --arg address "$address" 'map(select(.record == "task")) | length == 1 and
		.[0].code == null and .[0].state == "unharmed"' <<< "$output"
	jq -e '.owner_entry == "present"' <<< "$page"
	# It can be read as before.
	kill -USR1 "$pid"
	eventually grep -x 'special-pages: touched, 0 lost' "$out"
}

@test "the zero page" {
	in_victim zero
	is_stuck zero 16 "the kernel uses it: it stays poisoned until reboot"
}

@test "the huge zero page" {
	in_victim huge-zero
	is_stuck zero 95 "it is the huge zero page: it stays poisoned until reboot"
}

@test "they are listed for what they are, with who did it, and --unpoison-all says what it can't" {
	inject --list
	jq -se 'length == 5 and all(.[]; .tool == "hwpoison-inject" and .method == "debugfs" and .time)' \
		<<< "$output"
	# The others may be free by now.
	jq -r .kind <<< "$output" | grep -E 'zero|reserved' | sort | tr '\n' ' ' | grep -x 'reserved zero zero '
	inject --unpoison-all
	((status == 5))
	jq -se 'map(select(.outcome == "still-poisoned")) | length >= 3' <<< "$output"
	before=$(corrupted)
	# PFN 0 not even by force.
	inject --pfn 0 --force
	((status == 6))
	(($(corrupted) == before))
}

@test "all records are as they are described" {
	[ "$(wc -l < "$BATS_FILE_TMPDIR/records")" -gt 40 ]
	"$BATS_TEST_DIRNAME"/../check-json < "$BATS_FILE_TMPDIR/records"
}

@test "the machine goes on: programs run, memory of every kind is had" {
	local kind

	for kind in anon thp shm; do
		run -0 usemem -m 16 --kind $kind --touch=write --interval 0.1 -s 0.3
	done
	# New pages are zero, whatever the zero page is marked with.
	head -c 4M /dev/zero | cmp -n 4194304 - /dev/zero
	special again zero
	kill -0 "$pid"
}
