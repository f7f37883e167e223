#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-types --dump, -F on what it saved, --diff and --watch, on a tree of copies.

# Set in helper.bash: $root, $stdout_file, $stderr_file.
# shellcheck disable=SC2154
load helper

setup() {
	make_root
	cgroups=$root/sys/fs/cgroup
	mkdir -p "$cgroups/db" "$cgroups/web"
	: > "$cgroups/cgroup.controllers"
	echo 'none /sys/fs/cgroup cgroup2 rw 0 0' > "$root/proc/mounts"
	db=$(stat -c %i "$cgroups/db")
	web=$(stat -c %i "$cgroups/web")
	saved=$BATS_TEST_TMPDIR/saved
	machine
}

# 16 pages: 4 of db, 2 of web.
machine() {
	dump "$root/proc/kpageflags" reserved 'lru,anon,mmap*4' 'lru*2' 'buddy*8' hwpoison
	put_u64 "$root/proc/kpagecount" 0 0 1 1 2 2 0 0 0 0 0 0 0 0 0 0 0
	put_u64 "$root/proc/kpagecgroup" 0 0 "$db" "$db" "$db" "$db" "$web" "$web" 0 0 0 0 0 0 0 0 0
}

save() {
	prints page-types --sysroot "$root" --dump "$saved" "$@" < /dev/null
}

# same OPTION...: the dump gives what the machine gives.
same() {
	diff -u <(page-types --sysroot "$root" "$@") <(page-types -F "$saved" "$@")
}

# ---------------------------------------------------------------------- --dump

@test "a dump gives what the machine gave" {
	save
	same
	same --raw -l
	same -L -C -M
	same -b lru -l
	same -c "@$db" -l
	same -a 3+4 -l
	same --json -l -C -M
}

@test "a dump knows cgroups by the paths that they had" {
	save
	rm -r "$cgroups"
	run_split page-types -F "$saved" -c /sys/fs/cgroup/db -N -l
	status_is 0
	stdout_is $'offset\tlen\tflags' $'1\t4\t_____l_____Ma______________________________'
	run_split page-types -F "$saved" -c /sys/fs/cgroup/db/ -N -l
	status_is 0
	fails_with 1 "page-types: --cgroup: /sys/fs/cgroup/dbx: not in the dump $saved: no page was charged to it" \
		page-types -F "$saved" -c /sys/fs/cgroup/dbx
}

@test "columns that the machine has not are said to be missing" {
	rm "$root/proc/kpagecgroup" "$root/proc/kpagecount"
	run_split page-types --sysroot "$root" --dump "$saved"
	status_is 0
	stderr_is "page-types: /proc/kpagecount: not there: it goes without map counts" \
		"page-types: /proc/kpagecgroup: not there: it goes without cgroups"
	page-types -F "$saved" | grep -q '^ *total.* 16 '
	fails_with 4 "page-types: --kpageflags: $saved: the dump has no cgroups" page-types -F "$saved" -C -l
	fails_with 4 "page-types: --kpageflags: $saved: the dump has no cgroups" page-types -F "$saved" -c "@$db"
	fails_with 4 "page-types: --kpageflags: $saved: the dump has no map counts" page-types -F "$saved" -M -l
}

@test "a dump of ranges leaves the other pages out" {
	save -a 12,16 -a 2+3
	prints page-types -F "$saved" -N -l <<-'END'
	offset	len	flags
	2	3	_____l_____Ma______________________________
	c	3	__________B________________________________
	f	1	___________________X_______________________
	END
	same -a 12+2 -l
	run_split page-types -F "$saved" -a 4+9 -N -l
	status_is 1
	stderr_is "page-types: --addr: 7 of the pages are not in the dump $saved, which is one of a part"
	stdout_has $'4\t1\t_____l_____Ma______________________________' \
		$'c\t1\t__________B________________________________'
	run_split page-types -F "$saved" --pfn 2,5-6 -N -l
	status_is 1
	stderr_is "page-types: --pfn: 2 of the pages are not in the dump $saved, which is one of a part"
	fails_with 1 "page-types: --sample: 9 of the pages are not in the dump $saved, which is one of a part" \
		page-types -F "$saved" --sample
}

