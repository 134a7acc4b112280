/*
** po.h -- reads translations in the plain part of the gettext text form. Total, no I/O, no globals.
*/
#ifndef RECADO_BASE_PO_H
#define RECADO_BASE_PO_H

#include "base/rc.h"

#define PO_TEXT_MAX (16 * 1024) /* longest message with its continued lines: a help page, not a book */

/* One pair, unescaped; id and str are lent until the function returns. Not RC_OK stops the reading. */
typedef enum rc po_pair_fn(void *arg, const char *id, const char *str);

/* Call pair for each entry in order; the heading (empty msgid) and untranslated entries are left out.
** RC_BAD_INPUT: *line (1-based, may be NULL) is where the text stops being what we read. */
enum rc po_parse(const char *p, size_t len, po_pair_fn *pair, void *arg, size_t *line) MUST_CHECK;

#endif
