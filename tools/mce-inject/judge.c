// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What kind of error a record is, and what a kernel does with it, as an exception
 * (do_machine_check()) or found in a bank that is polled (machine_check_poll()): first match
 * wins, as in the kernel's own rules. Where 6.1 and 6.12 differ, the worse of the two counts.
 */
#include <string.h>

#include "common/util.h"
#include "decode.h"

#define PAGE_LSB 12
#define UNCORRECTED (MCI_UC | MCI_S | MCI_AR)

const char *mce_class_name(enum mce_class class)
{
	static const char *const names[] = {
		"none", "corrected", "deferred", "ucna", "srao", "srar", "uncorrected", "fatal",
	};

	return names[class];
}

const char *mce_action_name(enum mce_action action)
{
	static const char *const names[] = { "ignored", "logged", "memory-failure", "panic" };

	return names[action];
}

/* What the rules look at. */
struct view {
	uint64_t status, mcg, vendor;
	unsigned int code;
	bool has_mcg;		/* otherwise it is taken to be as it should */
	bool in_kernel, in_user;	/* the code that was interrupted; by its segment */
	uint64_t bank;
	bool usable;		/* the address is that of a page */
	bool memory_scrub, load, fetch;
	const struct mce_rules *rules;
};

static bool address_is_usable(const struct mce *m, uint64_t vendor)
{
	uint64_t status = m->value[MCE_STATUS], misc = m->value[MCE_MISC];

	if (vendor_is_amd(vendor))
		return status & MCI_ADDRV;
	return status & MCI_ADDRV && status & MCI_MISCV && mce_address_lsb(misc) <= PAGE_LSB &&
	       !strcmp(mce_address_mode(misc), "physical");
}

static void look(const struct mce *m, const struct mce_rules *rules, struct view *v)
{
	uint64_t status = m->value[MCE_STATUS];

	*v = (struct view){
		.status = status,
		.mcg = m->value[MCE_MCGSTATUS],
		.vendor = rules->vendor,
		.code = status & 0xefff,
		.has_mcg = mce_has(m, MCE_MCGSTATUS),
		.in_kernel = mce_has(m, MCE_CS) && !mce_is_user_mode(m),
		.in_user = mce_is_user_mode(m),
		.bank = m->value[MCE_BANK],
		.usable = address_is_usable(m, rules->vendor),
		.rules = rules,
	};
	v->memory_scrub = (v->code & 0xfff0) == 0xc0 || v->code == 0x17a;
	v->load = v->code == 0x134;
	v->fetch = v->code == 0x150;
}

static bool lacks_mcg(const struct view *v, uint64_t bits)
{
	return v->has_mcg && !(v->mcg & bits);
}

static bool kind_is(const struct view *v, uint64_t bits)
{
	return (v->status & UNCORRECTED) == bits;
}

/* ------------------------------------------------------------------- conditions */

static bool is_invalid(const struct view *v)
{
	return !(v->status & MCI_VAL);
}

static bool is_corrected(const struct view *v)
{
	return !(v->status & MCI_UC);
}

static bool is_pcc(const struct view *v)
{
	return v->status & MCI_PCC;
}

static bool is_illegal(const struct view *v)
{
	return kind_is(v, MCI_UC | MCI_AR);
}

/* With lost events the kernel takes it for one that is not signalled. */
static bool is_illegal_alone(const struct view *v)
{
	return is_illegal(v) && !(v->status & MCI_OVER);
}

static bool is_no_mcip(const struct view *v)
{
	return lacks_mcg(v, MCG_MCIP);
}

static bool is_no_ip(const struct view *v)
{
	return lacks_mcg(v, MCG_RIPV | MCG_EIPV);
}

static bool is_not_enabled(const struct view *v)
{
	return !(v->status & MCI_EN);
}

static bool is_local(const struct view *v)
{
	return v->mcg & MCG_LMCES;
}

/* What the handler passes over; where all CPUs are told, it misses a cause then, and panics. */
static bool is_local_and_not_enabled(const struct view *v)
{
	return is_local(v) && is_not_enabled(v);
}

static bool is_not_signalled(const struct view *v)
{
	return !(v->status & MCI_S);
}

static bool is_local_and_not_signalled(const struct view *v)
{
	return is_local(v) && is_not_signalled(v);
}

static bool is_corrected_and_not_signalled(const struct view *v)
{
	return is_corrected(v) && is_not_signalled(v);
}

static bool is_uncorrected(const struct view *v)
{
	return v->status & MCI_UC;
}

static bool is_left_to_handler(const struct view *v)
{
	return v->status & MCI_EN && v->status & (MCI_PCC | MCI_S);
}

/* Skylake's patrol scrub, told as if it was corrected, in a bank of a memory controller. */
static bool is_quiet_scrub(const struct view *v)
{
	return v->usable && (v->status & (MCI_UC | 0xffffeff0)) == 0x001000c0 && v->bank >= 13 &&
	       v->bank <= 18;
}

