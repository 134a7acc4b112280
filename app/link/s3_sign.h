/*
** s3_sign.h -- Signature V4 for S3-compatible storage: what is sent is exactly what was signed. Pure.
**
** Source: contract sheet s3-spaces §3 with its vectors.
*/
#ifndef RECADO_LINK_S3_SIGN_H
#define RECADO_LINK_S3_SIGN_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/seal.h"

#define S3_PARAMS_MAX 16 /* of one request's query, and as many headers; the longest call has six */

struct s3_pair {
	const char *name, *value; /* as they are, not encoded; a row without name ends a list */
};

struct s3_key {
	const char *id, *secret, *region;
};

struct s3_call {
	const char *method;
	const char *host;            /* with ":port" when it is neither 80 nor 443              */
	const char *path;            /* "/bucket/key", not encoded                             */
	const struct s3_pair *query; /* NULL = none                                            */
	/* sent besides host, x-amz-date and x-amz-content-sha256; lower-case */
	const struct s3_pair *headers;
	const char *payload_sha256; /* hex of the body's sum, or S3_UNSIGNED                  */
	instant at;
};
#define S3_UNSIGNED "UNSIGNED-PAYLOAD"

struct s3_signed {
	char date[17]; /* x-amz-date: 20260102T030405Z                              */
	char request_hash[SHA256_HEX_SIZE], signature[SHA256_HEX_SIZE];
	const char *target;        /* path and query as they go into the request line; arena */
	const char *authorization; /* value of the header; arena                             */
};
/* RC_BAD_INPUT: more pairs than S3_PARAMS_MAX, or a line break in a header. */
enum rc s3_sign(struct s3_signed *out, struct arena *a, const struct s3_key *key,
		const struct s3_call *call) MUST_CHECK;

#define S3_PRESIGN_MAX_S (7 * 24 * 3600) /* the signature's own limit */
/* "/bucket/key?…&X-Amz-Signature=…": an address that opens for expires_s seconds (1…S3_PRESIGN_MAX_S) to
** whoever has it. No request is made. call->method and payload are the GET's own. */
enum rc s3_presign(const char **target, struct s3_signed *out, struct arena *a, const struct s3_key *key,
		   const struct s3_call *call, int expires_s) MUST_CHECK;

#endif
