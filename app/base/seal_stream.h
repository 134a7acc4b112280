/*
** seal_stream.h -- a long stream of bytes under a passphrase: Argon2id and AES-256-GCM in numbered chunks.
**
** The form, so that it can be read without us (all numbers big endian):
**
**   offset  size
**        0     8   "RECADOS1"
**        8     4   Argon2id memory in KiB       RFC 9106, version 0x13, the passphrase as UTF-8,
**       12     4   Argon2id passes              no secret, no associated data, 32 bytes of output:
**       16     4   Argon2id lanes               the AES key
**       20     4   bytes of a chunk (65536)
**       24    16   salt, random
**       40    16   tag of AES-256-GCM over nothing, nonce 12 times 0xff, associated data the 40 bytes before:
**                  tells a wrong passphrase
**       56         chunks
**
** A chunk is the ciphertext of 65,536 bytes (the last one: of 0 to 65,536) and its 16-byte tag; nonce: seven
** zero bytes, the chunk's number from 0 in four bytes, and one byte that is 1 for the last chunk and else 0;
** no associated data. The last chunk is always there, so that a stream cut between two chunks is noticed
** (STREAM: Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
** Misuse-Resistance", 2015). A key is used for one stream only: the salt is new each time.
*/
#ifndef RECADO_BASE_SEAL_STREAM_H
#define RECADO_BASE_SEAL_STREAM_H

#include "base/seal.h"

#define SEAL_HEAD  56
#define SEAL_CHUNK 65536
#define SEAL_TAG   16

struct seal_stream;

/* A new stream to write and its head. The passphrase has at least one byte. */
enum rc seal_stream_new(struct seal_stream **out, unsigned char head[SEAL_HEAD],
			const char *passphrase) MUST_CHECK;
/* Does it begin as a sealed stream does? Pure. */
bool seal_head_is(const unsigned char *p, size_t len);
/* To read. RC_BAD_INPUT: not such a head, or asking for more work than we allow; RC_DENIED: another
** passphrase, or the head was changed. */
enum rc seal_stream_open(struct seal_stream **out, const unsigned char head[SEAL_HEAD],
			 const char *passphrase) MUST_CHECK;
/* The next chunk: len ≤ SEAL_CHUNK (= it, but for the last); out has len + SEAL_TAG bytes. */
enum rc seal_chunk(struct seal_stream *s, unsigned char *out, const unsigned char *in, size_t len,
		   bool is_last) MUST_CHECK;
/* The next chunk of len bytes with its tag; out has len - SEAL_TAG bytes. RC_DENIED: changed, moved, cut. */
enum rc unseal_chunk(struct seal_stream *s, unsigned char *out, const unsigned char *in, size_t len,
		     bool is_last) MUST_CHECK;
void seal_stream_free(struct seal_stream *s); /* NULL is fine */

#endif
