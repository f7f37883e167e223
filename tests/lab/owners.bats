#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types --owners on a real kernel, as root in the lab: who it says has a page is who
# was given it.

# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets some

bats_require_minimum_version 1.5.0

load helper

HUGEPAGES=/proc/sys/vm/nr_hugepages
CHECK_JSON=$BATS_TEST_DIRNAME/../check-json

setup_file() {
	make_disk
}

teardown_file() {
	remove_disk
}

setup() {
	pids=()
	records=$BATS_TEST_TMPDIR/records messages=$BATS_TEST_TMPDIR/messages
}

teardown() {
	kill_victims
	unpoison_all
	remove_files
}

# owners STATUS ARGUMENT…: with JSON; the pages come from stdin if none are named.
owners() {
	local rc=0

	page-types --owners --json "${@:2}" > "$records" 2> "$messages" || rc=$?
	((rc == $1)) || complain "status: $rc" "$(jq -c 'select(.missing > 0)' "$records")"
	[ -s "$messages" ] || "$CHECK_JSON" < "$records"
}

complain() {
	printf '%s\n' "$@"
	head -n 5 "$messages"
	head -n 20 "$records" | cut -c 1-600
	return 1
}

# yields EXPECTED JQ-PROGRAM: what the program makes of each record, on one line.
yields() {
	local -a got

	mapfile -t got < <(jq -r "$2" "$records")
	[ "${got[*]}" = "$1" ] || complain "expected: $1" "got: ${got[*]}" "of: $2"
}

# page_of N: sets pfn to the Nth page of the latest victim's memory.
page_of() {
	pfn=0x$(page-types -p "$pid" -a $((${range%,*} + $1)) -L -N | sed -n 2p | cut -f 2)
	((pfn))
}

# cached FILE N: the PFN of its Nth page.
cached() {
	pfn=0x$(page-types -f "$1" -a "$2" -L -N | sed -n 2p | cut -f 2)
	((pfn))
}

address_of() {
	printf '0x%x' $(((${range%,*} + $1) * 4096))
}

@test "an anonymous page that two processes share by fork" {
	local child

	special fork fork
	page_of 0
	child=$(pgrep -P "$pid")
	owners 0 --pfn "$pfn"
	yields "processes 2 0 2" 'select(.record == "owned_page") | "\(.held_by) \(.found) \(.missing) \(.mapcount)"'
	yields "$(printf '%s\n' "$pid" "$child" | sort -n | paste -s -d ' ')" 'select(.record == "owner") | .pid'
	yields "$(address_of 0) present null special-pages $(address_of 0) present null special-pages" \
		'select(.record == "owner") | "\(.address) \(.how) \(.offset) \(.comm)"'
	# The same as a column of a list.
	[ "$(page-types -L -N --owners --pfn "$pfn" | cut -f 3 | paste -s -d ' ')" = \
		"owners $(printf '%s\n' "$pid" "$child" | sort -n | paste -s -d ,)" ]
	[ "$(page-types -l -N --owners -p "$pid" -a "$(($(address_of 0) / 4096))" | tail -n 1 | cut -f 5)" = \
		"$(printf '%s\n' "$pid" "$child" | sort -n | paste -s -d ,)" ]
}

@test "shared memory: the place in the file" {
	victim memfd -m 1 --kind memfd
	page_of 3
	owners 0 --pfn "$pfn"
	yields "shm 1 0" 'select(.record == "owned_page") | "\(.kind) \(.found) \(.missing)"'
	yields "$pid $(address_of 3) 0x3000 rw-s" 'select(.record == "owner") | "\(.pid) \(.address) \(.offset) \(.perms)"'
}

@test "a page of a mapped file" {
	victim file -m 1 --kind file-clean --path "$DISK"
	page_of 5
	owners 0 --phys $((pfn * 4096 + 17))
	yields "file 1 0" 'select(.record == "owned_page") | "\(.kind) \(.found) \(.missing)"'
	yields "$pid $(address_of 5) 0x5000" 'select(.record == "owner") | "\(.pid) \(.address) \(.offset)"'
}

