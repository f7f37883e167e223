#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What must agree in the source and in what is installed of it: symbols, options,
# licences, man pages; and that the library can be used from elsewhere. No root.
#
# TOP_SRCDIR: the source (default: where this file lies); STAGE: a staged
# installation of it, with usr/local below.

bats_require_minimum_version 1.5.0

setup() {
	top=$(cd "${TOP_SRCDIR:-$BATS_TEST_DIRNAME/../..}" && pwd)
	bin=${STAGE:+$STAGE/usr/local/bin}
	lib=${STAGE:+$STAGE/usr/local/lib}
	export LC_ALL=C
}

needs_stage() {
	[ -n "${STAGE:-}" ] || skip "STAGE is not set: nothing is installed"
}

needs() {
	command -v "$1" > /dev/null || skip "$1 is not there"
}

# The files of the source: those that git knows or would take; without git, all
# but what was generated.
source_files() {
	cd "$top" || return
	if [ -e .git ] && git rev-parse HEAD > /dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard
	else
		find . -path './build*' -prune -o -path ./autom4te.cache -prune -o -path ./m4 -prune -o \
			-path './.*' -prune -o -type f ! -name configure ! -name config.h ! -name '*~' -print |
			sed 's|^\./||'
	fi | while IFS= read -r file; do
		[ ! -f "$file" ] || printf '%s\n' "$file"
	done
}

# fails_on FILE: complains if the file, a list of what is wrong, is not empty.
fails_on() {
	[ ! -s "$1" ] || { cat "$1"; false; }
}

# ------------------------------------------------------------------------ symbols

declared_functions() {
	perl -0777 -ne '
		s|/\*.*?\*/||gs;
		s/^\s*#(.*\\\n)*.*\n//gm;
		s/^static inline.*?^\}//gms;
		print "$1\n" while /\b(kpage_\w+)\s*\([^;{}]*\)\s*;/g;
	' "$top/lib/kpage.h" | sort
}

mapped_functions() {
	sed -nE 's/^\s+(kpage_[a-z0-9_]+);$/\1/p' "$top/lib/libkpage.map"
}

exported_symbols() {
	nm -D --defined-only --with-symbol-versions "$lib/libkpage.so" | awk '$2 != "A" { print $3 }' | sort
}

@test "the symbol map names the functions of kpage.h, in order" {
	[ "$(declared_functions | wc -l)" -gt 50 ]
	diff -u <(declared_functions) <(mapped_functions)
}

@test "the library exports the functions of kpage.h, and nothing else" {
	needs_stage
	needs nm
	diff -u <(declared_functions | sed 's/$/@@LIBKPAGE_0/') <(exported_symbols)
}

@test "the installed header is that of the source" {
	needs_stage
	cmp "$top/lib/kpage.h" "$STAGE/usr/local/include/kpage.h"
	[ "$(ls "$STAGE/usr/local/include")" = kpage.h ]
}

# ------------------------------------------------------ nothing is printed, no exit

@test "no source of the library prints or exits" {
	run grep -nwE \
		-e '(v?f?printf|f?puts|f?putc|putchar|perror|psignal|v?warnx?|v?errx|v?syslog) ?\(' \
		-e '(_?exit|_Exit|quick_exit|abort|assert|system|popen) ?\(' \
		-e 'v?dprintf|std(out|err)|STD(OUT|ERR)_FILENO|write ?\([12]' "$top"/lib/*.c
	[ "$status" -eq 1 ]
}

@test "the library refers to nothing that prints or exits" {
	needs_stage
	needs nm
	run bash -c 'nm -D --undefined-only "$1" | sed "s/.* //; s/@.*//" | grep -xE "$2"' bash \
		"$lib/libkpage.so" \
		'(__)?(v?f?printf|v?dprintf)(_chk)?|f?puts|f?putc|putchar|_IO_putc|perror|psignal|v?warnx?|v?errx?|error|v?syslog|_?exit|_Exit|quick_exit|abort|__assert_fail|std(out|err)|system|popen'
	[ "$status" -eq 1 ]
}