@test "ranges behind the end of memory leave nothing behind" {
	fails_with 1 "page-types: --addr: page 0x20: /proc/kpageflags ends at page 0x10" \
		page-types --sysroot "$root" --dump "$saved" -a 32
	[ "$(ls "$BATS_TEST_TMPDIR"/saved* 2> /dev/null)" = "" ]
}

@test "a dump can go to standard output, and to a file that is there" {
	page-types --sysroot "$root" --dump - > "$saved"
	same
	chmod 644 "$saved"
	ln -s saved "$BATS_TEST_TMPDIR/link"
	dump "$root/proc/kpageflags" 'lru*16'
	prints page-types --sysroot "$root" --dump "$BATS_TEST_TMPDIR/link" < /dev/null
	[ -L "$BATS_TEST_TMPDIR/link" ]
	[ "$(stat -c %a "$saved")" = 600 ]
	same
}

@test "a dump that can't be written leaves nothing behind" {
	fails_with 1 "page-types: --dump: /dev/null: not a regular file ('-' is standard output)" \
		page-types --sysroot "$root" --dump /dev/null
	fails_with 1 "page-types: --dump: $BATS_TEST_TMPDIR/no/such: No such file or directory" \
		page-types --sysroot "$root" --dump "$BATS_TEST_TMPDIR/no/such"
	# shellcheck disable=SC2016
	run_split bash -c 'page-types --sysroot "$1" --dump - > /dev/full' bash "$root"
	status_is 1
	stderr_is "page-types: --dump: standard output: No space left on device"
	# A file may have no byte more than this.
	echo old > "$saved"
	# shellcheck disable=SC2016
	run bash -c 'trap "" XFSZ; ulimit -f 0; page-types --sysroot "$1" --dump "$2"' bash "$root" "$saved"
	[ "$status" -eq 1 ]
	[ "$output" = "page-types: --dump: $saved: File too large" ]
	[ "$(ls "$BATS_TEST_TMPDIR"/saved*)" = "$saved" ]
	[ "$(cat "$saved")" = old ]
}

@test "a signal ends a dump, and nothing is left behind" {
	local pid

	# A machine that takes a while: 8 GB of pages in a hole, read from a file.
	truncate -s 4G "$root/proc/kpageflags" "$root/proc/kpagecount" "$root/proc/kpagecgroup"
	page-types --sysroot "$root" --dump "$saved" 3>&- &
	pid=$!
	wait_until compgen -G "$saved.*"
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[ "$status" -eq 143 ]
	[ "$(ls "$BATS_TEST_TMPDIR"/saved* 2> /dev/null)" = "" ]
}

@test "what --dump does not go with" {
	local option

	for option in '-b lru' '-p 1' '-c @5' '-f /dev/null' '-l' '-L' '-C' '-N' '--json' '-X' '-r' \
		"-F $saved" '--watch 1'; do
		# shellcheck disable=SC2086
		run_split page-types --dump "$saved" $option
		status_is 2
		stdout_is
		[ ! -e "$saved" ]
	done
}

# ------------------------------------------------------------------------- -F

@test "a truncated or damaged dump is an error" {
	local size n

	save
	size=$(stat -c %s "$saved")
	for ((n = 8; n < size; n += 13)); do
		head -c "$n" "$saved" > "$BATS_TEST_TMPDIR/bad"
		fails_with 1 "page-types: --kpageflags: $BATS_TEST_TMPDIR/bad: truncated or damaged dump" \
			page-types -F "$BATS_TEST_TMPDIR/bad"
	done
	# In the first block: behind the headers of the file (24) and of the frame.
	cp "$saved" "$BATS_TEST_TMPDIR/bad"
	printf '\377' | dd of="$BATS_TEST_TMPDIR/bad" bs=1 seek=40 conv=notrunc status=none
	fails_with 1 "page-types: $BATS_TEST_TMPDIR/bad: truncated or damaged dump" \
		page-types -F "$BATS_TEST_TMPDIR/bad"
	task 7 sleeper
	vma 7 16 "$(present 4)"
	fails_with 1 "page-types: $BATS_TEST_TMPDIR/bad: truncated or damaged dump" \
		page-types --sysroot "$root" -F "$BATS_TEST_TMPDIR/bad" -p 7
}

