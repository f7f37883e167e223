// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Memory failures and their signals as the kernel traces them, in an instance of our own.
 *
 * tracefs_cpu_open() and tracefs_iterate_raw_events() can't be told where tracefs is, and
 * hide read errors. So the per-CPU buffers are opened and read here, and what is in them is
 * left to libtraceevent.
 */
#include "watch.h"

#ifdef HAVE_LIBTRACEFS

#include <event-parse.h>
#include <fcntl.h>
#include <inttypes.h>
#include <kbuffer.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <trace-seq.h>

#include "trace-instance.h"

/* Of a buffer, for each CPU. The largest of our records, with a time stamp of
 * its own, has 60 bytes: this is 24000 of them. */
#define BUFFER_KB 1408
/* … and of all of them: on a machine with many CPUs less will do for each. */
#define BUFFERS_KB 65536

/* Names of tasks that were signalled, by thread id. */
#define COMM_SLOTS 256

struct trace_cpu {
	int number;
	int fd;			/* trace_pipe_raw; held open, which keeps others from
				   removing the instance */
	uint64_t lost;
};

/* What the kernel calls the failure that was decoded last. */
struct failure_name {
	bool known;
	unsigned long long type, result;
	struct kpage_event event;
};

struct watch_trace {
	struct kpage_ctx *ctx;
	struct trace_instance instance;
	char failure_system[64];	/* where memory_failure_event is; "" if it is not */
	struct tep_handle *tep;
	struct tep_event *generate, *deliver, *failure;
	struct trace_seq text;
	struct failure_name failure_name;
	struct kbuffer *kbuf;
	char *page;
	size_t page_size;
	struct trace_cpu *cpus;
	size_t nr_cpus;
	struct watch_queue held;	/* what was recorded after the latest gathering began */
	struct {
		pid_t tid;
		char comm[16];
	} comms[COMM_SLOTS];
};

/* ----------------------------------------------------------------- the events */

