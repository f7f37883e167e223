#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# mcekill and tasks of this machine: a COMMAND with a policy, its report, and the policy of
# tasks that run. No root needed, but the right to trace one's own processes for some.
# What single quotes hold is for the shells that are started.
# shellcheck disable=SC2016,SC2030,SC2031 # and each test is a process of its own

# Set in helper.bash: $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load mcekill

setup() {
	pids=()
	stdout_file=$BATS_TEST_TMPDIR/stdout
	stderr_file=$BATS_TEST_TMPDIR/stderr
	# Of a build with sanitizers: SIGBUS is the target's own.
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_sigbus=0
	target=${TOP_BUILDDIR:-$BATS_TEST_DIRNAME/../../build}/tests/lab/policy-target
}

teardown() {
	local pid

	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2> /dev/null || true
		wait "$pid" 2> /dev/null || true
	done
}

# What is traced can't be searched for leaks.
without_leak_check() {
	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
}

needs_target() {
	[ -x "$target" ] || skip "$target is not built (make check)"
}

# Until then it is a shell, and has its name.
has_begun() {
	! cmp -s "/proc/$pid/cmdline" "/proc/$$/cmdline"
}

# in_background COMMAND...: sets pid; it is killed after the test.
in_background() {
	# What the one before has left there is not this one's.
	: > "$BATS_TEST_TMPDIR/out"
	"$@" > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	pids+=("$pid")
	wait_until has_begun
}

# ended STATUS: the latest in the background ends so.
ended() {
	local rc=0

	wait "$pid" || rc=$?
	[ "$rc" -eq "$1" ] || { echo "ended with $rc"; cat "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/err"; return 1; }
}

is_ready() {
	grep -q ready "$BATS_TEST_TMPDIR/out"
}

# find_child PID [NAME]: the child of a process (that has that name), into $child.
find_child() {
	child=$(pgrep -P "$1" ${2:+-x "$2"})
}

# report TEXT: the latest run of mcekill --report said that of its command, and no more.
reported() {
	diff <(sed -E 's/\[[0-9]+\]/[PID]/; s/0x[0-9a-f]+/0xADDRESS/' "${2:-$stderr_file}") <(echo "mcekill: $1") ||
		complain "not as expected: the report"
}

# state PID: the letter of /proc.
state_is() {
	[ "$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$2/status")" = "$1" ]
}

# The child, by who is in the background.
is_traced() {
	grep -qx "TracerPid:	$pid" "/proc/$child/status"
}

is_stopped() {
	state_is t "$1" || state_is T "$1"
}

# --------------------------------------------------------------------- as exec does it

@test "the COMMAND has the policy, its children and what it becomes, too" {
	local policy expected

	for policy in early late default clear; do
		expected=${policy/clear/default}
		run_split mcekill --$policy -- sh -c 'cat /proc/self/stat; exec cat /proc/self/stat'
		status_is 0
		stderr_is
		[ "$(awk '{ print int($9 / 128) % 2 ? int($9 / 134217728) % 2 ? "early" : "late" : "default" }' \
			"$stdout_file" | paste -s -d ' ')" = "$expected $expected" ] || complain
	done
	# The inner one counts.
	run_split mcekill --early mcekill --clear sh -c 'mcekill --json --get -p $$'
	status_is 0
	grep -q '"policy":"default"' "$stdout_file" || complain
}

@test "new threads have it, and those of a child" {
	needs_target
	prints mcekill --late -- "$target" inherit <<- END
		process: late
		thread: late
		child: late
		its thread: late
	END
	needs_tracing
	without_leak_check
	run_split mcekill --early --report -- "$target" inherit
	status_is 0
	stdout_is 'process: early' 'thread: early' 'child: early' 'its thread: early'
	reported "${target}[PID]: exit status 0; no memory error in its own threads"
}

@test "it is the same process" {
	run_split sh -c 'echo $$; exec mcekill --early sh -c "echo \$\$"'
	status_is 0
	[ "$(uniq "$stdout_file" | wc -l)" = 1 ] || complain
}

