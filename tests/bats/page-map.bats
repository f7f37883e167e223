#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-map --once: what it shows of a --sysroot tree and of copies, and what the keys do.

# Set in helper.bash: $root, $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper
load page-map
load page-map-frame

setup() {
	unset TERM
	export LC_ALL=C.UTF-8
	make_machine
}

# ------------------------------------------------------------------------- the screens

@test "memory: each page a cell, without gaps" {
	shows <<-'END'
	page-map > memory
	kind: 640 pages (2.5 MiB), a cell is a page
	           0x0 RRRR------------------------------------------------------------
	          0x40 ----------------------------------------AAAAAAAAAAAAAAAAAAAAAAAA
	          0x80 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
	          0xc0 AAAAAAAAAAAAFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFSS
	         0x100 SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSXSSSSSSSSSTTTTTTTTTTTTTTTTTTTT
	         0x140 TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTFFFFFFFFFFFFFFFFFFFF
	         0x180 FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF
	         0x1c0 FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF
	         0x200 FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF
	         0x240 FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFX

	X poisoned 2   F file 325   A anon 100   - free 100   T thp 64   S slab 45
	R reserved 4

	0x0 reserved

	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
}

@test "memory blocks" {
	make_blocks
	shows --keys Tab <<-'END'
	page-map > memory blocks
	 BLOCK^  NODE        PFN    PAGES     FREE     USER     HUGE  POISONED STATE
	      0     0        0x0    32768    16368     8192        0         1 online
	      1     1     0x8000        0        0        0        0         0 offline
	      2     1    0x10000      128      127        0        0         1 online

	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
	shows --keys 'Tab Down Enter' <<-'END'
	page-map > memory blocks > block 1
	kind: 0 pages (0 KiB), a cell is a page

	there is no memory here

	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
}

@test "nodes that share a memory block" {
	make_blocks
	mkdir "$root/sys/devices/system/node/node1/memory0"
	cat >"$root/proc/zoneinfo" <<-'END'
	Node 0, zone    DMA32
	        spanned  16384
	  start_pfn:           0
	Node 1, zone   Normal
	        spanned  49280
	  start_pfn:           16384
	END
	[[ $(row 3 --keys Tab) == '      0   0,1        0x0 '* ]]
	[[ $(row 6) == 'N0      0x3000 '* ]]
	[[ $(row 7) == 'N1      0x4000 '* ]]
	# A node that is not number 1, but 8.
	mv "$root/sys/devices/system/node/node1" "$root/sys/devices/system/node/node8"
	sed -i 's/^Node 1/Node 8/' "$root/proc/zoneinfo"
	[[ $(row 7) == 'N8      0x4000 '* ]]
}

@test "processes, by what is resident" {
	shows --keys 'Tab Tab' <<-'END'
	page-map > processes
	     PID  RESIDENTv  POISONED      HUGE   SWAPPED COMMAND
	       7          7         1         2         1 usemem
	       8          1         0         0         0 sleeper

	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
}

@test "from a process to its mappings, to their pages, to a page" {
	shows --keys 'Tab Tab Down Enter' <<-'END'
	page-map > processes > 8 sleeper
	        START^ PERM   PAGES  PRESENT  POISONED    HUGE  SWAPPED MAPPING
	           all            -        1         0       0        0 all mappings
	       0x10000 rw-p       1        1         0       0        0 anonymous

	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
	shows --keys 'Tab Tab Enter Enter' <<-'END'
	page-map > processes > 7 usemem > all mappings
	kind: 8 pages (32 KiB), a cell is a page
	       0x10000 AA~AFXTT

	X poisoned 1   A anon 3   T thp 2   ~ swapped 1   F file 1

	0x10000 rw-p [heap] PFN 0x68 uptodate,lru,mmap,anonymous,swapbacked

	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
	shows --keys 'Tab Tab Down Enter Down Enter Enter' <<-'END'
	page-map > processes > 8 sleeper > anonymous > page 0x10000
	                                                                            80%
	 in process  8 at 0x10000, pagemap entry 0x808000000000006e
	 PFN         0x6e (110)
	 address     0x6e000 (physical)
	 kind        anon
	 flags       0x0000000000005828
	   uptodate        its contents are valid: read from the device, or newer
	   lru             on one of the LRU lists
	   mmap            mapped by a process
	   anonymous       mapped, and not part of a file
	   swapbacked      backed by swap: anonymous, shmem or tmpfs
	   softdirty       pagemap: written since the soft-dirty bits were cleared
	 map count   1
	 cgroup      not known
	 node        not known
	 folio       order 0: 1 page from PFN 0x6e on
	 an error    would be "dirty LRU page: Recovered"
	             at once: BUS_MCEERR_AO to early processes
	             when it is touched: BUS_MCEERR_AR

	 page 0x6e (physical 0x6e000): anon, mapped 1 time, flags uptodate,lru,mmap,

	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
}