@test "a dump that is damaged in the middle gives no total" {
	local what

	perl -e 'srand(1); print pack("Q<", 1 << int(rand(12))) for 1 .. 1 << 18' > "$root/proc/kpageflags"
	rm "$root/proc/kpagecount" "$root/proc/kpagecgroup"
	page-types --sysroot "$root" --dump "$saved" 2> /dev/null
	printf '\377' | dd of="$saved" bs=1 seek=$(($(stat -c %s "$saved") * 3 / 4)) conv=notrunc status=none
	for what in '' --order '--by order' --json; do
		# shellcheck disable=SC2086 # words
		fails_with 1 "page-types: $saved: truncated or damaged dump" page-types -F "$saved" $what
	done
	# What comes before it is listed, and not summed up.
	run_split page-types -F "$saved" -l
	status_is 1
	[ "$(wc -l < "$stdout_file")" -gt 1000 ]
	run ! grep total "$stdout_file"
}

@test "a dump that is damaged in many ways is read rightly, or refused with a message" {
	cd "$BATS_TEST_TMPDIR"
	run "$BATS_TEST_DIRNAME/../fuzz/dump" 300
	echo "$output"
	[ "$status" -eq 0 ]
	[[ ${lines[-1]} =~ ^"300 rounds: "[1-9] ]]
}

@test "a dump of another page size, byte order or version is refused" {
	local bad=$BATS_TEST_TMPDIR/bad

	save
	cp "$saved" "$bad"
	put_u64 "$bad" 2 $((2 * $(page_size)))
	fails_with 1 "page-types: --kpageflags: $bad: a dump of a machine with another page size" page-types -F "$bad"
	cp "$saved" "$bad"
	put_u64 "$bad" 1 $((2 << 32 | 0x01020304))
	fails_with 1 "page-types: --kpageflags: $bad: a dump in a newer format than this version reads" page-types -F "$bad"
	put_u64 "$bad" 1 $((1 << 32 | 0x04030201))
	fails_with 1 "page-types: --kpageflags: $bad: a dump of a machine with another byte order" page-types -F "$bad"
	fails_with 1 "page-types: --diff: $bad: a dump of a machine with another byte order" page-types --diff "$saved" "$bad"
}

# ---------------------------------------------------------------------- --diff

# Two pages of db are poisoned, one of web is freed.
change() {
	dump "$root/proc/kpageflags" reserved 'lru,anon,mmap*2' 'hwpoison*2' lru 'buddy*9' hwpoison
	put_u64 "$root/proc/kpagecgroup" 3 0 0 "$web" 0
}

@test "--diff says what became of the pages" {
	save
	change
	page-types --sysroot "$root" --dump "$BATS_TEST_TMPDIR/new"
	run_split page-types --diff -l "$saved" "$BATS_TEST_TMPDIR/new"
	status_is 0
	stderr_is
	diff -u - "$stdout_file" <<-END
	pfn              pages  before                                after
	0x3                  2  lru,mmap,anonymous                ->  hwpoison
	0x6                  1  lru                               ->  buddy

	pages by flags, where their number changed:
	             flags         old         new        delta  names
	            0x1820           4           2           -2  lru,mmap,anonymous
	           0x80000           1           3           +2  hwpoison
	              0x20           2           1           -1  lru
	             0x400           8           9           +1  buddy

	the largest transitions, flags before -> flags after:
	     pages  before                                after
	         2  lru,mmap,anonymous                ->  hwpoison
	         1  lru                               ->  buddy

	pages by cgroup, where their number changed:
	    cgroup         old         new        delta  path
	$(printf '%10d  %10d  %10d  %11s  %s' "$db" 4 2 -2 /sys/fs/cgroup/db)
	$(printf '%10d  %10d  %10d  %11s  %s' "$web" 2 1 -1 /sys/fs/cgroup/web)

	pages:
	       old         new   unchanged     changed  only in old  only in new
	        16          16          13           3            0            0
	END
}

