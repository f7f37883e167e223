#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject: which pages each selection option chooses, on real processes, files
# and cgroups, as root in the lab. What is chosen is mostly looked at with
# --list-targets; that it is what is poisoned then, once for each kind of option.

# Bats runs each test in a subshell, helpers set variables, and jq has some of its own.
# shellcheck disable=SC2030,SC2031,SC2154,SC2016

bats_require_minimum_version 1.5.0

load helper
load inject

CGROUP=/sys/fs/cgroup/inject-selection
HUGEPAGES=/proc/sys/vm/nr_hugepages

setup_file() {
	make_disk
}

teardown_file() {
	remove_disk
}

setup() {
	pids=()
	read_number $HUGEPAGES
	hugepages=$number
}

teardown() {
	local i

	kill_victims
	rm -rf /dev/shm/inject-selection "${DISK:?}"/*
	unpoison_all
	for i in "$CGROUP"/*/ "$CGROUP"; do
		[ ! -d "$i" ] || rmdir "$i"
	done
	echo "$hugepages" > $HUGEPAGES
	remove_files
}

# choose OPTION…: with --list-targets, which succeeds.
choose() {
	inject --list-targets "$@"
	ends_with 0
	silent
}

# The address of a page of the victim, by its number.
address_of() {
	printf '0x%x' $((address + $1 * 4096))
}

# A file on the disk, all of it in memory and clean.
cached_file() {
	head -c $(($2 * 4096)) /dev/urandom > "$DISK/$1"
	sync "$DISK/$1"
}

# ------------------------------------------------------------------ processes

@test "-p: one, a list, given again; each page with its process and address" {
	local one one_range one_address

	victim one -m 1
	one=$pid one_range=$range one_address=$address
	victim two -m 1
	choose -p "$one" -a "$one_range"
	yields "256 true $one usemem $one_address" \
		'[of("target")] | length, (map(.pfn) | unique | length == 256), (map(.pid) | unique[]), (map(.comm) | unique[]), .[0].address'
	choose -p "$one,$pid" -a "$one_range" -a "$range"
	yields "512 $one $pid" '[of("target")] | length, (map(.pid) | unique[])'
	inject -p "$one" -p "$pid" -a "$((address / 4096)),$((address / 4096 + 2))" -a "$((one_address / 4096))"
	ends_with 0
	outcomes "poisoned poisoned poisoned"
	yields "$one $one_address $pid $address $pid $(address_of 1)" '[of("page") | .pid, .address] | .[]'
	yields "untouched untouched" 'of("task").state'
}

@test "-p: a kernel thread, one that is gone, one that has no such pages" {
	inject -p 2
	ends_with 1
	warns "--pid: 2: a kernel thread: it has no memory of its own"
	inject -p 4194303
	ends_with 1
	warns "--pid: 4194303: no such process"
	victim late -m 1
	inject -p "$pid" -b slab
	ends_with 1
	warns "no page is chosen: nothing of what was named is in memory"
	# One of the two is still there, and yet it is not what was asked for.
	inject -p "$pid,4194303" -a "$range"
	ends_with 1
	[ ! -s "$records" ]
	inject -p "$pid" -a "$range" -b hwpoison --list-targets
	ends_with 1
}

@test "--tree: a shell's children and grandchildren, and the options that go by process" {
	local shell i=0 line
	local -a ranges=() children=()

	# shellcheck disable=SC2016
	sh -c 'usemem -m 1 --handler --no-pfns > "$1/child" &
		sh -c "usemem -m 1 --handler --no-pfns > \"$1/grandchild\" & wait" sh "$1" &
		wait' sh "$BATS_TEST_TMPDIR" 3>&- &
	shell=$!
	for i in child grandchild; do
		out=$BATS_TEST_TMPDIR/$i
		eventually grep -qs ready "$out"
		find_range "$out"
		read -r _ _ line _ < "$out"
		children+=("$line") ranges+=("$((address / 4096))")
		pids+=("$line")
	done
	pids+=("$shell")
	choose -p "$shell" -b anonymous
	yields "$shell" '[of("target").pid] | unique[]'
	choose -p "$shell" --tree -b anonymous --max 100000
	yields "true true true 4" \
		"[of(\"target\").pid] | unique | (index($shell) != null), (index(${children[0]}) != null), (index(${children[1]}) != null), length"
	# Both are early now, and the shell, of which no page was chosen, is none of it.
	inject -p "$shell" --tree -a "${ranges[0]}" -a "${ranges[1]}" --early --wait 10 --expect handled
	ends_with 0
	yields "poisoned poisoned" 'of("page").outcome'
	yields "$(printf '%s\n' "${children[@]}" | sort -n | paste -s -d ' ') BUS_MCEERR_AO handler" \
		'[of("task") | select(.signal)] | (map(.pid) | sort[]), (map(.code) | unique[]), (map(.action) | unique[])'
	# Nobody has touched it: the verdict is on the child, too.
	inject -p "$shell" --tree -a "$((ranges[0] + 1))" --expect killed
	ends_with 5
}

