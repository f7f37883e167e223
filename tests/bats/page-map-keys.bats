#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-map --once: where keys lead to, in whatever order they are pressed, and what the exit
# status says of them.

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

# way TEXT KEYS [ARGUMENT...]: that is the line at the top, without the cost at its right.
way() {
	local got

	run_split page-map --once --sysroot "$root" --keys "$2" "${@:3}"
	status_is 0
	got=$(sed -nE '1s/ +[0-9]+\.[0-9]{3} s, .*$//; 1p' "$stdout_file")
	[ "$got" = "$1" ] || complain "expected at the top: $1"
}

@test "F1: after any number of times, and once is enough" {
	local i keys

	# A view may get the memory of a help that was left.
	for i in 1 5 12 13 14 20; do
		keys=$(yes 'F1 Esc' | head -n "$i" | paste -s -d ' ')
		way 'page-map > memory > page 0x100 > help' "g 0x100 Enter Enter Esc $keys Enter F1"
	done
	way 'page-map > memory > help' 'F1 F1'
	way 'page-map > memory' 'F1 F1 Esc'
	way 'page-map > memory blocks > help' 'F1 Tab F1'
}

# ------------------------------------------------------------------------------ sorting

# Four mappings of process 9, of different sizes and permissions.
make_mappings() {
	local perms page=16

	task 9 mapper
	for perms in rw-p r--p rw-s r-xp; do
		vma 9 "$page" "$(present 104)" "$(present 105)" "$(present 106)"
		sed -i "\$s/ rw-p / $perms /" "$root/proc/9/maps"
		page=$((page + 16))
	done
	vma 9 112 "$(present 107)"
}

# order KEYS: the mappings as they come then, by their beginning.
order() {
	run_split page-map --once --sysroot "$root" -p 9 --keys "$1"
	status_is 0
	sed -n '3,$p' "$stdout_file" | sed '/^$/,$d' | awk '{ print $1 }' | paste -s -d ' '
}

@test "sort mappings: all of them stay first, and the cursor is there" {
	local keys

	make_mappings
	[ "$(order '')" = 'all 0x10000 0x20000 0x30000 0x40000 0x70000' ]
	# By what PERM says.
	[ "$(order '>')" = 'all 0x20000 0x40000 0x10000 0x70000 0x30000' ]
	# By PAGES, and by PRESENT.
	[ "$(order '> >')" = 'all 0x10000 0x20000 0x30000 0x40000 0x70000' ]
	[ "$(order '> > >')" = 'all 0x10000 0x20000 0x30000 0x40000 0x70000' ]
	for keys in '>' '> >' '> > >' '> > > > > > >' '> > > > > > > >'; do
		[[ $(order "$keys") == 'all '* ]]
		way 'page-map > 9 mapper > all mappings' "End $keys Enter" -p 9
	done
}

@test "sort processes: the cursor goes to the first one" {
	# By COMMAND sleeper is first, by PID usemem.
	way 'page-map > processes > 8 sleeper' 'Tab Tab > > > > Enter'
	way 'page-map > processes > 7 usemem' 'Tab Tab End > > > > > Enter'
}

# -------------------------------------------------------------------------------- find

@test "movements" {
	at '0x1 reserved' Right
	at '0x0 reserved' 'Right Left Left'
	at '0x40 buddy' Down
	at '0x0 reserved' 'Down Up Up'
	at '0x27f hwpoison uptodate' End
	at '0x0 reserved' 'End Home'
	at '0x27f hwpoison uptodate' 'PgDn Down Right'
	at '0x0 reserved' 'PgDn PgUp Up'
}

