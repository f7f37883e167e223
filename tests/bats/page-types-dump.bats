#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types on a copy of kpageflags: lists, summary, filters, ranges.

# Set in helper.bash: $root, $hwpoison, $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper

setup() {
	mem=$BATS_TEST_TMPDIR/mem
}

# A little of everything, 16 pages.
everything() {
	dump "$mem" reserved 'uptodate,lru*3' uptodate,lru,mmap,anon,swapbacked,owner_2 \
		slab,head,active,error 'buddy*2' hwpoison huge,head 'huge,tail*2' lru,head lru,tail \
		reclaim writeback,reclaim
}

@test "the summary counts pages by their flags" {
	everything
	prints page-types -F "$mem" <<-'END'
	             flags	page-count       MB  symbolic-flags			long-symbolic-flags
	0x0000000000000000	         1        0  ___________________________________________	
	0x0000000000000020	         2        0  _____l_____________________________________	lru
	0x0000000000000028	         3        0  ___U_l_____________________________________	uptodate,lru
	0x00000000000000c2	         1        0  _E____AS___________________________________	error,active,slab
	0x0000000000000200	         1        0  _________I_________________________________	reclaim
	0x0000000000000300	         1        0  ________WI_________________________________	writeback,reclaim
	0x0000000000000400	         2        0  __________B________________________________	buddy
	0x0000000000005828	         1        0  ___U_l_____Ma_b____________________________	uptodate,lru,mmap,anonymous,swapbacked
	0x0000000000028000	         1        0  _______________H_G_________________________	compound_head,huge
	0x0000000000030000	         2        0  ________________TG_________________________	compound_tail,huge
	0x0000000000080000	         1        0  ___________________X_______________________	hwpoison
	             total	        16        0
	END
}

@test "--raw shows the developers' flags, and overloaded ones by their meaning" {
	everything
	prints page-types -F "$mem" --raw <<-'END'
	             flags	page-count       MB  symbolic-flags			long-symbolic-flags
	0x0000000000000028	         3        0  ___U_l_____________________________________	uptodate,lru
	0x0000000000000300	         1        0  ________WI_________________________________	writeback,reclaim
	0x0000000000000400	         2        0  __________B________________________________	buddy
	0x0000000000008020	         1        0  _____l_________H___________________________	lru,compound_head
	0x0000000000010020	         1        0  _____l__________T__________________________	lru,compound_tail
	0x0000000000028000	         1        0  _______________H_G_________________________	compound_head,huge
	0x0000000000030000	         2        0  ________________TG_________________________	compound_tail,huge
	0x0000000000080000	         1        0  ___________________X_______________________	hwpoison
	0x0000000100000000	         1        0  ___________________________r_______________	reserved
	0x0000800000005828	         1        0  ___U_l_____Ma_b_____________________d______	uptodate,lru,mmap,anonymous,swapbacked,anon_exclusive
	0x0001000000000000	         1        0  _____________________________________I_____	readahead
	0x000c000000008080	         1        0  _______S_______H______________________AE___	slab,compound_head,slub_frozen,slub_debug
	             total	        16        0
	END
}

@test "--list shows ranges of equal pages, --list-each every page" {
	dump "$mem" - 'lru*3' buddy
	prints page-types -F "$mem" -N -l <<-'END'
	offset	len	flags
	0	1	___________________________________________
	1	3	_____l_____________________________________
	4	1	__________B________________________________
	END
	prints page-types -F "$mem" -N -L <<-'END'
	offset	flags
	0	___________________________________________
	1	_____l_____________________________________
	2	_____l_____________________________________
	3	_____l_____________________________________
	4	__________B________________________________
	END
}

@test "the last of --list and --list-each counts" {
	dump "$mem" lru
	prints page-types -F "$mem" -N -l -L <<-'END'
	offset	flags
	0	_____l_____________________________________
	END
}

@test "a list is followed by the summary, unless --no-summary" {
	dump "$mem" lru
	prints page-types -F "$mem" --list <<-'END'
	offset	len	flags
	0	1	_____l_____________________________________


	             flags	page-count       MB  symbolic-flags			long-symbolic-flags
	0x0000000000000020	         1        0  _____l_____________________________________	lru
	             total	         1        0
	END
	prints page-types -F "$mem" --no-summary < /dev/null
}

