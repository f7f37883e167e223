#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types --owners: whose a page is, on a --sysroot tree, and by lines of the kernel's
# log. What only a kernel has (files, PFNs that are hidden) is in the lab's tests.

# Set in helper.bash: $root, $stdout_file.
# shellcheck disable=SC2154
load helper

setup() {
	make_root
	dump "$root/proc/kpageflags" reserved uptodate,lru,mmap,anon,swapbacked \
		uptodate,lru,mmap,swapbacked slab buddy hwpoison uptodate,lru,mmap huge,head,mmap,anon \
		uptodate,lru hwpoison,huge,head zero pgtable
	put_u64 "$root/proc/kpagecount" 0 0 3 2 0 0 0 2 1 0 0 0 0
	task 7 'db writer'
	vma 7 16 "$(present 1)" 0 "$(present 6)"
	vma 7 32 "$(present 2)"
	file_mapping 7 32 10000 /dev/shm/cache
	task 9 reader
	vma 9 64 "$(present 1)" "$(swapped 26 5)" "$(swapped 26 4)"
	vma 9 256 "$(present 2)" "$(present 7)"
	file_mapping 9 256 10000 /dev/shm/cache
	# A kernel thread.
	mkdir -p "$root/proc/2"
	printf 'Name:\tkthreadd\nState:\tS\nTgid:\t2\n' > "$root/proc/2/status"
}

# file_mapping PID PAGE OFFSET NAME: the mapping at that page is of this file.
file_mapping() {
	perl -pi -e '
		BEGIN { ($page, $offset, $name) = splice(@ARGV, 0, 3); $at = sprintf("%x-", $page * 4096) }
		s/ rw-p .*/ rw-s 000$offset 00:15 77 $name/ if /^\Q$at/;
	' "$2" "$3" "$4" "$root/proc/$1/maps"
}

# A cgroup2 hierarchy with a container, to which page 1 is charged; task 7 is in it.
make_cgroups() {
	local dir=$root/sys/fs/cgroup

	id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
	mkdir -p "$dir/system.slice/docker-$id.scope"
	: > "$dir/cgroup.controllers"
	echo 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0' > "$root/proc/mounts"
	ino=$(stat -c %i "$dir/system.slice/docker-$id.scope")
	put_u64 "$root/proc/kpagecgroup" 0 0 "$ino" 4242 0 0 0 0 0 0 0 0 0
	echo "0::/system.slice/docker-$id.scope" > "$root/proc/7/cgroup"
	echo "0::/user.slice" > "$root/proc/9/cgroup"
}

owners() {
	page-types --sysroot "$root" --owners "$@"
}

# fields JQ-EXPRESSION: of each record, a line each.
fields() {
	jq -r "[$1] | map(tostring) | join(\" \")" "$stdout_file"
}

# The pages that were told of.
pages() {
	jq -r 'select(.record == "owned_page") | .pfn' "$stdout_file"
}

# json STATUS ARGUMENT…: with that status, and every line is a record as it should be.
json() {
	local expected=$1

	shift
	run_split owners --json "$@"
	status_is "$expected"
	"$BATS_TEST_DIRNAME/../check-json" < "$stdout_file"
}

@test "--owners: a block for each page, with a table of the processes" {
	prints owners --pfn 2,0x7 <<-'END'
	page 0x2 (physical 0x2000): shm, mapped 2 times, flags uptodate,lru,mmap,swapbacked
	       PID  COMM             HOW          ADDRESS         VMA                             OFFSET      NAME
	         7  db writer        present      0x20000         20000-21000 rw-s                0x10000     /dev/shm/cache
	         9  reader           present      0x100000        100000-102000 rw-s              0x10000     /dev/shm/cache
	page 0x7 (physical 0x7000): hugetlb, mapped 1 time, flags mmap,anonymous,compound_head,huge
	       PID  COMM             HOW          ADDRESS         VMA                             OFFSET      NAME
	         9  reader           present      0x101000        100000-102000 rw-s              -           /dev/shm/cache
	END
}

@test "--owners --phys: by physical address, any byte of the page" {
	run_split owners --phys 0x2fff
	status_is 0
	grep -q '^page 0x2 (physical 0x2000): shm' "$stdout_file"
}

