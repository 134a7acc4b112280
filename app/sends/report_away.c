/*
** report_away.c -- what the provider's calls about reports say as long as nobody else defines them.
*/
#include "sends/doppler.h"

#define AWAY __attribute__((weak))

AWAY enum rc doppler_is_set(struct cx *cx)
{
	(void)cx;
	return RC_BAD_INPUT;
}

AWAY enum rc doppler_report_request(struct cx *cx, const char **request_id, instant from, instant until)
{
	(void)cx;
	(void)from;
	(void)until;
	*request_id = "";
	return RC_TRY_LATER;
}

AWAY enum rc doppler_report_poll(struct cx *cx, bool *is_done, const char **file_url, const char *request_id)
{
	(void)cx;
	(void)request_id;
	*is_done = false;
	*file_url = "";
	return RC_TRY_LATER;
}

AWAY enum rc doppler_report_download(struct cx *cx, int fd, int64_t *size, const char *file_url, int64_t max)
{
	(void)cx;
	(void)fd;
	(void)file_url;
	(void)max;
	*size = 0;
	return RC_TRY_LATER;
}
