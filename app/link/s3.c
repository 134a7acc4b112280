/*
** s3.c -- calls to an S3-compatible storage: one after the other, tried again where the sheet says so.
**
** Needs:  s3_sign.c for the signature, http.h for the call.
** Never:  follows a redirect (a signed request is for one host), repeats what is not idempotent: an upload's
**         end that may have happened is looked up instead.
** Holds:  (1) what is in flight is at most one part; (2) an upload that failed is aborted, so that nothing is
**         paid for in silence, and its id is remembered before its first part, so that a kill cannot hide
**         it; (3) neither key nor signature is ever in a sentence or the log.
*/
#include "link/s3.h"
#include "link/s3_sign.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define S3_TRIES       6
#define FIRST_PAUSE_MS 500
#define PAUSE_MAX_MS   30000
#define CONNECT_MS     10000
#define PART_MS        600000 /* 8 MiB over a line of 14 kB/s                                      */
#define GET_PIECE      ((int64_t)4 * 1024 * 1024)
#define PIECE_ARENA    ((size_t)16 * 1024 * 1024) /* a piece, and what names it                    */
#define ANSWER_XML_MAX ((size_t)4 * 1024 * 1024)  /* 1000 keys of 1024 bytes, encoded             */
#define URL_MAX        8192
#define ETAG_SIZE      160

/* One call as s3.c asks for it. */
struct ask {
	const char *method, *key, *purpose; /* key NULL: the bucket itself */
	const struct s3_pair *query, *headers;
	struct bytes body;
	size_t answer_max;
};

struct told {
	int status;
	char etag[ETAG_SIZE];
	int64_t length;
	struct bytes body;
	struct s3_xml xml;
};

/* Where */

static enum rc bad_address(struct cx *cx)
{
	return cx_fail(
		cx, RC_BAD_INPUT, "%s",
		_("The address of the storage is not one: write it like https://nyc3.digitaloceanspaces.com (s3.endpoint)."));
}

/* "https://host:port" in its two halves; the usual port is left out of the host, as it is signed. */
static enum rc place(struct cx *cx, const struct s3_target *t, const char *key, const char **base,
		     const char **host, const char **path)
{
	const char *rest = strstr(t->endpoint, "://"), *bare;
	size_t len;

	if (rest == NULL || t->bucket[0] == '\0') return bad_address(cx);
	bare = rest + 3;
	len = strcspn(bare, "/?#");
	if (len == 0) return bad_address(cx);
	*host = arena_printf(cx->arena, "%s%s%.*s", t->is_path_style ? "" : t->bucket,
			     t->is_path_style ? "" : ".", (int)len, bare);
	*base = arena_printf(cx->arena, "%.*s%s", (int)(bare - t->endpoint), t->endpoint, *host);
	*path = t->is_path_style ? arena_printf(cx->arena, "/%s%s%s", t->bucket, key != NULL ? "/" : "",
						key != NULL ? key : "")
				 : arena_printf(cx->arena, "/%s", key != NULL ? key : "");
	return RC_OK;
}

