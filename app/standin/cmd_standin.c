/*
** cmd_standin.c -- `recado standin`: the stand-ins as a program of their own, for tests and for looking.
**
** Owns:   the wait for SIGTERM and SIGINT while it runs.
** Needs:  nothing of a state folder.
** Holds:  its first line of output is the address it answers on, its second that of its mail server.
*/
#include "standin/inside.h"
#include "standin/smtp_magic.h"
#include "standin/standin_doppler.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int stop_fd = -1;

static void stop(int signal_number)
{
	uint64_t one = 1;

	(void)signal_number;
	(void)!write(stop_fd, &one, sizeof(one));
}

static void wait_for_stop(void)
{
	struct pollfd p = { .fd = stop_fd, .events = POLLIN };

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}

static void print_numbers(FILE *out)
{
	const struct doppler_fault *f;
	const struct smtp_magic *g;
	const struct magic *m;

	fputs("Magic recipients: numbers whose last seven digits are\n", out);
	for (size_t i = 0; (m = magic_at(i)) != NULL; i++)
		fprintf(out, "  " MAGIC_PREFIX "%s  %s\n", m->code, m->help);
	fputs("Magic recipients of mail: addresses whose part before the @ is\n", out);
	for (size_t i = 0; (g = smtp_magic_at(i)) != NULL; i++)
		fprintf(out, "  %-14s %s\n", g->local, g->help);
	fputs("Of bulk mail through Doppler Relay\n", out);
	for (size_t i = 0; (f = doppler_fault_at(i)) != NULL; i++)
		fprintf(out, "  %-14s %s\n", f->word, f->help);
	fputs("  invalid, rejected, retrying, dropped, opened, clicked: what its reports say of the mail later\n",
	      out);
	fputs("Templates of Doppler Relay\n", out);
	for (size_t i = 0; doppler_template_line(i) != NULL; i++)
		fprintf(out, "  %s  %s\n", doppler_template_line(i), doppler_template_name(i));
}

/* Milliseconds of an option, or the default. */
static enum rc read_ms(struct cx *cx, const struct command_call *call, const char *name, int *out)
{
	const char *text = command_option(call, name);
	char *end = NULL;
	long ms;

	if (text == NULL) return RC_OK;
	errno = 0;
	ms = strtol(text, &end, 10);
	if (text[0] == '\0' || *end != '\0' || errno != 0 || ms < -1 || ms > 86400000)
		return cx_fail(cx, RC_BAD_INPUT,
			       _("--%s takes milliseconds from 0 to 86400000, or -1 for never."), name);
	*out = (int)ms;
	return RC_OK;
}

static enum rc run_until_stopped(struct cx *cx, struct command_call *call, const struct standin_options *o)
{
	struct sigaction stops = { .sa_handler = stop }, old_term, old_int;
	struct standin *s = NULL;
	const char *why = "";
	enum rc rc;

	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0) return RC_IO;
	sigaction(SIGTERM, &stops, &old_term);
	sigaction(SIGINT, &stops, &old_int);
	rc = standin_start(&s, cx->env, o, cx->arena, &why);
	if (rc == RC_OK) {
		const char *colon = strrchr(o->listen, ':');

		fprintf(call->out, "http://%.*s:%d\n", (int)(colon - o->listen), o->listen, standin_port(s));
		fprintf(call->out, "smtp://127.0.0.1:%d\n", standin_smtp_port(s));
		fflush(call->out);
		wait_for_stop();
	} else {
		rc = cx_fail(cx, rc, "%s", why);
	}
	standin_stop(s);
	sigaction(SIGTERM, &old_term, NULL);
	sigaction(SIGINT, &old_int, NULL);
	close(stop_fd);
	return rc;
}

static enum rc standin_command(struct cx *cx, struct command_call *call)
{
	static const char *const flags[] = { "numbers", NULL };
	static const char *const values[] = { "listen",       "webhook", "secret", "api-key",
					      "delivered-ms", "read-ms", NULL };
	struct standin_options o = { .delivered_ms = 2000, .read_ms = 5000 };
	enum rc rc = command_check(cx, call, flags, values);

	if (rc != RC_OK) return rc;
	if (command_flag(call, "numbers")) {
		print_numbers(call->out);
		return RC_OK;
	}
	o.listen = command_option(call, "listen");
	o.webhook_url = command_option(call, "webhook");
	o.webhook_secret = command_option(call, "secret");
	o.api_key = command_option(call, "api-key");
	if (o.listen == NULL || strchr(o.listen, ':') == NULL || strncmp(o.listen, "unix:", 5) == 0)
		return cx_fail(cx, RC_BAD_INPUT, _("--listen needs HOST:PORT, for instance 127.0.0.1:9090."));
	if (o.webhook_url != NULL && (o.webhook_secret == NULL || o.webhook_secret[0] == '\0'))
		return cx_fail(cx, RC_BAD_INPUT,
			       _("--webhook needs --secret: the panel refuses unsigned events."));
	rc = read_ms(cx, call, "delivered-ms", &o.delivered_ms);
	if (rc == RC_OK) rc = read_ms(cx, call, "read-ms", &o.read_ms);
	if (rc != RC_OK) return rc;
	return run_until_stopped(cx, call, &o);
}

const struct command standin_commands[] = {
	{ .name = "standin",
	  .usage = "--listen HOST:PORT [--webhook URL --secret S] [--api-key K] [--delivered-ms N]"
		   " [--read-ms N] | --numbers",
	  .help = N_("Play the providers for tests; --numbers lists the recipients that make it misbehave."),
	  .needs = COMMAND_NOTHING,
	  .run = standin_command },
	{ .name = NULL },
};
