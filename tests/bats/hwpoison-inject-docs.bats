#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-inject: the man page and the completion have the same options and words,
# and the completion completes. The tool is not run.

# Set in helper.bash: $status, $stdout_file.
# shellcheck disable=SC2154,SC2034
load helper

setup() {
	top=$BATS_TEST_DIRNAME/../..
	tool=hwpoison-inject
	man=$top/man/$tool.1
	completion=$top/completions/$tool
}

# Words of the lists of a section of the man page: ".It Cm word".
words_of_man() {
	sed -n "/^\.S[hs] $1\$/,/^\.S[hs] /s/^\.It Cm \([a-z-]*\).*/\1/p" "$man" | LC_ALL=C sort
}

# ------------------------------------------------------------------ the same words

@test "the man page and the completion have the same options" {
	diff -u --label man --label completion \
		<(sed -nE 's/^\.It (Fl [^ ]+( , Fl [^ ]+)*).*/\1/p' "$man" | sed -E 's/ ?,//g; s/Fl /-/g' |
			tr ' ' '\n' | LC_ALL=C sort) \
		<(complete_words - | tr ' ' '\n')
}

@test "the completion has the methods, verdicts and kinds of the man page" {
	diff -u <(words_of_man METHODS) <(complete_words -m '' | tr ' ' '\n')
	diff -u <(words_of_man Verdicts) <(complete_words --expect '' | tr ' ' '\n')
	diff -u <(words_of_man KIND | uniq) <(complete_words --vma '' | tr ' ' '\n')
}

@test "the completion has the flags of page-types" {
	# shellcheck source=/dev/null
	diff -u <(. "$top/completions/page-types" && printf '%s\n' "$_page_types_flags") \
		<(. "$completion" && printf '%s\n' "$_hwpoison_inject_flags")
}

@test "the man page has every exit status" {
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

# ------------------------------------------------------------------- completion

@test "completion: methods, verdicts, kinds of mappings" {
	completes 'soft-madvise soft-offline' --method = soft
	completes 'auto' -m a
	completes 'handled' --expect h
	completes 'killed' --expect = k
	completes 'heap hugetlb' --vma h
	completes 'heap,stack' --vma = heap,st
}

@test "completion: flags, one by one and in lists" {
	completes 'readahead reclaim referenced reserved' -b re
	completes 'lru,~active' --bits 'lru,~act'
	completes 'active' --bits = lru = act
	completes 'thp' --flags = th
	completes 'lru,dirty' --flags lru,di
	[ "$(complete_words --flags =)" = "$(complete_words -b '')" ]
}

@test "completion: processes and nodes" {
	# There may be processes whose numbers begin so.
	[[ " $(complete_words -p $$) " == *" $$ "* ]]
	[[ " $(complete_words --pid = "1,$$") " == *" 1,$$ "* ]]
	[ ! -d /sys/devices/system/node/node0 ] || [[ " $(complete_words --node '') " == *" 0 "* ]]
}

@test "completion: files, directories, cgroups" {
	cd "$BATS_TEST_TMPDIR"
	mkdir here_dir
	: > here_file
	completes 'here_dir' -c here
	completes 'here_dir' --memcg = here
	completes 'here_dir' --sysroot here
	completes 'here_dir here_file' -f here
	completes 'here_dir here_file' --dev = here
	completes "$(compgen -d /sys/fs/cgroup/ | LC_ALL=C sort | paste -s -d ' ')" --cgroup ''
}

@test "completion: nothing for numbers" {
	local option

	for option in -a --addr --vaddr --pfn --phys --count --seed --after --ready-fd --wait \
		--unpoison --max; do
		completes '' "$option" h
	done
}

@test "completion: options" {
	completes '--memcg --method' --me
	completes '--list --list-targets' --list
	completes '--unpoison --unpoison-all' --un
	completes '--dry-run' -p 7 --vma heap --dr
	completes '--expect' --load --ex
}

@test "completion: the command" {
	cd "$BATS_TEST_TMPDIR"
	: > here_file
	[[ " $(complete_words --vma heap -- ech) " == *" echo "* ]]
	completes 'here_file' -p 1 -- cat her
	completes '' -- cat --me
	completes '--memcg --method' --me
}