/* Simple keys only (sheet §2): no empty, "." or ".." part, no leading slash. */
static bool is_key(const char *key)
{
	size_t total = strlen(key);

	if (total == 0 || total > S3_KEY_MAX) return false;
	for (const char *p = key;;) {
		size_t len = strcspn(p, "/");

		if (len == 0 || (len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		if (p[len] == '\0') return true;
		p += len + 1;
	}
}

/* Time: the server's word for it, when ours is wrong. */

static int month_of(const char *name)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (strncmp(months + 3 * i, name, 3) == 0) return i + 1;
	return 0;
}

/* "Fri, 02 Jan 2026 03:04:05 GMT" (RFC 9110 §5.6.7). */
static instant http_date(const char *text)
{
	char iso[RFC3339_SIZE + 32], month[4];
	unsigned day_, year, h, m, s;
	instant at = 0;

	if (text == NULL ||
	    sscanf(text, "%*3s, %2u %3s %4u %2u:%2u:%2u GMT", &day_, month, &year, &h, &m, &s) != 6)
		return 0;
	snprintf(iso, sizeof(iso), "%04u-%02d-%02uT%02u:%02u:%02uZ", year, month_of(month), day_, h, m, s);
	return instant_parse(&at, iso) == RC_OK ? at : 0;
}

/* One try */

static enum rc call_once(struct cx *cx, const struct s3_target *t, const struct ask *ask, instant at,
			 struct http_answer *answer)
{
	const struct s3_key key = { t->key_id, t->secret, t->region };
	const char *base = "", *host = "", *path = "";
	char sum[SHA256_HEX_SIZE];
	struct s3_signed s;
	struct http_request rq = { .purpose = ask->purpose,
				   .method = ask->method,
				   .body = ask->body,
				   .connect_ms = CONNECT_MS,
				   .total_ms = PART_MS,
				   .answer_max = ask->answer_max > 0 ? ask->answer_max : ANSWER_XML_MAX,
				   .is_configured = true };
	size_t n = 0;
	enum rc rc = place(cx, t, ask->key, &base, &host, &path);

	if (rc != RC_OK) return rc;
	sha256_hex(sum, ask->body.p == NULL ? "" : ask->body.p, ask->body.len);
	rc = s3_sign(&s, cx->arena, &key,
		     &(struct s3_call){ .method = ask->method,
					.host = host,
					.path = path,
					.query = ask->query,
					.headers = ask->headers,
					.payload_sha256 = sum,
					.at = at });
	if (rc != RC_OK) return rc;
	rq.url = arena_printf(cx->arena, "%s%s", base, s.target);
	if (strlen(rq.url) > URL_MAX) return RC_BAD_INPUT;
	rq.headers[n++] = arena_printf(cx->arena, "Authorization: %s", s.authorization);
	rq.headers[n++] = arena_printf(cx->arena, "x-amz-date: %s", s.date);
	rq.headers[n++] = arena_printf(cx->arena, "x-amz-content-sha256: %s", sum);
	for (const struct s3_pair *h = ask->headers; h != NULL && h->name != NULL; h++)
		rq.headers[n++] = arena_printf(cx->arena, "%s: %s", h->name, h->value);
	return link_call(cx, answer, &rq);
}

/* What it means (sheet §5) */

enum meaning { MEANS_FINE, MEANS_AGAIN, MEANS_SKEWED, MEANS_END };

static bool is_one_of(const char *code, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(code, *list) == 0) return true;
	return false;
}

static enum meaning meaning_of(const struct told *told)
{
	static const char *const again[] = { "RequestTimeout",
					     "BadDigest",
					     "IncompleteBody",
					     "OperationAborted",
					     "ConditionalRequestConflict",
					     "SlowDown",
					     "InternalError",
					     "ServiceUnavailable",
					     NULL };
	const char *code = told->xml.code;

	if (strcmp(code, "RequestTimeTooSkewed") == 0) return MEANS_SKEWED;
	if (is_one_of(code, again)) return MEANS_AGAIN; /* also inside a 200 */
	if (told->status >= 200 && told->status < 300) return code[0] == '\0' ? MEANS_FINE : MEANS_END;
	if (told->status == 429 || told->status == 500 || told->status == 502 || told->status == 503 ||
	    told->status == 504)
		return MEANS_AGAIN;
	return MEANS_END;
}

static enum rc fail(struct cx *cx, const struct s3_target *t, const struct told *told)
{
	const char *code = told->xml.code;