@test "--diff takes copies of kpageflags, and pages that match in either" {
	cp "$root/proc/kpageflags" "$BATS_TEST_TMPDIR/old"
	change
	prints page-types --diff -L -N -b hwpoison "$BATS_TEST_TMPDIR/old" "$root/proc/kpageflags" <<-'END'
	pfn              pages  before                                after
	0x3                  1  lru,mmap,anonymous                ->  hwpoison
	0x4                  1  lru,mmap,anonymous                ->  hwpoison
	END
	run_split page-types --diff -b mmap "$BATS_TEST_TMPDIR/old" "$root/proc/kpageflags"
	stdout_has '         4           4           2           2            0            0'
	run_split page-types --diff -a 3 "$BATS_TEST_TMPDIR/old" "$root/proc/kpageflags"
	stdout_has '         1           1           0           1            0            0'
	run_split page-types --diff "$BATS_TEST_TMPDIR/old" "$BATS_TEST_TMPDIR/old"
	stdout_is 'pages:' '       old         new   unchanged     changed  only in old  only in new' \
		'        16          16          16           0            0            0'
}

@test "--diff counts pages that one copy alone has, and nothing else of them" {
	save -a 0,4 -a 10,12
	dump "$BATS_TEST_TMPDIR/new" reserved 'lru,anon,mmap*2' hwpoison 'lru*7'
	run_split page-types --diff --json "$saved" "$BATS_TEST_TMPDIR/new"
	status_is 0
	jq -c 'select(.record == "diff_sum")' "$stdout_file" | diff - <(echo \
		'{"record":"diff_sum","version":1,"old":6,"new":11,"unchanged":3,"changed":2,"only_old":1,"only_new":6}')
	jq -r 'select(.record == "diff_flags") | "\(.flags[0]) \(.delta)"' "$stdout_file" | sort |
		diff - <(printf '%s\n' 'buddy -1' 'hwpoison 1' 'lru -1' 'lru 1')
}

@test "--diff: pages that were asked for and that neither copy has are an error" {
	save -a 0,4 -a 10,12
	dump "$BATS_TEST_TMPDIR/new" reserved 'lru*5'
	fails_with 1 "page-types: --addr: page 0x20: $saved ends at page 0xc" \
		page-types --diff -a 32 "$BATS_TEST_TMPDIR/new" "$saved"
	fails_with 1 "page-types: --addr: 3 of the pages are in neither of the copies, which are of a part" \
		page-types --diff -a 6+3 "$saved" "$BATS_TEST_TMPDIR/new"
	run_split page-types --diff -l -a 5+3 "$saved" "$BATS_TEST_TMPDIR/new"
	status_is 1
	stderr_is "page-types: --addr: 2 of the pages are in neither of the copies, which are of a part"
	stdout_has '         0           1           0           0            0            1'
	run_split page-types --diff -a 1, "$saved" "$BATS_TEST_TMPDIR/new"
	status_is 1
	stderr_is "page-types: --addr: 4 of the pages are in neither of the copies, which are of a part"
	prints page-types --diff -N -a 1,3 -a 4,6 -a 10+2 "$saved" "$BATS_TEST_TMPDIR/new" < /dev/null
	fails_with 1 "page-types: --addr: pages up to 0xc: $saved ends at page 0xc (it is truncated, or of a part)" \
		page-types --diff -N -a 10+3 "$saved" "$BATS_TEST_TMPDIR/new"
}

@test "--diff --json: records as their schemas say" {
	save
	change
	page-types --sysroot "$root" --dump "$BATS_TEST_TMPDIR/new"
	page-types --diff --json -l "$saved" "$BATS_TEST_TMPDIR/new" > "$BATS_TEST_TMPDIR/json"
	"$BATS_TEST_DIRNAME/../check-json" < "$BATS_TEST_TMPDIR/json"
	[ "$(jq -r .record "$BATS_TEST_TMPDIR/json" | uniq -c | awk '{print $2 $1}' | paste -s -d ' ')" = \
		"diff_range2 diff_flags4 diff_transition2 diff_cgroup2 diff_sum1" ]
}

