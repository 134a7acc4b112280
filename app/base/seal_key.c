/*
** seal_key.c -- the house key: its file, and the code that brings it back from paper.
**
** Owns:   the file `key` of the state folder, struct seal_key.
** Needs:  mbedTLS's PSA after seal_start().
** Never:  replaces a key file: what it sealed would be lost.
** Holds:  (1) the file appears whole, synced, 0600, or not at all; (2) plain key bytes are wiped before
** return;
**         (3) a recovery code with one wrong letter is refused, except one time in a million.
*/
#include "base/seal_key.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/platform_util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_SIZE       32
#define KEY_LETTERS    52   /* 256 bits, 5 a letter                                        */
#define CHECK_LETTERS  4    /* 20 bits of SHA-256: one wrong letter in 10^6 passes         */
#define UNIQUE_LETTERS 8    /* two set-ups at once must not write into one file */
#define GROUP          4    /* letters a group: what people copy without losing their place */
#define CODE_MAX       200  /* with all the blanks somebody may type                       */
#define PATH_ROOM      4096 /* PATH_MAX of Linux                                           */

static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

void base32_text(char *out, size_t count, const unsigned char *bits, size_t len)
{
	size_t i;

	for (i = 0; i < count; i++) {
		size_t at = i * 5 / 8, shift = i * 5 % 8;
		unsigned two = (at < len ? (unsigned)bits[at] << 8 : 0) | (at + 1 < len ? bits[at + 1] : 0u);

		out[i] = letters[two >> (11 - shift) & 31];
	}
	out[count] = '\0';
}

/* The file */

static enum rc rc_of_errno(int err)
{
	switch (err) {
	case ENOENT:
	case ENOTDIR: return RC_NOT_FOUND;
	case EACCES:
	case EPERM: return RC_DENIED;
	case EEXIST: return RC_CONFLICT;
	default: return RC_IO;
	}
}

/* The folder's entry must be on the disk too, or a power cut takes the key and leaves what it sealed. */
static enum rc sync_folder(const char *path)
{
	char folder[PATH_ROOM];
	const char *slash = strrchr(path, '/');
	enum rc rc = RC_OK;
	int fd;

	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	else
		snprintf(folder, sizeof(folder), ".");
	if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) return rc_of_errno(errno);
	if (fsync(fd) != 0) rc = RC_IO;
	close(fd);
	return rc;
}

/* Written beside, synced, then linked into place: link(2) fails if a key is there already. */
static enum rc write_key(const char *path, const unsigned char key[KEY_SIZE])
{
	char aside[PATH_ROOM], unique[UNIQUE_LETTERS + 1];
	enum rc rc = RC_OK;
	int fd, n;

	random_letters(unique, UNIQUE_LETTERS);
	n = snprintf(aside, sizeof(aside), "%s.%s", path, unique);
	if (n < 0 || (size_t)n >= sizeof(aside)) return RC_TOO_LARGE;
	if (access(path, F_OK) == 0) return RC_CONFLICT;
	if ((fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		return rc_of_errno(errno);
	if (write(fd, key, KEY_SIZE) != KEY_SIZE || fsync(fd) != 0) rc = RC_IO;
	if (close(fd) != 0) rc = RC_IO;
	if (rc == RC_OK && link(aside, path) != 0) {
		/* File systems without links (FAT, some network ones): nobody else sets up this folder now.
		 */
		if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK)
			rc = rc_of_errno(errno);
		else if (rename(aside, path) != 0)
			rc = rc_of_errno(errno);
	}
	unlink(aside);
	return rc == RC_OK ? sync_folder(path) : rc;
}

enum rc seal_key_create(const char *path)
{
	unsigned char key[KEY_SIZE];
	enum rc rc;

	random_bytes(key, sizeof(key));
	rc = write_key(path, key);
	mbedtls_platform_zeroize(key, sizeof(key));
	return rc;
}

static enum rc read_key(const char *path, unsigned char key[KEY_SIZE])
{
	unsigned char more;
	struct stat st;
	enum rc rc = RC_OK;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) return rc_of_errno(errno);
	if (fstat(fd, &st) != 0)
		rc = RC_IO;
	else if (!S_ISREG(st.st_mode))
		rc = RC_BAD_INPUT;
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		rc = RC_DENIED;
	else if (read(fd, key, KEY_SIZE) != KEY_SIZE || read(fd, &more, 1) != 0)
		rc = RC_BAD_INPUT;
	close(fd);
	return rc;
}

enum rc seal_key_load(struct seal_key **out, const char *path)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	unsigned char bytes[KEY_SIZE];
	struct seal_key *k = NULL;
	enum rc rc = read_key(path, bytes);

	if (rc == RC_OK && !(k = mem_alloc(sizeof(*k)))) rc = RC_NO_MEMORY;
	if (rc == RC_OK) {
		psa_set_key_type(&attributes, PSA_KEY_TYPE_AES);
		psa_set_key_bits(&attributes, KEY_SIZE * 8);
		psa_set_key_algorithm(&attributes, PSA_ALG_GCM);
		psa_set_key_usage_flags(&attributes,
					PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT | PSA_KEY_USAGE_EXPORT);
		if (psa_import_key(&attributes, bytes, KEY_SIZE, &k->id) != PSA_SUCCESS)
			rc = RC_BUG; /* seal_start() was forgotten */
	}
	mbedtls_platform_zeroize(bytes, sizeof(bytes));
	if (rc == RC_OK)
		*out = k;
	else
		mem_free(k);
	return rc;
}

void seal_key_free(struct seal_key *k)
{
	if (k) psa_destroy_key(k->id);
	mem_free(k);
}

