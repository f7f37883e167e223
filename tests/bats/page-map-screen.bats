#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# page-map on a terminal, which tmux plays: keys, sizes, colours, and that the terminal is
# given back however it ends.

# Set in helper.bash: $root.
# shellcheck disable=SC2154
load helper
load page-map

setup() {
	arguments=
	command -v tmux > /dev/null || skip "no tmux here"
	unset TMUX NO_COLOR
	export LC_ALL=C.UTF-8 XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	socket=page-map-$$-$BATS_TEST_NUMBER
	make_machine
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	# Not all of them: the server of this test.
	[ -z "${socket:-}" ] || tmux -L "$socket" kill-server 2> /dev/null || true
}

tm() {
	tmux -L "$socket" -f /dev/null "$@"
}

# A terminal of 100 times 30 with a shell in it. What was there before is to be there again.
open_terminal() {
	tm -u new-session -d -x 100 -y 30 "exec env PS1='ready> ' bash --norc --noprofile -i"
	tm set-option -g window-size manual > /dev/null
	see 'ready>'
	enter 'ulimit -c 0; echo what was be"fore"'
	see 'what was before'
}

type_in() {
	tm send-keys "$@"
}

# A line of the shell.
enter() {
	tm send-keys -l "$1"
	tm send-keys Enter
}

# start ARGUMENT...: page-map from a script, which leaves its exit status and the settings
# of the terminal, before and after: no shell puts these in order meanwhile.
start() {
	printf '%s\n' 'stty -g > before' "$(printf '%q ' "${@:-env}")page-map --sysroot $root $arguments" \
		"status=\$?" 'stty -g > after' "echo \$status > status" > job
	rm -f after status
	enter 'sh ./job'
	see 'F10Quit'
}

picture() {
	tm capture-pane -p
}

# With the attributes of each character, as the terminal had them sent.
colours() {
	tm capture-pane -p -e
}

shows() {
	picture | grep -qF -- "$1"
}

shows_no() {
	! shows "$1"
}

see() {
	wait_until shows "$1" || {
		picture
		return 1
	}
}

see_no() {
	wait_until shows_no "$1" || {
		picture
		return 1
	}
}

# The process, by its pane.
pid_of_map() {
	local shell job

	shell=$(tm display-message -p '#{pane_pid}')
	job=$(pgrep -P "$shell" -x sh) || job=$shell
	pgrep -P "$job" -x page-map
}

# What tmux knows of a terminal that a program has at its disposal.
modes() {
	tm display-message -p \
		'#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{keypad_flag} #{keypad_cursor_flag}'
}

# ended STATUS: with that status, and all is as it was.
ended() {
	wait_until test -s status
	see 'what was before'
	see_no 'F10Quit'
	[ "$(< status)" = "$1" ] || {
		echo "status: $(< status)"
		return 1
	}
	cmp before after
	[ "$(modes)" = '0 1 0 0 0' ] || {
		echo "modes: $(modes)"
		return 1
	}
	enter 'echo the shell li"stens"'
	see 'the shell listens'
}

# --------------------------------------------------------------------- from start to end

@test "it starts, takes keys, and gives the terminal back" {
	open_terminal
	start
	see 'kind: 640 pages (2.5 MiB), a cell is a page'
	[ "$(modes | cut -d ' ' -f 1-2)" = '1 0' ]
	type_in Right
	see '1 reserved'
	type_in Down Left
	see '50 buddy'
	type_in End
	see '27f hwpoison uptodate'
	type_in Home Tab
	see 'page-map > memory blocks'
	type_in Tab
	see 'page-map > processes'
	type_in Enter
	see 'page-map > processes > 7 usemem'
	type_in Enter
	see '7 usemem > all mappings'
	type_in Enter
	see 'all mappings > page 0x10000'
	type_in Escape
	see_no 'page 0x10000'
	type_in BSpace BSpace
	see_no '7 usemem'
	type_in F1
	see 'processes > help'
	type_in q
	ended 0
}

