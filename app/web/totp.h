/*
** totp.h -- codes of six digits that change every half minute (RFC 4226, RFC 6238). Pure.
*/
#ifndef RECADO_WEB_TOTP_H
#define RECADO_WEB_TOTP_H

#include "base/arena.h"

#define TOTP_KEY_SIZE    20 /* as long as the sum itself: RFC 4226 §4 R6                    */
#define TOTP_SECRET_SIZE 33 /* the same in base32, and NUL                                  */
#define TOTP_STEP_S      30 /* the only step that every app knows                           */
#define TOTP_DIGITS      6
#define TOTP_WINDOW      1 /* steps a phone's clock may be off, each way (RFC 6238 §5.2)    */

/* RFC 4226 §5.3: the code of `digits` (6 to 8) digits at this counter. */
uint32_t hotp_code(const unsigned char *key, size_t len, uint64_t counter, int digits);

/* The step whose code this is: within the window around now and after last_step (a code is good once), or -1.
*/
int64_t totp_step(const unsigned char key[TOTP_KEY_SIZE], int64_t now_s, int64_t last_step, uint32_t code);

/* "123 456", "123-456", "123456": RC_BAD_INPUT for anything that is not six digits. Total. */
enum rc totp_code_read(uint32_t *out, const char *text) MUST_CHECK;

/* RFC 4648 §6, upper case, no padding. */
void totp_secret_text(char out[TOTP_SECRET_SIZE], const unsigned char key[TOTP_KEY_SIZE]);
/* Blanks, hyphens and lower case are fine. RC_BAD_INPUT: no such secret. Total. */
enum rc totp_secret_read(unsigned char key[TOTP_KEY_SIZE], const char *text) MUST_CHECK;

/* otpauth://totp/ISSUER:NAME?secret=…&issuer=ISSUER (the key URI that apps read from the picture). */
const char *totp_link(struct arena *a, const char *issuer, const char *name, const char *secret);

#endif
