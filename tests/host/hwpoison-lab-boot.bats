#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hwpoison-lab boots for real, on the host. Set LAB_KERNEL to choose the kernel.

# Programs in single quotes are for the guest to expand.
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0

setup() {
	lab=${HWPOISON_LAB_COMMAND:-hwpoison-lab}
	if [ -n "${LAB_KERNEL-}" ]; then set -- --kernel "$LAB_KERNEL"; fi
	options=("$@" --timeout 300)
	command -v qemu-system-x86_64 >/dev/null || skip 'needs QEMU'
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir -p "$TMPDIR"
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
}

# boot STATUS ARGUMENT...: runs the lab, which ends with that status.
boot() {
	local expected=$1 status=0

	shift
	"$lab" "${options[@]}" "$@" >"$out" 2>"$err" 3>&- || status=$?
	if [ "$status" -ne "$expected" ]; then
		echo "status $status, not $expected"
		head -n 50 "$out" "$err"
		return 1
	fi
	leaves_nothing
}

# The reaper may still be looking.
leaves_nothing() {
	local i

	for ((i = 0; i < 600; i++)); do
		[ -n "$(ls -A "$TMPDIR")" ] || pgrep -f "qemu.*$TMPDIR" >/dev/null || return 0
		sleep 0.1
	done
	ls "$TMPDIR"
	pgrep -af "qemu.*$TMPDIR"
	return 1
}

says() {
	grep -qF -e "$1" "$err" || { echo "not said: $1"; cat "$err"; return 1; }
}

