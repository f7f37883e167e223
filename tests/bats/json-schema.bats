#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The schemas of the JSON records: check-json takes good records and finds bad ones;
# doc/json.md, the man page and the completion use the same words. No tool is run.

# Set in helper.bash: $status, $stdout_file.
# shellcheck disable=SC2154
load helper

setup() {
	top=$BATS_TEST_DIRNAME/../..
	schemas=$top/doc/schema
	man=$top/man/hwpoison-inject.1
	command -v jq > /dev/null || skip "needs jq"
}

# One good record of each kind, as a machine could print it.
good_records() {
	cat <<-'END'
		{"record":"run","version":1,"tool":"hwpoison-inject","release":"6.1.0-56-amd64","method":"debugfs","boot":"0b6f3c1e-58f0-4a5c-9a50-3c1d2e4f5a6b","time":"2026-11-23T10:04:05Z","seed":null,"filter":{"enable":true,"dev_major":null,"dev_minor":null,"flags_mask":"0x0","flags_value":"0x0","memcg":4711,"memcg_path":"/sys/fs/cgroup/db"},"module_loaded":null}
		{"record":"target","version":1,"pfn":20484,"address":"0x5596bc308000","pid":155,"comm":"db: writer","kind":"anon","node":0,"mapcount":1,"owners":1,"name":"[heap]","flags":["uptodate","dirty","0x8000000000000000"],"flags_value":"0x8000000000000018","forecast":{"type":"dirty LRU page","result":"Recovered","at_once":"BUS_MCEERR_AO to early processes","on_access":"BUS_MCEERR_AR","risk":null},"objection":null}
		{"record":"page","version":1,"pfn":20484,"address":"0x5596bc308000","pid":155,"comm":"db: writer","name":"[heap]","kind":"anon","flags":["uptodate","dirty"],"flags_value":"0x18","owners":1,"type":"dirty LRU page","result":"Recovered","hwp_before":false,"hwp_after":true,"outcome":"poisoned","errno":null,"error":null,"new_pfn":null,"owner_entry":"poisoned"}
		{"record":"task","version":1,"pid":155,"tid":155,"comm":"db: writer","cgroup":"/db","signal":"SIGBUS","code":"BUS_MCEERR_AR","address":"0x5596bc308010","lsb":12,"lsb_source":"page-size","sent":1,"merged":0,"ignored":0,"action":"default","state":"killed","exit_status":null,"signal_number":7}
		{"record":"totals","version":1,"pages":1,"outcomes":{"poisoned":1},"pages_lost":1,"hardware_corrupted_before":0,"hardware_corrupted_after":4,"nodes":[{"node":0,"before":{"total":0,"ignored":0,"failed":0,"delayed":0,"recovered":0},"after":{"total":1,"ignored":0,"failed":0,"delayed":0,"recovered":1}}],"tasks_signalled":1,"tasks_killed":1,"events_lost":0,"interrupted":false,"verdict":{"expected":"killed","met":true}}
		{"record":"poisoned","version":1,"pfn":20484,"kind":"other","flags":["hwpoison"],"flags_value":"0x80000","time":"2026-11-23T10:04:05.123456+01:00","method":"debugfs","pid":155,"comm":"db: writer","address":"0x5596bc308000","tool":"hwpoison-inject","real":false}
		{"record":"unpoison","version":1,"pfn":20484,"outcome":"still-poisoned","errno":16,"error":"still mapped"}
		{"record":"range","version":1,"pid":155,"file":null,"offset":34359738,"cgroup":4711,"mapcount":1,"owners":[17,155],"pfn":20484,"pages":3,"flags":["uptodate","0x8000000"],"flags_value":"0x8000008"}
		{"record":"summary","version":1,"flags":["lru"],"flags_value":"0x20","by":"node","group":"node 1","pid":null,"number":1,"pages":12,"bytes":49152}
		{"record":"others","version":1,"sets":3,"pages":12,"bytes":49152}
		{"record":"sum","version":1,"by":null,"group":null,"pid":null,"number":null,"pages":12,"bytes":49152}
		{"record":"order","version":1,"pid":155,"comm":"db: writer","order":2,"size":16384,"kind":"anon","folios":2,"pages":7,"bytes":28672,"aligned_pages":7,"whole_pages":4,"partial_pages":3,"cont_pages":[7,6,4]}
		{"record":"order_vma","version":1,"pid":155,"comm":"db: writer","start":"0x5596bc308000","end":"0x5596bc318000","perms":"rw-p","vma_pages":16,"pages":8,"large_pages":7,"percent":87,"vma_percent":43,"orders":[{"kind":"anon","order":0,"size":4096,"pages":1,"aligned_pages":1,"whole_pages":1,"partial_pages":0,"cont_pages":[1]},{"kind":"anon","order":2,"size":16384,"pages":7,"aligned_pages":7,"whole_pages":4,"partial_pages":3,"cont_pages":[7,6,4]}],"name":"[heap]"}
		{"record":"owned_page","version":1,"pfn":20484,"physical":"0x5004000","kind":"anon","node":0,"flags":["uptodate","lru"],"flags_value":"0x28","mapcount":3,"cgroup":4711,"cgroup_path":"/sys/fs/cgroup/db","container":null,"held_by":"processes","found":2,"missing":1,"reason":"1 process ended meanwhile"}
		{"record":"owner","version":1,"pfn":20484,"pid":155,"comm":"db: writer","how":"present","address":"0x5596bc308000","vma_start":"0x5596bc300000","vma_end":"0x5596bc400000","perms":"rw-p","offset":null,"name":"[heap]","fd":null,"processes":null,"cgroup":"/db","container":null}
		{"record":"sample","version":1,"flags":["lru"],"flags_value":"0x20","pages":12000,"low":11000,"high":13000,"fraction":0.0078125,"seed":17,"pages_read":8192}
		{"record":"sampled","version":1,"pages":1048576,"low":1048576,"high":1048576,"fraction":0.0078125,"seed":17,"pages_read":8192,"machine_pages":1048576,"may_miss":24576}
		{"record":"diff_flags","version":1,"flags_value":"0x80000","old":0,"new":3,"delta":3,"flags":["hwpoison"]}
		{"record":"diff_transition","version":1,"pages":3,"before":[],"before_value":"0x0","after":["hwpoison"],"after_value":"0x80000"}
		{"record":"diff_cgroup","version":1,"cgroup":4711,"old":5,"new":2,"delta":-3,"path":"/sys/fs/cgroup/db"}
		{"record":"diff_range","version":1,"pfn":20484,"pages":3,"before":["lru"],"before_value":"0x20","after":["hwpoison"],"after_value":"0x80000"}
		{"record":"diff_sum","version":1,"old":16,"new":15,"unchanged":12,"changed":3,"only_old":1,"only_new":0}
		{"record":"watch_flags","version":1,"round":2,"time":"2026-11-23T10:04:05Z","flags_value":"0x20","pages":12,"bytes":49152,"change":-1,"change_total":2,"flags":["lru"]}
		{"record":"watch_sum","version":1,"round":2,"time":"2026-11-23T10:04:05Z","pages":12,"bytes":49152,"change":-1,"change_total":2}
		{"record":"thread","version":1,"pid":155,"tid":156,"comm":"db: writer","policy":"early","system":"late","effective":"early","reason":"own","sigbus":"caught","blocked":false,"pending":false,"on_ao":"handler","on_ar":"handler"}
		{"record":"policy","version":1,"pid":155,"tid":156,"comm":"db: writer","before":"default","now":"early"}
		{"record":"setting","version":1,"name":"vm.memory_failure_recovery","before":1,"value":0,"meaning":"every memory error panics the machine","warning":"the next injection panics this machine"}
		{"record":"filter","version":1,"enable":false,"dev_major":8,"dev_minor":1,"flags_mask":"0x1000","flags_value":"0x1000","memcg":null,"memcg_path":null}
		{"record":"failure","version":1,"time":"2026-11-23T10:04:05.123456Z","pfn":20484,"type":"dirty LRU page","result":"Recovered","node":0,"origin":"ours","tool":"hwpoison-inject","method":"debugfs","pid":155,"comm":"db: writer","kind":"anon","address":"0x5596bc308000"}
		{"record":"kill","version":1,"time":"2026-11-23T10:04:07.000001Z","pid":155,"tid":156,"comm":"db: writer","code":"BUS_MCEERR_AR","address":"0x5596bc308010","pfn":20484,"cause":"late","action":"default","merged":false,"failed":"2026-11-23T10:04:05.123456Z","pending_since":null}
		{"record":"lost","version":1,"time":"2026-11-23T10:04:08.000000Z","events":17}
		{"record":"monitor","version":1,"failures":1,"signals":1,"killed":1,"lost":17,"since":"2026-11-23T10:04:00.000000Z","until":"2026-11-23T10:05:00.000000Z","source":"tracefs"}
		{"record":"mce","version":1,"source":"<stdin>","line":1,"cpu":1,"bank":9,"status":"0xbd000000000000c0","status_bits":["VAL","UC"],"code":"0xc0","code_text":"memory controller, scrub, channel 0","model_code":"0x0","corrected_count":0,"threshold":null,"core":null,"mcgstatus":"0x5","mcgstatus_bits":["MCIP","RIPV"],"addr":"0x3fdbd000","misc":"0x8c","address_mode":"physical","lsb":12,"synd":null,"ipid":null,"ipid_type":null,"ipid_hardware":null,"ipid_instance":null,"ppin":null,"cs":"0x33","rip":"0x4011c2","tsc":"0x0","time":1764370000,"socketid":0,"apicid":1,"mcgcap":null,"vendor":"intel","cpuid":"0x50657","microcode":"0x0","way":null,"class":"srao","action":"memory-failure","because":"action optional, of a page"}
		{"record":"mce_log","version":1,"text":"mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 9: 9000000000000091"}
		{"record":"mce_failure","version":1,"pfn":32928,"type":"dirty LRU page","result":"Recovered"}
		{"record":"mce_total","version":1,"log_lines":3,"memory_failures":1,"tasks_signalled":2,"tasks_killed":0,"hardware_corrupted_before":0,"hardware_corrupted_after":4,"events_lost":0}
	END
}

