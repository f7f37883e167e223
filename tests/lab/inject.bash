# shellcheck shell=bash disable=SC2034 # the tests use what is set here
# SPDX-License-Identifier: GPL-2.0-or-later
# What the lab's tests of hwpoison-inject share, on top of helper.bash. A process
# costs a tenth of a second here, so that a run and one jq is what a check may cost.

CHECK_JSON=$BATS_TEST_DIRNAME/../check-json
RUN_DIRECTORY=/run/hwpoison-tools

# latest STATUS [RECORDS MESSAGES]: the run that the functions below look at.
latest() {
	status=$1
	records=$BATS_TEST_TMPDIR/${2:-records} messages=$BATS_TEST_TMPDIR/${3:-messages}
	[ ! -s "$records" ] || echo "$(< "$records")" >> "$BATS_FILE_TMPDIR/all-records"
}

# inject OPTION…: a run with JSON, that does not wait for tasks.
inject() {
	local rc=0

	hwpoison-inject --json --wait 0 "$@" > "$BATS_TEST_TMPDIR/records" \
		2> "$BATS_TEST_TMPDIR/messages" 3>&- || rc=$?
	latest $rc
}

# inject_text OPTION…: the same with the text output, in $records.
inject_text() {
	records=$BATS_TEST_TMPDIR/records messages=$BATS_TEST_TMPDIR/messages
	status=0
	hwpoison-inject --wait 0 "$@" > "$records" 2> "$messages" 3>&- || status=$?
}

# complain WHAT: with all that is known of the latest run.
complain() {
	printf '%s\n' "$@" "status: $status" "messages:"
	head -n 8 "$messages"
	echo "records:"
	head -n 8 "$records" | cut -c 1-400
	return 1
}

ends_with() {
	((status == $1)) || complain "expected status: $1"
}

# Nothing was said on standard error; or, warns TEXT: this was.
silent() {
	[ ! -s "$messages" ] || complain "expected no message"
}

warns() {
	grep -qF -e "$1" "$messages" || complain "expected message: $1"
}

# yields EXPECTED JQ-PROGRAM: what the program makes of all records, on one line.
yields() {
	local -a got

	mapfile -t got < <(jq -r -n "[inputs] as \$all | def of(\$r): \$all[] | select(.record == \$r); $2" "$records")
	[ "${got[*]}" = "$1" ] || complain "expected: $1" "got: ${got[*]}" "of: $2"
}

# outcomes EXPECTED: the outcome of each page, in their order.
outcomes() {
	yields "$1" 'of("page").outcome'
}

# pfns_of VARIABLE OPTION…: the PFNs that are chosen, in their order, into an array.
pfns_of() {
	local -n pfns_out=$1

	hwpoison-inject --json --list-targets "${@:2}" > "$BATS_TEST_TMPDIR/targets" 3>&-
	echo "$(< "$BATS_TEST_TMPDIR/targets")" >> "$BATS_FILE_TMPDIR/all-records"
	mapfile -t pfns_out < <(jq .pfn "$BATS_TEST_TMPDIR/targets")
}

# For the last test of a file: what all the others got matches the schemas. Of records
# that differ in numbers only, one is enough.
records_are_valid() {
	awk '{ shape = $0; gsub(/[0-9a-f]*[0-9][0-9a-f]*/, "0", shape) } !seen[shape]++' \
		"$BATS_FILE_TMPDIR/all-records" | "$CHECK_JSON"
}

# read_number FILE: its one number, into $number, without a process.
read_number() {
	read -r number < "$1"
}

# Sets corrupt, in kB, without a process.
read_corrupted() {
	local text

	read -r -d '' text < /proc/meminfo || true
	[[ $text =~ HardwareCorrupted:\ +([0-9]+) ]]
	corrupt=${BASH_REMATCH[1]}
}

# victim_in CGROUP NAME OPTION…: a victim that has been in that cgroup from the start.
victim_in() {
	local cgroup=$1

	out=$BATS_TEST_TMPDIR/$2.out
	shift 2
	: > "$out"
	sh -c 'echo $$ > "$1/cgroup.procs"; shift; exec usemem "$@"' sh "$cgroup" "$@" > "$out" 2>&1 3>&- &
	pid=$!
	pids+=("$pid")
	eventually grep -q ready "$out"
	find_range "$out"
}