@test "arguments, streams, folder, environment; nothing comes back but what should" {
	local mark=/hwpoison-lab-was-here-$$
	mkdir "$BATS_TEST_TMPDIR/a folder" "$BATS_TEST_TMPDIR/result"
	cd "$BATS_TEST_TMPDIR/a folder"
	cat >script <<-'END'
	mark=$1
	shift
	printf '<%s>\n' "$@"
	pwd
	echo "$HWPOISON_LAB|$ONE|$TWO|${NOT_NAMED-unset}"
	sha256sum
	id -u
	pidof init
	echo only here >"$mark"; cat "$mark"
	echo result >/run/hwpoison-lab/out/file
	hwpoison-lab-monitor info status
	hwpoison-lab-monitor pmemsave 0 16 "$mark.memory" 2>&1
	cat /sys/fs/cgroup/cgroup.subtree_control
	test -e /sys/kernel/debug/hwpoison/corrupt-pfn && test -e /sys/kernel/tracing/events && echo mounted
	modprobe -a loop zram ext4 && echo modules
	for i in 1 2 3 4 5; do echo "err $i" >&2; done
	echo '<0>a kernel message' >/dev/kmsg
	# The log goes its own way to the host.
	sleep 1
	exit 3
	END
	head -c 200000 /dev/urandom >input
	ONE=$'a "quoted"\nline' NOT_NAMED=1 boot 3 --env ONE --env 'TWO=2 *' --out "$BATS_TEST_TMPDIR/result" \
		--log "$BATS_TEST_TMPDIR/log" -- sh ./script "$mark" 'two words' "it's \"quoted\"" $'new\nline' '' '*' \
		"\$HOME \\ \`x\`" --verbose $'\xff\x81\x01' <input
	diff -u - "$out" <<-END
	<two words>
	<it's "quoted">
	<new
	line>
	<>
	<*>
	<\$HOME \\ \`x\`>
	<--verbose>
	<$(printf '\xff\x81\x01')>
	$PWD
	1|a "quoted"
	line|2 *|unset
	$(sha256sum <input)
	0
	1
	only here
	VM status: running
	hwpoison-lab-monitor: pmemsave: not a command for a guest
	memory
	mounted
	modules
	END
	printf 'err %d\n' 1 2 3 4 5 | diff -u - "$err"
	[ ! -e "$mark" ]
	[ ! -e "$mark.memory" ]
	[ "$(cat "$BATS_TEST_TMPDIR/result/file")" = result ]
	grep -q 'a kernel message' "$BATS_TEST_TMPDIR/log"
	grep -q 'Linux version' "$BATS_TEST_TMPDIR/log"
}

@test "a slow reader gets all of much output; death by a signal is 128 and its number" {
	"$lab" "${options[@]}" --numa 2 --cpus 2 --memory 2G -- sh -c '
		head -c 8000000 /dev/zero | tr "\0" "x"
		ls -d /sys/devices/system/node/node[01] >&2
		kill -KILL $$' </dev/null 2>"$err" 3>&- | { sleep 25; wc -c >"$out"; [ "${PIPESTATUS[0]}" -eq 0 ]; }
	[ "$(cat "$out")" -eq 8000000 ]
	printf '/sys/devices/system/node/node%d\n' 0 1 | diff -u - "$err"
	boot 137 -- sh -c 'kill -KILL $$'
}

@test "a command that is not there is 127" {
	boot 127 -- hwpoison-no-such-command
	grep -q 'hwpoison-no-such-command.*not found' "$err"
}

@test "a panic is told as one, with the console's lines" {
	# What was printed is to leave the guest before it is too late.
	boot 125 -- sh -c 'echo before; sleep 1; echo c >/proc/sysrq-trigger'
	[ "$(cat "$out")" = before ]
	says ': panic while the command ran'
	says 'Kernel panic - not syncing: sysrq triggered crash'
}

@test "a hang is told as one" {
	# Real-time tasks that never sleep, on every processor, and no share kept for
	# the others (since Linux 6.12 by the fair server).
	HWPOISON_LAB_HEARTBEAT=20 boot 125 -- sh -c '
		echo -1 >/proc/sys/kernel/sched_rt_runtime_us
		for file in /sys/kernel/debug/sched/fair_server/cpu*/runtime; do
			[ ! -e "$file" ] || echo 0 >"$file"
		done
		for cpu in 0 1; do taskset -c $cpu chrt -f 99 sh -c "while :; do :; done" & done; wait'
	says ': hang while the command ran: no sign of life for 20 s'
}

@test "a timeout is told as one, with what the guest's tasks were doing" {
	# A parent in vfork(2) waits for its child in state D.
	boot 124 --timeout 30 -- perl -e '
		use POSIX ();
		my $vfork = 58;
		if (fork) { exec "sleep", "1000" }
		syscall($vfork) == 0 ? POSIX::pause() : exit;'
	says 'run: perl: still running after 30 s; see --timeout'
	says 'Its tasks, with their states'
	grep -qE '^[0-9]+ S sleep 1000' "$err"
	grep -qE '^[0-9]+ D perl' "$err"
	grep -qE '^    \[<0>\] .*fork' "$err"
	# Not those of the lab.
	run ! grep -E 'busybox|hwpoison-lab/lib' "$err"
}

@test "a guest that goes off, or that kills all its processes" {
	boot 125 -- sh -c 'echo o >/proc/sysrq-trigger; sleep 100'
	says ': switched off while the command ran'
	boot 125 -- sh -c 'kill -KILL -1'
	says "the command's keeper was killed"
}

@test "a reader that goes away ends it" {
	local status
	status=$( { { "$lab" "${options[@]}" -- sh -c 'yes; sleep 1000' </dev/null 2>"$err" 3>&-; echo $? >&4; } |
		head -n 1 >/dev/null; } 4>&1)
	[ "$status" -eq 141 ]
	[ ! -s "$err" ]
	leaves_nothing
}

@test "killed at any time, it leaves neither files nor a QEMU" {
	local signal pid i
	for signal in INT TERM KILL; do
		# A background command of a shell would ignore SIGINT.
		env --default-signal=INT "$lab" "${options[@]}" -- sleep 1000 </dev/null >"$out" 2>"$err" 3>&- &
		pid=$!
		for ((i = 0; i < 1200; i++)); do
			! pgrep -f "qemu.*$TMPDIR" >/dev/null || break
			sleep 0.1
		done
		pgrep -f "qemu.*$TMPDIR" >/dev/null
		sleep 1
		kill -s "$signal" "$pid"
		status=0
		wait "$pid" || status=$?
		[ "$status" -eq $((128 + $(kill -l "$signal"))) ]
		leaves_nothing
	done
}
