#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types on the processes, cgroups and idle bits of a --sysroot tree.

# Set in helper.bash: $root, $hwpoison, $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper

setup() {
	make_root
	flags=$root/proc/kpageflags
}

# on_root ARGUMENT...
on_root() {
	page-types --sysroot "$root" "$@"
}

@test "--sysroot: the machine is what is below it" {
	dump "$flags" - lru*2
	prints on_root -N -l <<-'END'
	offset	len	flags
	0	1	___________________________________________
	1	2	_____l_____________________________________
	END
	prints on_root -N -l -a 2 <<-'END'
	offset	len	flags
	2	1	_____l_____________________________________
	END
}

@test "--pid: the pages that a process has in its page tables" {
	dump "$flags" - - anon,lru*2 lru anon
	task 7
	vma 7 16 "$(present 3)" 0 "$(present 2)"
	vma 7 32 "$(present 4)"
	prints on_root -p 7 -L <<-'END'
	voffset	offset	flags
	10	3	_____l______a______________________________
	12	2	_____l______a______________________________
	20	4	_____l_____________________________________


	             flags	page-count       MB  symbolic-flags			long-symbolic-flags
	0x0000000000000020	         1        0  _____l_____________________________________	lru
	0x0000000000001020	         2        0  _____l______a______________________________	lru,anonymous
	             total	         3        0
	END
}

@test "--pid --list: a range is one in memory and in the process" {
	dump "$flags" 'anon*10'
	task 7
	vma 7 16 "$(present 4)" "$(present 5)" "$(present 6)" "$(present 8)" 0 "$(present 9)"
	prints on_root -p 7 -l -N <<-'END'
	voffset	offset	len	flags
	10	4	3	____________a______________________________
	13	8	1	____________a______________________________
	15	9	1	____________a______________________________
	END
}

@test "--pid --addr: pages of the process" {
	dump "$flags" 'anon*10'
	task 7
	vma 7 16 "$(present 4)" "$(present 5)" "$(present 6)"
	vma 7 32 "$(present 8)"
	prints on_root -p 7 -L -N -a 0x11+16 -a 0x12 -a 100 <<-'END'
	voffset	offset	flags
	11	5	____________a______________________________
	12	6	____________a______________________________
	20	8	____________a______________________________
	END
}

@test "--pid --raw: what the page table says is shown too" {
	dump "$flags" - anon,owner_2 lru
	task 7
	vma 7 16 "$(present 1 $((PM_SOFT_DIRTY | PM_EXCLUSIVE)))" "$(present 2 "$PM_FILE")"
	prints on_root -p 7 -L -N -r <<-'END'
	voffset	offset	flags
	10	1	____________a_____________________f_d_____1
	11	2	_____l__________________________________F__
	END
}

@test "--pid: several processes, in their order, with a column for them" {
	dump "$flags" 'anon*10'
	task 7
	vma 7 16 "$(present 4)" "$(present 5)"
	task 9
	vma 9 16 "$(present 6)"
	prints on_root -p 9,7 -l -N <<-'END'
	pid	voffset	offset	len	flags
	9	10	6	1	____________a______________________________
	7	10	4	2	____________a______________________________
	END
	prints on_root -p 9 -p 7 -L -N <<-'END'
	pid	voffset	offset	flags
	9	10	6	____________a______________________________
	7	10	4	____________a______________________________
	7	11	5	____________a______________________________
	END
	prints on_root -p 9 -p 9,9 -L -N <<-'END'
	voffset	offset	flags
	10	6	____________a______________________________
	END
}

@test "--pid: one process's failure does not keep back the others" {
	dump "$flags" 'anon*10'
	task 9
	vma 9 16 "$(present 6)"
	run_split on_root -p 8,9 -L -N
	status_is 1
	stderr_is 'page-types: --pid: 8: no such process: it has ended, or /proc hides it (hidepid)'
	stdout_is $'pid\tvoffset\toffset\tflags' $'9\t10\t6\t____________a______________________________'
}