# ------------------------------------------------------------------------ options

check_options() {
	local tool=$1

	if [ -n "$bin" ]; then
		tool=$bin/$1
		export LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
		export HWPOISON_LAB_FILES=$STAGE/usr/local/libexec/hwpoison-tools/lab
	else
		needs "$1"
	fi
	"$top/tests/check-options" "$tool" "$top/man/$1.1" "$top/completions/$1"
}

@test "page-types: options of --help, man page and completion" {
	check_options page-types
}

@test "hwpoison-inject: options of --help, man page and completion" {
	check_options hwpoison-inject
}

@test "mcekill: options of --help, man page and completion" {
	check_options mcekill
}

@test "mce-inject: options of --help, man page and completion" {
	check_options mce-inject
}

@test "page-map: options of --help, man page and completion" {
	check_options page-map
}

@test "usemem: options of --help, man page and completion" {
	check_options usemem
}

@test "hwpoison-lab: options of --help, man page and completion" {
	check_options hwpoison-lab
}

@test "check-options sees what is missing, and what is too much" {
	local dir=$BATS_TEST_TMPDIR

	printf '#!/bin/sh\nprintf "%%s\\n" "Usage: tool [OPTION]" "  -a, --all    All" "      --one=N  One"\n' \
		> "$dir/tool"
	chmod +x "$dir/tool"
	printf '.It Fl a , Fl -all\nAll.\n.It Fl -one Ns = Ns Ar N\nOne.\n' > "$dir/tool.1"
	printf '_tool() { mapfile -t COMPREPLY < <(compgen -W "-a --all --one" -- "-"); }\n%s\n' \
		'complete -F _tool tool' > "$dir/completion"
	run "$top/tests/check-options" "$dir/tool" "$dir/tool.1" "$dir/completion"
	[ "$status" -eq 0 ]
	[ "$output" = "" ]
	sed -i 's/-one/-two/' "$dir/tool.1"
	sed -i 's/-a --all --one/-a --all --one --more/' "$dir/completion"
	run "$top/tests/check-options" "$dir/tool" "$dir/tool.1" "$dir/completion"
	[ "$status" -eq 1 ]
	[ "$output" = "--one: in --help, not in $dir/tool.1
--two: in $dir/tool.1, not in --help
--more: in $dir/completion, not in --help" ]
	run "$top/tests/check-options" true "$dir/tool.1" "$dir/completion"
	[ "$status" -eq 2 ]
}

@test "every tool has a man page and a completion" {
	needs_stage
	local tool

	for tool in "$bin"/*; do
		tool=${tool##*/}
		[ -s "$STAGE/usr/local/share/man/man1/$tool.1" ] || { echo "$tool: no man page"; false; }
		[ -s "$STAGE/usr/local/share/bash-completion/completions/$tool" ] ||
			{ echo "$tool: no completion"; false; }
	done
}

# ----------------------------------------------------------------------- licences

@test "every source file names its licence in its first two lines" {
	local file licence list=$BATS_TEST_TMPDIR/wrong seen=0

	: > "$list"
	while IFS= read -r file; do
		case $file in
		*.c | *.h | *.sh | *.bats | *.bash | *.mk | *.map | Makefile.am | configure.ac) ;;
		build-aux/* | config.h.in) continue ;;
		*) [ "$(head -c 2 "$top/$file" | tr -d '\0')" = '#!' ] || continue ;;
		esac
		case $file in
		lib/*) licence=LGPL-2.1-or-later ;;
		*) licence=GPL-2.0-or-later ;;
		esac
		seen=$((seen + 1))
		head -n 2 "$top/$file" |
			grep -qE "^(//|/\*|#) SPDX-License-Identifier: $licence( \*/)?\$" ||
			echo "$file: not \"SPDX-License-Identifier: $licence\"" >> "$list"
	done < <(source_files)
	[ "$seen" -gt 60 ]
	fails_on "$list"
}

