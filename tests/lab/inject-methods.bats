#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The methods of hwpoison-inject, and what it does to a target by ptrace, on a real
# kernel, as root in the lab: what became of the page, and that the target is as it was.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # $… are jq's variables; bats sets others

bats_require_minimum_version 1.5.0

load inject-targets

setup_file() {
	make_disk
}

teardown_file() {
	remove_disk
}

setup() {
	pids=()
	old=$(is_old)
	before=$(corrupted)
	[ "$(< "$EARLY_KILL")" = 0 ]
}

teardown() {
	[ -d "$HWPOISON" ] || modprobe hwpoison-inject
	[ ! -e "$SOFT_OFFLINE" ] || echo 1 > "$SOFT_OFFLINE"
	clean_up
}

SOFT_OFFLINE=/proc/sys/vm/enable_soft_offline

# ------------------------------------------------------------------ the methods

# The page 1 of the target is poisoned, by that method.
is_poisoned_by() {
	inject -m "$1" -p "$pid" --vaddr "$(page 1)" "${@:3}"
	ended_with 0
	shows '$run.method == "'"$2"'" and ($pages | length) == 1 and ($pages[0] |
		.pfn == '$(($(pfn_of 1)))' and .address == at(1) and .pid == $pid and .comm == "usemem" and
		.kind == "anon" and .owners == 1 and .type == "dirty LRU page" and
		.result == "Recovered" and .hwp_before == false and .hwp_after and
		.outcome == "poisoned" and .errno == null and .error == null and
		.owner_entry == "poisoned" and .new_pfn == null) and
		($totals | .pages_lost == 1 and .hardware_corrupted_before == '"$before"' and
		.hardware_corrupted_after == '$((before + 4))') and
		if $old then $totals.nodes == null else
			$totals.nodes[0] | .after.total - .before.total == 1 and
				.after.recovered - .before.recovered == 1 end'
	is_marked "$(pfn_of 1)"
	(($(corrupted) == before + 4))
}

# Nobody is told until the page is touched.
is_found_when_touched() {
	shows '($tasks | length) == 1 and ($tasks[0] | .pid == $pid and .signal == null and
		.address == at(1) and .sent == 0 and .state == "untouched") and
		$totals.tasks_signalled == 0'
	said SIGBUS 0
	touch_all "255 pages, 1 lost, 0 changed"
	said "SIGBUS BUS_MCEERR_AR address $(page 1) lsb 12 thread $pid page 1"
}

@test "debugfs: poisoned, seen to be, and met where it is" {
	start target usemem -m 1 --handler
	is_poisoned_by debugfs debugfs
	is_valid
	is_found_when_touched
}

@test "hard-offline: the same without debugfs" {
	start target usemem -m 1 --handler
	is_poisoned_by hard-offline hard-offline
	is_found_when_touched
}

@test "auto: debugfs, or hard-offline if the module is missing" {
	start target usemem -m 1 --handler
	is_poisoned_by auto debugfs
	is_found_when_touched
	kill_victims
	modprobe -r hwpoison_inject
	start target usemem -m 1 --handler
	before=$(corrupted)
	inject -p "$pid" --vaddr "$(page 1)"
	ended_with 4
	says "try: --load; or --method hard-offline"
	is_poisoned_by auto hard-offline
	is_found_when_touched
}

@test "madvise, late: on 6.1 nothing until it is touched, later the kernel signals at once" {
	start target usemem -m 1 --policy late --handler
	is_poisoned_by madvise madvise
	if [ "$old" = yes ]; then
		is_found_when_touched
		return
	fi
	shows '($tasks | length) == 1 and ($tasks[0] | .pid == $pid and .tid == $pid and
		.signal == "SIGBUS" and .code == "BUS_MCEERR_AR" and .address == at(1) and .lsb == 12 and
		.lsb_source == "siginfo" and .sent == 1 and .action == "handler" and
		.state == "survived") and $totals.tasks_signalled == 1 and $totals.tasks_killed == 0'
	said "SIGBUS BUS_MCEERR_AR address $(page 1) lsb 12 thread $pid page 1"
}