@test "what it inherits is what it would have had without mcekill" {
	local report show='grep -E "^(Sig(Pnd|Blk|Ign|Cgt)|ShdPnd|Cap|NoNewPrivs|Seccomp|Umask)" /proc/self/status
		cd /proc/self/fd; for fd in *; do echo $fd $(readlink $fd); done
		ulimit -a; env | sort; pwd; nice; cat /proc/self/oom_score_adj'

	exec 7< /dev/null
	for report in '' --report; do
		# The shell opens its folder on a number of its own.
		env --ignore-signal=HUP,USR2 --block-signal=INT,RTMIN sh -c "umask 27; exec sh -c '$show'" \
			2> "$stderr_file" | grep -v ' /proc/' > "$BATS_TEST_TMPDIR/without"
		env --ignore-signal=HUP,USR2 --block-signal=INT,RTMIN sh -c "umask 27; exec mcekill --default $report sh -c '$show'" \
			2> "$stderr_file" | grep -v ' /proc/' > "$BATS_TEST_TMPDIR/with"
		diff <(sed 's/pipe:.*/pipe/' "$BATS_TEST_TMPDIR/without") <(sed 's/pipe:.*/pipe/' "$BATS_TEST_TMPDIR/with")
		grep -q 'SigIgn:.*[0-9a-f]' "$BATS_TEST_TMPDIR/with"
	done
	exec 7>&-
}

@test "standard input and output are its own" {
	local report

	for report in '' --report; do
		printf 'a\nb\n' | mcekill --early $report sh -c 'read x; echo "$x"; cat' > "$BATS_TEST_TMPDIR/got" \
			2> "$stderr_file"
		diff <(printf 'a\nb\n') "$BATS_TEST_TMPDIR/got"
	done
	run_split mcekill --early sh -c 'echo out; echo err >&2'
	stdout_is out
	stderr_is err
	# Closed ones stay closed.
	run_split sh -c 'exec mcekill --early sh -c "ls /proc/self/fd > \"$0\"" "$0" <&- >&- 2>&-' "$BATS_TEST_TMPDIR/fds"
	status_is 0
	[ "$(grep -c '^[02]$' "$BATS_TEST_TMPDIR/fds")" = 1 ]
}

@test "its exit status is mcekill's" {
	local n

	for n in 0 1 2 5 42 126 127 128 255; do
		run_split mcekill --early sh -c "exit $n"
		status_is $n
		stderr_is
	done
}

@test "its death by a signal is mcekill's" {
	local signal

	for signal in TERM KILL BUS USR1 RTMIN; do
		run_split bash -c "ulimit -c 0; mcekill --late bash -c 'kill -$signal \$\$'; exit \$?"
		status_is $((128 + $(kill -l $signal)))
	done
}

@test "a COMMAND that can't be run: 127 and 126, as shells have it" {
	echo 'echo ran "$@"' > "$BATS_TEST_TMPDIR/script"
	mkdir "$BATS_TEST_TMPDIR/folder"
	# A folder of the PATH that can't be searched would make it 126.
	PATH=/bin:/usr/bin fails_with 127 'mcekill: nonesuch-command: No such file or directory' \
		"$(command -v mcekill)" --early nonesuch-command
	fails_with 127 'mcekill: /none/such: No such file or directory' mcekill --late -- /none/such x
	fails_with 127 'mcekill: : No such file or directory' mcekill --early ''
	fails_with 126 "mcekill: $BATS_TEST_TMPDIR/script: Permission denied" \
		mcekill --early "$BATS_TEST_TMPDIR/script"
	fails_with 126 "mcekill: $BATS_TEST_TMPDIR/folder: Permission denied" \
		mcekill --default "$BATS_TEST_TMPDIR/folder"
	# A script without #! is the shell's.
	chmod +x "$BATS_TEST_TMPDIR/script"
	prints mcekill --early "$BATS_TEST_TMPDIR/script" a b <<< 'ran a b'
	run_split mcekill --early --report "$BATS_TEST_TMPDIR/nonesuch"
	status_is 127
	sed -i -E 's/\[[0-9]+\]/[PID]/' "$stderr_file"
	stderr_is "mcekill: $BATS_TEST_TMPDIR/nonesuch: No such file or directory"
}

