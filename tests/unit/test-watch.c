// SPDX-License-Identifier: GPL-2.0-or-later
/* The watch's reading of the kernel log, on what kernels really print. */
#include "../../lib/watch.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

/* ---------------------------------------------------------------------- lines */

static const struct {
	const char *line;
	uint64_t pfn;
	const char *type, *result;
} failures[] = {
	/* 6.1 and 6.12 */
	{ "Memory failure: 0x1234: recovery action for dirty LRU page: Recovered", 0x1234,
	  "dirty LRU page", "Recovered" },
	{ "Memory failure: 0xabcdef012: recovery action for clean swapcache page: Delayed",
	  0xabcdef012, "clean swapcache page", "Delayed" },
	{ "Memory failure: 0x3fe00: recovery action for huge page: Failed", 0x3fe00, "huge page",
	  "Failed" },
	{ "Memory failure: 0x2: recovery action for unknown page: Ignored", 2, "unknown page",
	  "Ignored" },
	{ "Memory failure: 0x2: recovery action for get hwpoison page: Ignored", 2,
	  "get hwpoison page", "Ignored" },
	{ "Memory failure: 0x5: recovery action for unsplit thp: Failed", 5, "unsplit thp",
	  "Failed" },
	{ "Memory failure: 0x77: recovery action for different compound page after locking: Ignored",
	  0x77, "different compound page after locking", "Ignored" },
	/* 6.12 */
	{ "Memory failure: 0x99: recovery action for already poisoned page: Failed", 0x99,
	  "already poisoned page", "Failed" },
	/* 6.1 */
	{ "Memory failure: 0x99: already hardware poisoned", 0x99, "already hardware poisoned",
	  "Failed" },
	/* %#lx has no 0x for 0 */
	{ "Memory failure: 0: recovery action for reserved kernel page: Ignored", 0,
	  "reserved kernel page", "Ignored" },
	{ "Memory failure: 1f00: recovery action for dax page: Recovered", 0x1f00, "dax page",
	  "Recovered" },
	{ "Memory failure: 0xffffffffffffffff: recovery action for a: b: Ignored", UINT64_MAX,
	  "a: b", "Ignored" },
};

static void test_failures(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		struct kpage_event e = { 0 };

		assert_true(kmsg_line_parse(failures[i].line, &e));
		assert_int_equal(e.kind, KPAGE_EVENT_FAILURE);
		assert_int_equal(e.pfn, failures[i].pfn);
		assert_string_equal(e.type, failures[i].type);
		assert_string_equal(e.result, failures[i].result);
		assert_int_equal(e.tid, 0);
		assert_string_equal(e.comm, "");
	}
}

static const struct {
	const char *line;
	enum kpage_event_kind kind;
	uint64_t number;	/* PFN or address */
	const char *comm;
	pid_t tid;
} tasks[] = {
	{ "Memory failure: 0x1234: Sending SIGBUS to usemem:4711 due to hardware memory corruption",
	  KPAGE_EVENT_SIGNAL, 0x1234, "usemem", 4711 },
	{ "Memory failure: 0xab: Sending SIGBUS to a b:c:12:34 due to hardware memory corruption",
	  KPAGE_EVENT_SIGNAL, 0xab, "a b:c:12", 34 },
	{ "Memory failure: 0xab: Sending SIGBUS to :7 due to hardware memory corruption",
	  KPAGE_EVENT_SIGNAL, 0xab, "", 7 },
	{ "Memory failure: 0xab: Sending SIGBUS to x due to:7 due to hardware memory corruption",
	  KPAGE_EVENT_SIGNAL, 0xab, "x due to", 7 },
	{ "Memory failure: 0xab: Sending SIGBUS to 123456789012345:2147483647 due to hardware memory corruption",
	  KPAGE_EVENT_SIGNAL, 0xab, "123456789012345", 2147483647 },
	{ "MCE: Killing usemem:4711 due to hardware memory corruption fault at 7f0012345678",
	  KPAGE_EVENT_FAULT, 0x7f0012345678, "usemem", 4711 },
	{ "MCE: Killing usemem:4711 due to hardware memory corruption fault at 0x7f0012345678",
	  KPAGE_EVENT_FAULT, 0x7f0012345678, "usemem", 4711 },
	{ "MCE: Killing Web Content:1 2:99 due to hardware memory corruption fault at 0",
	  KPAGE_EVENT_FAULT, 0, "Web Content:1 2", 99 },
	{ "MCE: Killing fault at 5:1 due to hardware memory corruption fault at ffffffffffffffff",
	  KPAGE_EVENT_FAULT, UINT64_MAX, "fault at 5", 1 },
};