@test "--diff shows the largest transitions only" {
	dump "$BATS_TEST_TMPDIR/old" '-*400'
	# 25 sets of flags: n pages get the n-th.
	perl -e 'print pack("Q<", $_ << 2) x $_ for 1 .. 25; print pack("Q<", 0) x 75' > "$BATS_TEST_TMPDIR/new"
	run_split page-types --diff "$BATS_TEST_TMPDIR/old" "$BATS_TEST_TMPDIR/new"
	status_is 0
	stdout_has '(and 5 smaller ones)'
	[ "$(grep -c -e '->  ' "$stdout_file")" -eq 20 ]
}

@test "--diff with a copy that is empty, a pipe, or /proc/kpageflags itself" {
	save
	: > "$BATS_TEST_TMPDIR/none"
	for none in "$BATS_TEST_TMPDIR/none" /dev/null; do
		run_split page-types --diff --json "$saved" "$none"
		status_is 0
		stderr_is "page-types: --diff: $none: empty: it has no page"
		[ "$(jq -c '[.old, .new, .only_old, .only_new]' "$stdout_file")" = '[16,0,16,0]' ]
		run_split page-types --diff --json "$none" "$saved"
		status_is 0
		[ "$(jq -c '[.old, .new, .only_old, .only_new]' "$stdout_file")" = '[0,16,0,16]' ]
	done
	# shellcheck disable=SC2317 # called by run_split
	piped() {
		head -c 64 "$root/proc/kpageflags" | page-types "$@" /dev/stdin
	}
	run_split piped --diff "$saved"
	status_is 1
	stderr_is "page-types: --diff: /dev/stdin: a pipe, which can't be read at any place: save it in a file first"
	run_split piped -F
	status_is 1
	stderr_is "page-types: --kpageflags: /dev/stdin: a pipe, which can't be read at any place: save it in a file first"
	stdout_is
}

@test "--diff needs two files that are copies" {
	save
	fails_with 1 "page-types: --diff: $saved.no: No such file or directory" page-types --diff "$saved" "$saved.no"
	for option in '' "$saved" "$saved $saved $saved" "-p 1 $saved $saved" "-c @1 $saved $saved" \
		"-F $saved $saved $saved" "--sysroot / $saved $saved" "-C $saved $saved" "-X $saved $saved"; do
		# shellcheck disable=SC2086
		run_split page-types --diff $option
		status_is 2
		stdout_is
	done
}

# --------------------------------------------------------------------- --watch

# write_now FILE WHAT…: in place and at once, for whoever reads it now and again.
write_now() {
	dump "$BATS_TEST_TMPDIR/now" "${@:2}"
	dd if="$BATS_TEST_TMPDIR/now" of="$1" bs=64k conv=notrunc status=none
}

# rounds N PATTERN: so many rounds, or more, have such a row.
rounds() {
	[ "$(grep -cE -- "$2" "$BATS_TEST_TMPDIR/out")" -ge "$1" ]
}

# The pages change while they are watched.
watch_change() {
	wait_until rounds 1 ' total '
	write_now "$root/proc/kpageflags" reserved 'lru,anon,mmap*2' 'hwpoison*2' lru 'buddy*9' hwpoison
	# Two rounds with nothing new, of which the first is whole.
	wait_until rounds 3 ' 3 .* hwpoison'
}

# In $clean what was shown, without times; "first" is the first round, "later" the last but
# one.
clean_rounds() {
	local later

	clean=$BATS_TEST_TMPDIR/clean
	later=$(sed -nE 's/.*  round ([0-9]+)\r?$/\1/p' "$BATS_TEST_TMPDIR/out" | tail -n 2 | head -n 1)
	sed -E "s/\r\$//; s/^.*[0-9-]*T[0-9:]*Z/TIME/; s/round 1\$/first/; s/round $later\$/later/" \
		"$BATS_TEST_TMPDIR/out" > "$clean"
}

