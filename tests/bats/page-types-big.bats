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
