# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the machine is asked to do from outside of its processors, by QEMU's monitor. A
# request is a line "ID COMMAND"; it goes to QEMU as a QMP human-monitor-command, and its
# answer comes back as lines "ID line TEXT", closed by "ID end" or "ID error TEXT". The
# guest's requests come by its port, those of "hwpoison-lab mce" (their IDs begin with
# "host") by the same way, with an answer to a FIFO of their own.
#
# One command is ours: "aim CPU VADDR ADDR SECONDS COMMAND" has QEMU do COMMAND at a
# moment when the processor (or "any": then its number comes where COMMAND has a %) runs
# in user mode and has the physical page ADDR at VADDR (or "-": whatever it has there).

# Shared between the files of the lab: options, the kernel, the run's folder.
# shellcheck disable=SC2154,SC2034

json_escape() {
	local text=${1//\\/\\\\}
	printf '%s' "${text//\"/\\\"}"
}

# Runs in the background until QEMU goes; each open waits for QEMU's.
monitor_serve() {
	local id request requests answers qmp_in qmp_out reply
	exec {qmp_in}>"$run_dir/qmp.in" {qmp_out}<"$run_dir/qmp.out"
	exec {answers}>"$run_dir/monitor.in" {requests}<"$run_dir/monitor.out"
	echo '{"execute":"qmp_capabilities"}' >&"$qmp_in"
	while read -r -u "$requests" id request; do
		if [[ ! $id =~ ^host[0-9]+$ ]]; then
			monitor_answer "$id" "$request" >&"$answers"
		elif [[ -p $run_dir/$id ]]; then
			monitor_answer "$id" "$request" 1<>"$run_dir/$id"
		fi
	done
}

monitor_answer() {
	local id=$1 request=$2 line
	if monitor_do "$request"; then
		while read -r line; do
			[[ ! $line ]] || printf '%s line %s\n' "$id" "$line"
		done <<<"$reply"
		echo "$id end"
	else
		printf '%s error %s\n' "$id" "$reply"
	fi
}

# monitor_allows COMMAND: whether a guest may ask for it. It must not get at the host: QEMU
# has commands that write files and start programs.
monitor_allows() {
	case ${1%% *} in
	mce | info | nmi | gva2gpa | x | xp | stop | cont | system_reset | system_powerdown | quit) ;;
	*)
		reply="${1%% *}: not a command for a guest"
		return 1
		;;
	esac
}

# Leaves QEMU's words in reply; 1: they are those of an error.
monitor_do() {
	if [[ $1 =~ ^aim\ (any|[0-9]+)\ (-|0x[0-9a-f]+)\ (0x[0-9a-f]+)\ ([0-9]{1,4})\ (.+)$ ]]; then
		local aim=("${BASH_REMATCH[@]:1}")
		monitor_allows "${aim[4]}" && monitor_aim "${aim[@]}"
	else
		monitor_allows "$1" && monitor_ask "$1"
	fi
}

# monitor_ask COMMAND [CPU]: CPU is the processor that COMMAND looks at.
monitor_ask() {
	local line
	printf '{"execute":"human-monitor-command","id":"lab","arguments":{"command-line":"%s"%s}}\n' \
		"$(json_escape "$1")" "${2:+,\"cpu-index\":$2}" >&"$qmp_in"
	reply='the machine has gone'
	# Anything without our id is the greeting, or an event.
	while read -r -u "$qmp_out" line; do
		[[ $line != *'"event": "MEMORY_FAILURE"'* ]] || monitor_log_failure "$line"
		[[ $line == *'"id": "lab"'* ]] || continue
		line=${line/', "id": "lab"'/}
		reply=${line/'"id": "lab", '/}
		break
	done
	[[ $reply == '{"return": "'* ]] || return 1
	reply=${reply#'{"return": "'}
	# printf knows the escapes that JSON has.
	reply=$(printf '%b' "${reply%\"\}*}" | tr -d '\r')
}

monitor_aim() {
	local cpu=$1 vaddr=$2 addr=$3 until=$((SECONDS + $4)) command=$5 n
	local cpus=("$cpu")
	[[ $cpu != any ]] || mapfile -t cpus < <(seq 0 $((opt_cpus - 1)))
	while ((SECONDS <= until)); do
		monitor_ask stop || return
		for n in "${cpus[@]}"; do
			monitor_runs_user "$n" || continue
			monitor_maps "$n" "$vaddr" "$addr" || continue
			monitor_ask "${command//%/$n}"
			local status=$? text=$reply
			monitor_ask cont
			reply=$text
			return $status
		done
		monitor_ask cont || return
		# Not in step with the guest's clock.
		sleep "0.0$((RANDOM % 5 + 1))"
	done
	reply="no processor was found in user mode in $4 s"
	[[ $vaddr == - ]] || reply="$reply in a process that has $addr at $vaddr"
	return 1
}

monitor_runs_user() {
	monitor_ask 'info registers' "$1" && [[ $reply == *CPL=3* ]]
}

monitor_maps() {
	[[ $2 != - ]] || return 0
	monitor_ask "gva2gpa $2" "$1" && [[ $reply =~ gpa:\ (0x[0-9a-f]+) ]] &&
		((BASH_REMATCH[1] >> 12 == $3 >> 12))
}

# QEMU's own word on a machine check: into the log that is kept, if one is.
monitor_log_failure() {
	local data=${1#*'"data": '}
	data=$(tr -d '{}"' <<<"${data%\}}")
	data=${data/flags: /}
	verbose "the machine: memory failure: $data"
	[[ ! $opt_log ]] || echo "hwpoison-lab: the machine: memory failure: $data" >>"$opt_log"
}