@test "-a with a process, --vaddr: pages and bytes of it" {
	local page

	victim late -m 1
	page=$((address / 4096))
	choose -p "$pid" -a "$page+3"
	yields "$(address_of 0) $(address_of 1) $(address_of 2)" 'of("target").address'
	choose -p "$pid" -a "$((page + 254)),"
	yields "$(address_of 254) $(address_of 255)" '[of("target").address] | .[0:2][]'
	# One byte, the page's last; two, in two pages; up to an end that is left out.
	choose -p "$pid" --vaddr "$((address + 4095))"
	yields "$(address_of 0)" 'of("target").address'
	choose -p "$pid" --vaddr "$(printf '0x%x' $((address + 4095)))+2"
	yields "$(address_of 0) $(address_of 1)" 'of("target").address'
	choose -p "$pid" --vaddr "$((address + 4096))-$((address + 3 * 4096))"
	yields "$(address_of 1) $(address_of 2)" 'of("target").address'
	choose -p "$pid" --vaddr "$((address + 7 * 4096)),$((address + 9 * 4096))+1" --vaddr "$((address + 8 * 4096))"
	yields "$(address_of 7) $(address_of 9) $(address_of 8)" 'of("target").address'
	inject -p "$pid" --vaddr "$((address + 5 * 4096 + 17))"
	ends_with 0
	yields "poisoned $(address_of 5)" 'of("page") | .outcome, .address'
	# The page that is poisoned has left its place; its mark is what is there.
	choose -p "$pid" --vaddr "$((address + 5 * 4096))"
	yields "$(address_of 5) true" 'of("target") | .address, (.flags | index("hwpoison") != null)'
	inject -p "$pid" --vaddr 0x1000
	ends_with 1
	warns "no page is chosen"
}

@test "a page that two processes share is one target, with two owners" {
	local one

	victim one -m 1
	one=$pid
	victim two -m 1
	choose -p "$one,$pid" --vma "$(realpath "$(command -v usemem)")" -b lru
	yields "true true true" \
		'[of("target")] | length > 5, (map(.pfn) | length == (unique | length)), any(.owners >= 2 and .mapcount >= 2)'
}

@test "--vma: each kind has the pages of its mappings, and no others" {
	local program kind failures=0 check options

	program=$(realpath "$(command -v usemem)")
	victim late -m 1
	# options|what all of them are|of all mappings (by name) that there are
	while IFS='|' read -r options check; do
		# shellcheck disable=SC2086 # a list of options
		inject --list-targets -p "$pid" $options
		{ ends_with 0 && yields true "[of(\"target\")] | length > 0 and all($check)"; } ||
			{ echo "^^^ $options"; failures=$((failures + 1)); }
	done <<- TABLE
		--vma heap|.name == "[heap]" and (.kind == "anon")
		--vma [heap]|.name == "[heap]"
		--vma stack|.name == "[stack]" and (.kind == "anon")
		--vma heap,stack|.name == "[heap]" or .name == "[stack]"
		--vma anon -b lru -a $range|.name == null and .kind == "anon"
		--vma text|(.name | test("/")) and (.flags | index("mmap") != null)
		--vma file|(.name | startswith("/"))
		--vma file:*/libc.so.6|(.name | endswith("/libc.so.6"))
		--vma $program|.name == "$program"
		--vma [vdso]|.name == "[vdso]" and .kind == "vdso"
	TABLE
	((failures == 0))
	# Neither of them has what usemem was told to use.
	inject --list-targets -p "$pid" -a "$range" --vma heap,stack,file,shm,hugetlb,text
	ends_with 1
	# A list widens, another kind of option narrows.
	choose -p "$pid" -a "$range" --vma heap --vma anon
	yields 256 '[of("target")] | length'
	inject -p "$pid" --vma heap --count 1
	ends_with 0
	yields "poisoned [heap]" 'of("page") | .outcome, .name'
}