	log_event(LOG_WARN, "app", "s3.refused", "status=%d code=%s", told->status,
		  code[0] != '\0' ? log_quote((char[LOG_QUOTE_SIZE]){ 0 }, code) : "-");
	if (strcmp(code, "AuthorizationHeaderMalformed") == 0)
		return cx_fail(cx, RC_BAD_INPUT,
			       _("The storage's region is not “%s” (s3.region); it answers “%s”."), t->region,
			       told->xml.region[0] != '\0' ? told->xml.region : told->xml.message);
	if (told->status == 301 || told->status == 307)
		return cx_fail(
			cx, RC_BAD_INPUT, "%s",
			_("The storage says that this bucket is somewhere else: check s3.endpoint and s3.region."));
	if (strcmp(code, "NoSuchBucket") == 0)
		return cx_fail(cx, RC_DENIED, _("The storage has no bucket “%s” (s3.bucket)."), t->bucket);
	if (told->status == 404) return cx_fail(cx, RC_NOT_FOUND, "%s", _("The storage has no such file."));
	if (strcmp(code, "RequestTimeTooSkewed") == 0)
		return cx_fail(
			cx, RC_DENIED, "%s",
			_("The storage refuses this machine's clock: set it right (timedatectl set-ntp true)."));
	if (told->status == 401 || told->status == 403)
		return cx_fail(
			cx, RC_DENIED, "%s",
			_("The storage refuses the key: check s3.key_id, s3.secret and what the key may do with the bucket."));
	if (told->status == 507 || strcmp(code, "XMinioStorageFull") == 0)
		return cx_fail(cx, RC_DENIED, "%s",
			       _("The storage is full: make room there or take another."));
	return cx_fail(cx, RC_IO, _("The storage answered with an error (%d %s)."), told->status, code);
}

/* A HEAD has no body and some servers answer HTML: then there is only the status. */
static void read_answer(struct told *told, struct arena *a, const struct http_answer *answer, bool is_object)
{
	const char *etag = http_header(answer, "ETag"), *length = http_header(answer, "Content-Length");

	memset(told, 0, sizeof(*told));
	told->status = answer->status;
	told->body = answer->body;
	told->length = length != NULL ? strtoll(length, NULL, 10) : -1;
	snprintf(told->etag, sizeof(told->etag), "%s", etag != NULL ? etag : "");
	if ((is_object && answer->status < 300) || s3_xml_read(&told->xml, a, answer->body) != RC_OK) {
		const struct s3_xml none = {
			.code = "", .message = "", .region = "", .upload_id = "", .etag = "", .next = ""
		};

		told->xml = none;
		told->xml.objects = value_list(a);
	}
}

static bool goes_on(struct cx *cx, const struct s3_watcher *w, int64_t done, int64_t total)
{
	if (cx->env->is_stopping) return false;
	return w == NULL || w->go_on == NULL || w->go_on(w->arg, done, total);
}

static bool rest(struct cx *cx, const struct s3_watcher *w, int tries, int64_t done, int64_t total)
{
	int64_t ms = FIRST_PAUSE_MS << tries, until;
	uint32_t random = 0;

	if (ms > PAUSE_MAX_MS) ms = PAUSE_MAX_MS;
	random_bytes(&random, sizeof(random));
	until = clock_ticks() + ms / 2 + (int64_t)(random % (uint32_t)ms);
	while (clock_ticks() < until) {
		if (!goes_on(cx, w, done, total)) return false;
		(void)poll(NULL, 0, 200);
	}
	return true;
}

static enum rc stopped(struct cx *cx)
{
	return cx_fail(cx, RC_TRY_LATER, "%s", _("Stopped; it goes on at the next start."));
}

/* One call with its tries. is_object: a good answer's body is the object itself. */
static enum rc call(struct cx *cx, const struct s3_target *t, const struct ask *ask, struct told *told,
		    bool is_object, const struct s3_watcher *w, int64_t done, int64_t total)
{
	int64_t skew = 0;
	enum rc rc;

	for (int tries = 0; tries < S3_TRIES; tries++) {
		struct http_answer answer;
		enum meaning m = MEANS_AGAIN;

		memset(told, 0, sizeof(*told));
		rc = call_once(cx, t, ask, cx_now(cx) + skew, &answer);
		if (rc != RC_OK) return rc;
		if (answer.end == HTTP_DONE) {
			read_answer(told, cx->arena, &answer, is_object);
			m = meaning_of(told);
		}
		if (m == MEANS_FINE) return RC_OK;
		if (m == MEANS_SKEWED && skew == 0) {
			instant theirs = http_date(http_header(&answer, "Date"));

			skew = theirs != 0 ? theirs - cx_now(cx) : 0;
			log_event(LOG_WARN, "app", "s3.clock", "skew_s=%lld", (long long)(skew / SECOND_MS));
			if (skew != 0) continue;
		}
		if (m == MEANS_END || m == MEANS_SKEWED) return fail(cx, t, told);
		log_event(LOG_INFO, "app", "s3.again", "purpose=%s try=%d status=%d what=%s", ask->purpose,
			  tries + 1, told->status, log_quote((char[LOG_QUOTE_SIZE]){ 0 }, answer.error));
		if (!rest(cx, w, tries, done, total)) return stopped(cx);
	}
	if (told->status != 0)
		return cx_fail(cx, RC_TRY_LATER, _("The storage is too busy (%d); it is tried again later."),
			       told->status);
	return cx_fail(cx, RC_TRY_LATER, "%s",
		       _("The storage cannot be reached: check s3.endpoint and this machine's connection."));
}

