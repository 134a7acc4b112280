/*
** figures.h -- what became of a send, in numbers: for "Ver reporte", comparison, programs.
**
** Read from bulk_figure, which is counted once when reports were matched, and from the send's own counters;
** no provider is asked.
*/
#ifndef RECADO_SENDS_FIGURES_H
#define RECADO_SENDS_FIGURES_H

#include "sends/sends.h"

#define FIGURE_DOMAINS_MAX 500 /* kept by name; a business's list has dozens, the rest is one line */

/* Count bulk_result of a send anew into bulk_figure: after its rows were matched. Own transaction. */
enum rc figures_count(struct cx *cx, int64_t bulk_id) MUST_CHECK;

/*
** {id, bulk_id, template_name, subject, channel, status, sent_started_at, sent_finished_at,
** post_reports_status, post_reports_loaded_at, has_report, sent, rejected, unsure, found, delivered, bounced,
** hard, soft, dropped, waiting, opens, openers, clicks, clickers, spam, unsubscribed, delivery_bp, open_bp,
** click_bp, bounce_bp (from found on: null where nobody told it), domains: [{domain, found, sent, bounced,
** opens, openers, clicks, clickers}] at most `domains`, the one with most opens first}. Arena. RC_NOT_FOUND.
*/
enum rc figures_read(struct cx *cx, struct value **out, int64_t bulk_id, int64_t domains) MUST_CHECK;

/* Why mails of a send did not arrive, as our own ledger has it, the most frequent first: [{code, count}], at
** most max. Arena. */
enum rc figures_failures(struct cx *cx, struct value **out, int64_t bulk_id, int64_t max) MUST_CHECK;

/* Who left after a mail of this batch, which left between these two. */
struct figures_left {
	int64_t spam, unsubscribed;
};
enum rc figures_left(struct cx *cx, struct figures_left *out, int64_t batch_id, instant from,
		     instant until) MUST_CHECK;

/* The newest finished sends that something left of, newest first, each as above without domains, spam and
** unsubscribed. text: words of template or subject, "" = all. */
enum rc figures_compare(struct cx *cx, struct value **out, const char *text, int64_t max) MUST_CHECK;

#endif