@test "madvise, early: AO on 6.1, later AR" {
	start target usemem -m 1 --policy early --handler
	is_poisoned_by madvise madvise
	is_valid
	shows '($tasks | length) == 1 and ($tasks[0] | .address == at(1) and .lsb == 12 and
		.lsb_source == "siginfo" and .sent == 1 and .action == "handler" and
		.code == if $old then "BUS_MCEERR_AO" else "BUS_MCEERR_AR" end)'
	said "SIGBUS BUS_MCEERR_A$([ "$old" = yes ] && echo O || echo R) address $(page 1) lsb 12"
	said SIGBUS
}

@test "madvise, without a handler: 6.12 kills by it" {
	start target usemem -m 1
	inject -m madvise -p "$pid" --vaddr "$(first_pages 2)"
	if [ "$old" = yes ]; then
		ended_with 0
		shows '$totals.outcomes == {"poisoned": 2} and $tasks[0].state == "untouched"'
		return
	fi
	ended_with 5
	shows '$totals.outcomes == {"poisoned": 1, "not-tried": 1} and ($tasks[0] |
		.state == "killed" and .action == "default" and .signal_number == 7 and .address == at(0))'
	ended "$pid" 135
}

# The data is elsewhere, whole, and the target has not noticed.
has_moved() {
	local was

	was=$(($(pfn_of 1)))
	inject -m "$1" -p "$pid" --vaddr "$(page 1)"
	ended_with 0
	touch_all "256 pages, 0 lost, 0 changed"
	said SIGBUS 0
	shows '$run.method == "'"$1"'" and ($pages | length) == 1 and ($pages[0] | .pfn == '$was' and
		.outcome == "migrated" and .type == null and .result == null and .hwp_after and
		.owner_entry == "moved" and .new_pfn == '$(($(pfn_of 1)))' and .errno == null) and
		($tasks | length) == 1 and ($tasks[0] | .signal == null and .state == "unharmed") and
		$totals.hardware_corrupted_after == '$((before + 4))
	is_marked $was
	run ! is_marked "$(pfn_of 1)"
}

@test "soft-offline: the data moves, and the old page is out of use" {
	start target usemem -m 1 --policy early --handler
	has_moved soft-offline
	is_valid
}

@test "soft-madvise: the same from inside" {
	start target usemem -m 1 --policy early --handler
	has_moved soft-madvise
}

@test "soft methods, where the kernel will not: failed, and why" {
	local method

	[ -e $SOFT_OFFLINE ] || skip "6.1 can't be told not to"
	start target usemem -m 1 --handler
	echo 0 > $SOFT_OFFLINE
	for method in soft-offline soft-madvise; do
		inject -m $method -p "$pid" --vaddr "$(page 1)"
		ended_with 5
		shows '$pages[0] | .outcome == "failed" and .errno == 95 and .hwp_after == false and
			(.error | contains("vm.enable_soft_offline"))'
	done
	touch_all "256 pages, 0 lost, 0 changed"
}

# --------------------------------------------------------- targets for ptrace

@test "a target without CAP_SYS_ADMIN: status 3, and what to try, which works" {
	start target setpriv --reuid 65534 --clear-groups usemem -m 1 --handler
	inject -m madvise -p "$pid" --vaddr "$(page 1)"
	ended_with 3
	says "usemem[$pid]: lacks CAP_SYS_ADMIN"
	says "try: --method debugfs"
	inject -m soft-madvise -p "$pid" --vaddr "$(page 1)"
	ended_with 3
	says "try: --method soft-offline"
	(($(corrupted) == before))
	inject -p "$pid" --vaddr "$(page 1)"
	ended_with 0
	shows '$pages[0].outcome == "poisoned"'
}