/* The system that memory_failure_event belongs to changed more than once. */
static int find_failure_system(struct watch_trace *t)
{
	_cleanup_closedir_ DIR *systems = NULL;
	char path[KPAGE_PATH_MAX];
	struct dirent *d;

	if (snprintf(path, sizeof(path), "%s/events", t->instance.tracing) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	systems = opendir(path);
	if (!systems)
		return ctx_error(t->ctx, -errno, path);
	while ((d = readdir(systems))) {
		if (d->d_name[0] == '.' || strlen(d->d_name) >= sizeof(t->failure_system) ||
		    snprintf(path, sizeof(path), "%s/memory_failure_event", d->d_name) >=
			    (int)sizeof(path) ||
		    faccessat(dirfd(systems), path, F_OK, 0))
			continue;
		strcpy(t->failure_system, d->d_name);
		break;
	}
	return 0;
}

static int start_instance(struct watch_trace *t)
{
	long cpus = MAX(sysconf(_SC_NPROCESSORS_CONF), 1L);
	char filter[64];
	int err;

	snprintf(filter, sizeof(filter), "sig == %d && (code == %d || code == %d)", SIGBUS,
		 BUS_MCEERR_AR, BUS_MCEERR_AO);
	/* The default clock may differ between CPUs, whose records are put in order here. */
	err = trace_instance_write(&t->instance, "trace_clock", "mono");
	if (!err)
		err = trace_instance_set_size(&t->instance,
					      MAX(MIN((long)BUFFER_KB, BUFFERS_KB / cpus), 64L));
	/* poll(2) is to end with the first record; before 4.21, where it has no such file,
	 * it does. */
	if (!err && !faccessat(t->instance.fd, "buffer_percent", F_OK, 0))
		err = trace_instance_write(&t->instance, "buffer_percent", "0");
	if (!err)
		err = trace_instance_enable(&t->instance, "signal", "signal_generate", filter);
	if (!err)
		err = trace_instance_enable(&t->instance, "signal", "signal_deliver", filter);
	if (!err && t->failure)
		err = trace_instance_enable(&t->instance, t->failure_system, "memory_failure_event", NULL);
	return err;
}

static int load_format(struct watch_trace *t, const char *system, const char *name,
		       struct tep_event **out)
{
	_cleanup_free_ char *text = NULL;
	char path[128];
	size_t size = 0;
	int err;

	snprintf(path, sizeof(path), "%s/%s/format", system, name);
	err = trace_events_read(&t->instance, path, &text, &size);
	if (!err && tep_parse_format(t->tep, out, text, size, system))
		err = ctx_error(t->ctx, -ENODEV, t->instance.tracing);
	return err;
}

/* tracefs_local_events() would do, but reads all of /proc/kallsyms besides: more
 * memory, and more time, than all else here. */
static int load_formats(struct watch_trace *t)
{
	_cleanup_free_ char *header = NULL;
	size_t size = 0;
	int err;

	t->tep = tep_alloc();
	if (!t->tep)
		return -ENOMEM;
	tep_set_file_bigendian(t->tep, tep_is_bigendian());
	tep_set_local_bigendian(t->tep, tep_is_bigendian());
	err = trace_events_read(&t->instance, "header_page", &header, &size);
	if (!err && tep_parse_header_page(t->tep, header, size, sizeof(long)))
		err = ctx_error(t->ctx, -ENODEV, t->instance.tracing);
	if (!err)
		err = load_format(t, "signal", "signal_generate", &t->generate);
	if (!err)
		err = load_format(t, "signal", "signal_deliver", &t->deliver);
	if (!err && *t->failure_system)
		err = load_format(t, t->failure_system, "memory_failure_event", &t->failure);
	return err;
}

static int alloc_page(struct watch_trace *t)
{
	int size = tep_get_sub_buffer_size(t->tep);

	/* A read of less than a whole page would give its second part without a header. */
	t->page_size = size > 0 ? (size_t)size : kpage_page_size();
	t->page = malloc(t->page_size);
	t->kbuf = kbuffer_alloc(tep_get_header_page_size(t->tep) == 4 ? KBUFFER_LSIZE_4 :
									KBUFFER_LSIZE_8,
				KBUFFER_ENDIAN_SAME_AS_HOST);
	return t->page && t->kbuf ? 0 : -ENOMEM;
}

static int open_cpu(struct watch_trace *t, int number)
{
	struct trace_cpu *cpus;
	char file[64];
	int fd;

	cpus = reallocarray(t->cpus, t->nr_cpus + 1, sizeof(*cpus));
	if (!cpus)
		return -ENOMEM;
	t->cpus = cpus;
	snprintf(file, sizeof(file), "per_cpu/cpu%d/trace_pipe_raw", number);
	fd = tracefs_instance_file_open(t->instance.handle, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return trace_instance_error(&t->instance, -errno, file);
	t->cpus[t->nr_cpus++] = (struct trace_cpu){ .number = number, .fd = fd };
	return 0;
}

/* All CPUs that can be, also those that are offline now. */
static int open_cpus(struct watch_trace *t)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[KPAGE_PATH_MAX];
	struct dirent *d;
	int number, err;

	if (snprintf(path, sizeof(path), "%s/instances/%s/per_cpu", t->instance.tracing,
		     tracefs_instance_get_name(t->instance.handle)) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	dir = opendir(path);
	if (!dir)
		return ctx_error(t->ctx, -errno, path);
	while ((d = readdir(dir))) {
		if (sscanf(d->d_name, "cpu%d", &number) != 1)
			continue;
		err = open_cpu(t, number);
		if (err)
			return err;
	}
	return 0;
}

static int open_steps(struct watch_trace *t)
{
	int err = find_failure_system(t);

	if (!err)
		err = load_formats(t);
	if (!err)
		err = alloc_page(t);
	if (!err)
		err = trace_instance_make(&t->instance);
	if (!err)
		err = open_cpus(t);
	return err ? err : start_instance(t);
}

int watch_trace_open(struct kpage_ctx *ctx, struct watch_trace **out)
{
	struct watch_trace *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->ctx = ctx;
	trace_seq_init(&t->text);
	err = trace_instance_init(&t->instance, ctx);
	if (!err)
		err = open_steps(t);
	if (err) {
		watch_trace_close(t);
		return err;
	}
	*out = t;
	return 0;
}

void watch_trace_close(struct watch_trace *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nr_cpus; i++)
		close(t->cpus[i].fd);
	trace_instance_release(&t->instance);
	free(t->held.events);
	kbuffer_free(t->kbuf);
	tep_free(t->tep);
	trace_seq_destroy(&t->text);
	free(t->page);
	free(t->cpus);
	free(t);
}

bool watch_trace_has_failures(const struct watch_trace *t)
{
	return t->failure;
}

uint64_t watch_trace_lost(const struct watch_trace *t)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < t->nr_cpus; i++)
		lost += t->cpus[i].lost;
	return lost;
}

/* -------------------------------------------------------------------- records */

static bool get_number(struct tep_event *format, struct tep_record *record, const char *field,
		       unsigned long long *out)
{
	return tep_get_field_val(NULL, format, field, record, out, 0) >= 0;
}

/* The kernel's words for a failure are in the event's format, and most failures of a run
 * are of one kind: printing and parsing them again for each costs more than all else. */