@test "without a /proc it works, too" {
	needs_root "a namespace without /proc"
	unshare --mount true 2> /dev/null || skip "no mount namespaces here"
	run_split unshare --mount sh -c 'mount -t tmpfs none /proc && exec mcekill --early sh -c "exit 7"'
	status_is 7
	[ "$(grep -c ^mcekill "$stderr_file")" = 0 ] || complain
}

# ------------------------------------------------------------------------- the report

@test "--report: the exit status, said" {
	local n

	needs_tracing
	for n in 0 1 5 255; do
		run_split mcekill --early --report -- sh -c "exit $n"
		status_is $n
		reported "sh[PID]: exit status $n; no memory error in its own threads"
	done
}

@test "--report: killed by a signal, and mcekill as well" {
	local signal

	needs_tracing
	for signal in TERM KILL USR1 SEGV; do
		run_split bash -c "ulimit -c 0; mcekill --late --report bash -c 'kill -$signal \$\$' 2> '$BATS_TEST_TMPDIR/report'; exit \$?"
		status_is $((128 + $(kill -l $signal)))
		reported "bash[PID]: killed by SIG$signal; no memory error in its own threads" "$BATS_TEST_TMPDIR/report"
	done
	run_split bash -c "mcekill --late --report bash -c 'kill -40 \$\$' 2> '$BATS_TEST_TMPDIR/report'; exit \$?"
	status_is 168
	reported "bash[PID]: killed by signal 40; no memory error in its own threads" "$BATS_TEST_TMPDIR/report"
}

@test "--report: bus errors that are none of memory" {
	needs_tracing
	without_leak_check
	needs_target
	ulimit -c 0
	sent() { bash -c 'mcekill --early --report "$@" 2> "$0"; exit $?' "$BATS_TEST_TMPDIR/report" "$@"; }
	run_split sent sh -c 'kill -BUS $$'
	status_is 135
	reported 'sh[PID]: killed by a SIGBUS that it sent itself; no memory error in its own threads' \
		"$BATS_TEST_TMPDIR/report"
	for kind in adrerr adrerr-thread; do
		run_split sent "$target" $kind
		status_is 135
		reported "${target}[PID]: killed by an ordinary bus error: BUS_ADRERR, behind the end of a file, or a page that could not be had, at 0xADDRESS; no memory error in its own threads" \
			"$BATS_TEST_TMPDIR/report"
	done
	run_split sent "$target" adrerr-handled
	status_is 0
	stdout_is survived
	reported "${target}[PID]: exit status 0; no memory error in its own threads" "$BATS_TEST_TMPDIR/report"
	# A handled one is not what killed later.
	run_split sent sh -c 'trap : BUS; kill -BUS $$; kill -TERM $$'
	status_is 143
	reported 'sh[PID]: killed by SIGTERM; no memory error in its own threads' "$BATS_TEST_TMPDIR/report"
}

@test "--report: a SIGBUS that somebody sends, to the command and to mcekill" {
	needs_tracing
	ulimit -c 0
	in_background mcekill --early --report sleep 60
	wait_until find_child "$pid"
	kill -BUS "$child"
	ended 135
	reported "sleep[PID]: killed by a SIGBUS that process $BASHPID sent; no memory error in its own threads" \
		"$BATS_TEST_TMPDIR/err"
	in_background mcekill --early --report sleep 60
	wait_until find_child "$pid"
	kill -BUS "$pid"
	ended 135
	[ ! -e "/proc/$child" ]
	reported "sleep[PID]: killed by a SIGBUS that process $pid sent; no memory error in its own threads" \
		"$BATS_TEST_TMPDIR/err"
}

@test "--report: nobody reads standard error: the exit status is that of the command" {
	needs_tracing
	run_split bash -c 'mcekill --early --report sh -c "exit 3" 2> >(exec true); exit $?'
	status_is 3
}