@test "Ctrl-C and F10 end it as q does" {
	open_terminal
	start
	type_in C-c
	ended 0
	start
	type_in F10
	ended 0
}

@test "a question: what is typed is seen, Esc ends it" {
	open_terminal
	start
	type_in F3
	see 'Search pages with the flags:'
	type_in -l 'größe中'
	see 'Search pages with the flags: größe中'
	type_in BSpace BSpace C-u
	type_in -l 'slab'
	see 'Search pages with the flags: slab'
	type_in Enter
	see 'fe slab'
	type_in g
	see 'Go to:'
	type_in Escape
	see_no 'Go to:'
	type_in q
	ended 0
}

@test "a signal ends it: the terminal is given back, who waits is told" {
	local signal

	open_terminal
	for signal in TERM:143 HUP:129 INT:130 QUIT:131; do
		start
		kill -s "${signal%:*}" "$(pid_of_map)"
		ended "${signal#*:}"
	done
}

@test "a crash: the terminal is given back" {
	local signal

	open_terminal
	for signal in SEGV:139 ABRT:134 BUS:135; do
		start
		see '0 reserved'
		kill -s "${signal%:*}" "$(pid_of_map)"
		ended "${signal#*:}"
	done
}

@test "Ctrl-Z: the shell has the terminal meanwhile" {
	open_terminal
	enter "page-map --sysroot $root"
	see 'F10Quit'
	type_in Right
	see '1 reserved'
	type_in C-z
	see 'Stopped'
	see 'what was before'
	[ "$(modes)" = '0 1 0 0 0' ]
	enter 'echo a"nother" line'
	see 'another line'
	enter fg
	see 'F10Quit'
	see '1 reserved'
	type_in Right
	see '2 reserved'
	type_in q
	see_no 'F10Quit'
	see 'another line'
	[ "$(modes)" = '0 1 0 0 0' ]
}

@test "kill -STOP, and on again in another size" {
	local pid

	open_terminal
	enter "page-map --sysroot $root"
	see 'F10Quit'
	pid=$(pid_of_map)
	kill -s STOP "$pid"
	see 'Stopped'
	enter 'clear; stty sane; echo a"nother" line'
	see 'another line'
	tm resize-window -x 110 -y 40
	enter fg
	see 'F10Quit'
	see 'a cell is a page'
	type_in Right
	see '1 reserved'
	# Nothing of the shell is left in it.
	see_no 'another line'
	type_in q
	see_no 'F10Quit'
	enter 'echo the shell li"stens"'
	see 'the shell listens'
}

# Its keys are encoded as it wants them, which comes after its picture.
takes_keys() {
	[[ $(modes) == '1 0 '*' 1 1' ]]
}

@test "kill -STOP and -CONT, with nobody between" {
	open_terminal
	start
	kill -s STOP "$(pid_of_map)"
	# What is overwritten shows when it is drawn anew.
	printf '\033[20;10Hnoise' > "$(tm display-message -p '#{pane_tty}')"
	see 'noise'
	kill -s CONT "$(pid_of_map)"
	see_no 'noise'
	wait_until takes_keys
	type_in Right
	see '1 reserved'
	type_in q
	ended 0
}

# ------------------------------------------------------------------------------- sizes

keys_are_on_line() {
	[[ $(picture | sed -n "$1p") == F1Help* ]]
}

@test "resize: too small, and back; larger" {
	open_terminal
	start
	tm resize-window -x 79 -y 24
	see '79x24: at least 80x24 is needed'
	see_no 'F10Quit'
	tm resize-window -x 100 -y 10
	see '100x10: at least 80x24 is needed'
	# Keys do no harm there.
	type_in Down Enter Tab
	tm resize-window -x 20 -y 4
	see '20x4: at least'
	tm resize-window -x 1 -y 1
	tm resize-window -x 80 -y 24
	see 'F10Quit'
	[ "$(picture | tail -n 1 | cut -c 1-6)" = F1Help ]
	tm resize-window -x 150 -y 50
	wait_until keys_are_on_line 50
	type_in q
	ended 0
}

