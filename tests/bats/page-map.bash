# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of page-map share: the trees that it looks at.

# Set in helper.bash: $root.
# shellcheck disable=SC2154

# put_words FILE VALUE[*COUNT]...: words of 64 bits, one after the other.
put_words() {
	perl -e '
		open(my $f, ">", shift @ARGV) or die;
		for (@ARGV) {
			my ($value, $count) = split /\*/;
			print $f pack("Q<", $value) x ($count // 1);
		}
	' "$@"
}

# 640 pages, all of which fit onto a screen, and two processes:
#    0 reserved, 4 free, 104 anon, 204 file, 254 slab, 290 a poisoned one, 291 slab,
#    300 a huge page of 64, 364 page cache, the last one poisoned.
make_machine() {
	make_root
	dump "$root/proc/kpageflags" 'reserved*4' 'buddy*100' 'lru,uptodate,mmap,anon,swapbacked*100' \
		'lru,uptodate,mmap,referenced,active*50' 'slab*36' hwpoison 'slab*9' \
		lru,uptodate,mmap,anon,swapbacked,thp,head,dirty \
		'lru,uptodate,mmap,anon,swapbacked,thp,tail,dirty*63' 'lru,uptodate*275' \
		hwpoison,uptodate
	put_words "$root/proc/kpagecount" '0*104' '1*100' '2*10' '3*10' '8*10' '20*10' '99*10' '0*46' \
		'1*64' '0*276'
	task 7 usemem
	vma 7 16 "$(present 104)" "$(present 105)" 0 "$(swapped 0 9)" "$(present 106)"
	vma 7 32 "$(present 204)" "$(swapped 30 290)" "$(present 300)" "$(present 301)"
	echo '4096 7' > "$root/proc/7/statm"
	task 8 sleeper
	vma 8 16 "$(present 110 "$PM_SOFT_DIRTY")"
	echo '4096 1' > "$root/proc/8/statm"
	sed -i '1s/ $/ [heap]/' "$root/proc/7/maps"
}

# Three memory blocks, of which the second is offline, on two nodes; a page of the first
# one and one of the last are poisoned.
make_blocks() {
	local memory node

	make_root
	dump "$root/proc/kpageflags" 'reserved*16' 'buddy*16368' 'lru,uptodate,mmap,anon,swapbacked*8192' \
		hwpoison 'slab*8191' 'nopage*32768' 'buddy*100' hwpoison 'buddy*27'
	memory=$root/sys/devices/system/memory
	node=$root/sys/devices/system/node
	mkdir -p "$memory/memory0" "$memory/memory1" "$memory/memory2" "$node/node0/memory0" \
		"$node/node1/memory1" "$node/node1/memory2"
	printf '%x\n' $((32768 * $(page_size))) > "$memory/block_size_bytes"
	echo online | tee "$memory/memory0/state" > "$memory/memory2/state"
	echo offline > "$memory/memory1/state"
}