/* Putting */

static enum rc map(struct cx *cx, int fd, int64_t at, int64_t len, void **base, size_t *mapped,
		   struct bytes *out)
{
	int64_t page = sysconf(_SC_PAGESIZE), from = at / page * page;

	*out = (struct bytes){ "", 0 };
	*base = NULL;
	if (len == 0) return RC_OK;
	*mapped = (size_t)(at - from + len);
	*base = mmap(NULL, *mapped, PROT_READ, MAP_PRIVATE, fd, from);
	if (*base == MAP_FAILED) {
		*base = NULL;
		return cx_fail(cx, RC_IO, _("The file cannot be read: %s."), words_errno(cx->lang, errno));
	}
	*out = (struct bytes){ (const char *)*base + (at - from), (size_t)len };
	return RC_OK;
}

static enum rc put_piece(struct cx *cx, const struct s3_target *t, const struct ask *like, int fd, int64_t at,
			 int64_t len, struct told *told, const struct s3_watcher *w, int64_t total)
{
	struct ask ask = *like;
	void *base = NULL;
	size_t mapped = 0;
	enum rc rc = map(cx, fd, at, len, &base, &mapped, &ask.body);

	if (rc == RC_OK) rc = call(cx, t, &ask, told, false, w, at, total);
	if (base != NULL) munmap(base, mapped);
	return rc;
}

/* Once, as we may be stopping. False: its parts stay there. */
static bool abort_upload(struct cx *cx, const struct s3_target *t, const char *key, const char *upload_id)
{
	const struct s3_pair query[] = { { "uploadId", upload_id }, { NULL, NULL } };
	const struct ask ask = { .method = "DELETE", .key = key, .purpose = "s3.abort", .query = query };
	const char *said = cx->message;
	struct http_answer answer;
	bool is_gone = call_once(cx, t, &ask, cx_now(cx), &answer) == RC_OK && answer.end == HTTP_DONE &&
		       (answer.status / 100 == 2 || answer.status == 404);

	if (!is_gone)
		log_event(LOG_WARN, "app", "s3.abort", "what=\"an unfinished upload stays at the storage\"");
	cx->message = said;
	return is_gone;
}

enum rc s3_abort(struct cx *cx, const struct s3_target *t, const char *key, const char *upload_id)
{
	const struct s3_pair query[] = { { "uploadId", upload_id }, { NULL, NULL } };
	struct told told;
	enum rc rc = is_key(key) ? call(cx, t,
					&(struct ask){ .method = "DELETE",
						       .key = key,
						       .purpose = "s3.abort",
						       .query = query },
					&told, false, NULL, 0, 0)
				 : RC_BAD_INPUT;

	if (rc != RC_NOT_FOUND) return rc;
	cx->message = "";
	return RC_OK;
}

static enum rc remember(const struct s3_watcher *w, const char *key, const char *upload_id)
{
	return w != NULL && w->remember != NULL ? w->remember(w->arg, key, upload_id) : RC_OK;
}

/* What is over is forgotten; if that fails the next abort finds nothing, which is fine. */
static void forget(const struct s3_watcher *w, const char *key)
{
	if (remember(w, key, "") != RC_OK) log_event(LOG_WARN, "app", "s3.forget", "what=upload");
}

