/*
** outbox_routes.c -- the addresses and commands of the pages about messages that are no lists: the story of
** one, the unsure ones, the channels, "Why did Ana not get it?".
**
** Owns:   the rows.
*/
#include "desk/outbox_pages.h"
#include "desk/route_rows.h"

static const struct fact nothing[] = { { .name = NULL } };
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

static const struct fact unsure_gives[] = {
	{ .name = "data",
	  .type = FACT_MAPS,
	  .is_needed = true,
	  .help = N_("The oldest 20, each with its evidence.") },
	{ .name = "count",
	  .type = FACT_INT,
	  .is_needed = true,
	  .help = N_("How many there are, at most 1000.") },
	{ .name = NULL },
};
static const struct fact decide_takes[] = {
	{ .name = "decision", .type = FACT_TEXT, .is_needed = true, .choices = "arrived|again" },
	{ .name = NULL },
};
static const struct fact many_takes[] = {
	{ .name = "decision", .type = FACT_TEXT, .is_needed = true, .choices = "arrived|again" },
	{ .name = "count",
	  .type = FACT_INT,
	  .is_needed = true,
	  .min = 1,
	  .max = 200,
	  .help = N_("How many it will be, as “same” of one of them says.") },
	{ .name = NULL },
};
static const struct fact decided_gives[] = {
	{ .name = "message", .type = FACT_TEXT, .is_needed = true },
	{ .name = "decided", .type = FACT_INT, .is_needed = true },
	{ .name = "left", .type = FACT_INT, .is_needed = true },
	{ .name = NULL },
};
static const struct fact history_gives[] = {
	{ .name = "data", .type = FACT_MAPS, .is_needed = true, .help = N_("The last 50 decisions.") },
	{ .name = NULL },
};

/* How everything was stopped: alone, and beside the channels. */
#define HALT_FACTS                                                                                         \
	{ .name = "is_halted",                                                                             \
	  .type = FACT_BOOL,                                                                               \
	  .is_needed = true,                                                                               \
	  .help = N_("Nothing leaves on any channel.") },                                                  \
		{ .name = "halted_at", .type = FACT_INSTANT }, { .name = "halted_by", .type = FACT_TEXT }, \
	{                                                                                                  \
		.name = "halted_why", .type = FACT_TEXT                                                    \
	}
static const struct fact channels_gives[] = {
	{ .name = "data", .type = FACT_MAPS, .is_needed = true },
	HALT_FACTS,
	{ .name = NULL },
};
static const struct fact halt_gives[] = {
	HALT_FACTS,
	{ .name = NULL },
};
static const struct fact reason_takes[] = {
	{ .name = "reason", .type = FACT_TEXT, .max = 200, .help = N_("Why, for who comes next.") },
	{ .name = NULL },
};
static const struct fact test_gives[] = {
	{ .name = "job", .type = FACT_INT, .is_needed = true, .help = N_("The work that does it.") },
	{ .name = NULL },
};
static const struct fact held_takes[] = {
	{ .name = "age", .type = FACT_TEXT, .is_needed = true, .choices = "1h|12h|1d|7d|all" },
	{ .name = NULL },
};
static const struct fact held_gives[] = {
	{ .name = "cancelled", .type = FACT_INT, .is_needed = true },
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
	CALL("GET", "/unsure", "outbox.view", handle_unsure, N_("Unsure"),
	     N_("Decide what became of messages that nobody is certain of"), NULL, unsure_gives),
	CALL("GET", "/unsure/history", "outbox.view", handle_unsure_history, NULL, N_("What was decided"),
	     NULL, history_gives),
	CALL("POST", "/unsure/:id/decide", "outbox.edit", handle_unsure_decide, NULL,
	     N_("It arrived, or send it again"), decide_takes, decided_gives),
	PEOPLE("GET", "/unsure/:id/many", "outbox.edit", handle_unsure_many_ask, NULL,
	       N_("Question before many are decided together")),
	CALL("POST", "/unsure/:id/many", "outbox.edit", handle_unsure_many, NULL,
	     N_("Decide all with the same evidence"), many_takes, decided_gives),
	CALL("GET", "/channels", "gateway.view", handle_channels, N_("Channels"),
	     N_("The ways out of the house, and the switch that stops all of them"), NULL, channels_gives),
	PEOPLE_WITH("GET", "/channels/stop-all", "gateway.edit", handle_halt_ask, "stop",
		    N_("Question before everything is stopped")),
	CALL_WITH("POST", "/channels/stop-all", "gateway.edit", handle_halt, "stop", N_("Stop everything"),
		  reason_takes, halt_gives),
	PEOPLE_WITH("GET", "/channels/resume-all", "gateway.edit", handle_halt_ask, "resume",
		    N_("Question before everything leaves again")),
	CALL_WITH("POST", "/channels/resume-all", "gateway.edit", handle_halt, "resume",
		  N_("Let everything leave again"), nothing, halt_gives),
	CALL("GET", "/channels/:name", "gateway.view", handle_gateway, NULL, N_("How one channel is"), NULL,
	     NULL),
	CALL("POST", "/channels/:name/test", "gateway.edit", handle_gateway_test, NULL, N_("Try a channel"),
	     nothing, test_gives),
	CALL_WITH("POST", "/channels/:name/stop", "gateway.edit", handle_gateway_state, "stop",
		  N_("Hold the messages of a channel"), reason_takes, NULL),
	CALL_WITH("POST", "/channels/:name/open", "gateway.edit", handle_gateway_state, "open",
		  N_("Let the messages of a channel leave again"), nothing, NULL),
	PEOPLE("GET", "/channels/:name/cancel-held", "gateway.edit", handle_held_ask, NULL,
	       N_("Question before held messages are cancelled")),
	CALL("POST", "/channels/:name/cancel-held", "gateway.edit", handle_held_cancel, NULL,
	     N_("Cancel held messages of that age"), held_takes, held_gives),
	{ .method = NULL },
};

const struct command desk_outbox_commands[] = {
	{ .name = "why",
	  .usage = "NAME…|NUMBER|E-MAIL [--json]",
	  .help = N_(
		  "Why somebody got no message: each occasion of the last 90 days and the rule that stopped it."),
	  .needs = COMMAND_ANYWHERE,
	  .run = run_why },
	{ .name = "outbox unsure",
	  .usage = "[--json]",
	  .help = N_("The messages that nobody is certain of: to whom, when, how it broke."),
	  .needs = COMMAND_ANYWHERE,
	  .run = run_unsure },
	{ .name = "outbox decide",
	  .usage = "arrived|again ID… | --batch ID",
	  .help = N_("What became of unsure messages: they arrived, or they are sent again."),
	  .needs = COMMAND_HOLDER,
	  .run = run_decide },
	{ .name = NULL },
};
