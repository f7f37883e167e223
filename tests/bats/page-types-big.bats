#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types on large machines: memory that is not there, samples, a limit on CPU time.

# Set in helper.bash: $root, $hwpoison, $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper

# Blocks of 64 pages: 0 and 3 are online, 1 is offline, 2 is missing.
make_blocks() {
	make_root
	memory=$root/sys/devices/system/memory
	mkdir -p "$memory"/memory{0,1,3}
	printf '%x\n' $((64 * $(page_size))) > "$memory/block_size_bytes"
	echo online | tee "$memory"/memory{0,3}/state > /dev/null
	echo offline > "$memory/memory1/state"
	dump "$root/proc/kpageflags" 'lru*64' 'nopage*128' 'buddy*60'
}

@test "offline and missing blocks count as nopage" {
	make_blocks
	prints page-types --sysroot "$root" <<-'END'
	             flags	page-count       MB  symbolic-flags			long-symbolic-flags
	0x0000000000000020	        64        0  _____l_____________________________________	lru
	0x0000000000000400	        60        0  __________B________________________________	buddy
	0x0000000000100000	       128        0  ____________________n______________________	nopage
	             total	       252        0
	END
	prints page-types --sysroot "$root" -l -N <<-'END'
	offset	len	flags
	0	40	_____l_____________________________________
	40	80	____________________n______________________
	c0	3c	__________B________________________________
	END
	prints page-types --sysroot "$root" -l -N -b buddy <<-'END'
	offset	len	flags
	c0	3c	__________B________________________________
	END
}

@test "offline blocks are not read, but where they are asked for by number, or nothing is known" {
	make_blocks
	# Not at the places that are looked at to see what the kernel says of holes.
	put_u64 "$root/proc/kpageflags" 70 0x20
	run_split page-types --sysroot "$root" -b lru
	[ "$(grep total "$stdout_file" | awk '{print $2}')" -eq 64 ]
	run_split page-types --sysroot "$root" -b lru -F "$root/proc/kpageflags"
	[ "$(grep total "$stdout_file" | awk '{print $2}')" -eq 65 ]
	run_split page-types --sysroot "$root" -b lru -a 64+64
	[ "$(grep total "$stdout_file" | awk '{print $2}')" -eq 1 ]
	rm "$memory/block_size_bytes"
	run_split page-types --sysroot "$root" -b lru
	stderr_is
	[ "$(grep total "$stdout_file" | awk '{print $2}')" -eq 65 ]
}

@test "--owners: offline blocks are not read either, but where they are asked for by number" {
	make_blocks
	put_u64 "$root/proc/kpageflags" 70 0x80000
	put_u64 "$root/proc/kpageflags" 200 0x80000
	put_u64 "$root/proc/kpagecount" 251 0
	for lines in 'HardwareCorrupted: 8 kB' ''; do
		# shellcheck disable=SC2046 # words
		run_split page-types --sysroot "$root" --owners $([ "$lines" ] || echo -b hwpoison) <<< "$lines"
		status_is 0
		[ "$(grep -o '^page 0x[0-9a-f]*' "$stdout_file")" = 'page 0xc8' ]
	done
	run_split page-types --sysroot "$root" --owners --pfn 70
	status_is 0
	grep -q '^page 0x46 ' "$stdout_file"
}

@test "blocks that are called offline and have pages are read" {
	make_blocks
	echo offline > "$memory/memory3/state"
	run_split page-types --sysroot "$root" -b buddy
	[ "$(grep total "$stdout_file" | awk '{print $2}')" -eq 60 ]
	# No flags at all is no proof, in a copy.
	dump "$root/proc/kpageflags" 'lru*64' '-*70' 'buddy*10' '-*48' 'buddy*60'
	run_split page-types --sysroot "$root" -b buddy
	[ "$(grep total "$stdout_file" | awk '{print $2}')" -eq 70 ]
}

# ----------------------------------------------------------------------- samples

# A copy of the flags of 2^20 pages, in runs of 1 to 2000.
make_memory() {
	mem=$BATS_TEST_TMPDIR/mem
	perl -e '
		my ($n, $state) = (0, 12345);
		open(my $f, ">", shift) or die;
		while ($n < 1 << 20) {
			$state = ($state * 1103515245 + 12345) & 0x7fffffff;
			my $run = 1 + ($state >> 8) % 2000;
			$run = (1 << 20) - $n if $n + $run > 1 << 20;
			print $f pack("Q<", (0x28, 0x400, 0x5828)[($state >> 20) % 3]) x $run;
			$n += $run;
		}' "$mem"
}

