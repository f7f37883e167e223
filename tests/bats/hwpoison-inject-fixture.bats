#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject on a --sysroot tree whose files are plain files: what is chosen,
# refused, written and said. Nothing is poisoned by that, so an injection ends as if the
# kernel's filter had rejected the pages (status 5). No root needed.

# Set in helper.bash: $root, $hwpoison, $stdout_file, $stderr_file, $status.
# shellcheck disable=SC2154,SC2030,SC2031
load helper

BOOT=0b6f3c1e-58f0-4a5c-9a50-3c1d2e4f5a6b
RUN=/run/hwpoison-tools
FORCE='(--force does it all the same)'

setup() {
	make_root
	make_hwpoison
	rundir=$root$RUN
	offline=$root/sys/devices/system/memory
}

# machine FLAGS[*COUNT]...: a tree with these pages, mapped by nobody, charged to none.
machine() {
	dump "$root/proc/kpageflags" "$@"
	truncate -s "$(stat -c %s "$root/proc/kpageflags")" "$root/proc/kpagecount" "$root/proc/kpagecgroup"
	mkdir -p "$root/proc/sys/kernel/random"
	echo $BOOT > "$root/proc/sys/kernel/random/boot_id"
	printf 'MemTotal:       4096 kB\nHardwareCorrupted:     8 kB\n' > "$root/proc/meminfo"
}

# inject ARGUMENT...: on the tree.
inject() {
	run_split hwpoison-inject --sysroot "$root" "$@"
}

# all_kinds: a machine with a page of each kind, from PFN 1 on.
all_kinds() {
	machine - uptodate,lru,mmap,anon,swapbacked anon,lru,swapcache,swapbacked \
		anon,lru,swapcache,swapbacked,dirty uptodate,lru uptodate,lru,dirty uptodate,mmap \
		lru,swapbacked huge,head,lru 'huge,tail*3' head,thp,anon,lru tail,thp,anon buddy hwpoison \
		slab pgtable reserved offline nopage zero mmap -
}

# wrote FILE LINE...: what is in a file of the tree.
wrote() {
	file_is "$@"
}

# injected PFN...: what was written to corrupt-pfn, in that order.
injected() {
	file_is "$hwpoison/corrupt-pfn" "$@"
}

# column N: that column of the table on standard output, joined.
column() {
	awk -v n="$1" '/^0x/ {print $n}' "$stdout_file" | paste -s -d ' '
}

# ledger_is "EVENT PFN METHOD"...: the lines of the ledger.
ledger_is() {
	needs_jq
	diff -u --label expected --label ledger <(printf '%s\n' "$@") \
		<(jq -r '"\(.event) \(.pfn) \(.method // "-")"' "$rundir/ledger")
}

needs_jq() {
	command -v jq > /dev/null || skip "needs jq"
}

# valid: what is on standard output matches the schemas.
valid() {
	"$BATS_TEST_DIRNAME/../check-json" < "$stdout_file" || complain "not as the schemas have it"
}

# refuses REASON ARGUMENT...: status 6, that message, and nothing was written.
refuses() {
	local reason=$1

	shift
	inject "$@"
	status_is 6
	stderr_is "hwpoison-inject: $reason"
	stdout_is
	injected
}

# ------------------------------------------------------------------ what is chosen