@test "root in a user namespace of its own: the kernel says no, status 3" {
	start target unshare --user --map-root-user usemem -m 1 --handler
	inject -m madvise -p "$pid" --vaddr "$(page 1)"
	ended_with 3
	says "lacks CAP_SYS_ADMIN in the initial user namespace"
	(($(corrupted) == before))
}

@test "a stopped target stays stopped, and takes its signal when it goes on" {
	local policy

	# For the one that is not early by itself: held once more while its signal waits, to
	# put its policy back.
	for policy in early default; do
		start target usemem -m 1 --policy $policy --handler
		kill -STOP "$pid"
		eventually has_state "$pid" T
		inject -m madvise --early -p "$pid" --vaddr "$(page 1)"
		ended_with 0
		shows '$pages[0].outcome == "poisoned" and ($tasks[0] | .sent == 1 and .merged == 0 and
			.action == null and .state == "pending" and .address == at(1))'
		# A look is enough: the tool has let it go before it ended.
		eventually has_state "$pid" T
		said SIGBUS 0
		kill -CONT "$pid"
		wait_for "$out" "SIGBUS BUS_MCEERR_A[OR] address $(page 1) lsb 12"
		touch_all "255 pages, 1 lost, 0 changed"
		said "address $(page 1) lsb 12" 2
	done
}

@test "a traced target: status 1, and by whom; other methods don't mind" {
	local tracer option

	start target usemem -m 1 --handler
	strace -o "$BATS_TEST_TMPDIR/strace" -p "$pid" 2> "$BATS_TEST_TMPDIR/strace.err" 3>&- &
	tracer=$!
	pids+=("$tracer")
	wait_for "/proc/$pid/status" "^TracerPid:\s$tracer\$"
	for option in --method=madvise --early --consume; do
		inject $option -p "$pid" --vaddr "$(page 1)"
		ended_with 1
		says "usemem[$pid]: is traced by process $tracer already"
	done
	(($(corrupted) == before))
	inject -p "$pid" --vaddr "$(page 1)"
	ended_with 0
	# strace's own end is that of its tracing.
	kill "$tracer"
	gone "$tracer"
	inject -m madvise -p "$pid" --vaddr "$(page 2)"
	ended_with 0
	shows '$pages[0].outcome == "poisoned"'
}

# The calls sleep for so long. It may be too short on a busy machine: status 1 then.
sleep_and_inject() {
	local call sleepers="" ready

	kill_victims
	for call in "${calls[@]}"; do
		"$odd_target" sleep "$call:$1" > "$BATS_TEST_TMPDIR/$call" 2>&1 3>&- &
		pids+=($!)
		sleepers+=,$!
	done
	for call in "${calls[@]}"; do
		wait_for "$BATS_TEST_TMPDIR/$call" ready
	done
	ready=$EPOCHREALTIME
	rest 2
	passed=$(((${EPOCHREALTIME/./} - ${ready/./}) / 1000))
	# Each is held three times: for the policy, the page, the policy.
	inject -m soft-madvise --early -p "${sleepers#,}" --vaddr $at
	for call in "${calls[@]}"; do
		! grep -q returned "$BATS_TEST_TMPDIR/$call" || return 1
	done
}

