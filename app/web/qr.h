/*
** qr.h -- a text as a QR picture for a page: the dark modules as one SVG path. Pure.
*/
#ifndef RECADO_WEB_QR_H
#define RECADO_WEB_QR_H

#include "base/arena.h"

#define QR_QUIET 4 /* light modules around it: ISO/IEC 18004 §9.1 asks for four */

/* *path (arena): "M4 4h7v1h-7z…" in a square of *size units, the quiet zone included. RC_TOO_LARGE: the text
** does not fit (some 2,300 bytes). */
enum rc qr_path(struct arena *a, const char **path, int *size, const char *text) MUST_CHECK;

#endif
