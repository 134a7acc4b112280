/*
** xlsx_part.c -- one XML part of a workbook, inflated and parsed piece by piece.
**
** Needs:  expat, built without entities and DTD.
** Holds:  (1) memory stays at one chunk and one token, whatever the part's size; (2) a DOCTYPE is refused
**         where it stands; (3) after a failure every further call says the same.
*/
#include "files/xlsx_in.h"

#include "base/mem.h"
#include <string.h>

static const XML_Memory_Handling_Suite memory = { mem_alloc, mem_realloc, mem_free };

/* "x:row" is a row. */
static const char *local(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon != NULL ? colon + 1 : name;
}

const char *xlsx_attribute(const char **attributes, const char *name)
{
	for (; attributes[0] != NULL; attributes += 2)
		if (strcmp(local(attributes[0]), name) == 0) return attributes[1];
	return NULL;
}

void xlsx_part_fail(struct xlsx_part *part, enum rc rc)
{
	if (part->rc == RC_OK) part->rc = rc;
	XML_StopParser(part->parser, XML_FALSE);
}

void xlsx_part_pause(struct xlsx_part *part)
{
	XML_StopParser(part->parser, XML_TRUE);
}

static void XMLCALL on_begin(void *arg, const char *name, const char **attributes)
{
	struct xlsx_part *part = arg;

	if (part->rc != RC_OK) return;
	if (++part->depth > XLSX_DEPTH_MAX)
		xlsx_part_fail(part, zip_in_damaged(part->cx));
	else
		part->begin(part->arg, local(name), attributes);
}

static void XMLCALL on_end(void *arg, const char *name)
{
	struct xlsx_part *part = arg;

	part->depth--;
	if (part->rc == RC_OK && part->end != NULL) part->end(part->arg, local(name));
}

static void XMLCALL on_text(void *arg, const char *p, int len)
{
	struct xlsx_part *part = arg;

	if (part->rc == RC_OK) part->text(part->arg, p, len);
}

static void XMLCALL on_doctype(void *arg, const char *name, const char *system, const char *public,
			       int inside)
{
	struct xlsx_part *part = arg;
	struct cx *cx = part->cx;

	(void)name;
	(void)system;
	(void)public;
	(void)inside;
	xlsx_part_fail(part, cx_fail(cx, RC_BAD_INPUT,
				     _("The workbook holds declarations (DOCTYPE) that no spreadsheet program"
				       " writes. Save the rows as CSV and try again.")));
}

enum rc xlsx_part_open(struct cx *cx, struct xlsx_part *part, struct zip_in *zip, const char *name)
{
	enum rc rc = zip_in_part(cx, zip, name, &part->size);

	if (rc != RC_OK) return rc;
	part->cx = cx;
	part->zip = zip;
	part->parser = XML_ParserCreate_MM(NULL, &memory, NULL);
	if (part->parser == NULL) return RC_NO_MEMORY;
	XML_SetUserData(part->parser, part);
	XML_SetElementHandler(part->parser, on_begin, on_end);
	if (part->text != NULL) XML_SetCharacterDataHandler(part->parser, on_text);
	XML_SetStartDoctypeDeclHandler(part->parser, on_doctype);
	return RC_OK;
}

void xlsx_part_close(struct xlsx_part *part)
{
	if (part->parser != NULL) XML_ParserFree(part->parser);
	part->parser = NULL;
}

/* What the parser's answer means; *is_paused when a handler wanted it. */
static enum rc judge(struct xlsx_part *part, enum XML_Status status, bool *is_paused)
{
	*is_paused = status == XML_STATUS_SUSPENDED;
	if (part->rc != RC_OK) return part->rc;
	if (status == XML_STATUS_ERROR)
		part->rc = XML_GetErrorCode(part->parser) == XML_ERROR_NO_MEMORY ? RC_NO_MEMORY
										 : zip_in_damaged(part->cx);
	else if (!*is_paused && part->fed - XML_GetCurrentByteIndex(part->parser) > XLSX_TOKEN_MAX)
		part->rc = zip_in_damaged(part->cx);
	return part->rc;
}

static enum rc feed(struct xlsx_part *part, bool *is_paused)
{
	void *room = XML_GetBuffer(part->parser, XLSX_CHUNK);
	size_t got = 0;
	enum rc rc;

	if (room == NULL) return part->rc = RC_NO_MEMORY;
	rc = zip_in_read(part->cx, part->zip, room, XLSX_CHUNK, &got);
	if (rc != RC_OK) return part->rc = rc;
	part->fed += (int64_t)got;
	part->is_last = got == 0;
	return judge(part, XML_ParseBuffer(part->parser, (int)got, got == 0), is_paused);
}

enum rc xlsx_part_read(struct xlsx_part *part, bool *is_end)
{
	XML_ParsingStatus now;
	bool is_paused = false;
	enum rc rc = part->rc;

	*is_end = false;
	if (rc != RC_OK) return rc;
	XML_GetParsingStatus(part->parser, &now);
	if (now.parsing == XML_SUSPENDED) rc = judge(part, XML_ResumeParser(part->parser), &is_paused);
	while (rc == RC_OK && !is_paused && !part->is_last)
		rc = feed(part, &is_paused);
	*is_end = rc == RC_OK && !is_paused;
	return rc;
}