@test "--list-targets: every kind of page, as text" {
	all_kinds
	inject --list-targets -a 1,
	status_is 0
	stderr_is
	injected
	[ ! -e "$rundir" ]
	diff -u - "$stdout_file" <<- END
		PFN         ADDRESS         OWNER             KIND       NODE  MAPS  NAME              FLAGS
		0x1         -               -                 anon          -     0  -                 uptodate,lru,mmap,anonymous,swapbacked
		0x2         -               -                 swapcache     -     0  -                 lru,anonymous,swapcache,swapbacked
		0x3         -               -                 swapcache     -     0  -                 dirty,lru,anonymous,swapcache,swapbacked
		0x4         -               -                 file          -     0  -                 uptodate,lru
		0x5         -               -                 file          -     0  -                 uptodate,dirty,lru
		0x6         -               -                 file          -     0  -                 uptodate,mmap
		0x7         -               -                 shm           -     0  -                 lru,swapbacked
		0x8         -               -                 hugetlb       -     0  -                 lru,compound_head,huge
		0xc         -               -                 thp           -     0  -                 lru,anonymous,thp
		0xd         -               -                 thp           -     0  -                 anonymous,thp
		0xe         -               -                 free          -     0  -                 buddy
		0xf         -               -                 other         -     0  -                 hwpoison
		0x10        -               -                 slab          -     0  -                 slab
		0x11        -               -                 pgtable       -     0  -                 pgtable
		0x12        -               -                 reserved      -     0  -                 -
		0x13        -               -                 offline       -     0  -                 offline
		0x14        -               -                 offline       -     0  -                 nopage
		0x15        -               -                 zero          -     0  -                 zero_page
		0x16        -               -                 driver        -     0  -                 mmap
		0x17        -               -                 other         -     0  -                 -
	END
}

@test "--list-targets of a process: its pages, where they are, and its name" {
	machine - 'anon,lru*8' hwpoison
	put_u64 "$root/proc/kpagecount" 0 0 0 0 1 0 2
	task 7 my-victim
	vma 7 16 "$(present 5)" 0 "$(present 3)" "$(swapped 0 2)" "$(swapped 26 9)"
	inject --list-targets -p 7
	status_is 0
	stderr_is
	diff -u - "$stdout_file" <<- END
		PFN         ADDRESS         OWNER             KIND       NODE  MAPS  NAME              FLAGS
		0x5         0x10000         my-victim[7]      anon          -     2  -                 lru,anonymous
		0x3         0x12000         my-victim[7]      anon          -     1  -                 lru,anonymous
		0x9         0x14000         my-victim[7]      other         -     0  -                 hwpoison
	END
	inject --list-targets -p 7 -a 0x12+2
	[ "$(column 1)" = 0x3 ]
	inject --list-targets -p 7 --vaddr 0x10fff+2
	[ "$(column 1)" = 0x5 ]
	inject --list-targets -p 7 --pfn 3-9 --vaddr 0x10000-0x13000
	[ "$(column 1)" = "0x5 0x3" ]
}

@test "--list-targets --json, and that of --dry-run, match the schema" {
	needs_jq
	machine - 'anon,lru*8'
	task 7 'a "b"'
	vma 7 16 "$(present 5)"
	mkdir -p "$root/sys/devices/system/node/node0" "$offline"
	inject --list-targets --json -p 7
	status_is 0
	valid
	[ "$(jq -c '[.pfn, .address, .pid, .comm, .kind, .flags_value, .forecast, .objection]' "$stdout_file")" = \
		'[5,"0x10000",7,"a \"b\"","anon","0x1020",null,null]' ] || complain
	inject --dry-run --json -p 7
	status_is 0
	valid
	[ "$(jq -r '.forecast | .type, .result' "$stdout_file" | paste -s -d ' ')" = 'dirty LRU page Recovered' ]
}

@test "--vma shm: also the first segment of System V, whose inode is 0" {
	machine - 'swapbacked,lru*3'
	task 7
	vma 7 16 "$(present 1)"
	vma 7 32 "$(present 2)"
	sed -i '2s|.*|'"$(printf '%x-%x' $((32 * $(page_size))) $((33 * $(page_size))))"' rw-s 00000000 00:01 0    /SYSV00000000 (deleted)|' \
		"$root/proc/7/maps"
	inject --list-targets -p 7 --vma shm
	status_is 0
	[ "$(column 1)" = 0x2 ] || complain
	inject --list-targets -p 7 --vma anon
	[ "$(column 1)" = 0x1 ] || complain
}