void seal_proof(unsigned char out[SHA256_SIZE], const struct seal_key *k, const char *purpose, const void *p,
		size_t len)
{
	unsigned char key[KEY_SIZE];
	size_t n = 0;

	if (psa_export_key(k->id, key, sizeof(key), &n) != PSA_SUCCESS || n != KEY_SIZE) abort();
	hmac_sha256(key, key, sizeof(key), purpose, strlen(purpose));
	hmac_sha256(out, key, sizeof(key), p, len);
	mbedtls_platform_zeroize(key, sizeof(key));
}

/* The recovery code */

/* All letters: the key's and the check's. */
static void code_letters(char out[KEY_LETTERS + CHECK_LETTERS + 1], const unsigned char key[KEY_SIZE])
{
	unsigned char sum[SHA256_SIZE];

	base32_text(out, KEY_LETTERS, key, KEY_SIZE);
	sha256(sum, key, KEY_SIZE);
	base32_text(out + KEY_LETTERS, CHECK_LETTERS, sum, sizeof(sum));
	mbedtls_platform_zeroize(sum, sizeof(sum));
}

void seal_key_recovery(const struct seal_key *k, char out[96])
{
	char all[KEY_LETTERS + CHECK_LETTERS + 1];
	unsigned char key[KEY_SIZE];
	size_t len = 0, i, o = 0;

	out[0] = '\0';
	if (psa_export_key(k->id, key, sizeof(key), &len) != PSA_SUCCESS || len != KEY_SIZE) return;
	code_letters(all, key);
	for (i = 0; all[i]; i++) {
		if (i > 0 && i % GROUP == 0) out[o++] = '-';
		out[o++] = all[i] >= 'a' ? (char)(all[i] - 'a' + 'A') : all[i];
	}
	out[o] = '\0';
	mbedtls_platform_zeroize(key, sizeof(key));
	mbedtls_platform_zeroize(all, sizeof(all));
}

/* The value of a letter as a person types it; -1 if it is none. 0 and 8 are not in the alphabet: O and B are.
 */
static int letter_value(char c)
{
	if (c >= 'A' && c <= 'Z') return c - 'A';
	if (c >= 'a' && c <= 'z') return c - 'a';
	if (c >= '2' && c <= '7') return c - '2' + 26;
	return c == '0' ? 'O' - 'A' : c == '8' ? 'B' - 'A' : -1;
}

static enum rc read_code(const char *code, unsigned char key[KEY_SIZE])
{
	char typed[KEY_LETTERS + CHECK_LETTERS + 1], real[KEY_LETTERS + CHECK_LETTERS + 1];
	unsigned bits = 0, have = 0;
	size_t n = 0, bytes = 0;
	enum rc rc = RC_OK;

	if (strlen(code) > CODE_MAX) return RC_BAD_INPUT;
	for (; *code; code++) {
		int v = letter_value(*code);

		if (*code == '-' || *code == ' ' || *code == '\n' || *code == '\r' || *code == '\t') continue;
		if (v < 0 || n == KEY_LETTERS + CHECK_LETTERS) return RC_BAD_INPUT;
		typed[n++] = letters[v];
		bits = bits << 5 | (unsigned)v;
		have += 5;
		if (have >= 8 && bytes < KEY_SIZE) {
			key[bytes++] = (unsigned char)(bits >> (have - 8));
			have -= 8;
		}
		bits &= 0xffff;
	}
	typed[n] = '\0';
	if (n != KEY_LETTERS + CHECK_LETTERS) return RC_BAD_INPUT;
	code_letters(real, key);
	if (!same_bytes(typed, n, real, n)) rc = RC_BAD_INPUT;
	mbedtls_platform_zeroize(real, sizeof(real));
	mbedtls_platform_zeroize(typed, sizeof(typed));
	return rc;
}

static void id_of(char out[SEAL_KEY_ID_SIZE], const unsigned char key[KEY_SIZE])
{
	static const char prefix[] = "recado key id";
	unsigned char text[sizeof(prefix) - 1 + KEY_SIZE];
	char sum[SHA256_HEX_SIZE];

	memcpy(text, prefix, sizeof(prefix) - 1);
	memcpy(text + sizeof(prefix) - 1, key, KEY_SIZE);
	sha256_hex(sum, text, sizeof(text));
	memcpy(out, sum, SEAL_KEY_ID_SIZE - 1);
	out[SEAL_KEY_ID_SIZE - 1] = '\0';
	mbedtls_platform_zeroize(text, sizeof(text));
}

void seal_key_id(const struct seal_key *k, char out[SEAL_KEY_ID_SIZE])
{
	unsigned char key[KEY_SIZE];
	size_t len = 0;

	out[0] = '\0';
	if (psa_export_key(k->id, key, sizeof(key), &len) == PSA_SUCCESS && len == KEY_SIZE) id_of(out, key);
	mbedtls_platform_zeroize(key, sizeof(key));
}

enum rc seal_key_id_of_code(char out[SEAL_KEY_ID_SIZE], const char *code)
{
	unsigned char key[KEY_SIZE];
	enum rc rc = read_code(code, key);

	if (rc == RC_OK) id_of(out, key);
	mbedtls_platform_zeroize(key, sizeof(key));
	return rc;
}

enum rc seal_key_restore(const char *path, const char *code)
{
	unsigned char key[KEY_SIZE];
	enum rc rc = read_code(code, key);

	if (rc == RC_OK) rc = write_key(path, key);
	mbedtls_platform_zeroize(key, sizeof(key));
	return rc;
}
