/*
** check_report.c -- runs the checks that all rooms declare, and prints what they found.
**
** Never:  prints the value of a setting: a check names the setting.
** Holds:  what stands behind an arrow can be run as it stands there.
*/
#include "ops/check.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool may_call;

void check_set_online(bool is_online)
{
	may_call = is_online;
}

bool check_is_online(void)
{
	return may_call;
}

static const struct {
	const char *name, *title;
} sections[SECTION__MAX] = {
	[SECTION_APP] = { "app", N_("Application") },
	[SECTION_DATABASE] = { "database", N_("Database") },
	[SECTION_SERVICES] = { "services", N_("Services") },
	[SECTION_INTEGRATIONS] = { "integrations", N_("Integrations") },
	[SECTION_DEPLOYMENT] = { "deployment", N_("Deployment") },
};
static const enum check_section order[SECTION__MAX] = { SECTION_APP, SECTION_DATABASE, SECTION_SERVICES,
							SECTION_INTEGRATIONS, SECTION_DEPLOYMENT };

const char *check_quoted(struct cx *cx, const char *path)
{
	struct sb sb;

	if (path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,@%+=")] ==
	    '\0')
		return path;
	sb_init_arena(&sb, cx->arena, 8192);
	sb_lit(&sb, "'");
	for (; *path != '\0'; path++) {
		if (*path == '\'')
			sb_lit(&sb, "'\\''");
		else
			sb_char(&sb, *path);
	}
	sb_lit(&sb, "'");
	return sb_text_of(&sb);
}

static bool is_usual(const struct cx *cx)
{
	const char *named = getenv("RECADO_CONFIG");

	return strcmp(cx->env->config_path,
		      named != NULL && named[0] != '\0' ? named : STATE_DIR_DEFAULT "/" CONFIG_FILE) == 0;
}

/* Is this "recado " the begin of a command, not a word within one? */
static bool is_command_begin(const char *text, const char *p)
{
	while (p > text && p[-1] == ' ')
		p--;
	return p == text || p[-1] == '&' || p[-1] == ';' || p[-1] == '|';
}

/* The end of the command that begins at p: what the shell takes for its own outside quotes, blanks before it
** left out. */
static size_t command_len(const char *p)
{
	char quote = '\0';
	size_t n = 0;

	for (; p[n] != '\0'; n++) {
		if (quote != '\0')
			quote = p[n] == quote ? '\0' : quote;
		else if (p[n] == '"' || p[n] == '\'')
			quote = p[n];
		else if (p[n] == '&' || p[n] == ';' || p[n] == '|')
			break;
	}
	while (n > 0 && p[n - 1] == ' ')
		n--;
	return n;
}

const char *check_runnable(struct cx *cx, const char *remedy)
{
	static const char word[] = "recado ";
	struct sb sb;

	if (is_usual(cx)) return remedy;
	sb_init_arena(&sb, cx->arena, 16 * 1024);
	for (const char *p = remedy; *p != '\0';) {
		size_t n = 1;

		if (strncmp(p, word, strlen(word)) == 0 && is_command_begin(remedy, p)) {
			n = command_len(p);
			sb_printf(&sb, "%.*s --config %s", (int)n, p, check_quoted(cx, cx->env->config_path));
		} else
			sb_char(&sb, *p);
		p += n;
	}
	return sb_text_of(&sb);
}

void check_add(struct cx *cx, struct value *rows, struct check_totals *totals, const struct check *c,
	       const struct check_result *result)
{
	struct value *row = value_add_map(cx->arena, rows);
	bool is_info = result->is_info && result->state == CHECK_OK;

	totals->passed += result->state == CHECK_OK && !is_info;
	totals->infos += is_info;
	totals->warnings += result->state == CHECK_WARN;
	totals->failed += result->state == CHECK_FAIL;
	value_set_text(cx->arena, row, "name", c->name);
	value_set_text(cx->arena, row, "section", sections[c->section].name);
	value_set_text(cx->arena, row, "title", _(c->title));
	value_set_text(cx->arena, row, "state", is_info ? "info" : check_state_word(result->state));
	value_set_text(cx->arena, row, "detail", result->detail);
	value_set_text(cx->arena, row, "remedy",
		       result->remedy[0] != '\0' ? check_runnable(cx, result->remedy) : "");
}