@test "--kpageflags takes its argument in every form" {
	local summary

	dump "$mem" lru
	# In the kernel's tool the long option takes none.
	summary=$(page-types -F "$mem")
	prints page-types --kpageflags "$mem" <<< "$summary"
	prints page-types "--kpageflags=$mem" <<< "$summary"
	prints page-types "-F$mem" <<< "$summary"
}

@test "the columns of a megabyte" {
	local pages=$(((1 << 21) / $(page_size)))

	dump "$mem" "lru*$pages"
	run_split page-types -F "$mem"
	status_is 0
	stdout_has "             total	$(printf '%10u' "$pages")        2"
}

@test "an unknown flag bit is shown and not fatal" {
	dump "$mem" bit27 bit31,bit30,lru - uncached,arch_3
	prints page-types -F "$mem" -L <<-'END'
	offset	flags
	0	___________________________________________+0x8000000
	1	_____l_____________________________________+0xc0000000
	2	___________________________________________
	3	___________________________________________


	             flags	page-count       MB  symbolic-flags			long-symbolic-flags
	0x0000000000000000	         2        0  ___________________________________________	
	0x0000000008000000	         1        0  ___________________________________________+0x8000000	0x8000000
	0x00000000c0000020	         1        0  _____l_____________________________________+0xc0000000	lru,0x40000000,0x80000000
	             total	         4        0
	END
	prints page-types -F "$mem" -r -N -l -a 3 <<-'END'
	offset	len	flags
	3	1	___________________________________________+0x48000000000
	END
}

@test "a copy without a page" {
	local none

	: > "$mem"
	for none in "$mem" /dev/null; do
		run_split page-types -F "$none" -l
		status_is 0
		stderr_is "page-types: --kpageflags: $none: empty: it has no page"
		diff - "$stdout_file" <<-'END'
		offset	len	flags


		             flags	page-count       MB  symbolic-flags			long-symbolic-flags
		             total	         0        0
		END
	done
}

@test "more different flags than the kernel's tool has room for" {
	# 9000 pages, each with other flags; the kernel's tool ends at 8191.
	put_u64 "$mem" 0 $(seq 1 9000)
	run_split page-types -F "$mem" -r
	status_is 0
	stderr_is
	stdout_has "             total	      9000       $(printf '%2u' $((9000 * $(page_size) >> 20)))"
	[ "$(wc -l < "$stdout_file")" -eq 9002 ]
}

@test "the rows of the summary come by ascending flags" {
	put_u64 "$mem" 0 $(seq 9000 -1 1)
	run_split page-types -F "$mem" -r
	status_is 0
	[ "$(wc -l < "$stdout_file")" -eq 9002 ]
	sed '1d;$d' "$stdout_file" | cut -f 1 | LC_ALL=C sort -c
}

# ------------------------------------------------------------------- --bits

# selects PAGES ARGUMENT...: which pages of "$mem" a list shows, by number.
selects() {
	local expected=$1

	shift
	run_split page-types -F "$mem" -N -L "$@"
	status_is 0
	stderr_is
	[ "$(sed 1d "$stdout_file" | cut -f 1 | paste -s -d ' ')" = "$expected" ] ||
		complain "expected pages: $expected"
}

@test "--bits: any of the flags; these and not those; exactly these" {
	dump "$mem" - lru active lru,active lru,active,dirty
	selects '1 3 4' -b lru
	selects '1 2 3 4' -b lru,active
	selects '1' -b lru,active=lru
	selects '1' -b 'lru,~active'
	selects '1' -b '~active,lru'
	selects '3' -b =lru,active
	selects '0' -b =
	selects '0 2' -b '~lru'
	selects '0 2' -b lru=
	selects '1 2 3 4' -b 0x60
	selects '4' -b 0x10,0x400
}

@test "--bits: conditions given more than once must all hold" {
	dump "$mem" - lru active lru,active lru,active,dirty
	selects '3 4' -b lru -b active
	selects '3' -b lru -b active -b '~dirty'
}

@test "--bits: no limit on their number" {
	local i
	local -a bits=()

	dump "$mem" - lru
	for ((i = 0; i < 100; i++)); do
		bits+=(-b lru)
	done
	selects '1' "${bits[@]}"
}

@test "--bits: names by their beginning, well-known flags first" {
	dump "$mem" anon buddy hwpoison head,huge tail,huge
	selects '0' -b anon
	selects '0' -b anonymous
	selects '1' -b bud
	selects '2' -b hwp
	selects '3 4' -b compound
	selects '3 4' -b com
	selects '3' -b compound_head
	selects '4' -b compound_t
}