@test "--tree: the descendants, by the parents that /proc tells" {
	local pid

	machine - 'anon,lru*8'
	for pid in 7 8 9 10; do
		task $pid task-$pid
		vma $pid 16 "$(present $((pid - 6)))"
	done
	printf 'PPid:\t1\n' >> "$root/proc/7/status"
	printf 'PPid:\t7\n' >> "$root/proc/9/status"
	printf 'PPid:\t9\n' >> "$root/proc/8/status"
	printf 'PPid:\t1\n' >> "$root/proc/10/status"
	inject --list-targets -p 7 --tree
	status_is 0
	[ "$(column 3)" = "task-7[7] task-9[9] task-8[8]" ] || complain
	# In the report, too: all of them were chosen.
	inject -p 7 --tree
	status_is 5
	injected 0x1 0x3 0x2
	[ "$(grep -cE '^ +[789] +[789] +task-[789] .* unharmed$' "$stdout_file")" = 3 ] || complain
}

@test "--count, --random, --seed: the same seed takes the same pages" {
	local first

	machine - 'anon,lru*200'
	inject --list-targets --pfn 1+200 --count 3
	[ "$(column 1)" = "0x1 0x2 0x3" ]
	grep -qx '(more are chosen: --count took 3)' "$stdout_file"
	inject --list-targets --pfn 1+200 --count 5 --random --seed 1
	first=$(column 1)
	grep -qx '(--seed 1 chooses the same again)' "$stdout_file"
	inject --list-targets --pfn 1+200 --count 5 --random --seed 1
	[ "$(column 1)" = "$first" ]
	inject --list-targets --pfn 1+200 --count 5 --random --seed 2
	[ "$(column 1)" != "$first" ]
	inject --list-targets --pfn 1+200 --random --seed 1
	[ "$(column 1 | tr ' ' '\n' | sort -u | wc -l)" = 200 ]
}

@test "--cgroup: what is charged to it and to those below; its kernel pages are left alone" {
	machine - 'anon,lru*3' pgtable anon,lru
	mkdir -p "$root/sys/fs/cgroup/a/below"
	touch "$root"/sys/fs/cgroup/{cgroup.controllers,a/memory.stat,a/below/memory.stat}
	echo 'none /sys/fs/cgroup cgroup2 rw 0 0' >> "$root/proc/mounts"
	put_u64 "$root/proc/kpagecgroup" 0 0 "$(stat -c %i "$root/sys/fs/cgroup/a")" \
		"$(stat -c %i "$root/sys/fs/cgroup/a/below")" 0 "$(stat -c %i "$root/sys/fs/cgroup/a")"
	inject --list-targets -c /sys/fs/cgroup/a
	status_is 0
	[ "$(column 1)" = "0x1 0x2 0x4" ] || complain
	inject -c /sys/fs/cgroup/a
	status_is 5
	stderr_is
	injected 0x1 0x2
	grep -q '^0x4 .* refused  *it is the kernel.s: a page table$' "$stdout_file" || complain
	# With --memcg alone, its own: the filter would reject the others.
	inject --memcg /sys/fs/cgroup/a --list-targets
	[ "$(column 1)" = "0x1 0x4" ] || complain
}

@test "nothing is chosen, or it is not there" {
	machine - anon,lru
	inject -b slab
	status_is 1
	stderr_is 'hwpoison-inject: no page is chosen: nothing of what was named is in memory'
	inject -p 7
	status_is 1
	stderr_is 'hwpoison-inject: --pid: 7: no such process: it has ended, or /proc hides it (hidepid)'
	inject --pfn 77
	status_is 1
	stderr_is 'hwpoison-inject: --pfn: page 0x4d: /proc/kpageflags ends at page 0x2'
	inject --node 0 --pfn 1
	status_is 4
	inject -c /none
	status_is 1
	stderr_is 'hwpoison-inject: --cgroup: /none: No such file or directory'
	stdout_is
	injected
}

# ---------------------------------------------------------------- the forecast

