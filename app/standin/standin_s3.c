/*
** standin_s3.c -- plays an S3-compatible storage (contract sheet s3-spaces §2, §5, §7): path-style,
** signatures recomputed strictly, objects and unfinished uploads in memory.
**
** Owns:   struct s3_store.
** Needs:  link/s3_sign.h to come to the same signature from the other side.
** Never:  writes a file; keeps more than STORE_MAX bytes (then it is full, 507, as the sheet has it).
** Holds:  (1) an object is the whole last PUT or Complete of its key; (2) each fault asked for happens to one
**         call, in order.
**
** Control: GET /_standin/s3/objects (key, size, sha256), GET /_standin/s3/uploads (of unfinished ones: key,
** parts), POST /_standin/s3/faults {"faults": ["503", "cut", …]}: 503 SlowDown, 500, 403 skew, region (400
** AuthorizationHeaderMalformed), 301, complete (200 with <Error>), part (503 to a part that is not an
** upload's first), abort (403 to the end of an unfinished upload), cut (no answer), lost (done, but no answer),
** short (a piece of the object).
*/
#include "standin/inside.h"

#include "base/mem.h"
#include "base/sb.h"
#include "link/s3.h"
#include "link/s3_sign.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STORE_MAX   ((size_t)96 * 1024 * 1024) /* a few backups of a demonstration                       */
#define OBJECTS_MAX 256
#define UPLOADS_MAX 8
#define PARTS_MAX   64
#define PART_LEAST  ((size_t)5 * 1024 * 1024) /* sheet §2: all but the last                             */
#define KEY_SIZE    1025
#define FAULTS_MAX  32
#define FAULT_SIZE  16
#define LIST_PAGE   100              /* so that a list of more has two pages                          */
#define SKEW_MAX_MS (15 * MINUTE_MS) /* sheet §3                                                      */
#define SIGNED_MAX  12               /* headers that a call signs                                     */
#define XML_MAX     ((size_t)1024 * 1024)
#define REGION      S3_STANDIN_REGION

struct object {
	char key[KEY_SIZE];
	char *data;
	size_t len;
	char sum[SHA256_HEX_SIZE];
	instant at;
};

struct upload {
	char id[PUBLIC_ID_SIZE], key[KEY_SIZE]; /* id "" = free */
	struct {
		char *data;
		size_t len;
	} parts[PARTS_MAX];
};

struct s3_store {
	size_t used, count;
	struct object objects[OBJECTS_MAX]; /* sorted by key */
	struct upload uploads[UPLOADS_MAX];
	char faults[FAULTS_MAX][FAULT_SIZE];
	size_t fault_count, fault_at;
};

/* Answers */