@test "a larger screen shows more pages" {
	make_blocks
	open_terminal
	start
	see 'a cell is 32 pages'
	tm resize-window -x 80 -y 24
	see 'a cell is 64 pages'
	tm resize-window -x 160 -y 60
	see 'a cell is 8 pages'
	type_in q
	ended 0
}

# ----------------------------------------------------------------------------- terminals

# refused MESSAGE COMMAND...: by page-map on this terminal.
refused() {
	enter "clear; ${*:2} page-map --sysroot $root; echo \"sta\"tus \$?"
	see 'status 2'
	see "page-map: $1"
	shows_no 'F10Quit'
}

@test "TERM: dumb, unknown, not set" {
	open_terminal
	refused "TERM=dumb: this terminal can't place text (try --once, which prints a frame)" TERM=dumb
	refused "TERM=nonesuch: this terminal is not known (try --once, which prints a frame)" TERM=nonesuch
	refused "TERM is not set (try --once, which prints a frame)" env -u TERM
	refused "TERM is not set (try --once, which prints a frame)" TERM=
}

@test "neither stdin nor stdout may be something else" {
	open_terminal
	enter "page-map --sysroot $root < /dev/null; echo 'st'atus \$?"
	see 'page-map: not on a terminal (try --once, which prints a frame)'
	see 'status 2'
	enter "clear; page-map --sysroot $root | cat; echo status \${PIPESTATUS[0]}"
	see 'page-map: not on a terminal (try --once, which prints a frame)'
	see 'status 2'
}

# The picture's bytes as text: "E" for an escape.
attributes() {
	colours | tr '\033' E
}

has_attributes() {
	attributes | grep -qE -- "$1"
}

@test "256 colours: blocks in the colours of the palette" {
	open_terminal
	start env TERM=xterm-256color
	see '████'
	# anon, and poison: white on red.
	wait_until has_attributes 'E\[[0-9;]*38;5;33m'
	wait_until has_attributes 'E\[[0-9;]*(48;5;196|41)m|48;5;196'
	type_in l
	see 'RRRR---'
	type_in q
	ended 0
}

# Terminals that are not installed everywhere: known_terminal NAME CAPABILITY...
known_terminal() {
	command -v tic > /dev/null || skip "no tic here"
	printf '%s,\n' "$1" "${@:2}" | sed '1!s/^/\t/' | tic -x -o terminfo -
}

@test "direct colours: the same ones, not what 256 numbers them by" {
	local rgb='38\:2\:\:%p1%{65536}%/%d\:%p1%{256}%/%{255}%&%d\:%p1%{255}%&%d'

	known_terminal test-direct RGB 'colors#0x1000000' 'pairs#0x10000' \
		"setaf=\\E[%?%p1%{8}%<%t3%p1%d%e$rgb%;m" "setab=\\E[%?%p1%{8}%<%t4%p1%d%e4${rgb#3}%;m" \
		use=xterm-256color
	open_terminal
	start env TERM=test-direct "TERMINFO=$PWD/terminfo"
	see '████'
	# anon, and poison: white on red.
	wait_until has_attributes 'E\[[0-9;]*38;2;0;135;255m'
	wait_until has_attributes '48;2;255;0;0'
	has_attributes '38;2;255;255;255'
	type_in q
	ended 0
}

@test "8 colours: letters in colours, whatever l says" {
	local term

	open_terminal
	for term in xterm screen; do
		start env "TERM=$term"
		see 'RRRR---'
		wait_until has_attributes 'E\[[0-9;]*34m'
		attributes > with
		if grep -q '38;5' with; then
			return 1
		fi
		type_in l Right
		see '1 reserved'
		shows 'RRRR---'
		type_in q
		ended 0
	done
}

