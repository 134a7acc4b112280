/*
** assets.c -- style, script and pictures: embedded, compressed once, kept by browsers for ever.
**
** Owns:   the compressed copies, for the life of the process.
** Needs:  the embedded files app/web/assets/NAME (no folders).
** Holds:  the address has a part of the content's hash, so a changed file has another address; an old address
**         still answers, but is not kept.
*/
#include "web/inside.h"
#include "base/embed.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define ASSETS_MAX   40
#define VERSION_SIZE 11 /* ten hex digits: 40 bits are plenty to tell two versions apart */
#define FOLDER       "app/web/assets/"
#define GZIP_FROM    400 /* smaller files fit in one packet anyway */

struct asset {
	const char *name; /* behind FOLDER */
	const struct embedded *file;
	const char *media_type;
	char version[VERSION_SIZE];
	char url[100], etag[VERSION_SIZE + 2];
	unsigned char *gzip; /* NULL: not worth it */
	size_t gzip_len;
};

static struct asset assets[ASSETS_MAX];
static size_t asset_count;

static const struct {
	const char *suffix, *media_type;
	bool compress;
} types[] = {
	{ ".css", "text/css; charset=utf-8", true },
	{ ".js", "text/javascript; charset=utf-8", true },
	{ ".svg", "image/svg+xml", true },
	{ ".png", "image/png", false },
	{ ".webmanifest", "application/manifest+json", true },
	{ ".txt", "text/plain; charset=utf-8", true },
};

static void compress_asset(struct asset *at)
{
	z_stream z = { 0 };
	uLong bound;

	if (at->file->len < GZIP_FROM ||
	    deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	bound = deflateBound(&z, (uLong)at->file->len);
	at->gzip = mem_alloc(bound);
	if (at->gzip != NULL) {
		z.next_in = (Bytef *)(uintptr_t)at->file->data;
		z.avail_in = (uInt)at->file->len;
		z.next_out = at->gzip;
		z.avail_out = (uInt)bound;
		if (deflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out < at->file->len) {
			at->gzip_len = z.total_out;
		} else {
			mem_free(at->gzip);
			at->gzip = NULL;
		}
	}
	deflateEnd(&z);
}

enum rc assets_start(void)
{
	size_t folder = strlen(FOLDER);

	if (asset_count > 0) return RC_OK;
	for (size_t i = embed_first(FOLDER); i < embed_count() && asset_count < ASSETS_MAX; i++) {
		const struct embedded *e = embed_at(i);
		struct asset *at = &assets[asset_count];
		char hex[SHA256_HEX_SIZE];

		if (strncmp(e->name, FOLDER, folder) != 0) break;
		*at = (struct asset){ .name = e->name + folder, .file = e };
		for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
			size_t n = strlen(types[t].suffix), len = strlen(at->name);

			if (len <= n || strcmp(at->name + len - n, types[t].suffix) != 0) continue;
			at->media_type = types[t].media_type;
			if (types[t].compress) compress_asset(at);
		}
		if (at->media_type == NULL) continue; /* what we have no type for is not served */
		sha256_hex(hex, e->data, e->len);
		memcpy(at->version, hex, VERSION_SIZE - 1);
		snprintf(at->url, sizeof at->url, "/assets/%.10s/%s", hex, e->name + folder);
		snprintf(at->etag, sizeof at->etag, "\"%.10s\"", hex);
		asset_count++;
	}
	return RC_OK;
}

static const struct asset *asset_find(const char *name)
{
	for (size_t i = 0; i < asset_count; i++)
		if (strcmp(assets[i].name, name) == 0) return &assets[i];
	return NULL;
}

const char *asset_url(const char *name)
{
	const struct asset *at = asset_find(name);

	return at != NULL ? at->url : "";
}

/* Also for /favicon.ico, which browsers ask for unasked: arg is the asset's name then. */
enum rc asset_show(struct cx *cx, struct call *call)
{
	const char *fixed = call_arg(call), *none_match = request_header(call->rq, "If-None-Match");
	const char *encodings = request_header(call->rq, "Accept-Encoding");
	const struct asset *at = asset_find(fixed != NULL ? fixed : call_param(call, "name"));
	bool is_current;

	(void)cx;
	if (at == NULL) return RC_NOT_FOUND;
	is_current = fixed == NULL && strcmp(call_param(call, "version"), at->version) == 0;
	call->has_answer = true;
	headers_common(call, is_current ? "public, max-age=31536000, immutable" : "no-cache");
	reply_header(call->rp, "ETag", at->etag);
	reply_header(call->rp, "Vary", "Accept-Encoding");
	if (none_match != NULL && strstr(none_match, at->etag) != NULL) {
		reply_status(call->rp, 304);
		return RC_OK;
	}
	reply_status(call->rp, 200);
	if (at->gzip != NULL && encodings != NULL && strstr(encodings, "gzip") != NULL &&
	    strstr(encodings, "gzip;q=0") == NULL) {
		reply_header(call->rp, "Content-Encoding", "gzip");
		reply_static(call->rp, at->media_type, (const char *)at->gzip, at->gzip_len);
	} else {
		reply_static(call->rp, at->media_type, (const char *)at->file->data, at->file->len);
	}
	return RC_OK;
}