/* more: XML of ours that follows, "" = none. */
static bool fail(struct standin *s, struct reply *rp, int status, const char *code, const char *more)
{
	struct sb sb;

	sb_init_arena(&sb, s->arena, XML_MAX);
	sb_lit(&sb, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>");
	sb_text(&sb, code);
	sb_lit(&sb, "</Code><Message>stand-in</Message>");
	sb_text(&sb, more);
	sb_lit(&sb, "</Error>");
	reply_status(rp, status);
	reply_header(rp, "x-amz-request-id", "STANDIN");
	reply_body(rp, "application/xml", sb_text_of(&sb), sb.len);
	return true;
}

static bool xml(struct standin *s, struct reply *rp, struct sb *sb)
{
	if (sb_result(sb) != RC_OK) return fail(s, rp, 500, "InternalError", "");
	reply_status(rp, 200);
	reply_body(rp, "application/xml", sb->p, sb->len);
	return true;
}

/* The store */

struct s3_store *s3_store_new(void)
{
	return mem_zeroed(sizeof(struct s3_store));
}

static void object_clear(struct s3_store *st, struct object *o)
{
	st->used -= o->len;
	mem_free(o->data);
	memset(o, 0, sizeof(*o));
}

static void upload_clear(struct s3_store *st, struct upload *u)
{
	for (size_t i = 0; i < PARTS_MAX; i++) {
		st->used -= u->parts[i].len;
		mem_free(u->parts[i].data);
	}
	memset(u, 0, sizeof(*u));
}

void s3_store_free(struct s3_store *st)
{
	if (st == NULL) return;
	for (size_t i = 0; i < st->count; i++)
		object_clear(st, &st->objects[i]);
	for (size_t i = 0; i < UPLOADS_MAX; i++)
		upload_clear(st, &st->uploads[i]);
	mem_free(st);
}

/* Index of the key, or where it belongs. */
static bool find(const struct s3_store *st, const char *key, size_t *at)
{
	size_t i = 0;

	while (i < st->count && strcmp(st->objects[i].key, key) < 0)
		i++;
	*at = i;
	return i < st->count && strcmp(st->objects[i].key, key) == 0;
}

static bool put(struct standin *s, const char *key, const char *p, size_t len)
{
	struct s3_store *st = s->s3;
	char *copy = mem_alloc(len + 1);
	struct object *o;
	size_t at;
	bool is_there = find(st, key, &at);

	if (copy == NULL || st->used + len > STORE_MAX || (!is_there && st->count == OBJECTS_MAX)) {
		mem_free(copy);
		return false;
	}
	memcpy(copy, p, len);
	o = &st->objects[at];
	if (is_there) {
		object_clear(st, o);
	} else {
		memmove(o + 1, o, (st->count - at) * sizeof(*o));
		memset(o, 0, sizeof(*o));
		st->count++;
	}
	memcpy(o->key, key, strlen(key));
	o->data = copy;
	o->len = len;
	o->at = clock_now(s->clock);
	sha256_hex(o->sum, copy, len);
	st->used += len;
	return true;
}

static void take_away(struct s3_store *st, const char *key)
{
	size_t at;

	if (!find(st, key, &at)) return;
	object_clear(st, &st->objects[at]);
	memmove(&st->objects[at], &st->objects[at + 1], (st->count - at - 1) * sizeof(st->objects[0]));
	st->count--;
}

/* Signatures */

/* The value of NAME= in "Credential=…, SignedHeaders=…, Signature=…". */
static const char *part_of(struct arena *a, const char *header, const char *name)
{
	const char *at = strstr(header, name);

	return at == NULL ? "" : arena_bytes(a, at + strlen(name), strcspn(at + strlen(name), ", "));
}

static bool date_of(instant *out, const char *text)
{
	char iso[RFC3339_SIZE];

	if (text == NULL || strlen(text) != 16) return false;
	snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4, text + 6, text + 9,
		 text + 11, text + 13);
	return instant_parse(out, iso) == RC_OK;
}