/* Polled, a scrub's is taken for what it is whether it is signalled or not. */
static bool is_polled_page(const struct view *v)
{
	return v->usable && !(v->status & MCI_AR) && (!(v->status & MCI_S) || v->memory_scrub);
}

static bool is_srar(const struct view *v)
{
	return kind_is(v, UNCORRECTED);
}

/* What is signalled to whatever runs then may hit the kernel, if nothing else is said. */
static bool is_kernel_without_ip(const struct view *v)
{
	bool may_be_kernel = !v->in_user && !is_not_signalled(v) && !is_srar(v);

	return lacks_mcg(v, MCG_RIPV) && (v->in_kernel || may_be_kernel);
}

static bool is_srar_lost(const struct view *v)
{
	return is_srar(v) && v->status & MCI_OVER;
}

static bool is_srar_unknown(const struct view *v)
{
	return is_srar(v) && (!(v->load || v->fetch) || !(v->status & MCI_ADDRV) ||
			      !(v->status & MCI_MISCV));
}

/* The kernel does not ask for the code of the error here. */
static bool is_srar_elsewhere(const struct view *v)
{
	return is_srar(v) && lacks_mcg(v, MCG_EIPV) && v->mcg & MCG_RIPV && v->status & MCI_ADDRV &&
	       v->status & MCI_MISCV;
}

static bool is_local_srar_elsewhere(const struct view *v)
{
	return is_local(v) && is_srar_elsewhere(v);
}

static bool is_srar_in_kernel(const struct view *v)
{
	return is_srar(v) && v->in_kernel;
}

/* The kernel has called the module: so it counts as the code that was hit. */
static bool is_srar_in_seam(const struct view *v)
{
	return is_srar(v) && v->mcg & MCG_SEAM_NR;
}

static bool is_srar_unusable(const struct view *v)
{
	return is_srar(v) && !v->usable;
}

static bool is_srao(const struct view *v)
{
	return kind_is(v, MCI_UC | MCI_S);
}

static bool is_srao_page(const struct view *v)
{
	return is_srao(v) && v->memory_scrub && v->usable;
}

static bool is_amd_deferred(const struct view *v)
{
	return v->status & MCI_DEFERRED;
}

static bool is_amd_deferred_page(const struct view *v)
{
	return is_amd_deferred(v) && v->usable;
}

static bool is_amd_not_signalled(const struct view *v)
{
	return !(v->status & MCI_UC) || v->status & MCI_DEFERRED;
}

static bool is_amd_lost(const struct view *v)
{
	return v->status & MCI_OVER && !v->rules->overflow_recov;
}

static bool is_amd_without_recovery(const struct view *v)
{
	return !v->rules->succor;
}

/* Nothing is known of the interrupted code without one of these. */
static bool is_in_kernel(const struct view *v)
{
	return v->in_kernel || lacks_mcg(v, MCG_RIPV | MCG_EIPV);
}

static bool is_usable(const struct view *v)
{
	return v->usable;
}

static bool always(const struct view *v)
{
	(void)v;
	return true;
}

/* ------------------------------------------------------------------------ rules */

#define CORRECTED "corrected: found when the bank is polled, or by its interrupt"
#define QUIET_SCRUB "a memory scrub's, told as corrected: Skylake's gives up the page"

struct rule {
	bool (*holds)(const struct view *v);
	enum mce_action action;
	const char *because;
};

/* In the order of the kernel's own rules: what is not enabled comes even before PCC. */
static const struct rule intel_rules[] = {
	{ is_invalid, MCE_IGNORED, "the record is not valid (VAL)" },
	{ is_local_and_not_enabled, MCE_IGNORED, "an exception of one CPU, by an error that is not "
	  "enabled" },
	{ is_not_enabled, MCE_PANIC, "an exception by an error that is not enabled: unknown source" },
	{ is_pcc, MCE_PANIC, "processor context corrupt" },
	{ is_no_mcip, MCE_PANIC, "MCIP is not set in the handler" },
	{ is_no_ip, MCE_PANIC, "neither restart nor error IP" },
	{ is_kernel_without_ip, MCE_PANIC, "in the kernel, and no restart IP" },
	{ is_illegal_alone, MCE_PANIC, "illegal combination: AR without S" },
	{ is_local_and_not_signalled, MCE_IGNORED, "an exception of one CPU, by an error that its "
	  "handler leaves to polling" },
	{ is_corrected_and_not_signalled, MCE_PANIC, "an exception by a corrected error: unknown "
	  "source" },
	{ is_not_signalled, MCE_PANIC, "an exception by an error without S: unknown source" },
	{ is_quiet_scrub, MCE_FAILURE, QUIET_SCRUB },
	{ is_corrected, MCE_LOGGED, "corrected, but signalled (S) by an exception" },
	{ is_srar_lost, MCE_PANIC, "action required with lost events" },
	{ is_local_srar_elsewhere, MCE_IGNORED, "an exception of one CPU, by an error of another thread: "
	  "it stays in its bank" },
	{ is_srar_elsewhere, MCE_PANIC, "action required of another thread: unknown source" },
	{ is_srar_unknown, MCE_PANIC, "action required, but neither a data load nor an instruction "
	  "fetch with its address" },
	{ is_srar_in_kernel, MCE_PANIC, "action required in the kernel" },
	{ is_srar_in_seam, MCE_PANIC, "in the TDX module: 6.1 panics" },
	{ is_srar_unusable, MCE_FAILURE, "action required; the page is not known to every kernel: 6.12 "
	  "only kills the process" },
	{ is_srar, MCE_FAILURE, "action required, in user mode: the process is signalled" },
	{ is_srao_page, MCE_FAILURE, "action optional, of a page" },
	{ is_srao, MCE_LOGGED, "action optional, but of no page that is known" },
	{ always, MCE_PANIC, "unknown" },
};