@test "--pid: the mappings, and by Tab the pages" {
	shows --pid 7 <<-'END'
	page-map > 7 usemem
	        START^ PERM   PAGES  PRESENT  POISONED    HUGE  SWAPPED MAPPING
	           all            -        7         1       2        1 all mappings
	       0x10000 rw-p       5        3         0       0        1 [heap]
	       0x20000 rw-p       4        4         1       2        0 anonymous

	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
	shows --pid 7 --keys Tab <<-'END'
	page-map > pages of 7
	kind: 8 pages (32 KiB), a cell is a page
	       0x10000 AA~AFXTT

	X poisoned 1   A anon 3   T thp 2   ~ swapped 1   F file 1

	0x10000 rw-p [heap] PFN 0x68 uptodate,lru,mmap,anonymous,swapbacked

	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
	[ "$(row 1 --pid 7 --keys 'Tab Tab' | bare)" = 'page-map > 7 usemem' ]
}

@test "a page of memory, with its owners" {
	shot --sysroot "$root" --keys 'g 290 Enter Enter' --size 80x24
	bare "$stdout_file" | grep -qx 'page-map > memory > page 0x122'
	stdout_has ' PFN         0x122 (290)' ' address     0x122000 (physical)' \
		' an error    has happened: the page is poisoned' \
		' folio       order 0: 1 page from PFN 0x122 on'
	grep -q '^   hwpoison   ' "$stdout_file" || complain "no flag"
	run_split page-map --sysroot "$root" --once --keys 'g 104 Enter Enter' --size 100x60
	status_is 0
	stdout_has ' kind        anon' ' map count   1' ' node        not known' ' cgroup      not known' \
		'   anonymous       mapped, and not part of a file'
	grep -qE '\b7\b.*usemem.*0x10000|0x10000.*\b7\b' "$stdout_file" || complain "no owner"
}

@test "a tail of a huge page" {
	run_split page-map --sysroot "$root" --once --keys 'g 301 Enter Enter' --size 100x60
	stdout_has ' kind        thp' ' folio       order 6: 64 pages from PFN 0x12c on (this is a tail)'
}

# forecast FLAGS LINE...: what is said of an error in a page with these flags that is
# mapped once.
forecast() {
	dump "$root/proc/kpageflags" 'reserved*4' "$1"
	put_words "$root/proc/kpagecount" '0*4' "${mapped:-1}"
	run_split page-map --sysroot "$root" --once --keys 'g 4 Enter Enter' --size 100x50
	status_is 0
	diff -u <(printf '%s\n' "${@:2}") <(sed -n '/^ an error/,/^$/{/^$/d;p}' "$stdout_file") ||
		complain "of $1"
}

