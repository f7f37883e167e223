#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject on a --sysroot tree: what is written, what is refused, and the filter.

# Set in helper.bash: $root, $hwpoison, $stdout_file, $stderr_file, $status.
# shellcheck disable=SC2154,SC2030,SC2031
load inject

# ------------------------------------------------------------- what is written

@test "an injection: what is written, what is in the ledger, what is said" {
	machine - 'anon,lru*4' buddy
	inject --pfn 2+2,5
	status_is 5
	stderr_is
	injected 0x2 0x3 0x5
	# The time and the kernel are those of the machine that runs this.
	diff -u - <(sed -E 's/^[^ ]+ +debugfs +[0-9TZ:-]+ +- +-$/RUN/' "$stdout_file") <<- END
		KERNEL                    METHOD        TIME                  SEED        LOADED
		RUN

		pages:
		PFN         ADDRESS         OWNER             KIND       KERNEL                       HWP     OUTCOME       WHY
		0x2         -               -                 anon       -                            0 -> 0  filtered      -
		0x3         -               -                 anon       -                            0 -> 0  filtered      -
		0x5         -               -                 free       -                            0 -> 0  filtered      -

		total: 3 pages: 3 filtered; tasks: 0 signalled, 0 killed
		HardwareCorrupted: 8 kB before, 8 kB after
		the kernel's own results and its signals are not known: No such device
	END
	# What was not poisoned after all is taken back there, too.
	ledger_is "poison 2 debugfs" "unpoison 2 -" "poison 3 debugfs" "unpoison 3 -" "poison 5 debugfs" "unpoison 5 -"
	[ "$(stat -c %a "$rundir")" = 700 ]
}

@test "an injection --json: the records, by their schemas" {
	needs_jq
	machine - 'anon,lru*8' hwpoison
	task 7 my-victim
	vma 7 16 "$(present 5)" "$(swapped 26 9)"
	inject --json -p 7 --random --seed 3
	status_is 5
	stderr_is
	injected 0x5
	valid
	diff -u - <(jq -r '"\(.record) \(.pfn // .pid // .pages // .seed) \(.outcome // .state // .outcomes // .method)"' \
		"$stdout_file" | LC_ALL=C sort) <<- END
		page 5 filtered
		page 9 already
		run 3 debugfs
		task 7 unharmed
		totals 2 {"filtered":1,"already":1}
	END
	[ "$(jq -c 'select(.record == "run") | [.boot, .filter.enable, .module_loaded]' "$stdout_file")" = \
		'["'"$BOOT"'",false,null]' ] || complain
	[ "$(jq -c '[.event, .pid, .comm, .address, .kind, .tool]' "$rundir/ledger" | head -n 1)" = \
		'["poison",7,"my-victim","0x10000","anon","hwpoison-inject"]' ] || complain
}

@test "a hugetlb page is written once, by the page that was asked for; poisoned pages not at all" {
	machine - huge,head,lru 'huge,tail*3' huge,head,lru,hwpoison 'huge,tail*3' hwpoison
	inject --pfn 1+9
	status_is 5
	injected 0x1
	inject --pfn 3+2
	injected 0x3
	inject --pfn 6
	status_is 0
	injected 0x3
	grep -q '^0x6 .* already ' "$stdout_file" || complain
}

@test "hard-offline and soft-offline write the page's address, not its number" {
	machine - 'anon,lru*4'
	mkdir -p "$offline"
	: > "$offline/hard_offline_page"
	: > "$offline/soft_offline_page"
	inject -m hard-offline --pfn 2
	status_is 5
	stderr_is
	file_is "$offline/hard_offline_page" "$(printf '0x%x' $((2 * $(page_size))))"
	inject -m soft-offline --pfn 1
	status_is 5
	file_is "$offline/soft_offline_page" "$(printf '0x%x' "$(page_size)")"
	injected
	ledger_is "poison 2 hard-offline" "unpoison 2 -" "poison 1 soft-offline" "unpoison 1 -"
}

@test "--method auto: debugfs, or what there is instead, or none" {
	machine - anon,lru
	mkdir -p "$offline"
	: > "$offline/hard_offline_page"
	inject -m auto --pfn 1
	status_is 5
	injected 0x1
	rm -r "$hwpoison"
	inject -m auto --pfn 1
	status_is 5
	stderr_is
	grep -qE '^[^ ]+ +hard-offline ' "$stdout_file" || complain
	rm "$offline/hard_offline_page"
	inject -m auto --pfn 1
	status_is 4
	stderr_is 'hwpoison-inject: /sys/devices/system/memory/hard_offline_page: not there (this kernel was built without CONFIG_MEMORY_HOTPLUG; try: --method debugfs)'
	printf 'MemTotal:       4096 kB\n' > "$root/proc/meminfo"
	inject -m auto --pfn 1
	status_is 4
	stderr_is 'hwpoison-inject: this kernel was built without CONFIG_MEMORY_FAILURE (try in hwpoison-lab)'
}

