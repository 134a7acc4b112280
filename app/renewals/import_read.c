/*
** import_read.c -- judges a customer file, line by line, into import_row.
**
** Owns:   the tables import and import_row, with import_commit.c.
** Holds:  (1) nothing is written to client or subscription here; (2) a slice is one transaction of at
**         most READ_SLICE lines; (3) a file that is wrong as a whole leaves no rows; (4) begun again after
**         a stop it judges the whole file anew, from the stored bytes.
*/
#include "base/text.h"
#include "files/files.h"
#include "renewals/import.h"
#include <string.h>

#define READ_SLICE      500                /* lines a transaction: about 20 ms                     */
#define SERVICES_MAX    500                /* services kept at hand; a shop has a dozen            */
#define SLICE_ARENA_MAX (64 * 1024 * 1024) /* 500 lines of the longest cells allowed         */

struct known_service {
	int64_t id;
	const char *name, *display_name; /* folded */
};

struct reading {
	struct cx *cx;
	struct job *job;
	int64_t import_id;
	struct csv csv;
	struct import_header header;
	struct known_service *services;
	size_t service_count;
	int64_t rows, counts[4]; /* by outcome: new, known, skip, wrong */
};

enum outcome { OUTCOME_NEW, OUTCOME_KNOWN, OUTCOME_SKIP, OUTCOME_WRONG };
static const char *const outcome_names[] = { "new", "known", "skip", "wrong" };

static enum rc load_services(struct reading *r)
{
	struct cx *cx = r->cx;
	struct query *q = NULL;
	enum rc rc;

	r->services = arena_array(cx->arena, SERVICES_MAX, sizeof(*r->services));
	if (r->services == NULL) return RC_NO_MEMORY;
	rc = db_query(
		cx, &q,
		"SELECT id, name, display_name FROM service WHERE archived_at IS NULL AND is_active = 1 ORDER BY id LIMIT 500",
		NO_PARAMS);
	while (rc == RC_OK && r->service_count < SERVICES_MAX && query_next(q))
		r->services[r->service_count++] =
			(struct known_service){ .id = query_int(q, 0),
						.name = text_fold(cx->arena, query_text(q, 1)),
						.display_name = text_fold(cx->arena, query_text(q, 2)) };
	return query_end(q, rc);
}

static int64_t find_service(const struct reading *r, const char *folded)
{
	for (size_t i = 0; i < r->service_count; i++)
		if (strcmp(r->services[i].name, folded) == 0 ||
		    strcmp(r->services[i].display_name, folded) == 0)
			return r->services[i].id;
	return 0;
}

/* Is this line's customer known, or its very subscription? Without INDEXED BY each line would read the whole
** import, or all subscriptions of its service. */
static enum rc judge(struct reading *r, const struct import_facts *f, int64_t service_id,
		     enum outcome *outcome, int64_t *client_id, const char **reason)
{
	struct cx *cx = r->cx;
	int64_t earlier = 0, same = 0;
	enum rc rc = db_get_int(
		cx, client_id,
		"SELECT id FROM client INDEXED BY client_phone WHERE phone = :phone AND archived_at IS NULL"
		" AND generation NOT IN (SELECT id FROM pending_generation)"
		" AND (:user = 0 OR owner_id = :user) ORDER BY id LIMIT 1",
		PARAMS(P_TEXT(":phone", f->phone),
		       P_INT(":user", actor_may(&cx->actor, "clients.all") ? 0 : cx->actor.user_id)));

	if (rc == RC_NOT_FOUND) {
		*client_id = 0;
		rc = RC_OK;
	}
	if (rc == RC_OK)
		rc = db_get_int(cx, &earlier,
				"SELECT count(*) FROM (SELECT 1 FROM import_row INDEXED BY import_row_phone"
				" WHERE import_id = :import AND phone = :phone"
				" AND outcome <> 'wrong' LIMIT 1)",
				PARAMS(P_INT(":import", r->import_id), P_TEXT(":phone", f->phone)));
	if (rc == RC_OK && earlier > 0)
		rc = db_get_int(
			cx, &same,
			"SELECT count(*) FROM (SELECT 1 FROM import_row INDEXED BY import_row_phone"
			" WHERE import_id = :import AND phone = :phone"
			" AND outcome <> 'wrong' AND coalesce(service_id, 0) = :service AND ends_on = :ends_on LIMIT 1)",
			PARAMS(P_INT(":import", r->import_id), P_TEXT(":phone", f->phone),
			       P_INT(":service", service_id), P_TEXT(":ends_on", f->ends_on)));
	if (rc == RC_OK && same > 0) {
		*outcome = OUTCOME_SKIP;
		*reason = _("the same customer, service and last day stand earlier in the file");
		return RC_OK;
	}
	if (rc == RC_OK && *client_id != 0 && service_id != 0)
		rc = db_get_int(
			cx, &same,
			"SELECT count(*) FROM (SELECT 1 FROM subscription INDEXED BY subscription_client"
			" WHERE client_id = :client AND ends_on = :ends_on"
			" AND service_id = :service AND archived_at IS NULL LIMIT 1)",
			PARAMS(P_INT(":client", *client_id), P_TEXT(":ends_on", f->ends_on),
			       P_INT(":service", service_id)));
	if (rc == RC_OK && same > 0) {
		*outcome = OUTCOME_SKIP;
		*reason = _("this customer has this service until that day already");
	} else
		*outcome = *client_id != 0 || earlier > 0 ? OUTCOME_KNOWN : OUTCOME_NEW;
	return rc;
}

