#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Real machine checks on a real kernel, as root in the lab, whose virtual machine raises them:
# what the kernel makes of each record that it lives through, and who is signalled. (What
# panics is in tests/host/hwpoison-lab-panics.bats.) No page can be unpoisoned after the first
# one, so no other tests come after these.
# shellcheck disable=SC2154,SC2030,SC2031,SC2034 # bats and helper.bash set and read variables

bats_require_minimum_version 1.5.0

load helper
load mce

ROUTE=machine

CPUS=/sys/devices/system/machinecheck/machinecheck0
TRACE=/sys/kernel/tracing/instances/mce-test

setup_file() {
	# The victims have the other processor for themselves.
	taskset -a -p -c 0 $$ > /dev/null
	mkdir "$TRACE"
	echo 1 > "$TRACE/events/mce/mce_record/enable"
}

teardown_file() {
	rmdir "$TRACE"
}

setup() {
	pids=()
	old=$(is_old)
	out=$BATS_TEST_TMPDIR/out
}

teardown() {
	kill_victims
	filter 0 0
}

# busy OPTION…: a victim that runs all the time, on processor 1. quiet OPTION…: one that
# sleeps. Both set pid, at.
busy() {
	quiet --touch --interval 0.0001 "$@"
	taskset -a -p -c 1 "$pid" > /dev/null
}

quiet() {
	start_victim out usemem -m 1 --handler "$@"
	at=$address
}

# pfn_of N: of a page of the victim.
pfn_of() {
	local pfns

	mapfile -t pfns < <(all_pfns)
	echo "${pfns[$1]:?}"
}

addr_of() {
	printf '0x%x\n' $(($(pfn_of "$1") * 4096))
}

touch_all() {
	kill -USR1 "$pid"
	said touched
}

# Whether the kernel has logged a record with that status.
logged() {
	grep -qi "status: *0*$1\|, STATUS: $1\|: $1, " "$TRACE/trace" || grep -qi "$1" "$TRACE/trace" || {
		cat "$TRACE/trace"
		return 1
	}
}

# ------------------------------------------------------------------- action optional

@test "scrub: an early process is told at once, and again when it touches the page" {
	quiet --policy early
	run_mce --srao --pid "$pid" --vaddr "$(page 3)"
	came_to 0 1 1
	[[ $output == *"dirty LRU page "*"Recovered"*"BUS_MCEERR_AO  $(page 3)"*handler*survived* ]]
	said "SIGBUS BUS_MCEERR_AO address $(page 3) lsb 12"
	is_marked "$(pfn_of 3)"
	touch_all
	said "SIGBUS BUS_MCEERR_AR address $(page 3) lsb 12"
}

@test "scrub: a late process when it touches the page, not before" {
	quiet --policy late
	run_mce --srao --pid "$pid" --vaddr "$(page 0)"
	came_to 0 1 0
	run ! grep SIGBUS "$out"
	touch_all
	said "SIGBUS BUS_MCEERR_AR address $(page 0) lsb 12"
}

@test "scrub: of a page that is poisoned already; what will not come is not waited for" {
	local pfn start failures=1

	quiet --policy late
	pfn=$(pfn_of 0)
	run_mce --srao --pfn "$pfn"
	came_to 0 1 0
	start=$SECONDS
	run_mce --srao --pfn "$pfn"
	[[ $output == *"already "*poisoned* ]]
	# 6.1 has no event of it.
	[ "$old" = no ] || failures=0
	came_to 0 $failures 0
	((SECONDS - start < 10))
}