@test "--vma shm, file and hugetlb tell them apart" {
	local kind want other
	local -a path

	while read -r kind want; do
		path=()
		[[ $kind != file-* ]] || path=(--path "$DISK")
		victim "$kind" -m 2 --kind "$kind" "${path[@]}"
		choose -p "$pid" -a "$range" --vma "${want%%:*}"
		yields "${want##*:}" '[of("target")] | length, (map(.kind) | unique[])'
		for other in shm file hugetlb anon; do
			[ "$other" != "${want%%:*}" ] || continue
			inject --list-targets -p "$pid" -a "$range" --vma "$other"
			ends_with 1 || { echo "^^^ $kind with --vma $other"; return 1; }
		done
		kill_victims
	done <<- TABLE
		shm shm:512 shm
		memfd shm:512 shm
		file-clean file:512 file
		hugetlb hugetlb:1 hugetlb
	TABLE
}

@test "a hugetlb page is one target, by whichever of its pages; so it is poisoned" {
	victim huge -m 4 --kind hugetlb
	choose -p "$pid" -a "$range"
	yields "2 true" '[of("target")] | length, all(.kind == "hugetlb")'
	choose -p "$pid" -a "$((address / 4096 + 3))+8"
	yields "1 $(address_of 3)" '[of("target")] | length, .[0].address'
	inject -p "$pid" -a "$((address / 4096 + 3))"
	ends_with 0
	outcomes poisoned
	yields 1 'of("totals").pages_lost'
	kill_victims
}

# ------------------------------------------------------------------ by number

@test "--pfn: a list, ranges, standard input; --phys: by byte; -a: of memory" {
	local -a pfn
	local first

	victim late -m 1
	pfns_of pfn -p "$pid" -a "$range" --count 6
	first=${pfn[0]}
	choose --pfn "$first,$(printf '0x%x' "${pfn[3]}")" --pfn "${pfn[1]}"
	yields "$first ${pfn[3]} ${pfn[1]}" 'of("target").pfn'
	# Nobody was asked for by process: whose it is, and where, is told nevertheless.
	yields "$pid $address 1" '[of("target")][0] | .pid, .address, .owners'
	choose --pfn "$first-$((first + 2)),$first+1"
	yields "$first $((first + 1)) $((first + 2))" 'of("target").pfn'
	printf '%d\n%d, %d\t0x%x\n\n' "${pfn[@]:0:4}" > "$BATS_TEST_TMPDIR/list"
	choose --pfn - < "$BATS_TEST_TMPDIR/list"
	yields "${pfn[*]:0:4}" 'of("target").pfn'
	inject --pfn - < /dev/null
	ends_with 1
	warns "no page is chosen"
	inject --pfn - <<< "$first x"
	ends_with 2
	warns "--pfn: x: not a PFN"
	choose --phys "$((first * 4096 + 4095)),$(printf '0x%x' $((pfn[1] * 4096)))"
	yields "$first ${pfn[1]}" 'of("target").pfn'
	choose -a "$first+1"
	yields "$first" 'of("target").pfn'
	# Of the process, what is among these pages.
	choose -p "$pid" --pfn "$first-$((first + 20)),${pfn[5]}"
	yields true "[of(\"target\")] | all(.pid == $pid) and any(.pfn == $first) and any(.pfn == ${pfn[5]})"
	inject --phys "$((pfn[4] * 4096 + 1))" --pfn "${pfn[5]}"
	ends_with 0
	outcomes "poisoned poisoned"
	yields "$pid untouched" 'of("task") | .pid, .state'
}

@test "a PFN behind the end of memory is said to be none" {
	inject --pfn 0x7fffffff
	ends_with 1
	warns "--pfn: page 0x7fffffff: /proc/kpageflags ends before it"
	inject --phys 0x7fffffff000
	ends_with 1
	warns "--phys: page 0x7fffffff: "
}

# ------------------------------------------------------- files, cgroups, flags

