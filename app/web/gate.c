/*
** gate.c -- before any page: allowed host names, and a fair share for each address.
**
** Owns:   the list of names, made from web.listen, web.public_url and web.hosts; counts of requests in
** flight. Never:  resolves a name.
** Holds:  (1) an address has one slot as long as it has requests in flight; (2) when too many addresses share
**         a place in the table, the newest is not counted rather than refused.
** Why hosts: a page of another site that a browser believes to be ours (DNS rebinding) ends here.
*/
#include "web/gate.h"
#include "base/mem.h"
#include "web/inside.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define HOSTS_MAX   40
#define HOSTS_BYTES ((size_t)16 * 1024) /* web.hosts has at most 1000 characters */
#define SLOTS       1024                /* more addresses than the queue has places */
#define PROBES      8

struct names {
	const char *at[HOSTS_MAX];
	size_t count;
};

struct gate {
	struct env *env;
	struct arena *arena; /* of the names */
	const char *from[3]; /* the settings they were made from */
	struct names names;
	pthread_mutex_t lock; /* of busy */
	struct {
		char address[48];
		int count;
	} busy[SLOTS];
};

struct gate *gate_new(struct env *env)
{
	struct gate *g = mem_zeroed(sizeof *g);

	if (g == NULL) return NULL;
	g->env = env;
	g->arena = arena_new(HOSTS_BYTES);
	pthread_mutex_init(&g->lock, NULL);
	if (g->arena == NULL) {
		gate_free(g);
		return NULL;
	}
	return g;
}

void gate_free(struct gate *g)
{
	if (g == NULL) return;
	arena_free(g->arena);
	pthread_mutex_destroy(&g->lock);
	mem_free(g);
}

static void name_add(struct names *n, const char *name)
{
	if (name[0] != '\0' && n->count < HOSTS_MAX) n->at[n->count++] = name;
}

/* from: web.listen, web.public_url, web.hosts. */
static void names_collect(struct names *n, struct arena *a, const char *const from[3])
{
	const char *listen = from[0], *url = from[1], *at = strstr(url, "://");

	n->count = 0;
	name_add(n, "localhost");
	name_add(n, "127.0.0.1");
	name_add(n, "[::1]");
	if (strncmp(listen, "unix:", 5) != 0) name_add(n, host_name(a, listen));
	if (at != NULL) name_add(n, host_name(a, arena_bytes(a, at + 3, strcspn(at + 3, "/?#"))));
	for (const char *p = from[2]; *p != '\0';) {
		size_t len;

		p += strspn(p, ", \t;");
		len = strcspn(p, ", \t;");
		name_add(n, host_name(a, arena_bytes(a, p, len)));
		p += len;
	}
}

static bool names_have(const struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->at[i], name) == 0) return true;
	return false;
}

bool gate_has_host(struct arena *a, const char *const from[3], const char *host)
{
	struct names n;

	names_collect(&n, a, from);
	return names_have(&n, host_name(a, host));
}

/* A setting read again is another text; old ones stay valid for ever (settings.h). */
static void hosts_refresh(struct gate *g)
{
	static const char *const names[] = { "web.listen", "web.public_url", "web.hosts" };
	bool is_new = g->names.count == 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *text = setting_text(g->env->settings, names[i]);

		is_new = is_new || text != g->from[i];
		g->from[i] = text;
	}
	if (!is_new) return;
	arena_reset(g->arena);
	names_collect(&g->names, g->arena, g->from);
}

const char *gate_host_refusal(struct gate *g, struct arena *a, const char *host)
{
	const char *name;

	if (host == NULL) return N_("The request names no host.");
	hosts_refresh(g);
	name = host_name(a, host);
	if (names_have(&g->names, name)) return NULL;
	return arena_printf(
		a,
		words_get(g->env->lang, N_("“%s” is not a name of this panel. If it should be, add it to "
					   "web.hosts in recado.ini.")),
		name);
}

/* The address's own slot; else, if make, a free one; SLOTS when there is none. */
static size_t slot_of(const struct gate *g, const char *address, bool make)
{
	uint32_t h = 2166136261u; /* FNV-1a */
	size_t unused = SLOTS;

	for (const char *p = address; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	for (size_t n = 0; n < PROBES; n++) {
		size_t i = (h + n) % SLOTS;

		if (g->busy[i].count > 0 && strcmp(g->busy[i].address, address) == 0) return i;
		if (g->busy[i].count == 0 && unused == SLOTS) unused = i;
	}
	return make ? unused : SLOTS;
}

bool gate_enter(struct gate *g, const char *address)
{
	bool fits = true;
	size_t i;

	pthread_mutex_lock(&g->lock);
	i = slot_of(g, address, true);
	if (i < SLOTS) {
		fits = g->busy[i].count < OWN_REQUESTS;
		if (g->busy[i].count == 0)
			snprintf(g->busy[i].address, sizeof g->busy[i].address, "%s", address);
		g->busy[i].count += fits;
	}
	pthread_mutex_unlock(&g->lock);
	return fits;
}

void gate_leave(struct gate *g, const char *address)
{
	size_t i;

	pthread_mutex_lock(&g->lock);
	i = slot_of(g, address, false);
	if (i < SLOTS) g->busy[i].count--;
	pthread_mutex_unlock(&g->lock);
}