@test "what an error in a page would do" {
	local lost=' what was written to it is lost: fsync(2) fails once'

	forecast lru,uptodate,mmap,anon,swapbacked ' an error    would be "dirty LRU page: Recovered"' \
		'             at once: BUS_MCEERR_AO to early processes' \
		'             when it is touched: BUS_MCEERR_AR'
	forecast lru,uptodate,mmap,dirty ' an error    would be "dirty LRU page: Recovered"' \
		'             at once: BUS_MCEERR_AO to early processes' \
		'             when it is touched: BUS_MCEERR_AR' "            $lost"
	forecast lru,uptodate,mmap ' an error    would be "clean LRU page: Recovered"' \
		'             at once: nobody is signalled' \
		'             when it is touched: nobody is signalled'
	mapped=0 forecast lru,uptodate,dirty ' an error    would be "dirty LRU page: Recovered"' \
		'             at once: nobody is signalled' \
		'             when it is touched: nobody is signalled' "            $lost"
	forecast lru,uptodate,mmap,swapbacked ' an error    would be "clean LRU page: Recovered"' \
		'             at once: nobody is signalled' \
		'             when it is touched: BUS_MCEERR_AR' '             it stays in the file until that is truncated or removed'
	forecast lru,uptodate,mmap,swapbacked,dirty ' an error    would be "dirty LRU page: Recovered"' \
		'             at once: BUS_MCEERR_AO to early processes' \
		'             when it is touched: BUS_MCEERR_AR' '             it stays in the file until that is truncated or removed'
	forecast slab ' an error    would be "a page of the kernel: Ignored"' \
		'             at once: nobody is signalled' \
		'             when it is touched: nobody is signalled' \
		'             the kernel goes on to use it'
	forecast hwpoison ' an error    has happened: the page is poisoned'
}

@test "help: the keys of the man page, in the same order, and no others" {
	local man=$BATS_TEST_DIRNAME/../../man/page-map.1

	run_split page-map --sysroot "$root" --once --keys F1 --size 80x99
	status_is 0
	# The movements are one item of the man page; some pairs are, too.
	diff -u --label man --label help <(
		sed -n '/^\.Ss Keys/,/^\.El/{s/^\.It Ic //p}' "$man" | sed 's/\\e/\\/g' | tr ' ' '\n'
	) <(
		sed -n '3,$p' "$stdout_file" | sed '/^$/,$d' | grep -v '^     ' | cut -c 2-15 |
			grep -v '^double click' | tr -s ' ' '\n' | sed '/^$/d'
	)
}

# ------------------------------------------------------------------------------ copies

@test "a dump, and a raw copy: the same picture as that of the machine" {
	local copy=$BATS_TEST_TMPDIR/copy

	shot --sysroot "$root"
	sed 1d "$BATS_TEST_TMPDIR/bare" > "$BATS_TEST_TMPDIR/machine"
	: > "$root/proc/kpagecgroup"
	put_words "$root/proc/kpagecgroup" '0*640'
	page-types --sysroot "$root" --dump "$copy"
	shot --kpageflags "$copy"
	[ "$(head -n 1 "$BATS_TEST_TMPDIR/bare")" = "$copy > memory" ]
	diff -u "$BATS_TEST_TMPDIR/machine" <(sed 1d "$BATS_TEST_TMPDIR/bare")
	shot -F "$root/proc/kpageflags"
	diff -u "$BATS_TEST_TMPDIR/machine" <(sed 1d "$BATS_TEST_TMPDIR/bare")
	# A dump has map counts, a copy of the flags has none; neither has processes.
	shot -F "$copy" --scheme mapcount
	grep -q '1 once 164 ' "$stdout_file"
	shot -F "$root/proc/kpageflags" --scheme mapcount
	grep -q '^X poisoned 2   ? not known 638$' "$stdout_file"
	shot -F "$copy" --keys 'Tab Tab'
	[ "$(head -n 1 "$BATS_TEST_TMPDIR/bare")" = "$copy > memory" ]
}

@test "a copy without a page" {
	: > "$BATS_TEST_TMPDIR/empty"
	run_split page-map --once -F "$BATS_TEST_TMPDIR/empty" \
		--keys 'Enter + p g 1 Enter m Space Down End F4 slab Enter'
	status_is 1
	stderr_is 'page-map: hwpoison: there is none here' 'page-map: 1: there is no page here' \
		'page-map: there is no page here'
	grep -qx 'there is no memory here' "$stdout_file"
	run_split page-map --once -F "$BATS_TEST_TMPDIR/empty" --keys 'Tab Enter p n > Down'
	status_is 1
	stderr_is 'page-map: nothing here is poisoned' \
		'page-map: nothing was searched for yet (F3 or /)'
	grep -qx 'there is nothing' "$stdout_file"
}

