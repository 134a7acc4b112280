/*
** totp.c -- codes of six digits that change every half minute.
**
** Needs:  base/seal.h for the sum.
** Never:  looks at a clock or stores anything: time and the last step used are handed in.
** Holds:  (1) a step that was used, or one before it, is never right again; (2) reading is total.
*/
#include "web/totp.h"
#include "base/sb.h"
#include "base/seal.h"
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

uint32_t hotp_code(const unsigned char *key, size_t len, uint64_t counter, int digits)
{
	unsigned char message[8], sum[SHA1_SIZE];
	uint32_t bits, modulus = 1;
	size_t at;

	for (size_t i = 0; i < sizeof message; i++)
		message[i] = (unsigned char)(counter >> (8 * (7 - i)));
	hmac_sha1(sum, key, len, message, sizeof message);
	at = sum[SHA1_SIZE - 1] & 15;
	bits = ((uint32_t)(sum[at] & 0x7f) << 24) | ((uint32_t)sum[at + 1] << 16) |
	       ((uint32_t)sum[at + 2] << 8) | sum[at + 3];
	for (int i = 0; i < digits; i++)
		modulus *= 10;
	return bits % modulus;
}

int64_t totp_step(const unsigned char key[TOTP_KEY_SIZE], int64_t now_s, int64_t last_step, uint32_t code)
{
	int64_t now = now_s / TOTP_STEP_S, found = -1;

	for (int64_t step = now - TOTP_WINDOW; step <= now + TOTP_WINDOW; step++)
		if (step > last_step && step >= 0 && found < 0 &&
		    hotp_code(key, TOTP_KEY_SIZE, (uint64_t)step, TOTP_DIGITS) == code)
			found = step;
	return found;
}

enum rc totp_code_read(uint32_t *out, const char *text)
{
	uint32_t code = 0;
	int digits = 0;

	for (; *text != '\0'; text++) {
		if (*text == ' ' || *text == '-') continue;
		if (*text < '0' || *text > '9' || digits == TOTP_DIGITS) return RC_BAD_INPUT;
		code = code * 10 + (uint32_t)(*text - '0');
		digits++;
	}
	if (digits != TOTP_DIGITS) return RC_BAD_INPUT;
	*out = code;
	return RC_OK;
}

void totp_secret_text(char out[TOTP_SECRET_SIZE], const unsigned char key[TOTP_KEY_SIZE])
{
	uint32_t bits = 0, n = 0;
	size_t len = 0;

	for (size_t i = 0; i < TOTP_KEY_SIZE; i++) {
		bits = (bits << 8) | key[i];
		for (n += 8; n >= 5; n -= 5)
			out[len++] = alphabet[(bits >> (n - 5)) & 31];
	}
	out[len] = '\0'; /* 160 bits are 32 letters: nothing is left over */
}

enum rc totp_secret_read(unsigned char key[TOTP_KEY_SIZE], const char *text)
{
	unsigned char bytes[TOTP_KEY_SIZE];
	uint32_t bits = 0, n = 0;
	size_t len = 0;

	for (; *text != '\0'; text++) {
		char c = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
		const char *at;

		if (c == ' ' || c == '-') continue;
		at = strchr(alphabet, c);
		if (at == NULL) return RC_BAD_INPUT;
		bits = (bits << 5) | (uint32_t)(at - alphabet);
		n += 5;
		if (n < 8) continue;
		if (len == TOTP_KEY_SIZE) return RC_BAD_INPUT;
		n -= 8;
		bytes[len++] = (unsigned char)(bits >> n);
	}
	if (len != TOTP_KEY_SIZE || n != 0) return RC_BAD_INPUT;
	memcpy(key, bytes, sizeof bytes);
	explicit_bzero(bytes, sizeof bytes);
	return RC_OK;
}

const char *totp_link(struct arena *a, const char *issuer, const char *name, const char *secret)
{
	struct sb sb;

	sb_init_arena(&sb, a, 2048);
	sb_lit(&sb, "otpauth://totp/");
	sb_url(&sb, issuer, strlen(issuer));
	sb_char(&sb, ':');
	sb_url(&sb, name, strlen(name));
	sb_lit(&sb, "?secret=");
	sb_text(&sb, secret);
	sb_lit(&sb, "&issuer=");
	sb_url(&sb, issuer, strlen(issuer));
	return sb_text_of(&sb);
}