/* What the commit needs later, and what the preview and the error file show. */
static enum rc facts_json(struct cx *cx, const char **out, const struct import_facts *f,
			  const struct csv *csv, bool is_wrong)
{
	struct value *map = value_map(cx->arena);
	struct sb sb;

	if (is_wrong) {
		struct value *cells = value_set_list(cx->arena, map, "cells");

		for (size_t i = 0; i < csv->count; i++)
			value_add_text(cx->arena, cells, csv->cell[i]);
	}
	value_set_text(cx->arena, map, "given_names", f->given_names);
	value_set_text(cx->arena, map, "surnames", f->surnames);
	value_set_text(cx->arena, map, "email", f->email);
	value_set_text(cx->arena, map, "phone_original", f->phone_original);
	value_set_text(cx->arena, map, "phone_kind", f->phone_kind);
	value_set_text(cx->arena, map, "service", f->service);
	value_set_text(cx->arena, map, "starts_on", f->starts_on);
	value_set_int(cx->arena, map, "price_cents", f->price_cents);
	value_set_text(cx->arena, map, "method", f->method);
	value_set_text(cx->arena, map, "status", f->status);
	value_set_text(cx->arena, map, "notes", f->notes);
	sb_init_arena(&sb, cx->arena, 16 * 1024 * 1024);
	json_write(&sb, map);
	*out = sb_text_of(&sb);
	return sb_result(&sb);
}

static enum rc take_line(struct reading *r)
{
	struct cx *cx = r->cx;
	struct import_facts f;
	const char *why = NULL, *json = "";
	enum outcome outcome = OUTCOME_WRONG;
	int64_t client_id = 0, service_id = 0;
	enum rc rc = RC_OK;

	import_facts_read(cx, &f, &why, &r->header, &r->csv);
	if (why == NULL && f.service[0] != '\0') {
		service_id = find_service(r, text_fold(cx->arena, f.service));
		if (service_id == 0)
			why = arena_printf(
				cx->arena, "%s: %s", import_column_name(IMPORT_SERVICE),
				arena_printf(cx->arena, _("there is no active service “%s”"), f.service));
	}
	if (why == NULL) rc = judge(r, &f, service_id, &outcome, &client_id, &why);
	if (rc == RC_OK) rc = facts_json(cx, &json, &f, &r->csv, outcome == OUTCOME_WRONG);
	if (rc == RC_OK)
		rc = db_run(
			cx,
			"INSERT INTO import_row (import_id, line, outcome, reason, phone, service_id, ends_on, cells_json, client_id)"
			" VALUES (:import, :line, :outcome, :reason, :phone, :service, :ends_on, :cells, :client)",
			PARAMS(P_INT(":import", r->import_id), P_INT(":line", (int64_t)r->csv.record),
			       P_TEXT(":outcome", outcome_names[outcome]),
			       P_TEXT(":reason", why != NULL ? why : ""), P_TEXT(":phone", f.phone),
			       P_REF(":service", service_id), P_TEXT(":ends_on", f.ends_on),
			       P_TEXT(":cells", json), P_REF(":client", client_id)));
	if (rc == RC_OK) {
		r->counts[outcome]++;
		r->rows++;
	}
	return rc;
}

static enum rc line_failed(struct reading *r)
{
	struct cx *cx = r->cx;

	return cx_fail(cx, RC_BAD_INPUT, _("Row %zu: %s."), r->csv.record + 1,
		       _(r->csv.why != NULL ? r->csv.why : ""));
}

/* One transaction of lines. *is_end when the file is. */
static enum rc take_slice(struct reading *r, bool *is_end)
{
	struct cx *cx = r->cx;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	for (int i = 0; i < READ_SLICE && rc == RC_OK && !*is_end; i++) {
		rc = csv_next(&r->csv, cx->arena);
		if (rc == RC_NOT_FOUND) {
			*is_end = true;
			rc = RC_OK;
		} else if (rc == RC_BAD_INPUT)
			rc = line_failed(r);
		else if (rc == RC_OK && r->rows >= IMPORT_ROWS_MAX)
			rc = cx_fail(cx, RC_TOO_LARGE,
				     _("Row %zu: the file has more than %d rows; split it."), r->csv.record,
				     IMPORT_ROWS_MAX);
		else if (rc == RC_OK)
			rc = take_line(r);
	}
	return tx_end(cx, rc);
}