@test "-f: a file, a range of it, a directory; nothing is read in" {
	mkdir -p "$DISK/folder/below"
	cached_file one 8
	cached_file folder/two 4
	cached_file folder/below/three 4
	ln -s "$DISK/one" "$DISK/folder/link"
	choose -f "$DISK/one"
	yields "8 $DISK/one file null 0x0 0x7000" \
		'[of("target")] | length, (map(.name) | unique[]), (map(.kind) | unique[]), (map(.pid) | unique[]), .[0].address, .[7].address'
	choose -f "$DISK/one" -a 2+3
	yields "0x2000 0x3000 0x4000" 'of("target").address'
	choose -f "$DISK/folder"
	yields "$DISK/folder/below/three:4 $DISK/folder/two:4" \
		'[of("target")] | group_by(.name)[] | "\(.[0].name):\(length)"'
	inject -f "$DISK/one" -a 1
	ends_with 0
	yields "poisoned clean LRU page" 'of("page") | .outcome, .type'
	# It was dropped, and is not read again by looking.
	choose -f "$DISK/one"
	yields 7 '[of("target")] | length'
	inject -f "$DISK/nothing"
	ends_with 1
	warns "--file: $DISK/nothing: No such file or directory"
	inject -f /dev/null
	ends_with 1
	warns "--file: /dev/null: neither a regular file nor a directory"
}

@test "-f: pages that another file has got meanwhile are left alone" {
	local before rc=0

	cached_file one 2048
	before=$(corrupted)
	hwpoison-inject --json --wait 0 -f "$DISK/one" > "$BATS_TEST_TMPDIR/records" \
		2> "$BATS_TEST_TMPDIR/messages" 3>&- &
	pids=($!)
	eventually has_lost 40 "$before"
	kill -STOP "${pids[0]}"
	eventually has_state "${pids[0]}" T
	: > "$DISK/one"
	head -c 12M /dev/zero > "$DISK/two"
	sync "$DISK/two"
	kill -CONT "${pids[0]}"
	wait "${pids[0]}" || rc=$?
	latest $rc
	ends_with 5
	# One may have been looked at when it was stopped.
	yields true '[of("totals").outcomes] | .[0] | .poisoned >= 10 and .moved >= 100 and
		.poisoned + .moved >= 2047'
	choose -f "$DISK/two"
	yields true '[of("target")] | length >= 3071'
	cmp -n $((12 << 20)) "$DISK/two" /dev/zero
}

@test "--cgroup: its pages and those of the cgroups below, by path and by number" {
	local pfn

	mkdir $CGROUP
	echo +memory > $CGROUP/cgroup.subtree_control
	mkdir $CGROUP/a $CGROUP/b
	victim_in $CGROUP/a one -m 1
	victim_in $CGROUP/b two -m 1
	pfns_of pfn -p "$pid" -a "$range" --count 1
	choose --cgroup $CGROUP/a -b anonymous --max 100000
	yields "true false" "[of(\"target\").pfn] | length >= 256, any(. == ${pfn[0]})"
	choose --cgroup $CGROUP -b anonymous --max 100000
	yields "true true" "[of(\"target\").pfn] | length >= 512, any(. == ${pfn[0]})"
	choose --cgroup "@$(stat -c %i $CGROUP)" --pfn "${pfn[0]}"
	yields "${pfn[0]}" 'of("target").pfn'
	# Conditions of different kinds narrow: it is not of that cgroup.
	inject --cgroup $CGROUP/a --pfn "${pfn[0]}"
	ends_with 1
	warns "no page is chosen"
	inject --cgroup $CGROUP --pfn "${pfn[0]}"
	ends_with 0
	outcomes poisoned
	inject --cgroup /dev/shm
	ends_with 1
	warns "--cgroup: /dev/shm: not a directory of a cgroup hierarchy"
}

@test "-b: flags narrow; --node: the one that is there, and one that is not" {
	victim late -m 1 --kind mlock
	choose -p "$pid" -b unevictable
	yields "true true" '[of("target").flags] | length >= 256, all(index("unevictable") != null)'
	choose -p "$pid" -b anonymous,~unevictable
	yields "true true" '[of("target").flags] | length > 0, all(index("unevictable") == null and index("anonymous") != null)'
	inject --list-targets -p "$pid" -a "$range" -b anonymous -b buddy
	ends_with 1
	choose -p "$pid" -a "$range" --node 0
	yields "256 0" '[of("target")] | length, (map(.node) | unique[])'
	inject -p "$pid" --node 1
	ends_with 1
	warns "--node: 1: no such node"
	# By its flags alone, of the whole machine.
	choose -b buddy --count 3
	yields "3 free" '[of("target")] | length, (map(.kind) | unique[])'
	inject -b unevictable -p "$pid" -a "$range" --node 0 --count 1
	ends_with 0
	yields "poisoned anon" 'of("page") | .outcome, .kind'
}

