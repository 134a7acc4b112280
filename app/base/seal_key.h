/*
** seal_key.h -- the inside of the house key, for seal.c and seal_key.c. Others use seal.h.
*/
#ifndef RECADO_BASE_SEAL_KEY_H
#define RECADO_BASE_SEAL_KEY_H

#include "base/seal.h"

#include <psa/crypto.h>

struct seal_key {
	psa_key_id_t id; /* volatile, exportable: for the recovery code only */
};

#endif
