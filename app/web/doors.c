/*
** doors.c -- may the panel's doors be set so, and does the person who sets them stay inside?
**
** Needs:  address.c and gate.c, which open the doors later by the same words.
** Never:  changes a setting.
** Holds:  a change that would refuse the call it came with is refused with the sentence why.
*/
#include "web/doors.h"
#include "web/gate.h"
#include "web/inside.h"
#include "web/listen.h"

#include <string.h>

static const char separators[] = ", \t;";

const char *doors_listen_refuse(const char *value, struct arena *a, enum lang lang)
{
	(void)a;
	if (listen_is_valid(value)) return NULL;
	return words_get(lang, N_("should look like 127.0.0.1:8080, [::1]:8080 or unix:/path"));
}

const char *doors_hosts_refuse(const char *value, struct arena *a, enum lang lang)
{
	for (const char *p = value + strspn(value, separators); *p != '\0'; p += strspn(p, separators)) {
		size_t len = strcspn(p, separators);
		const char *item = arena_bytes(a, p, len);

		if (host_name(a, item)[0] == '\0')
			return arena_printf(
				a,
				words_get(
					lang,
					N_("should be names such as panel.example.com, separated by commas; “%.60s” is none")),
				item);
		p += len;
	}
	return NULL;
}

const char *doors_addresses_refuse(const char *value, struct arena *a, enum lang lang)
{
	for (const char *p = value + strspn(value, separators); *p != '\0'; p += strspn(p, separators)) {
		size_t len = strcspn(p, separators);
		const char *item = arena_bytes(a, p, len);

		if (!address_item_is_valid(item))
			return arena_printf(
				a,
				words_get(
					lang,
					N_("should be addresses or networks such as 10.0.0.0/8, separated by commas; “%.60s” is none")),
				item);
		p += len;
	}
	return NULL;
}

static const char *or_now(const struct cx *cx, const char *given, const char *name)
{
	return given != NULL ? given : setting_text(cx->env->settings, name);
}

enum rc doors_check(struct cx *cx, struct call *call, const struct doors *doors)
{
	const char *names[] = { setting_text(cx->env->settings, "web.listen"),
				or_now(cx, doors->public_url, "web.public_url"),
				or_now(cx, doors->hosts, "web.hosts") };
	const char *proxies = or_now(cx, doors->proxies, "web.proxies");
	const char *allow = or_now(cx, doors->panel_allow, "web.panel_allow");
	const char *host = call_header(call, "Host"), *address;
	enum rc rc = RC_OK;

	if (host == NULL) host = "";
	if (!gate_has_host(cx->arena, names, host))
		rc = cx_fail_field(
			cx, doors->hosts != NULL ? "web.hosts" : "web.public_url",
			_("You opened the panel as “%s”; with this it would not open under that name any more. Add it here."),
			host_name(cx->arena, host));
	address = address_of_client(cx->arena, request_peer(call->rq), call_header(call, "X-Forwarded-For"),
				    proxies);
	if (allow[0] != '\0' && !address_is_in(address, allow))
		rc = cx_fail_field(
			cx, doors->panel_allow != NULL ? "web.panel_allow" : "web.proxies",
			_("Your own address is %s; with this the panel would not open for you any more. Add it here."),
			address);
	return rc;
}