static size_t known_query(struct request *rq, struct s3_pair *out)
{
	static const char *const names[] = {
		"continuation-token", "delimiter", "encoding-type", "list-type", "max-keys",
		"partNumber",         "prefix",    "start-after",   "uploadId",  "uploads"
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (request_query(rq, names[i]) != NULL)
			out[n++] = (struct s3_pair){ names[i], request_query(rq, names[i]) };
	out[n] = (struct s3_pair){ NULL, NULL };
	return n;
}

/* The signed headers besides the three that s3_sign() adds itself. False: one that is named is not there. */
static bool signed_headers(struct standin *s, struct request *rq, const char *list, struct s3_pair *out)
{
	size_t n = 0;

	while (*list != '\0') {
		size_t len = strcspn(list, ";");
		const char *name = arena_bytes(s->arena, list, len), *value = request_header(rq, name);

		list += len + (list[len] == ';');
		if (strcmp(name, "host") == 0 || strcmp(name, "x-amz-date") == 0 ||
		    strcmp(name, "x-amz-content-sha256") == 0)
			continue;
		if (value == NULL || n == SIGNED_MAX) return false;
		out[n++] = (struct s3_pair){ name, value };
	}
	out[n] = (struct s3_pair){ NULL, NULL };
	return true;
}

/* NULL: right; else the code of what is wrong. */
static const char *signature_wrong(struct standin *s, struct request *rq)
{
	const struct s3_key key = { S3_STANDIN_ID, S3_STANDIN_SECRET, REGION };
	const char *header = request_header(rq, "Authorization"),
		   *sum = request_header(rq, "x-amz-content-sha256");
	struct bytes body = request_body(rq);
	struct s3_pair query[16], headers[SIGNED_MAX + 1];
	struct s3_call call = {
		.method = request_method(rq), .path = request_path(rq), .query = query, .headers = headers
	};
	struct s3_signed mine;
	char body_sum[SHA256_HEX_SIZE];

	sha256_hex(body_sum, body.p == NULL ? "" : body.p, body.len);
	if (sum == NULL || strcmp(sum, body_sum) != 0) return "XAmzContentSHA256Mismatch";
	if (!date_of(&call.at, request_header(rq, "x-amz-date"))) return "AccessDenied";
	if (llabs(call.at - clock_now(s->clock)) > SKEW_MAX_MS) return "RequestTimeTooSkewed";
	if (strstr(header, "Credential=" S3_STANDIN_ID "/") == NULL) return "InvalidAccessKeyId";
	if (strstr(header, "/" REGION "/s3/aws4_request") == NULL) return "AuthorizationHeaderMalformed";
	known_query(rq, query);
	if (!signed_headers(s, rq, part_of(s->arena, header, "SignedHeaders="), headers))
		return "SignatureDoesNotMatch";
	call.host = request_header(rq, "Host");
	call.payload_sha256 = sum;
	if (call.host == NULL || s3_sign(&mine, s->arena, &key, &call) != RC_OK)
		return "SignatureDoesNotMatch";
	return strcmp(mine.signature, part_of(s->arena, header, "Signature=")) == 0 ? NULL
										    : "SignatureDoesNotMatch";
}

/* Operations */

static void put_time(struct sb *sb, instant at)
{
	char text[RFC3339_SIZE];

	instant_text(text, at);
	sb_text(sb, text);
}

static bool list(struct standin *s, struct request *rq, struct reply *rp)
{
	const char *prefix = request_query(rq, "prefix"), *from = request_query(rq, "continuation-token");
	size_t len = prefix != NULL ? strlen(prefix) : 0, told = 0, i = 0;
	struct sb sb;

	sb_init_arena(&sb, s->arena, XML_MAX);
	sb_lit(&sb,
	       "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult><EncodingType>url</EncodingType>");
	for (; i < s->s3->count && told < LIST_PAGE; i++) {
		const struct object *o = &s->s3->objects[i];

		if ((len > 0 && strncmp(o->key, prefix, len) != 0) ||
		    (from != NULL && strcmp(o->key, from) <= 0))
			continue;
		sb_lit(&sb, "<Contents><Key>");
		sb_url(&sb, o->key, strlen(o->key));
		sb_lit(&sb, "</Key><LastModified>");
		put_time(&sb, o->at);
		sb_lit(&sb, "</LastModified><ETag>&quot;");
		sb_text(&sb, o->sum);
		sb_lit(&sb, "&quot;</ETag><Size>");
		sb_int(&sb, (int64_t)o->len);
		sb_lit(&sb, "</Size></Contents>");
		told++;
	}
	if (i < s->s3->count && told == LIST_PAGE) {
		sb_lit(&sb, "<IsTruncated>true</IsTruncated><NextContinuationToken>");
		sb_html(&sb, s->s3->objects[i - 1].key, strlen(s->s3->objects[i - 1].key));
		sb_lit(&sb, "</NextContinuationToken>");
	}
	sb_lit(&sb, "</ListBucketResult>");
	return xml(s, rp, &sb);
}

static bool get(struct standin *s, struct request *rq, struct reply *rp, const char *key, bool is_short)
{
	const char *range = request_header(rq, "Range");
	long long from = 0, to = 0;
	const struct object *o;
	char etag[SHA256_HEX_SIZE + 2];
	size_t at;

	if (!find(s->s3, key, &at)) {
		if (strcmp(request_method(rq), "HEAD") != 0) return fail(s, rp, 404, "NoSuchKey", "");
		reply_status(rp, 404);
		reply_static(rp, "application/xml", "", 0);
		return true;
	}
	o = &s->s3->objects[at];
	to = (long long)o->len - 1;
	if (range != NULL && sscanf(range, "bytes=%lld-%lld", &from, &to) != 2)
		return fail(s, rp, 416, "InvalidRange", "");
	if (from < 0 || to >= (long long)o->len || from > to + 1) return fail(s, rp, 416, "InvalidRange", "");
	if (is_short && to > from) to--;
	snprintf(etag, sizeof(etag), "\"%.32s\"", o->sum);
	reply_header(rp, "ETag", etag);
	reply_status(rp, range != NULL ? 206 : 200);
	reply_body(rp, "application/octet-stream", o->data + from, (size_t)(to - from + 1));
	return true;
}

static struct upload *upload_of(struct s3_store *st, const char *id, const char *key)
{
	for (size_t i = 0; id != NULL && id[0] != '\0' && i < UPLOADS_MAX; i++)
		if (strcmp(st->uploads[i].id, id) == 0 && strcmp(st->uploads[i].key, key) == 0)
			return &st->uploads[i];
	return NULL;
}

static bool begin_upload(struct standin *s, struct reply *rp, const char *key)
{
	struct sb sb;

	for (size_t i = 0; i < UPLOADS_MAX; i++) {
		struct upload *u = &s->s3->uploads[i];

		if (u->id[0] != '\0') continue;
		public_id_new(u->id);
		memcpy(u->key, key, strlen(key) + 1);
		sb_init_arena(&sb, s->arena, XML_MAX);
		sb_lit(&sb, "<?xml version=\"1.0\"?><InitiateMultipartUploadResult><UploadId>");
		sb_text(&sb, u->id);
		sb_lit(&sb, "</UploadId></InitiateMultipartUploadResult>");
		return xml(s, rp, &sb);
	}
	return fail(s, rp, 503, "SlowDown", "");
}

static bool put_part(struct standin *s, struct request *rq, struct reply *rp, const char *key)
{
	struct upload *u = upload_of(s->s3, request_query(rq, "uploadId"), key);
	struct bytes body = request_body(rq);
	int number = atoi(request_query(rq, "partNumber"));
	char etag[SHA256_HEX_SIZE + 2], sum[SHA256_HEX_SIZE];
	char *copy;

	if (u == NULL) return fail(s, rp, 404, "NoSuchUpload", "");
	if (number < 1 || number > PARTS_MAX) return fail(s, rp, 400, "InvalidArgument", "");
	copy = s->s3->used + body.len <= STORE_MAX ? mem_alloc(body.len + 1) : NULL;
	if (copy == NULL) return fail(s, rp, 507, "XMinioStorageFull", "");
	memcpy(copy, body.p, body.len);
	s->s3->used += body.len - u->parts[number - 1].len;
	mem_free(u->parts[number - 1].data);
	u->parts[number - 1].data = copy;
	u->parts[number - 1].len = body.len;
	sha256_hex(sum, body.p, body.len);
	snprintf(etag, sizeof(etag), "\"%.32s\"", sum);
	reply_header(rp, "ETag", etag);
	reply_status(rp, 200);
	reply_static(rp, "application/xml", "", 0);
	return true;
}

/* Every part named in order with its tag, none but the last too small. */
static const char *parts_wrong(const struct upload *u, struct bytes body)
{
	size_t n = 0;
	const char *p = body.p != NULL ? body.p : "";

	for (; (p = strstr(p, "<PartNumber>")) != NULL; p++, n++) {
		char sum[SHA256_HEX_SIZE];

		if ((size_t)atoi(p + 12) != n + 1) return "InvalidPartOrder";
		if (n >= PARTS_MAX || u->parts[n].data == NULL) return "InvalidPart";
		sha256_hex(sum, u->parts[n].data, u->parts[n].len);
		sum[32] = '\0';
		if (strstr(p, sum) == NULL) return "InvalidPart";
	}
	if (n == 0) return "MalformedXML";
	for (size_t i = 0; i + 1 < n; i++)
		if (u->parts[i].len < PART_LEAST) return "EntityTooSmall";
	return NULL;
}

static bool complete(struct standin *s, struct request *rq, struct reply *rp, const char *key)
{
	struct upload *u = upload_of(s->s3, request_query(rq, "uploadId"), key);
	const char *wrong;
	size_t len = 0, at = 0;
	char *whole;
	struct sb sb;
	bool is_put;

	if (u == NULL) return fail(s, rp, 404, "NoSuchUpload", "");
	wrong = parts_wrong(u, request_body(rq));
	if (wrong != NULL) return fail(s, rp, 400, wrong, "");
	for (size_t i = 0; i < PARTS_MAX; i++)
		len += u->parts[i].len;
	whole = mem_alloc(len + 1);
	for (size_t i = 0; whole != NULL && i < PARTS_MAX; i++) {
		if (u->parts[i].len > 0) memcpy(whole + at, u->parts[i].data, u->parts[i].len);
		at += u->parts[i].len;
	}
	upload_clear(s->s3, u);
	is_put = whole != NULL && put(s, key, whole, len);
	mem_free(whole);
	if (!is_put) return fail(s, rp, 507, "XMinioStorageFull", "");
	sb_init_arena(&sb, s->arena, XML_MAX);
	sb_lit(&sb, "<?xml version=\"1.0\"?><CompleteMultipartUploadResult><ETag>&quot;standin-2&quot;</ETag>"
		    "</CompleteMultipartUploadResult>");
	return xml(s, rp, &sb);
}

static bool done(struct reply *rp, int status)
{
	reply_status(rp, status);
	reply_static(rp, "application/xml", "", 0);
	return true;
}

static bool run(struct standin *s, struct request *rq, struct reply *rp, const char *key, bool is_short)
{
	const char *method = request_method(rq), *id = request_query(rq, "uploadId");
	struct bytes body = request_body(rq);

	if (key[0] == '\0') {
		if (strcmp(method, "HEAD") == 0) return done(rp, 200);
		return strcmp(method, "GET") == 0 ? list(s, rq, rp)
						  : fail(s, rp, 405, "MethodNotAllowed", "");
	}
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) return get(s, rq, rp, key, is_short);
	if (strcmp(method, "POST") == 0 && request_query(rq, "uploads") != NULL)
		return begin_upload(s, rp, key);
	if (strcmp(method, "POST") == 0 && id != NULL) return complete(s, rq, rp, key);
	if (strcmp(method, "PUT") == 0 && id != NULL) return put_part(s, rq, rp, key);
	if (strcmp(method, "PUT") == 0)
		return put(s, key, body.p != NULL ? body.p : "", body.len)
			       ? done(rp, 200)
			       : fail(s, rp, 507, "XMinioStorageFull", "");
	if (strcmp(method, "DELETE") == 0 && id != NULL) {
		struct upload *u = upload_of(s->s3, id, key);

		if (u != NULL) upload_clear(s->s3, u);
		return done(rp, 204);
	}
	if (strcmp(method, "DELETE") == 0) {
		take_away(s->s3, key);
		return done(rp, 204);
	}
	return fail(s, rp, 405, "MethodNotAllowed", "");
}