@test "go to: a PFN, a physical address, what is none" {
	at '0x122 hwpoison' 'g 290 Enter'
	at '0x122 hwpoison' 'g 0x122 Enter'
	at '0x122 hwpoison' 'g pfn Space 0x122 Enter'
	at '0x122 hwpoison' "g phys Space $((290 * $(page_size) + 5)) Enter"
	alerts '640: there is no page here' 'g 640 Enter'
	alerts 'pfn 0x280: there is no page here' 'g pfn Space 0x280 Enter'
	alerts 'x: neither a number nor a mapping with pages here' 'g x Enter'
	alerts '0x10000000000000000: the number is too large' 'g 0x10000000000000000 Enter'
	alerts 'phys 0x10000000000000000: the number is too large' 'g phys Space 0x10000000000000000 Enter'
	alerts '0x10000000000000000: the number is too large' 'Tab g 0x10000000000000000 Enter'
	alerts 'vaddr 0x10000: an address in a process, and this is physical memory' \
		'g vaddr Space 0x10000 Enter'
	says 'Go to: 0x12' 'g 0x12'
	says 'Go to: 1' 'g 2x Backspace Backspace 1'
	says '' 'g 290 Esc'
	at '0x0 reserved' 'g 290 Esc'
	at '0x0 reserved' 'g Enter'
}

@test "go to, in a process: an address, a PFN, a mapping" {
	at '0x14000 rw-p [heap] PFN 0x6a' 'Tab g 0x14000 Enter' -p 7
	at '0x14000 rw-p [heap] PFN 0x6a' 'Tab g vaddr Space 0x14008 Enter' -p 7
	at '0x14000 rw-p [heap] PFN 0x6a' 'Tab g pfn Space 106 Enter' -p 7
	at "0x14000 rw-p [heap] PFN 0x6a" "Tab g phys Space $((106 * $(page_size))) Enter" -p 7
	at '0x10000 rw-p [heap]' 'Tab End g heap Enter' -p 7
	at '0x13000 rw-p [heap] swapped' 'Tab g 0x13000 Enter' -p 7
	alerts '0x12000: there is no page here' 'Tab g 0x12000 Enter' -p 7
	alerts 'pfn 9: there is none here' 'Tab g pfn Space 9 Enter' -p 7
	alerts 'stack: neither a number nor a mapping with pages here' 'Tab g stack Enter' -p 7
}

@test "search by flags, forwards and back, and the poisoned ones" {
	at '0xfe slab' 'F3 slab Enter'
	at '0xff slab' '/ slab Enter n'
	at '0xfe slab' '/ slab Enter n N'
	at '0x122 hwpoison' p
	at '0x27f hwpoison uptodate' 'p p'
	at '0x122 hwpoison' 'p p N'
	# What was searched for is not forgotten for those.
	at '0xfe slab' '/ slab Enter p g 0 Enter n'
	at '0x121 slab' '/ slab Enter p N'
	at '0x12c ' '/ thp,compound_head Enter'
	alerts 'pgtable: there is none here' '/ pgtable Enter'
	alerts 'bogus: no such flag' '/ bogus Enter'
	alerts 'the name of a flag is missing' '/ hwpoison, Enter'
	alerts 'nothing was searched for yet (F3 or /)' n
	says 'Search pages with the flags: slab' '/ slab'
}

@test "a search looks at the page at the cursor, and begins again at the other end" {
	at '0x0 reserved' '/ reserved Enter'
	says '' '/ reserved Enter'
	at '0xfe slab' 'g 0xfe Enter / slab Enter'
	at '0x27f hwpoison' 'End / hwpoison Enter'
	# The next one is not the one that was found.
	at '0x1 reserved' '/ reserved Enter n'
	at '0x12b slab' '/ slab Enter N'
	says 'slab: found from the other end on' '/ slab Enter N'
	at '0xfe slab' '/ slab Enter N n'
	says 'slab: found from the other end on' 'g 0x200 Enter / slab Enter'
	says '' '/ slab Enter n'
	at '0x122 hwpoison' 'p p p'
	says 'hwpoison: found from the other end on' 'p p p'
	# The only one there is is found again.
	says 'compound_head: found from the other end on' '/ compound_head Enter n'
	at '0x12c ' '/ compound_head Enter n'
	run_split page-map --once --sysroot "$root" --keys '/ pgtable Enter N'
	status_is 1
	stderr_is 'page-map: pgtable: there is none here' 'page-map: pgtable: there is none here'
	# A page of a process is found by its PFN wherever the cursor is.
	at '0x10000 rw-p [heap] PFN 0x68' 'Tab End g pfn Space 0x68 Enter' -p 7
	says '' 'Tab End g pfn Space 0x68 Enter' -p 7
}