static void test_tasks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
		struct kpage_event e = { 0 };

		assert_true(kmsg_line_parse(tasks[i].line, &e));
		assert_int_equal(e.kind, tasks[i].kind);
		assert_string_equal(e.comm, tasks[i].comm);
		assert_int_equal(e.tid, tasks[i].tid);
		assert_int_equal(e.code, 0);
		assert_int_equal(e.kind == KPAGE_EVENT_SIGNAL ? e.pfn : e.address,
				 tasks[i].number);
	}
}

static const char *const ignored[] = {
	"",
	"Injecting memory failure at pfn 0x1234",
	"Injecting memory failure for pfn 0x1234 at process virtual address 0x7f0000000000",
	"Soft offlining pfn 0x1234 at process virtual address 0x7f0000000000",
	"Memory failure: 0x1234: unhandlable page.",
	"Memory failure: 0x1234: corrupted page was clean: dropped without side effects",
	"Memory failure: 0x1234: keeping poisoned page in swap cache",
	"Memory failure: 0x1234: can't handle KSM pages.",
	"Memory failure: 0x1234: failed to unmap page (mapcount=1)",
	"Memory failure: 0x1234: failed to unmap page (folio mapcount=1)",
	"Memory failure: 0x1234: forcibly killing usemem:12 because of failure to unmap corrupted page",
	"Memory failure: 0x1234: dirty LRU page still referenced by 2 users",
	"Memory failure: 0x1234: Cannot send advisory machine check signal to usemem:12",
	"Memory failure: Error sending signal to usemem:12: -3",
	"Memory failure: 0x1234: memory outside kernel control",
	"Memory failure: 0x1234: Failed to punch page: -5",
	"Memory failure: 0x1234: failed to release buffers",
	"Memory failure: 0x1234: Failed to invalidate",
	"Memory failure: 0x1234: unrecoverable page",
	"mce: Uncorrected hardware memory error in user-access at 12345678",
	"mce: [Hardware Error]: Machine check events logged",
	"Unpoison: Software-unpoisoned page 0x1234",
	"Unpoison: Page was already unpoisoned 0x1234",
	"Unpoison: Someone grabs the hwpoison page 0x1234",
	"Unpoison: Disabled after HW memory failure 0x1234",
	"Unpoison: 0x1234: software-unpoisoned page",
	"Unpoison: 0x1234: page was already unpoisoned",
	"soft offline: 0x1234: page already poisoned",
	"soft_offline: 0x1234: isolation failed: 0, page count 2, type 0x1",
	"Soft offline: 0x1234: page already poisoned",
	"Memory failure on page 1234",
	"EXT4-fs (loop0): mounted filesystem with ordered data mode",
	"Buffer I/O error on dev loop0, logical block 17, lost async page write",
	"Out of memory: Killed process 17 (usemem) total-vm:1kB",
	/* ours in the middle of another's line */
	"foo: Memory failure: 0x1234: recovery action for dirty LRU page: Recovered",
	" MCE: Killing usemem:4711 due to hardware memory corruption fault at 7f00",
};