@test "--report: children, threads, and another program from a thread" {
	needs_tracing
	without_leak_check
	needs_target
	run_split mcekill --early --report sh -c '(exit 3) & (kill -BUS 0$(sh -c "echo \$PPID")) & wait; exit 4'
	status_is 4
	reported 'sh[PID]: exit status 4; no memory error in its own threads'
	run_split mcekill --early --report "$target" exec sh -c 'exit 6'
	status_is 6
	reported "${target}[PID]: exit status 6; no memory error in its own threads"
	run_split mcekill --early --report sh -c 'exec "$0" exec sh -c "kill -TERM \$\$"' "$target" || true
	status_is 143
	reported 'sh[PID]: killed by SIGTERM; no memory error in its own threads'
}

@test "--report: what the COMMAND started and left is not waited for" {
	local left

	needs_tracing
	run_split mcekill --early --report sh -c 'sleep 300 > /dev/null 2>&1 3>&- & echo $!'
	status_is 0
	left=$(< "$stdout_file")
	pids+=("$left")
	kill -0 "$left"
	grep -qx 'TracerPid:	0' "/proc/$left/status"
}

@test "--report: what mcekill's own process had started before is no matter" {
	needs_tracing
	run_split sh -c 'sh -c "exit 9" & sleep 0.3 & exec mcekill --early --report sh -c "sleep 0.5; exit 8"'
	status_is 8
	reported 'sh[PID]: exit status 8; no memory error in its own threads'
}

@test "--report: SIGCHLD ignored" {
	needs_tracing
	run_split env --ignore-signal=CHLD mcekill --early --report sh -c 'exit 8'
	status_is 8
	reported 'sh[PID]: exit status 8; no memory error in its own threads'
}

@test "--report: signals are passed on" {
	needs_tracing
	for signal in TERM USR1 RTMIN+3; do
		in_background mcekill --early --report bash -c "trap 'echo got; exit 7' $signal; echo ready; while :; do sleep 0.05; done"
		wait_until is_ready
		kill -s $signal "$pid"
		ended 7
		grep -qx got "$BATS_TEST_TMPDIR/out"
		reported 'bash[PID]: exit status 7; no memory error in its own threads' "$BATS_TEST_TMPDIR/err"
	done
	# One that is not handled kills both.
	in_background mcekill --early --report sh -c 'echo ready; exec sleep 60'
	wait_until is_ready
	kill -TERM "$pid"
	ended 143
	reported 'sh[PID]: killed by SIGTERM; no memory error in its own threads' "$BATS_TEST_TMPDIR/err"
}

@test "--report: signals that are ignored stay so, for both" {
	needs_tracing
	in_background env --ignore-signal=HUP,TERM mcekill --early --report sh -c 'echo ready; exec sleep 60'
	wait_until is_ready
	wait_until find_child "$pid"
	kill -HUP "$pid" "$child"
	kill -TERM "$pid" "$child"
	sleep 0.2
	kill -0 "$child"
	kill -0 "$pid"
	kill -KILL "$child"
	ended 137
	reported 'sh[PID]: killed by SIGKILL; no memory error in its own threads' "$BATS_TEST_TMPDIR/err"
}

@test "--report: the COMMAND is stopped and goes on" {
	needs_tracing
	in_background mcekill --late --report sh -c 'echo ready; while [ ! -e "$0" ]; do sleep 0.05; done; exit 7' \
		"$BATS_TEST_TMPDIR/go"
	wait_until is_ready
	wait_until find_child "$pid"
	for signal in STOP TSTP; do
		# In an orphaned process group the kernel drops SIGTSTP.
		kill -$signal "$child"
		if [ $signal = STOP ]; then
			wait_until is_stopped "$child"
		fi
		kill -CONT "$child"
	done
	kill -STOP "$child"
	wait_until is_stopped "$child"
	: > "$BATS_TEST_TMPDIR/go"
	sleep 0.3
	kill -0 "$pid"
	kill -CONT "$child"
	ended 7
}

@test "--report: stopped and continued with its whole job" {
	needs_tracing
	in_background setsid -w mcekill --late --report sh -c 'echo ready; while [ ! -e "$0" ]; do sleep 0.05; done; exit 7' \
		"$BATS_TEST_TMPDIR/go"
	wait_until is_ready
	find_group() { group=$(pgrep -f "^mcekill --late --report.*$BATS_TEST_TMPDIR/go") && [ -n "$group" ]; }
	wait_until find_group
	kill -STOP -- "-$group"
	wait_until state_is T "$group"
	kill -CONT -- "-$group"
	: > "$BATS_TEST_TMPDIR/go"
	ended 7
}

