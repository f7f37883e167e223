#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Machine checks that a kernel does not live through: each ends a guest, and the lab says how.
# Set LAB_KERNEL to choose the kernel.

# Programs in single quotes are for the guest to expand.
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0

setup_file() {
	command -v qemu-system-x86_64 >/dev/null || skip 'needs QEMU'
}

setup() {
	kernel=()
	[ -z "${LAB_KERNEL-}" ] || kernel=(--kernel "$LAB_KERNEL")
	err=$BATS_TEST_TMPDIR/err
}

# panics RECORD WORDS: a guest with that record ends by a panic, with these words of the
# kernel. A processor that is told of it is where the record wants it: 1 in user mode, which a
# process there never leaves for long, 0 in the kernel, idle. mce-inject runs on the other one.
panics() {
	local status=0 other=1

	[[ $1 != 'CPU 1 '* ]] || other=0
	printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/record"
	hwpoison-lab run "${kernel[@]}" --env LD_LIBRARY_PATH --timeout 300 -- sh -c '
		taskset -c 1 usemem -m 1 --touch --interval 0.0001 >/tmp/victim &
		until grep -q ready /tmp/victim; do sleep 0.1; done
		sleep 1
		taskset -c "$2" mce-inject --via machine --force --wait 30 "$1"
		echo "exit status $?, and no panic"' sh "$BATS_TEST_TMPDIR/record" "$other" </dev/null \
		>"$BATS_TEST_TMPDIR/out" 2>"$err" 3>&- || status=$?
	echo "status $status, expected 125 and: $2"
	cat "$BATS_TEST_TMPDIR/out" "$err"
	[ "$status" -eq 125 ] && grep -qF "panic while the command ran" "$err" && grep -qiE "$2" "$err"
}

# panics_idle RECORD WORDS: in the kernel or not at all. What the guest runs besides comes to
# processor 0, too, but rarely: three guests do not all meet it there.
panics_idle() {
	local i

	for i in 1 2 3; do
		! panics "$1" "$2" || return 0
	done
	echo "not in $i guests"
	false
}

@test "action optional, without S" {
	panics 'CPU 0 BANK 9 STATUS 0xbc000000000000c0 MCGSTATUS 5 ADDR 0x5000000 MISC 0x8c' 'unknown source'
}

@test "action optional, without EN" {
	panics 'CPU 0 BANK 9 STATUS 0xad000000000000c0 MCGSTATUS 5 ADDR 0x5000000 MISC 0x8c' 'unknown source'
}

@test "action optional, with a corrupt context" {
	panics 'CPU 0 BANK 9 STATUS 0xbf000000000000c0 MCGSTATUS 5 ADDR 0x5000000 MISC 0x8c' \
		'Processor context corrupt'
}

@test "MCGSTATUS without RIPV and EIPV" {
	panics 'CPU 0 BANK 9 STATUS 0xbd000000000000c0 MCGSTATUS 4 ADDR 0x5000000 MISC 0x8c' \
		'Neither restart nor error IP'
}

@test "MCGSTATUS with EIPV only" {
	panics_idle 'CPU 0 BANK 9 STATUS 0xbd000000000000c0 MCGSTATUS 6 ADDR 0x5000000 MISC 0x8c' \
		'In kernel and no restart IP'
}

@test "MCGSTATUS without MCIP" {
	panics 'CPU 0 BANK 9 STATUS 0xbd000000000000c0 MCGSTATUS 1 ADDR 0x5000000 MISC 0x8c' \
		'MCIP not set in MCA handler'
}

@test "a load, told to one of two processors" {
	panics 'CPU 1 BANK 1 NOBROADCAST STATUS 0xbd80000000000134 MCGSTATUS 7 ADDR 0x5000000 MISC 0x8c' \
		'Not all CPUs entered|Timeout'
}

@test "a load without EIPV" {
	panics 'CPU 1 BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 5 ADDR 0x5000000 MISC 0x8c' 'unknown source'
}

@test "a load in the kernel" {
	panics_idle 'CPU 0 BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 7 ADDR 0x5000000 MISC 0x8c RIP 0x10:0' \
		'Data load in unrecoverable area of kernel'
}

@test "a load with lost events" {
	panics 'CPU 1 BANK 1 STATUS 0xfd80000000000134 MCGSTATUS 7 ADDR 0x5000000 MISC 0x8c' \
		'Action required with lost events'
}

@test "action required, by an unknown code" {
	panics 'CPU 1 BANK 1 STATUS 0xbd80000000000000 MCGSTATUS 7 ADDR 0x5000000 MISC 0x8c' 'unknown MCACOD'
}

@test "a load without an address" {
	panics 'CPU 1 BANK 1 STATUS 0xb980000000000134 MCGSTATUS 7 MISC 0x8c' 'unknown MCACOD'
}

@test "a load without MISC" {
	panics 'CPU 1 BANK 1 STATUS 0xb580000000000134 MCGSTATUS 7 ADDR 0x5000000' 'unknown MCACOD'
}

@test "a load without EN" {
	panics 'CPU 1 BANK 1 STATUS 0xad80000000000134 MCGSTATUS 7 ADDR 0x5000000 MISC 0x8c' 'unknown source'
}

@test "a load with a corrupt context" {
	panics 'CPU 1 BANK 1 STATUS 0xbf80000000000134 MCGSTATUS 7 ADDR 0x5000000 MISC 0x8c' \
		'Processor context corrupt'
}

@test "AR without S" {
	panics 'CPU 1 BANK 1 STATUS 0xbc80000000000134 MCGSTATUS 7 ADDR 0x5000000 MISC 0x8c' \
		'Illegal combination'
}

@test "no action required, as an exception" {
	panics 'CPU 0 BANK 9 STATUS 0xbc00000000000091 MCGSTATUS 5 ADDR 0x5000000 MISC 0x8c' 'unknown source'
}

@test "fatal" {
	panics 'CPU 0 BANK 4 STATUS 0xba00000000000000 MCGSTATUS 4' 'Processor context corrupt'
}

@test "a load in the TDX module, the kernel running: 6.1 only" {
	[[ ${LAB_KERNEL-} == 6.1 ]] || skip 'for LAB_KERNEL=6.1'
	panics_idle 'CPU 0 BANK 1 STATUS 0xbd80000000000134 MCGSTATUS 0x1007 ADDR 0x5000000 MISC 0x8c RIP 0x10:0' \
		'Fatal machine check'
}