@test "--dry-run: what would become of each, what speaks against it, and nothing written" {
	all_kinds
	inject --dry-run -a 1+15
	status_is 0
	stderr_is
	injected
	[ ! -e "$root/run" ]
	diff -u - <(sed -E 's/ +$//' "$stdout_file") <<- END
		PFN         ADDRESS         OWNER             KIND       OWNERS  KERNEL                RESULT     AT ONCE                           ON ACCESS      RISK
		0x1         -               -                 anon            0  dirty LRU page        Recovered  -                                 BUS_MCEERR_AR  -
		0x2         -               -                 swapcache       0  clean swapcache page  Recovered  -                                 -              if it was written to since it came from the swap, it is dirty, and lost
		0x3         -               -                 swapcache       0  dirty swapcache page  Delayed    -                                 BUS_MCEERR_AR  -
		0x4         -               -                 file            0  clean LRU page        Recovered  -                                 -              -
		0x5         -               -                 file            0  dirty LRU page        Recovered  -                                 -              what was written to it is lost: fsync(2) fails once
		0x6         -               -                 file            0  clean LRU page        Recovered  -                                 -              -
		0x7         -               -                 shm             0  clean LRU page        Recovered  -                                 BUS_MCEERR_AR  it stays in the file until that is truncated or removed
		0x8         -               -                 hugetlb         0  free huge page        Recovered  -                                 -              the whole huge page is lost
		0xc         -               -                 thp             0  dirty LRU page        Recovered  -                                 BUS_MCEERR_AR  the huge page is split
		0xd         -               -                 thp             0  dirty LRU page        Recovered  -                                 BUS_MCEERR_AR  the huge page is split
		0xe         -               -                 free            0  free buddy page       Recovered  -                                 -              -
		0xf         -               -                 other           0  -                     already poisoned  -                                 -              -
	END
	inject --dry-run -a 4+2 -m soft-offline
	status_is 0
	[ "$(grep -c ' moved or dropped ' "$stdout_file")" = 2 ] || complain
}

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
		'["'$BOOT'",false,null]' ] || complain
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

# ------------------------------------------------------------------- the ledger

