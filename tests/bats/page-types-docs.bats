#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types: the flags are the same in --help, the man page and the completion,
# and in the formats; and the completion completes.

# Set in helper.bash: $root, $hwpoison, $stdout_file, $stderr_file.
# shellcheck disable=SC2154,SC2034
load helper

setup() {
	top=$BATS_TEST_DIRNAME/../..
	tool=page-types
	man=$top/man/$tool.1
	completion=$top/completions/$tool
}

# Flags of --help, in the order of the table: name, and r, o or nothing.
flags_of_help() {
	page-types --help | sed '1,/^Flag names/d' |
		grep -oE '[a-z_0-9]+(\((r|o)\))?' | sed -e 's/(/ /' -e 's/)//'
}

# Rows of the man page's table, as "letter Ta name Ta kind Ta since Ta meaning".
rows_of_man() {
	sed -n '/^\.Sh FLAGS/,/^\.Sh OUTPUT/s/^\.It //p' "$man" | grep -v '^Em '
}

@test "the man page has the flags of --help, in the same order" {
	[ "$(flags_of_help | wc -l)" -ge 45 ]
	diff -u --label --help --label man <(flags_of_help) \
		<(rows_of_man | perl -ne 'my @c = split / Ta /; $c[2] =~ s/\\&//; print $c[2] eq "" ? "$c[1]\n" : "$c[1] $c[2]\n"')
}

@test "the man page has the letters that the tool prints" {
	local row letter name

	while read -r row; do
		letter=${row%% Ta *}
		name=${row#* Ta }
		name=${name%% Ta *}
		row=$(page-types -d "$name" | cut -f 2)
		if [ "$letter" = - ]; then
			[[ $row =~ ^_+\+0x[0-9a-f]+$ ]]
		else
			[ "$(tr -d _ <<< "$row")" = "$letter" ]
		fi || {
			echo "$name: the man page says $letter, the tool $row"
			return 1
		}
	done < <(rows_of_man)
}

@test "the man page has the table of lib/flags.c" {
	[ -e "$top/lib/flags.c" ] || skip "no sources here"
	# Letter, name, since and meaning of the FLAG() entries.
	diff -u --label lib/flags.c --label man <(
		perl -0ne '
			while (/FLAG\(\w+, (?:\x27(.)\x27|0), "(\w+)", \w+, "([^"]*)",\s*"([^"]*)"\)/g) {
				printf("%s|%s|%s|%s\n", $1 // "-", $2, $3, $4);
			}' "$top/lib/flags.c"
	) <(rows_of_man | perl -ne 'chomp; my @c = split / Ta /; print join("|", @c[0, 1, 3, 4]), "\n"')
}

@test "the man page says what every exit status means" {
	local n

	for n in 0 1 2 3 4 5 6; do
		sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/p' "$man" | grep -qx "\.It $n"
	done
}

@test "the man page has no errors" {
	type mandoc > /dev/null 2>&1 || skip "needs mandoc"
	run_split mandoc -Tlint -Wwarning "$man"
	status_is 0
	stdout_is
}

@test "the symbolic form has as many columns as --help has flags with a letter" {
	local columns

	columns=$(page-types -d 0 | cut -f 2)
	[ "${#columns}" -eq "$(rows_of_man | grep -vc '^- ')" ]
}

@test "the completion has the flags of --help" {
	diff -u --label --help --label completion <(flags_of_help | cut -d ' ' -f 1 | sort) \
		<(complete_words -b '' | tr ' ' '\n' | sort)
}

@test "completion: flags, one by one and in lists" {
	completes 'readahead reclaim referenced reserved' -b re
	completes 'hwpoison' --describe hw
	completes 'lru,active' -b lru,act
	completes 'lru,~active' -b 'lru,~act'
	completes 'active' -b lru = act
	completes 'hwpoison' --bits = hw
	completes 'active' --bits = lru = act
	[ "$(complete_words --bits =)" = "$(complete_words -b '')" ]
}

@test "completion: processes, files, directories" {
	cd "$BATS_TEST_TMPDIR"
	mkdir here_dir
	: > here_file
	# There may be processes whose numbers begin so.
	[[ " $(complete_words -p $$) " == *" $$ "* ]]
	[[ " $(complete_words --pid "1,$$") " == *" 1,$$ "* ]]
	completes 'here_dir' -c here
	completes 'here_dir' --sysroot = here
	completes 'here_dir here_file' -f here
	completes 'here_dir here_file' --file = here
	completes 'here_dir here_file' -F here
	completes '' -a h
}

@test "completion: options" {
	completes '--pid' --pi
	completes '--list --list-cgroup --list-each --list-mapcnt' --list
	completes '--hwpoison' -p 7 --hw
	completes '--no-summary' -l --no-
	completes '--bits' -N --bi
}
