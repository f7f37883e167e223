#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types: its command line. What it takes, what it refuses, what it describes.

# Set in helper.bash: $root, $hwpoison, $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper

setup() {
	mem=$BATS_TEST_TMPDIR/mem
	dump "$mem" - lru*3 anon
}

# bad_usage MESSAGE ARGUMENT...
bad_usage() {
	local message=$1

	shift
	run_split page-types "$@"
	status_is 2
	stderr_is "page-types: $message" "Try 'page-types --help'."
	stdout_is
}

@test "--help prints the options by group, the grammar and the flags" {
	run_split page-types --help
	status_is 0
	stderr_is
	stdout_has 'Which pages:' 'What is shown of them:' 'What is done to them:' \
		'Where it is read:' 'FLAGS:' 'BITS-SPEC:'
	cp "$stdout_file" "$BATS_TEST_TMPDIR/help"
	prints page-types -h < "$BATS_TEST_TMPDIR/help"
}

@test "--usage is brief, --version names the project" {
	run_split page-types --usage
	status_is 0
	stderr_is
	grep -q '^Usage: page-types \[' "$stdout_file"
	run_split page-types --version
	status_is 0
	stderr_is
	grep -qx 'page-types (hwpoison-tools) [0-9]*\.[0-9]*\.[0-9]*' "$stdout_file"
}

@test "an option that does not exist, an argument too few or too many" {
	bad_usage '--bogus: unknown option' --bogus
	bad_usage '-Z: unknown option' -Z
	bad_usage '--addr: missing argument' --addr
	bad_usage 'mem: unexpected argument' -l mem
}

@test "addresses: what is no range of pages" {
	local spec

	for spec in x 1x '' ',' + 1+ +1 5,4 1,2,3 -1 '1 ' 08 0x; do
		bad_usage "--addr: $spec: not a range of pages (N, N+M, N,M, N, or ,M)" -a "$spec"
	done
	for spec in 0x10000000000000000 0xffffffffffffffff 0xffffffffffffffff+2; do
		bad_usage "--addr: $spec: out of range" --addr "$spec"
	done
}

@test "process numbers: what is none" {
	local pid

	for pid in 0 -1 x 1x '' 99999999999; do
		bad_usage "--pid: $pid: not a process number" -p "$pid"
	done
	bad_usage '--pid: : not a process number' -p 1,,2
}

@test "flag names: unknown ones, ambiguous ones with their candidates" {
	bad_usage '--bits: bogus: no such flag (--help lists them)' -b bogus
	bad_usage '--bits: : no such flag (--help lists them)' -b lru,
	bad_usage '--bits: bogus: no such flag (--help lists them)' -b lru=bogus
	bad_usage '--bits: bogus: no such flag (--help lists them)' -b 'lru,~bogus'
	bad_usage '--bits: 0x1ffffffffffffffff: out of range' -b 0x1ffffffffffffffff
	bad_usage '--bits: swa: ambiguous, it could be swapcache, swapbacked' -b swa
	bad_usage '--bits: re: ambiguous, it could be referenced, reclaim' -b re
	bad_usage '--describe: a: ambiguous, it could be active, anonymous' -d a
	bad_usage '--describe: bogus: no such flag (--help lists them)' -d bogus
}

@test "options that exclude each other, or come twice" {
	bad_usage '--hwpoison and --unpoison exclude each other' -X -x
	bad_usage "--kpageflags: pages of a copy can't be changed" -X -F "$mem"
	bad_usage "--kpageflags: pages of a copy can't be changed" -x -F "$mem"
	bad_usage "--kpageflags: pages of a copy can't be changed" --mark-idle -F "$mem"
	bad_usage '--file: the page cache is only to be had on the running machine, without --sysroot' \
		-f /etc/passwd --sysroot /
	bad_usage '--file: given twice' -f a --file b
	bad_usage '--cgroup: given twice' -c /a --cgroup /b
	bad_usage '--kpageflags: given twice' -F "$mem" -F "$mem"
	bad_usage '--sysroot: given twice' --sysroot / --sysroot /
}

@test "--file and --pid exclude each other" {
	bad_usage "--file: can't be combined with --pid" -f /etc/passwd -p 1
}

@test "--cgroup: an inode is a number above 0" {
	bad_usage '--cgroup: @0: not an inode number' -c @0
	bad_usage '--cgroup: @x: not an inode number' -c @x
	bad_usage '--cgroup: @: not an inode number' -c @
}

@test "--jobs takes 1 to 64" {
	local n

	for n in 0 65 -1 x ''; do
		bad_usage "--jobs: $n: not a number from 1 to 64" -j "$n"
	done
	run_split page-types -F "$mem" -j 64
	status_is 0
	run_split page-types -F "$mem" --jobs=1
	status_is 0
}

@test "--describe: names, numbers, both" {
	prints page-types -d 0x10,anon <<-'END'
	0x0000000000001010	____D_______a______________________________	dirty,anonymous
	END
	prints page-types --describe=huge,thp <<-'END'
	0x0000000000420000	_________________G____t____________________	huge,thp
	END
	prints page-types --describe 16 <<-'END'
	0x0000000000000010	____D______________________________________	dirty
	END
}

