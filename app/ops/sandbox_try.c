/*
** sandbox_try.c -- `recado sandbox`: shuts this process in as the server does, then tries to get out.
**
** Needs:  sandbox.c for the walls.
** Never:  runs in the server: what it tries is tried in the caller's own process.
** Holds:  what a wall that stands should refuse and does not is a failure, said by name; a wall that this
**         kernel does not have is said, too, and is none.
*/
#include "ops/cmd.h"
#include "ops/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

/* Each: 0 when it got through, else errno. */

static int try_exec(void)
{
	char *const none[] = { NULL };

	execve("/bin/true", none, none);
	return errno;
}

static int try_read(void)
{
	int fd = open("/usr/bin/env", O_RDONLY | O_CLOEXEC);

	if (fd < 0) return errno;
	close(fd);
	return 0;
}

static int try_list(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) return errno;
	close(fd);
	return 0;
}

/* a database's: no setting of ours would name it, and nothing we need listens there */
#define FOREIGN_PORT 6379

static int try_port(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(FOREIGN_PORT) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), failed;

	if (fd < 0) return errno;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	failed = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : errno;
	close(fd);
	return failed;
}

static int try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : errno;
}

static int try_mount(void)
{
	return mount("none", "/", "tmpfs", 0, NULL) == 0 ? 0 : errno;
}

static int try_signal(void)
{
	return kill(getppid(), 0) == 0 ? 0 : errno;
}

enum wall { WALL_CALLS, WALL_FOLDERS, WALL_PORTS, WALL_SCOPES };

static const struct attempt {
	const char *name, *title;
	enum wall wall;
	int refused_as; /* ECONNREFUSED would mean that the call went out */
	int (*run)(void);
} attempts[] = {
	{ "exec", N_("Start another program"), WALL_CALLS, EPERM, try_exec },
	{ "read", N_("Read a file of somebody else"), WALL_FOLDERS, EACCES, try_read },
	{ "list", N_("List a folder of somebody else"), WALL_FOLDERS, EACCES, try_list },
	{ "port", N_("Connect to a port that no setting names"), WALL_PORTS, EACCES, try_port },
	{ "ptrace", N_("Look into another process"), WALL_CALLS, EPERM, try_ptrace },
	{ "mount", N_("Mount a file system"), WALL_CALLS, EPERM, try_mount },
	{ "signal", N_("Send a signal to another process"), WALL_SCOPES, EPERM, try_signal },
};

static bool stands(const struct sandbox_facts *f, enum wall w)
{
	return w == WALL_CALLS     ? f->has_seccomp
	       : w == WALL_FOLDERS ? f->landlock_abi > 0
	       : w == WALL_PORTS   ? f->has_ports
				   : f->has_scopes;
}

static void tell(struct cx *cx, struct command_call *call, struct value *list, const struct attempt *a,
		 bool has_wall, bool is_refused)
{
	const char *state = !has_wall ? "absent" : is_refused ? "refused" : "open";
	const char *title = words_get(cx->lang, a->title);
	struct value *row = value_add_map(cx->arena, list);

	value_set_text(cx->arena, row, "name", a->name);
	value_set_text(cx->arena, row, "title", title);
	value_set_text(cx->arena, row, "state", state);
	if (call->is_json) return;
	fprintf(call->out, "%s %s: %s\n",
		!has_wall    ? "⚠️"
		: is_refused ? "✅"
			     : "❌",
		title,
		!has_wall    ? _("this kernel (or offline mode) has no such wall")
		: is_refused ? _("refused")
			     : _("got through"));
}

enum rc ops_run_sandbox(struct cx *cx, struct command_call *call)
{
	static const char *const none[] = { NULL };
	struct value *list = value_list(cx->arena);
	struct sandbox_facts facts;
	bool is_tight = true;
	enum rc rc = command_check(cx, call, none, none);

	if (rc != RC_OK) return rc;
	sandbox_enter(cx->env);
	sandbox_facts(&facts);
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		const struct attempt *a = &attempts[i];
		int said = a->run();
		bool has_wall = stands(&facts, a->wall), is_refused = said == a->refused_as;

		/* Those of the call list are logged where they are refused (sandbox.c). */
		if (is_refused && has_wall && a->wall != WALL_CALLS)
			log_event(LOG_WARN, "security", "sandbox.refused", "what=%s errno=%d", a->name, said);
		if (has_wall && !is_refused) is_tight = false;
		tell(cx, call, list, a, has_wall, is_refused);
	}
	if (call->is_json) command_print(cx, call, list);
	return is_tight ? RC_OK : cx_fail(cx, RC_IO, "%s", _("A wall of the sandbox has a hole; see above."));
}