@test "a page of a file that is open and not mapped" {
	local file=$DISK/open other=$DISK/other

	head -c 40000 /dev/urandom > "$file"
	head -c 40000 /dev/urandom > "$other"
	# drop_caches of old kernels leaves pages that wait on another CPU for an LRU list.
	dd of="$other" oflag=nocache conv=notrunc,fdatasync count=0 status=none
	cat "$file" > /dev/null
	cached "$file" 2
	(exec 7< "$file" 8< "$other" && exec sleep 1000) 3>&- &
	pids+=($!)
	eventually grep -q sleep "/proc/$!/comm"
	owners 0 --pfn "$pfn"
	yields "file file 0 0" 'select(.record == "owned_page") | "\(.kind) \(.held_by) \(.found) \(.missing)"'
	yields "${pids[-1]} sleep file-open 7 0x2000 $file 1 null" \
		'select(.record == "owner") | "\(.pid) \(.comm) \(.how) \(.fd) \(.offset) \(.name) \(.processes) \(.address)"'
	# Nothing was read in to find it.
	run page-types -f "$other"
	has_line '^ +total\s+0 '
	kill_victims
	owners 0 --pfn "$pfn"
	yields "nobody" .held_by
	rm "$file" "$other"
}

nobody_asks() {
	! pgrep page-types > /dev/null
}

@test "a file whose server answers, and no longer answers" {
	local dir=/mnt/mute-fs server start reader

	modprobe fuse
	mkdir "$dir"
	"${TOP_BUILDDIR:-$BATS_TEST_DIRNAME/../../build}/tests/lab/mute-fs" "$dir" > "$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	server=$!
	pids+=("$server")
	eventually grep -q ready "$BATS_TEST_TMPDIR/out"
	reader=$(pgrep -P "$server")
	cached "$dir/file" 3
	owners 0 --pfn "$pfn"
	yields "$reader mute-fs file-open 0x3000 $dir/file" \
		'select(.record == "owner") | "\(.pid) \(.comm) \(.how) \(.offset) \(.name)"'
	[ ! -s "$messages" ]

	kill -USR1 "$server"
	start=$SECONDS
	owners 0 --pfn "$pfn"
	((SECONDS - start < 60))
	yields "nobody" 'select(.record == "owned_page").held_by'
	grep -qxF "page-types: --owners: $dir/file: the server of its file system does not answer: that file system's files are not looked at" "$messages"
	# What was asked in vain goes, too.
	eventually nobody_asks
	kill_victims
	# It dies of its server's death, and has the file open until then.
	gone "$reader"
	umount "$dir"
	rmdir "$dir"
}

@test "a file that has lost its name, on tmpfs" {
	local file=/dev/shm/owners-test

	head -c 40000 /dev/urandom > $file
	cached $file 1
	(exec 7< $file && exec sleep 1000) 3>&- &
	pids+=($!)
	eventually grep -q sleep "/proc/$!/comm"
	rm $file
	owners 0 --pfn "$pfn"
	yields "${pids[-1]} file-open 0x1000 $file (deleted)" 'select(.record == "owner") | "\(.pid) \(.how) \(.offset) \(.name)"'
}

@test "a poisoned page, by its entry and by the lines of the kernel's log" {
	victim late -m 1
	page_of 2
	dmesg -C
	poison -p "$pid" -a $((${range%,*} + 2))
	owners 0 -b hwpoison
	yields "$((pfn)) processes 1 0" 'select(.record == "owned_page") | "\(.pfn) \(.held_by) \(.found) \(.missing)"'
	yields "$pid hwpoison $(address_of 2)" 'select(.record == "owner") | "\(.pid) \(.how) \(.address)"'
	cp "$records" "$BATS_TEST_TMPDIR/by-flag"
	# -T, journal, as it is: all of them name the page.
	owners 0 < <(dmesg)
	diff "$BATS_TEST_TMPDIR/by-flag" "$records"
	owners 0 < <(dmesg -T | sed 's/^/Nov 28 22:08:49 host kernel: /')
	diff "$BATS_TEST_TMPDIR/by-flag" "$records"
	owners 0 < <(grep HardwareCorrupted /proc/meminfo)
	diff "$BATS_TEST_TMPDIR/by-flag" "$records"
	kill_victims
	owners 0 < <(dmesg)
	yields "$((pfn)) nobody" '"\(.pfn) \(.held_by)"'
}

