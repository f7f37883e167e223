#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# usemem without root and on any kernel: its command line, its formats, how it ends.

bats_require_minimum_version 1.5.0

setup() {
	usemem=${USEMEM:-usemem}
	run_by=()
	out=$BATS_TEST_TMPDIR/out
	pid=
	# A build with AddressSanitizer would take SIGBUS for itself.
	export ASAN_OPTIONS=handle_sigbus=0
	# The file kinds need a disk; /tmp is none everywhere.
	disk=$BATS_TEST_TMPDIR
	[ "$(stat -f -c %T "$disk")" != tmpfs ] || disk=$PWD
}

teardown() {
	[ -z "$pid" ] || kill -KILL "$pid" 2> /dev/null || true
	[ -z "$pid" ] || wait "$pid" || true
	rm -f "$disk/usemem-test"
}

# Starts usemem with 1 MB in the background, until its memory is there.
start() {
	# What an earlier one has left there is not this one's.
	: > "$out"
	"${run_by[@]}" "$usemem" -m 1 --no-pfns "$@" > "$out" 2>&1 3>&- &
	pid=$!
	wait_for ready
}

wait_for() {
	local i

	for ((i = 0; i < 1200; i++)); do
		! grep -q -- "$1" "$out" || return 0
		sleep 0.05
	done
	cat "$out"
	return 1
}

# Waits for the end of usemem, which shall have that status.
ended_with() {
	local status=0

	wait "$pid" || status=$?
	pid=
	[ "$status" = "$1" ]
}

# A bad command line: status 2, one message, nothing on stdout.
refuses() {
	local message=$1
	shift

	run -2 --separate-stderr "$usemem" "$@"
	[ -z "$output" ]
	# shellcheck disable=SC2154 # set by run
	[ "$stderr" = "usemem: $message" ]
}

@test "--help, --usage and --version go to stdout" {
	run -0 --separate-stderr "$usemem" --help
	[[ $output == Usage:*--handler-thread* ]]
	run -0 "$usemem" -h
	[[ $output == Usage:* ]]
	run -0 "$usemem" --usage
	[[ $output == Usage:*--megabytes=MB* ]]
	run -0 "$usemem" --version
	[[ $output == usemem*[0-9].[0-9]* ]]
}

@test "--kind help lists the kinds" {
	run -0 "$usemem" --kind help
	[ "${#lines[@]}" = 10 ]
	[[ ${lines[0]} == anon* ]]
	for kind in thp file-clean file-dirty tmpfs memfd shm hugetlb mlock ksm; do
		[[ $output == *$'\n'$kind* ]]
	done
}

@test "bad numbers are refused" {
	refuses "-m: 0: not a number above 0" -m 0
	refuses "-m: 1x: not a number above 0" -m 1x
	refuses "-m: : not a number above 0" -m ""
	refuses "-m: -1: not a number above 0" --megabytes=-1
	refuses "-m: 99999999999999999999: not a number above 0" -m 99999999999999999999
	refuses "-m: 2000000000: too large" -m 2000000000
	refuses "-s: 1.: not a time in seconds" -s 1.
	refuses "-s: .5: not a time in seconds" -s .5
	refuses "-s: 1.5s: not a time in seconds" -s 1.5s
	refuses "-s: 9999999999: too large" -s 9999999999
	refuses "--threads: 0: not a number above 0" --threads 0
	refuses "--threads: 5000: too large" --threads 5000
	refuses "--interval: 0.0: not a time above 0" --touch --interval 0.0
}

@test "bad words are refused" {
	refuses "--kind: foo: no such kind: --kind help lists them" --kind foo
	refuses "--policy: never: none of early, late, default" --policy never
	refuses "--handler: stop: none of continue, exit" --handler=stop
	refuses "--touch: all: none of read, write" --touch=all
	refuses "--path: : empty" --kind file --path ""
}

@test "what does not go together is refused" {
	refuses "--path: only with a kind of file" --path /tmp
	refuses "--interval: only with --touch" --interval 2
	refuses "--handler-thread: not with --policy early: the thread alone is early" \
		--handler-thread --policy early
}

