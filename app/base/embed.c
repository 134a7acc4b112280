/*
** embed.c -- looks files up in the index that the build made (etc/build/embed.c writes it).
**
** Owns:   nothing; the index is read-only data of the binary.
** Holds:  the index is sorted by strcmp without doubles, so both searches are binary.
*/
#include "base/embed.h"

#include <string.h>

extern const struct embedded embed_index[];
extern const size_t embed_total;

size_t embed_first(const char *prefix)
{
	size_t lo = 0, hi = embed_total;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(embed_index[mid].name, prefix) < 0) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo;
}

const struct embedded *embed_find(const char *name)
{
	size_t i = embed_first(name);

	return i < embed_total && strcmp(embed_index[i].name, name) == 0 ? &embed_index[i] : NULL;
}

size_t embed_count(void)
{
	return embed_total;
}

const struct embedded *embed_at(size_t i)
{
	return i < embed_total ? &embed_index[i] : NULL;
}
