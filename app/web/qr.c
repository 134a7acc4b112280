/*
** qr.c -- a text as a QR picture.
**
** Needs:  qrcodegen.
** Holds:  (1) each run of dark modules of a row is one rectangle of the path; (2) the quiet zone is inside
** the size.
*/
#include "web/qr.h"
#include "base/sb.h"
#include <qrcodegen.h>

#define PATH_MAX_BYTES ((size_t)512 * 1024) /* the largest picture: 177 rows of at most 89 runs */

enum rc qr_path(struct arena *a, const char **path, int *size, const char *text)
{
	uint8_t *work = arena_alloc(a, qrcodegen_BUFFER_LEN_MAX);
	uint8_t *code = arena_alloc(a, qrcodegen_BUFFER_LEN_MAX);
	struct sb sb;
	int side;

	if (work == NULL || code == NULL) return RC_NO_MEMORY;
	if (!qrcodegen_encodeText(text, work, code, qrcodegen_Ecc_MEDIUM, qrcodegen_VERSION_MIN,
				  qrcodegen_VERSION_MAX, qrcodegen_Mask_AUTO, true))
		return RC_TOO_LARGE;
	side = qrcodegen_getSize(code);
	sb_init_arena(&sb, a, PATH_MAX_BYTES);
	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++) {
			int from = x;

			while (x < side && qrcodegen_getModule(code, x, y))
				x++;
			if (x > from)
				sb_printf(&sb, "M%d %dh%dv1h-%dz", from + QR_QUIET, y + QR_QUIET, x - from,
					  x - from);
		}
	*path = sb_text_of(&sb);
	*size = side + 2 * QR_QUIET;
	return sb_result(&sb);
}