@test "unknown options, arguments and missing values are refused" {
	refuses "--bogus: unknown option" --bogus
	refuses "foo: is no option, and there are no arguments" foo
	refuses "-m: missing argument" -m
}

@test "the report, and status 0 when the time is over" {
	run -0 --separate-stderr "$usemem" -m 2 -s 0.1 --no-pfns
	[ -z "$stderr" ]
	[ "${#lines[@]}" = 2 ]
	[[ ${lines[0]} =~ ^"usemem: pid "[0-9]+" kind anon 2 MB "[0-9]+" pages at 0x"[0-9a-f]+-0x[0-9a-f]+$ ]]
	[[ ${lines[1]} =~ ^"usemem: ready pid "[0-9]+$ ]]
}

@test "without the right to see PFNs: said once, and no failure" {
	local as=()

	[ "$(id -u)" != 0 ] || as=(setpriv --reuid 65534 --clear-groups)
	run -0 --separate-stderr "${as[@]}" "$usemem" -m 1 -s 0.1
	[ "$stderr" = "usemem: PFNs: hidden from this process: try as root (CAP_SYS_ADMIN), or --no-pfns" ]
	[ "${#lines[@]}" = 2 ]
}

@test "every kind that needs nothing is read back as it was written" {
	local path

	for kind in anon file file-dirty tmpfs memfd shm; do
		path=()
		[[ $kind != file* ]] || path=(--path "$disk")
		start --kind $kind --threads 3 --touch=read --interval 0.02 "${path[@]}"
		kill -USR1 "$pid"
		wait_for "^usemem: touched [0-9]* pages, 0 lost, 0 changed\$"
		kill "$pid"
		ended_with 143
	done
}

@test "--touch=write goes on writing" {
	start --touch=write --interval 0.02 --threads 2
	kill -USR1 "$pid"
	wait_for "touched"
}

@test "an existing file is not overwritten, a new one is removed" {
	echo precious > "$disk/usemem-test"
	run -1 "$usemem" -m 1 --kind file --path "$disk/usemem-test" -s 0.1
	[ "$output" = "usemem: file-clean: $disk/usemem-test: File exists" ]
	[ "$(cat "$disk/usemem-test")" = precious ]
	rm "$disk/usemem-test"
	start --kind file-dirty --path "$disk/usemem-test"
	[ "$(stat -c %s "$disk/usemem-test")" = 1048576 ]
	kill "$pid"
	ended_with 143
	[ ! -e "$disk/usemem-test" ]
}

@test "kinds on the wrong file system are status 4" {
	run -4 "$usemem" -m 1 --kind file --path /dev/shm -s 0.1
	[[ $output == *"is a tmpfs"* ]]
	run -4 "$usemem" -m 1 --kind tmpfs --path "$disk" -s 0.1
	[[ $output == *"is no tmpfs"* ]]
}

@test "no room, no directory: status 1" {
	run -1 "$usemem" -m 1 --kind file --path /nonexistent/file -s 0.1
	[ "$output" = "usemem: file-clean: /nonexistent/file: No such file or directory" ]
	run -1 "$usemem" -m 1000000000 -s 0.1
	[[ $output == "usemem: anon: mmap of 1000000000 MB: "* ]]
}

limited() {
	(ulimit -l 64 && "$@")
}

@test "more than RLIMIT_MEMLOCK is status 3" {
	local as=()

	[ "$(id -u)" != 0 ] || as=(setpriv --reuid 65534 --clear-groups)
	run -3 limited "${as[@]}" "$usemem" -m 1 --kind mlock -s 0.1
	[[ $output == *RLIMIT_MEMLOCK*"ulimit -l"* ]]
}

@test "changed contents are reported once, and status 1" {
	start --kind file --path "$disk/usemem-test" -s 8
	printf changed | dd of="$disk/usemem-test" bs=1 seek=8192 conv=notrunc status=none
	kill -USR1 "$pid"
	wait_for "^usemem: page 2 at 0x[0-9a-f]*: contents changed\$"
	wait_for "touched 256 pages, 0 lost, 1 changed"
	ended_with 1
	[ "$(grep -c "contents changed" "$out")" = 1 ]
}

