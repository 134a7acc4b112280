/*
** reply.c -- what goes out: status, headers and one body, until the server takes them over.
**
** Owns:   the copied body and the descriptor, until reply_end() or the server took them.
** Never:  sees libmicrohttpd or a route.
** Holds:  (1) no header value has CR, LF or another control character; (2) the last body set wins.
*/
#include "web/exchange.h"
#include "base/log.h"
#include "base/mem.h"
#include <string.h>
#include <unistd.h>

void reply_begin(struct reply *rp, struct arena *arena)
{
	*rp = (struct reply){ .arena = arena, .fd = -1 };
	pairs_init(&rp->headers);
}

static void body_drop(struct reply *rp)
{
	mem_free(rp->copy);
	rp->copy = NULL;
	if (rp->fd >= 0) close(rp->fd);
	rp->fd = -1;
	rp->kind = REPLY_EMPTY;
	rp->len = 0;
	rp->media_type = NULL;
}

void reply_end(struct reply *rp)
{
	body_drop(rp);
}

void reply_status(struct reply *rp, int status)
{
	rp->status = status;
}

void reply_header(struct reply *rp, const char *name, const char *value)
{
	for (const char *p = value; *p != '\0'; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f) {
			log_event(LOG_ERROR, "errors", "web.header", "name=%s why=control_character", name);
			return;
		}
	if (pairs_add(rp->arena, &rp->headers, arena_text(rp->arena, name), arena_text(rp->arena, value)) !=
	    RC_OK)
		log_event(LOG_ERROR, "errors", "web.header", "name=%s why=no_room", name);
}

void reply_body(struct reply *rp, const char *media_type, const char *p, size_t len)
{
	char *copy = mem_alloc(len);

	body_drop(rp);
	if (copy == NULL) {
		rp->status = 503;
		return;
	}
	memcpy(copy, p, len);
	rp->kind = REPLY_COPY;
	rp->copy = copy;
	rp->len = len;
	rp->media_type = arena_text(rp->arena, media_type);
}

void reply_static(struct reply *rp, const char *media_type, const char *p, size_t len)
{
	body_drop(rp);
	rp->kind = REPLY_STATIC;
	rp->constant = p;
	rp->len = len;
	rp->media_type = arena_text(rp->arena, media_type);
}

void reply_file(struct reply *rp, const char *media_type, int fd, int64_t size)
{
	body_drop(rp);
	rp->kind = REPLY_FILE;
	rp->fd = fd;
	rp->len = (size_t)size;
	rp->media_type = arena_text(rp->arena, media_type);
}

int reply_status_of(const struct reply *rp)
{
	return rp->status;
}

void reply_cut(struct reply *rp)
{
	rp->is_cut = true;
}

void reply_drip(struct reply *rp)
{
	rp->is_drip = true;
}

ssize_t reply_drop(void *copy, uint64_t pos, char *to, size_t room)
{
	if (room == 0) return 0;
	*to = ((const char *)copy)[pos];
	return 1;
}

void reply_delay(struct reply *rp, int ms)
{
	rp->delay_ms = ms;
}

void reply_park(struct reply *rp, int park_ms)
{
	rp->park_ms = park_ms;
}

void reply_take(struct reply *rp, const char *media_type, char *p, size_t len)
{
	body_drop(rp);
	rp->kind = REPLY_COPY;
	rp->copy = p;
	rp->len = len;
	rp->media_type = arena_text(rp->arena, media_type);
}