# ------------------------------------------------------------------- how many

@test "--count takes the first; --random any, and --seed the same ones again" {
	local first again other all

	victim late -m 1
	choose -p "$pid" -a "$range" --count 3
	yields "$(address_of 0) $(address_of 1) $(address_of 2)" 'of("target").address'
	choose -p "$pid" -a "$range" --random --seed 7 --count 12
	first=$(jq -r .pfn "$records")
	choose -p "$pid" -a "$range" --random --seed 7 --count 12
	again=$(jq -r .pfn "$records")
	choose -p "$pid" -a "$range" --random --seed 8 --count 12
	other=$(jq -r .pfn "$records")
	[ "$first" = "$again" ]
	[ "$first" != "$other" ]
	(($(sort -u <<< "$first" | wc -l) == 12))
	# Of the same pages from elsewhere: the choice goes by the order of the walk.
	choose -p "$pid" -a "$range" --random --seed 7
	all=$(jq -r .pfn "$records")
	(($(sort -u <<< "$all" | wc -l) == 256))
	[ "$all" != "$(sort -n <<< "$all")" ]
	# A seed that was not given is told, and makes the same choice.
	inject -p "$pid" -a "$range" --random --count 4 --dry-run
	ends_with 0
	inject -p "$pid" -a "$range" --random --count 4
	ends_with 0
	outcomes "poisoned poisoned poisoned poisoned"
	yields true 'of("run").seed | type == "number"'
	first=$(jq -r 'select(.record == "page").address' "$records")
	choose -p "$pid" -a "$range" --random --count 4 --seed "$(jq -r 'select(.record == "run").seed' "$records")"
	[ "$(jq -r .address "$records")" = "$first" ]
	inject_text -p "$pid" -a "$range" --random --count 1 --list-targets
	grep -qE '^\(--seed [0-9]+ chooses the same again\)$' "$records"
	grep -qx '(more are chosen: --count took 1)' "$records"
}

# ---------------------------------------------------- the same as page-types

@test "--list-targets has what page-types has of the same pages" {
	local kind
	local -a path

	for kind in anon file-clean; do
		path=()
		[[ $kind != file-* ]] || path=(--path "$DISK")
		victim $kind -m 1 --kind $kind "${path[@]}"
		range=${range%,*}+32
		choose -p "$pid" -a "$range"
		# The columns: place, map count, PFN; the flags, as they are, with their sums.
		page-types -p "$pid" -a "$range" -L -M -N > "$BATS_TEST_TMPDIR/pages"
		diff <(awk 'NR > 1 {print $1, $2, $3}' "$BATS_TEST_TMPDIR/pages") \
			<(jq -r '"\(.address) \(.mapcount) \(.pfn)"' "$records" | while read -r place count pfn; do
				printf '%x %s %x\n' $((place / 4096)) "$count" "$pfn"
			done)
		page-types -p "$pid" -a "$range" -r > "$BATS_TEST_TMPDIR/flags"
		# Without those that come from the page table.
		diff <(awk '/^0x/ {gsub(/,(softdirty|mmap_exclusive|file)/, "", $NF); print $NF, $2}' \
			"$BATS_TEST_TMPDIR/flags" | sort) \
			<(jq -r -s 'group_by(.flags)[] | "\(.[0].flags | join(",")) \(length)"' "$records" | sort)
		kill_victims
	done
	choose --pfn 1000+4
	diff <(page-types -a 1000+4 -L -M -N | awk 'NR > 1 {print $2, $1}') \
		<(jq -r '"\(.pfn) \(.mapcount)"' "$records" | while read -r pfn count; do printf '%x %s\n' "$pfn" "$count"; done)
	inject_text --pfn 1000+2 --list-targets
	grep -qE '^PFN +ADDRESS +OWNER +KIND +NODE +MAPS +NAME +FLAGS$' "$records"
	(($(grep -c '^0x' "$records") == 2))
}

@test "all records match their schemas" {
	records_are_valid
}
