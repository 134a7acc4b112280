/*
** settings.c -- [web]: where the panel listens, what it is called and whom it lets in.
**
** Owns:   the rows.
** Never:  reads a setting: doors.c, gate.c, limit.c and web.c do.
*/
#include "web/doors.h"
#include "web/web.h"

const struct setting web_settings[] = {
	{ .name = "web.listen",
	  .refuse = doors_listen_refuse,
	  .title = N_("Where the panel listens"),
	  .section = N_("Panel and addresses"),
	  .needs_restart = true,
	  .type = SET_TEXT,
	  .def = "127.0.0.1:8080",
	  .max = 120,
	  .help = N_(
		  "Where the panel listens: 127.0.0.1:8080, [::1]:8080 or unix:/path (then a proxy speaks for it).") },
	{ .name = "web.hosts",
	  .refuse = doors_hosts_refuse,
	  .title = N_("Names of the panel"),
	  .type = SET_TEXT,
	  .def = "",
	  .max = 1000,
	  .old = "ALLOWED_HOSTS",
	  .help = N_(
		  "Names under which the panel may be opened, separated by commas; this machine's own and the one of "
		  "web.public_url are always allowed.") },
	{ .name = "web.proxies",
	  .refuse = doors_addresses_refuse,
	  .title = N_("Proxies"),
	  .type = SET_TEXT,
	  .def = "",
	  .max = 1000,
	  .help = N_(
		  "Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.") },
	{ .name = "web.public_url",
	  .title = N_("Public address"),
	  .type = SET_URL,
	  .def = "",
	  .max = 300,
	  .help = N_(
		  "The address of the panel as others reach it, for links and webhooks: https://panel.example.com.") },
	{ .name = "web.panel_allow",
	  .refuse = doors_addresses_refuse,
	  .title = N_("Who may open the panel"),
	  .type = SET_TEXT,
	  .def = "",
	  .max = 1000,
	  .help = N_("Addresses or networks that may open the panel; empty: all. Webhooks stay reachable.") },
	{ .name = "web.api_per_minute",
	  .title = N_("Calls to the API a minute"),
	  .type = SET_INT,
	  .def = "600",
	  .min = 0,
	  .max = 1000000,
	  .help = N_(
		  "How many calls a minute each token, user or address may make to the API in the long run; 0: no "
		  "limit.") },
	{ .name = "web.api_burst",
	  .title = N_("Calls to the API at once"),
	  .type = SET_INT,
	  .def = "600",
	  .min = 1,
	  .max = 1000000,
	  .help = N_(
		  "How many calls to the API may come at once, before web.api_per_minute sets the pace.") },
	{ .name = "web.second_factor",
	  .title = N_("Second factor"),
	  .type = SET_ONE,
	  .def = "optional",
	  .choices = "optional|required",
	  .help = N_(
		  "A code from the phone at each log-in: optional (each person decides) or required (whoever has "
		  "none yet sets it up first).") },
	{ .name = NULL },
};

const struct right web_rights[] = { { NULL, NULL, NULL } };
