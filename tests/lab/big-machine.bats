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
