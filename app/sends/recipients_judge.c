/*
** recipients_judge.c -- is a row sent? What it says itself, what earlier rows said, who wants no mail.
**
** Owns:   the sets of what was seen: 16 bytes an entry, however long a row is.
** Holds:  two rows are taken for the same by 128 bits of a hash with a key of its own: no file a person can
** make has two that differ.
*/
#include "sends/bulk.h"
#include "sends/recipients_inner.h"

#include "base/mem.h"
#include "base/text.h"
#include <string.h>

#define SET_FIRST 1024 /* slots; doubled when three quarters are taken */

/* The set */

static uint64_t *slot_of(const struct key_set *set, const uint64_t key[2])
{
	size_t i = (size_t)key[0] & (set->room - 1);

	while ((set->slots[i][0] != 0 || set->slots[i][1] != 0) &&
	       (set->slots[i][0] != key[0] || set->slots[i][1] != key[1]))
		i = (i + 1) & (set->room - 1);
	return set->slots[i];
}

static enum rc grow(struct key_set *set)
{
	struct key_set larger = { .room = set->room == 0 ? SET_FIRST : 2 * set->room, .count = set->count };

	larger.slots = mem_zeroed(larger.room * sizeof(larger.slots[0]));
	if (larger.slots == NULL) return RC_NO_MEMORY;
	for (size_t i = 0; i < set->room; i++)
		if (set->slots[i][0] != 0 || set->slots[i][1] != 0)
			memcpy(slot_of(&larger, set->slots[i]), set->slots[i], sizeof(larger.slots[0]));
	key_set_free(set);
	*set = larger;
	return RC_OK;
}

enum rc key_set_add(struct key_set *set, const uint64_t key[2], bool *is_new)
{
	uint64_t *slot;

	if (4 * (set->count + 1) > 3 * set->room && grow(set) != RC_OK) return RC_NO_MEMORY;
	slot = slot_of(set, key);
	*is_new = slot[0] == 0 && slot[1] == 0;
	if (*is_new) {
		memcpy(slot, key, 2 * sizeof(*key));
		set->count++;
	}
	return RC_OK;
}

bool key_set_has(const struct key_set *set, const uint64_t key[2])
{
	const uint64_t *slot;

	if (set->count == 0) return false;
	slot = slot_of(set, key);
	return slot[0] != 0 || slot[1] != 0;
}

void key_set_free(struct key_set *set)
{
	mem_free(set->slots);
	*set = (struct key_set){ .slots = NULL };
}

/* Keys: SipHash-2-4-128 */

