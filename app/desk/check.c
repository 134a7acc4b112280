/*
** check.c -- one value that came in against its column: type, bounds, choices, reference.
**
** Never:  writes; decides what happens to the other fields.
** Holds:  (1) a wrong value adds exactly one sentence to its field; (2) what comes out is ready to be
**         stored: text in its bounds, integers, YYYY-MM-DD, instants, row ids of rows that the actor
**         may see.
*/
#include "desk/inner.h"

#include "base/money.h"
#include "base/phone.h"
#include "base/text.h"
#include <string.h>

#define EMAIL_MAX     254  /* RFC 5321 §4.5.3.1.3: a path has 256 characters with its brackets */
#define URL_MAX       2000 /* what every browser and mail program still follows                */
#define REF_NAMES_MAX 5    /* matching rows named in a sentence                                */

static struct value *new_int(struct cx *cx, int64_t n)
{
	struct value *map = value_map(cx->arena);

	value_set_int(cx->arena, map, "v", n);
	return (struct value *)(uintptr_t)value_get(map, "v");
}

/* What was given, as text: JSON numbers too. */
static const char *given_text(struct cx *cx, const struct value *v)
{
	switch (v->type) {
	case VALUE_TEXT: return v->text;
	case VALUE_INT: return arena_printf(cx->arena, "%lld", (long long)v->integer);
	case VALUE_REAL: return arena_printf(cx->arena, "%.10g", v->real);
	case VALUE_BOOL: return v->boolean ? "1" : "0";
	default: return "";
	}
}

static enum rc check_text(struct cx *cx, const struct column *c, const char *text, struct value **out)
{
	size_t max = c->type == COLUMN_LONG_TEXT ? DESK_LONG_TEXT_MAX : DESK_TEXT_MAX,
	       len = text_length(text);

	if (c->max > 0) max = (size_t)c->max;
	if (len > max)
		return cx_fail_field(cx, c->name, _("At most %zu characters; these are %zu."), max, len);
	if (c->min > 0 && len < (size_t)c->min)
		return cx_fail_field(cx, c->name, _("At least %lld characters."), (long long)c->min);
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' && *p != '\n' && *p != '\t' && *p != '\r')
			return cx_fail_field(cx, c->name,
					     _("There is a character in it that cannot be written."));
	if (c->type == COLUMN_TEXT && strpbrk(text, "\r\n") != NULL)
		return cx_fail_field(cx, c->name, _("This is one line: take the line breaks out."));
	*out = value_text(cx->arena, text);
	return RC_OK;
}

static enum rc check_int(struct cx *cx, const struct column *c, const char *text, struct value **out)
{
	struct value v = { .type = VALUE_TEXT, .text = text, .len = strlen(text) };
	int64_t n = value_int_of(&v, INT64_MIN);

	if (n == INT64_MIN) return cx_fail_field(cx, c->name, _("“%s” is not a whole number."), text);
	if ((c->min != 0 || c->max != 0) && (n < c->min || (c->max != 0 && n > c->max))) {
		if (c->max == 0) return cx_fail_field(cx, c->name, _("At least %lld."), (long long)c->min);
		return cx_fail_field(cx, c->name, _("A number from %lld to %lld."), (long long)c->min,
				     (long long)c->max);
	}
	*out = new_int(cx, n);
	return RC_OK;
}

static enum rc check_bool(struct cx *cx, const struct column *c, const char *text, struct value **out)
{
	static const char *const yes[] = { "1", "true", "yes", "on", "si", "sí", NULL };
	static const char *const no[] = { "0", "false", "no", "off", NULL };

	for (size_t i = 0; yes[i] != NULL; i++)
		if (text_equal_fold(text, yes[i])) {
			*out = new_int(cx, 1);
			return RC_OK;
		}
	for (size_t i = 0; no[i] != NULL; i++)
		if (text_equal_fold(text, no[i])) {
			*out = new_int(cx, 0);
			return RC_OK;
		}
	return cx_fail_field(cx, c->name, _("Yes or no: “%s” is neither."), text);
}

static enum rc check_date(struct cx *cx, const struct column *c, const char *text, struct value **out)
{
	char date[DATE_SIZE];
	day d;

	if (day_parse_any(&d, text) != RC_OK)
		return cx_fail_field(cx, c->name, _("“%s” is not a date; write it like 22/11/2026."), text);
	day_text(date, d);
	*out = value_text(cx->arena, date);
	return RC_OK;
}

static bool two_digits(const char *p, int *out)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') return false;
	*out = (p[0] - '0') * 10 + p[1] - '0';
	return true;
}

/* "2026-11-22T09:00" or "22/11/2026 09:00" of a form: the business's clock. A date alone: its midnight. */
static bool local_instant(struct cx *cx, instant *out, const char *text)
{
	size_t n = strcspn(text, "T ");
	char date[16];
	struct civil c = { .day = 0 };

	if (n >= sizeof(date)) return false;
	memcpy(date, text, n);
	date[n] = '\0';
	if (day_parse_any(&c.day, date) != RC_OK) return false;
	if (text[n] != '\0') {
		const char *t = text + n + 1;
		size_t len = strlen(t);

		if ((len != 5 && len != 8) || t[2] != ':' || !two_digits(t, &c.hour) ||
		    !two_digits(t + 3, &c.minute))
			return false;
		if (len == 8 && (t[5] != ':' || !two_digits(t + 6, &c.second))) return false;
		if (c.hour > 23 || c.minute > 59 || c.second > 59) return false;
	}
	*out = zone_instant(cx->env->zone, c);
	return true;
}

