#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# /dev/mcelog on a real kernel, as root in the lab: the kernel's own code for it, which
# script/mcelog-modules has built as modules, since no Debian kernel has it. No page can be
# unpoisoned after the first memory failure, so no other tests come after these.
# shellcheck disable=SC2154,SC2030,SC2031,SC2034 # bats and helper.bash set and read variables

bats_require_minimum_version 1.5.0

load helper
load mce

ROUTE=mcelog

FAKE=/sys/kernel/debug/mce/fake_panic
TRACE=/sys/kernel/tracing/instances/mcelog-test
SCRUB="BANK 9 STATUS 0xbd000000000000c0 MCGSTATUS 5 MISC 0x8c"
LOAD="BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 7 MISC 0x8c"

setup_file() {
	local modules

	modules=${TOP_BUILDDIR:-$BATS_TEST_DIRNAME/../../build}/mcelog-modules/$(uname -r)
	ls "$modules"/{mcelog,mce-inject}.ko || {
		echo "these are missing: script/mcelog-modules builds them"
		return 1
	}
	modprobe -r mce-inject
	insmod "$modules/mcelog.ko"
	mkdir "$TRACE"
	echo 1 > "$TRACE/events/mce/mce_record/enable"
	taskset -a -p -c 0 $$ > /dev/null
	export MODULE=$modules/mce-inject.ko
	insmod "$MODULE"
}

teardown_file() {
	rmdir "$TRACE"
}

setup() {
	pids=()
	out=$BATS_TEST_TMPDIR/out
	: > "$TRACE/trace"
}

teardown() {
	kill_victims
	[ "$(cat $FAKE)" = 0 ]
}

# victim OPTION…: sets pid, and at and pfns, of its pages.
victim() {
	start_victim out usemem -m 1 --handler "$@"
	at=$address
	mapfile -t pfns < <(all_pfns)
}

addr_of() {
	printf '0x%x\n' $((pfns[$1] * 4096))
}

# The records that the kernel has logged for a CPU with that status.
logged() {
	grep "mce_record: CPU: $1, " "$TRACE/trace" | grep -ciE "status: *(0x)?$2,|, MC[0-9]+: $2," || true
}

@test "without the module nobody would take the record, which is said" {
	rmmod mce_inject
	run_mce --corrected
	[ "$status" -eq 4 ]
	[[ $stderr == *"the module mce_inject is not loaded (try --load): /dev/mcelog takes the record"* ]]
	insmod "$MODULE"
	run_mce --corrected
	[ "$status" -eq 0 ]
	[[ $output == *"Machine check poll done on CPU 0"* ]]
}

@test "a corrected error is found by polling, on the CPU of the record" {
	record -- 'CPU 1 BANK 5 STATUS corrected'
	came_to 0 0 0
	[[ $output == *"Machine check poll done on CPU 1"* ]]
	[ "$(logged 1 9000000000000000)" = 1 ]
	[ "$(logged 0 9000000000000000)" = 0 ]
}

@test "CPU broadcast: every CPU finds it" {
	record -- 'CPU broadcast BANK 5 STATUS corrected'
	came_to 0 0 0
	[ "$(logged 0 9000000000000000)" = 1 ]
	[ "$(logged 1 9000000000000000)" = 1 ]
}

@test "no action required: found by polling, the page is given up" {
	victim --policy early
	run_mce --ucna --pid "$pid" --vaddr "$(page 1)"
	came_to 0 1 1
	said "SIGBUS BUS_MCEERR_AO address $(page 1) lsb 12"
	is_marked "${pfns[1]}"
	hwpoison-inject --list | grep -E "^$(printf '0x%x' "${pfns[1]}") .* mce .*real"
}

@test "POLL: what is signalled is left to its exception, and nothing comes of it" {
	victim --policy early
	record -- "CPU 0 $SCRUB ADDR $(addr_of 1) POLL"
	came_to 0 0 0
	run ! is_marked "${pfns[1]}"
	[ "$(logged 0 bd000000000000c0)" = 0 ]
}

@test "scrub: an exception on one CPU, which both take; an early process is told" {
	local way n=0

	victim --policy early
	for way in "" NMIBROADCAST IRQBROADCAST IN_PROC IN_IRQ "IN_PROC IRQBROADCAST"; do
		record -- "CPU 1 $SCRUB ADDR $(addr_of $n) $way"
		came_to 0 1 1
		said "SIGBUS BUS_MCEERR_AO address $(page $n) lsb 12"
		is_marked "${pfns[n]}"
		n=$((n + 1))
	done
}

@test "scrub that one CPU alone is told of (LMCE)" {
	victim --policy early
	record -- "CPU 1 ${SCRUB/MCGSTATUS 5/MCGSTATUS 0xd} ADDR $(addr_of 0)"
	came_to 0 1 1
	said "SIGBUS BUS_MCEERR_AO address $(page 0) lsb 12"
}

