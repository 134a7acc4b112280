/*
** import_keys.c -- what was seen in a file, by key: a set of hashes.
**
** Never:  keeps the keys themselves: 250,000 of them would be most of an import's memory.
** Holds:  (1) at most half of the places are taken, so that a look is short; (2) two keys of one file that
**         share a 64-bit hash (once in 500 million files of the largest size) count as one: the second row is
**         told as a duplicate and nothing is lost.
*/
#include "desk/import.h"

#include "base/mem.h"

#define FIRST_PLACES 1024
#define KEYS_MAX     (2 * IMPORT_ROWS_MAX) /* a row has an id and a key */

struct place {
	uint64_t hash; /* 0 = free */
	int64_t value;
};

struct import_keys {
	struct place *places;
	size_t room, count;
};

struct import_keys *import_keys_new(void)
{
	struct import_keys *k = mem_zeroed(sizeof(*k));

	if (k == NULL) return NULL;
	k->room = FIRST_PLACES;
	k->places = mem_zeroed(k->room * sizeof(*k->places));
	if (k->places != NULL) return k;
	mem_free(k);
	return NULL;
}

void import_keys_free(struct import_keys *k)
{
	if (k == NULL) return;
	mem_free(k->places);
	mem_free(k);
}

/* FNV-1a, 64 bit (the offset basis and prime are its definition), then mixed so that low bits serve. */
static uint64_t hash_of(const char *key)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * UINT64_C(1099511628211);
	h ^= h >> 32;
	return h != 0 ? h : 1;
}

static struct place *find(struct place *places, size_t room, uint64_t hash)
{
	size_t i = (size_t)hash & (room - 1);

	while (places[i].hash != 0 && places[i].hash != hash)
		i = (i + 1) & (room - 1);
	return &places[i];
}

int64_t import_keys_get(const struct import_keys *k, const char *key)
{
	const struct place *p = find(k->places, k->room, hash_of(key));

	return p->hash != 0 ? p->value : -1;
}

static enum rc grow(struct import_keys *k)
{
	size_t room = k->room * 2;
	struct place *places = mem_zeroed(room * sizeof(*places));

	if (places == NULL) return RC_NO_MEMORY;
	for (size_t i = 0; i < k->room; i++)
		if (k->places[i].hash != 0) *find(places, room, k->places[i].hash) = k->places[i];
	mem_free(k->places);
	k->places = places;
	k->room = room;
	return RC_OK;
}

enum rc import_keys_put(struct import_keys *k, const char *key, int64_t value)
{
	uint64_t hash = hash_of(key);
	struct place *p;

	if (k->count >= KEYS_MAX) return RC_TOO_LARGE;
	if (k->count >= k->room / 2) {
		enum rc rc = grow(k);

		if (rc != RC_OK) return rc;
	}
	p = find(k->places, k->room, hash);
	if (p->hash != 0) return RC_OK;
	*p = (struct place){ .hash = hash, .value = value };
	k->count++;
	return RC_OK;
}