@test "--list: the poisoned pages, with what the ledger has of them" {
	machine - hwpoison anon,hwpoison lru huge,head,hwpoison 'huge,tail,hwpoison*3' hwpoison
	mkdir -p "$root/run"
	mkdir -m 700 "$rundir"
	inject --list
	status_is 0
	[ "$(grep -c 'not in the ledger$' "$stdout_file")" = 4 ] || complain
	cat > "$rundir/ledger" <<- END
		{"event":"poison","time":"2026-11-23T10:00:00Z","boot":"$BOOT","pfn":1,"method":"debugfs","pid":7,"comm":"db: writer","address":"0x7f00","kind":"anon","tool":"hwpoison-inject"}
		{"event":"poison","time":"2026-11-23T10:00:01Z","boot":"$BOOT","pfn":2,"method":"debugfs","pid":null,"comm":null,"address":null,"kind":"anon","tool":"hwpoison-inject"}
		{"event":"unpoison","time":"2026-11-23T10:00:02Z","boot":"$BOOT","pfn":2,"tool":"hwpoison-inject"}
		{"event":"poison","time":"2026-11-23T10:00:03Z","boot":"$BOOT","pfn":3,"method":"debugfs","pid":null,"comm":null,"address":null,"kind":"file","tool":"hwpoison-inject"}
		{"event":"poison","time":"2026-11-23T10:00:04Z","boot":"$BOOT","pfn":6,"method":"hard-offline","pid":8,"comm":"vm","address":"0x2000","kind":"hugetlb","tool":"page-types"}
		{"event":"poison","time":"2026-11-22T10:00:00Z","boot":"another","pfn":8,"method":"debugfs","pid":9,"comm":"x","address":null,"kind":"anon","tool":"hwpoison-inject"}
		{"event":"poison","time":"2026-11-23T10:0
	END
	inject --list
	status_is 0
	stderr_is "hwpoison-inject: $RUN/ledger: line 7: broken, passed over"
	stdout_is \
		'PFN         KIND NOW   TIME                  METHOD        OWNER THEN        ADDRESS         BY' \
		'0x1         other      2026-11-23T10:00:00Z  debugfs       db: writer[7]     0x7f00          hwpoison-inject' \
		'0x2         anon       -                     -             -                 -               not in the ledger' \
		'0x4         hugetlb    2026-11-23T10:00:04Z  hard-offline  vm[8]             0x2000          page-types' \
		'0x8         other      -                     -             -                 -               not in the ledger'
	needs_jq
	inject --list --json
	valid
	[ "$(jq -c '[.pfn, .kind, .time, .method, .pid, .comm, .address, .tool]' "$stdout_file" | head -n 2)" = \
		'[1,"other","2026-11-23T10:00:00Z","debugfs",7,"db: writer","0x7f00","hwpoison-inject"]
[2,"anon",null,null,null,null,null,null]' ] || complain
	# It only looks.
	[ "$(wc -l < "$rundir/ledger")" = 7 ]
}

@test "--list without a run directory, and where nothing is poisoned" {
	machine - lru hwpoison
	inject --list
	status_is 0
	stderr_is
	[ "$(grep -c 'not in the ledger$' "$stdout_file")" = 1 ] || complain
	[ ! -e "$root/run" ]
	machine - lru
	inject --list
	status_is 0
	stdout_is 'no page is poisoned'
	inject --list --json
	status_is 0
	stdout_is
}

@test "the next run drops what is of another boot, and what is broken" {
	machine - anon,lru
	mkdir -p "$root/run"
	mkdir -m 700 "$rundir"
	cat > "$rundir/ledger" <<- END
		{"event":"poison","time":"2026-11-22T10:00:00Z","boot":"another","pfn":8,"method":"debugfs","tool":"hwpoison-inject"}
		{"event":"poison","time":"2026-11-23T10:00:00Z","boot":"$BOOT","pfn":9,"method":"debugfs","tool":"hwpoison-inject"}
		half a line
	END
	inject --pfn 1
	status_is 5
	stderr_is "hwpoison-inject: $RUN/ledger: line 3: broken, passed over"
	ledger_is "poison 9 debugfs" "poison 1 debugfs" "unpoison 1 -"
}

@test "--unpoison and --unpoison-all: what is written, and what is said" {
	machine - hwpoison lru huge,head,hwpoison 'huge,tail*3' hwpoison
	# By a tail, of which 6.1 says nothing: the head is what the kernel wants.
	inject --unpoison 2,5
	status_is 5
	stderr_is
	wrote "$hwpoison/unpoison-pfn" 0x3
	stdout_is 'PFN         OUTCOME         WHY' '0x2         not-poisoned    -' '0x3         still-poisoned  -' \
		'0 unpoisoned, 1 still poisoned' 'HardwareCorrupted: 8 kB before, 8 kB after'
	: > "$hwpoison/unpoison-pfn"
	inject --unpoison 2
	status_is 0
	wrote "$hwpoison/unpoison-pfn"
	inject --unpoison-all
	status_is 5
	wrote "$hwpoison/unpoison-pfn" 0x1 0x3 0x7
	: > "$hwpoison/unpoison-pfn"
	inject --unpoison 1+7
	status_is 5
	wrote "$hwpoison/unpoison-pfn" 0x1 0x3 0x7
	inject --unpoison - <<< $'1 7\n'
	status_is 5
	inject --unpoison 77
	status_is 1
	stderr_is 'hwpoison-inject: --unpoison: PFN 0x4d: there is no such page'
	needs_jq
	inject --unpoison-all --json
	valid
	[ "$(jq -c '[.pfn, .outcome]' "$stdout_file" | paste -s -d ' ')" = \
		'[1,"still-poisoned"] [3,"still-poisoned"] [7,"still-poisoned"]' ] || complain
	machine - lru
	inject --unpoison-all
	status_is 0
	stdout_is '0 unpoisoned, 0 still poisoned' 'HardwareCorrupted: 8 kB before, 8 kB after'
}

# ------------------------------------------------------------- what is missing

@test "what is missing: the message says what, and what to try" {
	machine - anon,lru
	mv "$hwpoison" "$BATS_TEST_TMPDIR/hwpoison"
	for end in '--pfn 1' --unpoison-all --filter-show; do
		# shellcheck disable=SC2086 # a list of options
		fails_with 4 "hwpoison-inject: /sys/kernel/debug/hwpoison: not there: the kernel's module hwpoison_inject is missing (try: --load; or --method hard-offline; or in hwpoison-lab)" \
			hwpoison-inject --sysroot "$root" $end
	done
	fails_with 4 'hwpoison-inject: module hwpoison_inject: not loaded, and nothing can be loaded below another root' \
		hwpoison-inject --sysroot "$root" --pfn 1 --load
	: > "$root/proc/mounts"
	fails_with 4 'hwpoison-inject: debugfs: not mounted (try: mount -t debugfs none /sys/kernel/debug; or --method hard-offline)' \
		hwpoison-inject --sysroot "$root" --pfn 1
	# What needs neither goes on.
	inject --list
	status_is 0
	inject --pfn 1 --dry-run
	status_is 0
	make_hwpoison
	rm "$root/proc/sys/kernel/random/boot_id"
	fails_with 4 'hwpoison-inject: /proc/sys/kernel/random/boot_id: the number of this boot is not there' \
		hwpoison-inject --sysroot "$root" --pfn 1
	rm "$root/proc/kpageflags"
	fails_with 4 'hwpoison-inject: /proc/kpageflags: not there (the kernel was built without it)' \
		hwpoison-inject --sysroot "$root" --pfn 1
	fails_with 1 'hwpoison-inject: --sysroot: /none: No such file or directory' \
		hwpoison-inject --sysroot /none --list
	injected
}

@test "the run directory: somebody else's place, no room, no right" {
	machine - anon,lru
	mkdir -p "$root/run"
	echo x > "$rundir"
	inject --pfn 1
	status_is 1
	stderr_is "hwpoison-inject: $RUN: Not a directory"
	rm "$rundir"
	ln -s "$BATS_TEST_TMPDIR" "$rundir"
	inject --pfn 1
	status_is 1
	injected
	rm "$rundir"
	# A note that is not understood stops everything that would change something.
	mkdir -m 700 "$rundir"
	echo nonsense > "$rundir/filter"
	inject --pfn 1
	status_is 1
	stderr_is "hwpoison-inject: $RUN/filter: not understood: look at the kernel's filter, and clear it"
	injected
	inject --filter-clear
	status_is 0
	inject --pfn 1
	status_is 5
}

@test "without rights: the status says so, and root is what to try" {
	needs_unprivileged hwpoison-inject
	machine - anon,lru
	chmod 600 "$root/proc/kpageflags"
	[ "$(id -u)" -eq 0 ] || chmod 0 "$root/proc/kpageflags"
	fails_with 3 'hwpoison-inject: /proc/kpageflags: Permission denied (try as root)' \
		unprivileged hwpoison-inject --sysroot "$root" --pfn 1
	fails_with 3 'hwpoison-inject: /proc/kpageflags: Permission denied (try as root)' \
		unprivileged hwpoison-inject --sysroot "$root" --list
	injected
}

@test "standard output that is full or closed" {
	[ -w /dev/full ] || skip "no /dev/full here"
	machine - 'anon,lru*4'
	status=0
	hwpoison-inject --sysroot "$root" --pfn 1+3 > /dev/full 2> "$BATS_TEST_TMPDIR/stderr" || status=$?
	stderr_file=$BATS_TEST_TMPDIR/stderr stdout_file=/dev/null
	status_is 5
	stderr_is 'hwpoison-inject: 0 pages were poisoned of 3 chosen: the report could not be written' \
		'hwpoison-inject: standard output: No space left on device'
	injected 0x1 0x2 0x3
	status=0
	hwpoison-inject --sysroot "$root" --pfn 1 --list-targets > /dev/full 2> "$stderr_file" || status=$?
	status_is 1
	stderr_is 'hwpoison-inject: standard output: No space left on device'
}