@test "a fault is survived with --handler, once" {
	start --kind file --path "$disk/usemem-test" --handler --threads 2
	truncate -s 1020K "$disk/usemem-test"
	kill -USR1 "$pid"
	wait_for "SIGBUS code 2 address 0x[0-9a-f]* lsb 0 thread [0-9]* page 255\$"
	wait_for "touched 255 pages, 1 lost, 0 changed"
	: > "$out"
	kill -USR1 "$pid"
	wait_for "touched 255 pages, 1 lost, 0 changed"
	run ! grep SIGBUS "$out"
}

@test "a fault without --handler kills" {
	start --kind file --path "$disk/usemem-test"
	truncate -s 1020K "$disk/usemem-test"
	kill -USR1 "$pid"
	ended_with 135
}

@test "SIGBUS by kill(1): printed, and on it goes; or status 12" {
	start --handler
	kill -BUS "$pid"
	wait_for "SIGBUS code 0 "
	kill -BUS "$pid"
	kill -USR1 "$pid"
	wait_for "touched 256 pages"
	kill "$pid"
	ended_with 143
	start --handler=exit
	kill -BUS "$pid"
	ended_with 12
}

@test "JSON: each line is a record" {
	local victim

	start --json --threads 2 --handler --policy early
	victim=$pid
	kill -USR1 "$pid"
	wait_for usemem.touched
	kill -BUS "$pid"
	wait_for usemem.sigbus
	kill "$pid"
	ended_with 143
	jq -es 'map(.record) == ["usemem.memory", "usemem.ready", "usemem.touched",
			"usemem.sigbus"] and all(.version == 1)' "$out"
	jq -es --argjson pid "$victim" '.[0] | .pid == $pid and .kind == "anon" and .megabytes == 1 and
		.pages * .page_size == 1048576 and .threads == 2 and .policy == "early" and
		(.start | startswith("0x")) and (.cgroup | type) == "string"' "$out"
	jq -es '.[2] | .lost == 0 and .changed == 0 and .pages > 0' "$out"
	jq -es '.[3].code == "code 0"' "$out"
}

@test "JSON: contents that changed" {
	start --json --kind file --path "$disk/usemem-test"
	printf changed | dd of="$disk/usemem-test" bs=1 seek=8192 conv=notrunc status=none
	kill -USR1 "$pid"
	wait_for usemem.touched
	jq -es '.[2].record == "usemem.changed" and .[2].page == 2' "$out"
}

@test "signals end it, and it dies of them" {
	# nohup has SIGHUP ignored by all that it starts, a shell SIGINT in the background.
	run_by=(env "--default-signal=HUP,INT")
	for sig in TERM HUP INT; do
		start
		kill -$sig "$pid"
		ended_with $((128 + $(kill -l $sig)))
	done
}

@test "an ignored SIGHUP is ignored" {
	(
		trap '' HUP
		start
		kill -HUP "$pid"
		kill -USR1 "$pid"
		wait_for touched
		kill "$pid"
		ended_with 143
	)
}

to_full_disk() {
	"$@" > /dev/full
}

to_closed() {
	"$@" >&-
}

# The reader has gone before. SIGPIPE would hide what usemem does itself.
to_closed_pipe() {
	perl -e '$SIG{PIPE} = "IGNORE"; pipe(my $r, my $w); close $r; open(STDOUT, ">&", $w); exec @ARGV' "$@"
}

@test "a full stdout is an error, a closed one is not" {
	run -1 to_full_disk "$usemem" -m 1 --no-pfns
	[ "$output" = "usemem: standard output: No space left on device" ]
	run -1 to_full_disk "$usemem" --help
	[[ $output == "usemem: standard output: "* ]]
	run -0 to_closed "$usemem" -m 1 -s 0.1 --no-pfns
	[ -z "$output" ]
}

@test "a closed pipe is quiet" {
	run -1 to_closed_pipe "$usemem" -m 1 --no-pfns
	[ -z "$output" ]
}
