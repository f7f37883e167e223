#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-lab mce: machine checks for a guest that runs, from the host. Set LAB_KERNEL to
# choose the kernel. One boot serves all tests; the last one ends it.

# Programs in single quotes are for the guest to expand.
# shellcheck disable=SC2016,SC2030,SC2031 # … and status is that of run

bats_require_minimum_version 1.5.0

# What the guest does: a victim that runs all the time, where a record of processor 1 finds
# it, told to the host, and its messages.
guest_program='
	taskset -c 1 usemem -m 1 --policy early --handler --touch --interval 0.0001 &
	sleep 900'

setup_file() {
	command -v qemu-system-x86_64 >/dev/null || skip 'needs QEMU'
	# No other guest is seen there.
	export TMPDIR=$BATS_FILE_TMPDIR/tmp
	mkdir -p "$TMPDIR"
	export OUT=$BATS_FILE_TMPDIR/out ERR=$BATS_FILE_TMPDIR/err LOG=$BATS_FILE_TMPDIR/log
	local kernel=()
	[ -z "${LAB_KERNEL-}" ] || kernel=(--kernel "$LAB_KERNEL")
	{
		status=0
		hwpoison-lab run "${kernel[@]}" --env LD_LIBRARY_PATH --timeout 900 --verbose --log "$LOG" -- \
			sh -c "$guest_program" </dev/null >"$OUT" 2>"$ERR" || status=$?
		echo "$status" >"$BATS_FILE_TMPDIR/status"
	} 3>&- &
	wait_for 300 "$OUT" ready
}

teardown_file() {
	local guest
	for guest in "$TMPDIR"/hwpoison-lab.*/guest; do
		[ ! -e "$guest" ] || kill "$(cut -d ' ' -f 1 "$guest")"
	done
	wait
}

# wait_for SECONDS FILE PATTERN
wait_for() {
	local i

	for ((i = 0; i < $1 * 10; i++)); do
		! grep -qsE -e "$3" "$2" || return 0
		sleep 0.1
	done
	echo "waited in vain for: $3"
	cat "$ERR" "$2"
	return 1
}

raise() {
	run --separate-stderr hwpoison-lab mce "$@"
	echo "status $status"
	echo "$output"
	# shellcheck disable=SC2154 # set by run
	echo "$stderr"
}

# page N: the physical address of a page of the victim, whose PFNs come as FIRST+NUMBER.
page() {
	local range n=0

	# shellcheck disable=SC2013 # words
	for range in $(sed -n 's/^usemem: pfns //p' "$OUT"); do
		if (($1 < n + ${range#*+})); then
			printf '0x%x\n' $(((${range%+*} + $1 - n) * 4096))
			return
		fi
		n=$((n + ${range#*+}))
	done
	return 1
}

@test "the lab says that its processor recovers" {
	grep -q 'processor Cascadelake-Server, which recovers from machine checks' "$ERR"
}

@test "what can't be done is said" {
	raise
	[ "$status" -eq 2 ]
	raise srar
	[ "$status" -eq 2 ]
	raise --cpu x "srao@$(page 0)"
	[ "$status" -eq 2 ]
	raise --guest 1 "srao@$(page 0)"
	[ "$status" -eq 1 ]
	[ "$stderr" = "hwpoison-lab: mce: 1: no guest of yours runs a command" ]
	raise --cpu 9 "srao@$(page 0)"
	[ "$status" -eq 4 ]
	[[ $stderr == *"9: the guest has no such processor, it has 2" ]]
	raise "$BATS_TEST_TMPDIR/nowhere"
	[ "$status" -eq 1 ]
	echo 'CPU 0 BANK 77 STATUS corrected' >"$BATS_TEST_TMPDIR/record"
	raise "$BATS_TEST_TMPDIR/record"
	[ "$status" -eq 4 ]
	[[ $stderr == *"the machine: Invalid MCE bank number" ]]
	run hwpoison-lab run --broadcast -- true
	[ "$status" -eq 2 ]
}

@test "action optional: the page is recovered, its early process told; QEMU's event is logged" {
	raise "srao@$(page 0)"
	[ "$status" -eq 0 ]
	wait_for 120 "$LOG" 'recovery action for dirty LRU page: Recovered'
	wait_for 120 "$OUT" 'SIGBUS BUS_MCEERR_AO .* page 0$'
	wait_for 120 "$LOG" '^hwpoison-lab: the machine: memory failure: .*action: inject'
	grep -qE 'the machine: memory failure: .*action: inject' "$ERR"
}

@test "action required, in the process that runs" {
	# Its processor's bank 1 may still hold the broadcast of the one before; bank 2 does not.
	cat >"$BATS_TEST_TMPDIR/record" <<-END
		CPU 1 BANK 2
		STATUS 0xbd80000000000134 MCGSTATUS 7
		ADDR $(page 1) MISC 0x8c
	END
	raise --verbose "$BATS_TEST_TMPDIR/record"
	[ "$status" -eq 0 ]
	[[ $stderr == *"aim 1 - $(page 1) 10 mce -b 1 2 0xbd80000000000134 0x7 $(page 1) 0x8c" ]]
	wait_for 120 "$OUT" 'SIGBUS BUS_MCEERR_AR .* page 1$'
}

@test "a panic is a result, told with the console's last lines" {
	# It follows the guest to its end.
	raise --timeout 120 fatal
	[ "$status" -eq 125 ]
	[[ $output == *"Machine check: Processor context corrupt"*"Kernel panic"* ]]
	[[ $stderr == *": panic" ]]
	wait_for 120 "$BATS_FILE_TMPDIR/status" '^125$'
	grep -q 'panic while the command ran' "$ERR"
	grep -q 'Kernel panic - not syncing: Fatal machine check' "$ERR"
}

@test "without a guest" {
	raise "srao@0x1000000"
	[ "$status" -eq 1 ]
	[ "$stderr" = "hwpoison-lab: mce: no guest of yours runs a command" ]
}