@test "--watch shows each round what changed" {
	page-types --sysroot "$root" --watch 0.2 > "$BATS_TEST_TMPDIR/out" 3>&- &
	watch_change
	kill $!
	wait $! || true
	clean_rounds
	sed -n '/first$/,/^$/p' "$clean" | diff -u - <(cat <<-'END'
		TIME  first
		             flags       pages       change  since start  names
		               0x0           1            -            -  -
		              0x20           2            -            -  lru
		             0x400           8            -            -  buddy
		            0x1820           4            -            -  lru,mmap,anonymous
		           0x80000           1            -            -  hwpoison
		             total          16            -            -  -

	END
	)
	sed -n '/later$/,/ total /p' "$clean" | diff -u - <(cat <<-'END'
		TIME  later
		             flags       pages       change  since start  names
		               0x0           1           +0           +0  -
		              0x20           1           +0           -1  lru
		             0x400           9           +0           +1  buddy
		            0x1820           2           +0           -2  lru,mmap,anonymous
		           0x80000           3           +0           +2  hwpoison
		             total          16           +0           +0  -
	END
	)
}

@test "--watch takes a selection, and JSON" {
	page-types --sysroot "$root" --watch 0.1,2 -c "@$db" --json > "$BATS_TEST_TMPDIR/json"
	"$BATS_TEST_DIRNAME/../check-json" < "$BATS_TEST_TMPDIR/json"
	jq -c '[.record, .round, .pages, .change, .change_total]' "$BATS_TEST_TMPDIR/json" | diff - <(printf '%s\n' \
		'["watch_flags",1,4,null,null]' '["watch_sum",1,4,null,null]' '["watch_flags",2,4,0,0]' \
		'["watch_sum",2,4,0,0]')
}

# totals: pages of the rounds so far, on one line; of rounds with as many once.
totals() {
	awk '$1 == "total" {print $2}' "$BATS_TEST_TMPDIR/out" | uniq | paste -s -d ' '
}

totals_are() {
	[ "$(totals)" = "$1" ]
}

@test "--watch -c: cgroups that are made below it count, and one that is removed is no error" {
	page-types --sysroot "$root" --watch 0.2 -c /sys/fs/cgroup/db > "$BATS_TEST_TMPDIR/out" 3>&- &
	wait_until totals_are 4
	mkdir "$cgroups/db/new"
	put_u64 "$root/proc/kpagecgroup" 7 "$(stat -c %i "$cgroups/db/new")"
	wait_until totals_are '4 5'
	rm -r "$cgroups/db"
	wait_until totals_are '4 5 4'
	kill $!
}

@test "--watch: memory that goes online is read, and its node is known" {
	local memory=$root/sys/devices/system/memory option

	mkdir -p "$memory"/memory{0,1} "$root/sys/devices/system/node/node0/memory0"
	printf '%x\n' $((64 * $(page_size))) > "$memory/block_size_bytes"
	for option in '-b lru' '-b lru --node 0'; do
		echo online > "$memory/memory0/state"
		echo offline > "$memory/memory1/state"
		rm -rf "$root/sys/devices/system/node/node0/memory1"
		dump "$root/proc/kpageflags" 'lru*64' 'nopage*64'
		# shellcheck disable=SC2086 # words
		page-types --sysroot "$root" --watch 0.2 $option > "$BATS_TEST_TMPDIR/out" 3>&- &
		wait_until totals_are 64
		write_now "$root/proc/kpageflags" 'lru*128'
		echo online > "$memory/memory1/state"
		mkdir "$root/sys/devices/system/node/node0/memory1"
		wait_until totals_are '64 128'
		kill $!
		wait $! || true
	done
}

