#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types --order: folios by their size, of copies and of --sysroot trees.

# Set in helper.bash: $root, $hwpoison, $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper

setup() {
	[ "$(page_size)" -eq 4096 ] || skip "the sizes are those of 4 KiB pages"
	mem=$BATS_TEST_TMPDIR/mem
}

# Old: a tail shows little by itself. New, from 6.12 on: what its head shows.
ANON=uptodate,lru,mmap,anon,swapbacked
OLD_TAIL=tail,mmap,anon,thp

# A little of everything, 96 pages.
everything() {
	dump "$mem" reserved "$ANON*3" 'lru,uptodate*4' \
		"$ANON,thp,head" "$OLD_TAIL*7" \
		"$ANON,thp,head" "$ANON,thp,tail*7" \
		slab,head 'tail*3' slab head 'tail' pgtable \
		'buddy*16' lru,swapbacked,head 'tail*15' huge,head 'huge,tail*15' lru,swapbacked \
		'-*15'
}

json() {
	run_split page-types --json "$@"
	status_is 0
	stderr_is
	"$BATS_TEST_DIRNAME/../check-json" < "$stdout_file"
}

fields() {
	jq -r "[$1] | map(tostring) | join(\" \")" "$stdout_file"
}

# orders ARGUMENT...: kind, order, folios and pages, a row each, of what it prints.
orders() {
	run_split page-types --order "$@"
	status_is 0
	stderr_is
	awk 'NR > 1 {print $3, $1, $4, $5}' "$stdout_file"
}

# ------------------------------------------------------------------- the machine

@test "the machine: folios by kind and size, free pages and the kernel's single ones left out" {
	everything
	prints page-types --order -F "$mem" <<-'END'
	order  size   kind        folios      pages       MB
	0      4K     anon             3          3        0
	3      32K    anon             2         16        0
	0      4K     file             4          4        0
	0      4K     shm              1          1        0
	4      64K    shm              1         16        0
	4      64K    hugetlb          1         16        0
	0      4K     slab             1          1        0
	2      16K    slab             1          4        0
	1      8K     other            1          2        0
	END
}

@test "sizes and megabytes of large folios" {
	dump "$mem" lru,head 'tail*511' huge,head 'huge,tail*262143'
	prints page-types --order -F "$mem" <<-'END'
	order  size   kind        folios      pages       MB
	9      2M     file             1        512        2
	18     1G     hugetlb          1     262144     1024
	END
}

@test "a folio may lie across batches, whoever reads them" {
	local jobs

	# 8192 pages are a batch.
	dump "$mem" 'lru*8000' lru,head 'lru,tail*255' lru,head 'tail*16383' 'lru*5'
	for jobs in 1 2 7; do
		diff -u - <(orders -F "$mem" -j $jobs) <<-'END'
			file 0 8005 8005
			file 8 1 256
			file 14 1 16384
		END
	done
}

@test "a copy that ends within a folio, a head without tails, tails without a head" {
	dump "$mem" 'tail*2' lru lru,head lru,head lru,tail huge,head 'tail*5'
	diff -u - <(orders -F "$mem") <<-'END'
		file 0 2 2
		file 1 1 2
		hugetlb 3 1 6
		other 0 2 2
	END
}

@test "nothing is there, or nothing is chosen: no table" {
	: > "$mem"
	run_split page-types --order -F "$mem" < /dev/null
	status_is 0
	stderr_is "page-types: --kpageflags: $mem: empty: it has no page"
	stdout_is
	everything
	prints page-types --order -F "$mem" -b hwpoison < /dev/null
	prints page-types --order -F "$mem" -N < /dev/null
}

@test "--bits: pages of folios, which keep their size" {
	everything
	diff -u - <(orders -F "$mem" -b anon) <<-'END'
		anon 0 3 3
		anon 3 2 16
	END
	# The tails of old kernels are not on an LRU list, by their flags.
	diff -u - <(orders -F "$mem" -b lru) <<-'END'
		anon 0 3 3
		anon 3 2 9
		file 0 4 4
		shm 0 1 1
		shm 4 1 1
	END
	diff -u - <(orders -F "$mem" -r -b compound_tail -b '~anon') <<-'END'
		shm 4 1 15
		hugetlb 4 1 15
		slab 2 1 3
		other 1 1 1
	END
}