static enum rc check_instant(struct cx *cx, const struct column *c, const char *text, struct value **out)
{
	instant at = 0;

	if (instant_parse(&at, text) != RC_OK && !local_instant(cx, &at, text))
		return cx_fail_field(cx, c->name,
				     _("“%s” is not a date with hour; write it like 22/11/2026 09:00."),
				     text);
	*out = new_int(cx, at);
	return RC_OK;
}

static enum rc check_cents(struct cx *cx, const struct column *c, const struct value *given, const char *text,
			   const char *currency, struct value **out)
{
	const char *why = "";
	char limit[MONEY_SIZE];
	int64_t n = 0, max = c->max > 0 ? c->max : MONEY_MAX;

	if (given->type == VALUE_REAL)
		return cx_fail_field(cx, c->name,
				     _("Send money in its smallest unit, or as text like \"12.99\"."));
	if (given->type == VALUE_INT)
		n = given->integer;
	else if (money_parse(&n, &why, text, currency) != RC_OK)
		return cx_fail_field(cx, c->name, "%s", words_get(cx->lang, why));
	if (n < c->min || n < 0) {
		money_text(limit, c->min > 0 ? c->min : 0, currency, cx->lang);
		return cx_fail_field(cx, c->name, _("At least %s."), limit);
	}
	if (n > max) {
		money_text(limit, max, currency, cx->lang);
		return cx_fail_field(cx, c->name, _("At most %s."), limit);
	}
	*out = new_int(cx, n);
	return RC_OK;
}

static enum rc check_choice(struct cx *cx, const struct office *o, size_t column, const char *text,
			    struct value **out)
{
	const struct choices *choices = o->column_choices[column];
	const struct choice *c = choice_find(choices, text);

	for (size_t i = 0; c == NULL && choices != NULL && i < choices->count; i++)
		if (text_equal_fold(choices->at[i].value, text) ||
		    strcmp(text_fold(cx->arena, words_get(cx->lang, choices->at[i].title)),
			   text_fold(cx->arena, text)) == 0)
			c = &choices->at[i];
	if (c == NULL)
		return cx_fail_field(cx, o->r->columns[column].name, _("“%s” is not one of the choices."),
				     text);
	*out = value_text(cx->arena, c->value);
	return RC_OK;
}

/* Enough to catch a slip: one @, something before it, a name with a dot after it, no blanks. Delivery is
** the proof. */
static enum rc check_email(struct cx *cx, const struct column *c, const char *text, struct value **out)
{
	const char *at = strchr(text, '@'), *dot = at != NULL ? strrchr(at, '.') : NULL;
	bool is_wrong = at == NULL || at == text || strchr(at + 1, '@') != NULL || dot == NULL ||
			dot == at + 1 || dot[1] == '\0' || strpbrk(text, " \t\r\n,;<>\"") != NULL ||
			strstr(text, "..") != NULL;

	if (is_wrong || strlen(text) > EMAIL_MAX)
		return cx_fail_field(cx, c->name, _("“%s” is not an e-mail address."), text);
	*out = value_text(cx->arena, text_lower_ascii(cx->arena, text));
	return RC_OK;
}

static enum rc check_phone(struct cx *cx, const struct column *c, const char *text, struct value **out)
{
	struct phone phone;
	const char *why = "";

	if (phone_parse(&phone, &why, text, setting_text(cx->env->settings, "business.region")) != RC_OK)
		return cx_fail_field(cx, c->name, "%s", words_get(cx->lang, why));
	*out = value_text(cx->arena, phone.e164);
	return RC_OK;
}

static enum rc check_url(struct cx *cx, const struct column *c, const char *text, struct value **out)
{
	const char *host = strstr(text, "://");

	if ((strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0) || host[3] == '\0' ||
	    host[3] == '/' || strpbrk(text, " \t\r\n\"<>") != NULL || strlen(text) > URL_MAX)
		return cx_fail_field(cx, c->name, _("“%s” is not a web address; it begins with https://."),
				     text);
	*out = value_text(cx->arena, text);
	return RC_OK;
}

/* References */

static const char *get_q(void *arg, const char *name)
{
	return strcmp(name, "q") == 0 ? arg : NULL;
}

static enum rc search(struct cx *cx, const struct office *o, const char *text, int64_t max,
		      struct value **out)
{
	char *q = arena_bytes(cx->arena, text, text_prefix(text, DESK_SEARCH_MAX));
	struct ask ask;
	struct rows rows;
	enum rc rc = ask_read(cx, &ask, o, get_q, q, max, max);

	if (rc == RC_OK) rc = rows_of(cx, &ask, SELECT_NAME, &rows);
	if (rc == RC_OK) *out = rows.list;
	return rc;
}

