# shellcheck shell=bash disable=SC2034,SC2154 # bats sets and reads some variables
# SPDX-License-Identifier: GPL-2.0-or-later
# What the lab's tests of hwpoison-inject's targets share: a target, a run, and questions
# to the report of the run.

load helper

EARLY_KILL=/proc/sys/vm/memory_failure_early_kill
odd_target=$TOP_BUILDDIR/tests/lab/odd-target
report=$BATS_TEST_TMPDIR/report
messages=$BATS_TEST_TMPDIR/messages

clean_up() {
	local note

	kill_victims
	# One that has ended may be a moment in going.
	hwpoison-inject --unpoison-all > "$BATS_TEST_TMPDIR/unpoison" 2>&1 || cat "$BATS_TEST_TMPDIR/unpoison"
	remove_files
	for note in /run/hwpoison-tools/*; do
		[[ $note == */ledger || $note == */lock ]] || { echo "left behind: $note"; return 1; }
	done
}

# has_lines FILE PATTERN N: or more.
has_lines() {
	(($(grep -cE -- "$2" "$1") >= $3))
}

# wait_for FILE PATTERN [N]: until a file has so many lines that match.
wait_for() {
	eventually has_lines "$1" "$2" "${3:-1}" || { cut -c 1-200 "$1"; return 1; }
}

# start NAME COMMAND…: a target in the background, until it is ready (or so many of it,
# with $ready set); sets pid, out and at (where its memory is).
start() {
	out=$BATS_TEST_TMPDIR/$1.out
	shift
	# What an earlier one has left there is not this one's.
	: > "$out"
	"$@" > "$out" 2>&1 3>&- &
	pid=$!
	pids+=("$pid")
	wait_for "$out" ready "${ready:-1}"
	at=$(sed -n '/ at 0x/ { s/.* at \(0x[0-9a-f]*\)-.*/\1/p; q }' "$out")
}

# The address of a page of the target, by its number.
page() {
	printf 0x%x $((at + $1 * 4096))
}

# The first pages of it, as an argument of --vaddr.
first_pages() {
	printf 0x%x+0x%x $((at)) $(($1 * 4096))
}

# The PFN of a page, as usemem has last said.
pfn_of() {
	awk -v page="$1" '
		/^usemem: pfns / { $1 = $2 = ""; list = $0 }
		END {
			n = split(list, runs)
			for (i = 1; i <= n; i++) {
				split(runs[i], run, "+")
				if (page < at + run[2])
					break
				at += run[2]
			}
			print run[1] " + " page - at
		}' "$out"
}

# target_pfn PAGE: the PFN of a page of the target.
target_pfn() {
	hwpoison-inject --json --list-targets -p "$pid" --vaddr "$(page "$1")" | jq .pfn
}

has_said() {
	[ "$(grep -cF -- "$1" "$out")" = "$2" ]
}

# said TEXT [N]: the target prints so many lines with that. It may be a moment behind what
# the kernel tells of it; that it says nothing is known when it should have.
said() {
	eventually has_said "$1" "${2:-1}" || { cut -c 1-200 "$out"; return 1; }
}

# Has usemem touch all its pages, which shall end so.
touch_all() {
	kill -USR1 "$pid"
	wait_for "$out" "touched $1"
}

# ended PID STATUS: whether a target ends so.
ended() {
	local ended=0

	gone "$1"
	wait "$1" || ended=$?
	((ended == $2)) || { echo "ended with $ended"; cut -c 1-200 "$out"; return 1; }
}

# inject ARG…: a run; its records are in $report. Sets status.
inject() {
	status=0
	hwpoison-inject --json "$@" > "$report" 2> "$messages" 3>&- || status=$?
	cat "$messages"
}

# The same in the background; sets run. ended "$run" STATUS is its end.
inject_in_background() {
	hwpoison-inject --json "$@" > "$report" 2> "$messages" 3>&- &
	run=$!
	pids+=("$run")
}

# ended_with STATUS: the run did.
ended_with() {
	((status == $1)) || { echo "status $status"; cut -c 1-1500 "$report"; return 1; }
}

# says TEXT: the run did, on stderr.
says() {
	grep -qF -- "$1" "$messages" || { echo "not said: $1"; return 1; }
}

# shows FILTER: whether the report of the run is so. $run, $pages, $tasks and $totals are
# its records, $pid is the target, at(n) the address of its page n, $old whether this is
# 6.1; touched(x) is x if the kernel's log tells where a task touches a poisoned page.
shows() {
	local addresses="" address i

	for ((i = 0; i < 8; i++)); do
		printf -v address 0x%x $((at + i * 4096))
		addresses+="\"$address\","
	done
	jq -es --argjson pid "$pid" --argjson old "$([ "$old" = yes ] && echo true || echo false)" \
		--argjson logs "$(logs_touches && echo true || echo false)" '
		def touched($x): if $logs then $x else null end;
		def all_of($record): map(select(.record == $record));
		def at($n): ['"${addresses%,}"'][$n];
		all_of("run")[0] as $run | all_of("page") as $pages | all_of("task") as $tasks |
		all_of("totals")[0] as $totals | '"$1" "$report" > /dev/null ||
		{ echo "not so: $1"; cut -c 1-1500 "$report"; return 1; }
}

# The records are as their schemas say.
is_valid() {
	"$BATS_TEST_DIRNAME/../check-json" < "$report"
}

# of_threads PID FILE: that file of each of its threads, in the order of their numbers, which
# as text can be another one.
of_threads() {
	printf '%s\n' "/proc/$1/task/"*"/$2" | sort -V
}

# Each thread of a process with its kill policy, from the flags that the kernel shows.
policies() {
	local files

	mapfile -t files < <(of_threads "$1" stat)
	awk '{
		sub(/.*\) /, "")
		own = int($7 / 128) % 2
		early = int($7 / 134217728) % 2
		split(FILENAME, path, "/")
		print path[5], own ? early ? "early" : "late" : "default"
	}' "${files[@]}"
}

has_policy() {
	! policies "$1" | grep -qv " $2\$"
}

# Waits until all threads of a process have that policy.
wait_for_policy() {
	eventually has_policy "$@" || { policies "$1"; return 1; }
}