@test "the texts of both licences are there" {
	grep -q 'GNU GENERAL PUBLIC LICENSE' "$top/COPYING"
	grep -q 'GNU LESSER GENERAL PUBLIC LICENSE' "$top/COPYING.LESSER"
}

# ---------------------------------------------------------------------- man pages

@test "the man pages are clean" {
	needs mandoc
	local page

	for page in "$top"/man/*.[1-9]; do
		[ -s "$page" ] || { echo "$page: empty"; false; }
		mandoc -Tlint -Wwarning "$page"
	done
}

# ------------------------------------------------------------- use from elsewhere

# A program that uses the library, in a folder of its own; sets $flags for one
# that is built with sanitizers.
make_program() {
	needs_stage
	needs pkg-config
	needs cc
	cd "$BATS_TEST_TMPDIR" || return
	cat > program.c <<-'EOT'
		#include <kpage.h>
		#include <stdio.h>

		int main(void)
		{
			struct kpage_range range;
			char names[KPAGE_NAMES_SIZE];
			uint64_t flags;

			if (kpage_range_parse("0x10+2", &range) || range.end != 18)
				return 1;
			if (kpage_flags_parse("hwp,lru", &flags, NULL))
				return 1;
			kpage_flags_names(flags, names);
			printf("%s %s\n", kpage_version(), names);
			return 0;
		}
	EOT
	export PKG_CONFIG_PATH=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$STAGE
	flags=(-std=c17 -Wall -Wextra -Wpedantic -Werror)
	if nm -D "$lib/libkpage.so" | grep -q __asan_; then
		flags+=("-fsanitize=address,undefined")
	fi
}

# The program says what it should.
program_works() {
	diff <(env LD_LIBRARY_PATH="$lib" ./program) \
		<(echo "$(pkg-config --modversion libkpage) lru,hwpoison")
}

needs_libkpage() {
	readelf -d program | grep -q 'NEEDED.*\[libkpage\.so\.0\]'
}

@test "a program elsewhere uses the shared library" {
	make_program
	# shellcheck disable=SC2046
	cc "${flags[@]}" -o program program.c $(pkg-config --cflags --libs libkpage)
	program_works
	needs_libkpage
}

@test "a program elsewhere uses the static library" {
	local libs

	make_program
	libs=$(pkg-config --static --cflags --libs libkpage)
	# The library alone: many systems have no static C library.
	# shellcheck disable=SC2086
	cc "${flags[@]}" -o program program.c ${libs/-lkpage/-l:libkpage.a}
	program_works
	! needs_libkpage || { echo "it needs the shared one"; false; }
}

@test "a C++ program elsewhere uses the library" {
	make_program
	needs c++
	# shellcheck disable=SC2046
	c++ -x c++ "${flags[@]/-std=c17/-std=c++17}" -o program program.c \
		$(pkg-config --cflags --libs libkpage)
	program_works
}

# Paths from the top that the documents name: no patterns, and not those of the kernel.
paths_in_documents() {
	cd "$top" || return
	grep -ohE '`(script|doc|lib|tools|tests|bench|man|completions|systemd)/[A-Za-z0-9_./*-]+' \
		README.md NEWS.md doc/*.md | tr -d '`' | grep -vE '[*]|[A-Z]{4}|^tools/mm/' | sort -u
}

@test "the files that the documents name are there" {
	[ -d "$top/script" ] || skip "a distribution has not all of them"
	paths_in_documents > "$BATS_TEST_TMPDIR/named"
	[ "$(wc -l < "$BATS_TEST_TMPDIR/named")" -ge 40 ]
	while IFS= read -r path; do
		[ -e "$top/$path" ] || echo "not there: $path"
	done < "$BATS_TEST_TMPDIR/named" > "$BATS_TEST_TMPDIR/missing"
	fails_on "$BATS_TEST_TMPDIR/missing"
}
