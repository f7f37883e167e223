#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types --by, --sort and --top, on a --sysroot tree.

# Set in helper.bash: $root, $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper

setup() {
	make_root
	flags=$root/proc/kpageflags
	dump "$flags" -*4 anon,lru*3 lru anon
	task 7 one
	vma 7 16 "$(present 4)" "$(present 5)"
	vma 7 32 "$(present 7)"
	task 9 two
	vma 9 16 "$(present 4)"
	sed -i -e '2s|.*|20000-21000 r--p 00000000 08:01 99 /lib/x.so|' "$root/proc/7/maps"
}

on_root() {
	page-types --sysroot "$root" "$@"
}

# rows ARGUMENT...: of a run with --json, which matches the schemas.
rows() {
	run_split on_root --json "$@"
	status_is 0
	stderr_is
	"$BATS_TEST_DIRNAME/../check-json" < "$stdout_file" || return
	jq -r '[.record, .by, .group, .pid, .number, .flags_value, .pages] | map(. // "-" | tostring) |
		join("|")' "$stdout_file"
}

@test "--by pid: a summary for each process, and the sum of all" {
	prints on_root -p 7,9 --by pid <<-'END'
	pid 7 (one)
	             flags	page-count       MB  symbolic-flags			long-symbolic-flags
	0x0000000000000020	         1        0  _____l_____________________________________	lru
	0x0000000000001020	         2        0  _____l______a______________________________	lru,anonymous
	             total	         3        0

	pid 9 (two)
	             flags	page-count       MB  symbolic-flags			long-symbolic-flags
	0x0000000000001020	         1        0  _____l______a______________________________	lru,anonymous
	             total	         1        0

	2 groups in all
	             total	         4        0
	END
}

@test "--by: the records" {
	command -v jq > /dev/null || skip "needs jq"
	diff -u - <(rows -p 7,9 --by pid) <<-'END'
	summary|pid|pid 7 (one)|7|-|0x20|1
	summary|pid|pid 7 (one)|7|-|0x1020|2
	sum|pid|pid 7 (one)|7|-|-|3
	summary|pid|pid 9 (two)|9|-|0x1020|1
	sum|pid|pid 9 (two)|9|-|-|1
	sum|-|-|-|-|-|4
	END
	diff -u - <(rows -p 7 --by vma | grep sum.vma) <<-'END'
	sum|vma|pid 7: 10000-12000 rw-p|7|16|-|2
	sum|vma|pid 7: 20000-21000 r--p /lib/x.so|7|32|-|1
	END
	diff -u - <(rows -p 7,9 --by file | grep sum.file) <<-'END'
	sum|file|no file|-|-|-|3
	sum|file|/lib/x.so|-|-|-|1
	END
}

@test "--by cgroup: by its path, by its number, none; a tail goes with its head" {
	local group=$root/sys/fs/cgroup/group ino

	command -v jq > /dev/null || skip "needs jq"
	mkdir -p "$group" "$root/proc/self"
	: > "$group/memory.stat"
	printf 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n' > "$root/proc/self/mounts"
	ino=$(stat -c %i "$group")
	dump "$flags" anon head,thp,anon tail,thp*2 lru
	put_u64 "$root/proc/kpagecgroup" 0 0 "$ino" 0 0 4242424242
	rows --by cgroup > "$BATS_TEST_TMPDIR/rows"
	grep -q "^sum|cgroup|no cgroup|-|0|-|1$" "$BATS_TEST_TMPDIR/rows"
	grep -Eq "^sum\|cgroup\|(/sys/fs/cgroup/group|cgroup @$ino)\|-\|$ino\|-\|3$" "$BATS_TEST_TMPDIR/rows"
	grep -q "^sum|cgroup|cgroup @4242424242|-|4242424242|-|1$" "$BATS_TEST_TMPDIR/rows"
}

@test "--by node: by number; what is on none" {
	local memory=$root/sys/devices/system/memory node=$root/sys/devices/system/node

	command -v jq > /dev/null || skip "needs jq"
	mkdir -p "$memory" "$node/node0/memory1" "$node/node1/memory0"
	printf '%x\n' $((4 * $(page_size))) > "$memory/block_size_bytes"
	diff -u - <(rows --by node | grep "^sum|") <<-'END'
	sum|node|no node|-|-|-|1
	sum|node|node 0|-|0|-|4
	sum|node|node 1|-|1|-|4
	sum|-|-|-|-|-|9
	END
}

@test "--by order: single pages, folios, swap" {
	command -v jq > /dev/null || skip "needs jq"
	dump "$flags" anon head,thp,anon tail,thp*3 slab,head tail
	diff -u - <(rows --by order | grep '^sum|') <<-'END'
	sum|order|order 0|-|0|-|1
	sum|order|order 1|-|1|-|2
	sum|order|order 2|-|2|-|4
	sum|-|-|-|-|-|7
	END
	vma 7 48 "$(swapped 0 5)" "$(present 2)"
	diff -u - <(rows --by order -p 7 -a 48+9 | grep '^sum|order') <<-'END'
	sum|order|swapped out|-|-|-|1
	sum|order|order 2|-|2|-|1
	END
}

