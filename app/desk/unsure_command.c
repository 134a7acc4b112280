/*
** unsure_command.c -- the unsure messages on the command line: looked at, and decided in numbers.
**
** Needs:  unsure.c for each decision.
** Holds:  each is decided by itself: one that somebody else decided is named, the others go on.
*/
#include "desk/outbox_pages.h"

#include <string.h>

#define LISTED_MAX 500 /* of one look, and of one batch decided at once */

static enum rc read_unsure(struct cx *cx, struct value **out, int64_t batch)
{
	return db_rows(
		cx, out, LISTED_MAX,
		"SELECT m.id, m.public_id, m.claimed_at, m.state_why, c.address, a.name AS channel, b.public_id AS batch"
		" FROM message m INDEXED BY message_unusual CROSS JOIN contact c ON c.id = m.contact_id"
		" CROSS JOIN channel_account a ON a.id = m.channel_account_id CROSS JOIN batch b ON b.id = m.batch_id"
		" WHERE m.state = 'unsure' AND (:batch = 0 OR m.batch_id = :batch) ORDER BY m.id LIMIT :max",
		PARAMS(P_INT(":batch", batch), P_INT(":max", LISTED_MAX)));
}

static enum rc print_json(struct cx *cx, struct command_call *call, const struct value *v)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, 1024 * 1024);
	json_write_pretty(&sb, v);
	fprintf(call->out, "%s\n", sb_text_of(&sb));
	return sb_result(&sb);
}

enum rc run_unsure(struct cx *cx, struct command_call *call)
{
	static const char *const none[] = { NULL };
	struct value *rows = NULL, *all = value_list(cx->arena);
	enum rc rc = command_check(cx, call, none, none);

	if (rc == RC_OK && cx->db == NULL) rc = RC_IO;
	if (rc == RC_OK) rc = read_unsure(cx, &rows, 0);
	if (rc != RC_OK) return rc;
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		const char *why =
			message_why_words(cx, "unsure", value_text_of(value_get(v, "state_why"), ""));
		const char *id = value_text_of(value_get(v, "public_id"), "");
		const char *address = value_text_of(value_get(v, "address"), "");
		instant at = value_int_of(value_get(v, "claimed_at"), 0);
		struct value *one;
		char text[RFC3339_SIZE];

		if (!call->is_json) {
			fprintf(call->out, "%s  %s  %s  %s\n", id, moment_shown(cx, at),
				address_words(cx, address), why);
			continue;
		}
		one = value_add_map(cx->arena, all);
		value_set_text(cx->arena, one, "id", id);
		value_set_text(cx->arena, one, "address", address);
		value_set_text(cx->arena, one, "channel", value_text_of(value_get(v, "channel"), ""));
		value_set_text(cx->arena, one, "batch", value_text_of(value_get(v, "batch"), ""));
		instant_text(text, at);
		value_set_text(cx->arena, one, "handed_over_at", text);
		value_set_text(cx->arena, one, "how", why);
	}
	if (call->is_json) return print_json(cx, call, all);
	if (rows->count == 0) fprintf(call->out, "%s\n", _("No message is unsure. Nothing to decide."));
	return RC_OK;
}

struct decided {
	int64_t done, refused;
};

static enum rc decide(struct cx *cx, struct command_call *call, const char *id_text, int64_t id, bool arrived,
		      struct decided *d)
{
	enum rc rc = unsure_decide(cx, id, arrived);

	if (rc == RC_OK) {
		d->done++;
		return RC_OK;
	}
	if (rc != RC_CONFLICT) return rc;
	fprintf(call->err, "%s: %s\n", id_text, unsure_told_by(cx, id));
	d->refused++;
	cx->message = "";
	return RC_OK;
}

static enum rc decide_batch(struct cx *cx, struct command_call *call, const char *batch, bool arrived,
			    struct decided *d)
{
	struct value *rows = NULL;
	int64_t id = 0;
	enum rc rc = db_get_int(cx, &id, "SELECT id FROM batch WHERE public_id = :id",
				PARAMS(P_TEXT(":id", batch)));

	if (rc == RC_NOT_FOUND) return cx_fail(cx, rc, _("There is no batch “%s”."), batch);
	if (rc == RC_OK) rc = read_unsure(cx, &rows, id);
	for (const struct value *v = rc == RC_OK ? rows->first : NULL; v != NULL && rc == RC_OK; v = v->next)
		rc = decide(cx, call, value_text_of(value_get(v, "public_id"), ""),
			    value_int_of(value_get(v, "id"), 0), arrived, d);
	return rc;
}

enum rc run_decide(struct cx *cx, struct command_call *call)
{
	static const char *const none[] = { NULL }, *const with_value[] = { "batch", NULL };
	const char *batch = command_option(call, "batch"), *decision = NULL, *word;
	struct decided d = { .done = 0 };
	struct value *out;
	bool arrived, has_ids = false;
	enum rc rc = command_check(cx, call, none, with_value);

	for (size_t i = 0; (word = command_word(call, i, with_value)) != NULL; i++) {
		if (strcmp(word, "arrived") == 0 || strcmp(word, "again") == 0)
			decision = word;
		else
			has_ids = true;
	}
	if (rc == RC_OK && (decision == NULL || (!has_ids && batch == NULL)))
		rc = cx_fail(
			cx, RC_BAD_INPUT,
			_("Say arrived or again, and which: recado outbox decide arrived ID… or --batch ID."));
	if (rc != RC_OK) return rc;
	arrived = strcmp(decision, "arrived") == 0;
	if (batch != NULL) rc = decide_batch(cx, call, batch, arrived, &d);
	for (size_t i = 0; rc == RC_OK && (word = command_word(call, i, with_value)) != NULL; i++) {
		int64_t id = 0;

		if (word == decision || strcmp(word, decision) == 0) continue;
		rc = db_get_int(cx, &id, "SELECT id FROM message WHERE public_id = :id",
				PARAMS(P_TEXT(":id", word)));
		if (rc == RC_NOT_FOUND) return cx_fail(cx, rc, _("There is no message “%s”."), word);
		if (rc == RC_OK) rc = decide(cx, call, word, id, arrived, &d);
	}
	if (rc != RC_OK) return rc;
	if (call->is_json) {
		out = value_map(cx->arena);
		value_set_int(cx->arena, out, "decided", d.done);
		value_set_int(cx->arena, out, "refused", d.refused);
		rc = print_json(cx, call, out);
	} else {
		fprintf(call->out,
			arrived ? words_plural(cx->lang, d.done, N_("%lld message noted as arrived."),
					       N_("%lld messages noted as arrived."))
				: words_plural(cx->lang, d.done, N_("%lld message is sent again."),
					       N_("%lld messages are sent again.")),
			(long long)d.done);
		fputc('\n', call->out);
	}
	if (rc == RC_OK && d.refused > 0)
		rc = cx_fail(cx, RC_PARTLY, _("Some were not decided; they are named above."));
	return rc;
}
