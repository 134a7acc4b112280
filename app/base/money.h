/*
** money.h -- amounts are integers in the currency's smallest unit ("cents").
** Exponents come from ISO 4217: 2 for most, 0 for CLP, PYG…, 3 for KWD….
*/
#ifndef RECADO_BASE_MONEY_H
#define RECADO_BASE_MONEY_H

#include "base/words.h"

#define MONEY_SIZE 40
#define MONEY_MAX  INT64_C(99999999999) /* just under a thousand million in cents: a typing mistake beyond */

bool money_is_currency(const char *code);
int money_exponent(const char *code);
/* "12.99", "12,99", "1.234,56", "1,234.56", "$ 12": into smallest units; negative refused. *why: N_()
** sentence. "1,234" is a thousand where the currency groups so at home; "1.234" is then refused as unclear
** (and vice versa). */
enum rc money_parse(int64_t *out, const char **why, const char *text, const char *currency) MUST_CHECK;
/* For people: "$12.99", "US$12.99"? no: symbol of the currency, then always its decimals ("$1,234.50", "₲ 5.000"). */
void money_text(char out[MONEY_SIZE], int64_t units, const char *currency, enum lang lang);
/* Plain decimal for CSV and JSON: "12.99". */
void money_plain(char out[MONEY_SIZE], int64_t units, const char *currency);

#endif
