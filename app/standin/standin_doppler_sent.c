/*
** standin_doppler_sent.c -- the mails that the stand-in's Doppler Relay took, in little memory.
**
** What became of one is decided by the part of its address before the @ (invalid, rejected, retrying,
** dropped, opened, clicked, with or without a number behind: opened7@example.org), else it is sent and some
** are opened and clicked later, by their address and the clock.
**
** Owns:   a ring of records (24 bytes each), a ring of their addresses, the letters they share.
** Never:  grows past RECORDS_MAX records, ADDRESS_BYTES of addresses and LETTERS_MAX letters: 15 MB at most;
**         the oldest are forgotten then.
** Holds:  a number belongs to one mail from the reset on.
*/
#include "base/mem.h"
#include "standin/standin_doppler.h"

#include <string.h>
#include <strings.h>

#define RECORDS_MAX   250000 /* the largest file of recipients (spec bulk-sends §20)                     */
#define RECORDS_FIRST 1024
#define ADDRESS_BYTES ((size_t)8 * 1024 * 1024)
#define ADDRESS_FIRST ((size_t)32 * 1024)
#define LETTERS_MAX   256

struct record {
	instant at;
	uint32_t address; /* where in the ring */
	uint32_t mark;
	uint16_t len, letter;
	uint8_t fate;
};

struct sent_memory {
	struct record *records; /* number i at i % size */
	size_t size;
	int64_t first, end;
	char *addresses;
	size_t address_size, address_at;
	struct doppler_letter *letters[LETTERS_MAX];
	size_t letter_count, letter_next;
};

struct sent_memory *sent_memory_new(void)
{
	return mem_zeroed(sizeof(struct sent_memory));
}

void sent_memory_reset(struct sent_memory *m)
{
	for (size_t i = 0; i < m->letter_count; i++)
		mem_free(m->letters[i]);
	mem_free(m->records);
	mem_free(m->addresses);
	memset(m, 0, sizeof(*m));
}

void sent_memory_free(struct sent_memory *m)
{
	if (m == NULL) return;
	sent_memory_reset(m);
	mem_free(m);
}

int64_t sent_memory_first(const struct sent_memory *m)
{
	return m->first;
}

int64_t sent_memory_end(const struct sent_memory *m)
{
	return m->end;
}

/* Only while nothing was overwritten, so that every record keeps its place. */
static bool records_grow(struct sent_memory *m)
{
	size_t size = m->size == 0 ? RECORDS_FIRST : m->size * 2;
	struct record *bigger;

	if (m->size == RECORDS_MAX || m->first > 0) return false;
	if (size > RECORDS_MAX) size = RECORDS_MAX;
	bigger = mem_realloc(m->records, size * sizeof(*bigger));
	if (bigger == NULL) return false;
	m->records = bigger;
	m->size = size;
	return true;
}

static bool addresses_grow(struct sent_memory *m, size_t need)
{
	size_t size = m->address_size == 0 ? ADDRESS_FIRST : m->address_size * 2;
	char *bigger;

	if (m->address_size == ADDRESS_BYTES || need > ADDRESS_FIRST) return false;
	bigger = mem_realloc(m->addresses, size);
	if (bigger == NULL) return false;
	m->addresses = bigger;
	m->address_size = size;
	return true;
}

static const struct record *record_of(const struct sent_memory *m, int64_t number)
{
	return &m->records[(size_t)number % m->size];
}

/* Room for len bytes in one piece; whose bytes were there is forgotten. */
static bool address_room(struct sent_memory *m, size_t len)
{
	if (m->address_at + len > m->address_size && !addresses_grow(m, len)) {
		if (len > m->address_size) return false;
		m->address_at = 0;
	}
	while (m->first < m->end) {
		const struct record *oldest = record_of(m, m->first);
		size_t from = oldest->address, until = from + oldest->len;

		if (until <= m->address_at || from >= m->address_at + len) break;
		m->first++;
	}
	return true;
}

