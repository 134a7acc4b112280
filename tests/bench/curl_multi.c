/*
** curl_multi.c -- the peer of the outbox: posts bodies with libcurl's multi interface and stores nothing.
**
**   curl_multi URL KEY FILE COUNT SLOTS
**
** FILE has one JSON body a line; they are posted in turn until COUNT answers came, SLOTS at a time, over kept
** connections. Prints {"count", "accepted", "seconds", "cpu_s"}.
**
** Holds: (1) at most RUN_S seconds and COUNT posts; (2) the same headers and the same way of giving the body
** as the appliance, so that only the ledger makes the difference.
*/
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define SLOTS_MOST 256
#define RUN_S      120.0 /* a bench that hangs is worth nothing */

struct post {
	CURL *easy;
	const char *body;
	size_t len, at, received;
	char answer[4096];
};

struct bodies {
	char *bytes, **line;
	size_t *len, count;
};

static double now(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
	return now(CLOCK_PROCESS_CPUTIME_ID);
}

static void die(const char *what)
{
	fprintf(stderr, "curl_multi: %s\n", what);
	exit(1);
}

static void read_bodies(struct bodies *b, const char *path)
{
	FILE *f = fopen(path, "rb");
	long size;
	size_t most = 0;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) <= 0) die("no bodies");
	rewind(f);
	b->bytes = calloc(1, (size_t)size + 1);
	if (b->bytes == NULL || fread(b->bytes, 1, (size_t)size, f) != (size_t)size) die("no bodies");
	fclose(f);
	for (long i = 0; i < size; i++)
		most += b->bytes[i] == '\n';
	b->line = calloc(most + 1, sizeof(*b->line));
	b->len = calloc(most + 1, sizeof(*b->len));
	if (b->line == NULL || b->len == NULL) die("no memory");
	for (char *p = b->bytes; *p != '\0';) {
		size_t n = strcspn(p, "\n");

		if (n > 0 && b->count < most) {
			b->line[b->count] = p;
			b->len[b->count++] = n;
		}
		p += n + (p[n] == '\n');
	}
	if (b->count == 0) die("no bodies");
}

static size_t give(char *to, size_t size, size_t count, void *arg)
{
	struct post *p = arg;
	size_t left = p->len - p->at, n = left < size * count ? left : size * count;

	memcpy(to, p->body + p->at, n);
	p->at += n;
	return n;
}

static size_t take(char *from, size_t size, size_t count, void *arg)
{
	struct post *p = arg;
	size_t n = size * count, room = sizeof(p->answer) - 1 - p->received;

	if (n < room) room = n;
	memcpy(p->answer + p->received, from, room);
	p->received += room;
	return n;
}

static void start(CURLM *multi, struct post *p, const struct bodies *b, size_t i)
{
	p->body = b->line[i % b->count];
	p->len = b->len[i % b->count];
	p->at = p->received = 0;
	curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->len);
	if (curl_multi_add_handle(multi, p->easy) != CURLM_OK) die("cannot add");
}

static struct curl_slist *make_headers(const char *key)
{
	struct curl_slist *list = NULL;
	char auth[512];

	snprintf(auth, sizeof(auth), "Authorization: Bearer %s", key);
	list = curl_slist_append(list, auth);
	list = curl_slist_append(list, "Accept: application/json");
	list = curl_slist_append(list, "Content-Type: application/json");
	return curl_slist_append(list, "Expect:");
}

static void make_post(struct post *p, const char *url, struct curl_slist *headers)
{
	p->easy = curl_easy_init();
	if (p->easy == NULL) die("no memory");
	curl_easy_setopt(p->easy, CURLOPT_URL, url);
	curl_easy_setopt(p->easy, CURLOPT_PRIVATE, p);
	curl_easy_setopt(p->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(p->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(p->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(p->easy, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(p->easy, CURLOPT_READDATA, p);
	curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(p->easy, CURLOPT_WRITEDATA, p);
	curl_easy_setopt(p->easy, CURLOPT_TIMEOUT_MS, 30000L);
}

static bool is_accepted(struct post *p)
{
	long status = 0;

	curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
	p->answer[p->received] = '\0';
	/* the gateway's word, and that of Doppler Relay */
	return status / 100 == 2 && (strstr(p->answer, "\"success\":true") != NULL ||
				     strstr(p->answer, "\"createdResourceId\"") != NULL);
}

/* Take what is finished, start the next ones; how many were accepted. */
static size_t turn_over(CURLM *multi, const struct bodies *b, size_t count, size_t *started, size_t *done)
{
	struct CURLMsg *m;
	size_t accepted = 0;
	int left;

	while ((m = curl_multi_info_read(multi, &left)) != NULL) {
		struct post *p = NULL;

		if (m->msg != CURLMSG_DONE) continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&p);
		if (m->data.result == CURLE_OK && is_accepted(p)) accepted++;
		curl_multi_remove_handle(multi, p->easy);
		++*done;
		if (*started < count) start(multi, p, b, (*started)++);
	}
	return accepted;
}

int main(int argc, char **argv)
{
	static struct post posts[SLOTS_MOST];
	struct bodies bodies = { 0 };
	struct curl_slist *headers;
	size_t count, slots, started = 0, done = 0, accepted = 0;
	double from, took;
	CURLM *multi;
	int running = 0;

	if (argc != 6) die("usage: curl_multi URL KEY FILE COUNT SLOTS");
	count = strtoul(argv[4], NULL, 10);
	slots = strtoul(argv[5], NULL, 10);
	if (slots < 1 || slots > SLOTS_MOST) die("SLOTS is 1 to 256");
	read_bodies(&bodies, argv[3]);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (multi = curl_multi_init()) == NULL)
		die("no curl");
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)slots);
	headers = make_headers(argv[2]);
	for (size_t i = 0; i < slots; i++)
		make_post(&posts[i], argv[1], headers);
	from = now(CLOCK_MONOTONIC);
	while (started < slots && started < count) {
		start(multi, &posts[started], &bodies, started);
		started++;
	}
	while (done < count && now(CLOCK_MONOTONIC) - from < RUN_S) {
		if (curl_multi_perform(multi, &running) != CURLM_OK) die("perform");
		accepted += turn_over(multi, &bodies, count, &started, &done);
		if (running > 0 && curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK) die("poll");
	}
	took = now(CLOCK_MONOTONIC) - from;
	printf("{\"count\": %zu, \"accepted\": %zu, \"seconds\": %.6f, \"cpu_s\": %.6f}\n", done, accepted,
	       took, cpu_seconds());
	return done == count ? 0 : 1;
}