@test "a dump that ends early" {
	local copy=$BATS_TEST_TMPDIR/copy

	page-types --sysroot "$root" --dump "$copy" 2> "$BATS_TEST_TMPDIR/missing"
	truncate -s -5 "$copy"
	fails_with 1 "page-map: --kpageflags: $copy: truncated or damaged dump" \
		page-map --once -F "$copy"
	head -c 101 "$root/proc/kpageflags" > "$copy"
	fails_with 1 "page-map: --kpageflags: $copy: truncated, or no dump: not a whole number of 8-byte entries" \
		page-map --once -F "$copy"
}

# -------------------------------------------------------------------- holes and the zoom

@test "holes take no screen, poison is seen at each zoom" {
	local keys='' zooms=0

	make_blocks
	shows <<-'END'
	page-map > memory
	kind: 32896 pages (128 MiB), a cell is 64 pages (256 KiB)
	N0         0x0 ----------------------------------------------------------------
	N0      0x1000 ----------------------------------------------------------------
	N0      0x2000 ----------------------------------------------------------------
	N0      0x3000 ----------------------------------------------------------------
	N0      0x4000 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
	N0      0x5000 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
	N0      0x6000 XSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS
	N0      0x7000 SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS
	N1     0x10000 -X

	X poisoned 2   - free 16495   A anon 8192   S slab 8191   R reserved 16

	0x0-0x3f node 0 free 48 reserved 16

	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
	# From all on one screen down to a page a cell, at either poisoned page.
	for keys in '' '+' '+ +' '+ + +'; do
		shot --sysroot "$root" --keys "g 24576 Enter $keys"
		sed -n 3,18p "$stdout_file" | grep -q X || complain "lost at $keys"
		shot --sysroot "$root" --keys "$keys g 0x10064 Enter"
		sed -n 3,18p "$stdout_file" | grep -q X || complain "lost at $keys"
		zooms=$((zooms + 1))
	done
	[ "$zooms" -eq 4 ]
	alerts '0x8000: there is no page here' 'g 0x8000 Enter'
	alerts '0xffff: there is no page here' 'g 0xffff Enter'
	at '0x10000 node 1 buddy' '+ + + + g 0x10000 Enter'
	# The line before a hole goes on behind it.
	at '0x7fff node 0 slab' '+ + + + g 0x7fff Enter'
	at '0x10000 node 1 buddy' '+ + + + g 0x7fff Enter Right'
	at '0x7fff node 0 slab' '+ + + + g 0x10000 Enter Left'
}

@test "zoom: in, out, all, into a cell and back" {
	make_blocks
	[[ $(row 2 --keys '') == *'a cell is 64 pages (256 KiB)' ]]
	[[ $(row 2 --keys '+') == *'a cell is 16 pages (64 KiB)' ]]
	[[ $(row 2 --keys '+ +') == *'a cell is 4 pages (16 KiB)' ]]
	[[ $(row 2 --keys '+ + + + +') == *'a cell is a page' ]]
	[[ $(row 2 --keys '+ + + -') == *'a cell is 4 pages (16 KiB)' ]]
	[[ $(row 2 --keys '+ - -') == *'a cell is 64 pages (256 KiB)' ]]
	[[ $(row 2 --keys '+ + + 0') == *'a cell is 64 pages (256 KiB)' ]]
	[[ $(row 2 --keys 'Enter') == *'a cell is a page' ]]
	[[ $(row 2 --keys 'Enter Esc') == *'a cell is 64 pages (256 KiB)' ]]
	# Where one was.
	at '0x40-0x7f' 'Right Enter Down Backspace'
	at '0x46 ' 'Right Enter Right Right Right Right Right Right'
	[ "$(row 1 --keys 'Right Enter Enter' | bare)" = 'page-map > memory > page 0x40' ]
	[ "$(row 1 --keys 'Right Enter Enter Esc Esc Esc' | bare)" = 'page-map > memory' ]
}

# ------------------------------------------------------------------ filter, sort, tags