@test "--addr: what lies outside of the ranges is not counted, but seen" {
	everything
	# The second page of the first folio, the third of it, one of the second.
	diff -u - <(orders -F "$mem" -a 18 -a 10 -a 9) <<-'END'
		anon 3 2 3
	END
	diff -u - <(orders -F "$mem" -a 9 -a 11) <<-'END'
		anon 3 1 2
	END
	orders -F "$mem" > "$BATS_TEST_TMPDIR/whole"
	orders -F "$mem" -a 50, -a 10,50 -a ,10 | diff -u "$BATS_TEST_TMPDIR/whole" -
	fails_with 1 "page-types: --addr: page 0x100: $mem ends at page 0x60" \
		page-types --order -F "$mem" -a 0x100
}

@test "--cgroup: that of a folio's first page is that of all" {
	make_root
	everything
	cp "$mem" "$root/proc/kpageflags"
	# Only the new kernels name it for the tails.
	put_u64 "$root/proc/kpagecgroup" 0 0 11 12 11 0 0 0 0 11 0 0 0 0 0 0 0 11 11 11 11 11 11 11 11
	put_u64 "$root/proc/kpagecgroup" 95 0
	diff -u - <(orders --sysroot "$root" -c @11) <<-'END'
		anon 0 2 2
		anon 3 2 16
	END
	diff -u - <(orders --sysroot "$root" -c @11 -a 10+2) <<-'END'
		anon 3 1 2
	END
	diff -u - <(orders --sysroot "$root" -c @11 -b lru) <<-'END'
		anon 0 2 2
		anon 3 2 9
	END
}

@test "--pfn and --node: as with --addr" {
	everything
	diff -u - <(orders -F "$mem" --pfn 18,9-10,50) <<-'END'
		anon 3 2 3
		shm 4 1 1
	END
	diff -u - <(orders -F "$mem" --pfn 9-20 -a 11+8) <<-'END'
		anon 3 2 8
	END
	make_root
	cp "$mem" "$root/proc/kpageflags"
	# Blocks of 12 pages: the first one ends within a folio.
	mkdir -p "$root"/sys/devices/system/{memory,node/node0/memory0,node/node1/memory{1,2,3,4,5,6,7}}
	printf '%x\n' $((12 * 4096)) > "$root/sys/devices/system/memory/block_size_bytes"
	diff -u - <(orders --sysroot "$root" --node 0) <<-'END'
		anon 0 3 3
		anon 3 1 4
		file 0 4 4
	END
	diff -u - <(orders --sysroot "$root" --node 1 -b anon) <<-'END'
		anon 3 2 12
	END
}