static enum rc begin_upload(struct cx *cx, const struct s3_target *t, const char *key, const char **upload_id,
			    const struct s3_watcher *w, int64_t total)
{
	const struct s3_pair query[] = { { "uploads", "" }, { NULL, NULL } };
	const struct s3_pair headers[] = { { "content-type", "application/octet-stream" }, { NULL, NULL } };
	struct told told;
	enum rc rc = call(cx, t,
			  &(struct ask){ .method = "POST",
					 .key = key,
					 .purpose = "s3.begin",
					 .query = query,
					 .headers = headers },
			  &told, false, w, 0, total);

	if (rc != RC_OK) return rc;
	*upload_id = told.xml.upload_id;
	return **upload_id != '\0' ? RC_OK
				   : cx_fail(cx, RC_IO, _("The storage answered with an error (%d %s)."),
					     told.status, "UploadId");
}

/* An answer that got lost may have been the good one: then the upload is gone and the object is there. */
static enum rc end_upload(struct cx *cx, const struct s3_target *t, const char *key, const char *upload_id,
			  struct sb *parts, int64_t size, const struct s3_watcher *w)
{
	const struct s3_pair query[] = { { "uploadId", upload_id }, { NULL, NULL } };
	struct told told;
	int64_t there = -1;
	enum rc rc = sb_result(parts);

	if (rc != RC_OK) return rc;
	rc = call(cx, t,
		  &(struct ask){ .method = "POST",
				 .key = key,
				 .purpose = "s3.complete",
				 .query = query,
				 .body = { parts->p, parts->len } },
		  &told, false, w, size, size);
	if (rc == RC_NOT_FOUND && s3_size(cx, t, key, &there) == RC_OK && there == size) {
		cx->message = "";
		return RC_OK;
	}
	return rc;
}

static enum rc put_parts(struct cx *cx, const struct s3_target *t, const char *key, int fd, int64_t size,
			 const char *upload_id, const struct s3_watcher *w)
{
	struct arena *own = cx->arena, *piece = arena_new(PIECE_ARENA);
	struct sb parts;
	int number = 0;
	enum rc rc = piece != NULL ? RC_OK : RC_NO_MEMORY;

	sb_init(&parts, (size_t)S3_PARTS_MAX * (ETAG_SIZE + 64));
	sb_lit(&parts, "<CompleteMultipartUpload>");
	for (int64_t at = 0; at < size && rc == RC_OK; at += S3_PART) {
		int64_t len = size - at < S3_PART ? size - at : S3_PART;
		struct s3_pair query[3] = { { "partNumber", NULL },
					    { "uploadId", upload_id },
					    { NULL, NULL } };
		struct told told;

		if (!goes_on(cx, w, at, size)) {
			rc = stopped(cx);
			break;
		}
		arena_reset(piece);
		cx->arena = piece;
		query[0].value = arena_printf(piece, "%d", ++number);
		rc = put_piece(
			cx, t,
			&(struct ask){ .method = "PUT", .key = key, .purpose = "s3.part", .query = query },
			fd, at, len, &told, w, size);
		cx->arena = own;
		if (rc != RC_OK) cx->message = arena_text(own, cx->message);
		sb_printf(&parts, "<Part><PartNumber>%d</PartNumber><ETag>", number);
		sb_html(&parts, told.etag, strlen(told.etag));
		sb_lit(&parts, "</ETag></Part>");
	}
	sb_lit(&parts, "</CompleteMultipartUpload>");
	if (rc == RC_OK) rc = end_upload(cx, t, key, upload_id, &parts, size, w);
	sb_free(&parts);
	arena_free(piece);
	return rc;
}

enum rc s3_put(struct cx *cx, const struct s3_target *t, const char *key, int fd, int64_t size,
	       const struct s3_watcher *watcher)
{
	const struct s3_pair headers[] = { { "content-type", "application/octet-stream" }, { NULL, NULL } };
	const char *upload_id = "";
	struct told told;
	enum rc rc;

	if (!is_key(key) || size > S3_PART * S3_PARTS_MAX)
		return cx_fail(cx, RC_BAD_INPUT, "%s",
			       _("This file cannot lie in the storage: its name or size is out of bounds."));
	if (size <= S3_PART)
		return put_piece(
			cx, t,
			&(struct ask){ .method = "PUT", .key = key, .purpose = "s3.put", .headers = headers },
			fd, 0, size, &told, watcher, size);
	rc = begin_upload(cx, t, key, &upload_id, watcher, size);
	if (rc != RC_OK) return rc;
	upload_id = arena_text(cx->arena, upload_id);
	rc = remember(watcher, key, upload_id);
	if (rc == RC_OK) rc = put_parts(cx, t, key, fd, size, upload_id, watcher);
	if (rc == RC_OK || abort_upload(cx, t, key, upload_id)) forget(watcher, key);
	return rc;
}