static void run_one(struct cx *cx, struct value *rows, struct check_totals *totals, const struct check *c)
{
	struct check_result result = { .state = CHECK_OK, .detail = "", .remedy = "" };

	c->run(cx, &result);
	cx->message = ""; /* what a check could not find out is its finding, not a failure of ours */
	if (result.detail[0] != '\0') check_add(cx, rows, totals, c, &result);
}

void health_run_rows(struct cx *cx, struct value *rows, struct check_totals *totals,
		     const struct check *table)
{
	for (const struct check *c = table; c->name != NULL; c++)
		run_one(cx, rows, totals, c);
}

void health_run(struct cx *cx, struct value **rows, struct check_totals *totals, enum checks which)
{
	*rows = value_list(cx->arena);
	*totals = (struct check_totals){ .failed = 0 };
	for (const struct check *const *list = ops_tables()->checks; list != NULL && *list != NULL; list++)
		for (const struct check *c = *list; c->name != NULL; c++) {
			if (which == CHECKS_HEALTH ? !c->in_health : which == CHECKS_PAGE && c->is_slow)
				continue;
			run_one(cx, *rows, totals, c);
		}
}

/* The report */

struct paint {
	const char *mark, *color;
};

static struct paint paint_of(const char *state)
{
	if (strcmp(state, "ok") == 0) return (struct paint){ "✅", "\033[32m" };
	if (strcmp(state, "failed") == 0) return (struct paint){ "❌", "\033[31m" };
	if (strcmp(state, "warning") == 0) return (struct paint){ "⚠️ ", "\033[33m" };
	return (struct paint){ "ℹ️ ", "\033[34m" };
}

static bool wants_color(FILE *out)
{
	const char *no = getenv("NO_COLOR"); /* no-color.org: any value but the empty one */

	return isatty(fileno(out)) && (no == NULL || no[0] == '\0');
}

static void print_section(struct cx *cx, FILE *out, const struct value *rows, enum check_section section,
			  bool colored)
{
	bool is_first = true;

	for (const struct value *r = rows->first; r != NULL; r = r->next) {
		struct paint p = paint_of(value_text_of(value_get(r, "state"), ""));
		const char *remedy = value_text_of(value_get(r, "remedy"), "");

		if (strcmp(value_text_of(value_get(r, "section"), ""), sections[section].name) != 0) continue;
		if (is_first)
			fprintf(out, "%s%s%s\n", colored ? "\033[1m" : "", _(sections[section].title),
				colored ? "\033[0m" : "");
		is_first = false;
		fprintf(out, "%s%s %s:%s %s\n", colored ? p.color : "", p.mark,
			value_text_of(value_get(r, "title"), ""), colored ? "\033[0m" : "",
			value_text_of(value_get(r, "detail"), ""));
		if (remedy[0] != '\0') fprintf(out, "   → %s\n", remedy);
	}
	if (!is_first) fputc('\n', out);
}

static void print_json(struct cx *cx, struct command_call *call, const struct value *rows,
		       const struct check_totals *totals)
{
	struct value *root = value_map(cx->arena), *sums;

	value_set_bool(cx->arena, root, "is_well", totals->failed == 0);
	sums = value_set_map(cx->arena, root, "totals");
	value_set_int(cx->arena, sums, "passed", totals->passed);
	value_set_int(cx->arena, sums, "failed", totals->failed);
	value_set_int(cx->arena, sums, "warnings", totals->warnings);
	value_set_int(cx->arena, sums, "infos", totals->infos);
	value_set(root, "checks", (struct value *)(uintptr_t)rows);
	command_print(cx, call, root);
}

void check_print(struct cx *cx, struct command_call *call, const struct value *rows,
		 const struct check_totals *totals)
{
	bool colored = wants_color(call->out);

	if (call->is_json) {
		print_json(cx, call, rows, totals);
		return;
	}
	for (size_t i = 0; i < SECTION__MAX; i++)
		print_section(cx, call->out, rows, order[i], colored);
	fprintf(call->out, _("Passed: %d, failed: %d, warnings: %d, for your information: %d.\n"),
		totals->passed, totals->failed, totals->warnings, totals->infos);
}
