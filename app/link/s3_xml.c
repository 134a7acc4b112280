/*
** s3_xml.c -- the storage's XML answers: errors, uploads, lists.
**
** Needs:  expat, built without entities and DTD.
** Holds:  (1) total: what is not XML, too deep, too long or with a DOCTYPE is RC_BAD_INPUT; (2) a text is cut
**         at TEXT_MAX, a list at S3_LIST_MAX.
*/
#include "base/mem.h"
#include "link/s3.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16                 /* a list is three deep                                  */
#define TEXT_MAX  ((size_t)8 * 1024) /* a key of 1024 bytes percent-encoded three times over */

static const XML_Memory_Handling_Suite memory = { mem_alloc, mem_realloc, mem_free };

struct reader {
	XML_Parser parser;
	struct arena *a;
	struct s3_xml *out;
	struct value *object; /* inside <Contents> */
	struct sb text;
	int depth;
	bool is_error, is_bad, is_encoded;
};

static void XMLCALL on_begin(void *arg, const char *name, const char **attributes)
{
	struct reader *r = arg;

	(void)attributes;
	sb_clear(&r->text);
	if (++r->depth > DEPTH_MAX) {
		r->is_bad = true;
		XML_StopParser(r->parser, XML_FALSE);
	} else if (strcmp(name, "Error") == 0) {
		r->is_error = true;
	} else if (strcmp(name, "Contents") == 0 && r->out->objects->count < S3_LIST_MAX) {
		r->object = value_add_map(r->a, r->out->objects);
	}
}

static int digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* encoding-type=url: %41 and, of some servers, + for a blank. */
static const char *decoded(struct arena *a, const char *text)
{
	char *out = arena_text(a, text), *to = out;

	for (const char *c = text; *c != '\0'; c++) {
		if (c[0] == '%' && digit(c[1]) >= 0 && digit(c[2]) >= 0) {
			*to++ = (char)(digit(c[1]) * 16 + digit(c[2]));
			c += 2;
		} else {
			*to++ = *c == '+' ? ' ' : *c;
		}
	}
	*to = '\0';
	return out;
}

static void keep(struct reader *r, const char *name, const char *text)
{
	struct s3_xml *x = r->out;

	if (r->is_error) {
		if (strcmp(name, "Code") == 0) x->code = text;
		if (strcmp(name, "Message") == 0) x->message = text;
		if (strcmp(name, "Region") == 0) x->region = text;
		return;
	}
	if (r->object != NULL) {
		if (strcmp(name, "Key") == 0) value_set_lent(r->a, r->object, "raw", text);
		if (strcmp(name, "Size") == 0)
			value_set_int(r->a, r->object, "size", strtoll(text, NULL, 10));
		if (strcmp(name, "LastModified") == 0) value_set_text(r->a, r->object, "modified", text);
		return;
	}
	if (strcmp(name, "UploadId") == 0) x->upload_id = text;
	if (strcmp(name, "ETag") == 0) x->etag = text;
	if (strcmp(name, "NextContinuationToken") == 0) x->next = text;
	if (strcmp(name, "EncodingType") == 0) r->is_encoded = strcmp(text, "url") == 0;
}

static void XMLCALL on_end(void *arg, const char *name)
{
	struct reader *r = arg;

	r->depth--;
	keep(r, name, arena_text(r->a, sb_text_of(&r->text)));
	if (strcmp(name, "Contents") == 0) r->object = NULL;
	sb_clear(&r->text);
}

static void XMLCALL on_text(void *arg, const char *p, int len)
{
	struct reader *r = arg;

	if (r->text.len + (size_t)len <= TEXT_MAX) sb_bytes(&r->text, p, (size_t)len);
}

static void XMLCALL on_doctype(void *arg, const char *name, const char *system, const char *public,
			       int has_subset)
{
	struct reader *r = arg;

	(void)name;
	(void)system;
	(void)public;
	(void)has_subset;
	r->is_bad = true;
	XML_StopParser(r->parser, XML_FALSE);
}

enum rc s3_xml_read(struct s3_xml *out, struct arena *a, struct bytes xml)
{
	struct reader r = { .a = a, .out = out };
	enum rc rc = RC_OK;

	*out = (struct s3_xml){
		.code = "", .message = "", .region = "", .upload_id = "", .etag = "", .next = ""
	};
	out->objects = value_list(a);
	sb_init_arena(&r.text, a, TEXT_MAX + 1);
	r.parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
	if (r.parser == NULL) return RC_NO_MEMORY;
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_begin, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	if (XML_Parse(r.parser, xml.p == NULL ? "" : xml.p, (int)xml.len, XML_TRUE) != XML_STATUS_OK ||
	    r.is_bad)
		rc = RC_BAD_INPUT;
	XML_ParserFree(r.parser);
	/* Said before or after the keys: so only now is it known. */
	for (struct value *o = out->objects->first; rc == RC_OK && o != NULL; o = o->next) {
		const char *raw = value_text_of(value_get(o, "raw"), "");

		value_set_lent(a, o, "key", r.is_encoded ? decoded(a, raw) : raw);
	}
	return rc == RC_OK && arena_failed(a) ? RC_NO_MEMORY : rc;
}
