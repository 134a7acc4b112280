/*
** scene.h -- a stand-in on a free port, a client that asks it, and a panel that notes the events it gets.
*/
#ifndef RECADO_TESTS_STANDIN_SCENE_H
#define RECADO_TESTS_STANDIN_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/value.h"
#include "link/http.h"
#include "standin/standin.h"

#include <pthread.h>

#define EVENTS_MAX 64

struct scene {
	struct env env;
	struct arena *arena;
	struct cx cx;
	struct standin *standin;
	struct server *panel;
	char webhook[100];
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	int event_count, answer_status; /* what the panel answers                      */
	char *events[EVENTS_MAX], *signatures[EVENTS_MAX];
	const char *key; /* Authorization of the next calls, NULL = none               */
	struct http_answer answer;
};

/* has_panel: events go to a panel of the scene, with secret "s3cret". */
void scene_begin(struct scene *s, const struct standin_options *o, bool has_panel);
void scene_end(struct scene *s);

/* One call; body NULL = GET. The answer, in s->answer too. */
const struct http_answer *ask(struct scene *s, const char *path, const char *body);
/* The same; RC_OK's status checked, body parsed. */
const struct value *ask_json(struct scene *s, int status, const char *path, const char *body);
/* POST /api/send-message */
const struct http_answer *send_to(struct scene *s, const char *to, const char *text);
int64_t count_of(struct scene *s, const char *name); /* of /_standin/received?count=1 */
/* A row of /_standin/received. */
const struct value *row_at(struct scene *s, size_t i);
size_t row_count(struct scene *s);

/* Wait until the panel has n events; parsed. */
const struct value *event_at(struct scene *s, int i);
const char *signature_at(struct scene *s, int i); /* "" if there was none */

#endif
