/*
** phone.h -- the one phone rule of the house (spec renewals §6). Total, allocates nothing.
*/
#ifndef RECADO_BASE_PHONE_H
#define RECADO_BASE_PHONE_H

#include "base/rc.h"

enum phone_kind { PHONE_MOBILE, PHONE_LANDLINE, PHONE_OTHER /* valid number of another country */ };

struct phone {
	char e164[17];        /* "+593990000000"                                       */
	enum phone_kind kind; /* LANDLINE: a contact, but not for WhatsApp       */
};

/* Read a number as people write it; region ("EC", "CO") decides numbers without a country. On RC_BAD_INPUT
** *why (may be NULL) is an N_() sentence. */
enum rc phone_parse(struct phone *out, const char **why, const char *text, const char *region) MUST_CHECK;
/* The way the region writes it: "+593 99 000 0000". */
void phone_text(char out[32], const char *e164);

#endif