@test "marks stand out where colours go with neither underline nor standout" {
	known_terminal test-plain 'ncv#3' use=xterm
	open_terminal
	start env TERM=test-plain "TERMINFO=$PWD/terminfo"
	type_in m
	see ', marked'
	put_u64 "$root/proc/kpageflags" 10 0x80
	type_in r
	see 'RRRR------S---'
	# Underlined, and in no colour: the yellow of slab is no more.
	wait_until has_attributes 'E\[[0-9;]*4m(E\[[0-9;]*m)*S'
	type_in Space
	see '1 tagged'
	# The cursor has moved on: both are reversed.
	wait_until has_attributes '0x0.* E\[[0-9;]*7m(E\[33m)?RR'
	type_in q
	ended 0
}

@test "no colours: NO_COLOR, and a terminal without" {
	open_terminal
	start env TERM=xterm-256color NO_COLOR=1
	see 'RRRR---'
	see 'X poisoned 2'
	attributes > without
	if grep -E 'E\[([0-9]+;)*(3[0-7]|4[0-7]|9[0-7]|38|48)[;m]' without; then
		return 1
	fi
	# Poison stands out all the same.
	has_attributes 'E\[[0-9;]*7[;m][^E]*X'
	type_in q
	ended 0
	# Empty counts for nothing.
	start env TERM=xterm-256color NO_COLOR=
	wait_until has_attributes '38;5;33m'
	type_in q
	ended 0
	start env TERM=vt100
	see 'RRRR---'
	type_in Right
	see '1 reserved'
	type_in q
	wait_until test -s status
	[ "$(< status)" = 0 ]
}

@test "Ctrl-Z where terminfo has a name for it" {
	open_terminal
	enter "TERM=linux page-map --sysroot $root"
	see 'F10Quit'
	type_in C-z
	see 'Stopped'
}

@test "no other screen: the shell goes on in an empty line" {
	open_terminal
	enter "TERM=linux page-map --sysroot $root"
	see 'F10Quit'
	type_in C-z
	see 'Stopped'
	see_no 'F10Quit'
	enter fg
	see 'F10Quit'
	type_in q
	see_no 'F10Quit'
	see 'ready>'
	shows '0 reserved'
}

@test "not UTF-8: nothing but ASCII" {
	open_terminal
	start env LC_ALL=C TERM=xterm-256color
	see 'RRRR---'
	type_in l Right
	see '1 reserved'
	picture > seen
	if LC_ALL=C grep -n '[^ -~]' seen; then
		return 1
	fi
	type_in q
	ended 0
}

@test "keys that come faster than pictures" {
	local pid

	open_terminal
	start
	pid=$(pid_of_map)
	kill -s STOP "$pid"
	type_in F1 End
	kill -s CONT "$pid"
	see 'the paler, the more mixed.'
	kill -s STOP "$pid"
	type_in Escape Tab Tab NPage Enter
	kill -s CONT "$pid"
	see 'processes > 8 sleeper'
	type_in q
	ended 0
}

# ------------------------------------------------------------------------------- mouse

# The character that stands for a number in the old way of telling of the mouse.
mouse_char() {
	perl -e 'print chr(32 + shift)' "$1"
}

# click TERM BUTTON X Y: at a place from 0 on, in the way that terminfo says of this terminal.
click() {
	local button=$2 x=$(($3 + 1)) y=$(($4 + 1)) pressed released

	if [[ $(infocmp -1 "$1" | grep kmous=) == *'\E[<'* ]]; then
		pressed=$(printf '\033[<%d;%d;%dM' "$button" "$x" "$y")
		released=${pressed%M}m
	else
		pressed=$'\033[M'$(mouse_char "$button")$(mouse_char "$x")$(mouse_char "$y")
		released=$'\033[M#'$(mouse_char "$x")$(mouse_char "$y")
	fi
	# A wheel is not let go of.
	[ "$button" -ge 64 ] || pressed+=$released
	# In one piece: the next click of several is late after a sixth of a second.
	[ "${5:-1}" -eq 1 ] || pressed+=$pressed
	tm send-keys -l "$pressed"
}