@test "--watch ends when its process does" {
	task 7
	vma 7 16 "$(present 1)" "$(present 2)"
	page-types --sysroot "$root" --watch 0.1 -p 7 > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err" 3>&- &
	wait_until grep -q 'round 2' "$BATS_TEST_TMPDIR/out"
	rm -r "$root/proc/7"
	status=0
	wait $! || status=$?
	[ "$status" -eq 1 ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = \
		"page-types: --pid: 7: no such process: it has ended, or /proc hides it (hidepid)" ]
	grep -q ' total           2 ' "$BATS_TEST_TMPDIR/out"
}

@test "--watch ends by the signal that ends it" {
	page-types --sysroot "$root" --watch 100 > "$BATS_TEST_TMPDIR/out" 3>&- &
	wait_until grep -q total "$BATS_TEST_TMPDIR/out"
	kill -TERM $!
	status=0
	wait $! || status=$?
	[ "$status" -eq 143 ]
}

@test "--watch redraws a terminal" {
	type script > /dev/null 2>&1 || skip "needs script (util-linux)"
	script -qec "page-types --sysroot $root --watch 0.1,2" /dev/null < /dev/null > "$BATS_TEST_TMPDIR/out"
	[ "$(grep -c $'^\033\\[H\033\\[2J' "$BATS_TEST_TMPDIR/out")" -eq 2 ]
}

# on_terminal LINES COLUMNS COMMAND: what it sends to a terminal of that size.
on_terminal() {
	type script > /dev/null 2>&1 || skip "needs script (util-linux)"
	script -qefc "stty rows $1 cols $2; $3" /dev/null < /dev/null
}

@test "--watch fits a terminal: the rows that changed most, the rest summed up, lines cut" {
	on_terminal 8 71 "echo \$\$ > $BATS_TEST_TMPDIR/pid; exec page-types --sysroot $root --watch 0.2" \
		> "$BATS_TEST_TMPDIR/out" 3>&- &
	watch_change
	kill "$(< "$BATS_TEST_TMPDIR/pid")"
	wait $! || true
	clean_rounds
	# One line is left for the cursor.
	[ "$(sed -n '/later$/,$p' "$clean" | sed '1d; /round/,$d' | wc -l)" -eq 6 ]
	sed -n '/first$/,/total/p' "$clean" | diff -u - <(cat <<-'END'
		TIME  first
		             flags       pages       change  since start  names
		              0x20           2            -            -  lru
		             0x400           8            -            -  buddy
		            0x1820           4            -            -  lru,mmap,anon
		          2 others           2            -            -  -
		             total          16            -            -  -
	END
	)
	sed -n '/later$/,/total/p' "$clean" | diff -u - <(cat <<-'END'
		TIME  later
		             flags       pages       change  since start  names
		             0x400           9           +0           +1  buddy
		            0x1820           2           +0           -2  lru,mmap,anon
		           0x80000           3           +0           +2  hwpoison
		          2 others           2           +0           -1  -
		             total          16           +0           +0  -
	END
	)
}

@test "--watch on a terminal of any size sends no more lines than it has" {
	local lines

	for lines in 1 2 3 4 5 9; do
		on_terminal "$lines" 30 "page-types --sysroot $root --watch 1,1" > "$BATS_TEST_TMPDIR/out"
		[ "$(wc -l < "$BATS_TEST_TMPDIR/out")" -le $((lines - 1)) ]
		[ "$(sed 's/\r$//; s/^.*J//' "$BATS_TEST_TMPDIR/out" | wc -L)" -le 30 ]
	done
	# All of them fit.
	[ "$(grep -c others "$BATS_TEST_TMPDIR/out")" -eq 0 ]
}

@test "what --watch does not take" {
	local option

	for option in '0' 'x' '1,' '1,0' '1,x' '-1' '1 -l' '1 -N' '1 -F x' '1 -X' '1 --dump x'; do
		# shellcheck disable=SC2086
		run_split page-types --watch $option
		status_is 2
		stdout_is
	done
}

@test "a dump that was damaged, however, is refused or read rightly" {
	cd "$BATS_TEST_TMPDIR"
	run_split "$BATS_TEST_DIRNAME/../fuzz/dump" 300
	status_is 0
	grep -q '^300 rounds: ' "$stdout_file"
}