static const char *const broken[] = {
	"Memory failure: ",
	"Memory failure: 0x",
	"Memory failure: 0x1234",
	"Memory failure: 0x1234:",
	"Memory failure: 0x1234: ",
	"Memory failure: 0x1234: recovery action for ",
	"Memory failure: 0x1234: recovery action for dirty LRU page",
	"Memory failure: 0x1234: recovery action for dirty LRU page:",
	"Memory failure: 0x1234: recovery action for dirty LRU page: ",
	"Memory failure: 0x1234: recovery action for : Recovered",
	"Memory failure: 0x1234: recovery action for dirty LRU page: Recovered and much more",
	"Memory failure: 0x1234: recovery action for 0123456789012345678901234567890123456789"
	"012345678901234567890123: Failed",
	"Memory failure: 0x12345678901234567: recovery action for huge page: Failed",
	"Memory failure: -1: recovery action for huge page: Failed",
	"Memory failure: xyz: recovery action for huge page: Failed",
	"Memory failure: 0x12 34: recovery action for huge page: Failed",
	"Memory failure: 0x1234: already hardware poison",
	"Memory failure: 0x1234: already hardware poisoned twice",
	"Memory failure: 0x1234: Sending SIGBUS to ",
	"Memory failure: 0x1234: Sending SIGBUS to usemem:47",
	"Memory failure: 0x1234: Sending SIGBUS to usemem due to hardware memory corruption",
	"Memory failure: 0x1234: Sending SIGBUS to usemem: due to hardware memory corruption",
	"Memory failure: 0x1234: Sending SIGBUS to usemem:-1 due to hardware memory corruption",
	"Memory failure: 0x1234: Sending SIGBUS to usemem:0 due to hardware memory corruption",
	"Memory failure: 0x1234: Sending SIGBUS to usemem:12a due to hardware memory corruption",
	"Memory failure: 0x1234: Sending SIGBUS to usemem:2147483648 due to hardware memory corruption",
	"Memory failure: 0x1234: Sending SIGBUS to 1234567890123456:1 due to hardware memory corruption",
	"Memory failure: 0x1234: Sending SIGBUS to usemem:12 due to hardware memory corruptio",
	"MCE: Killing ",
	"MCE: Killing usemem",
	"MCE: Killing usemem:12 due to hardware memory corruption",
	"MCE: Killing usemem:12 due to hardware memory corruption fault at",
	"MCE: Killing usemem:12 due to hardware memory corruption fault at ",
	"MCE: Killing usemem:12 due to hardware memory corruption fault at xyz",
	"MCE: Killing usemem:12 due to hardware memory corruption fault at 12g",
	"MCE: Killing usemem:12 due to hardware memory corruption fault at 12345678901234567",
	"MCE: Killing usemem due to hardware memory corruption fault at 1234",
};

static void assert_ignored(const char *const *lines, size_t n)
{
	struct kpage_event untouched, e;

	memset(&untouched, 0x5a, sizeof(untouched));
	for (size_t i = 0; i < n; i++) {
		e = untouched;
		assert_false(kmsg_line_parse(lines[i], &e));
		assert_memory_equal(&e, &untouched, sizeof(e));
	}
}

static void test_ignored(void **state)
{
	(void)state;
	assert_ignored(ignored, ARRAY_SIZE(ignored));
	assert_ignored(broken, ARRAY_SIZE(broken));
}

/* No beginning of a line is taken for the whole, and none is read past its end. */
static void test_truncated(void **state)
{
	static const char line[] =
		"Memory failure: 0x1234: Sending SIGBUS to usemem:4711 due to hardware memory corruption";
	struct kpage_event e;

	(void)state;
	for (size_t len = 0; len < sizeof(line) - 1; len++) {
		char *copy = strndup(line, len);

		assert_false(kmsg_line_parse(copy, &e));
		free(copy);
	}
}

/* The text of the trace event, whose other words are not looked at. */
static void test_failure_text(void **state)
{
	struct kpage_event e = { 0 };

	(void)state;
	assert_true(failure_text_parse("pfn 0x1234: recovery action for already poisoned: Failed", &e));
	assert_string_equal(e.type, "already poisoned");
	assert_string_equal(e.result, "Failed");
	assert_true(failure_text_parse("pfn 0x1234: recovery action for 0x17: 0x4", &e));
	assert_string_equal(e.type, "0x17");
	assert_string_equal(e.result, "0x4");
	assert_false(failure_text_parse("pfn=4660 type=3 result=1", &e));
	assert_false(failure_text_parse("", &e));
}

/* -------------------------------------------------------------------- records */