# Flags, estimate, and the ends of its interval, of each record on stdout.
estimates() {
	jq -r 'select(.record == "sample") | "\(.flags_value) \(.pages) \(.low) \(.high)"' "$stdout_file"
}

@test "--sample: the estimates are near the counts, and within their intervals" {
	command -v jq > /dev/null || skip "needs jq"
	make_memory
	run_split page-types -F "$mem" --sample=0.1 --seed 5 --json
	status_is 0
	stderr_is
	"$BATS_TEST_DIRNAME/../check-json" < "$stdout_file"
	[ "$(jq -c 'select(.record == "sampled") | [.pages, .low, .high, .fraction, .seed, .machine_pages]' \
		"$stdout_file")" = '[1048576,1048576,1048576,0.0999756,5,1048576]' ]
	estimates > "$BATS_TEST_TMPDIR/estimates"
	page-types -F "$mem" --json | jq -r 'select(.record == "summary") | "\(.flags_value) \(.pages)"' |
		join - "$BATS_TEST_TMPDIR/estimates" > "$BATS_TEST_TMPDIR/both"
	cat "$BATS_TEST_TMPDIR/both"
	[ "$(wc -l < "$BATS_TEST_TMPDIR/both")" -eq 3 ]
	# Flags, truth, estimate, low, high.
	awk '$2 < $4 || $2 > $5 || $5 - $4 > 50000 || $5 <= $4 { bad = 1 } END { exit bad }' \
		"$BATS_TEST_TMPDIR/both"
}

@test "--sample: the text has the same numbers, and says what was read" {
	make_memory
	run_split page-types -F "$mem" --sample=0.1 --seed 5 -b buddy
	status_is 0
	stderr_is
	head -n 1 "$stdout_file" | grep -q '^             flags	page-count ± 95%'
	sed -n 2p "$stdout_file" | grep -qE '^0x0000000000000400	 +[0-9]+ ± [0-9]+ +[0-9]+  __________B_+	buddy$'
	sed -n 3p "$stdout_file" | grep -qE '^             total	 +[0-9]+ ± [1-9][0-9]+ +[0-9]+$'
	[ "$(sed -n 4p "$stdout_file")" = "sample: 104832 of 1048576 pages read (10%), seed 5; intervals of 95%; a set of flags with fewer than about 1984 pages may be missing" ]
	[ "$(wc -l < "$stdout_file")" -eq 4 ]
}

differs() {
	if cmp -s "$1" "$2"; then
		echo "$1: the same as $2"
		return 1
	fi
}

@test "--sample: the seed and nothing else chooses the pages" {
	make_memory
	run_split page-types -F "$mem" --sample=0.05 --seed 0x11 -j 1
	cp "$stdout_file" "$BATS_TEST_TMPDIR/first"
	run_split page-types -F "$mem" --sample=0.05 --seed 17 -j 3
	cmp "$stdout_file" "$BATS_TEST_TMPDIR/first"
	run_split page-types -F "$mem" --sample=0.05 --seed 18
	differs "$stdout_file" "$BATS_TEST_TMPDIR/first"
	# Without one, another each time, which is said.
	run_split page-types -F "$mem" --sample=0.05
	seed=$(sed -n 's/.*, seed \([0-9]*\);.*/\1/p' "$stdout_file")
	cp "$stdout_file" "$BATS_TEST_TMPDIR/first"
	run_split page-types -F "$mem" --sample=0.05
	differs "$stdout_file" "$BATS_TEST_TMPDIR/first"
	run_split page-types -F "$mem" --sample=0.05 --seed "$seed"
	cmp "$stdout_file" "$BATS_TEST_TMPDIR/first"
}

@test "--sample of a small machine reads it all, and says what the summary says" {
	make_blocks
	prints page-types --sysroot "$root" --sample --seed 1 <<-'END'
	             flags	page-count ± 95%             MB  symbolic-flags			long-symbolic-flags
	0x0000000000000020	        64 ± 0                0  _____l_____________________________________	lru
	0x0000000000000400	        60 ± 0                0  __________B________________________________	buddy
	0x0000000000100000	       128 ± 0                0  ____________________n______________________	nopage
	             total	       252 ± 0                0
	sample: 124 of 124 pages read (100%), seed 1
	END
}