@test "--owners: fewer than the map count says are an outcome that was not asked for" {
	run_split owners --pfn 1
	status_is 5
	stderr_is
	stdout_has '  map count 3, found 2: one owner is not visible to you (mapped by the kernel or a driver, or changed meanwhile)'
	task 11 gone
	rm "$root/proc/11/pagemap"
	run_split owners --pfn 1,6
	status_is 5
	stdout_has '  map count 3, found 2: one owner is not visible to you (1 process ended meanwhile)' \
		'  map count 2, found 1: one owner is not visible to you (1 process ended meanwhile)'
	echo 'proc /proc proc rw,hidepid=invisible 0 0' > "$root/proc/mounts"
	run_split owners --pfn 1
	stdout_has '  map count 3, found 2: one owner is not visible to you (1 process ended meanwhile; /proc may hide processes (hidepid))'
	put_u64 "$root/proc/kpagecount" 1 9
	run_split owners --pfn 1
	grep -q '^  map count 9, found 2: 7 owners are not visible to you (' "$stdout_file"
}

@test "--owners: what is nobody's says so" {
	prints owners --pfn 0,3-5,8-11 <<-'END'
	page 0x0 (physical 0x0): reserved, not mapped, flags reserved
	  kernel: reserved
	page 0x3 (physical 0x3000): slab, not mapped, flags slab
	  kernel: slab
	page 0x4 (physical 0x4000): free, not mapped, flags buddy
	  free: nobody owns it
	page 0x5 (physical 0x5000): other, not mapped, flags hwpoison
	       PID  COMM             HOW          ADDRESS         VMA                             OFFSET      NAME
	         9  reader           hwpoison     0x41000         40000-43000 rw-p                -           -
	page 0x8 (physical 0x8000): file, not mapped, flags uptodate,lru
	  page cache of a file that no process seen here has open or mapped
	page 0x9 (physical 0x9000): hugetlb, not mapped, flags compound_head,huge,hwpoison
	  poisoned, and in no page table any more (page tables don't show who had a hugetlb page)
	page 0xa (physical 0xa000): zero, not mapped, flags zero_page
	  kernel: the zero page, which all processes share
	page 0xb (physical 0xb000): pgtable, not mapped, flags pgtable
	  kernel: page table
	END
}

@test "--owners: a poisoned page of the kernel's own is still in use" {
	command -v jq > /dev/null || skip "needs jq"
	dump "$root/proc/kpageflags" reserved,hwpoison hwpoison slab,hwpoison pgtable,hwpoison \
		zero,hwpoison buddy,hwpoison
	put_u64 "$root/proc/kpagecount" 0 0 0 0 0 0 0
	rm -r "$root/proc/7" "$root/proc/9"
	run_split owners --pfn 0-4
	status_is 0
	[ "$(grep -c '^  poisoned, and still in use by the kernel$' "$stdout_file")" -eq 4 ]
	stdout_has "  poisoned: out of use, or still the kernel's; the action result in its log tells (page tables don't show who had a hugetlb page)"
	json 0 --pfn 0-5
	diff -u - <(fields '.kind, .held_by') <<-'END'
	reserved kernel
	other nobody
	slab kernel
	pgtable kernel
	zero kernel
	free free
	END
}

@test "--owners: a poisoned page of the swap cache is a swap entry of those who have it" {
	dump "$root/proc/kpageflags" - 'uptodate,lru,anon,swapbacked,swapcache,hwpoison' \
		'uptodate,lru,anon,swapbacked,swapcache'
	rm -r "$root/proc/7" "$root/proc/9"
	put_u64 "$root/proc/kpagecount" 0 0 0 0
	run_split owners --pfn 1,2
	status_is 0
	stdout_has '  poisoned, in the swap cache: processes have it as a swap entry, which does not name the page; who touches it is killed' \
		'  swap cache: nobody has it mapped'
}

@test "--owners -b: any other selection; a poisoned page by its hwpoison entry" {
	command -v jq > /dev/null || skip "needs jq"
	json 0 -b hwpoison
	diff -u - <(fields '.record, .pfn, .held_by, .found, .how, .pid, .address') <<-'END'
	owned_page 5 processes 1 null null null
	owner 5 null null hwpoison 9 0x41000
	owned_page 9 nobody 0 null null null
	END
}

@test "--owners --pid: the pages of a process, and who else has them" {
	command -v jq > /dev/null || skip "needs jq"
	json 5 -p 7
	diff -u - <(fields '.record, .pfn, .pid, .missing, .offset') <<-'END'
	owned_page 1 null 1 null
	owner 1 7 null null
	owner 1 9 null null
	owned_page 6 null 1 null
	owner 6 7 null null
	owned_page 2 null 0 null
	owner 2 7 null 0x10000
	owner 2 9 null 0x10000
	END
}

@test "--owners: cgroups and containers, of the page and of the processes" {
	command -v jq > /dev/null || skip "needs jq"
	make_cgroups
	run_split owners --pfn 1,2
	stdout_has "  cgroup /sys/fs/cgroup/system.slice/docker-$id.scope (container 0123456789ab)" \
		"  cgroup @4242 (removed, or not to be seen here)"
	# Of the processes only what the page's line does not say.
	diff -u <(grep ' in cgroup ' "$stdout_file") - <<-END
	  9 is in cgroup /user.slice
	  7 is in cgroup /system.slice/docker-$id.scope (container 0123456789ab)
	  9 is in cgroup /user.slice
	END
	json 5 --pfn 1,2
	diff -u - <(fields '.record, .cgroup, .cgroup_path, .container') <<-END
	owned_page $ino /sys/fs/cgroup/system.slice/docker-$id.scope $id
	owner /system.slice/docker-$id.scope null $id
	owner /user.slice null null
	owned_page 4242 null null
	owner /system.slice/docker-$id.scope null $id
	owner /user.slice null null
	END
}

@test "--owners: the pages that kernel log lines speak of, each once" {
	command -v jq > /dev/null || skip "needs jq"
	json 0 <<-'END'
	[   12.345678] Injecting memory failure at pfn 0x4
	[   12.345999] something else
	<3>[   12.346000] Memory failure: 0x4: recovery action for free buddy page: Recovered
	mce: [Hardware Error]: TSC 0 ADDR 2000 MISC 8c
	END
	stderr_is 'page-types: --owners: standard input: 1 of 4 lines name no page'
	diff -u - <(pages) <<< $'4\n2'
}

@test "--owners: HardwareCorrupted means all poisoned pages" {
	command -v jq > /dev/null || skip "needs jq"
	json 0 <<< 'HardwareCorrupted:     8 kB'
	stderr_is
	diff -u - <(pages) <<< $'5\n9'
	json 0 <<< $'Memory failure: 0x9: x\nMemory failure: 0x4: x\nHardwareCorrupted:     8 kB'
	diff -u - <(pages) <<< $'9\n4\n5'
	put_u64 "$root/proc/kpageflags" 5 0
	put_u64 "$root/proc/kpageflags" 9 0
	fails_with 0 'page-types: --owners: standard input: HardwareCorrupted: no page is poisoned' \
		owners <<< 'HardwareCorrupted:     0 kB'
}

@test "--owners: lines without a page" {
	fails_with 1 'page-types: --owners: standard input: none of 2 lines names a page (give kernel log lines, or choose pages: --pfn, --phys, --bits, ...)' \
		owners <<< $'one\ntwo'
	fails_with 1 'page-types: --owners: standard input: none of 0 lines names a page (give kernel log lines, or choose pages: --pfn, --phys, --bits, ...)' \
		owners < /dev/null
}

@test "--owners: a page that is not there does not keep back the others" {
	run_split owners <<< $'Memory failure: 0x4: x\nMemory failure: 0x1234: x'
	status_is 1
	stderr_is "page-types: --owners: standard input: page 0x1234: /proc/kpageflags ends at page 0xc"
	stdout_is 'page 0x4 (physical 0x4000): free, not mapped, flags buddy' '  free: nobody owns it'
}

@test "--owners: no page is chosen" {
	run_split owners -b nopage
	status_is 0
	stdout_is
	stderr_is 'page-types: --owners: no page is chosen: nothing of what was named is in memory'
}

@test "--owners: too many pages are refused" {
	dump "$root/proc/kpageflags" 'lru*5000'
	rm "$root/proc/kpagecount"
	put_u64 "$root/proc/kpagecount" 4999 0
	fails_with 6 'page-types: --owners: more than 4096 pages are chosen: narrow them (--bits, --addr, --cgroup, --vaddr, --pfn)' \
		owners -b lru
	run_split owners -b lru -a 0,4096
	status_is 0
	[ "$(grep -c ^page "$stdout_file")" -eq 4096 ]
}

@test "--owners: hidden PFNs are an error that says so" {
	task 20
	vma 20 16 "$(present 0)" "$(present 0)"
	fails_with 3 'page-types: --owners: the kernel hides PFNs from this caller: it needs CAP_SYS_ADMIN (try as root, outside of a container)' \
		owners --pfn 1
}

@test "--owners: a name sends nothing to the terminal" {
	make_cgroups
	perl -pi -e 's/^Name:.*/Name:\tx\e[31my/' "$root/proc/7/status"
	run_split owners --pfn 2
	status_is 0
	grep -q 'x?\[31my' "$stdout_file"
}

@test "--owners --jobs: the output does not depend on it" {
	local i

	for ((i = 100; i < 120; i++)); do
		task $i
		vma $i 16 "$(present 2)" "$(present 1)"
	done
	run_split owners --pfn 1,2 -j 1
	cp "$stdout_file" "$BATS_TEST_TMPDIR/one"
	[ "$(wc -l < "$BATS_TEST_TMPDIR/one")" -eq 48 ]
	run_split owners --pfn 1,2 -j 16
	diff -u "$BATS_TEST_TMPDIR/one" "$stdout_file"
}

@test "--owners with a list: a column of the processes" {
	# The poisoned page by its entry; a swap entry has no owner to be looked for.
	run_split owners -L -N
	status_is 0
	stderr_is
	[ "$(cut -f 1,3 "$stdout_file" | tr '\t' : | paste -s -d ' ')" = \
		"offset:owners 0:- 1:7,9 2:7,9 3:- 4:- 5:9 6:7 7:9 8:- 9:- a:- b:-" ]
	run_split owners -L -N -M -p 9
	[ "$(cut -f 1,2,3,5 "$stdout_file" | tr '\t' : | paste -s -d ' ')" = \
		"voffset:map-cnt:offset:owners 40:3:1:7,9 41:0:5:9 42:0:4:- 100:2:2:7,9 101:1:7:9" ]
	json 0 -L -N --pfn 1,3
	[ "$(fields '.pfn, (.owners | join(","))' | paste -s -d ';')" = "1 7,9;3 " ]
	run_split page-types --sysroot "$root" --json -L -N --pfn 1
	[ "$(fields .owners)" = null ]
}

@test "--owners --list: a range has the same processes throughout" {
	dump "$root/proc/kpageflags" - 'anon*6'
	vma 7 512 "$(present 3)" "$(present 4)" "$(present 5)"
	vma 9 512 "$(present 4)" "$(present 5)"
	# Twice by the same process is once in the column.
	vma 9 1024 "$(present 5)"
	rm "$root/proc/kpagecount"
	sed -i '1,/^200000/{/^200000/!d}' "$root/proc/7/maps" "$root/proc/9/maps"
	run_split owners --list -N -a 1+6
	status_is 0
	[ "$(sed 1d "$stdout_file" | cut -f 1,2,4 | tr '\t' : | paste -s -d ' ')" = "1:2:- 3:1:7 4:2:7,9 6:1:-" ]
}

@test "--owners: what excludes it" {
	local option try="Try 'page-types --help'."

	for option in -X -x -i '-d 1'; do
		# shellcheck disable=SC2086 # an option and its argument
		run_split page-types --owners $option --pfn 1
		status_is 2
		stderr_is 'page-types: --owners: not with --hwpoison, --unpoison, --mark-idle and --describe' "$try"
	done
	for option in -C -M; do
		run_split page-types --owners $option --pfn 1
		status_is 2
		stderr_is 'page-types: --owners: --list-cgroup and --list-mapcnt need a list' "$try"
	done
	run_split page-types --owners -F "$root/proc/kpageflags"
	status_is 2
	stderr_is 'page-types: --owners: not with --kpageflags: a copy has no processes (--sysroot has)' "$try"
}