@test "a target in a system call sleeps on, and as long as it would have" {
	local calls=(nanosleep read futex poll) call seconds=6 passed list

	# On arm64 any stop ends it.
	[ "$(uname -m)" = aarch64 ] || calls+=(epoll)
	pid=0 at=0x100000000000
	sleep_and_inject $seconds || { seconds=40; sleep_and_inject $seconds; }
	ended_with 0
	shows '$totals.outcomes == {"migrated": '${#calls[@]}'} and all($tasks[]; .state == "unharmed")'
	for call in "${calls[@]}"; do
		wait_for "$BATS_TEST_TMPDIR/$call" after
		list+=$(tail -n 1 "$BATS_TEST_TMPDIR/$call")$'\n'
	done
	echo "$list"
	# 110 is ETIMEDOUT.
	head -n ${#calls[@]} <<- END | diff <(sed '/^$/d; s/ after.*//' <<< "$list") -
		odd-target: nanosleep returned 0, errno 0,
		odd-target: read returned 8, errno 0,
		odd-target: futex returned -1, errno 110,
		odd-target: poll returned 0, errno 0,
		odd-target: epoll returned 1, errno 0,
	END
	# Who slept anew would have slept for that much longer, at the least; on arm64 all do.
	[ "$(uname -m)" != aarch64 ] || passed=100000
	awk -v sleep=$((seconds * 1000)) -v passed="$passed" '
		NF && ($(NF - 1) < sleep - 10 || $(NF - 1) >= sleep + passed) { exit 1 }' <<< "$list"
}

# How often each thread of the target has gone to sleep.
switches() {
	local files

	mapfile -t files < <(of_threads "$pid" status)
	sed -n 's/^voluntary.*:\s*//p' "${files[@]}"
}

@test "the other threads of a target run on" {
	local was now

	start target "$odd_target" threads
	was=$(switches)
	# By the way: 32 pages are 32 stops of the first thread.
	inject -m soft-madvise --early -p "$pid" --vaddr "$(first_pages 32)"
	ended_with 0
	shows '$totals.outcomes == {"migrated": 32}'
	now=$(switches)
	paste <(echo "$was") <(echo "$now")
	(($(wc -l <<< "$now") == 3))
	# Each of the two sleeps a thousandth of a second at a time.
	paste <(echo "$was") <(echo "$now") | tail -n 2 | awk '$2 < $1 + 100 { exit 1 }'
	kill "$pid"
	ended "$pid" 0
}

@test "under a seccomp filter that kills for it: not judged, and in force again after it" {
	start target "$odd_target" seccomp
	inject -m madvise --early --consume -p "$pid" --vaddr "$(page 1)"
	ended_with 0
	# By madvise and by its own load; on 6.1 the first is the early signal.
	shows '$pages[0].outcome == "poisoned" and ([$tasks[].sent] | add) == 2 and
		([$tasks[].code] | sort) == if $old then ["BUS_MCEERR_AO", "BUS_MCEERR_AR"] else ["BUS_MCEERR_AR"] end and
		all($tasks[]; .state == "survived" and .action == "handler")'
	said "SIGBUS BUS_MCEERR_A" 2
	kill "$pid"
	# By SIGSYS, for the prctl(2) of its own.
	ended "$pid" 159
	said "odd-target: alive"
	said "not killed by the filter" 0
}

@test "a process whose first thread has ended: its memory is there, by another one" {
	start target "$odd_target" leaderless
	eventually has_state "$pid" Z
	page-types --owners --json --pfn "$(target_pfn 1)" > "$report"
	jq -es 'map(select(.record == "owner")) | length == 1 and
		(.[0] | .pid == '"$pid"' and .address == "'"$(page 1)"'" and .comm == "odd-target")' "$report"
	inject -m madvise --early --consume -p "$pid" --vaddr "$(page 1)"
	ended_with 0
	says "--early: odd-target[$pid]: its first thread has ended: the kernel tells none of the others early"
	shows '($pages | length) == 1 and ($pages[0] | .outcome == "poisoned" and .pid == $pid) and
		($tasks | length) == 1 and ($tasks[0] | .pid == $pid and .tid != $pid and
		.code == "BUS_MCEERR_AR" and .address == at(1) and .sent == 1 and
		.action == "handler" and .state == "survived")'
	said "SIGBUS BUS_MCEERR_AR address $(page 1) lsb 12 thread $(jq -s 'map(select(.record == "task"))[0].tid' "$report")"
	kill -0 "$pid"
}

# A program of a hundred bytes: it writes to its memory at 0x8049000, and pauses.
make_32bit() {
	printf '\x7fELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0\x54\x80\4\x8\x34\0\0\0\0\0\0\0\0\0\0\0\x34\0\x20\0\1\0\0\0\0\0\0\0'
	printf '\1\0\0\0\0\0\0\0\0\x80\4\x8\0\x80\4\x8\x64\0\0\0\0\x30\0\0\7\0\0\0\0\x10\0\0'
	# movb $1,0x8049000; 1: mov $29,%eax (pause); int $0x80; jmp 1b
	printf '\xc6\5\0\x90\4\x8\1\xb8\x1d\0\0\0\xcd\x80\xeb\xf7'
}

@test "a 32-bit target: status 4 before anything is changed, and what to try" {
	local option

	[ "$(uname -m)" = x86_64 ] || skip "the program is for x86"
	make_32bit > "$BATS_TEST_TMPDIR/small"
	chmod +x "$BATS_TEST_TMPDIR/small"
	"$BATS_TEST_TMPDIR/small" 3>&- &
	pid=$! at=0x8049000 out=/dev/null
	pids+=("$pid")
	eventually has_state "$pid" S
	inject -m madvise -p "$pid" --vaddr $at
	ended_with 4
	says "small[$pid]: it is a 32-bit process"
	says "try: --method debugfs"
	for option in --early --late --consume; do
		inject $option -p "$pid" --vaddr $at
		ended_with 4
		says "try without --early, --late and --consume"
	done
	(($(corrupted) == before))
	inject --expect poisoned -p "$pid" --vaddr $at
	ended_with 0
}

# ----------------------------------------------------- registers and memory

@test "registers and memory are as before, by madvise, by --consume, by --early" {
	start target "$odd_target" registers
	inject -m madvise --early -p "$pid" --vaddr "$(first_pages 8)"
	ended_with 0
	# The handler ran for each of them.
	shows '$totals.outcomes == {"poisoned": 8} and ($tasks | length) == 1 and ($tasks[0] |
		.sent == 8 and .merged == 0 and .state == "survived")'
	is_valid
	inject --consume --late -p "$pid" --vaddr "$(page 8)+0x4000"
	ended_with 0
	shows '$totals.outcomes == {"poisoned": 4} and ($tasks | length) == 1 and ($tasks[0] |
		.code == "BUS_MCEERR_AR" and .sent == 4 and .merged == 0 and .state == "survived")'
	inject -m soft-madvise -p "$pid" --vaddr "$(page 16)+0x8000"
	ended_with 0
	shows '$totals.outcomes == {"migrated": 8}'
	kill "$pid"
	ended "$pid" 0
	tail -n 1 "$out"
	said "nothing has changed"
	said SIGBUS 12
}