@test "--pid: no limit on the number of mappings" {
	local page=16 n=11000

	# The kernel's tool stops at 10240.
	dump "$flags" "anon*$((n + 1))"
	task 7
	# shellcheck disable=SC2046 # a word each
	put_u64 "$root/proc/7/pagemap" $page $(perl -e 'printf("0x%x\n", 1 << 63 | $_) for 1 .. shift' $n)
	perl -e '
		my ($page, $size, $n) = @ARGV;
		printf("%x-%x rw-p 00000000 00:00 0 \n", $page++ * $size, $page * $size) for 1 .. $n;
	' $page "$(page_size)" $n > "$root/proc/7/maps"
	run_split on_root -p 7
	status_is 0
	stderr_is
	stdout_has "             total	     11000       $(printf '%2u' $((11000 * $(page_size) >> 20)))"
}

@test "--pid: a mapping's name may be as long as it likes" {
	dump "$flags" 'anon*10'
	task 7
	vma 7 16 "$(present 4)"
	vma 7 32 "$(present 5)"
	# The kernel's tool reads lines of 5000 characters.
	perl -pi -e 's/$/"\/" . "n" x 9000/e if $. == 1' "$root/proc/7/maps"
	prints on_root -p 7 -L -N <<-'END'
	voffset	offset	flags
	10	4	____________a______________________________
	20	5	____________a______________________________
	END
}

@test "--pid: a swap entry is shown by its place in the swap area" {
	dump "$flags" 'lru*10'
	task 7
	vma 7 16 "$(swapped 0 5)" "$(present 4)"
	prints on_root -p 7 -L -N <<-'END'
	voffset	offset	flags
	10	5	___________________________________________
	11	4	_____l_____________________________________
	END
	prints on_root -p 7 -L -N -r -b swap <<-'END'
	voffset	offset	flags
	10	5	_________________________________________w_
	END
}

@test "--pid: a hwpoison entry is shown as the poisoned page" {
	local type

	# The type depends on the kernel: 26 on Debian's 6.1, 27 on 6.12, 24 on 6.16.
	dump "$flags" 'lru*5' hwpoison
	task 7
	for type in 24 26 27; do
		: > "$root/proc/7/maps"
		vma 7 16 "$(swapped $type 5)"
		prints on_root -p 7 -L <<-'END'
		voffset	offset	flags
		10	5	___________________X_______________________


		             flags	page-count       MB  symbolic-flags			long-symbolic-flags
		0x0000000000080000	         1        0  ___________________X_______________________	hwpoison
		             total	         1        0
		END
		prints on_root -p 7 -L -N -b hwpoison <<-'END'
		voffset	offset	flags
		10	5	___________________X_______________________
		END
	done
}

@test "--pid --raw: a hwpoison entry is no swap" {
	dump "$flags" 'lru*5' hwpoison
	task 7
	vma 7 16 "$(swapped 26 5)" "$(swapped 26 5 "$PM_FILE")"
	prints on_root -p 7 -r -L -N <<-'END'
	voffset	offset	flags
	10	5	___________________X_______________________
	11	5	___________________X____________________F__
	END
}

@test "--pid: what looks like a hwpoison entry and is none" {
	# 5 is not poisoned: a migration; 31 is a marker; 3 a swap area; 100 no page.
	dump "$flags" 'lru*6' 'hwpoison*2'
	task 7
	vma 7 16 "$(swapped 26 5)" "$(swapped 31 6)" "$(swapped 3 7)" "$(swapped 26 100)"
	prints on_root -p 7 -L -N <<-'END'
	voffset	offset	flags
	10	5	___________________________________________
	11	6	___________________________________________
	12	7	___________________________________________
	13	64	___________________________________________
	END
}

@test "--list-mapcnt and --list-cgroup: columns" {
	dump "$flags" - anon*4
	put_u64 "$root/proc/kpagecount" 0 0 1 1 2 2
	put_u64 "$root/proc/kpagecgroup" 0 0 42 42 42 77
	task 7
	vma 7 16 "$(present 4)" "$(present 1)"
	prints on_root -N -l -M -C <<-'END'
	cgroup	map-cnt	offset	len	flags
	@0	0	0	1	___________________________________________
	@42	1	1	2	____________a______________________________
	@42	2	3	1	____________a______________________________
	@77	2	4	1	____________a______________________________
	END
	prints on_root -N -L --list-mapcnt -a 4 <<-'END'
	map-cnt	offset	flags
	2	4	____________a______________________________
	END
	prints on_root -N -L --list-cgroup -p 7 <<-'END'
	voffset	cgroup	offset	flags
	10	@77	4	____________a______________________________
	11	@42	1	____________a______________________________
	END
}