@test "mce: only in a virtual machine of the lab, and on a processor of Intel's; never by auto" {
	machine - 'anon,lru*4'
	inject -m mce --pfn 2
	status_is 4
	stderr_is 'hwpoison-inject: --method mce: this is no virtual machine of hwpoison-lab, which has a device for it (try: hwpoison-lab run -- hwpoison-inject ...)'
	mkdir -p "$root/sys/class/virtio-ports/vport1p5" "$root/dev"
	echo lab.monitor > "$root/sys/class/virtio-ports/vport1p5/name"
	: > "$root/dev/vport1p5"
	printf 'processor\t: 0\nvendor_id\t: AuthenticAMD\n' > "$root/proc/cpuinfo"
	inject -m mce --pfn 2
	status_is 4
	stderr_is "hwpoison-inject: --method mce: the processor is none of Intel's: the kernel would panic (try: hwpoison-lab run without --cpu)"
	printf 'processor\t: 0\nvendor_id\t: GenuineIntel\n' > "$root/proc/cpuinfo"
	rm -rf "$hwpoison" "$offline"
	inject -m auto --pfn 2
	status_is 4
}

@test "--expect: the verdict is the status" {
	machine - anon,lru hwpoison
	inject --pfn 1 --expect none
	status_is 0
	grep -qx 'verdict: none was expected: met' "$stdout_file" || complain
	inject --pfn 2 --expect poisoned
	status_is 0
	inject --pfn 1+2 --expect poisoned
	status_is 5
	grep -qx 'verdict: poisoned was expected: not met' "$stdout_file" || complain
	inject --pfn 1 --expect killed
	status_is 5
	inject --pfn 1 --expect survived
	status_is 0
}

@test "what the kernel answers is said in words, and counted" {
	[ -w /dev/full ] || skip "no /dev/full here"
	machine - anon,lru
	rm "$hwpoison/corrupt-pfn"
	mknod "$hwpoison/corrupt-pfn" c 1 7 2> /dev/null || skip "needs the right to make /dev/full"
	inject --pfn 1
	status_is 5
	grep -qE '^0x1 .* failed +No space left on device$' "$stdout_file" || complain
}

# ---------------------------------------------------------------- what is refused

@test "refused: each kind of page of the kernel, by number; in a process, left alone" {
	local pfn reason

	all_kinds
	while read -r pfn reason; do
		refuses "PFN $pfn: refused: $reason $FORCE" --pfn "$pfn"
		refuses "PFN $pfn: refused: $reason $FORCE" --pfn "1,$pfn,2"
	done <<- END
		0x10 it is the kernel's: slab
		0x11 it is the kernel's: a page table
		0x12 it is the kernel's: reserved
		0x13 it is offline, or no page of memory
		0x14 it is offline, or no page of memory
		0x15 it is the zero page, which everybody has
		0x16 it is a driver's buffer
		0x17 it is the kernel's, or nobody knows whose
	END
	task 7
	vma 7 16 "$(present 1)" "$(present 18)" "$(present 21)" "$(present 22)"
	inject -p 7
	status_is 5
	stderr_is
	injected 0x1
	[ "$(grep -c ' refused ' "$stdout_file")" = 3 ] || complain
}

@test "refused: the vdso, by the mapping's name, whatever the page's flags say" {
	machine - anon,lru mmap,lru
	task 7
	printf '%x-%x r-xp 00000000 00:00 0    [vdso]\n' $((16 * $(page_size))) $((17 * $(page_size))) \
		> "$root/proc/7/maps"
	put_u64 "$root/proc/7/pagemap" 16 "$(present 2)"
	inject -p 7 --vma '[vdso]'
	status_is 0
	injected
	grep -q '^0x2 .* vdso .* refused  *it is the vdso: every program that is started from then on dies$' \
		"$stdout_file" || complain
}