@test "a hugetlb page: any part of it; poisoned, its owner does not show" {
	echo 4 > $HUGEPAGES
	victim huge -m 2 --kind hugetlb
	page_of 9
	owners 0 --pfn "$pfn"
	yields "hugetlb 1 0" 'select(.record == "owned_page") | "\(.kind) \(.found) \(.missing)"'
	yields "$pid $(address_of 9)" 'select(.record == "owner") | "\(.pid) \(.address)"'
	poison -p "$pid" -a $((${range%,*} + 9))
	run page-types --owners --pfn "$pfn"
	((status == 0))
	has "page tables don't show who had a hugetlb page"
	kill_victims
	unpoison_all
	echo 0 > $HUGEPAGES
}

@test "a process in another PID namespace is missing, and that is said" {
	local child

	special fork fork
	page_of 0
	owners 0 --pfn "$pfn"
	# Nobody of those who have it is seen from in there.
	run unshare -p -f --mount-proc page-types --owners --pfn "$pfn"
	((status == 5))
	has_line '^  map count 2, found 0: 2 owners are not visible to you \(.*processes outside of this PID namespace are not seen'
	# One of two.
	child=$(pgrep -P "$pid")
	kill "$child"
	run unshare -p -f --mount-proc bash -c "
		$SPECIAL_PAGES fork > $BATS_TEST_TMPDIR/inner 3>&- &
		until grep -q ready $BATS_TEST_TMPDIR/inner; do sleep 0.1; done
		[[ \$(< $BATS_TEST_TMPDIR/inner) =~ at\ 0x([0-9a-f]+)- ]]
		page-types --owners -p \$! -a \$((0x\${BASH_REMATCH[1]} / 4096))"
	((status == 0))
	has_line '^ +[0-9]+  special-pages    present '
}

@test "all pages of a process: every mapping that the kernel counts is found" {
	local i rc

	victim late -m 1
	# A process that is about to end counts, and is not found.
	for ((i = 0; i < 5; i++)); do
		rc=0
		page-types --owners --json -p "$pid" -b mmap > "$records" 2> "$messages" || rc=$?
		((rc == 5)) || break
	done
	((rc == 0)) || complain "status: $rc" "$(jq -c 'select(.missing > 0)' "$records")"
	[ "$(jq -r 'select(.record == "owned_page") | .pfn' "$records" | wc -l)" -gt 256 ]
	# Each of them in this process.
	[ "$(jq -r "select(.record == \"owner\" and .pid == $pid) | .pfn" "$records" | sort -u | wc -l)" \
		-eq "$(jq -r 'select(.record == "owned_page") | .pfn' "$records" | sort -u | wc -l)" ]
}

@test "free pages, and the kernel's" {
	pfn=0x$(page-types -b buddy -L -N | sed -n 2000p | cut -f 1)
	run page-types --owners --pfn "$pfn"
	echo "$output"
	((status == 0))
	pfn=0x$(page-types -b slab -L -N | sed -n 200p | cut -f 1)
	run page-types --owners --pfn "$pfn"
	echo "$output"
	((status == 0))
	has '  kernel: slab'
}

@test "the populated parts of page tables, as this kernel tells them" {
	local skipped=0

	# Their trees can't be removed from the lab's own root.
	export TMPDIR=/dev/shm
	[ -x "$TOP_BUILDDIR/tests/unit/test-scan" ] || skip "no unit tests here"
	# 6.1 has no such call: there the tests of it find that out, and everything is read.
	[ "$(is_old)" = no ] || skipped=2
	run "$TOP_BUILDDIR/tests/unit/test-scan"
	echo "$output"
	((status == 0))
	# Each is named when it is skipped, and once more at the end.
	[ "$(grep -o 'SKIPPED \] test_.*' <<< "$output" | sort -u | wc -l)" -eq "$skipped" ]
	run "$TOP_BUILDDIR/tests/unit/test-owners"
	echo "$output"
	((status == 0))
	[[ $output != *SKIPPED* ]]
}
