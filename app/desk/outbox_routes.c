/*
** outbox_routes.c -- the addresses and commands of the pages about messages that are no lists: the story of
** one, the unsure ones, the channels, "Why did Ana not get it?".
**
** Owns:   the rows.
*/
#include "desk/outbox_pages.h"

/* For people: pages and forms. */
#define PEOPLE(m, p, r, h, menu_, help_)                                                            \
	{                                                                                           \
		.method = m, .path = p, .realm = REALM_STAFF, .right = r, .class = ROUTE_DB,        \
		.has_token = m[0] != 'G', .menu = menu_, .help = help_, .handle = h, .no_api = true \
	}
#define CALL(m, p, r, h, menu_, help_, in, out)                                                   \
	{                                                                                         \
		.method = m, .path = p, .realm = REALM_STAFF, .right = r, .class = ROUTE_DB,      \
		.has_token = m[0] != 'G', .menu = menu_, .help = help_, .handle = h, .takes = in, \
		.gives = out                                                                      \
	}

static const struct fact story_gives[] = {
	{ .name = "id", .type = FACT_TEXT, .is_needed = true },
	{ .name = "state", .type = FACT_TEXT, .is_needed = true },
	{ .name = "text", .type = FACT_TEXT, .is_needed = true, .help = N_("The text as it left.") },
	{ .name = "data",
	  .type = FACT_MAPS,
	  .is_needed = true,
	  .help = N_("What happened, the oldest first.") },
	{ .name = NULL },
};
static const struct fact why_takes[] = {
	{ .name = "q", .type = FACT_TEXT, .max = 100, .help = N_("A name, a number or an e-mail address.") },
	{ .name = NULL },
};
static const struct fact why_found[] = {
	{ .name = "data",
	  .type = FACT_MAPS,
	  .is_needed = true,
	  .help = N_("The people whom these words mean.") },
	{ .name = NULL },
};
static const struct fact why_gives[] = {
	{ .name = "name", .type = FACT_TEXT, .is_needed = true },
	{ .name = "address", .type = FACT_TEXT, .is_needed = true },
	{ .name = "contact",
	  .type = FACT_TEXT,
	  .is_needed = true,
	  .help = N_("As /inbox calls this person; empty before the first message.") },
	{ .name = "rules",
	  .type = FACT_MAPS,
	  .is_needed = true,
	  .help = N_("What stops messages to this person now.") },
	{ .name = "occasions",
	  .type = FACT_MAPS,
	  .is_needed = true,
	  .help = N_("The last 90 days and what is to come, the last one first.") },
	{ .name = NULL },
};

const struct route desk_outbox_routes[] = {
	CALL("GET", "/outbox/:id/story", "outbox.view", handle_story, NULL,
	     N_("What happened to one message"), NULL, story_gives),
	CALL("GET", "/why", "outbox.view", handle_why, N_("Why not?"),
	     N_("Find out why somebody got no message"), why_takes, why_found),
	CALL("GET", "/why/:id", "outbox.view", handle_why_contact, NULL,
	     N_("What one address got and did not get"), NULL, why_gives),
	CALL("GET", "/why/:list/:id", "outbox.view", handle_why_row, NULL,
	     N_("What one person got and did not get"), NULL, why_gives),
	{ .method = NULL },
};

const struct command desk_outbox_commands[] = {
	{ .name = "why",
	  .usage = "NAME|NUMBER|E-MAIL [--json]",
	  .help = N_(
		  "Why somebody got no message: each occasion of the last 90 days and the rule that stopped it."),
	  .needs = COMMAND_STATE,
	  .run = run_why },
	{ .name = NULL },
};
