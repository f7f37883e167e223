#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# mce-inject on a real kernel, as root in the lab, whose CPU is one of Intel's. The tests
# are in an order: from the first machine check that is no mere log on, no page can be
# unpoisoned, and the kernel is tainted.

bats_require_minimum_version 1.5.0

load helper

MCE=/sys/kernel/debug/mce-inject
FAKE=/sys/kernel/debug/mce/fake_panic

setup() {
	pids=()
	out=$BATS_TEST_TMPDIR/out
}

teardown() {
	kill_victims
}

# A victim; $pid, $pfn of a page, $address of it in bytes.
victim() {
	usemem -m 1 --policy early --handler > "$out" &
	pid=$!
	pids+=("$pid")
	eventually grep -q ready "$out"
	address=$(sed -nE 's/.* pages at (0x[0-9a-f]+)-.*/\1/p' "$out" | head -n 1)
	[ -n "$address" ]
}

run_mce() {
	run --separate-stderr mce-inject "$@"
	echo "status $status"
	echo "$output"
	# shellcheck disable=SC2154 # set by run
	echo "$stderr"
}

# The lines of the log in a report.
log_of() {
	sed -n '/^LOG$/,/^$/{/^LOG$/d;p}'
}

# came_to FAILURES SIGNALLED: the last line of a report.
came_to() {
	[[ $(tail -n 1 <<< "$output") =~ ^\ *[0-9]+\ +$1\ +$2\ + ]]
}

# The CPU of the lab: a corrected error with an address is a matter of the collector there.
has_collector() {
	[ -d /sys/kernel/debug/ras/cec ]
}

@test "without the module it says what to try; --load loads it" {
	modprobe -r mce-inject
	run_mce --corrected --wait 0
	[ "$status" -eq 4 ]
	[[ $stderr == *"not loaded (try --load)"* ]]
	run_mce --corrected --load
	[ "$status" -eq 0 ]
	[ -d $MCE ]
}

@test "sw: a corrected error is logged, and no page is poisoned" {
	local before

	before=$(corrupted)
	run_mce --corrected --bank 5 --cpu 1
	[ "$status" -eq 0 ]
	[[ $output == *"mce: [Hardware Error]: CPU 1: Machine Check"*"Bank 5: 9000000000000091"* ]]
	came_to 0 0
	[ "$(corrupted)" = "$before" ]
	[ "$(cat $MCE/flags)" = sw ]
}

@test "sw: what was logged is read again, and means the same" {
	mce-inject --corrected --bank 6 > "$out"
	log_of < "$out" > "$out.log"
	run_mce --decode "$out.log"
	[ "$status" -eq 0 ]
	[[ $output == *"bank            6"*"class           corrected"* ]]
}

@test "sw: uncorrected errors of a page are logged, and their process lives" {
	local kind

	victim
	for kind in ucna srao srar; do
		run_mce --$kind --pid "$pid" --vaddr "$address"
		[ "$status" -eq 0 ]
		[[ $output == *"mce: [Hardware Error]: CPU 0: Machine Check"* ]]
		came_to 0 0
	done
	kill -0 "$pid"
	run ! grep -q SIGBUS "$out"
}

@test "sw: the second corrected error of a page makes the collector offline it" {
	has_collector || skip "no corrected errors collector here"
	victim
	run_mce --corrected --pid "$pid" --vaddr "$address"
	[ "$status" -eq 0 ]
	[[ $stderr == *"soft-offlines the page at its second corrected error"* ]]
	run_mce --corrected --pid "$pid" --vaddr "$address"
	[[ $output == *"RAS: Soft-offlining pfn: 0x"* ]]
	kill -0 "$pid"
}

@test "the kernel's objections are told: a CPU and a bank that are not there" {
	run_mce --corrected --cpu 99 --wait 0
	[ "$status" -eq 4 ]
	[[ $stderr == *"no such CPU, or it is offline"* ]]
	run_mce --corrected --bank 200 --wait 0
	[ "$status" -eq 4 ]
	[[ $stderr == *"no such bank"* ]]
}

@test "hw: what would panic is refused" {
	run_mce --fatal --type hw
	[ "$status" -eq 6 ]
	[ -z "$output" ]
	run_mce --srar --pfn 0x1000 --type hw
	[ "$status" -eq 6 ]
	run_mce --corrected --type df
	[ "$status" -eq 4 ]
}

@test "hw: a fatal error with a faked panic is logged; the setting is put back" {
	# A CPU that is not the one of the exception: nothing is put back before that is over.
	run --separate-stderr taskset -a -c 0,1 mce-inject --fatal --cpu 1 --type hw --fake-panic --wait 2
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"Fake kernel panic: "* ]]
	[[ $output == *"CPU 1: Machine Check Exception: 6 Bank 4: b200000000000000"* ]]
	[ "$(cat $FAKE)" = 0 ]
	[ "$(cat $MCE/flags)" = sw ]
	log_of <<< "$output" > "$out.log"
	run_mce --decode "$out.log"
	[ "$status" -eq 0 ]
	[[ $output == *"class           fatal"* ]]
}