@test "JSON of the machine" {
	everything
	json --order -F "$mem"
	[ "$(fields '.record, .pid, .comm, .order, .size, .kind, .folios, .pages, .bytes,
		.aligned_pages, .whole_pages, .partial_pages, .cont_pages' | sed -n 2p)" = \
		"order null null 3 32768 anon 2 16 65536 null null null null" ]
	fields '.kind, .order, .folios, .pages' > "$BATS_TEST_TMPDIR/fields"
	diff -u "$BATS_TEST_TMPDIR/fields" <(orders -F "$mem")
}

# -------------------------------------------------------------------- a process

# entries N PFN: of so many pages from that PFN on.
entries() {
	local i

	for ((i = 0; i < $1; i++)); do
		present $(($2 + i))
	done
}

# Two processes on 96 pages.
# shellcheck disable=SC2046 # words
make_processes() {
	make_root
	everything
	cp "$mem" "$root/proc/kpageflags"
	task 7 seven
	task 8 eight
	# Both folios whole, the first one aligned; single pages; a hole; a swap entry.
	vma 7 $((0x1000)) $(entries 8 8) $(entries 3 1) 0 "$(swapped 1 5)"
	vma 7 $((0x2001)) $(entries 8 16)
	# The rear of the folio of shared memory, and a page of it once more.
	vma 7 $((0x3004)) $(entries 12 52)
	vma 7 $((0x4001)) $(entries 1 53)
	# One mapping each.
	vma 8 $((0x1000)) $(entries 4 8)
	vma 8 $((0x1004)) $(entries 4 12)
	vma 8 $((0x5000)) 0 0 0
}

@test "a process: how its folios are mapped" {
	make_processes
	prints page-types --order --sysroot "$root" -p 7 <<-'END'
	order  size   kind        folios      pages       MB    aligned      whole    partial
	0      4K     anon             3          3        0          3          3          0
	3      32K    anon             2         16        0          8          8          0
	4      64K    shm              1         13        0         12          0         13
	END
}

@test "several processes, and a mapping's end is that of a piece" {
	make_processes
	prints page-types --order --sysroot "$root" -p 7,8 <<-'END'
	    pid  comm             order  size   kind        folios      pages       MB    aligned      whole    partial
	      7  seven            0      4K     anon             3          3        0          3          3          0
	      7  seven            3      32K    anon             2         16        0          8          8          0
	      7  seven            4      64K    shm              1         13        0         12          0         13
	      8  eight            3      32K    anon             1          8        0          8          0          8
	END
}

@test "--list: a table of the mappings, before that of the process" {
	make_processes
	prints page-types --order -l --sysroot "$root" -p 7 <<-'END'
	addresses                  perms        vma      pages      large    %  %vma  order:pages           name
	1000000-100d000            rw-p          13         11          8   72    61  0:3 3:8               -
	2001000-2009000            rw-p           8          8          8  100   100  3:8                   -
	3004000-3010000            rw-p          12         12         12  100   100  4:12                  -
	4001000-4002000            rw-p           1          1          1  100   100  4:1                   -

	order  size   kind        folios      pages       MB    aligned      whole    partial
	0      4K     anon             3          3        0          3          3          0
	3      32K    anon             2         16        0          8          8          0
	4      64K    shm              1         13        0         12          0         13
	END
	prints page-types --order -l -N --sysroot "$root" -p 8 <<-'END'
	addresses                  perms        vma      pages      large    %  %vma  order:pages           name
	1000000-1004000            rw-p           4          4          4  100   100  3:4                   -
	1004000-1008000            rw-p           4          4          4  100   100  3:4                   -
	END
}

@test "JSON of processes: what the text says, and aligned blocks" {
	make_processes
	json --order -l --sysroot "$root" -p 7,8
	diff -u - <(fields '.record, .pid, .comm, .start // .order, .pages' | grep -v '^order_vma 7') <<-'END'
		order 7 seven 0 3
		order 7 seven 3 16
		order 7 seven 4 13
		order_vma 8 eight 0x1000000 4
		order_vma 8 eight 0x1004000 4
		order 8 eight 3 8
	END
	diff -u - <(jq -c 'select(.record == "order") | .cont_pages' "$stdout_file") <<-'END'
		[3]
		[16,8,8,8]
		[13,12,12,8,0]
		[8,8,8,0]
	END
	# The process is the sum of its mappings.
	diff -u <(jq -c 'select(.record == "order") | [.pid, .kind, .order, .pages, .aligned_pages,
			.whole_pages, .partial_pages]' "$stdout_file") \
		<(jq -cs 'map(select(.record == "order_vma") | .pid as $pid | .orders[] | . + {pid: $pid})
			| group_by([.pid, .kind, .order])[] | [.[0].pid, .[0].kind, .[0].order] +
			[([.[].pages], [.[].aligned_pages], [.[].whole_pages], [.[].partial_pages]) | add]' \
			"$stdout_file")
}

@test "the kernel's own mappings are no files" {
	make_processes
	task 9 nine
	vma 9 $((0x1000)) "$(present 5)"
	sed -i 's/ $/ [vdso]/' "$root/proc/9/maps"
	vma 9 $((0x1001)) "$(present 6)"
	diff -u - <(orders --sysroot "$root" -p 9) <<-'END'
		file 0 1 1
		other 0 1 1
	END
}

@test "a process: --bits, --addr and --cgroup" {
	make_processes
	diff -u - <(orders --sysroot "$root" -p 7 -b '~lru') <<-'END'
		anon 3 1 7
		shm 4 1 13
	END
	# However the ranges come, a mapping has one row.
	run_split page-types --order -l -N --sysroot "$root" -p 7 -a 0x1006+2 -a 0x1000+2
	status_is 0
	[ "$(sed 1d "$stdout_file" | tr -s ' ')" = "1000000-100d000 rw-p 13 4 4 100 30 3:4 -" ]
	put_u64 "$root/proc/kpagecgroup" 0 0 12 12 11 0 0 0 0 11 0 0 0 0 0 0 0 12
	put_u64 "$root/proc/kpagecgroup" 95 0
	diff -u - <(orders --sysroot "$root" -p 7 -c @11) <<-'END'
		anon 0 1 1
		anon 3 1 8
	END
}

@test "a process: --vma, --vaddr, --pfn and --tree" {
	make_processes
	sed -i '2s/ $/ [heap]/' "$root/proc/7/maps"
	diff -u - <(orders --sysroot "$root" -p 7 --vma heap) <<-'END'
		anon 3 1 8
	END
	diff -u - <(orders --sysroot "$root" -p 7 --vaddr 0x3004000+0x2000,0x1000000) <<-'END'
		anon 3 1 1
		shm 4 1 2
	END
	diff -u - <(orders --sysroot "$root" -p 7 --pfn 52) <<-'END'
		shm 4 1 1
	END
	printf 'PPid:\t7\n' >> "$root/proc/8/status"
	run_split page-types --order --sysroot "$root" -p 7 --tree
	status_is 0
	[ "$(awk 'NR > 1 {print $1, $3, $7}' "$stdout_file" | tail -n 2)" = $'7 4 13\n8 3 8' ]
}

@test "a process that is not there; others are shown all the same" {
	make_processes
	fails_with 1 "page-types: --pid: 99: no such process: it has ended, or /proc hides it (hidepid)" \
		page-types --order --sysroot "$root" -p 99
	run_split page-types --order --sysroot "$root" -p 99,8
	status_is 1
	[ "$(awk 'NR > 1 {print $1, $6, $7}' "$stdout_file")" = "8 1 8" ]
}

# ------------------------------------------------------------------------ usage

@test "what it is not for" {
	local usage="
Try 'page-types --help'."

	fails_with 2 "page-types: --order: only shows: not with --hwpoison, --unpoison and --mark-idle$usage" \
		page-types --order -x
	fails_with 2 "page-types: --order: only shows: not with --hwpoison, --unpoison and --mark-idle$usage" \
		page-types --order -i
	fails_with 2 "page-types: --order: not with --list-each, --list-cgroup and --list-mapcnt$usage" \
		page-types --order -L -p 1
	fails_with 2 "page-types: --order: not with --list-each, --list-cgroup and --list-mapcnt$usage" \
		page-types --order -l -M -p 1
	fails_with 2 "page-types: --order: --list is of mappings: it needs --pid$usage" \
		page-types --order -l
	fails_with 2 "page-types: --order: not with --by, --sort and --top$usage" \
		page-types --order --top 3
	fails_with 2 "page-types: --order: not with --file$usage" page-types --order -f /etc/passwd
	fails_with 2 "page-types: --order: not with --describe$usage" page-types --order -d lru
}

@test "a full disk is an error, a closed pipe is quiet" {
	everything
	run_split sh -c "page-types --order -F '$mem' > /dev/full"
	status_is 1
	stderr_is "page-types: standard output: No space left on device"
	run_split sh -c "page-types --order -F '$mem' | head -n 0"
	status_is 0
	stderr_is
}

@test "this very machine, as another reader of its flags counts it" {
	needs_root "/proc/kpageflags"
	[ -r /proc/kpageflags ] || skip "no /proc/kpageflags here"
	cat /proc/kpageflags > "$mem"
	diff -u <(perl -e '
		my ($head, $tail, %n) = (1 << 15, 1 << 16);
		open(my $f, "<", shift) or die;
		my ($size, $buf, $word) = (0);
		my $end = sub { $n{int(log($size) / log(2) + 0.999999)}++ if $size > 1; $size = 0; };
		while (sysread($f, $buf, 65536)) {
			for my $word (unpack("Q<*", $buf)) {
				if ($word & $head) { $end->(); $size = 1; }
				elsif ($word & $tail) { $size++ if $size; }
				else { $end->(); }
			}
		}
		$end->();
		print "$_ $n{$_}\n" for sort { $a <=> $b } keys %n;
	' "$mem") <(page-types --order -F "$mem" | awk 'NR > 1 && $1 {n[$1] += $4} END {for (o in n) print o, n[o]}' | sort -n)
}