/* The door */

bool s3_is_call(struct request *rq)
{
	const char *header = request_header(rq, "Authorization");

	return header != NULL && strncmp(header, "AWS4-HMAC-SHA256 ", 17) == 0;
}

/* True: the fault is the whole answer. */
static bool fault(struct standin *s, struct reply *rp, const char *what, bool is_complete)
{
	if (strcmp(what, "503") == 0 || strcmp(what, "part") == 0) return fail(s, rp, 503, "SlowDown", "");
	if (strcmp(what, "500") == 0) return fail(s, rp, 500, "InternalError", "");
	if (strcmp(what, "403") == 0 || strcmp(what, "abort") == 0)
		return fail(s, rp, 403, "AccessDenied", "");
	if (strcmp(what, "skew") == 0) return fail(s, rp, 403, "RequestTimeTooSkewed", "");
	if (strcmp(what, "region") == 0)
		return fail(s, rp, 400, "AuthorizationHeaderMalformed", "<Region>sfo3</Region>");
	if (strcmp(what, "301") == 0) return fail(s, rp, 301, "PermanentRedirect", "");
	if (strcmp(what, "complete") == 0 && is_complete) return fail(s, rp, 200, "InternalError", "");
	if (strcmp(what, "cut") == 0) {
		reply_cut(rp);
		return true;
	}
	return false;
}