@test "killed in the middle: what was done is reported, and the rest was not tried" {
	local i

	start target usemem -m 8
	inject_in_background -m soft-madvise -p "$pid" --vaddr "$(first_pages 2048)"
	for ((i = 0; i < 2000; i++)); do
		(($(corrupted) < before + 40)) || break
	done
	kill -KILL "$pid"
	ended "$run" 5
	ended "$pid" 137
	# One may be in its hands.
	shows '($totals.outcomes | .migrated >= 10 and ."not-tried" > 0 and (.failed // 0) <= 1) and
		($tasks | length) == 1 and ($tasks[0] | .signal == null and .state == "exited") and
		$totals.tasks_killed == 0 and $totals.interrupted == false'
}

# ------------------------------------------------------------------ --consume

@test "--consume, early: told, and then it runs into it" {
	start target usemem -m 1 --policy early --handler
	inject --consume -p "$pid" --vaddr "$(page 1)"
	ended_with 0
	is_valid
	shows '($tasks | length) == 2 and ([$tasks[].code] == ["BUS_MCEERR_AO", "BUS_MCEERR_AR"]) and
		all($tasks[]; .pid == $pid and .address == at(1) and .lsb == 12 and .sent == 1 and
			.action == "handler" and .state == "survived") and
		$tasks[1].lsb_source == "siginfo" and $totals.tasks_signalled == 1'
	said "SIGBUS BUS_MCEERR_AO address $(page 1) lsb 12 thread $pid page 1"
	said "SIGBUS BUS_MCEERR_AR address $(page 1) lsb 12 thread $pid page 1"
}