@test "scrub: the report as records; the page is in the ledger, as real" {
	quiet --policy early
	mce-inject --via machine --json --srao --pid "$pid" --vaddr "$(page 1)" > "$BATS_TEST_TMPDIR/json"
	"$BATS_TEST_DIRNAME/../check-json" < "$BATS_TEST_TMPDIR/json"
	[ "$(jq -r 'select(.record == "mce_failure") | "\(.pfn) \(.type) \(.result)"' "$BATS_TEST_TMPDIR/json")" = \
		"$(pfn_of 1) dirty LRU page Recovered" ]
	[ "$(jq -r 'select(.record == "task") | "\(.pid) \(.code) \(.lsb) \(.lsb_source) \(.action) \(.state)"' \
		"$BATS_TEST_TMPDIR/json")" = "$pid BUS_MCEERR_AO 12 page-size handler survived" ]
	hwpoison-inject --list --json > "$BATS_TEST_TMPDIR/list"
	[ "$(jq -r "select(.pfn == $(pfn_of 1)) | \"\\(.method) \\(.pid) \\(.address) \\(.tool) \\(.real)\"" \
		"$BATS_TEST_TMPDIR/list")" = "mce $pid $(page 1) mce-inject true" ]
	"$BATS_TEST_DIRNAME/../check-json" < "$BATS_TEST_TMPDIR/list"
}

@test "no page can be unpoisoned any more, and the reason is told" {
	local simulated

	quiet --policy late
	run_mce --srao --pid "$pid" --vaddr "$(page 1)"
	came_to 0 1 0
	simulated=$(pfn_of 0)
	hwpoison-inject --wait 0 --pfn "$simulated"
	kill_victims
	run hwpoison-inject --unpoison "$simulated"
	echo "$output"
	[ "$status" -eq 5 ]
	[[ $output == *"still-poisoned  the kernel has seen a real memory error: it unpoisons nothing until reboot"* ]]
	run hwpoison-inject --list
	[[ $output == *"mce-inject, real"* ]]
	[ "$(grep -c ', real' <<< "$output")" -lt "$(wc -l <<< "$output")" ]
}

@test "explicit writeback; with lost events; MISC with an LSB of 6; local to one processor" {
	quiet --policy early
	run_mce --srao-ewb --pid "$pid" --vaddr "$(page 0)"
	came_to 0 1 1
	record -- "CPU 0 BANK 9 STATUS 0xfd000000000000c0 MCGSTATUS 5 ADDR $(addr_of 1) MISC 0x8c"
	came_to 0 1 1
	record -- "CPU 0 BANK 9 STATUS 0xbd000000000000c0 MCGSTATUS 5 ADDR $(addr_of 2) MISC 0x86"
	came_to 0 1 1
	record -- "CPU 0 BANK 9 STATUS 0xbd000000000000c0 MCGSTATUS 0xd ADDR $(addr_of 3) MISC 0x8c"
	came_to 0 1 1
	said "SIGBUS BUS_MCEERR_AO address $(page 3) lsb 12"
	[ "$(grep -c 'SIGBUS BUS_MCEERR_AO' "$out")" -eq 4 ]
}