/* Bulk sends share them, so the last one fits nearly always. 0xffff: none. */
static uint16_t letter_index(struct sent_memory *m, const struct doppler_letter *letter)
{
	for (size_t i = m->letter_count; i-- > 0;)
		if (strcmp(m->letters[i]->subject, letter->subject) == 0 &&
		    strcmp(m->letters[i]->from, letter->from) == 0 &&
		    strcmp(m->letters[i]->from_name, letter->from_name) == 0)
			return (uint16_t)i;
	if (m->letter_count < LETTERS_MAX) {
		struct doppler_letter *copy = mem_alloc(sizeof(*copy));

		if (copy == NULL) return 0xffff;
		*copy = *letter;
		m->letters[m->letter_count] = copy;
		return (uint16_t)m->letter_count++;
	}
	m->letter_next = (m->letter_next + 1) % LETTERS_MAX;
	*m->letters[m->letter_next] = *letter;
	return (uint16_t)m->letter_next;
}

static uint8_t fate_of(const char *address)
{
	static const struct {
		const char *word;
		enum doppler_fate fate;
	} words[] = { { "invalid", WENT_INVALID },   { "rejected", WENT_REJECTED },
		      { "retrying", WENT_RETRYING }, { "dropped", WENT_DROPPED },
		      { "opened", WENT_OPENED },     { "clicked", WENT_CLICKED } };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i].word);

		if (strncasecmp(address, words[i].word, n) != 0) continue;
		n += strspn(address + n, "0123456789");
		if (address[n] == '@') return (uint8_t)words[i].fate;
	}
	return WENT_SENT;
}

void sent_memory_add(struct sent_memory *m, const char *address, const struct doppler_letter *letter,
		     instant at)
{
	size_t len = strlen(address);
	struct record *r;

	if (len > 255 || !address_room(m, len)) return;
	if ((size_t)(m->end - m->first) == m->size && !records_grow(m)) {
		if (m->size == 0) return;
		m->first++;
	}
	r = &m->records[(size_t)m->end % m->size];
	*r = (struct record){ .at = at,
			      .address = (uint32_t)m->address_at,
			      .len = (uint16_t)len,
			      .letter = letter_index(m, letter),
			      .mark = (uint32_t)ledger_mark(address, "", 0),
			      .fate = fate_of(address) };
	memcpy(m->addresses + m->address_at, address, len);
	m->address_at += len;
	m->end++;
}

/* A third opens it, a tenth clicks, each after some time of its own. */
static void put_life(const struct doppler_stand *d, struct sent_view *v, const struct record *r, int64_t age)
{
	bool opens = r->fate == WENT_OPENED || r->fate == WENT_CLICKED ||
		     (r->fate == WENT_SENT && r->mark % 3 == 0);
	bool clicks = r->fate == WENT_CLICKED || (r->fate == WENT_SENT && r->mark % 10 == 0 && opens);
	int64_t more = r->fate == WENT_SENT ? (int64_t)(r->mark % 7) * d->open_ms : 0;

	v->status = "sent";
	if (opens && d->open_ms >= 0 && age >= d->open_ms + more) v->opens = 1 + (int)(r->mark % 3);
	if (clicks && d->click_ms >= 0 && v->opens > 0 && age >= d->click_ms + more) v->clicks = 1;
}

void sent_memory_at(const struct doppler_stand *d, struct sent_view *out, int64_t number, instant now)
{
	static const struct doppler_letter none;
	const struct sent_memory *m = d->sent;
	const struct record *r = record_of(m, number);
	int64_t age = now - r->at;

	*out = (struct sent_view){ .address = m->addresses + r->address,
				   .address_len = r->len,
				   .letter = r->letter < m->letter_count ? m->letters[r->letter] : &none,
				   .at = r->at,
				   .status = "queued",
				   .bounce = "",
				   .number = number };
	if (age < d->sent_ms) return;
	switch (r->fate) {
	case WENT_INVALID:
		out->status = "invalid";
		out->bounce = "hard";
		break;
	case WENT_REJECTED:
		out->status = "rejected";
		out->bounce = "soft";
		break;
	case WENT_RETRYING: out->status = "retrying"; break;
	case WENT_DROPPED: out->status = "dropped"; break;
	default: put_life(d, out, r, age); break;
	}
}