@test "--sample: memory that is not there is known, and what is there is sampled" {
	make_root
	memory=$root/sys/devices/system/memory
	mkdir -p "$memory"/memory{0,1,3}
	printf '%x\n' $((4096 * $(page_size))) > "$memory/block_size_bytes"
	echo online | tee "$memory"/memory{0,3}/state > /dev/null
	echo offline > "$memory/memory1/state"
	dump "$root/proc/kpageflags" 'lru*4096' 'nopage*8192' 'lru*2000' 'buddy*2096'
	run_split page-types --sysroot "$root" --sample=0.25 --seed 3
	status_is 0
	# What is not there is known; what was not read can have more of it.
	grep -qE '^0x0000000000100000	 +8192 ± 768 ' "$stdout_file"
	grep -qE '^             total	 +16384 ± 0 ' "$stdout_file"
	grep -qE '^sample: 2048 of 8192 pages read \(25%\), seed 3;' "$stdout_file"
	run_split page-types --sysroot "$root" --sample=0.25 --seed 3 -b nopage
	grep -qE '^             total	 +8192 ± 768 ' "$stdout_file"
}

@test "--sample with a cgroup counts what is charged to it" {
	make_root
	dump "$root/proc/kpageflags" 'lru*8192'
	dump "$root/proc/kpagecgroup" '-*4096' 'reserved*4096'
	run_split page-types --sysroot "$root" --sample=0.5 --seed 2 -c "@$((1 << 32))"
	status_is 0
	grep -qE '^0x0000000000000020	 +4096 ± 384 ' "$stdout_file"
}

@test "--sample of a few clusters that are alike claims nothing of the rest" {
	command -v jq > /dev/null || skip "needs jq"
	mem=$BATS_TEST_TMPDIR/mem
	dump "$mem" 'lru*70000' 'buddy*30000'
	run_split page-types -F "$mem" --sample=1e-7 --seed 7
	status_is 0
	grep -qE '^0x0000000000000020	 +100000 ± 99872 ' "$stdout_file"
	grep -qE '^             total	 +100000 ± 0 ' "$stdout_file"
	[ "$(tail -n 1 "$stdout_file")" = "sample: 128 of 100000 pages read (0.128%), seed 7; intervals of 95%; a set of flags with fewer than about 100000 pages may be missing" ]
	# Its condition does not make the sum better known than the row.
	run_split page-types -F "$mem" --sample=1e-7 --seed 7 -b lru --json
	[ "$(jq -c '[.record, .pages, .low, .high]' "$stdout_file" | paste -s -d ' ')" = \
		'["sample",100000,128,100000] ["sampled",100000,128,100000]' ]
	# What was not met at all may be there.
	run_split page-types -F "$mem" --sample=1e-7 --seed 7 -b buddy --json
	[ "$(jq -c '[.record, .pages, .low, .high]' "$stdout_file")" = '["sampled",0,0,100000]' ]
}

@test "--sample: an empty dump has nothing" {
	mem=$BATS_TEST_TMPDIR/mem
	: > "$mem"
	run_split page-types -F "$mem" --sample --seed 1
	status_is 0
	stderr_is "page-types: --kpageflags: $mem: empty: it has no page"
	grep -qE '^             total	 +0 ± 0 ' "$stdout_file"
}

@test "--sample: bad usage" {
	local other

	mem=$BATS_TEST_TMPDIR/mem
	dump "$mem" 'lru*10'
	for fraction in 0 0.0 1.1 -1 nan 1e 1e1 1e-400 1-1 0x1 '' . 1..0 10%; do
		fails_with 2 "page-types: --sample: $fraction: not a number above 0, up to 1
Try 'page-types --help'." page-types -F "$mem" "--sample=$fraction"
	done
	for other in -l -L -C -M -N -i -X -x '-p 1' "-f $mem" '-a 1' '-d lru'; do
		# shellcheck disable=SC2086 # two words
		fails_with 2 "page-types: --sample: a summary of the machine: only with -b, -c, -r, -F and --json
Try 'page-types --help'." page-types --sample $other
	done
	fails_with 2 "page-types: --seed: needs --sample
Try 'page-types --help'." page-types -F "$mem" --seed 1
	fails_with 2 "page-types: --seed: x: not a number below 2^53
Try 'page-types --help'." page-types -F "$mem" --sample --seed x
	fails_with 2 "page-types: --seed: given twice
Try 'page-types --help'." page-types -F "$mem" --sample --seed 1 --seed 1
}