@test "--consume, late, several pages: the handler meets each" {
	local i

	start target usemem -m 1 --policy late --handler
	inject --consume --expect handled -p "$pid" --vaddr "$(first_pages 4)"
	ended_with 0
	shows '$totals.outcomes == {"poisoned": 4} and ($tasks | length) == 1 and ($tasks[0] |
		.code == "BUS_MCEERR_AR" and .address == at(0) and .sent == 4 and .merged == 0 and
		.state == "survived") and $totals.verdict == {"expected": "handled", "met": true}'
	for i in 0 1 2 3; do
		said "SIGBUS BUS_MCEERR_AR address $(page $i) lsb 12 thread $pid page $i"
	done
	touch_all "252 pages, 4 lost, 0 changed"
}

@test "--consume, late, no handler: killed by the first page, the rest is not tried" {
	start target usemem -m 1 --policy late
	inject --consume --expect killed -p "$pid" --vaddr "$(first_pages 3)"
	ended_with 0
	shows '$totals.outcomes == {"poisoned": 1, "not-tried": 2} and ($tasks | length) == 1 and
		($tasks[0] | .code == "BUS_MCEERR_AR" and .address == at(0) and .sent == 1 and
		.action == "default" and .state == "killed" and .signal_number == 7)'
	ended "$pid" 135
}

@test "--consume kills who blocks or ignores SIGBUS" {
	local what

	for what in block ignore; do
		start $what env --$what-signal=BUS usemem -m 1 --policy early
		inject --consume --expect killed -p "$pid" --vaddr "$(page 1)"
		ended_with 0
		shows '($tasks | length) == 2 and ($tasks[0] | .code == "BUS_MCEERR_AO" and
			if "'$what'" == "block" then .sent == 1 else .ignored == 1 end) and
			($tasks[1] | .code == "BUS_MCEERR_AR" and .action == "default") and
			all($tasks[]; .state == "killed" and .address == at(1))'
		ended "$pid" 135
	done
}

@test "--consume of a clean page of a file: read again, nobody is told" {
	local was

	start target usemem -m 1 --kind file-clean --path "$DISK" --policy early --handler
	was=$(($(pfn_of 1)))
	inject --consume --expect survived -p "$pid" --vaddr "$(page 1)"
	ended_with 0
	shows '($pages[0] | .kind == "file" and .outcome == "poisoned" and .owner_entry == "unmapped" and
		(.name | startswith("'"$DISK"'/")) and .type == "clean LRU page") and
		($tasks | length) == 1 and ($tasks[0] | .signal == null and .state == "unharmed")'
	touch_all "256 pages, 0 lost, 0 changed"
	said SIGBUS 0
	is_marked $was
	(($(pfn_of 1) != was))
}

# --------------------------------------------------------- --early and --late

# start_threads [MEGABYTES]: threads of two policies: the second takes the early signals.
start_threads() {
	start target usemem -m "${1:-1}" --handler-thread --threads 3
	was=$(policies "$pid")
	echo "$was"
	[ "$(cut -d ' ' -f 2 <<< "$was" | tr '\n' ' ')" = "late early late late " ]
}

@test "--early and --late hold for all threads, for this run" {
	local was thread

	start_threads
	thread=$(sed -n '2s/ .*//p' <<< "$was")
	inject -p "$pid" --vaddr "$(page 0)"
	shows '($tasks | length) == 1 and $tasks[0].tid == '"$thread"
	# Now the first of them is asked first.
	inject --early -p "$pid" --vaddr "$(page 1)"
	ended_with 0
	shows '($tasks | length) == 1 and ($tasks[0] | .pid == $pid and .tid == $pid and
		.code == "BUS_MCEERR_AO" and .address == at(1))'
	[ "$(policies "$pid")" = "$was" ]
	# Now nobody.
	inject --late -p "$pid" --vaddr "$(page 2)"
	ended_with 0
	shows '($tasks | length) == 1 and ($tasks[0] | .signal == null and .state == "untouched")'
	[ "$(policies "$pid")" = "$was" ]
	said SIGBUS 2
	# The default is a policy, too.
	start target usemem -m 1 --handler --threads 2
	was=$(policies "$pid")
	[ "$(cut -d ' ' -f 2 <<< "$was" | tr '\n' ' ')" = "default default " ]
	inject --early --expect handled -p "$pid" --vaddr "$(page 1)"
	ended_with 0
	[ "$(policies "$pid")" = "$was" ]
}

