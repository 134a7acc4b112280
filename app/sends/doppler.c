/*
** doppler.c -- Doppler Relay beyond sending.
*/
#include "sends/doppler.h"

enum rc doppler_is_set(struct cx *cx)
{
	(void)cx;
	return RC_OK;
}

enum rc doppler_templates(struct cx *cx, doppler_template_fn *each, void *arg)
{
	(void)cx, (void)each, (void)arg;
	return RC_TRY_LATER;
}

enum rc doppler_template_get(struct cx *cx, struct doppler_template *out, const char *id)
{
	(void)cx, (void)out, (void)id;
	return RC_TRY_LATER;
}

enum rc doppler_template_save(struct cx *cx, const char **new_id, const struct doppler_template *t)
{
	(void)cx, (void)new_id, (void)t;
	return RC_TRY_LATER;
}

enum rc doppler_template_delete(struct cx *cx, const char *id)
{
	(void)cx, (void)id;
	return RC_TRY_LATER;
}

enum rc doppler_limits(struct cx *cx, struct doppler_limits *out)
{
	(void)cx, (void)out;
	return RC_TRY_LATER;
}

enum rc doppler_deliveries(struct cx *cx, instant from, instant until, const char *filter,
			   doppler_delivery_fn *each, void *arg)
{
	(void)cx, (void)from, (void)until, (void)filter, (void)each, (void)arg;
	return RC_TRY_LATER;
}