@test "what names no page, or no error of memory, is logged, and that is all" {
	local status_and_misc

	quiet --policy early
	for status_and_misc in "bd000000000000c0 0x8d" "bd000000000000c0 0xcc" "bd00000000000000 0x8c"; do
		record -- "CPU 0 BANK 9 STATUS 0x${status_and_misc% *} MCGSTATUS 5 ADDR $(addr_of 0)
			MISC ${status_and_misc#* }"
		came_to 0 0 0
		logged "${status_and_misc% *}"
	done
	record -- "CPU 0 BANK 9 STATUS 0xb9000000000000c0 MCGSTATUS 5 MISC 0x8c"
	came_to 0 0 0
	logged b9000000000000c0
	run ! is_marked "$(pfn_of 0)"
}

@test "a scrub while the TDX module runs is a scrub" {
	quiet --policy early
	record -- "CPU 0 BANK 9 STATUS 0xbd000000000000c0 MCGSTATUS 0x1005 ADDR $(addr_of 0) MISC 0x8c"
	came_to 0 1 1
	said "SIGBUS BUS_MCEERR_AO address $(page 0) lsb 12"
}

@test "local to one processor, not enabled, or of another thread: no panic, and no page is lost" {
	local bank=2 bits

	quiet --policy early
	for bits in "0xaf000000000000c0 MCGSTATUS 0xd" "0xbd80000000000134 MCGSTATUS 0xd RIP 0x10:0" \
		"0xbd80000000000999 MCGSTATUS 0xd RIP 0x10:0" "0xad000000000000c0 MCGSTATUS 0x9" \
		"0xad000000000000c0 MCGSTATUS 0xe RIP 0x10:0" "0xfc80000000000134 MCGSTATUS 0xf" \
		"0xaf80000000000134 MCGSTATUS 0xc"; do
		record -- "CPU 0 BANK $bank STATUS $bits ADDR $(addr_of 0) MISC 0x8c"
		came_to 0 0 0
		[[ $stderr == *"the kernel will ignore it"* ]]
		bank=$((bank + 1))
	done
	run ! is_marked "$(pfn_of 0)"
}

# ------------------------------------------------------------------- action required

@test "a load: the process that runs is signalled at once, early or late" {
	local policy

	for policy in early late; do
		busy --policy $policy
		run_mce --srar --pid "$pid" --vaddr "$(page 7)"
		came_to 0 1 1
		[[ $output == *"dirty LRU page "*"Recovered"*"BUS_MCEERR_AR  $(page 7)"*survived* ]]
		said "SIGBUS BUS_MCEERR_AR address $(page 7) lsb 12 thread $pid"
		is_marked "$(pfn_of 7)"
		kill_victims
	done
}

@test "a load: without a handler the process dies of it" {
	start_victim out usemem -m 1 --touch --interval 0.0001
	at=$address
	run_mce --srar --pid "$pid" --vaddr "$(page 0)"
	came_to 0 1 1
	[[ $output == *BUS_MCEERR_AR*"killed by SIGBUS"* ]]
	gone "$pid"
}

@test "an instruction fetch" {
	busy --policy late
	run_mce --srar-fetch --pid "$pid" --vaddr "$(page 2)"
	came_to 0 1 1
	said "SIGBUS BUS_MCEERR_AR address $(page 2) lsb 12 thread $pid"
}

@test "a load, local to one processor" {
	busy --policy late
	record -- "CPU 1 BANK 2 STATUS 0xbd80000000000134 MCGSTATUS 0xf ADDR $(addr_of 4) MISC 0x8c"
	came_to 0 1 1
	said "SIGBUS BUS_MCEERR_AR address $(page 4) lsb 12 thread $pid"
}

@test "a load in one of several threads: the one that has met it is signalled" {
	local tid

	start_victim out usemem -m 2 --threads 2 --handler --policy late --touch --interval 0.0001
	at=$address
	run_mce --srar --pid "$pid" --vaddr "$(page 300)"
	[ "$status" -eq 0 ]
	# The others may touch the page before the report, and be signalled, too.
	tid=$(sed -nE 's/^Memory failure: .*: Sending SIGBUS to usemem:([0-9]+) .*/\1/p' <<< "$output")
	[ -d "/proc/$pid/task/$tid" ]
	said "SIGBUS BUS_MCEERR_AR address $(page 300) lsb 12 thread $tid"
	[[ $output =~ $pid\ +$tid\ +usemem\ .*BUS_MCEERR_AR\ +$(page 300) ]]
}

@test "a load from a hugetlb page, a THP, shared memory" {
	local kind lsb

	for kind in hugetlb thp shm; do
		busy --policy late --kind $kind -m 2
		lsb=$([ $kind = hugetlb ] && echo 21 || echo 12)
		run_mce --srar --pid "$pid" --vaddr "$(page 0)"
		came_to 0 1 1
		[[ $output =~ Recovered.*BUS_MCEERR_AR\ +0x[0-9a-f]+\ +$lsb\  ]]
		said "SIGBUS BUS_MCEERR_AR address $(page 0) lsb $lsb thread $pid"
		kill_victims
	done
}

@test "a load from a page of a file: dirty, it is lost; clean, it is read again" {
	make_disk
	busy --policy late --kind file-clean --path "$DISK/victim"
	run_mce --srar --pid "$pid" --vaddr "$(page 0)"
	kill_victims
	rm -f "$DISK/victim"
	came_to 0 1 0
	[[ $output == *"clean LRU page "*Recovered* ]]
	busy --policy late --kind file-dirty --path "$DISK/victim"
	run_mce --srar --pid "$pid" --vaddr "$(page 0)"
	kill_victims
	umount -l "$DISK"
	came_to 0 1 1
	[[ $output == *"dirty LRU page "*Recovered*BUS_MCEERR_AR* ]]
}

@test "a load that can't be restarted: 6.1 kills, later kernels take the page out of use" {
	busy --policy late
	record -- "CPU 1 BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 6 ADDR $(addr_of 0) MISC 0x8c"
	[ "$status" -eq 0 ]
	if [ "$old" = yes ]; then
		came_to 0 0 0
		run ! is_marked "$(pfn_of 0)"
		said "SIGBUS code 128"
	else
		came_to 0 1 1
		said "SIGBUS BUS_MCEERR_AR address $(page 0) lsb 12"
	fi
}

@test "a load with an LSB of 13: 6.1 takes the page out of use, later kernels kill" {
	local n pfn pfns

	busy --policy late
	# The kernel takes the first of the two pages that are meant: the victim has to own that.
	mapfile -t pfns < <(all_pfns)
	for ((n = 0; n < ${#pfns[@]} && pfns[n] % 2; n++)); do
		:
	done
	pfn=${pfns[n]}
	record -- "CPU 1 BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 7 ADDR $(((pfn + 1) * 4096)) MISC 0x8d"
	[ "$status" -eq 0 ]
	if [ "$old" = yes ]; then
		came_to 0 1 1
		said "SIGBUS BUS_MCEERR_AR address $(page $n) lsb 12"
		hwpoison-inject --list | grep "$(printf '0x%x' "$pfn")"
	else
		came_to 0 0 0
		said "SIGBUS code 128"
		run ! is_marked "$pfn"
	fi
}

@test "a load in the TDX module, the kernel running: later kernels mark the page, and that is all" {
	[ "$old" = no ] || skip "6.1 panics: in tests/host/hwpoison-lab-panics.bats"
	quiet --policy early
	record --force -- 'CPU 1 BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 0x1007 RIP 0x10:0' \
		"ADDR $(addr_of 0) MISC 0x8c"
	came_to 0 0 0
	is_marked "$(pfn_of 0)"
	run ! grep SIGBUS "$out"
}

@test "a load in the TDX module, a process running: it is as any other load" {
	busy --policy late
	record --force -- "CPU 1 BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 0x1007 ADDR $(addr_of 0) MISC 0x8c"
	came_to 0 1 1
	said "SIGBUS BUS_MCEERR_AR address $(page 0) lsb 12"
}

@test "no processor in user mode: nothing is raised, and that is said" {
	quiet --policy late
	# One that only waits comes to user mode now and then.
	kill -STOP "$pid"
	run_mce --srar --pid "$pid" --vaddr "$(page 0)"
	[ "$status" -eq 4 ]
	[[ $stderr == *"no processor was found in user mode in 10 s in a process that has $(addr_of 0) at $(page 0)" ]]
	run ! is_marked "$(pfn_of 0)"
}

# ------------------------------------------------------------------------- the others

@test "corrected: with or without EN, yellow, by a scrub: logged, nobody is told" {
	local bits n=0 interval

	interval=$(< $CPUS/check_interval)
	quiet --policy early
	for bits in 9c00000000000091 8c00000000000091 9c40000000000091 9c000000001000c0; do
		record -- "CPU 0 BANK 9 STATUS 0x$bits ADDR $(addr_of $n) MISC 0x8c"
		came_to 0 0 0
		logged "$bits"
		run ! is_marked "$(pfn_of $n)"
		n=$((n + 1))
	done
	[ "$(< $CPUS/check_interval)" = "$interval" ]
}

@test "what the machine refuses: a bank that is not there, a status that is not valid" {
	record -- 'CPU 0 BANK 10 STATUS 0x9c00000000000091'
	[ "$status" -eq 4 ]
	[[ $stderr == *": this CPU has no such bank" ]]
	# All are looked at before the first.
	record -- 'CPU 0 BANK 9 STATUS corrected 0x91' 'CPU 0 BANK 12 STATUS corrected'
	[ "$status" -eq 4 ]
	run ! grep -q mce_record "$TRACE/trace"
	record -- 'CPU 0 BANK 9 STATUS 0x1c00000000000091'
	[ "$status" -eq 4 ]
	[[ $stderr == *"STATUS without VAL: the machine takes none" ]]
	record -- 'CPU 2 BANK 9 STATUS corrected'
	[ "$status" -eq 4 ]
	[[ $stderr == *"the machine has no such CPU, or it is offline" ]]
}

@test "what would panic is refused" {
	run_mce --fatal
	[ "$status" -eq 6 ]
	run_mce --ucna --pfn "0x1000"
	[ "$status" -eq 6 ]
	record -- 'CPU 0 BANK 9 NOBROADCAST STATUS 0xbd000000000000c0 MCGSTATUS 5 ADDR 0x1000000 MISC 0x8c'
	[ "$status" -eq 6 ]
}

@test "a filter that is left enabled hides a real error, and there is a warning" {
	quiet --policy early
	# A page of the slab, which it is not.
	echo 0x80 > "$HWPOISON"/corrupt-filter-flags-mask
	echo 0x80 > "$HWPOISON"/corrupt-filter-flags-value
	echo 1 > "$HWPOISON"/corrupt-filter-enable
	run_mce --srao --pid "$pid" --vaddr "$(page 0)"
	echo 0 > "$HWPOISON"/corrupt-filter-enable
	[ "$status" -eq 0 ]
	[[ $stderr == *"the kernel's filter is enabled: it hides real memory errors, too"* ]]
	[[ $output != *"Recovered"* ]]
	run ! is_marked "$(pfn_of 0)"
	run ! grep SIGBUS "$out"
	# One that is set and left off is as it should.
	run_mce --corrected --pid "$pid" --vaddr "$(page 1)"
	echo 0 > "$HWPOISON"/corrupt-filter-flags-mask
	echo 0 > "$HWPOISON"/corrupt-filter-flags-value
	[ "$status" -eq 0 ]
	[[ $stderr != *"filter"* ]]
	run_mce --srao --pid "$pid" --vaddr "$(page 0)"
	came_to 0 1 1
	[[ $stderr != *"filter"* ]]
}

@test "hwpoison-inject --method mce: the chain to the handler, early and late" {
	local policy

	for policy in early late; do
		quiet --policy $policy
		run --separate-stderr hwpoison-inject --method mce --pid "$pid" --vaddr "$(page 1)" --json
		echo "$output"
		[ "$status" -eq 0 ]
		"$BATS_TEST_DIRNAME/../check-json" <<< "$output"
		[ "$(jq -r 'select(.record == "page") | "\(.outcome) \(.result) \(.owner_entry)"' <<< "$output")" = \
			"poisoned Recovered poisoned" ]
		[ "$(jq -r 'select(.record == "task") | "\(.code) \(.state)"' <<< "$output")" = \
			"$([ $policy = early ] && echo BUS_MCEERR_AO survived || echo null untouched)" ]
		[[ $stderr == *"no page can be unpoisoned until the next boot"* ]]
		touch_all
		said "SIGBUS BUS_MCEERR_AR address $(page 1) lsb 12"
		kill_victims
	done
}

@test "an error in page 0: the kernel does not handle it" {
	record -- 'CPU 0 BANK 9 STATUS 0xbd000000000000c0 MCGSTATUS 5 ADDR 0 MISC 0x8c'
	came_to 0 1 0
	[[ $output == *Ignored* ]]
	is_marked 0
}