@test "HOLD: errors of two CPUs at the same time" {
	victim --policy early
	record -- "CPU 0 $SCRUB ADDR $(addr_of 0) HOLD" "CPU 1 $SCRUB ADDR $(addr_of 1)"
	# A SIGBUS that is sent while another one waits is one with it, whichever came first.
	came_to 0 2 1
	said "SIGBUS BUS_MCEERR_AO address"
	is_marked "${pfns[0]}"
	is_marked "${pfns[1]}"
	# The trace is of what was logged: each on its own CPU.
	[ "$(logged 0 bd000000000000c0)" = 1 ]
	[ "$(logged 1 bd000000000000c0)" = 1 ]
}

@test "a load in user mode: the injecting process counts as the one that met it" {
	victim --policy late
	record -- "CPU 0 $LOAD ADDR $(addr_of 0) RIP 0x33:0x401000"
	# It has no such page: the owner is told when it touches it.
	came_to 0 1 0
	is_marked "${pfns[0]}"
	kill -USR1 "$pid"
	said "SIGBUS BUS_MCEERR_AR address $(page 0) lsb 12"
}

@test "a load of a page that can't be given up kills the process that injects, which is said" {
	local pfn

	pfn=$(page-types -b slab -L -N | awk 'NR > 1 { print $1; exit }')
	record -- "CPU 0 $LOAD ADDR 0x${pfn}000 RIP 0x33:0x401000"
	[ "$status" -eq 0 ]
	[[ $output == *"recovery action for "*": Ignored"* ]]
	[[ $stderr == *"/record:1: the kernel has killed the process that injects, by SIGBUS"* ]]
}

# The kernel may run just then, for a tick; --fake-panic has it say so then, and the next page
# is tried.
@test "a load in a process that runs: it is told, at once" {
	local vaddrs n

	out=$BATS_TEST_TMPDIR/loop.out
	taskset -c 1 bash -c 'echo runs; while :; do :; done' > "$out" 3>&- &
	pid=$!
	pids+=("$pid")
	eventually grep -q runs "$out"
	mapfile -t vaddrs < <(page-types -p "$pid" -b anon -L -N | awk 'NR > 1 { print "0x" $1 "000" }')
	run_mce --srar --pid "$pid" --vaddr "${vaddrs[0]}"
	[ "$status" -eq 6 ]
	for ((n = 0; n < 10; n++)); do
		run_mce --srar --pid "$pid" --vaddr "${vaddrs[n]}" --fake-panic
		[ "$status" -eq 0 ]
		[[ $output == *"Fake kernel panic"* ]] || break
	done
	came_to 0 1 1
	[[ $output == *" $pid "*" bash "*BUS_MCEERR_AR*" ${vaddrs[n]} "*killed* ]]
}

@test "a corrected error as an exception: nobody knows its cause" {
	record -- 'CPU 0 BANK 5 STATUS corrected EXCP'
	[ "$status" -eq 6 ]
	record --fake-panic -- 'CPU 0 BANK 5 STATUS corrected EXCP'
	[ "$status" -eq 0 ]
	[[ $output == *"Fake kernel panic: Fatal machine check from unknown source"* ]]
	# Where one CPU alone is told, it is passed over.
	: > "$TRACE/trace"
	record -- 'CPU 0 BANK 5 STATUS corrected MCGSTATUS 0xd'
	came_to 0 0 0
	[[ $output != *"panic"* ]]
	[ "$(logged 0 9000000000000000)" = 0 ]
}

@test "polled, an error that is not enabled is one of its page nevertheless" {
	victim --policy early
	record -- "CPU 0 BANK 9 STATUS 0xac00000000000091 ADDR $(addr_of 0) MISC 0x8c"
	came_to 0 1 1
	is_marked "${pfns[0]}"
}

@test "a bank that the CPU has not" {
	record -- 'CPU 0 BANK 40 STATUS corrected'
	[ "$status" -eq 4 ]
	[[ $stderr == *"this CPU has no such bank, or it is off"* ]]
}

@test "what would panic is refused; faked, it is logged" {
	run_mce --fatal
	[ "$status" -eq 6 ]
	run_mce --fatal --fake-panic
	[ "$status" -eq 0 ]
	[[ $output == *"Fake kernel panic: Fatal machine check"* ]]
	record -- "CPU 1 $SCRUB ADDR 0x5000 NOBROADCAST"
	[ "$status" -eq 6 ]
	record --fake-panic -- "CPU 1 BANK 9 STATUS 0xb9000000000000c0 MCGSTATUS 5 NOBROADCAST"
	[ "$status" -eq 0 ]
	[[ $output == *"Fake kernel panic: Timeout: Not all CPUs entered broadcast exception handler"* ]]
}

@test "nothing stays behind: the next look at the banks finds none of it" {
	local interval=/sys/devices/system/machinecheck/machinecheck0/check_interval before

	victim --policy early
	record -- "CPU 1 $SCRUB ADDR $(addr_of 0)"
	came_to 0 1 1
	: > "$TRACE/trace"
	before=$(cat $interval)
	echo 1 > $interval
	sleep 3
	echo "$before" > $interval
	run ! grep mce_record: "$TRACE/trace"
}