# good RECORD: the good one of that kind.
good() {
	good_records | jq -c --arg record "$1" 'select(.record == $record)'
}

check_json() {
	"$top/tests/check-json" "$@"
}

# takes LINES: without a word.
takes() {
	run_split check_json <<< "$1"
	status_is 0
	stdout_is
	stderr_is
}

# rejects LINES MESSAGE...: with those messages, and no others.
rejects() {
	run_split check_json <<< "$1"
	status_is 1
	stdout_is "${@:2}"
	stderr_is
}

# rejects_change RECORD CHANGE MESSAGE...: the good record, changed by a jq program.
rejects_change() {
	rejects "$(good "$1" | jq -c "$2")" "${@:3}"
}

# ------------------------------------------------------------------ what is taken

@test "check-json takes a good record of each kind" {
	diff -u <(good_records | jq -r .record | sort) \
		<(basename -a -s .json "$schemas"/*.json | sort)
	takes "$(good_records)"
}

@test "check-json takes null where a record may have it" {
	takes "$(good run | jq -c '.filter = null | .module_loaded = "hwpoison_inject" | .seed = 42')"
	takes "$(good target | jq -c '.address = null | .pid = null | .comm = null | .name = null |
		.node = null | .forecast = null | .objection = "it belongs to PID 1"')"
	takes "$(good target | jq -c '.forecast |= map_values(null)')"
	takes "$(good page | jq -c '.type = null | .result = null | .owner_entry = null | .errno = 16 |
		.error = "the kernel could not get it out of use" | .outcome = "flagged-only"')"
	takes "$(good page | jq -c '.owner_entry = ("present", "ended")')"
	takes "$(good task | jq -c '.signal = null | .code = null | .address = null | .lsb = null |
		.lsb_source = null | .action = null | .cgroup = null | .state = "unharmed" | .signal_number = null')"
	takes "$(good totals | jq -c '.nodes = null | .verdict = null | .outcomes = {} |
		.hardware_corrupted_before = null | .hardware_corrupted_after = null | .events_lost = null')"
	takes "$(good poisoned | jq -c '.time = null | .method = null | .pid = null | .comm = null |
		.address = null | .tool = null')"
	takes "$(good range | jq -c '.pid = null | .file = "/data/a b" | .offset = null | .cgroup = null |
		.mapcount = null | .owners = null')"
	takes "$(good owned_page | jq -c '.node = null | .cgroup = null | .cgroup_path = null |
		.container = "db" | .held_by = "free" | .missing = 0 | .reason = null')"
	takes "$(good owner | jq -c '.comm = null | .how = "file-open" | .address = null | .vma_start = null |
		.vma_end = null | .perms = null | .offset = "0x1000" | .fd = 3 | .processes = 2 | .cgroup = null')"
	takes "$(good diff_cgroup | jq -c '.path = null')"
	takes "$(good watch_flags | jq -c '.round = 1 | .change = null | .change_total = null')"
	takes "$(good watch_sum | jq -c '.round = 1 | .change = null | .change_total = null')"
	takes "$(good thread | jq -c '.system = null | .effective = null | .reason = null | .on_ao = null |
		.on_ar = null')"
	takes "$(good setting | jq -c '.before = null | .value = null | .meaning = null | .warning = null')"
	takes "$(good failure | jq -c '.node = null | .origin = "other" | .tool = null | .method = null |
		.pid = null | .comm = null | .kind = null | .address = null')"
	takes "$(good kill | jq -c '.pid = null | .code = null | .address = null | .pfn = null |
		.cause = "unknown" | .action = null | .failed = null')"
	takes "$(good kill | jq -c '.action = "handler" | .pending_since = .failed')"
	takes "$(good lost | jq -c '.events = null')"
	takes "$(good monitor | jq -c '.killed = null | .lost = null | .source = "kmsg"')"
	takes "$(good mce | jq -c '(.source, .line, .cpu, .bank, .mcgstatus, .mcgstatus_bits, .addr, .misc,
		.address_mode, .lsb, .cs, .rip, .tsc, .time, .socketid, .apicid, .cpuid, .microcode,
		.corrected_count) = null | .threshold = "yellow" | .ipid = "0x1" | .way = "HOLD"')"
	takes "$(good unpoison | jq -c '.errno = null | .error = null | .outcome = "unpoisoned"')"
}

@test "check-json takes no lines at all" {
	run_split check_json < /dev/null
	status_is 0
	stdout_is
}

# --------------------------------------------------------------- what is rejected

@test "check-json rejects lines that are no records" {
	rejects 'pfn 1' "line 1: not JSON"
	rejects '' "line 1: not JSON"
	rejects '[1]' "line 1: not an object"
	rejects '{"version":1}' "line 1: record is missing, or not a string"
	rejects '{"record":"../page"}' "line 1: ../page: no such record"
	rejects "$(good unpoison)"$'\n'"{" "line 2: not JSON"
}

@test "check-json rejects each record without any one of its fields" {
	local field record

	while read -r record field; do
		[ "$field" != record ] || continue
		rejects_change "$record" "del(.$field)" "line 1: $record: $field is missing"
	done < <(good_records | jq -r '.record as $r | keys[] | "\($r) \(.)"')
}

@test "check-json rejects each record with a field too much" {
	local record

	while read -r record; do
		rejects_change "$record" ".more = 1" "line 1: $record: more is not in the schema"
	done < <(good_records | jq -r .record)
	rejects_change target '.forecast.more = 1' \
		"line 1: target.forecast: more is not in the schema"
}

@test "check-json rejects each record of another version" {
	local record

	while read -r record; do
		rejects_change "$record" ".version = 2" "line 1: $record.version: 2 is not 1"
	done < <(good_records | jq -r .record)
}

@test "check-json rejects wrong types" {
	rejects_change page '.pfn = "20484"' "line 1: page.pfn: string, not integer"
	rejects_change page '.pfn = 1.5' "line 1: page.pfn: number, not integer"
	rejects_change page '.pfn = null' "line 1: page.pfn: null, not integer"
	rejects_change page '.address = 4096' "line 1: page.address: number, not string or null"
	rejects_change page '.hwp_after = 1' "line 1: page.hwp_after: number, not boolean"
	rejects_change page '.flags = "lru"' "line 1: page.flags: string, not array"
	rejects_change totals '.outcomes = []' "line 1: totals.outcomes: array, not object"
}

@test "check-json rejects words and numbers that a field can't have" {
	rejects_change unpoison '.outcome = "gone"' \
		'line 1: unpoison.outcome: "gone" is none of ["unpoisoned","still-poisoned","not-poisoned"]'
	rejects_change page '.pfn = -1' "line 1: page.pfn: -1 is less than 0"
	rejects_change page '.errno = 0' "line 1: page.errno: 0 is less than 1"
	rejects_change totals '.outcomes.lost = 1' "line 1: totals.outcomes: lost is not in the schema"
}

@test "check-json rejects what does not match its pattern, from end to end" {
	rejects_change page '.flags_value = "18"' \
		'line 1: page.flags_value: "18" does not match ^0x[0-9a-f]+$'
	rejects_change page '.flags_value = "0x18\n"' \
		'line 1: page.flags_value: "0x18\n" does not match ^0x[0-9a-f]+$'
	rejects_change page '.flags_value = "\n0x18"' \
		'line 1: page.flags_value: "\n0x18" does not match ^0x[0-9a-f]+$'
	rejects_change page '.address = "0X1F"' \
		'line 1: page.address: "0X1F" does not match ^0x[0-9a-f]+$'
}

@test "check-json rejects what is wrong below" {
	rejects_change page '.flags[1] = 4' "line 1: page.flags[1]: number, not string"
	rejects_change page '.flags = ["lru", "lru"]' "line 1: page.flags: an item is there twice"
	rejects_change totals '.nodes[0].after.failed = -1' \
		"line 1: totals.nodes[0].after.failed: -1 is less than 0"
	rejects_change totals 'del(.nodes[0].before)' "line 1: totals.nodes[0]: before is missing"
	rejects_change totals '.verdict.met = null' "line 1: totals.verdict.met: null, not boolean"
	rejects_change run '.filter.memcg = 0' "line 1: run.filter.memcg: 0 is less than 1"
}

@test "check-json says all that is wrong, with the lines" {
	rejects "$(good page)"$'\n'"$(good page | jq -c '.pfn = -1 | .pid = "155" | del(.comm)')" \
		"line 2: page: comm is missing" \
		"line 2: page.pfn: -1 is less than 0" \
		"line 2: page.pid: string, not integer or null"
}

# -------------------------------------------------------------- what can't be told

# cant_tell MESSAGE SCHEMA: of a record "x" with that schema.
cant_tell() {
	local dir=$BATS_TEST_TMPDIR/schema

	mkdir -p "$dir"
	printf '%s\n' "$2" > "$dir/x.json"
	run_split check_json "$dir" <<< '{"record":"x"}'
	status_is 2
	stdout_is
	grep -qF -e "$1" "$stderr_file" || complain "expected on stderr: $1"
}

@test "check-json fails on a schema that it does not know in full" {
	cant_tell "x: unknown keyword maxProperties" '{"type": "object", "maxProperties": 1}'
	cant_tell "x.a: unknown keyword format" '{"properties": {"a": {"format": "date-time"}}}'
	# shellcheck disable=SC2016 # $ref is a keyword
	cant_tell 'x.a[]: unknown keyword $ref' '{"properties": {"a": {"items": {"$ref": "#"}}}}'
	cant_tell "x.*: unknown keyword if" '{"additionalProperties": {"if": {}}}'
	cant_tell "x: unknown type int" '{"type": ["int", "null"]}'
	cant_tell "x.a: not an object, as every schema here is" '{"properties": {"a": true}}'
	cant_tell "a schema is not JSON" '{'
}

@test "check-json fails without schemas" {
	run_split check_json "$BATS_TEST_TMPDIR" < /dev/null
	status_is 2
	stderr_is "check-json: $BATS_TEST_TMPDIR: no schemas"
}

@test "check-json fails on a second argument" {
	run_split check_json a b < /dev/null
	status_is 2
	stderr_is "check-json: usage: check-json [SCHEMA-DIR] < LINES"
}

# ------------------------------------------------------------- what the schemas are

@test "each schema names its record, and closes every object" {
	local file name

	for file in "$schemas"/*.json; do
		name=$(basename "$file" .json)
		jq -e --arg name "$name" '
			."$schema" == "https://json-schema.org/draft/2020-12/schema" and
			.properties.record.const == $name and
			(.properties.version.const | type) == "number" and
			.required == (.properties | keys_unsorted) and
			all(.. | objects | select(has("properties")); .additionalProperties == false)' \
			"$file" > /dev/null || { echo "$file: not as the others"; false; }
	done
}

# ------------------------------------------------------------------ the same words

# Fields of a record, as the table of doc/json.md has them.
documented_fields() {
	awk -v heading="## $1" '
		/^## / { on = $0 == heading }
		/^\| field / { fields = 1 }
		/^$/ { fields = 0 }
		on && fields && /^\| `/ { gsub(/[|`]/, " "); print $1 }
	' "$top/doc/json.md"
}

@test "doc/json.md has the fields of each schema, in order" {
	local file name

	for file in "$schemas"/*.json; do
		name=$(basename "$file" .json)
		diff -u --label "doc/json.md: $name" --label "$file" <(documented_fields "$name") \
			<(jq -r '.properties | del(.record, .version) | keys_unsorted[]' "$file")
	done
}

@test "doc/json.md has no records but those of the schemas" {
	diff -u <(sed -n 's/^## \([a-z_]*\)$/\1/p' "$top/doc/json.md" | sort) \
		<(basename -a -s .json "$schemas"/*.json | sort)
}

# Words of a schema's field, and those that a table of doc/json.md explains, by the
# line above it.
enum_of() {
	jq -r "$2 | .[] | select(. != null)" "$schemas/$1.json" | sort
}

words_of_table() {
	sed -n "/^$1\$/,/^#/s/^| \`\([a-z-]*\)\`.*/\1/p" "$top/doc/json.md" | sort
}

@test "doc/json.md explains the words of the schemas" {
	diff -u <(words_of_table '.outcome.:') <(enum_of page .properties.outcome.enum)
	diff -u <(words_of_table '.state.:') <(enum_of task .properties.state.enum)
	diff -u <(words_of_table '.cause.:') <(enum_of kill .properties.cause.enum)
	diff -u <(words_of_table '.kind. of a folio:') <(jq -r '.properties.kind.enum[]' "$schemas/order.json" | sort)
	diff -u <(jq .properties.kind.enum "$schemas/order.json") \
		<(jq .properties.orders.items.properties.kind.enum "$schemas/order_vma.json")
	diff -u <(words_of_table '## Kinds of pages') <(enum_of page .properties.kind.enum)
	diff -u <(enum_of target .properties.kind.enum) <(enum_of page .properties.kind.enum)
	diff -u <(words_of_table '.held_by.:') <(enum_of owned_page .properties.held_by.enum)
	diff -u <(enum_of owned_page .properties.kind.enum) <(enum_of page .properties.kind.enum)
	diff -u <(enum_of poisoned .properties.kind.enum) <(enum_of page .properties.kind.enum)
}

# Words of the lists of a section of the man page: ".It Cm word".
words_of_man() {
	sed -n "/^\.S[hs] $1\$/,/^\.S[hs] /s/^\.It Cm \([a-z-]*\).*/\1/p" "$man" | sort
}

@test "the man page explains the words of the schemas" {
	[ -e "$man" ] || skip "no man page here"
	diff -u <(words_of_man Outcomes) <(enum_of page .properties.outcome.enum)
	diff -u <(enum_of page .properties.outcome.enum) \
		<(jq -r '.properties.outcomes.properties | keys[]' "$schemas/totals.json" | sort)
	diff -u <(words_of_man Tasks) <(enum_of task .properties.state.enum)
	diff -u <(words_of_man Verdicts) <(enum_of totals .properties.verdict.properties.expected.enum)
	diff -u <(words_of_man METHODS | grep -vx auto) <(enum_of run .properties.method.enum)
	diff -u <(enum_of run .properties.method.enum) <(enum_of poisoned .properties.method.enum)
	diff -u <(words_of_man UNDO) <(enum_of unpoison .properties.outcome.enum)
}

@test "the man page of mcekill has the words of the monitor" {
	local page=$top/man/mcekill.1 word

	grep -q '^\.Sh MONITOR$' "$page" || skip "no such man page here"
	for word in failure kill lost monitor $(enum_of failure .properties.origin.enum) \
		$(enum_of kill .properties.cause.enum) $(enum_of kill .properties.action.enum); do
		sed -n '/^\.Sh MONITOR$/,/^\.Sh [^M]/p' "$page" | grep -qE "(^| )$word( |\$)" ||
			{ echo "not in the man page: $word"; false; }
	done
}
