#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject where the kernel has been told otherwise: under lockdown, and where it
# panics at every memory error. Each boots a lab of its own, on the host. Set LAB_KERNEL
# to choose the kernel.

# Programs in single quotes are for the guest to expand.
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0

setup() {
	lab=${HWPOISON_LAB_COMMAND:-hwpoison-lab}
	if [ -n "${LAB_KERNEL-}" ]; then set -- --kernel "$LAB_KERNEL"; fi
	options=("$@" --timeout 300 --env LD_LIBRARY_PATH)
	command -v qemu-system-x86_64 >/dev/null || skip 'needs QEMU'
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir -p "$TMPDIR"
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
}

# boot STATUS ARGUMENT… <SCRIPT: runs the script in the lab, which ends with that status.
# The script has
#   inject OPTION…   runs hwpoison-inject, and prints its status and its messages
#   $target          options for a page of a process that sleeps; another one after each
boot() {
	local expected=$1 status=0 script

	shift
	script=$(
		cat <<-'END'
			inject() {
				hwpoison-inject --json --wait 0 "$@" >/tmp/report 2>/tmp/messages
				echo "status $?"
				cat /tmp/messages
				next
			}
			next() {
				at=$((at + 1))
				target="-p $pid -a $at"
			}
			corrupted() {
				grep HardwareCorrupted /proc/meminfo
			}
			usemem -m 1 --no-pfns >/tmp/usemem & pid=$!
			until grep -q ready /tmp/usemem; do sleep 0.1; done
			at=$(sed -n 's/.* at \(0x[0-9a-f]*\)-.*/\1/p' /tmp/usemem)
			at=$((at / 4096))
			next
		END
		cat
	)
	"$lab" "${options[@]}" "$@" -- bash -c "$script" </dev/null >"$out" 2>"$err" 3>&- || status=$?
	if [ "$status" -ne "$expected" ]; then
		echo "status $status, not $expected"
		head -n 50 "$out" "$err"
		return 1
	fi
}

@test "lockdown: debugfs is refused with the way out; hard-offline works, and auto takes it" {
	local forbidden='/sys/kernel/debug/hwpoison/corrupt-filter-enable: kernel lockdown forbids it, see /sys/kernel/security/lockdown (try: --method hard-offline; or in hwpoison-lab)'
	local filter='/sys/kernel/debug/hwpoison/corrupt-filter-enable: Operation not permitted (kernel lockdown forbids it: see /sys/kernel/security/lockdown)'

	mkdir "$BATS_TEST_TMPDIR/result"
	boot 0 --append lockdown=integrity --out "$BATS_TEST_TMPDIR/result" <<-'END'
	mount -t securityfs none /sys/kernel/security
	cat /sys/kernel/security/lockdown
	inject $target
	inject --filter-show
	inject --unpoison-all
	inject $target --method hard-offline --flags anonymous
	corrupted
	inject $target --method hard-offline
	jq -r 'select(.record == "page").outcome' /tmp/report
	inject $target --method auto
	jq -r '[.method, .outcome, .filter] | map(values) | join(" ") | select(. != "")' /tmp/report
	cp /tmp/report /run/hwpoison-lab/out
	hwpoison-inject --wait 0 $target --method auto | sed -n '2s/^[^ ]* *\([^ ]*\) .*/\1/p'
	next
	inject $target --method soft-offline
	corrupted
	inject --list
	wc -l </tmp/report
	END
	diff -u - "$out" <<-END
	none [integrity] confidentiality
	status 3
	hwpoison-inject: $forbidden
	status 3
	hwpoison-inject: $forbidden
	status 3
	hwpoison-inject: $forbidden
	status 3
	hwpoison-inject: $filter
	HardwareCorrupted:     0 kB
	status 0
	poisoned
	status 0
	hard-offline
	poisoned
	hard-offline
	status 0
	HardwareCorrupted:    16 kB
	status 0
	4
	END
	"$BATS_TEST_DIRNAME/../check-json" <"$BATS_TEST_TMPDIR/result/report"
}

@test "a kernel that panics at every memory error: refused, and --force shows why" {
	boot 125 <<-'END'
	echo 0 >/proc/sys/vm/memory_failure_recovery
	inject $target
	inject $target --method hard-offline
	inject $target --dry-run
	jq -r .record /tmp/report
	inject $target --list-targets
	inject $target --method soft-offline
	corrupted
	inject --list
	wc -l </tmp/report
	sleep 1
	inject $target --force
	END
	local refused='hwpoison-inject: refused: vm.memory_failure_recovery is 0: the kernel panics at every memory error, also at this one (try: sysctl vm.memory_failure_recovery=1; --force does it all the same)'
	diff -u - "$out" <<-END
	status 6
	$refused
	status 6
	$refused
	status 6
	$refused
	target
	status 0
	status 0
	HardwareCorrupted:     4 kB
	status 0
	1
	END
	grep -qF ': panic while the command ran' "$err"
	grep -qE 'Kernel panic - not syncing: Memory failure on page [0-9a-f]+' "$err"
}