# ------------------------------------------------------------- a limit, and progress

# is_limited PERCENT COMMAND…: it takes no more of a CPU than that, as the shell has it, after
# a tenth of a second in which it starts and ends, which is not limited. On a busy machine it
# takes less.
is_limited() {
	local TIMEFORMAT='%R %U %S'

	{ time "${@:2}" >&5 2> /dev/null; } 5>&1 2> "$BATS_TEST_TMPDIR/times"
	cat "$BATS_TEST_TMPDIR/times" >&2
	awk -v most="$1" '{ exit !(($2 + $3 - 0.1) * 100 / $1 < most) }' "$BATS_TEST_TMPDIR/times"
}

@test "--max-cpu: a walk takes as long as its share allows" {
	local percent

	mem=$BATS_TEST_TMPDIR/mem
	truncate -s 256M "$mem"
	for jobs in 1 2; do
		is_limited 24 page-types -F "$mem" -j $jobs --max-cpu 20 > "$BATS_TEST_TMPDIR/out"
		diff "$BATS_TEST_TMPDIR/out" <(page-types -F "$mem")
	done
	for percent in 0 6401 x -1; do
		fails_with 2 "page-types: --max-cpu: $percent: not a number from 1 to 6400
Try 'page-types --help'." page-types -F "$mem" "--max-cpu=$percent"
	done
}

@test "--owners --max-cpu: over the machine, and over the processes" {
	local tree=$BATS_TEST_TMPDIR/root walk

	make_root
	truncate -s 256M "$tree/proc/kpageflags" "$tree/proc/kpagecount"
	put_u64 "$tree/proc/kpageflags" 4 0x80000
	task 7
	printf '%x-%x rw-p 00000000 00:00 0 \n' 0 $(((1 << 25) * $(page_size))) > "$tree/proc/7/maps"
	truncate -s 256M "$tree/proc/7/pagemap"
	# All of the machine, without a process to look at; and the other way round.
	for walk in '-b slab' '--pfn 4' '-L --pfn 4'; do
		# shellcheck disable=SC2086 # words
		is_limited 26 page-types --sysroot "$tree" --owners $walk --max-cpu 20 > /dev/null
	done
}

@test "progress is shown on a terminal after a second, and erased" {
	command -v script > /dev/null || skip "needs script (util-linux)"
	mem=$BATS_TEST_TMPDIR/mem
	truncate -s 256M "$mem"
	script -qec "page-types -F '$mem' --max-cpu 5" "$BATS_TEST_TMPDIR/typescript" > /dev/null
	grep -qE $'\rpage-types: [0-9]+ of 33554432 pages, [0-9]+%, [0-9.]+ million/s, [0-9]+ s left\e\\[K\r' \
		"$BATS_TEST_TMPDIR/typescript"
	# The last of it is its end: an empty line, then the summary.
	grep -qE $'s left\e\\[K\r\e\\[K +flags' "$BATS_TEST_TMPDIR/typescript"
	# Nothing of it for a quick walk, or in a file.
	truncate -s 1M "$BATS_TEST_TMPDIR/few"
	script -qec "page-types -F '$BATS_TEST_TMPDIR/few'" "$BATS_TEST_TMPDIR/typescript" > /dev/null
	[ "$(grep -c left "$BATS_TEST_TMPDIR/typescript")" -eq 0 ]
	run_split page-types -F "$mem" --max-cpu 5
	stderr_is
}

@test "progress of an order, a dump, and a list with owners: whatever else the walk does" {
	command -v script > /dev/null || skip "needs script (util-linux)"
	local tree=$BATS_TEST_TMPDIR/root out=$BATS_TEST_TMPDIR/out command

	mkdir -p "$tree/proc"
	truncate -s 256M "$tree/proc/kpageflags"
	mkdir "$tree/proc/1"
	: > "$tree/proc/1/pagemap"
	: > "$tree/proc/1/maps"
	for command in "--order > $out" "--dump $out" "-L --owners -b lru > $out"; do
		script -qec "page-types --sysroot '$tree' --max-cpu 10 $command" \
			"$BATS_TEST_TMPDIR/typescript" > /dev/null < /dev/null
		grep -qE $'\rpage-types: [0-9]+ of 33554432 pages, [0-9]+%' "$BATS_TEST_TMPDIR/typescript" ||
			{ echo "$command"; cat -v "$BATS_TEST_TMPDIR/typescript"; false; }
	done
}