/* "complete", "part" and "abort" wait for the call that they are meant for. */
static bool is_for(const char *what, struct request *rq, bool is_complete)
{
	const char *number = request_query(rq, "partNumber");

	if (strcmp(what, "complete") == 0) return is_complete;
	if (strcmp(what, "abort") == 0)
		return strcmp(request_method(rq), "DELETE") == 0 && request_query(rq, "uploadId") != NULL;
	return strcmp(what, "part") != 0 || (number != NULL && atoi(number) > 1);
}

bool s3_handle(struct standin *s, struct request *rq, struct reply *rp)
{
	struct s3_store *st = s->s3;
	const char *path = request_path(rq), *key = strchr(path + 1, '/'), *wrong = signature_wrong(s, rq),
		   *what = "";
	bool is_complete = strcmp(request_method(rq), "POST") == 0 && request_query(rq, "uploadId") != NULL;

	if (wrong != NULL)
		return fail(s, rp, strcmp(wrong, "AuthorizationHeaderMalformed") == 0 ? 400 : 403, wrong,
			    strcmp(wrong, "AuthorizationHeaderMalformed") == 0 ? "<Region>" REGION "</Region>"
									       : "");
	if (path[1] == '\0') return fail(s, rp, 404, "NoSuchBucket", "");
	key = key != NULL ? key + 1 : "";
	if (strlen(key) >= KEY_SIZE) return fail(s, rp, 400, "KeyTooLongError", "");
	if (st->fault_at < st->fault_count && is_for(st->faults[st->fault_at], rq, is_complete))
		what = st->faults[st->fault_at++];
	if (fault(s, rp, what, is_complete)) return true;
	(void)run(s, rq, rp, key, strcmp(what, "short") == 0);
	if (strcmp(what, "lost") == 0) reply_cut(rp);
	return true;
}