@test "--bits: a flag that is seen in raw mode only brings a warning" {
	dump "$mem" reserved lru
	run_split page-types -F "$mem" -N -L -b reserved
	status_is 0
	stderr_is 'page-types: --bits: reserved: seen in raw mode only (add --raw)'
	stdout_is $'offset\tflags'
	selects '0' -r -b reserved
}

@test "--bits: raw mode tells overloaded flags apart" {
	dump "$mem" active slab,active reclaim reclaim,writeback anon,owner_2 owner_2
	selects '0' -r -b active
	selects '1' -r -b slub_frozen
	selects '2' -r -b readahead
	selects '3' -r -b reclaim
	selects '4' -r -b anon_exclusive
	selects '5' -r -b owner_2
	selects '2 3' -b reclaim
}

# ------------------------------------------------------------------- --addr

@test "--addr: every form, decimal, hex and octal" {
	dump "$mem" 'lru*20'
	selects '3' -a 3
	selects '3 4' -a 3+2
	selects '3 4' -a 3,5
	selects '12 13' -a 18,
	selects '0 1' -a ,2
	selects '10 11' -a 0x10+0x2
	selects '8 9' -a 010,012
	selects '' -a 3+0
	selects '' -a 3,3
}

@test "--addr: several, in the order in which they were given" {
	dump "$mem" 'lru*20'
	selects '10 11 2 3' -a 0x10+2 -a 2+2
}

@test "--addr: pages named twice are walked once" {
	dump "$mem" 'lru*20'
	selects '2 3 4 5' -a 2+3 -a 4+2
	selects '4 5 2 3 6 7' -a 4+2 -a 2,8
	selects '3' -a 3 -a 3 -a 0x3
	run_split page-types -F "$mem" -a ,10 -a 5, -a 7
	stdout_has '             total	        20        0'
}

@test "--addr: no limit on their number" {
	local i
	local -a ranges=()

	dump "$mem" 'lru*8000'
	for ((i = 0; i < 1500; i++)); do
		ranges+=(-a $((i * 5)))
	done
	run_split page-types -F "$mem" "${ranges[@]}"
	status_is 0
	stderr_is
	stdout_has '             total	      1500        5'
}

@test "--addr: equal pages of two ranges that don't touch stay two ranges" {
	dump "$mem" 'lru*20'
	prints page-types -F "$mem" -N -l -a 2+2 -a 6+2 <<-'END'
	offset	len	flags
	2	2	_____l_____________________________________
	6	2	_____l_____________________________________
	END
}

# ------------------------------------------------------------------ threads

@test "--jobs: many threads print what one prints" {
	local n

	dump "$mem" '-*9000' 'lru*20000' 'buddy*1' 'lru*30000' 'anon*7' '-*50000'
	page-types -F "$mem" -L -j 1 > "$BATS_TEST_TMPDIR/one"
	[ "$(wc -l < "$BATS_TEST_TMPDIR/one")" -eq $((109008 + 1 + 2 + 6)) ]
	for n in 2 7 64; do
		prints page-types -F "$mem" -L -j $n < "$BATS_TEST_TMPDIR/one"
	done
	page-types -F "$mem" -j 1 > "$BATS_TEST_TMPDIR/one"
	prints page-types -F "$mem" -j 8 < "$BATS_TEST_TMPDIR/one"
	prints page-types -F "$mem" < "$BATS_TEST_TMPDIR/one"
}

@test "-b=SPEC, glued, means what -b =SPEC means" {
	local glued

	dump "$BATS_TEST_TMPDIR/mem" lru lru,anon anon
	glued=$(page-types -F "$BATS_TEST_TMPDIR/mem" -b=lru -L)
	[ "$glued" = "$(page-types -F "$BATS_TEST_TMPDIR/mem" -b =lru -L)" ]
	[ "$glued" != "$(page-types -F "$BATS_TEST_TMPDIR/mem" -b lru -L)" ]
	[ "$glued" = "$(page-types -F "$BATS_TEST_TMPDIR/mem" -Lb=lru)" ]
}

@test "--cgroup: a directory of no cgroup hierarchy is refused" {
	dump "$BATS_TEST_TMPDIR/mem" lru
	run -1 page-types -F "$BATS_TEST_TMPDIR/mem" -c "$BATS_TEST_TMPDIR"
	[ "$output" = "page-types: --cgroup: $BATS_TEST_TMPDIR: not a directory of a cgroup hierarchy" ]
}