static void test_record(void **state)
{
	struct kpage_event e = { 0 };
	uint64_t seq = 0;

	(void)state;
	assert_int_equal(kmsg_record_parse("3,1048,97654321,-;Memory failure: 0x1234: recovery "
					   "action for dirty LRU page: Recovered\n",
					   &seq, &e), 1);
	assert_int_equal(seq, 1048);
	assert_int_equal(e.time_ns, UINT64_C(97654321000));
	assert_int_equal(e.pfn, 0x1234);

	/* more fields in the header, and a dictionary */
	assert_int_equal(kmsg_record_parse("3,1049,97654322,-,caller=T4711;MCE: Killing a;b:17 due "
					   "to hardware memory corruption fault at 7f00\n"
					   " SUBSYSTEM=memory\n DEVICE=+memory:memory3\n",
					   &seq, &e), 1);
	assert_int_equal(seq, 1049);
	assert_string_equal(e.comm, "a;b");
	assert_int_equal(e.address, 0x7f00);

	/* without the last newline */
	assert_int_equal(kmsg_record_parse("3,1050,1,-;Memory failure: 0x1: already hardware poisoned",
					   &seq, &e), 1);
}

static void test_record_not_ours(void **state)
{
	struct kpage_event e;
	uint64_t seq = 0;

	(void)state;
	assert_int_equal(kmsg_record_parse("6,7,8,-;usb 1-1: new device\n SUBSYSTEM=usb\n", &seq, &e), 0);
	assert_int_equal(seq, 7);
	assert_int_equal(kmsg_record_parse("6,8,8,-;\n", &seq, &e), 0);
	assert_int_equal(seq, 8);
	/* what would be ours, in a continuation line only */
	assert_int_equal(kmsg_record_parse("6,9,8,-;x\n Memory failure: 0x1: already hardware poisoned\n",
					   &seq, &e), 0);
	/* written by a program: facility 1 */
	assert_int_equal(kmsg_record_parse("11,10,8,-;Memory failure: 0x1: already hardware poisoned\n",
					   &seq, &e), 0);
	assert_int_equal(seq, 10);
}

static void test_record_escapes(void **state)
{
	static const char sigbus[] = "3,%d,8,-;Memory failure: 0x1: Sending SIGBUS to %s:17 due to "
				     "hardware memory corruption\n";
	static const struct {
		const char *written, *comm;
	} names[] = {
		{ "a\\x0ab", "a\nb" },
		{ "a\\x5cb", "a\\b" },
		{ "\\xc3\\xa9t\\xc3\\xa9", "\xc3\xa9t\xc3\xa9" },
		{ "\\x5cx41", "\\x41" },
	};
	static const char *const bad[] = { "\\x", "\\x0", "\\xg0", "\\x0g", "\\x00" };
	struct kpage_event e = { 0 };
	char record[256];
	uint64_t seq = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(record, sizeof(record), sigbus, 5, names[i].written);
		assert_int_equal(kmsg_record_parse(record, &seq, &e), 1);
		assert_string_equal(e.comm, names[i].comm);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(record, sizeof(record), sigbus, 6, bad[i]);
		assert_int_equal(kmsg_record_parse(record, &seq, &e), 0);
		snprintf(record, sizeof(record), "3,6,8,-;%s", bad[i]);
		assert_int_equal(kmsg_record_parse(record, &seq, &e), 0);
	}
}

static void test_record_long(void **state)
{
	static char record[9000];
	struct kpage_event e;
	uint64_t seq = 0;
	int n = sprintf(record, "3,77,8,-;Memory failure: 0x1: Sending SIGBUS to ");

	(void)state;
	memset(record + n, 'a', sizeof(record) - (size_t)n - 1);
	assert_int_equal(kmsg_record_parse(record, &seq, &e), 0);
	assert_int_equal(seq, 77);
}

static void test_record_garbage(void **state)
{
	static const char *const records[] = {
		"", ";", "\n", "x", "3", "3,", "3,4", "3,4,", "3,4,5", "3,4,5,", "3,4,5,-",
		"3,4,5,-\n;text", "3,4,5;text", ",4,5,-;text", "3,,5,-;text", "3,4,,-;text",
		"-3,4,5,-;text", "3,+4,5,-;text", "3, 4,5,-;text", "3,4,5.0,-;text",
		"3,18446744073709551616,5,-;text", "3,4,18446744073709551615,-;text",
		"Memory failure: 0x1: already hardware poisoned",
	};
	struct kpage_event e;
	uint64_t seq = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(records); i++)
		assert_int_equal(kmsg_record_parse(records[i], &seq, &e), -EBADMSG);
	assert_int_equal(seq, 42);
}