@test "--by file: the page cache of a directory" {
	local dir=$BATS_TEST_TMPDIR/dir

	needs_pfns
	mkdir "$dir"
	head -c 5000 /dev/urandom > "$dir/a"
	head -c 100 /dev/urandom > "$dir/b"
	run_split page-types -f "$dir" --by file --sort name
	status_is 0
	[ "$(grep -v '0x\|flags\|total\|^$\|Inode\|Modify\|Access' "$stdout_file")" = \
		"$dir/a"$'\n'"$dir/b"$'\n'"2 groups in all" ]
}

@test "--sort and --top: the rows of a summary" {
	prints on_root --sort pages <<-'END'
	             flags	page-count       MB  symbolic-flags			long-symbolic-flags
	0x0000000000000000	         4        0  ___________________________________________	
	0x0000000000001020	         3        0  _____l______a______________________________	lru,anonymous
	0x0000000000000020	         1        0  _____l_____________________________________	lru
	0x0000000000001000	         1        0  ____________a______________________________	anonymous
	             total	         9        0
	END
	prints on_root --top 1 <<-'END'
	             flags	page-count       MB  symbolic-flags			long-symbolic-flags
	0x0000000000000000	         4        0  ___________________________________________	
	            others	         5        0
	             total	         9        0
	END
	prints on_root --sort name --top 3 <<-'END'
	             flags	page-count       MB  symbolic-flags			long-symbolic-flags
	0x0000000000000000	         4        0  ___________________________________________	
	0x0000000000001000	         1        0  ____________a______________________________	anonymous
	0x0000000000000020	         1        0  _____l_____________________________________	lru
	            others	         3        0
	             total	         9        0
	END
	[ "$(on_root --sort flags)" = "$(on_root)" ]
	[ "$(on_root --top 9)" = "$(on_root --sort pages)" ]
	[ "$(on_root --top 4)" = "$(on_root --sort pages)" ]
	# The records add up as the text does.
	command -v jq > /dev/null || skip "needs jq"
	run_split on_root --json --top 1
	"$BATS_TEST_DIRNAME/../check-json" < "$stdout_file"
	[ "$(jq -c '[.record, .sets, .pages]' "$stdout_file" | paste -s -d ' ')" = \
		'["summary",null,4] ["others",3,5] ["sum",null,9]' ]
	run_split on_root --json --top 4
	[ "$(jq -r .record "$stdout_file" | sort -u | paste -s -d ' ')" = 'sum summary' ]
}

@test "--sort and --top: the groups" {
	prints on_root -p 9,7 --by pid --top 1 <<-'END'
	pid 7 (one)
	             flags	page-count       MB  symbolic-flags			long-symbolic-flags
	0x0000000000000020	         1        0  _____l_____________________________________	lru
	0x0000000000001020	         2        0  _____l______a______________________________	lru,anonymous
	             total	         3        0

	1 other group
	             total	         1        0

	2 groups in all
	             total	         4        0
	END
	run_split on_root -p 9,7 --by pid --sort name
	[ "$(grep pid "$stdout_file" | paste -s -d ,)" = "pid 7 (one),pid 9 (two)" ]
	run_split on_root -p 9,7 --by pid
	[ "$(grep pid "$stdout_file" | paste -s -d ,)" = "pid 9 (two),pid 7 (one)" ]
}

@test "--by: with a list, and with conditions" {
	run_split on_root -p 7 --by vma -L -b anon
	status_is 0
	stdout_has $'10\t4\t_____l______a______________________________' 'pid 7: 10000-12000 rw-p' \
		'1 group in all'
	run ! grep x.so "$stdout_file"
}

@test "--by: nothing is chosen" {
	prints on_root -p 7 --by pid -b hwpoison <<-'END'
	0 groups in all
	             total	         0        0
	END
}

@test "--by, --sort, --top: what does not go" {
	local usage=$'\nTry \'page-types --help\'.'

	fails_with 2 "page-types: --by: size: not pid, vma, cgroup, node, order or file$usage" on_root --by size
	fails_with 2 "page-types: --by: given twice$usage" on_root --by node --by node
	fails_with 2 "page-types: --by: pid and vma need --pid$usage" on_root --by vma
	fails_with 2 "page-types: --by: file needs --pid or --file$usage" on_root --by file
	fails_with 2 "page-types: --by: not with --hwpoison, --unpoison and --mark-idle$usage" \
		on_root --by node -x
	fails_with 2 "page-types: --by, --sort and --top are of the summary: not with --no-summary$usage" \
		on_root --top 1 -N
	fails_with 2 "page-types: --sort: size: not flags, pages or name$usage" on_root --sort size
	fails_with 2 "page-types: --top: 0: not a number from 1 on$usage" on_root --top 0
}

@test "--by: names send nothing to the terminal" {
	perl -pi -e 's/^Name:.*/Name:\tx\e[31my/' "$root/proc/7/status"
	perl -pi -e 's|/lib/x.so|/lib/x\e[2J.so|' "$root/proc/7/maps"
	for by in pid vma file; do
		run_split on_root -p 7 --by "$by"
		status_is 0
		run ! grep -q $'\e' "$stdout_file"
		grep -qF 'x?[' "$stdout_file"
	done
	# Nor do they in a message.
	run_split on_root -p 7 --vma $'/x\e[1m'
	run ! grep -q $'\e' "$stderr_file"
}