static bool name_failure(struct watch_trace *t, struct tep_record *record,
			 struct kpage_event *event)
{
	struct failure_name *last = &t->failure_name;
	unsigned long long type, result;
	bool numbers = get_number(t->failure, record, "type", &type) &&
		       get_number(t->failure, record, "result", &result);

	if (numbers && last->known && last->type == type && last->result == result) {
		memcpy(event->type, last->event.type, sizeof(event->type));
		memcpy(event->result, last->event.result, sizeof(event->result));
		return true;
	}
	trace_seq_reset(&t->text);
	tep_print_event(t->tep, &t->text, record, "%s", TEP_PRINT_INFO);
	trace_seq_terminate(&t->text);
	if (!failure_text_parse(t->text.buffer, event))
		return false;
	*last = (struct failure_name){ .known = numbers, .event = *event };
	last->type = numbers ? type : 0;
	last->result = numbers ? result : 0;
	return true;
}

static bool decode_failure(struct watch_trace *t, struct tep_record *record,
			   struct kpage_event *event)
{
	unsigned long long pfn;

	if (!get_number(t->failure, record, "pfn", &pfn))
		return false;
	event->kind = KPAGE_EVENT_FAILURE;
	event->pfn = pfn;
	return name_failure(t, record, event);
}

static bool decode_generate(struct watch_trace *t, struct tep_record *record,
			    struct kpage_event *event)
{
	unsigned long long tid, code, result;
	const char *comm;
	int len = 0;

	comm = tep_get_field_raw(NULL, t->generate, "comm", record, &len, 0);
	if (!comm || len <= 0 || !get_number(t->generate, record, "pid", &tid) ||
	    !get_number(t->generate, record, "code", &code) ||
	    !get_number(t->generate, record, "result", &result))
		return false;
	event->kind = KPAGE_EVENT_SIGNAL;
	event->tid = (pid_t)tid;
	event->code = (int)code;
	event->sent = (enum kpage_signal_sent)result;
	snprintf(event->comm, sizeof(event->comm), "%.*s", len, comm);
	return true;
}

static bool decode_deliver(struct watch_trace *t, struct tep_record *record,
			   struct kpage_event *event)
{
	unsigned long long code, handler;

	if (!get_number(t->deliver, record, "code", &code) ||
	    !get_number(t->deliver, record, "sa_handler", &handler) ||
	    handler == (uintptr_t)SIG_IGN)
		return false;
	event->kind = KPAGE_EVENT_DELIVERED;
	event->tid = tep_data_pid(t->tep, record);
	event->code = (int)code;
	event->handler = handler != (uintptr_t)SIG_DFL;
	return true;
}

static bool decode_record(struct watch_trace *t, struct tep_record *record,
			  struct kpage_event *event)
{
	int id = tep_data_type(t->tep, record);

	if (id == t->generate->id)
		return decode_generate(t, record, event);
	if (id == t->deliver->id)
		return decode_deliver(t, record, event);
	return t->failure && id == t->failure->id && decode_failure(t, record, event);
}

/* The records of the page that was read. */
static int decode_page(struct watch_trace *t, int cpu, struct watch_queue *q)
{
	unsigned long long time;
	void *data;
	int err = 0;

	if (kbuffer_load_subbuffer(t->kbuf, t->page))
		return -EBADMSG;
	for (data = kbuffer_read_event(t->kbuf, &time); data && !err;
	     data = kbuffer_next_event(t->kbuf, &time)) {
		struct tep_record record = {
			.ts = time,
			.cpu = cpu,
			.data = data,
			.size = kbuffer_event_size(t->kbuf),
		};
		struct kpage_event event = { .time_ns = time };

		if (decode_record(t, &record, &event))
			err = watch_queue_add(q, &event);
	}
	return err;
}