static enum rc read_lines(struct reading *r, size_t total_bytes)
{
	struct cx *cx = r->cx;
	struct arena *outer = cx->arena, *slice = arena_new(SLICE_ARENA_MAX);
	const char *start = r->csv.p;
	bool is_end = false;
	enum rc rc = slice != NULL ? RC_OK : RC_NO_MEMORY;

	while (rc == RC_OK && !is_end) {
		arena_reset(slice);
		cx->arena = slice;
		rc = take_slice(r, &is_end);
		cx->arena = outer;
		if (cx->message[0] != '\0')
			cx->message = arena_text(outer, cx->message); /* it must outlive the slice */
		if (rc == RC_OK)
			rc = job_progress(cx, r->job, (int64_t)(r->csv.p - start), (int64_t)total_bytes);
		if (rc == RC_OK && job_should_stop(r->job)) rc = RC_TRY_LATER;
	}
	arena_free(slice);
	return rc;
}

static enum rc forget_rows(struct cx *cx, int64_t import_id)
{
	int64_t changed = READ_SLICE;
	enum rc rc = RC_OK;

	while (rc == RC_OK && changed == READ_SLICE) {
		rc = tx_begin(cx);
		if (rc != RC_OK) break;
		rc = db_run(cx,
			    "DELETE FROM import_row WHERE import_id = :id AND line IN"
			    " (SELECT line FROM import_row WHERE import_id = :id LIMIT 500)",
			    PARAMS(P_INT(":id", import_id)));
		changed = rc == RC_OK ? db_changes(cx) : 0;
		rc = tx_end(cx, rc);
	}
	return rc;
}

static enum rc finish(struct reading *r)
{
	struct cx *cx = r->cx;
	enum rc rc = tx_begin(cx);

	if (rc != RC_OK) return rc;
	rc = db_run(
		cx,
		"UPDATE import SET state = 'preview', rows_total = :total, rows_new = :new, rows_known = :known, rows_skipped = :skip,"
		" rows_wrong = :wrong WHERE id = :id",
		PARAMS(P_INT(":total", r->rows), P_INT(":new", r->counts[OUTCOME_NEW]),
		       P_INT(":known", r->counts[OUTCOME_KNOWN]), P_INT(":skip", r->counts[OUTCOME_SKIP]),
		       P_INT(":wrong", r->counts[OUTCOME_WRONG]), P_INT(":id", r->import_id)));
	return tx_end(cx, rc);
}

enum rc import_read(struct cx *cx, struct job *job, int64_t import_id)
{
	struct reading r = { .cx = cx, .job = job, .import_id = import_id };
	struct bytes file = { NULL, 0 };
	int64_t file_id = 0;
	enum rc rc =
		db_get_int(cx, &file_id, "SELECT file_id FROM import WHERE id = :id AND state = 'reading'",
			   PARAMS(P_INT(":id", import_id)));

	if (rc == RC_OK) rc = forget_rows(cx, import_id);
	if (rc == RC_OK) rc = file_map(cx, &file, file_id);
	if (rc != RC_OK) return rc;
	if (file.len == 0) rc = cx_fail(cx, RC_BAD_INPUT, _("The file is empty."));
	if (rc == RC_OK && csv_open(&r.csv, file.p, file.len) != RC_OK)
		rc = cx_fail(cx, RC_BAD_INPUT, _("This is not a CSV file: %s."),
			     _(r.csv.why != NULL ? r.csv.why : ""));
	if (rc == RC_OK) rc = load_services(&r);
	if (rc == RC_OK) {
		rc = csv_next(&r.csv, cx->arena);
		if (rc == RC_NOT_FOUND)
			rc = cx_fail(cx, RC_BAD_INPUT, _("The file is empty."));
		else if (rc == RC_BAD_INPUT)
			rc = line_failed(&r);
	}
	if (rc == RC_OK) rc = import_header_read(cx, &r.header, &r.csv);
	if (rc == RC_OK) rc = read_lines(&r, file.len);
	if (rc == RC_OK && r.rows == 0)
		rc = cx_fail(cx, RC_BAD_INPUT, _("The file has a heading but no rows."));
	if (rc == RC_OK) rc = finish(&r);
	file_unmap(file);
	if (rc == RC_BAD_INPUT || rc == RC_TOO_LARGE) {
		enum rc cleared = forget_rows(cx, import_id);

		if (cleared != RC_OK) rc = cleared;
	}
	return rc;
}
