/*
** demo.c -- made-up bulk sends for trying the house without an account anywhere (`recado demo`).
**
** Needs:  offline mode (the command asks): the stand-in takes the mails of two sends as soon as their files
**         are read; the office and bulk_create(), which check and write everything as a form would.
** Holds:  (1) running it again adds nothing; (2) all addresses are under example.com, which nobody has.
*/
#include "sends/bulk_pages.h"
#include "files/files.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TIMED_IN_DAYS 2
#define FILE_MAX      (64 * 1024)

static const struct {
	const char *email, *name;
} senders[] = { { "avisos@example.com", "Cine en Casa" },
		{ "novedades@example.com", "Novedades Cine en Casa" } };

static const struct {
	const char *name, *subject, *html, *text;
} templates[] = {
	{ "Bienvenida", "Bienvenido, {{nombres}}",
	  "<h1>Hola {{nombres}}</h1><p>Gracias por elegir el plan <strong>{{plan}}</strong>.</p>",
	  "Hola {{nombres}}: gracias por elegir el plan {{plan}}." },
	{ "Estado de cuenta", "Tu saldo: {{valor}}",
	  "<p>{{nombres}}, tu saldo pendiente es <strong>{{valor}}</strong>. Plan: {{plan}}.</p>",
	  "{{nombres}}, tu saldo pendiente es {{valor}}. Plan: {{plan}}." },
};

/* template: place above; rows of the made-up file; days until its hour, 0 = at once. */
static const struct {
	const char *request_id, *file;
	int template, rows, days;
} sends_made[] = {
	{ "demo-bienvenida", "bienvenida.csv", 0, 24, 0 },
	{ "demo-saldos", "saldos.csv", 1, 40, 0 },
	{ "demo-programado", "campana.csv", 0, 16, TIMED_IN_DAYS },
};

static enum rc add_senders(struct cx *cx)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]) && rc == RC_OK; i++) {
		struct value *in = value_map(cx->arena);
		int64_t known = 0, id = 0;

		rc = db_get_int(cx, &known, "SELECT count(*) FROM sender WHERE from_email = :email",
				PARAMS(P_TEXT(":email", senders[i].email)));
		if (rc != RC_OK || known > 0) continue;
		value_set_text(cx->arena, in, "from_email", senders[i].email);
		value_set_text(cx->arena, in, "from_name", senders[i].name);
		rc = desk_save(cx, desk_resource("senders"), &id, in);
	}
	return rc;
}

static enum rc add_templates(struct cx *cx)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]) && rc == RC_OK; i++) {
		char id[PUBLIC_ID_SIZE];

		public_id_new(id);
		rc = db_run(
			cx,
			"INSERT INTO mail_template (public_id, name, subject, html, text, created_at, updated_at, search)"
			" SELECT :id, :name, :subject, :html, :text, :now, :now, lower(:name) WHERE NOT EXISTS"
			" (SELECT 1 FROM mail_template WHERE name = :name)",
			PARAMS(P_TEXT(":id", id), P_TEXT(":name", templates[i].name),
			       P_TEXT(":subject", templates[i].subject), P_TEXT(":html", templates[i].html),
			       P_TEXT(":text", templates[i].text), P_INT(":now", cx_now(cx))));
	}
	return rc;
}

/* Every eighth row is one that a real file would have too: wrong, empty, or there twice. */
static const char *file_text(struct cx *cx, int rows)
{
	struct sb sb;

	sb_init_arena(&sb, cx->arena, FILE_MAX);
	sb_lit(&sb, "email;nombres;plan;valor\n");
	for (int i = 1; i <= rows; i++) {
		if (i % 8 == 0)
			sb_printf(&sb, "%s;Persona %d;Básico;9.99\n",
				  i % 24 == 0   ? ""
				  : i % 16 == 0 ? "sin-arroba.example.com"
						: "cliente01@example.com",
				  i % 24 != 0 && i % 16 != 0 ? 1 : i);
		else
			sb_printf(&sb, "cliente%02d@example.com;Persona %d;%s;%d.99\n", i, i,
				  i % 3 == 0 ? "Familiar" : "Básico", i % 3 == 0 ? 19 : 9);
	}
	return sb_text_of(&sb);
}

static enum rc add_send(struct cx *cx, size_t i)
{
	const char *text = file_text(cx, sends_made[i].rows), *template = "";
	int64_t known = 0, file = 0, id = 0, sender = 0;
	bool is_duplicate = false;
	int fd = -1;
	enum rc rc = db_get_int(cx, &known, "SELECT count(*) FROM bulk_send WHERE client_request_id = :id",
				PARAMS(P_TEXT(":id", sends_made[i].request_id)));

	if (rc == RC_OK && known > 0) return RC_OK;
	if (rc == RC_OK)
		rc = db_get_text(cx, &template, "SELECT public_id FROM mail_template WHERE name = :name",
				 PARAMS(P_TEXT(":name", templates[sends_made[i].template].name)));
	if (rc == RC_OK)
		rc = db_get_int(cx, &sender, "SELECT id FROM sender WHERE from_email = :email",
				PARAMS(P_TEXT(":email", senders[0].email)));
	if (rc == RC_OK) rc = spool_open(&fd, cx->env->dir);
	if (rc == RC_OK) rc = fd_write_all(fd, text, strlen(text));
	if (rc == RC_OK)
		rc = file_store(cx, &file, fd,
				&(struct file_new){ .name = sends_made[i].file,
						    .media_type = "text/csv",
						    .owner_table = BULK_KEPT_OWNER,
						    .max = FILE_MAX });
	if (fd >= 0) close(fd);
	if (rc == RC_OK)
		rc = bulk_create(
			cx, &id, &is_duplicate,
			&(struct bulk_new){ .client_request_id = sends_made[i].request_id,
					    .channel = "email",
					    .template_id = template,
					    .template_name = templates[sends_made[i].template].name,
					    .subject = "",
					    .variables_json = "",
					    .may_be_empty = "",
					    .file_id = file,
					    .scheduled_at = sends_made[i].days > 0
								    ? cx_now(cx) + sends_made[i].days * DAY_MS
								    : 0,
					    .send_now = sends_made[i].days == 0 });
	return rc;
}

enum rc sends_demo(struct cx *cx)
{
	enum rc rc = tx_begin(cx);

	if (rc == RC_OK) rc = add_senders(cx);
	if (rc == RC_OK) rc = add_templates(cx);
	rc = tx_end(cx, rc);
	for (size_t i = 0; i < sizeof(sends_made) / sizeof(sends_made[0]) && rc == RC_OK; i++)
		rc = add_send(cx, i);
	return rc;
}