/* ------------------------------------------------------------------ sequences */

static void test_seq(void **state)
{
	struct kmsg_seq s = { 0 };

	(void)state;
	/* whatever the first one is, nothing was lost before it */
	kmsg_seq_saw(&s, 1000);
	kmsg_seq_saw(&s, 1001);
	assert_int_equal(s.lost, 0);
	kmsg_seq_saw(&s, 1005);
	assert_int_equal(s.lost, 3);
	/* read(2) says EPIPE and the next record how many: counted once */
	kmsg_seq_overrun(&s);
	kmsg_seq_saw(&s, 1106);
	assert_int_equal(s.lost, 103);
	kmsg_seq_saw(&s, 1107);
	assert_int_equal(s.lost, 103);
}

static void test_seq_overrun_first(void **state)
{
	struct kmsg_seq s = { 0 };

	(void)state;
	/* at least one; how many can't be known */
	kmsg_seq_overrun(&s);
	kmsg_seq_saw(&s, 1000);
	assert_int_equal(s.lost, 1);
}

/* -------------------------------------------------------------------- reading */

/* A socket that keeps records apart, as the device does. */
static void open_device(int fds[2], struct watch_kmsg *k, unsigned int kinds)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	*k = (struct watch_kmsg){ .fd = fds[0], .kinds = kinds };
}

static void put(int fd, const char *record)
{
	assert_int_equal(write(fd, record, strlen(record)), strlen(record));
}

static void put_some(int fd)
{
	put(fd, "3,10,1,-;Memory failure: 0x1: Sending SIGBUS to a:17 due to hardware memory corruption\n");
	put(fd, "3,11,2,-;Memory failure: 0x1: recovery action for dirty LRU page: Recovered\n");
	put(fd, "6,12,3,-;something else\n SUBSYSTEM=x\n");
	put(fd, "3,15,4,-;MCE: Killing a:17 due to hardware memory corruption fault at 7f00\n");
}

static void test_gather(void **state)
{
	struct watch_queue q = { 0 };
	struct watch_kmsg k;
	int fds[2];

	(void)state;
	open_device(fds, &k, ~0u);
	assert_int_equal(watch_kmsg_gather(&k, &q), 0);
	assert_int_equal(q.n, 0);
	put_some(fds[1]);
	assert_int_equal(watch_kmsg_gather(&k, &q), 0);
	assert_int_equal(q.n, 3);
	assert_int_equal(q.events[0].kind, KPAGE_EVENT_SIGNAL);
	assert_int_equal(q.events[1].kind, KPAGE_EVENT_FAILURE);
	assert_int_equal(q.events[2].kind, KPAGE_EVENT_FAULT);
	assert_int_equal(q.events[2].time_ns, 4000);
	assert_int_equal(k.seq.lost, 2);
	watch_kmsg_close(&k);
	assert_int_equal(k.fd, -1);
	close(fds[1]);
	free(q.events);
}

static void test_gather_kinds(void **state)
{
	struct watch_queue q = { 0 };
	struct watch_kmsg k;
	int fds[2];

	(void)state;
	open_device(fds, &k, 1u << KPAGE_EVENT_FAULT);
	put_some(fds[1]);
	assert_int_equal(watch_kmsg_gather(&k, &q), 0);
	assert_int_equal(q.n, 1);
	assert_int_equal(q.events[0].kind, KPAGE_EVENT_FAULT);
	watch_kmsg_close(&k);
	close(fds[1]);
	free(q.events);
}

