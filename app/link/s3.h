/*
** s3.h -- S3-compatible object storage: put, get, list, delete, with the retries its sheet asks for.
**
** Everything here is a repeatable effect: jobs and commands call it, never a request handler. Source of rules
** and errors: contract sheet s3-spaces §2, §5.
*/
#ifndef RECADO_LINK_S3_H
#define RECADO_LINK_S3_H

#include "base/value.h"
#include "link/http.h"

#define S3_KEY_MAX   1024                       /* bytes of a key (sheet §2)                          */
#define S3_PART      ((int64_t)8 * 1024 * 1024) /* of a multipart upload: what one call holds in memory */
#define S3_PARTS_MAX 10000                      /* sheet §2; times S3_PART: 80 GB                     */
#define S3_LIST_MAX  5000                       /* objects of one list: backups of thirteen years        */

/* What opens the storage that the built-in stand-in plays, and its region. */
#define S3_STANDIN_ID     "STANDIN"
#define S3_STANDIN_SECRET "standin-secret"
#define S3_STANDIN_REGION "us-east-1"

struct s3_target {
	const char *endpoint; /* "https://nyc3.digitaloceanspaces.com"     */
	const char *region, *bucket, *key_id, *secret;
	bool is_path_style; /* https://host/bucket/key instead of https://bucket.host/key */
};

/* Asked between two calls; false: stop (RC_TRY_LATER, an upload under way is aborted). NULL: never. */
typedef bool s3_go_on_fn(void *arg, int64_t done, int64_t total);
/*
** An upload in parts begins: its id, to be kept (RC_OK) before the first part goes. "" = it is over, ended or
** aborted. What is killed in between leaves its parts at the storage, to be paid for until s3_abort(). NULL:
** nobody keeps it.
*/
typedef enum rc s3_remember_fn(void *arg, const char *key, const char *upload_id);
struct s3_watcher {
	s3_go_on_fn *go_on;
	s3_remember_fn *remember;
	void *arg;
};

/*
** All: RC_OK; RC_NOT_FOUND no such object; RC_DENIED the storage refuses key, bucket or signature;
** RC_TRY_LATER it cannot be reached or is too busy after S3_TRIES tries; RC_BAD_INPUT the settings are wrong
** (region, address) or the key is not one. Always with the sentence in cx. Outside any transaction.
*/
/* size bytes of fd, from its start. In parts beyond S3_PART. */
enum rc s3_put(struct cx *cx, const struct s3_target *t, const char *key, int fd, int64_t size,
	       const struct s3_watcher *watcher) MUST_CHECK;
/* The whole object to the end of to_fd, in pieces. */
enum rc s3_get(struct cx *cx, const struct s3_target *t, const char *key, int to_fd,
	       const struct s3_watcher *watcher) MUST_CHECK;
enum rc s3_size(struct cx *cx, const struct s3_target *t, const char *key, int64_t *size) MUST_CHECK;
/* Absent is fine. */
enum rc s3_delete(struct cx *cx, const struct s3_target *t, const char *key) MUST_CHECK;
/* An upload in parts that was remembered and never ended. One that is gone is fine. */
enum rc s3_abort(struct cx *cx, const struct s3_target *t, const char *key, const char *upload_id) MUST_CHECK;
/* [{key, size, modified}] in order of keys, at most S3_LIST_MAX. */
enum rc s3_list(struct cx *cx, const struct s3_target *t, const char *prefix, struct value **out) MUST_CHECK;

/* What one XML answer says, for s3.c, its tests and the fuzzer (s3_xml.c). Total; bounded; arena. */
struct s3_xml {
	const char *code, *message, *region; /* of an <Error>, "" = none */
	const char *upload_id, *etag, *next; /* next: continuation token, "" = the list is whole */
	struct value *objects;               /* of a list                */
};
enum rc s3_xml_read(struct s3_xml *out, struct arena *a, struct bytes xml) MUST_CHECK;

#endif