size_t s3_body_max(void)
{
	return UPLOAD_MAX;
}

/* Control */

static bool show(struct standin *s, struct reply *rp, const struct value *all)
{
	struct sb sb;

	sb_init_arena(&sb, s->arena, XML_MAX);
	json_write(&sb, all);
	reply_status(rp, 200);
	reply_body(rp, "application/json", sb_text_of(&sb), sb.len);
	return true;
}

static bool show_uploads(struct standin *s, struct reply *rp)
{
	struct value *all = value_list(s->arena);

	for (size_t i = 0; i < UPLOADS_MAX; i++) {
		const struct upload *u = &s->s3->uploads[i];
		struct value *row = u->id[0] != '\0' ? value_add_map(s->arena, all) : NULL;
		int64_t parts = 0;

		if (row == NULL) continue;
		for (size_t k = 0; k < PARTS_MAX; k++)
			parts += u->parts[k].data != NULL;
		value_set_text(s->arena, row, "key", u->key);
		value_set_int(s->arena, row, "parts", parts);
	}
	return show(s, rp, all);
}

static bool show_objects(struct standin *s, struct reply *rp)
{
	struct value *all = value_list(s->arena);

	for (size_t i = 0; i < s->s3->count; i++) {
		struct value *row = value_add_map(s->arena, all);

		value_set_text(s->arena, row, "key", s->s3->objects[i].key);
		value_set_int(s->arena, row, "size", (int64_t)s->s3->objects[i].len);
		value_set_text(s->arena, row, "sha256", s->s3->objects[i].sum);
	}
	return show(s, rp, all);
}

bool s3_control(struct standin *s, const char *what, struct request *rq, struct reply *rp)
{
	struct bytes body = request_body(rq);
	struct value *json = NULL;
	const struct value *faults;

	if (strcmp(what, "s3/objects") == 0 && strcmp(request_method(rq), "GET") == 0)
		return show_objects(s, rp);
	if (strcmp(what, "s3/uploads") == 0 && strcmp(request_method(rq), "GET") == 0)
		return show_uploads(s, rp);
	if (strcmp(what, "s3/faults") != 0 || strcmp(request_method(rq), "POST") != 0) return false;
	if (json_parse(s->arena, &json, NULL, body.p != NULL ? body.p : "", body.len) != RC_OK) return false;
	s->s3->fault_at = s->s3->fault_count = 0;
	faults = value_get(json, "faults");
	for (const struct value *v = faults != NULL ? faults->first : NULL;
	     v != NULL && s->s3->fault_count < FAULTS_MAX; v = v->next)
		snprintf(s->s3->faults[s->s3->fault_count++], FAULT_SIZE, "%s", value_text_of(v, ""));
	reply_status(rp, 200);
	reply_static(rp, "application/json", "{\"ok\":true}", 11);
	return true;
}