@test "search among rows" {
	at '' ''
	[[ $(row 1 --keys 'Tab Tab / sleep Enter Enter') == 'page-map > processes > 8 sleeper'* ]]
	[[ $(row 1 --keys 'Tab Tab g 8 Enter Enter') == 'page-map > processes > 8 sleeper'* ]]
	[[ $(row 1 --keys 'Tab Tab g sleep Enter Enter') == 'page-map > processes > 8 sleeper'* ]]
	[[ $(row 1 --keys 'Tab Tab / sleep Enter n N Enter') == 'page-map > processes > 8 sleeper'* ]]
	[[ $(row 1 --keys 'Tab Tab Down p Enter') == 'page-map > processes > 7 usemem'* ]]
	[[ $(row 1 --pid 7 --keys 'g 0x21000 Enter Enter') == 'page-map > 7 usemem > anonymous'* ]]
	alerts 'init: no such name here' 'Tab Tab / init Enter'
	alerts 'nothing here is poisoned' 'p' --pid 8
	alerts 'nothing was searched for yet (F3 or /)' 'Tab n'
}

@test "a name that is not ASCII is found" {
	sed -i '1s/usemem/größe/' "$root/proc/7/status"
	[[ $(row 1 --keys 'Tab Tab Down / größ Enter Enter') == 'page-map > processes > 7 größe'* ]]
	alerts 'ü中: no such name here' 'Tab Tab / ü中 Enter'
}

# ------------------------------------------------------------------------- exit status

@test "each key that comes to nothing is said, the first one is the status" {
	alerts 'that does nothing here' 'Tab Tab +'
	alerts 'x: no such flag' '/ x Enter'
	# Later ones are pressed all the same.
	run_split page-map --once --sysroot "$root" --keys '/ x Enter Right'
	status_is 1
	stderr_is 'page-map: x: no such flag'
	[[ $(line -3) == '0x1 reserved'* ]] || complain "the last key was not pressed"
	run_split page-map --once --sysroot "$root" --keys 'g zzz Enter r'
	status_is 1
	stderr_is 'page-map: zzz: neither a number nor a mapping with pages here'
	needs_unprivileged page-map
	chmod -R a+rX "$root"
	chmod 0 "$root/proc/8/pagemap"
	run_split unprivileged page-map --once --sysroot "$root" --keys 'Tab Tab g 8 Enter Enter Enter'
	status_is 3
	grep -q '^page-map: .*: ptrace access to it is refused' "$stderr_file" || complain "no message"
	run_split unprivileged page-map --once --sysroot "$root" \
		--keys 'Tab Tab g 8 Enter Enter Enter / nobody Enter'
	status_is 3
	[ "$(wc -l < "$stderr_file")" -eq 2 ] || complain "not a line for each"
	[ "$(tail -n 1 "$stderr_file")" = 'page-map: nobody: no such name here' ] ||
		complain "the second one is not said"
}

@test "keys that there are not" {
	alerts 'Q: no such key (F1 shows those that there are)' Q
	alerts 'ü: no such key (F1 shows those that there are)' ü
	# Names are as they are written; these are letters.
	run_split page-map --once --sysroot "$root" --keys enter
	status_is 1
	stderr_is 'page-map: e: no such key (F1 shows those that there are)' \
		'page-map: nothing was searched for yet (F3 or /)' \
		'page-map: t: no such key (F1 shows those that there are)' \
		'page-map: e: no such key (F1 shows those that there are)'
	run_split page-map --once --sysroot "$root" --keys F2
	status_is 1
	stderr_is 'page-map: F: no such key (F1 shows those that there are)' \
		'page-map: 2: no such key (F1 shows those that there are)'
}
