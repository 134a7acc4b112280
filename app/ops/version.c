/*
** version.c -- what this binary is made of, as the build wrote it down.
**
** Needs: the embedded etc/deps/versions, one "library version" a line, of what was really used.
*/
#include "base/embed.h"
#include "base/value.h"
#include "ops/ops.h"
#include <string.h>

static void add_parts(struct cx *cx, struct value *root)
{
	const struct embedded *parts = embed_find("etc/deps/versions");
	struct value *list = value_set_list(cx->arena, root, "parts");
	const char *line = parts != NULL ? (const char *)parts->data : "";

	while (*line != '\0') {
		size_t len = strcspn(line, "\n");
		const char *blank = memchr(line, ' ', len);

		if (blank != NULL) {
			struct value *part = value_add_map(cx->arena, list);
			size_t version = len - (size_t)(blank + 1 - line);

			value_set_text(cx->arena, part, "name",
				       arena_bytes(cx->arena, line, (size_t)(blank - line)));
			value_set_text(cx->arena, part, "version",
				       arena_bytes(cx->arena, blank + 1, version));
		}
		line += len + (line[len] == '\n');
	}
}

enum rc version_print(struct cx *cx, FILE *out, bool is_json)
{
	struct value *root;
	struct sb sb;

	if (!is_json) {
		fprintf(out, "recado %s\n", RECADO_VERSION);
		return RC_OK;
	}
	root = value_map(cx->arena);
	value_set_text(cx->arena, root, "version", RECADO_VERSION);
	value_set_int(cx->arena, root, "schema", db_version_known());
	add_parts(cx, root);
	sb_init_arena(&sb, cx->arena, 64 * 1024);
	json_write_pretty(&sb, root);
	fprintf(out, "%s\n", sb_text_of(&sb));
	return sb_result(&sb);
}