@test "a page that moves before the target can be held is left alone" {
	local go=$BATS_TEST_TMPDIR/go poisoned

	start target "$odd_target" vfork "$go"
	inject_in_background -m madvise -p "$pid" --vaddr "$(first_pages 64)"
	eventually eval '(($(corrupted) > before))'
	kill -USR1 "$pid"
	eventually has_state "$pid" D
	# The next is in the ledger already, and waits for the process.
	: > "$go"
	ended "$run" 5
	shows '$totals.outcomes | .poisoned >= 1 and .moved >= 1 and .poisoned + .moved + (.failed // 0) == 64'
	# Nothing else, such as the page that has come in its place.
	poisoned=$(jq 'select(.record == "totals").outcomes.poisoned' "$report")
	(($(corrupted) == before + 4 * poisoned))
	[ "$(hwpoison-inject --list --json | jq -s length)" = "$poisoned" ]
	kill "$pid"
	ended "$pid" 0
}

# The policies are held until the last page: a run over many.
inject_long() {
	inject_in_background --wait 0 --max 2048 -p "$pid" --vaddr "$(first_pages 2048)" "$@"
}

has_policies() {
	[ "$(policies "$pid")" = "$1" ]
}

@test "while tasks are waited for, the policies are as they were" {
	local was

	start_threads
	inject_in_background --late --wait 100 -p "$pid" --vaddr "$(page 1)"
	eventually is_marked "$(pfn_of 1)"
	eventually has_policies "$was"
	kill -0 "$run"
	kill -TERM "$run"
	ended "$run" 143
}

@test "after SIGTERM the policies are put back, too" {
	local was

	start_threads 8
	inject_long --late
	wait_for_policy "$pid" late
	kill -TERM "$run"
	ended "$run" 143
	[ "$(policies "$pid")" = "$was" ]
	shows '$totals.interrupted'
}

@test "what can't be put back now stays noted, and is in the way of no other run" {
	local was tracer

	start_threads 8
	inject_long --late
	wait_for_policy "$pid" late
	kill -KILL "$run"
	ended "$run" 137
	strace -f -o "$BATS_TEST_TMPDIR/strace" -p "$pid" 2> "$BATS_TEST_TMPDIR/strace.err" 3>&- &
	tracer=$!
	pids+=("$tracer")
	wait_for "/proc/$pid/status" "^TracerPid:\s$tracer\$"
	inject --unpoison-all
	ended_with 0
	says "its kill policy could not be put back: Device or resource busy"
	[ -e /run/hwpoison-tools/policy ]
	start other usemem -m 1
	inject --early -p "$pid" --vaddr "$(page 0)"
	ended_with 1
	kill "$tracer"
	gone "$tracer"
	inject --early -p "$pid" --vaddr "$(page 0)"
	ended_with 0
	[ ! -e /run/hwpoison-tools/policy ]
	[ "$(policies "${pids[0]}")" = "$was" ]
}

@test "after SIGKILL the next run puts them back, whatever it is for" {
	local was

	start_threads 8
	inject_long --late
	wait_for_policy "$pid" late
	kill -KILL "$run"
	ended "$run" 137
	[ -e /run/hwpoison-tools/policy ]
	wait_for_policy "$pid" late
	inject --unpoison-all
	says "a run that was killed had changed kill policies: putting them back"
	[ "$(policies "$pid")" = "$was" ]
	[ ! -e /run/hwpoison-tools/policy ]
}