@test "--report: mcekill is killed: the COMMAND goes on" {
	needs_tracing
	in_background mcekill --early --report sh -c 'echo ready; while [ ! -e "$0" ]; do sleep 0.05; done; echo over' \
		"$BATS_TEST_TMPDIR/go"
	wait_until is_ready
	wait_until find_child "$pid"
	kill -KILL "$pid"
	ended 137
	: > "$BATS_TEST_TMPDIR/go"
	wait_until grep -q over "$BATS_TEST_TMPDIR/out"
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
}

@test "--report: a COMMAND that traces by itself" {
	needs_tracing
	without_leak_check
	command -v strace > /dev/null || skip "needs strace"
	run_split mcekill --early --report strace -f -o /dev/null sh -c '(exit 1); exit 5'
	status_is 5
	reported 'strace[PID]: exit status 5; no memory error in its own threads'
	# … or is traced as a whole, and can't be.
	run_split strace -f -o /dev/null mcekill --early --report sh -c 'exit 5'
	status_is 3
	grep -q '^mcekill: --report: the command can.t be traced: Operation not permitted' "$stderr_file" || complain
}

# ------------------------------------------------------------------- tasks that run

# a_usemem THREADS: with that many threads besides its first.
a_usemem() {
	in_background usemem -m 1 --no-pfns --threads "$1"
	wait_until is_ready
}