enum rc ref_matches(struct cx *cx, const struct office *o, const char *text, int64_t max, struct value **out)
{
	*out = value_list(cx->arena);
	if (!o->has_search || text_fold(cx->arena, text)[0] == '\0') return RC_OK;
	return search(cx, o, text, max, out);
}

enum rc desk_search(struct cx *cx, struct value **out, const struct resource *r, const char *text,
		    int64_t max)
{
	const struct office *o = office_find(r->name);

	return o != NULL ? search(cx, o, text, max, out) : RC_BUG;
}

enum rc ref_resolve(struct cx *cx, int64_t *id, const struct office *o, const char *text)
{
	struct value *rows = NULL;
	struct sb names;
	const struct value *exact = NULL;
	const char *fold;
	bool may_see;
	enum rc rc = office_row_id(cx, id, o, text, false);

	if (rc != RC_NOT_FOUND) return rc;
	rc = ref_matches(cx, o, text, REF_NAMES_MAX + 1, &rows);
	if (rc != RC_OK) return rc;
	fold = text_fold(cx->arena, text);
	for (const struct value *v = rows->first; v != NULL; v = v->next)
		if (strcmp(text_fold(cx->arena, value_text_of(value_get(v, "_name"), "")), fold) == 0) {
			if (exact != NULL) rc = RC_CONFLICT;
			exact = v;
		}
	may_see = office_may_see(cx, o->r);
	if (exact == NULL && rows->count == 1 && may_see) exact = rows->first;
	if (exact != NULL && rc == RC_OK) {
		*id = value_int_of(value_get(exact, "_id"), 0);
		return RC_OK;
	}
	if (rows->count == 0 || !may_see) return RC_NOT_FOUND;
	sb_init_arena(&names, cx->arena, 4096);
	for (const struct value *v = rows->first; v != NULL; v = v->next) {
		if (v != rows->first) sb_lit(&names, ", ");
		sb_text(&names, value_text_of(value_get(v, "_name"), ""));
	}
	return cx_fail(cx, RC_CONFLICT, _("Several match: %s. Write more of it."), sb_text_of(&names));
}

static enum rc check_ref(struct cx *cx, const struct office *o, size_t column, const char *text,
			 const struct value *stored, struct value **out)
{
	const struct column *c = &o->r->columns[column];
	const struct office *ref = o->column_ref[column];
	const char *before = cx->message;
	struct value *row = NULL;
	int64_t id = 0, old = value_int_of(stored, 0);
	enum rc rc;

	if (ref == NULL) return RC_BUG;
	/* What stands there already stays, though it was archived since: its own id or name is the proof. */
	if (old != 0 && row_of(cx, ref, old, SELECT_NAME, true, &row) == RC_OK &&
	    (strcmp(row_public_id(cx, ref, row), text) == 0 ||
	     strcmp(value_text_of(value_get(row, "_name"), ""), text) == 0)) {
		*out = new_int(cx, old);
		return RC_OK;
	}
	cx->message = "";
	rc = ref_resolve(cx, &id, ref, text);
	if (rc == RC_CONFLICT) rc = cx_fail_field(cx, c->name, "%s", cx->message);
	if (rc == RC_NOT_FOUND)
		rc = cx_fail_field(cx, c->name, _("“%s” was not found among: %s."), text,
				   words_get(cx->lang, ref->r->title));
	cx->message = before;
	if (rc == RC_OK) *out = new_int(cx, id);
	return rc;
}

/* One field */

enum rc input_check(struct cx *cx, const struct office *o, size_t column, const struct value *given,
		    const struct value *stored, const char *currency, struct value **out)
{
	const struct column *c = &o->r->columns[column];
	const char *text;

	*out = NULL;
	if (given->type == VALUE_LIST || given->type == VALUE_MAP)
		return cx_fail_field(cx, c->name, _("One value is wanted here, not a list."));
	text = text_trim(cx->arena, given_text(cx, given));
	if (text[0] == '\0') {
		if ((c->flags & COL_REQUIRED) != 0) return cx_fail_field(cx, c->name, _("This is needed."));
		return RC_OK;
	}
	switch (c->type) {
	case COLUMN_TEXT:
	case COLUMN_LONG_TEXT: return check_text(cx, c, text, out);
	case COLUMN_INT: return check_int(cx, c, text, out);
	case COLUMN_BOOL: return check_bool(cx, c, text, out);
	case COLUMN_DATE: return check_date(cx, c, text, out);
	case COLUMN_INSTANT: return check_instant(cx, c, text, out);
	case COLUMN_CENTS: return check_cents(cx, c, given, text, currency, out);
	case COLUMN_CHOICE: return check_choice(cx, o, column, text, out);
	case COLUMN_REF: return check_ref(cx, o, column, text, stored, out);
	case COLUMN_EMAIL: return check_email(cx, c, text, out);
	case COLUMN_PHONE: return check_phone(cx, c, text, out);
	case COLUMN_URL: return check_url(cx, c, text, out);
	}
	return RC_BUG;
}