/* How many records of a CPU were overwritten or dropped since the start. */
static int read_lost(struct watch_trace *t, struct trace_cpu *cpu)
{
	_cleanup_close_ int fd = -1;
	char file[64], stats[1024];
	uint64_t lost = 0;
	ssize_t n;

	/* Not held open: another descriptor a CPU is more than a process may have, on
	 * machines with many. */
	snprintf(file, sizeof(file), "per_cpu/cpu%d/stats", cpu->number);
	fd = openat(t->instance.fd, file, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, stats, sizeof(stats) - 1);
	if (n < 0)
		return trace_instance_error(&t->instance, -errno, file);
	stats[n] = '\0';
	for (char *save, *line = strtok_r(stats, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		uint64_t count;

		if (sscanf(line, "overrun: %" SCNu64, &count) == 1 ||
		    sscanf(line, "commit overrun: %" SCNu64, &count) == 1 ||
		    sscanf(line, "dropped events: %" SCNu64, &count) == 1)
			lost += count;
	}
	cpu->lost = lost;
	return 0;
}

/* 1 and a page, as far as it is filled; 0 if there is nothing more. */
static int read_page(struct watch_trace *t, const struct trace_cpu *cpu)
{
	ssize_t n;

	do
		n = read(cpu->fd, t->page, t->page_size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n > 0;
}

static int gather_cpu(struct watch_trace *t, struct trace_cpu *cpu, struct watch_queue *q)
{
	/* No more than a full buffer and the page that is being written: what comes
	 * after that was recorded meanwhile, and might go on for ever. */
	size_t limit = BUFFER_KB * 1024 / t->page_size + 2;
	int more = 1, err = 0;
	size_t pages;

	for (pages = 0; pages < limit && !err; pages++) {
		more = read_page(t, cpu);
		if (more <= 0)
			break;
		err = decode_page(t, cpu->number, q);
	}
	if (more < 0 || err)
		return err ? err : more;
	/* Nothing is overwritten as long as there is nothing to read. */
	return pages ? read_lost(t, cpu) : 0;
}

/* ---------------------------------------------------------------- all together */

struct trace_key {
	uint64_t time_ns;
	size_t index;
};

static int compare_keys(const void *a, const void *b)
{
	const struct trace_key *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static bool is_sorted(const struct kpage_event *events, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (events[i].time_ns < events[i - 1].time_ns)
			return false;
	}
	return true;
}

/* By time; records of one CPU with the same time stay as they are. */
static int sort_events(struct kpage_event *events, size_t n)
{
	_cleanup_free_ struct kpage_event *sorted = NULL;
	_cleanup_free_ struct trace_key *keys = NULL;

	if (is_sorted(events, n))
		return 0;
	keys = calloc(n, sizeof(*keys));
	sorted = calloc(n, sizeof(*sorted));
	if (!keys || !sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		keys[i] = (struct trace_key){ events[i].time_ns, i };
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n; i++)
		sorted[i] = events[keys[i].index];
	memcpy(events, sorted, n * sizeof(*events));
	return 0;
}

/* The record of a delivery has no name. That of the sending, which comes before
 * it, has; the task itself may be gone by now. */
static void name_task(struct watch_trace *t, struct kpage_event *event)
{
	size_t slot = (size_t)event->tid % COMM_SLOTS;
	char path[64];

	if (event->kind == KPAGE_EVENT_SIGNAL) {
		t->comms[slot].tid = event->tid;
		memcpy(t->comms[slot].comm, event->comm, sizeof(event->comm));
	} else if (event->kind == KPAGE_EVENT_DELIVERED) {
		if (t->comms[slot].tid == event->tid) {
			memcpy(event->comm, t->comms[slot].comm, sizeof(event->comm));
			return;
		}
		snprintf(path, sizeof(path), "/proc/%d/comm", event->tid);
		if (kpage_ctx_read_line(t->ctx, path, event->comm, sizeof(event->comm)))
			event->comm[0] = '\0';
	}
}

static uint64_t trace_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Of what is held, all that was recorded until then. */
static int hand_over(struct watch_trace *t, uint64_t until, struct watch_queue *q)
{
	size_t n = 0;
	int err = 0;

	while (n < t->held.n && t->held.events[n].time_ns <= until && !err) {
		name_task(t, &t->held.events[n]);
		err = watch_queue_add(q, &t->held.events[n]);
		n += !err;
	}
	t->held.n -= n;
	if (n)
		memmove(t->held.events, t->held.events + n, t->held.n * sizeof(*t->held.events));
	return err;
}

int watch_trace_gather(struct watch_trace *t, struct watch_queue *q)
{
	/* The CPUs are read one after the other. What is recorded meanwhile waits for the next
	 * time: its cause may have been recorded where was read already. */
	uint64_t until = trace_now();
	int err = 0, cpu_err, sort_err;

	/* An error of one CPU is no reason to leave the others' records behind. */
	for (size_t i = 0; i < t->nr_cpus; i++) {
		cpu_err = gather_cpu(t, &t->cpus[i], &t->held);
		err = err ? err : cpu_err;
	}
	sort_err = sort_events(t->held.events, t->held.n);
	if (!sort_err)
		sort_err = hand_over(t, until, q);
	return err ? err : sort_err;
}

bool watch_trace_has_more(const struct watch_trace *t)
{
	return t->held.n;
}

size_t watch_trace_nr_cpus(const struct watch_trace *t)
{
	return t->nr_cpus;
}

int watch_trace_fd(const struct watch_trace *t, size_t cpu)
{
	return t->cpus[cpu].fd;
}

#endif