@test "--pid: the first thread; --all-threads: all; --tid: one" {
	local tids

	needs_tracing
	a_usemem 3
	# The others, in no particular order.
	mapfile -t tids < <(policies "$pid" | cut -d ' ' -f 1 | grep -vx "$pid")
	[ ${#tids[@]} -ge 2 ]
	prints mcekill --early -p "$pid" <<- END
		$(printf '%7s  %7s  %-16s  %-7s  %s\n' PID TID COMM BEFORE NOW)
		$(printf '%7s  %7s  %-16s  %-7s  %s\n' "$pid" "$pid" usemem default early)
	END
	[ "$(policies "$pid" | grep -c early)" = 1 ]
	policies "$pid" | grep -qx "$pid early"
	run_split mcekill --late -t "${tids[0]}"
	status_is 0
	[ "$(wc -l < "$stdout_file")" = 2 ]
	policies "$pid" | grep -qx "${tids[0]} late"
	[ "$(policies "$pid" | grep -c default)" = $((${#tids[@]} - 1)) ]
	run_split mcekill --late -a -p "$pid"
	status_is 0
	stderr_is
	[ "$(wc -l < "$stdout_file")" = $((${#tids[@]} + 2)) ]
	all_have late "$pid"
	run_split mcekill --clear -a -p "$pid"
	all_have default "$pid"
	kill -0 "$pid"
}

@test "JSON: a record a thread, before and now" {
	needs_tracing
	in_background sleep 60
	run_split mcekill --early --json -p "$pid"
	status_is 0
	stdout_is "{\"record\":\"policy\",\"version\":1,\"pid\":$pid,\"tid\":$pid,\"comm\":\"sleep\",\"before\":\"default\",\"now\":\"early\"}"
	run_split mcekill --clear --json -t "$pid,$pid"
	status_is 0
	stdout_is "{\"record\":\"policy\",\"version\":1,\"pid\":$pid,\"tid\":$pid,\"comm\":\"sleep\",\"before\":\"early\",\"now\":\"default\"}"
}

@test "--tree: the descendants, with or without all of their threads" {
	local all

	needs_tracing
	in_background sh -c 'usemem -m 1 --no-pfns --threads 3 & sh -c "sleep 61; :" & wait'
	wait_until is_ready
	wait_until pgrep -P "$pid" -x sh > /dev/null
	wait_until pgrep -x -f 'sleep 61' > /dev/null
	all=$(pgrep -P "$pid" | paste -s -d ' ')
	run_split mcekill --early --tree -p "$pid"
	status_is 0
	stderr_is
	[ "$(wc -l < "$stdout_file")" = 5 ] || complain
	for one in $pid $all; do
		policies "$one" | grep -qx "$one early"
		pids+=("$one")
	done
	run_split mcekill --late --tree --all-threads -p "$pid"
	status_is 0
	for one in $pid $all; do
		all_have late "$one"
	done
	pids+=("$(pgrep -x -f 'sleep 61')")
	[ "$(wc -l < "$stdout_file")" = 7 ] || complain
}

@test "threads that come and go all have it in the end" {
	local i

	needs_tracing
	needs_target
	in_background "$target" relay 20
	wait_until is_ready
	for policy in early late; do
		run_split mcekill --$policy --all-threads -p "$pid"
		status_is 0
		stderr_is
		for ((i = 0; i < 5; i++)); do
			policies "$pid" > "$BATS_TEST_TMPDIR/policies" 2> /dev/null || true
			[ "$(grep -cv " $policy\$" "$BATS_TEST_TMPDIR/policies")" = 0 ]
			sleep 0.02
		done
	done
}

@test "a process that ends as soon as it is changed" {
	needs_tracing
	needs_target
	in_background "$target" quit
	wait_until is_ready
	run_split mcekill --early --tree --all-threads -p "$(head -n 1 "$BATS_TEST_TMPDIR/out")"
	status_is 0
	stderr_is
	[ "$(wc -l < "$stdout_file")" = 2 ] || complain
	wait_until state_is Z "$(head -n 1 "$BATS_TEST_TMPDIR/out")"
	fails_with 1 "mcekill: process $(head -n 1 "$BATS_TEST_TMPDIR/out"): has no memory: it has ended, or is a thread of the kernel" \
		mcekill --early -p "$(head -n 1 "$BATS_TEST_TMPDIR/out")"
}

@test "one that is traced already" {
	needs_tracing
	command -v strace > /dev/null || skip "needs strace"
	in_background strace -o /dev/null sleep 60
	# strace tries ptrace(2) out on another child first.
	wait_until find_child "$pid" sleep
	wait_until is_traced
	fails_with 1 "mcekill: --early: thread $child: another program traces it" mcekill --early -p "$child"
	kill "$child"
	# With --report it is mcekill itself that traces.
	in_background mcekill --early --report sleep 60
	wait_until find_child "$pid"
	wait_until is_traced
	fails_with 1 "mcekill: --late: thread $child: another program traces it" mcekill --late -a -p "$child"
	kill "$child"
	ended 143
}

@test "one that has the policy already is not held: not even one that can't be" {
	needs_tracing
	command -v strace > /dev/null || skip "needs strace"
	in_background mcekill --late strace -o /dev/null sleep 60
	wait_until find_child "$pid" sleep
	wait_until is_traced
	run_split mcekill --late -p "$child"
	status_is 0
	stderr_is
	[[ $(tail -n 1 "$stdout_file") =~ sleep\ +late\ +late$ ]] || complain
	kill "$child"
}

@test "a stopped process is changed, and stays stopped" {
	needs_tracing
	in_background sleep 60
	kill -STOP "$pid"
	wait_until state_is T "$pid"
	run_split mcekill --early -p "$pid"
	status_is 0
	wait_until state_is T "$pid"
	all_have early "$pid"
}

@test "a process that asks for its own" {
	needs_tracing
	# Its parent, while it waits.
	run_split sh -c 'mcekill --early -p $$; mcekill --clear -p $$; exit 3'
	status_is 3
	[ "$(grep -c ' sh ' "$stdout_file")" = 2 ] || complain
}

@test "a full disk: the policy is set, the status tells" {
	needs_tracing
	[ -c /dev/full ] || skip "no /dev/full here"
	in_background sleep 60
	full() { mcekill "$@" > /dev/full; }
	fails_with 1 'mcekill: standard output: No space left on device' full --early -p "$pid"
	all_have early "$pid"
	# A COMMAND's output is its own.
	run_split full --early sh -c 'exit 0'
	status_is 0
	stderr_is
}
