/*
** embed.h -- the files that travel inside the binary: migrations, pages, assets, words, zones, trust.
**
** Names are paths in the tree ("migrations/0001_core.sql", "app/web/pages/login.html",
** "app/web/assets/app.css"), and: "zone/America/Guayaquil" compiled zone file (TZif, RFC 8536);
** "certs/ca-bundle.crt" PEM (certs/bundle.sh says whose); "etc/po/es.po" all translations merged;
** "etc/recado.ini"; "etc/deps/versions" one "library version" a line; "etc/build/revision" the commit it was
** built from, one line, or "unknown". Everything is constant, lent for ever, and safe from any thread.
*/
#ifndef RECADO_BASE_EMBED_H
#define RECADO_BASE_EMBED_H

#include <stddef.h>

struct embedded {
	const char *name;
	const unsigned char *data; /* a NUL follows the last byte: text files are C strings */
	size_t len;                /* without that NUL                                      */
};

/* The file of exactly this name; NULL if there is none. */
const struct embedded *embed_find(const char *name);

size_t embed_count(void);

/* The i-th file, sorted by name (strcmp); NULL beyond the last. */
const struct embedded *embed_at(size_t i);

/* Index of the first file whose name is not less than prefix: walk from here while names start with it. */
size_t embed_first(const char *prefix);

#endif
