/*
** s3_sign.c -- Signature V4 by hand: libcurl's own leaves raw + ! * ( ) of a path wrong and cannot presign.
**
** Needs:  HMAC and SHA-256 of base/seal.h.
** Never:  asks the time or sends anything.
** Holds:  (1) path and query are encoded once and the same text is signed and sent; (2) headers and query
**         are signed in the order of their encoded names.
*/
#include "link/s3_sign.h"
#include "base/sb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE      1100                /* a setting's text has at most 1000 characters */
#define CANONICAL_MAX ((size_t)32 * 1024) /* a key has at most 1024 bytes, each of which may become three */

struct pair {
	const char *name, *value; /* encoded, or of a header as it is signed */
};

struct pairs {
	size_t count;
	struct pair at[S3_PARAMS_MAX + 8];
};

static int by_name(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : strcmp(x->value, y->value);
}

static const char *encoded(struct arena *a, const char *text)
{
	struct sb sb;

	sb_init_arena(&sb, a, CANONICAL_MAX);
	sb_url(&sb, text, strlen(text));
	return arena_text(a, sb_text_of(&sb));
}

static const char *encoded_path(struct arena *a, const char *path)
{
	struct sb sb;

	sb_init_arena(&sb, a, CANONICAL_MAX);
	for (;;) {
		size_t len = strcspn(path, "/");

		sb_url(&sb, path, len);
		if (path[len] == '\0') break;
		sb_char(&sb, '/');
		path += len + 1;
	}
	return arena_text(a, sb_text_of(&sb));
}

static void add(struct pairs *p, const char *name, const char *value)
{
	p->at[p->count++] = (struct pair){ name, value };
}

static enum rc take_query(struct pairs *out, struct arena *a, const struct s3_pair *query)
{
	size_t n = 0;

	for (; query != NULL && query->name != NULL; query++) {
		if (++n > S3_PARAMS_MAX) return RC_BAD_INPUT;
		add(out, encoded(a, query->name), encoded(a, query->value));
	}
	return RC_OK;
}

static enum rc take_headers(struct pairs *out, const struct s3_pair *headers)
{
	size_t n = 0;

	for (; headers != NULL && headers->name != NULL; headers++) {
		if (++n > S3_PARAMS_MAX || strpbrk(headers->value, "\r\n") != NULL) return RC_BAD_INPUT;
		add(out, headers->name, headers->value);
	}
	return RC_OK;
}

static const char *query_text(struct arena *a, struct pairs *query)
{
	struct sb sb;

	qsort(query->at, query->count, sizeof(query->at[0]), by_name);
	sb_init_arena(&sb, a, CANONICAL_MAX);
	for (size_t i = 0; i < query->count; i++)
		sb_printf(&sb, "%s%s=%s", i > 0 ? "&" : "", query->at[i].name, query->at[i].value);
	return arena_text(a, sb_text_of(&sb));
}

/* Trimmed, inner blanks as one. */
static void put_value(struct sb *sb, const char *value)
{
	bool is_first = true;

	while (*value != '\0') {
		size_t len;

		value += strspn(value, " \t");
		len = strcspn(value, " \t");
		if (len == 0) break;
		if (!is_first) sb_char(sb, ' ');
		sb_bytes(sb, value, len);
		value += len;
		is_first = false;
	}
}

static void hex(char out[SHA256_HEX_SIZE], const unsigned char sum[SHA256_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_SIZE; i++) {
		out[2 * i] = digits[sum[i] >> 4];
		out[2 * i + 1] = digits[sum[i] & 15];
	}
	out[2 * SHA256_SIZE] = '\0';
}

static void put_date(char out[17], instant at)
{
	char text[RFC3339_SIZE];
	size_t n = 0;

	instant_text(text, at); /* 2026-01-02T03:04:05.000Z */
	for (const char *c = text; *c != '\0' && *c != '.' && n < 15; c++)
		if (*c != '-' && *c != ':') out[n++] = *c;
	out[n++] = 'Z';
	out[n] = '\0';
}

static void sign(struct s3_signed *out, const struct s3_key *key, const char *canonical, size_t len,
		 const char *scope)
{
	unsigned char sum[SHA256_SIZE];
	char secret[KEY_SIZE], text[512];

	sha256_hex(out->request_hash, canonical, len);
	snprintf(secret, sizeof(secret), "AWS4%s", key->secret);
	hmac_sha256(sum, secret, strlen(secret), out->date, 8);
	hmac_sha256(sum, sum, sizeof(sum), key->region, strlen(key->region));
	hmac_sha256(sum, sum, sizeof(sum), "s3", 2);
	hmac_sha256(sum, sum, sizeof(sum), "aws4_request", 12);
	snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", out->date, scope, out->request_hash);
	hmac_sha256(sum, sum, sizeof(sum), text, strlen(text));
	hex(out->signature, sum);
	memset(secret, 0, sizeof(secret));
}