/* Getting */

enum rc s3_size(struct cx *cx, const struct s3_target *t, const char *key, int64_t *size)
{
	struct told told;
	enum rc rc =
		is_key(key) ? call(cx, t, &(struct ask){ .method = "HEAD", .key = key, .purpose = "s3.head" },
				   &told, true, NULL, 0, 0)
			    : RC_BAD_INPUT;

	if (rc == RC_OK) *size = told.length;
	return rc;
}

static enum rc write_all(struct cx *cx, int fd, struct bytes b)
{
	while (b.len > 0) {
		ssize_t n = write(fd, b.p, b.len);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0)
			return cx_fail(cx, RC_IO, _("The file cannot be written: %s."),
				       words_errno(cx->lang, errno));
		b.p += n;
		b.len -= (size_t)n;
	}
	return RC_OK;
}

enum rc s3_get(struct cx *cx, const struct s3_target *t, const char *key, int to_fd,
	       const struct s3_watcher *watcher)
{
	struct arena *own = cx->arena, *piece = arena_new(PIECE_ARENA);
	int64_t size = 0, at = 0;
	enum rc rc = piece != NULL ? s3_size(cx, t, key, &size) : RC_NO_MEMORY;

	while (rc == RC_OK && at < size) {
		struct s3_pair headers[2] = { { "range", NULL }, { NULL, NULL } };
		int64_t end = (size - at < GET_PIECE ? size : at + GET_PIECE) - 1;
		struct told told;

		if (!goes_on(cx, watcher, at, size)) {
			rc = stopped(cx);
			break;
		}
		arena_reset(piece);
		cx->arena = piece;
		headers[0].value = arena_printf(piece, "bytes=%lld-%lld", (long long)at, (long long)end);
		rc = call(cx, t,
			  &(struct ask){ .method = "GET",
					 .key = key,
					 .purpose = "s3.get",
					 .headers = headers,
					 .answer_max = (size_t)GET_PIECE + 1 },
			  &told, true, watcher, at, size);
		cx->arena = own;
		if (rc != RC_OK)
			cx->message = arena_text(own, cx->message);
		else if ((int64_t)told.body.len != end - at + 1)
			rc = cx_fail(cx, RC_TRY_LATER, "%s",
				     _("The storage gave another piece than it was asked for."));
		else
			rc = write_all(cx, to_fd, told.body);
		at = end + 1;
	}
	arena_free(piece);
	return rc;
}

enum rc s3_delete(struct cx *cx, const struct s3_target *t, const char *key)
{
	struct told told;
	enum rc rc =
		is_key(key)
			? call(cx, t, &(struct ask){ .method = "DELETE", .key = key, .purpose = "s3.delete" },
			       &told, false, NULL, 0, 0)
			: RC_BAD_INPUT;

	if (rc != RC_NOT_FOUND) return rc;
	cx->message = "";
	return RC_OK;
}

enum rc s3_list(struct cx *cx, const struct s3_target *t, const char *prefix, struct value **out)
{
	struct value *all = value_list(cx->arena);
	const char *next = "";
	enum rc rc = RC_OK;

	do {
		struct s3_pair query[6] = { { "list-type", "2" },
					    { "encoding-type", "url" },
					    { "prefix", prefix },
					    { next[0] != '\0' ? "continuation-token" : NULL, next } };
		struct told told;

		rc = call(cx, t, &(struct ask){ .method = "GET", .purpose = "s3.list", .query = query },
			  &told, false, NULL, 0, 0);
		if (rc != RC_OK) break;
		for (struct value *o = told.xml.objects->first, *after; o != NULL && all->count < S3_LIST_MAX;
		     o = after) {
			after = o->next;
			o->next = NULL;
			value_append(all, o);
		}
		next = told.xml.next;
	} while (next[0] != '\0' && all->count < S3_LIST_MAX);
	if (rc == RC_OK) *out = all;
	return rc;
}