@test "--cgroup: by its number and by its directory" {
	local group=$root/sys/fs/cgroup/group ino

	mkdir -p "$group"
	: > "$group/memory.stat"
	ino=$(stat -c %i "$group")
	dump "$flags" 'anon*4'
	put_u64 "$root/proc/kpagecgroup" 0 42 "$ino" "$ino" 0
	prints on_root -N -l -c @42 <<-'END'
	offset	len	flags
	0	1	____________a______________________________
	END
	prints on_root -N -l -c /sys/fs/cgroup/group <<-'END'
	offset	len	flags
	1	2	____________a______________________________
	END
}

@test "--cgroup: a directory without the memory controller brings a warning" {
	local group=$root/sys/fs/cgroup/group

	mkdir -p "$group"
	dump "$flags" anon
	dump "$root/proc/kpagecgroup" -
	run_split on_root -N -L -c /sys/fs/cgroup/group
	status_is 0
	stderr_is 'page-types: --cgroup: /sys/fs/cgroup/group: no memory controller here: its pages are charged to an ancestor (enable it: echo +memory > /sys/fs/cgroup/group/../cgroup.subtree_control)'
	stdout_is $'offset\tflags'
}

@test "--pid and --cgroup narrow each other" {
	dump "$flags" 'anon*4'
	put_u64 "$root/proc/kpagecgroup" 0 1 2 1 2
	task 7
	vma 7 16 "$(present 1)" "$(present 2)"
	prints on_root -N -L -p 7 -c @2 <<-'END'
	voffset	offset	flags
	10	1	____________a______________________________
	END
}

@test "--kpageflags with --sysroot: the flags of the copy, the rest of the tree" {
	dump "$flags" 'lru*4'
	dump "$BATS_TEST_TMPDIR/mem" 'anon*4'
	task 7
	vma 7 16 "$(present 2)"
	prints on_root -N -L -p 7 -F "$BATS_TEST_TMPDIR/mem" <<-'END'
	voffset	offset	flags
	10	2	____________a______________________________
	END
}

# ------------------------------------------------------------- --mark-idle

# idle_bits HEX...: what the bitmap must hold, word by word.
idle_bits() {
	local words

	words=$(perl -e 'local $/; open(my $f, "<", $ARGV[0]) or die;
		printf("%x\n", $_) for unpack("Q<*", <$f>);' "$bitmap" | paste -s -d ' ')
	[ "$words" = "$*" ] || complain "bitmap: $words, expected: $*"
}

@test "--mark-idle: the bits of these pages and no others are written" {
	bitmap=$root/sys/kernel/mm/page_idle/bitmap
	mkdir -p "${bitmap%/*}"
	: > "$bitmap"
	dump "$flags" lru 'anon*199'
	# The kernel's tool forgets the last word if it is the first one.
	run_split on_root --mark-idle -N -a 1+2
	status_is 0
	stderr_is
	stdout_is
	idle_bits 6
	: > "$bitmap"
	run_split on_root -i -N -a 0 -a 63+2 -a 191
	status_is 0
	idle_bits 8000000000000001 1 8000000000000000
	: > "$bitmap"
	run_split on_root -i -N -b lru
	status_is 0
	idle_bits 1
}

@test "--mark-idle: a swap entry is not marked" {
	bitmap=$root/sys/kernel/mm/page_idle/bitmap
	mkdir -p "${bitmap%/*}"
	: > "$bitmap"
	dump "$flags" 'anon*64'
	task 7
	vma 7 16 "$(swapped 0 5)" "$(present 4)"
	run_split on_root -i -N -p 7
	status_is 0
	idle_bits 10
}
