# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The guest's hwpoison-lab-monitor: a request is a line "ID COMMAND"; it goes to
# QEMU as a QMP human-monitor-command, and its answer back as lines "ID line
# TEXT", closed by "ID end" or "ID error TEXT".

# Shared between the files of the lab: options, the kernel, the run's folder.
# shellcheck disable=SC2154,SC2034

json_escape() {
	local text=${1//\\/\\\\}
	printf '%s' "${text//\"/\\\"}"
}

# Runs in the background until QEMU goes; each open waits for QEMU's.
monitor_serve() {
	local id request requests answers qmp_in qmp_out
	exec {qmp_in}>"$run_dir/qmp.in" {qmp_out}<"$run_dir/qmp.out"
	exec {answers}>"$run_dir/monitor.in" {requests}<"$run_dir/monitor.out"
	echo '{"execute":"qmp_capabilities"}' >&"$qmp_in"
	while read -r -u "$requests" id request; do
		printf '{"execute":"human-monitor-command","id":"lab","arguments":{"command-line":"%s"}}\n' \
			"$(json_escape "$request")" >&"$qmp_in"
		monitor_answer "$id" >&"$answers"
	done
}

# Anything without our id is the greeting, or an event.
monitor_answer() {
	local id=$1 reply line
	while read -r -u "$qmp_out" reply; do
		[[ $reply == *'"id": "lab"'* ]] || continue
		reply=${reply/', "id": "lab"'/}
		reply=${reply/'"id": "lab", '/}
		break
	done
	case $reply in
	'{"return": "'*)
		reply=${reply#'{"return": "'}
		reply=${reply%\"\}*}
		# printf knows the escapes that JSON has.
		printf '%b' "$reply" | tr -d '\r' | while read -r line || [[ $line ]]; do
			printf '%s line %s\n' "$id" "$line"
		done
		echo "$id end"
		;;
	*) printf '%s error %s\n' "$id" "$reply" ;;
	esac
}
