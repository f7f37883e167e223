#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types on the whole machine, as root in the lab: memory that is offline, samples.
# -F /proc/kpageflags reads every entry, as a copy of it would be read.

# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; run sets stderr

bats_require_minimum_version 1.5.0

load helper

MEMORY=/sys/devices/system/memory

setup() {
	offline=
}

teardown() {
	[ -z "$offline" ] || echo online > "$offline/state"
}

# Takes the last block that can go offline.
take_block() {
	local block

	for block in $(printf '%s\n' $MEMORY/memory[0-9]* | sort -Vr); do
		if { echo offline > "$block/state"; } 2> /dev/null; then
			offline=$block
			size=$((0x$(< $MEMORY/block_size_bytes) / 4096))
			first=$((${block##*/memory} * size))
			return
		fi
	done
	skip "no memory block can go offline here"
}

# The ranges of pages that are not there, by the tool and by reading all.
same_holes() {
	diff <(page-types -N -l -b nopage) <(page-types -N -l -b nopage -F /proc/kpageflags)
	diff <(page-types -b nopage) <(page-types -b nopage -F /proc/kpageflags)
	diff <(page-types | tail -n 1) <(page-types -F /proc/kpageflags | tail -n 1)
}

@test "an offline block is counted and listed as nopage, as reading it gives" {
	take_block
	same_holes
	page-types -N -L -a "$((first + 17))" | grep -q n
	page-types -N -l -b nopage |
		awk -v first="$first" -v size="$size" '
			function hex(s,  i, n) { for (i = 1; i <= length(s); i++)
				n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1; return n }
			NR > 1 && hex($1) <= first && hex($1) + hex($2) >= first + size { found = 1 }
			END { exit !found }'
}

@test "with all blocks online nothing is missing" {
	same_holes
}

@test "an offline block is not read" {
	command -v strace > /dev/null || skip "needs strace"
	take_block
	strace -f -e trace=pread64 -o "$BATS_TEST_TMPDIR/trace" page-types > /dev/null
	# More than one entry at a time, at an offset within the block.
	run awk -v from=$((first * 8)) -v to=$(((first + size) * 8)) '
		/pread64/ {
			if (!match($0, /, [0-9]+, [0-9]+\)/)) next
			split(substr($0, RSTART + 2), a, /[,)] */)
			reads++
			if (a[1] > 8 && a[2] < to && a[2] + a[1] > from) { print; bad = 1 }
		}
		END { exit bad || reads < 20 }' "$BATS_TEST_TMPDIR/trace"
	echo "$output"
	((status == 0))
}

# counts FILE: flags and pages of the rows of a summary.
counts() {
	awk '/^0x/ {print $1, $2}' "$1"
}

@test "a sample of half the machine is near the whole, with an offline block too" {
	local truth=$BATS_TEST_TMPDIR/truth sample=$BATS_TEST_TMPDIR/sample

	take_block
	page-types > "$truth"
	page-types --sample=0.5 --seed 1 > "$sample"
	cat "$truth" "$sample"
	# Memory that is not there is known; the rest moves while it is looked at. Free
	# memory is the largest set here: to 5 percent of all pages.
	[ "$(counts "$truth" | grep ^0x0000000000100000)" = "$(counts "$sample" | grep ^0x0000000000100000)" ]
	[ "$(awk '/total/ {print $2}' "$truth")" = "$(awk '/total/ {print $2}' "$sample")" ]
	join <(counts "$truth") <(counts "$sample") | awk -v total="$(awk '/total/ {print $2}' "$truth")" '
		$2 > total / 20 { large++; d = $2 - $3; if (d < 0) d = -d; if (d > total / 20) bad = 1 }
		END { exit bad || !large }'
	tail -n 1 "$sample" | grep -qE '^sample: [0-9]+ of [0-9]+ pages read \(50%\), seed 1; '
}

@test "--max-cpu holds on /proc/kpageflags" {
	local p least=100

	TIMEFORMAT=%P
	# The least of several: a guest is charged for the time that its host takes from it.
	for _ in {1..5}; do
		p=$({ time page-types --max-cpu 20 > /dev/null; } 2>&1)
		echo "$p"
		least=$(printf '%s\n' "$p" "$least" | sort -g | head -n 1)
	done
	# The program's start is not limited.
	awk -v p="$least" 'BEGIN { exit !(p < 45) }'
}

# ------------------------------------------------------------ why there is nothing

# A shell in a mount namespace of its own.
in_namespace() {
	unshare --mount --propagation private sh -c "$1"
}

@test "a masked kpageflags is told of" {
	run --separate-stderr in_namespace 'mount --bind /dev/null /proc/kpageflags && page-types'
	((status == 4))
	[ "$stderr" = 'page-types: /proc/kpageflags: empty: something else is mounted over it (a container masks it?)' ]
	run --separate-stderr page-types -N
	((status == 0 && ! ${#stderr}))
}

@test "hidepid, and another user's process" {
	local tool copy=$BATS_TEST_TMPDIR/flags
	local -a user=(setpriv --reuid=65534 --regid=65534 --clear-groups)

	cat /proc/kpageflags > "$copy"
	chmod a+rx "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
	chmod a+r "$copy"
	tool=$(command -v page-types)
	"${user[@]}" "$tool" --version > /dev/null 2>&1 || skip "the tool can't be run without root's rights here"
	run --separate-stderr "${user[@]}" "$tool" -F "$copy" -p 1
	((status == 3))
	[[ $stderr == *'may not be traced: CAP_SYS_PTRACE is needed'* ]]
	run --separate-stderr in_namespace "mount -t proc -o hidepid=1 proc /proc && ${user[*]} $tool -F $copy -p 1"
	echo "$stderr"
	((status == 3))
	[[ $stderr == *'--pid: 1: /proc hides this process'* ]]
	run --separate-stderr in_namespace "mount -t proc -o hidepid=2 proc /proc && ${user[*]} $tool -F $copy -p 1"
	echo "$stderr"
	((status == 3))
	[[ $stderr == *'--pid: 1: /proc hides this process'* ]]
}

@test "PFNs without CAP_SYS_ADMIN" {
	run --separate-stderr setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin page-types -p $$
	((status == 3))
	[[ $stderr == *'the kernel hides PFNs from this caller'* ]]
}