static const struct rule intel_poll_rules[] = {
	{ is_invalid, MCE_IGNORED, "the record is not valid (VAL)" },
	{ is_quiet_scrub, MCE_FAILURE, QUIET_SCRUB },
	{ is_corrected, MCE_LOGGED, CORRECTED },
	{ is_left_to_handler, MCE_IGNORED, "found by polling: left to the handler of its exception" },
	{ is_pcc, MCE_LOGGED, "processor context corrupt, but not enabled" },
	{ is_polled_page, MCE_FAILURE, "no action required, of a page" },
	{ always, MCE_LOGGED, "no action required, but of no page that is known" },
};

static const struct rule amd_rules[] = {
	{ is_invalid, MCE_IGNORED, "the record is not valid (VAL)" },
	{ is_pcc, MCE_PANIC, "processor context corrupt" },
	{ is_amd_not_signalled, MCE_IGNORED, "an exception by an error that its handler leaves to polling" },
	{ is_amd_lost, MCE_PANIC, "lost events, without overflow recovery" },
	{ is_amd_without_recovery, MCE_PANIC, "uncorrected, without recovery (succor)" },
	{ is_in_kernel, MCE_PANIC, "uncorrected, in the kernel" },
	{ is_usable, MCE_FAILURE, "uncorrected, in user mode: the process is signalled" },
	{ always, MCE_LOGGED, "uncorrected, in user mode, of no page that is known: the process is "
	  "killed" },
};

static const struct rule amd_poll_rules[] = {
	{ is_invalid, MCE_IGNORED, "the record is not valid (VAL)" },
	{ is_uncorrected, MCE_IGNORED, "found by polling: left to the handler of its exception" },
	{ is_amd_deferred_page, MCE_FAILURE, "deferred, of a page" },
	{ is_amd_deferred, MCE_LOGGED, "deferred, but of no page that is known" },
	{ always, MCE_LOGGED, CORRECTED },
};

static enum mce_class intel_class(const struct view *v)
{
	if (is_corrected(v))
		return MCE_CLASS_CORRECTED;
	if (is_srar(v))
		return MCE_CLASS_SRAR;
	if (is_srao(v))
		return MCE_CLASS_SRAO;
	return is_illegal(v) ? MCE_CLASS_FATAL : MCE_CLASS_UCNA;
}

static enum mce_class amd_class(const struct view *v)
{
	if (is_amd_deferred(v))
		return MCE_CLASS_DEFERRED;
	return is_corrected(v) ? MCE_CLASS_CORRECTED : MCE_CLASS_UNCORRECTED;
}

static enum mce_class class_of(const struct view *v)
{
	if (is_invalid(v))
		return MCE_CLASS_NONE;
	if (is_pcc(v))
		return MCE_CLASS_FATAL;
	return vendor_is_amd(v->vendor) ? amd_class(v) : intel_class(v);
}

static const struct rule *rules_of(uint64_t vendor, bool exception)
{
	if (vendor_is_amd(vendor))
		return exception ? amd_rules : amd_poll_rules;
	return exception ? intel_rules : intel_poll_rules;
}

void mce_judge_as(const struct mce *m, const struct mce_rules *rules, bool exception,
		  struct mce_judgement *out)
{
	const struct rule *rule = rules_of(rules->vendor, exception);
	struct view v;

	look(m, rules, &v);
	while (!rule->holds(&v))
		rule++;
	*out = (struct mce_judgement){ class_of(&v), rule->action, rule->because };
}

bool mce_is_exception(const struct mce *m, const struct mce_rules *rules)
{
	struct view v;

	look(m, rules, &v);
	switch (class_of(&v)) {
	case MCE_CLASS_CORRECTED:
	case MCE_CLASS_DEFERRED:
	case MCE_CLASS_UCNA:
		return v.mcg & ~MCG_TES_P;
	default:
		return true;
	}
}

uint64_t mce_mcgstatus(const struct mce *m, bool exception)
{
	if (mce_has(m, MCE_MCGSTATUS))
		return m->value[MCE_MCGSTATUS];
	if (!exception)
		return 0;
	return MCG_MCIP | MCG_RIPV | (m->value[MCE_STATUS] & MCI_AR ? MCG_EIPV : 0);
}

void mce_judge(const struct mce *m, const struct mce_rules *rules, struct mce_judgement *out)
{
	mce_judge_as(m, rules, mce_is_exception(m, rules), out);
}