@test "mouse: a click, a double click, the wheel" {
	local term

	open_terminal
	for term in screen xterm-256color; do
		start env "TERM=$term"
		see '0 reserved'
		# The sixth cell of the second line.
		click "$term" 0 20 3
		see '55 buddy'
		# Three lines a step.
		click "$term" 65 20 3
		see '0x145 '
		click "$term" 64 20 3
		see '55 buddy'
		# Beside all cells.
		click "$term" 0 2 3
		type_in Right
		see '0x56 buddy'
		click "$term" 0 17 2 2
		see 'memory > page 0x2'
		type_in q
		ended 0
	done
}

# ------------------------------------------------------------------ what is remembered

@test "scheme and letters are remembered" {
	open_terminal
	start env TERM=xterm-256color
	see '████'
	type_in c l
	see 'LRU age:'
	type_in q
	ended 0
	[ "$(< state/hwpoison-tools/page-map)" = $'scheme age\nletters yes' ]
	[ "$(stat -c %a state/hwpoison-tools)" = 700 ]
	start env TERM=xterm-256color
	see 'LRU age:'
	see 'NNNN---'
	type_in l
	see '████'
	type_in q
	ended 0
	[ "$(< state/hwpoison-tools/page-map)" = $'scheme age\nletters no' ]
	# That this terminal needs letters is no habit; nor is what --scheme says now a reason
	# to forget the rest.
	start env TERM=xterm
	see 'NNNN---'
	type_in q
	ended 0
	[ "$(< state/hwpoison-tools/page-map)" = $'scheme age\nletters no' ]
}

@test "--scheme comes before what is remembered" {
	mkdir -p state/hwpoison-tools
	printf 'scheme dirty\nletters yes\n' > state/hwpoison-tools/page-map
	open_terminal
	arguments='--scheme order'
	start env TERM=xterm-256color
	see 'folio order:'
	see '0000---'
	type_in q
	ended 0
	# An option is for once.
	[ "$(< state/hwpoison-tools/page-map)" = $'scheme dirty\nletters yes' ]
}

@test "what is remembered can be nonsense, and the folder not to be written" {
	mkdir -p state/hwpoison-tools
	printf 'scheme nonesuch\nletters\n\nletters perhaps yes\n%4000s\nmore\n' x > state/hwpoison-tools/page-map
	open_terminal
	start env TERM=xterm-256color
	see 'kind:'
	type_in q
	ended 0
	start env XDG_STATE_HOME=/dev/null/none
	type_in q
	ended 0
	# A relative path does not count, and then there is a home.
	start env XDG_STATE_HOME=relative HOME="$BATS_TEST_TMPDIR/home"
	type_in q
	ended 0
	[ ! -e relative ]
	[ -s home/.local/state/hwpoison-tools/page-map ]
}

# ------------------------------------------------------------------------- what changes

@test "mark: what changes stands out" {
	open_terminal
	start env TERM=xterm-256color NO_COLOR=1
	type_in m
	see ', marked'
	see 'RRRR---'
	attributes > before-change
	put_u64 "$root/proc/kpageflags" 10 0x80
	type_in r
	see 'RRRR------S---'
	# Bold and underlined.
	wait_until has_attributes 'E\[[0-9;]*4mS'
	if grep -qE 'E\[[0-9;]*4mS' before-change; then
		return 1
	fi
	type_in m
	see 'the mark is gone'
	type_in q
	ended 0
}

@test "a process that goes away is said, and its last picture stays" {
	open_terminal
	arguments='--pid 8 --letters'
	start
	see '8 sleeper'
	type_in Tab
	see 'A anon 1'
	rm -r "$root/proc/8"
	type_in r
	see 'process 8: it has ended'
	shows 'A anon 1'
	type_in Tab
	see 'it has ended'
	type_in q
	ended 0
}

@test "Ctrl-L draws all anew" {
	open_terminal
	start
	see '0 reserved'
	printf '\033[14;20Hnoise from elsewhere' > "$(tm display-message -p '#{pane_tty}')"
	see 'noise from elsewhere'
	type_in C-l
	see_no 'noise from elsewhere'
	see '0 reserved'
	type_in q
	ended 0
}