@test "refused: PFN 0, also by force" {
	machine anon,lru anon,lru
	refuses 'PFN 0: refused: it is PFN 0, which is what hidden PFNs read as' --pfn 0
	refuses 'PFN 0: refused: it is PFN 0, which is what hidden PFNs read as' --pfn 0+2 --force
	refuses 'PFN 0: refused: it is PFN 0, which is what hidden PFNs read as' --phys 1 --force
}

@test "refused: what PID 1 and the tool itself would miss; not what is read again, or moves" {
	machine - anon,lru lru,mmap,uptodate anon,lru
	task 1 init
	vma 1 16 "$(present 1)" "$(present 2)"
	put_u64 "$root/proc/kpagecount" 1 1 1
	refuses "PFN 0x1: refused: it belongs to PID 1 $FORCE" --pfn 1
	refuses "PFN 0x1: refused: it belongs to PID 1 $FORCE" -p 1
	inject --pfn 2
	status_is 5
	stderr_is
	injected 0x2
	mkdir -p "$offline"
	: > "$offline/hard_offline_page"
	: > "$offline/soft_offline_page"
	inject -m soft-offline --pfn 1
	status_is 5
	stderr_is
	: > "$hwpoison/corrupt-pfn"
	# The tool runs under the number of the shell that it replaces.
	as_itself() (
		task "$BASHPID" hwpoison-inject
		vma "$BASHPID" 16 "$(present 3)"
		exec hwpoison-inject --sysroot "$root" -p "$BASHPID"
	)
	run_split as_itself
	status_is 6
	stderr_is "hwpoison-inject: PFN 0x3: refused: it belongs to hwpoison-inject itself $FORCE"
	injected
}

@test "refused: a memory block that is offline" {
	machine - 'anon,lru*4'
	mkdir -p "$offline/memory0"
	printf '%x\n' $((8 * $(page_size))) > "$offline/block_size_bytes"
	echo offline > "$offline/memory0/state"
	refuses "PFN 0x2: refused: its memory block is offline $FORCE" --pfn 2
	echo online > "$offline/memory0/state"
	inject --pfn 2
	status_is 5
	injected 0x2
}

@test "refused: too many pages" {
	machine - 'anon,lru*5000'
	refuses 'refused: more than 3 pages are chosen (--max allows more, --count takes fewer)' --pfn 1+4 --max 3
	refuses 'refused: more than 3 pages are chosen (--max allows more, --count takes fewer)' --pfn 1+4 --max 3 --force
	inject --pfn 1+4 --max 4
	status_is 5
	injected 0x1 0x2 0x3 0x4
	: > "$hwpoison/corrupt-pfn"
	inject -b anon --max 3 --count 2
	status_is 5
	injected 0x1 0x2
	: > "$hwpoison/corrupt-pfn"
	# 4096, or less on a small machine; by force all of them.
	inject -b anon
	status_is 6
	grep -qxE 'hwpoison-inject: refused: more than [0-9]+ pages are chosen \(--max allows more, --count takes fewer\)' \
		"$stderr_file" || complain
	inject -b anon --force --dry-run
	status_is 0
	[ "$(grep -c '^0x' "$stdout_file")" = 5000 ]
}

@test "refused: a kernel that panics at every memory error" {
	local reason='refused: vm.memory_failure_recovery is 0: the kernel panics at every memory error, also at this one (try: sysctl vm.memory_failure_recovery=1; --force does it all the same)'

	machine - anon,lru
	mkdir -p "$root/proc/sys/vm" "$offline"
	: > "$offline/hard_offline_page"
	: > "$offline/soft_offline_page"
	echo 0 > "$root/proc/sys/vm/memory_failure_recovery"
	refuses "$reason" --pfn 1
	refuses "$reason" --pfn 1 -m hard-offline
	[ ! -s "$offline/hard_offline_page" ]
	inject --pfn 1 --dry-run
	status_is 6
	stderr_is "hwpoison-inject: $reason"
	# Soft offlining is no memory error; looking is none, either.
	inject --pfn 1 -m soft-offline
	status_is 5
	inject --pfn 1 --list-targets
	status_is 0
	inject --pfn 1 --force
	status_is 5
	stderr_is
	injected 0x1
	: > "$hwpoison/corrupt-pfn"
	echo 1 > "$root/proc/sys/vm/memory_failure_recovery"
	inject --pfn 1
	status_is 5
	stderr_is
	injected 0x1
}

@test "--force does it all the same" {
	machine - anon,lru slab
	task 1 init
	vma 1 16 "$(present 1)"
	put_u64 "$root/proc/kpagecount" 1 1
	inject --force --pfn 1+2
	status_is 5
	stderr_is
	injected 0x1 0x2
	: > "$hwpoison/corrupt-pfn"
	inject --force -p 1
	status_is 5
	injected 0x1
}

