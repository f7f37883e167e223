#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Several NUMA nodes: what the tools say of them, against the kernel's own numbers. Set
# LAB_KERNEL to choose the kernel.

# Programs in single quotes are for the guest to expand.
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0

setup() {
	command -v qemu-system-x86_64 >/dev/null || skip 'needs QEMU'
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	kernel=()
	[ -z "${LAB_KERNEL-}" ] || kernel=(--kernel "$LAB_KERNEL")
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
}

# guest OPTION... -- SCRIPT: runs it in a lab of two nodes. The script has
#   victim NODE   has usemem use 16 MB of that node; its PID is $victim
#   fail MESSAGE  ends it
#   json COMMAND  runs it, checks its records, and leaves them in /tmp/json
guest() {
	local options=() status=0 script

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	script=$(
		cat <<-'END'
			top=$0
			node=/sys/devices/system/node
			fail() {
				echo "$*"
				exit 1
			}
			json() {
				"$@" >/tmp/json || fail "$*: status $?"
				"$top/tests/check-json" </tmp/json || fail "$*: its records"
			}
			# set_mempolicy(MPOL_BIND), which exec keeps.
			victim() {
				perl -e 'my $mask = pack("Q", 1 << shift);
					syscall(238, 2, $mask, 64) == 0 or die "set_mempolicy: $!";
					exec @ARGV' "$1" usemem -m 16 --no-pfns >"/tmp/victim$1" &
				victim=$!
				until grep -q ready "/tmp/victim$1"; do
					kill -0 $victim || fail "no victim"
					sleep 0.1
				done
			}
		END
		printf '%s\n' "$2"
	)
	hwpoison-lab run "${kernel[@]}" --numa 2 --cpus 2 --env LD_LIBRARY_PATH --timeout 400 "${options[@]}" \
		-- sh -c "$script" "$top" </dev/null >"$out" 2>"$err" 3>&- || status=$?
	cat "$out" "$err"
	[ "$status" -eq 0 ]
}

# Nodes of 1050 MB meet within a memory block of 128 MB.
@test "nodes that share a memory block: their pages, as /proc/zoneinfo has them" {
	guest --memory 2100M -- '
		block=$((0x$(cat /sys/devices/system/memory/block_size_bytes) / 4096))
		start=$(awk "/^Node/ { n = \$2 } n == \"1,\" && /start_pfn/ { print \$2; exit }" /proc/zoneinfo)
		[ $((start % block)) -ne 0 ] || fail "no block is shared"
		[ -e $node/node0/memory$((start / block)) ] || fail "block $((start / block)) is not of node 0"
		json page-types --owners --json --pfn $((start - 1)),$start
		[ "$(jq -c "select(.node != null) | .node" /tmp/json | xargs)" = "0 1" ] || fail "the nodes of $start"
		json page-types --by node --json
		jq -r "select(.record == \"sum\") | [.number, .pages] | @tsv" /tmp/json >/tmp/sums
		[ "$(awk "\$1 == \"0\" && NF == 2 { print \$2 }" /tmp/sums)" = "$start" ] || fail "$(cat /tmp/sums)"
		victim 1
		json page-types -p $victim --vma anon --by node --json
		# The pages of numa_maps are those of mappings, too.
		told=$(jq "select(.record == \"sum\" and .number == 1) | .pages" /tmp/json)
		[ "$told" -ge 4096 ] || fail "$told pages of node 1"
		page-map --once --size 120x60 --keys Tab >/tmp/blocks || fail "page-map: $?"
		grep -qE "^ +$((start / block)) +0,1 +0x" /tmp/blocks || fail "$(cat /tmp/blocks)"'
}

@test "a process that is bound to a node, and the failures that the kernel counts there" {
	guest --memory 2100M -- '
		modprobe hwpoison_inject || fail "no hwpoison_inject"
		count() { cat $node/node$1/memory_failure/total; }
		for n in 1 0; do
			victim $n
			range=$(sed -nE "s/.* at 0x([0-9a-f]+)-.*/\1/p" /tmp/victim$n)
			maps=$(sed -nE "s/^$range .* N$n=([0-9]+) .*/\1/p" /proc/$victim/numa_maps)
			[ "$maps" = 4096 ] || fail "numa_maps: $maps"
			json page-types -p $victim --vaddr 0x$range+0x1000000 --node $n --json
			told=$(jq "select(.record == \"sum\") | .pages" /tmp/json)
			[ "$told" = "$maps" ] || fail "node $n: $told, not $maps"
			json page-types -p $victim --vaddr 0x$range+0x1000000 --node $((1 - n)) --json
			[ "$(jq "select(.record == \"sum\") | .pages" /tmp/json)" = 0 ] || fail "on node $((1 - n)), too"
			counts=no
			[ ! -d $node/node$n/memory_failure ] || counts=yes
			[ $counts = no ] || before=$(count $n) other=$(count $((1 - n)))
			json hwpoison-inject -p $victim --vaddr 0x$range+0x3000 --node $n --json
			nodes=$(jq -c "select(.record == \"totals\") | .nodes" /tmp/json)
			if [ $counts = no ]; then
				[ "$nodes" = null ] || fail "$nodes"
			else
				[ $(count $n) -eq $((before + 3)) ] && [ $(count $((1 - n))) -eq $other ] ||
					fail "the failures of node $n"
				told=$(echo "$nodes" | jq -c ".[] | [.node, .before.total, .after.total]")
				[ "$told" = "[$n,$before,$((before + 3))]" ] || fail "$told"
			fi
			[ "$(page-types -b hwpoison --node $n -L -N | wc -l)" -eq 4 ] || fail "poisoned pages"
		done
		hwpoison-inject -p $victim --node 7 2>/tmp/err
		[ $? -eq 1 ] || fail "a node that is not there"
		grep -q "no such node" /tmp/err'
}

@test "a block of a node that is offline" {
	guest --memory 2G -- '
		gone=
		for block in $node/node1/memory*; do
			[ -e $block/state ] || continue
			if echo offline >$block/state 2>/dev/null; then
				gone=${block##*/memory}
				break
			fi
		done
		[ -n "$gone" ] || fail "none goes offline"
		size=$((0x$(cat /sys/devices/system/memory/block_size_bytes) / 4096))
		page-map --once --size 120x60 --keys Tab >/tmp/blocks || fail "page-map: $?"
		grep -qE "^ +$gone +1 +0x[0-9a-f]+ +0 +0 +0 +0 +0 offline" /tmp/blocks || fail "$(cat /tmp/blocks)"
		json page-types --node 1 -b buddy,lru,slab,huge --addr $((gone * size))+$size --json
		[ "$(jq "select(.record == \"sum\") | .pages" /tmp/json)" = 0 ] || fail "pages of memory that is offline"
		json page-types --node 1 --json
		spanned=$(ls -d $node/node1/memory[0-9]* | wc -l)
		[ "$(jq "select(.record == \"sum\") | .pages" /tmp/json)" = $((spanned * size)) ] || fail "$(cat /tmp/json)"'
}
