#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject on a --sysroot tree: what is chosen, and what would become of it.

# Set in helper.bash: $root, $hwpoison, $stdout_file, $stderr_file, $status.
# shellcheck disable=SC2154,SC2030,SC2031
load inject

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