# ------------------------------------------------------------- the kernel's filter

@test "the filter: written for the run, and put back as it was" {
	local name

	machine - anon,lru
	set_filter enable 1
	set_filter dev-major 7
	set_filter flags-mask 32
	set_filter flags-value 32
	for name in "$hwpoison"/corrupt-filter-*; do
		cp "$name" "$BATS_TEST_TMPDIR"
	done
	inject --json --flags anonymous --dev 8:17 --pfn 1
	status_is 5
	stderr_is
	injected 0x1
	for name in enable dev-major dev-minor flags-mask flags-value memcg; do
		[ "$(($(< "$hwpoison/corrupt-filter-$name")))" = "$(< "$BATS_TEST_TMPDIR/corrupt-filter-$name")" ] ||
			complain "$name: $(< "$hwpoison/corrupt-filter-$name")"
	done
	[ ! -e "$rundir/filter" ]
	needs_jq
	valid
	[ "$(jq -c 'select(.record == "run").filter' "$stdout_file")" = \
		'{"enable":true,"dev_major":8,"dev_minor":17,"flags_mask":"0x1000","flags_value":"0x1000","memcg":null,"memcg_path":null}' ] || complain
}

@test "the filter: what can't be one is refused before anything is written" {
	machine - anon,lru
	while IFS='|' read -r expected options message; do
		# shellcheck disable=SC2086 # a list of options
		inject --pfn 1 $options
		status_is "$expected"
		stderr_is "hwpoison-inject: $message"
	done <<- 'END'
		2|--memcg @0|--memcg: @0: not an inode number
		1|--memcg /none|--memcg: /none: No such file or directory
		2|--dev 4096:0|--dev: 4096:0: no such device number
		1|--dev /none|--dev: /none: No such file or directory
		2|--flags nonsense|--flags: nonsense: no such flag (--help lists them)
		2|--flags lru,dirty|--flags: lru,dirty: the kernel's filter has no "any of these" (both of a and b: a,b=a,b; a without b: a,~b)
		2|--flags locked|--flags: locked: no page can match: locked: the kernel asks before it locks the page
		4|--flags thp|--flags: thp: no page can match: thp: this kernel asks when it has split the huge page already
	END
	injected
	[ ! -e "$rundir" ]
	inject --dev 8:1
	status_is 2
	stderr_is 'hwpoison-inject: nothing is chosen: --dev and --flags only narrow down what is'
}

@test "--filter-show, --filter-clear" {
	machine - anon,lru
	set_filter enable 1
	set_filter dev-minor 0
	set_filter flags-mask 4128
	set_filter flags-value 32
	set_filter memcg 4711
	inject --filter-show
	status_is 0
	stderr_is
	stdout_is "The kernel's filter (-: any):" \
		'ENABLED  MAJOR    MINOR  MASK              VALUE                MEMCG  CGROUP' \
		'yes          -        0  lru,anonymous     lru                   4711  -'
	if command -v jq > /dev/null; then
		inject --filter-show --json
		valid
	fi
	inject --filter-clear
	status_is 0
	stdout_is
	inject --filter-show
	stdout_is "The kernel's filter (-: any):" \
		'ENABLED  MAJOR    MINOR  MASK              VALUE                MEMCG  CGROUP' \
		'no           -        -  -                 -                        -  -'
	rm "$hwpoison/corrupt-filter-memcg"
	inject --filter-show
	stdout_has 'no           -        -  -                 -                        -  -'
	inject --memcg @4711 --pfn 1
	status_is 4
	stdout_is
}

@test "a filter that a killed run left behind is put back first" {
	machine - anon,lru
	mkdir "$root/run"
	mkdir -m 700 "$rundir"
	set_filter enable 1
	set_filter memcg 99
	printf '%s\n' "boot=$BOOT" enable=0 dev-major=4294967295 dev-minor=4294967295 flags-mask=0x0 flags-value=0x0 \
		memcg=0 > "$rundir/filter"
	inject --pfn 1
	status_is 5
	stderr_is "hwpoison-inject: the kernel's filter was left behind by a run that was killed: put back"
	[ "$(($(< "$hwpoison/corrupt-filter-enable")))" = 0 ]
	[ "$(($(< "$hwpoison/corrupt-filter-memcg")))" = 0 ]
	[ ! -e "$rundir/filter" ]
	inject --pfn 1
	stderr_is
}