/* The canonical request of what is known so far; *names: the signed headers. */
static enum rc canonical(struct sb *sb, struct arena *a, const char **names, const struct s3_call *call,
			 const char *path, const char *query, struct pairs *headers)
{
	struct sb list;

	qsort(headers->at, headers->count, sizeof(headers->at[0]), by_name);
	sb_init_arena(sb, a, CANONICAL_MAX);
	sb_init_arena(&list, a, CANONICAL_MAX);
	sb_printf(sb, "%s\n%s\n%s\n", call->method, path, query);
	for (size_t i = 0; i < headers->count; i++) {
		sb_printf(sb, "%s:", headers->at[i].name);
		put_value(sb, headers->at[i].value);
		sb_char(sb, '\n');
		sb_printf(&list, "%s%s", i > 0 ? ";" : "", headers->at[i].name);
	}
	*names = arena_text(a, sb_text_of(&list));
	sb_printf(sb, "\n%s\n%s", *names, call->payload_sha256);
	return sb_result(sb) != RC_OK ? sb_result(sb) : sb_result(&list);
}

static const char *scope_of(struct arena *a, const struct s3_signed *s, const struct s3_key *key)
{
	return arena_printf(a, "%.8s/%s/s3/aws4_request", s->date, key->region);
}

enum rc s3_sign(struct s3_signed *out, struct arena *a, const struct s3_key *key, const struct s3_call *call)
{
	struct pairs query = { .count = 0 }, headers = { .count = 0 };
	const char *path = encoded_path(a, call->path), *scope, *names, *queried;
	struct sb sb;
	enum rc rc;

	put_date(out->date, call->at);
	scope = scope_of(a, out, key);
	rc = take_query(&query, a, call->query);
	if (rc == RC_OK) rc = take_headers(&headers, call->headers);
	if (rc != RC_OK) return rc;
	add(&headers, "host", call->host);
	add(&headers, "x-amz-content-sha256", call->payload_sha256);
	add(&headers, "x-amz-date", out->date);
	queried = query_text(a, &query);
	rc = canonical(&sb, a, &names, call, path, queried, &headers);
	if (rc != RC_OK) return rc;
	sign(out, key, sb.p, sb.len, scope);
	out->target = queried[0] != '\0' ? arena_printf(a, "%s?%s", path, queried) : path;
	out->authorization =
		arena_printf(a, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", key->id,
			     scope, names, out->signature);
	return arena_failed(a) ? RC_NO_MEMORY : RC_OK;
}

enum rc s3_presign(const char **target, struct s3_signed *out, struct arena *a, const struct s3_key *key,
		   const struct s3_call *call, int expires_s)
{
	struct s3_call open = *call;
	struct pairs query = { .count = 0 }, headers = { .count = 0 };
	const char *path = encoded_path(a, call->path), *scope, *names, *queried;
	struct sb sb;
	enum rc rc;

	if (expires_s < 1 || expires_s > S3_PRESIGN_MAX_S) return RC_BAD_INPUT;
	open.method = "GET";
	open.payload_sha256 = S3_UNSIGNED;
	put_date(out->date, call->at);
	scope = scope_of(a, out, key);
	rc = take_query(&query, a, call->query);
	if (rc != RC_OK) return rc;
	add(&query, "X-Amz-Algorithm", "AWS4-HMAC-SHA256");
	add(&query, "X-Amz-Credential", encoded(a, arena_printf(a, "%s/%s", key->id, scope)));
	add(&query, "X-Amz-Date", out->date);
	add(&query, "X-Amz-Expires", arena_printf(a, "%d", expires_s));
	add(&query, "X-Amz-SignedHeaders", "host");
	add(&headers, "host", call->host);
	queried = query_text(a, &query);
	rc = canonical(&sb, a, &names, &open, path, queried, &headers);
	if (rc != RC_OK) return rc;
	sign(out, key, sb.p, sb.len, scope);
	out->target = path;
	out->authorization = "";
	*target = arena_printf(a, "%s?%s&X-Amz-Signature=%s", path, queried, out->signature);
	return arena_failed(a) ? RC_NO_MEMORY : RC_OK;
}