@test "--describe: anon stays anonymous, comp is both compound bits" {
	prints page-types -d anon <<-'END'
	0x0000000000001000	____________a______________________________	anonymous
	END
	prints page-types -d anon_e <<-'END'
	0x0000800000000000	____________________________________d______	anon_exclusive
	END
	prints page-types -d comp <<-'END'
	0x0000000000018000	_______________HT__________________________	compound_head,compound_tail
	END
	prints page-types -d compound <<-'END'
	0x0000000000018000	_______________HT__________________________	compound_head,compound_tail
	END
	prints page-types -d compound_t <<-'END'
	0x0000000000010000	________________T__________________________	compound_tail
	END
}

@test "--describe: a whole name comes before a prefix" {
	# The kernel's tool takes the first name that begins so: arch_2 and swapcache
	# would do, private_2 and private.
	prints page-types -d swap <<-'END'
	0x4000000000000000	_________________________________________w_	swap
	END
	prints page-types -d arch <<-'END'
	0x0000004000000000	_________________________________h_________	arch
	END
	prints page-types -d arch_2 <<-'END'
	0x0000020000000000	___________________________________H_______	arch_2
	END
	prints page-types -d private_2 <<-'END'
	0x0000001000000000	_______________________________p___________	private_2
	END
}

@test "--describe: a prefix is looked for among the well-known flags first" {
	# read: referenced and reclaim begin differently, only readahead is left.
	prints page-types -d read <<-'END'
	0x0001000000000000	_____________________________________I_____	readahead
	END
	# mm: mmap, though mmap_exclusive begins so too.
	prints page-types -d mm <<-'END'
	0x0000000000000800	___________M_______________________________	mmap
	END
}

@test "--describe: bits without a name or a column are shown in hex" {
	prints page-types -d 0x8000011 <<-'END'
	0x0000000008000011	L___D______________________________________+0x8000000	locked,dirty,0x8000000
	END
	prints page-types -d arch_3,uncached <<-'END'
	0x0000048000000000	___________________________________________+0x48000000000	uncached,arch_3
	END
	prints page-types -d 0 <<-'END'
	0x0000000000000000	___________________________________________	
	END
}

@test "--describe: numbers end below 2^63, as in the kernel's tool" {
	fails_with 1 'page-types: --describe: 0x8000000000000000: a number must be below 2^63 (say mmap_exclusive)' \
		page-types -d 0x8000000000000000
	prints page-types -d mmap_exclusive <<-'END'
	0x8000000000000000	__________________________________________1	mmap_exclusive
	END
}

@test "every option is taken, in its long and its short form" {
	local cgroup=$BATS_TEST_TMPDIR/root/sys/fs/cgroup option name
	local -a options arguments

	make_root
	make_hwpoison
	task 7
	vma 7 16 "$(present 1)"
	dump "$root/proc/kpageflags" - anon,lru*3
	dump "$root/proc/kpagecount" -*4
	dump "$root/proc/kpagecgroup" -*4
	mkdir -p "$cgroup" "$root/sys/kernel/mm/page_idle"
	: > "$cgroup/memory.stat"
	mkdir -p "$root/sys/devices/system/node/node0"
	: > "$root/sys/kernel/mm/page_idle/bitmap"
	# Every option of --help must be in one of these calls.
	options=(
		'-p 7' '--pid 7' '-c /sys/fs/cgroup' '--cgroup /sys/fs/cgroup' '-a 1' '--addr 1'
		'-b anon' '--bits anon' '-r' '--raw' '-l' '--list' '-L' '--list-each'
		'--tree -p 7' '--vaddr 0x10000 -p 7' '--vma anon -p 7' '--pfn 1' '--phys 4096' '--node 0'
		'--by cgroup' '--sort pages' '--top 1' '-C -l' '--list-cgroup -l' '-M -l' '--list-mapcnt -l' '-N' '--no-summary' '--json' '--order'
		'--owners -a 1'
		'-d anon' '--describe anon' '-i -a 1' '--mark-idle -a 1' '-j 2' '--jobs 2'
		'--max-cpu 50' '--sample --seed 1'
		'-x' '--unpoison' "-F $mem" "--kpageflags $mem" "--dump $BATS_TEST_TMPDIR/saved" '--watch 1,1' '-h' '--help' '--usage' '--version'
	)
	for option in "${options[@]}"; do
		# shellcheck disable=SC2086
		run_split page-types --sysroot "$root" $option
		status_is 0
		stderr_is
	done
	# These act, or look at this machine.
	for option in '-X -a 1' '--hwpoison -a 1 --force'; do
		# shellcheck disable=SC2086
		run_split page-types --sysroot "$root" $option
		status_is 5
	done
	for option in -f --file; do
		run_split page-types -F "$mem" "$option" /nonexistent
		status_is 1
	done
	run_split page-types --diff "$mem" "$mem"
	status_is 0
	options+=('--diff' '-X' '--hwpoison' '--force' '--sysroot' '-f' '--file')
	mapfile -t arguments < <(printf '%s\n' "${options[@]}" | tr ' ' '\n' | grep '^-')
	while read -r name; do
		printf '%s\n' "${arguments[@]}" | grep -qxF -e "$name" || {
			echo "$name: not tried by this test"
			return 1
		}
	done < <(page-types --help | sed '/^FLAGS:/,$d' | grep -o -E -e '(^|[ ,])--?[a-zA-Z][a-z-]*' |
		sed 's/^[ ,]*//' | sort -u)
}