static void test_gather_many(void **state)
{
	struct watch_queue q = { 0 };
	char record[128];
	struct watch_kmsg k;
	int fds[2];

	(void)state;
	open_device(fds, &k, ~0u);
	for (unsigned int i = 1; i <= 1000; i++) {
		snprintf(record, sizeof(record), "3,%u,%u,-;Memory failure: 0x%x: already hardware poisoned\n",
			 i, i, i);
		put(fds[1], record);
		if (i % 100 == 0)
			assert_int_equal(watch_kmsg_gather(&k, &q), 0);
	}
	assert_int_equal(q.n, 1000);
	for (unsigned int i = 1; i <= 1000; i++)
		assert_int_equal(q.events[i - 1].pfn, i);
	assert_int_equal(k.seq.lost, 0);
	watch_kmsg_close(&k);
	close(fds[1]);
	free(q.events);
}

static void test_gather_error(void **state)
{
	struct watch_kmsg k = { .fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), .kinds = ~0u };
	struct watch_queue q = { 0 };

	(void)state;
	assert_int_equal(watch_kmsg_gather(&k, &q), -EISDIR);
	watch_kmsg_close(&k);
}

/* ---------------------------------------------------------------------- watch */

static void test_not_live(void **state)
{
	struct kpage_watch *w = (void *)1;
	struct kpage_ctx *ctx = NULL;

	(void)state;
	assert_int_equal(kpage_ctx_new("/proc", &ctx), 0);
	assert_int_equal(kpage_watch_new(ctx, &w), -ENODEV);
	assert_ptr_equal(w, (void *)1);
	assert_string_not_equal(kpage_ctx_error_path(ctx), "");
	kpage_ctx_free(ctx);
	kpage_watch_free(NULL);
}

static int count_event(const struct kpage_event *event, void *arg)
{
	(void)event;
	++*(int *)arg;
	return *(int *)arg == 1;
}

static void test_wait(void **state)
{
	struct kpage_watch *w = calloc(1, sizeof(*w));
	int fds[2], n = 0;

	(void)state;
	assert_non_null(w);
	open_device(fds, &w->kmsg, ~0u);
	assert_int_equal(kpage_watch_wait(w, 0), 0);
	assert_int_equal(kpage_watch_wait(w, 20), 0);
	put_some(fds[1]);
	assert_int_equal(kpage_watch_wait(w, -1), 1);
	/* What was not taken is still to be read, though the log has nothing more. */
	assert_int_equal(kpage_watch_read(w, count_event, &n), 1);
	assert_int_equal(kpage_watch_wait(w, -1), 1);
	assert_int_equal(kpage_watch_read(w, count_event, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(kpage_watch_wait(w, 0), 0);
	kpage_watch_free(w);
	close(fds[1]);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* With what there is: no log, no trace. */
static void test_wait_signal(void **state)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART }, old;
	struct kpage_watch *w = calloc(1, sizeof(*w));

	(void)state;
	assert_non_null(w);
	w->kmsg.fd = -1;
	assert_int_equal(kpage_watch_wait(w, 1), 0);
	sigaction(SIGALRM, &action, &old);
	/* Again and again: the first may come before it waits. */
	ualarm(20000, 20000);
	assert_int_equal(kpage_watch_wait(w, -1), 0);
	ualarm(0, 0);
	sigaction(SIGALRM, &old, NULL);
	kpage_watch_free(w);
}

/* A flood's room is given back. */
static void test_room(void **state)
{
	struct kpage_watch *w = calloc(1, sizeof(*w));
	const struct kpage_event event = { .kind = KPAGE_EVENT_FAILURE };
	int n = 1;

	(void)state;
	assert_non_null(w);
	w->kmsg.fd = -1;
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(watch_queue_add(&w->queue, &event), 0);
	assert_int_equal(kpage_watch_read(w, count_event, &n), 0);
	assert_int_equal(n, 5001);
	assert_int_equal(w->queue.n, 0);
	assert_int_equal(w->queue.room, 0);
	kpage_watch_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_failure_text),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_record_not_ours),
		cmocka_unit_test(test_record_escapes),
		cmocka_unit_test(test_record_long),
		cmocka_unit_test(test_record_garbage),
		cmocka_unit_test(test_seq),
		cmocka_unit_test(test_seq_overrun_first),
		cmocka_unit_test(test_gather),
		cmocka_unit_test(test_gather_kinds),
		cmocka_unit_test(test_gather_many),
		cmocka_unit_test(test_gather_error),
		cmocka_unit_test(test_not_live),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_wait_signal),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
