/*
** seal.h -- secrets: random bytes, hashes, sealing, passwords, comparing.
** The only room (with link and certs) that sees mbedTLS and argon2.
*/
#ifndef RECADO_BASE_SEAL_H
#define RECADO_BASE_SEAL_H

#include "base/sb.h"

#define SHA256_SIZE     32
#define SHA256_HEX_SIZE 65
#define SHA1_SIZE       20
/* 26 characters a-z2-7 and NUL: ten of the time, in order (48 bits of milliseconds), then 80 random bits */
#define PUBLIC_ID_SIZE 27
#define PUBLIC_ID_TIME 10
#define TOKEN_SIZE     53 /* 52 characters of base32: 260 random bits, and NUL            */

enum rc seal_start(void) MUST_CHECK; /* psa_crypto_init; first thing in main */

void random_bytes(void *out, size_t len); /* getrandom(2); ends the process if the kernel has none */
/* To name a row, never to prove who somebody is: ids of one moment begin alike. */
void public_id_new(char out[PUBLIC_ID_SIZE]);
/* count random letters a-z2-7, five bits each, and NUL: codes that people read out or type. */
void random_letters(char *out, size_t count);
void token_new(char out[TOKEN_SIZE]);

void sha256(unsigned char out[SHA256_SIZE], const void *p, size_t len);
void sha256_hex(char out[SHA256_HEX_SIZE], const void *p, size_t len);
struct sha256_stream;
struct sha256_stream *sha256_open(void); /* NULL: no memory */
void sha256_add(struct sha256_stream *s, const void *p, size_t len);
void sha256_close(struct sha256_stream *s, char out[SHA256_HEX_SIZE]); /* frees s */

/* RFC 2104 with SHA-1: what apps that make log-in codes use (RFC 4226 §5.2); for nothing else. */
void hmac_sha1(unsigned char out[SHA1_SIZE], const void *key, size_t key_len, const void *p, size_t len);
/* RFC 2104 with SHA-256; out may be the key. */
void hmac_sha256(unsigned char out[SHA256_SIZE], const void *key, size_t key_len, const void *p, size_t len);

/* Base64 (RFC 4648 §4) without line breaks. */
void sb_base64(struct sb *sb, const void *p, size_t len);
/* The bytes of such a text, blanks and line breaks inside left out; in the arena. RC_BAD_INPUT: it is
** none. */
enum rc base64_read(struct arena *a, struct bytes *out, const char *text) MUST_CHECK;

bool same_bytes(const void *a, size_t alen, const void *b, size_t blen); /* constant time in blen */

/* The house key: 32 bytes in the file `key` of the state folder, 0600. */
struct seal_key;
enum rc seal_key_create(const char *path) MUST_CHECK; /* RC_CONFLICT if it is there */
/*
** RC_NOT_FOUND: no file; RC_DENIED: others than the owner may read it (or we may not); RC_BAD_INPUT: not a
** key.
*/
enum rc seal_key_load(struct seal_key **out, const char *path) MUST_CHECK;
void seal_key_free(struct seal_key *k);
/* Which key it is, in 16 hex digits that tell nothing of it: the beginning of SHA-256 of "recado key id" and
** the 32 bytes. */
#define SEAL_KEY_ID_SIZE 17
void seal_key_id(const struct seal_key *k, char out[SEAL_KEY_ID_SIZE]);
/* Of the key that a recovery code, as typed, stands for. RC_BAD_INPUT: mistyped. */
enum rc seal_key_id_of_code(char out[SEAL_KEY_ID_SIZE], const char *code) MUST_CHECK;
/* Recovery code of the key, to be printed once: groups of letters. */
void seal_key_recovery(const struct seal_key *k, char out[96]);
/*
** Create the key file from that code, blanks and case as typed. RC_BAD_INPUT: mistyped; RC_CONFLICT if a key
** is there.
*/
enum rc seal_key_restore(const char *path, const char *code) MUST_CHECK;
/* "v1:" base64 text of nonce, AES-256-GCM ciphertext and tag; context (table.column:id) is authenticated. */
enum rc seal_text(struct arena *a, char **out, const struct seal_key *k, const char *context,
		  const char *text) MUST_CHECK;
/* RC_BAD_INPUT: no sealed text; RC_DENIED: another key, another context, or changed bytes. */
enum rc unseal_text(struct arena *a, char **out, const struct seal_key *k, const char *context,
		    const char *sealed) MUST_CHECK;

/* Proof that a text is one of this house's: HMAC-SHA-256 under a key that is made of the house key and the
** purpose ("unsubscribe"), so that a proof for one thing is none for another. */
void seal_proof(unsigned char out[SHA256_SIZE], const struct seal_key *k, const char *purpose, const void *p,
		size_t len);
/* The first count characters of the lower-case base32 (RFC 4648 alphabet, no padding) of bits; NUL added. */
void base32_text(char *out, size_t count, const unsigned char *bits, size_t len);

/* Signatures of others (seal_sign.c): ECDSA on P-256 with SHA-256 over a and then b. key: base64 of the DER
** public key (SubjectPublicKeyInfo), with or without PEM's armour; signature: base64 of the DER one.
** RC_DENIED: not signed by that key; RC_BAD_INPUT: the key cannot be read. */
enum rc sign_check(const char *key, const char *signature, struct bytes a, struct bytes b) MUST_CHECK;
/* A pair of one's own, for who plays a provider. NULL: no memory. */
struct sign_key;
struct sign_key *sign_key_new(void);
void sign_key_free(struct sign_key *k); /* NULL is fine */
#define SIGN_PUBLIC_SIZE 160            /* base64 of 91 bytes, and NUL */
#define SIGN_TEXT_SIZE   112            /* base64 of at most 72 bytes  */
void sign_key_public(const struct sign_key *k, char out[SIGN_PUBLIC_SIZE]);
void sign_make(const struct sign_key *k, char out[SIGN_TEXT_SIZE], struct bytes a, struct bytes b);

/*
** Argon2id, 19 MiB, t=2, p=1 (OWASP): encoded string. One hash at a time in the process, a short queue;
** RC_TRY_LATER when it is full.
*/
#define PASSWORD_HASH_SIZE 128
enum rc password_hash(char out[PASSWORD_HASH_SIZE], const char *password) MUST_CHECK;
/* RC_DENIED when wrong. encoded NULL (no such user): takes the time of a real check, then RC_DENIED. */
enum rc password_check(const char *encoded, const char *password) MUST_CHECK;
/* 32 bytes of a key from a passphrase, by the same hash in the same slot, but with patience: it waits for its
** turn. RC_BAD_INPUT: a cost beyond what a stored password may ask for, or no passphrase. */
#define PASSWORD_SALT_SIZE 16
struct password_cost {
	uint32_t memory_kib, passes, lanes;
};
void password_cost_usual(struct password_cost *out);
enum rc password_key(unsigned char out[32], const char *passphrase,
		     const unsigned char salt[PASSWORD_SALT_SIZE],
		     const struct password_cost *cost) MUST_CHECK;

#endif
