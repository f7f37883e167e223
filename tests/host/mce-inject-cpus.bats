#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# mce-inject on other processors than those of the other tests: a single one, and one of AMD's.
# Set LAB_KERNEL to choose the kernel.

# Programs in single quotes are for the guest to expand.
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0

setup() {
	command -v qemu-system-x86_64 >/dev/null || skip 'needs QEMU'
	kernel=()
	[ -z "${LAB_KERNEL-}" ] || kernel=(--kernel "$LAB_KERNEL")
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
}

# guest STATUS OPTION… -- COMMAND…
guest() {
	local expected=$1 status=0

	shift
	hwpoison-lab run "${kernel[@]}" --env LD_LIBRARY_PATH --timeout 200 "$@" </dev/null >"$out" 2>"$err" \
		3>&- || status=$?
	cat "$out" "$err"
	[ "$status" -eq "$expected" ]
}

has() {
	grep -qE -e "$1" "$2" || { echo "not there: $1"; return 1; }
}

@test "one processor: the module's machine check runs memory_failure, to the handler" {
	guest 0 --cpus 1 -- sh -c '
		usemem -m 1 --policy early --handler >/tmp/victim &
		until grep -q ready /tmp/victim; do sleep 0.1; done
		at=$(sed -nE "s/.* pages at (0x[0-9a-f]+)-.*/\1/p" /tmp/victim)
		mce-inject --srao --type hw --pid $! --vaddr $at --wait 5 || exit
		until grep -q SIGBUS /tmp/victim; do sleep 0.1; done
		cat /tmp/victim
		hwpoison-inject --list
		kill $!'
	has '^0x[0-9a-f]+ +dirty LRU page +Recovered$' "$out"
	has 'usemem .*BUS_MCEERR_AO .* handler +survived$' "$out"
	has 'SIGBUS BUS_MCEERR_AO address 0x[0-9a-f]+ lsb 12' "$out"
	has ' mce  .* usemem\[.* mce-inject, real$' "$out"
	has 'no page can be unpoisoned until the next boot$' "$err"
}

@test "one processor: action required is raised in the kernel, which is refused" {
	guest 6 --cpus 1 -- mce-inject --srar --pfn 0x5000 --type hw
	has 'would panic this kernel: action required in the kernel' "$err"
}

@test "AMD: the log, what panics, its interrupts, and the lab's word on it" {
	guest 0 --verbose --cpu EPYC -- sh -c '
		mce-inject --corrected --type sw --wait 5 || exit
		mce-inject --decode --corrected || exit
		mce-inject --srao --pfn 0x5000 --type hw; echo "hw: $?"
		mce-inject --via machine --srao --pfn 0x5000; echo "machine: $?"
		mce-inject --via machine --corrected --bank 4; echo "corrected: $?"
		hwpoison-inject --method mce --pfn 0x5000; echo "method: $?"
		mce-inject --corrected --type th; echo "th: $?"
		mce-inject --corrected --type df; echo "df: $?"'
	has 'CPU 0: Machine Check: 0 Bank 9: 9000000000000091|MC9_STATUS\[.*0x9000000000000091' "$out"
	has '^  vendor +amd$' "$out"
	has '^hw: 6$' "$out"
	has '^machine: 6$' "$out"
	has 'would panic this kernel: uncorrected, without recovery \(succor\)' "$err"
	has '^corrected: 0$' "$out"
	has '^method: 4$' "$out"
	has 'the processor is none of Intel.s: the kernel would panic' "$err"
	has '^th: 0$' "$out"
	has '^df: 0$' "$out"
	run ! grep -q 'recovers from machine checks' "$err"
}

@test "AMD: an uncorrected error panics" {
	# What a process has met: there is one that runs all the time.
	guest 125 --cpu EPYC -- sh -c '
		usemem -m 1 --touch --interval 0.0001 >/tmp/victim &
		until grep -q ready /tmp/victim; do sleep 0.1; done
		mce-inject --via machine --force --wait 30 --srao --pfn 0x5000'
	has 'panic while the command ran' "$err"
	has 'Kernel panic' "$err"
}
