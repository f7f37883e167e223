#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-map --once: that keys do what they say after others were pressed, and what the exit
# status says of them.

# Set in helper.bash: $root, $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper
load page-map

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