static uint64_t turn(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void rounds(uint64_t v[4], int count)
{
	for (; count > 0; count--) {
		v[0] += v[1], v[1] = turn(v[1], 13) ^ v[0], v[0] = turn(v[0], 32);
		v[2] += v[3], v[3] = turn(v[3], 16) ^ v[2];
		v[0] += v[3], v[3] = turn(v[3], 21) ^ v[0];
		v[2] += v[1], v[1] = turn(v[1], 17) ^ v[2], v[2] = turn(v[2], 32);
	}
}

/* The machines this runs on are little-endian, as the hash's words are. */
void sip_hash(uint64_t out[2], const struct sip_key *key, const char *p, size_t len)
{
	uint64_t v[4] = { key->k[0] ^ UINT64_C(0x736f6d6570736575),
			  key->k[1] ^ UINT64_C(0x646f72616e646f6d) ^ 0xEE,
			  key->k[0] ^ UINT64_C(0x6c7967656e657261),
			  key->k[1] ^ UINT64_C(0x7465646279746573) };
	uint64_t last = (uint64_t)len << 56, word = 0;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		v[3] ^= word;
		rounds(v, 2);
		v[0] ^= word;
	}
	word = 0;
	memcpy(&word, p, len);
	last |= word;
	v[3] ^= last;
	rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xEE;
	rounds(v, 4);
	out[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
	v[1] ^= 0xDD;
	rounds(v, 4);
	out[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The judge */

enum dedupe dedupe_of(const char *text)
{
	if (text != NULL && strcmp(text, "all") == 0) return DEDUPE_ALL;
	return text != NULL && strcmp(text, "address") == 0 ? DEDUPE_ADDRESS : DEDUPE_EXACT;
}

static enum rc add_suppressed(void *arg, const char *address)
{
	struct judge *j = arg;
	uint64_t key[2];
	bool is_new;

	sip_hash(key, &j->key, address, strlen(address));
	return key_set_add(&j->suppressed, key, &is_new);
}

void judge_begin(struct judge *j, const char *dedupe)
{
	memset(j, 0, sizeof(*j));
	j->dedupe = dedupe_of(dedupe);
	random_bytes(&j->key, sizeof(j->key));
	sb_init(&j->payload, PAYLOAD_MAX);
}

enum rc judge_open(struct cx *cx, struct judge *j, const char *dedupe, bool skips_suppressed)
{
	judge_begin(j, dedupe);
	return suppressed_each(cx, skips_suppressed ? BULK_TOPIC : BULK_TOPIC_ALL, add_suppressed, j);
}

void judge_close(struct judge *j)
{
	key_set_free(&j->addresses);
	key_set_free(&j->rows);
	key_set_free(&j->suppressed);
	sb_free(&j->payload);
}

/* Of address, and of payload with the address behind it for that moment. */
static enum rc keys_of(struct judge *j, const char *address, uint64_t of_address[2], uint64_t of_row[2])
{
	size_t len = strlen(address), payload = j->payload.len;

	sip_hash(of_address, &j->key, address, len);
	j->payload.max = PAYLOAD_MAX + RECIPIENT_KEPT_MAX;
	sb_bytes(&j->payload, address, len);
	j->payload.max = PAYLOAD_MAX;
	if (sb_result(&j->payload) != RC_OK) return sb_result(&j->payload);
	sip_hash(of_row, &j->key, j->payload.p, j->payload.len);
	j->payload.p[j->payload.len = payload] = '\0';
	return RC_OK;
}

static bool is_suppressed(const struct judge *j, struct arena *a, const char *address)
{
	uint64_t key[2];
	const char *lower;

	if (j->suppressed.count == 0) return false;
	lower = text_lower_ascii(a, address);
	sip_hash(key, &j->key, lower, strlen(lower));
	return key_set_has(&j->suppressed, key);
}

/* A row that is fine by itself. */
static enum rc compare(struct judge *j, struct arena *a, struct recipient_row *row)
{
	uint64_t of_address[2], of_row[2];
	bool is_new_address = true, is_new_row = true;
	enum rc rc;

	if (is_suppressed(j, a, row->address)) {
		row->code = ROW_SUPPRESSED;
		return RC_OK;
	}
	rc = keys_of(j, row->address, of_address, of_row);
	if (rc == RC_OK) rc = key_set_add(&j->addresses, of_address, &is_new_address);
	if (rc == RC_OK) rc = key_set_add(&j->rows, of_row, &is_new_row);
	if (rc != RC_OK) return rc;
	j->same_address += !is_new_address;
	j->duplicates += !is_new_row;
	if ((j->dedupe == DEDUPE_EXACT && !is_new_row) || (j->dedupe == DEDUPE_ADDRESS && !is_new_address))
		row->code = ROW_DUPLICATE;
	return RC_OK;
}

enum rc judge_row(struct judge *j, struct recipients_file *f, struct arena *a, struct recipient_row *row)
{
	enum rc rc = RC_OK;

	recipients_read_row(f, a, row, &j->payload);
	if (row->code == ROW_VALID) {
		rc = sb_result(&j->payload);
		if (rc == RC_OK) rc = compare(j, a, row);
	}
	if (rc != RC_OK) return rc;
	j->counts[row->code]++;
	if (row->code != ROW_VALID) return RC_OK;
	j->typos += recipient_typo(row->address) != NULL;
	for (size_t i = 0; i < f->variable_count; i++)
		f->variables[i].empty += f->variables[i].is_blank;
	return RC_OK;
}

void judge_tell(const struct judge *j, const struct recipients_file *f, struct arena *a, struct value *map)
{
	struct value *list;

	value_set_text(a, map, "encoding", f->encoding);
	value_set_text(a, map, "delimiter", arena_bytes(a, &f->csv.delimiter, 1));
	list = value_set_list(a, map, "headers");
	for (size_t i = 0; i < f->header_count; i++)
		value_add_text(a, list, f->header[i]);
	value_set_text(a, map, "email_column", f->email >= 0 ? f->header[f->email] : "");
	value_set_text(a, map, "name_column", f->name >= 0 ? f->header[f->name] : "");
	list = value_set_list(a, map, "columns");
	for (size_t i = 0; i < f->variable_count; i++) {
		struct value *column = value_add_map(a, list);

		value_set_text(a, column, "name", f->variables[i].key);
		value_set_int(a, column, "empty", f->variables[i].empty);
	}
	value_set_int(a, map, "duplicates", j->duplicates);
	value_set_int(a, map, "same_address", j->same_address);
	value_set_int(a, map, "suppressed", j->counts[ROW_SUPPRESSED]);
	value_set_int(a, map, "typos", j->typos);
}
