/*
** outcome.c -- did the request leave or not? The one question that decides whether a message may be
** sent again.
**
** Owns:   nothing.
** Needs:  what curl counted, and how often link saw it stand before sending.
** Never:  says HTTP_NOT_SENT unless not one byte can have left.
** Holds:  (1) HTTP_DONE needs a status and curl's consent; (2) a connection that was never made sent
**         nothing; (3) over plain TCP the kernel's count is exact: nothing taken is nothing sent; (4) over
**         TLS a record may wait half-written inside the library and be flushed at close, so a connection
**         that was made counts as used.
*/
#include "link/transfer.h"

/* The server did answer, but with something that is no answer to us. */
static bool is_odd(CURLcode code)
{
	switch (code) {
	case CURLE_OK:                   /* without a status */
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, or a redirect to another scheme */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_WRITE_ERROR:
	case CURLE_FILESIZE_EXCEEDED:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_TOO_LARGE: /* endless headers */
	case CURLE_TOO_MANY_REDIRECTS:
	case CURLE_URL_MALFORMAT: /* of a redirect */ return true;
	default: return false;
	}
}

enum http_end outcome_of(const struct evidence *e)
{
	if (e->begun == 0) return HTTP_NOT_SENT;
	if (e->request_size == 0 && !e->is_tls) return HTTP_NOT_SENT;
	if (e->code == CURLE_OK && e->status > 0 && !e->is_too_large) return HTTP_DONE;
	if (e->is_too_large || e->is_denied || is_odd(e->code)) return HTTP_ODD;
	return HTTP_CUT;
}