@test "filter: what does not match is left out, poison is not" {
	shows --keys 'F4 slab Enter' <<-'END'
	page-map > memory
	kind: 640 pages (2.5 MiB), a cell is a page, only slab
	           0x0 ''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''
	          0x40 ''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''
	          0x80 ''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''
	          0xc0 ''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''SS
	         0x100 SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSXSSSSSSSSS''''''''''''''''''''
	         0x140 ''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''
	         0x180 ''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''
	         0x1c0 ''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''
	         0x200 ''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''
	         0x240 '''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''X

	X poisoned 2   S slab 45   ' left out 593

	0x0 reserved

	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
	[[ $(row 2 --keys '\ slab Enter \ Enter') != *only* ]]
	alerts 'bogus: no such flag' '\ bogus Enter'
	# What was before stays.
	[[ $(row 2 --keys '\ slab Enter \ bogus Enter') == *', only slab' ]]
	shows --keys 'Tab Tab F4 sle Enter' <<-'END'
	page-map > processes
	     PID  RESIDENTv  POISONED      HUGE   SWAPPED COMMAND
	       8          1         0         0         0 sleeper

	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
	shot --sysroot "$root" --keys 'Tab Tab F4 nobody Enter Enter'
	stdout_has 'nothing has that in its name'
}

@test "sort by each column in turn" {
	says 'sorted by POISONED' 'Tab Tab F6'
	says 'sorted by HUGE' 'Tab Tab F6 >'
	says 'sorted by SWAPPED' 'Tab Tab > > >'
	says 'sorted by COMMAND' 'Tab Tab > > > >'
	says 'sorted by PID' 'Tab Tab > > > > >'
	shows --keys 'Tab Tab > > > >' <<-'END'
	page-map > processes
	     PID   RESIDENT  POISONED      HUGE   SWAPPED COMMAND^
	       8          1         0         0         0 sleeper
	       7          7         1         2         1 usemem

	sorted by COMMAND
	F1Help TabNext F3Search F4Filter F5Look F6Sort gGo cScheme F9Act F10Quit
	END
	# The largest first, and of the same those as they came.
	[[ $(row 3 --keys 'Tab Tab >') == *usemem ]]
	[[ $(row 3 --keys 'Tab Tab > > > > >') == *usemem ]]
}

@test "tags" {
	[[ $(row 2 --keys 'Space') == *', 1 tagged' ]]
	[[ $(row 2 --keys 'Space Space Space') == *', 3 tagged' ]]
	[[ $(row 2 --keys 'Space Home Space') != *tagged* ]]
	[[ $(row 2 --keys 'Space Space U') != *tagged* ]]
	# The next one is at the cursor then.
	at '0x2 reserved' 'Space Space'
	make_blocks
	alerts 'a cell is several pages here: zoom in to choose one' Space
	alerts 'a page is tagged or poisoned where pages are shown: go down with Enter' 'Tab Space'
}

# ------------------------------------------------------------------- schemes, the rest

@test "schemes: each in turn, and by name" {
	local name names=(kind age order node mapcount dirty cgroup kind) keys='' i

	for i in "${!names[@]}"; do
		name=${names[i]}
		shot --sysroot "$root" --keys "$keys"
		cp "$BATS_TEST_TMPDIR/bare" "$BATS_TEST_TMPDIR/by-key"
		shot --sysroot "$root" --scheme "$name"
		diff -u "$BATS_TEST_TMPDIR/by-key" "$BATS_TEST_TMPDIR/bare"
		keys="$keys c"
	done
}

@test "schemes: what each of them shows" {
	legend() {
		row 19 --scheme "$1" "${@:2}"
		sed -n 20,21p "$stdout_file" | sed '/^$/d'
	}
	diff -u - <(for s in age order node mapcount dirty cgroup; do legend "$s"; done) <<-'END'
	X poisoned 2   I inactive 439   - free 100   H active, referenced 50
	N on no LRU list 49
	X poisoned 2   0 order 0 474   - free 100   6 order 6 64
	X poisoned 2   ? not known 638
	X poisoned 2   0 not mapped 424   1 once 164   2 twice 10   4 3 to 4 times 10
	8 5 to 8 times 10   T 9 to 32 times 10   M more often 10
	X poisoned 2   C clean 425   N no user page 149   D dirty 64
	X poisoned 2   ? not known 638
	END
	# Soft-dirty is of the page table.
	[ "$(legend dirty -p 8 --keys Tab)" = 'S soft-dirty 1' ]
	# A page of each cgroup: one whose directory is there, one that is gone.
	mkdir -p "$root/sys/fs/cgroup/mine"
	touch "$root/sys/fs/cgroup/"{cgroup.controllers,cgroup.procs,memory.stat} \
		"$root/sys/fs/cgroup/mine/"{cgroup.controllers,cgroup.type,memory.stat}
	echo 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0' > "$root/proc/mounts"
	put_words "$root/proc/kpagecgroup" '0*104' "$(stat -c %i "$root/sys/fs/cgroup/mine")*100" '3*50' '0*386'
	[ "$(legend cgroup)" = 'X poisoned 2   - charged to none 488   A /sys/fs/cgroup/mine 100   B @3 50' ]
	make_blocks
	[ "$(legend node)" = 'X poisoned 2   0 node 0 32767   1 node 1 127' ]
}

@test "a legend that is too long says how much is left out" {
	local name words=()

	mkdir -p "$root/sys/fs/cgroup"
	touch "$root/sys/fs/cgroup/"{cgroup.controllers,cgroup.procs,memory.stat}
	echo 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0' > "$root/proc/mounts"
	# Of different sizes, so that their order is known; a name is longer than there is room.
	for name in {a..h}; do
		name=$root/sys/fs/cgroup/$name-long-name-of-a-control-group-of-many
		mkdir "$name"
		touch "$name/"{cgroup.controllers,cgroup.type,memory.stat}
		words+=("$(stat -c %i "$name")*$((80 - ${#words[@]}))")
	done
	put_words "$root/proc/kpagecgroup" "${words[@]}" '0*28'
	# The fourth has the huge page, too.
	diff -u - <(row 19 --scheme cgroup; line 20; line 21) <<-'END'
	X poisoned 2   D <long-name-of-a-control-group-of-many 126
	A <long-name-of-a-control-group-of-many 80
	B <long-name-of-a-control-group-of-many 79   +6 more
	END
	# With room for all, nothing is left out.
	run_split page-map --once --sysroot "$root" --scheme cgroup --size 200x24
	[ "$(grep -o 'of-many ' "$stdout_file" | wc -l)" -eq 8 ] || complain "not all of them"
	! grep more "$stdout_file" || complain "nothing is left out"
}

@test "mark, freeze, failure, injection" {
	says 'marked: what changes from now on stands out' m
	says 'the mark is gone' 'm m'
	[[ $(row 2 --keys m) == *', marked' ]]
	[[ $(row 2 --keys 'm F5 r') == *', marked' ]]
	says 'frozen' z
	says 'refreshed by itself again' 'z z'
	[[ $(row 1 --keys z) == *', frozen' ]]
	alerts 'no memory failure has happened since the start' f
	alerts 'only with --allow-inject' F9
	alerts 'only with --allow-inject' 'g 290 Enter Enter k'
}

@test "q ends it: later keys are not pressed" {
	at '0x1 reserved' 'Right q Right Right'
	at '0x1 reserved' 'Right F10 Right Right'
}

# ------------------------------------------------------------------------- picture, text

# The picture: what the look has cost is another number each time.
without_cost() {
	grep -v ' Mpages/s' "$1"
}

@test "--svg: a picture with a legend, with and without --once" {
	local svg=$BATS_TEST_TMPDIR/a.svg

	run_split page-map --sysroot "$root" --svg "$svg"
	status_is 0
	stdout_is
	stderr_is
	if command -v xmllint > /dev/null; then
		xmllint --noout --nonet "$svg"
	else
		python3 -c 'import sys, xml.dom.minidom as d; d.parse(sys.argv[1])' "$svg"
	fi
	grep -q 'width="720" height="432"' "$svg"
	grep -q '>anon 100<' "$svg" || grep -q 'anon 100' "$svg"
	grep -q 'poisoned 2' "$svg"
	# Poison in red, and as a letter.
	grep -q 'fill="#ff0000"' "$svg"
	grep -q '>X<' "$svg"
	[ "$(grep -c '<rect' "$svg")" -gt 20 ]
	# Each as it is alone: the text in letters, the picture in blocks.
	cp "$svg" "$svg.alone"
	shot --sysroot "$root"
	cp "$BATS_TEST_TMPDIR/bare" "$BATS_TEST_TMPDIR/text-alone"
	shot --sysroot "$root" --svg "$svg"
	diff -u "$BATS_TEST_TMPDIR/text-alone" "$BATS_TEST_TMPDIR/bare"
	diff -u <(without_cost "$svg.alone") <(without_cost "$svg")
	shot --sysroot "$root" --svg "$svg" --keys l
	grep -q '████' "$stdout_file"
	grep -q '>RRR<' "$svg"
	shot --sysroot "$root" --svg "$svg" --letters --keys Space
	sed -n 3p "$stdout_file" | grep -q RRRR-
	grep -q '>RR<' "$svg"
	grep -q 'stroke="#ffff00"' "$svg"
}

@test "--svg: names are escaped" {
	sed -i '1s/usemem/<\&">/' "$root/proc/7/status"
	run_split page-map --sysroot "$root" --svg "$BATS_TEST_TMPDIR/a.svg" --keys 'Tab Tab'
	status_is 0
	grep -q '&lt;&amp;"&gt;' "$BATS_TEST_TMPDIR/a.svg"
	! command -v xmllint > /dev/null || xmllint --noout --nonet "$BATS_TEST_TMPDIR/a.svg"
}

is_ascii() {
	if LC_ALL=C grep -n '[^ -~]' "$stdout_file"; then
		return 1
	fi
}

@test "--letters, --ascii, LC_ALL=C: nothing but ASCII" {
	local keys

	sed -i '1s/usemem/größe/' "$root/proc/7/status"
	for keys in '' l 'Tab Tab' 'Tab Tab Enter' 'c c' F1 'Tab Tab / größ'; do
		shot --sysroot "$root" --ascii --keys "$keys"
		is_ascii
		LC_ALL=C shot --sysroot "$root" --keys "$keys"
		is_ascii
	done
	# Blocks are for those who ask for them.
	shot --sysroot "$root"
	is_ascii
	shot --sysroot "$root" --keys l
	grep -q '████' "$stdout_file"
	[[ $(row 3 --keys 'Tab Tab') == *größe ]]
}

@test "--size" {
	run_split page-map --sysroot "$root" --once --size 120x40
	status_is 0
	[ "$(wc -l < "$stdout_file")" -eq 40 ]
	[ "$(sed -n 3p "$stdout_file" | wc -m)" -eq $((15 + 96 + 1)) ]
	run_split page-map --sysroot "$root" --once --size 1000x1000
	status_is 0
	[ "$(wc -l < "$stdout_file")" -eq 1000 ]
}

# ------------------------------------------------------------------------ what is wrong

# refuses MESSAGE ARGUMENT...
refuses() {
	local message=$1

	shift
	run_split page-map "$@"
	status_is 2
	stderr_is "page-map: $message" "Try 'page-map --help'."
	stdout_is
}

@test "wrong command lines" {
	local size

	refuses '--bogus: unknown option' --bogus
	refuses '-Z: unknown option' -Z
	refuses 'x: unexpected argument' --once x
	refuses '--pid: missing argument' --once --pid
	refuses '--pid: 0: not a process number' --once -p 0
	refuses '--pid: -1: not a process number' --once -p -1
	refuses '--pid: x: not a process number' --once -p x
	refuses '--pid: a copy has no processes (--kpageflags)' --once -p 7 -F copy
	refuses '--kpageflags: given twice' --once -F a -F b
	refuses '--sysroot: given twice' --once --sysroot a --sysroot b
	refuses '--svg: given twice' --svg a --svg b
	refuses '--keys: given twice' --once --keys a --keys b
	refuses '--pid: given twice' --once -p 7 --pid 8
	refuses '--size: given twice' --once --size 80x24 --size 100x30
	refuses '--scheme: given twice' --once --scheme kind --scheme kind
	refuses '--delay: given twice' --delay 2 --delay 2
	refuses '--scheme: colour: not one of kind, age, order, node, mapcount, dirty, cgroup' \
		--scheme colour
	refuses '--delay: 0: not a number of seconds' --delay 0
	refuses '--delay: x: not a number of seconds' --delay x
	refuses '--keys: only with --once or --svg' --keys q
	refuses '--size: only with --once or --svg' --size 80x24
	refuses '--allow-inject: not with --once and --svg: nobody is there to be asked' \
		--once --allow-inject
	refuses '--allow-inject: not with --once and --svg: nobody is there to be asked' \
		--svg a --allow-inject
	refuses '--allow-inject: copy: a copy of a machine can'"'"'t be poisoned' -F copy --allow-inject
	refuses '--allow-inject: tree: a copy of a machine can'"'"'t be poisoned' \
		--sysroot tree --allow-inject
	for size in 79x24 80x23 1001x24 80x1001 0x0; do
		refuses "--size: $size: from 80x24 to 1000x1000" --once --size "$size"
	done
	for size in 80 80x 80x24x x24 80-24 99999x24; do
		refuses "--size: $size: not COLUMNSxLINES, as 120x40" --once --size "$size"
	done
}

@test "--help, --usage, --version" {
	run_split page-map --help
	status_is 0
	stderr_is
	stdout_has 'What:' 'How:' 'Without a terminal:'
	run_split page-map --usage
	status_is 0
	grep -q '^Usage: page-map \[' "$stdout_file"
	run_split page-map --version
	status_is 0
	grep -qx 'page-map (hwpoison-tools) [0-9]*\.[0-9]*\.[0-9]*' "$stdout_file"
}

@test "what can't be read: status 1, 3 or 4" {
	local copy=$BATS_TEST_TMPDIR/copy

	fails_with 1 "page-map: --kpageflags: $copy: No such file or directory" page-map --once -F "$copy"
	fails_with 1 "page-map: --kpageflags: $root: Is a directory" page-map --once -F "$root"
	fails_with 1 "page-map: $copy: No such file or directory" page-map --once --sysroot "$copy"
	rm "$root/proc/kpageflags"
	fails_with 4 'page-map: /proc/kpageflags: not there (a kernel without CONFIG_PROC_PAGE_MONITOR, or a container'"'"'s /proc)' \
		page-map --once --sysroot "$root"
}

@test "a file that may not be read: status 3" {
	needs_unprivileged page-map
	chmod 755 "$root" "$root/proc"
	chmod 0 "$root/proc/kpageflags"
	run_split unprivileged page-map --once --sysroot "$root"
	status_is 3
	stdout_is
	[[ $(< "$stderr_file") == 'page-map: /proc/kpageflags: '* ]] || complain "another message"
	run_split unprivileged page-map --once -F "$root/proc/kpageflags"
	status_is 3
}

@test "a process that is not there" {
	fails_with 1 'page-map: --pid: 99: no such process, or a thread of the kernel' page-map --once --sysroot "$root" -p 99
	# It goes away between the list and its mappings.
	rm -r "$root/proc/8/maps" "$root/proc/8/pagemap"
	alerts '8 sleeper: it has ended' 'Tab Tab g 8 Enter Enter'
}

@test "a full disk" {
	fails_with 1 'page-map: --svg: /dev/full: No space left on device' \
		page-map --sysroot "$root" --svg /dev/full
	fails_with 1 "page-map: --svg: $root/none/a: No such file or directory" \
		page-map --sysroot "$root" --svg "$root/none/a"
	status=0
	page-map --sysroot "$root" --once > /dev/full 2> "$BATS_TEST_TMPDIR/stderr" || status=$?
	[ "$status" -eq 1 ]
	[ "$(< "$BATS_TEST_TMPDIR/stderr")" = 'page-map: standard output: No space left on device' ]
}

@test "no terminal: refused, with a hint at --once" {
	fails_with 2 'page-map: not on a terminal (try --once, which prints a frame)' \
		page-map --sysroot "$root" < /dev/null
}

@test "the machine itself: PFNs are hidden from a user without rights" {
	[ -r /proc/kpageflags ] || [ -e /proc/kpageflags ] || skip "no /proc/kpageflags here"
	needs_unprivileged page-map
	run_split unprivileged page-map --once
	status_is 3
	stdout_is
	[[ $(< "$stderr_file") == 'page-map: '* ]] || complain "no message"
}
