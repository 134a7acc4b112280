/*
** control.c -- the local socket over which a command reaches the process that holds the folder.
**
** One SOCK_SEQPACKET message carries the command line as JSON and the caller's three
** descriptors; the answer is the exit code. So a command reads the caller's file and
** writes to the caller's terminal although it runs inside the server.
**
** Holds: (1) only the folder's own user and root may call (SO_PEERCRED); (2) at most
** CONTROL_CALLS_MAX calls run at once; the next caller asks again for a while.
*/
#include "base/mem.h"
#include "ops/ops.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CONTROL_CALLS_MAX   4            /* each takes a thread and a database connection */
#define CONTROL_MESSAGE_MAX (128 * 1024) /* a command line is far shorter                 */
#define CONTROL_WORDS_MAX   64           /* words of a command line                       */
#define CONTROL_STOP_MS     5000         /* design: at stop long work goes within 5 s     */
#define CONTROL_BUSY        255          /* instead of an exit code: nothing was done, ask again */
#define CONTROL_AGAIN_MS    100
#define CONTROL_PATIENCE_MS 60000 /* a page of cron jobs at the same minute gets through; a person is told */

struct control {
	struct env *env;
	control_run_fn *run;
	void *arg;
	int listener, stop_fd, folder;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t idle;
	int running;
};

struct control_work {
	struct control *control;
	int socket, fds[3];
	char *message;
	size_t len;
};

/* A socket's path has room for 107 bytes. A deeper folder is reached through its descriptor, which must stay
** open as long as the address is used; *folder -1 = the plain path fits. */
static enum rc address_of(struct sockaddr_un *out, int *folder, const char *dir)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*folder = -1;
	if ((size_t)snprintf(out->sun_path, sizeof(out->sun_path), "%s/" CONTROL_SOCKET, dir) <
	    sizeof(out->sun_path))
		return RC_OK;
	*folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*folder < 0) return RC_IO;
	snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/" CONTROL_SOCKET, *folder);
	return RC_OK;
}

static void close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] >= 0) close(fds[i]);
		fds[i] = -1;
	}
}

/* Receive one message with exactly three descriptors. The descriptors are closed on failure. */
static enum rc receive_call(int socket, char *message, size_t max, size_t *len, int fds[3])
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control;
	struct iovec iov = { message, max };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *header;
	ssize_t n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);

	fds[0] = fds[1] = fds[2] = -1;
	if (n <= 0) return RC_IO;
	header = CMSG_FIRSTHDR(&msg);
	if (header == NULL || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(3 * sizeof(int)))
		return RC_BAD_INPUT;
	memcpy(fds, CMSG_DATA(header), 3 * sizeof(int));
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		close_all(fds, 3);
		return RC_TOO_LARGE;
	}
	*len = (size_t)n;
	return RC_OK;
}

static bool peer_may(int socket)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static int run_message(struct control *c, struct control_work *work, struct arena *a)
{
	struct value *root = NULL;
	const struct value *words;
	const char *argv[CONTROL_WORDS_MAX];
	struct command_line line = { .argv = argv };
	FILE *streams[3] = { NULL, NULL, NULL };
	int exit_code = rc_row(RC_BAD_INPUT)->exit;

	if (json_parse(a, &root, NULL, work->message, work->len) != RC_OK) return exit_code;
	words = value_get(root, "argv");
	for (const struct value *w = words != NULL ? words->first : NULL; w != NULL; w = w->next)
		if (line.argc < CONTROL_WORDS_MAX) argv[line.argc++] = value_text_of(w, "");
	line.lang = value_text_of(value_get(root, "lang"), "");
	line.now = value_text_of(value_get(root, "now"), "");
	line.is_json = value_bool_of(value_get(root, "json"), false);
	for (int i = 0; i < 3; i++) {
		streams[i] = fdopen(work->fds[i], i == 0 ? "r" : "w");
		if (streams[i] != NULL) work->fds[i] = -1;
	}
	if (streams[0] != NULL && streams[1] != NULL && streams[2] != NULL)
		exit_code = c->run(c->arg, &line, streams[0], streams[1], streams[2]);
	for (int i = 0; i < 3; i++)
		if (streams[i] != NULL) fclose(streams[i]);
	return exit_code;
}

static void *call_main(void *arg)
{
	struct control_work *work = arg;
	struct control *c = work->control;
	struct arena *a = arena_new(CONTROL_MESSAGE_MAX * 8);
	unsigned char answer = (unsigned char)rc_row(RC_NO_MEMORY)->exit;

	if (a != NULL) answer = (unsigned char)run_message(c, work, a);
	close_all(work->fds, 3); /* the caller sees the end of its output before the answer */
	(void)send(work->socket, &answer, 1, MSG_NOSIGNAL);
	close(work->socket);
	arena_free(a);
	mem_free(work->message);
	mem_free(work);
	pthread_mutex_lock(&c->mutex);
	c->running--;
	pthread_cond_broadcast(&c->idle);
	pthread_mutex_unlock(&c->mutex);
	return NULL;
}

static bool begin_call(struct control *c, int socket)
{
	struct control_work *work = mem_alloc(sizeof(*work));
	pthread_t thread;
	bool is_free;

	if (work == NULL) return false;
	*work = (struct control_work){ .control = c, .socket = socket, .fds = { -1, -1, -1 } };
	work->message = mem_alloc(CONTROL_MESSAGE_MAX);
	if (work->message == NULL ||
	    receive_call(socket, work->message, CONTROL_MESSAGE_MAX, &work->len, work->fds) != RC_OK)
		goto refused;
	pthread_mutex_lock(&c->mutex);
	is_free = c->running < CONTROL_CALLS_MAX;
	if (is_free) c->running++;
	pthread_mutex_unlock(&c->mutex);
	if (!is_free) goto refused;
	if (pthread_create(&thread, NULL, call_main, work) == 0) {
		pthread_detach(thread);
		return true;
	}
	pthread_mutex_lock(&c->mutex);
	c->running--;
	pthread_mutex_unlock(&c->mutex);
refused:
	close_all(work->fds, 3);
	mem_free(work->message);
	mem_free(work);
	return false;
}

static void *listen_main(void *arg)
{
	struct control *c = arg;
	struct pollfd wait[2] = { { .fd = c->listener, .events = POLLIN },
				  { .fd = c->stop_fd, .events = POLLIN } };

	for (;;) {
		/* A caller that connects and says nothing must not hold the door. */
		struct timeval patience = { .tv_sec = 2 };
		unsigned char answer = CONTROL_BUSY;
		int socket;

		if (poll(wait, 2, -1) < 0 && errno != EINTR) break;
		if ((wait[1].revents & POLLIN) != 0) break;
		if ((wait[0].revents & POLLIN) == 0) continue;
		socket = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
		if (socket < 0) continue;
		(void)setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		if (peer_may(socket)) {
			if (begin_call(c, socket)) continue;
		} else
			answer = (unsigned char)rc_row(RC_DENIED)->exit;
		(void)send(socket, &answer, 1, MSG_NOSIGNAL);
		close(socket);
	}
	return NULL;
}

enum rc control_start(struct control **out, struct env *env, control_run_fn *run, void *arg)
{
	struct control *c = mem_alloc(sizeof(*c));
	struct sockaddr_un address;
	enum rc rc;

	if (c == NULL) return RC_NO_MEMORY;
	*c = (struct control){ .env = env,
			       .run = run,
			       .arg = arg,
			       .listener = -1,
			       .stop_fd = -1,
			       .folder = -1,
			       .mutex = PTHREAD_MUTEX_INITIALIZER,
			       .idle = PTHREAD_COND_INITIALIZER };
	rc = address_of(&address, &c->folder, env->dir);
	if (rc != RC_OK) goto failed;
	memcpy(c->path, address.sun_path, sizeof(c->path));
	rc = RC_IO;
	c->stop_fd = eventfd(0, EFD_CLOEXEC);
	c->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (c->stop_fd < 0 || c->listener < 0) goto failed;
	(void)unlink(c->path); /* we hold the lock, so a socket that is there is a dead one */
	if (bind(c->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(c->path, 0600) != 0 || listen(c->listener, CONTROL_CALLS_MAX) != 0)
		goto failed;
	if (pthread_create(&c->thread, NULL, listen_main, c) != 0) goto failed;
	*out = c;
	return RC_OK;
failed:
	close_all(&c->listener, 1);
	close_all(&c->stop_fd, 1);
	close_all(&c->folder, 1);
	mem_free(c);
	return rc;
}

void control_stop(struct control *c)
{
	struct timespec until;
	int left;

	if (c == NULL) return;
	(void)eventfd_write(c->stop_fd, 1);
	pthread_join(c->thread, NULL);
	close(c->listener);
	(void)unlink(c->path);
	close_all(&c->folder, 1);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CONTROL_STOP_MS / 1000;
	pthread_mutex_lock(&c->mutex);
	while (c->running > 0 && pthread_cond_timedwait(&c->idle, &c->mutex, &until) == 0)
		continue;
	left = c->running;
	pthread_mutex_unlock(&c->mutex);
	if (left > 0) {
		/* Its thread still points here; the process is about to end anyway. */
		log_event(LOG_WARN, "app", "control.left", "calls=%d", left);
		return;
	}
	close(c->stop_fd);
	mem_free(c);
}

/* One try. *answer CONTROL_BUSY: nothing was done. RC_NOT_FOUND: nobody answers. */
static enum rc ask_once(const struct sockaddr_un *address, const struct sb *message, int fds[3],
			unsigned char *answer)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { message->p, message->len };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	int socket_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	enum rc rc = RC_NOT_FOUND;
	ssize_t n;

	if (socket_fd < 0 || connect(socket_fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
		goto out;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(3 * sizeof(int));
	memcpy(CMSG_DATA(header), fds, 3 * sizeof(int));
	rc = sendmsg(socket_fd, &msg, MSG_NOSIGNAL) == (ssize_t)message->len ? RC_OK : RC_IO;
	if (rc != RC_OK) goto out;
	do
		n = recv(socket_fd, answer, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n != 1) rc = RC_TRY_LATER; /* the server went away while the command ran */
out:
	if (socket_fd >= 0) close(socket_fd);
	return rc;
}

enum rc control_call(const char *dir, const struct command_line *line, int in, int out, int err,
		     int *exit_code)
{
	struct sockaddr_un address;
	struct arena *a = arena_new(CONTROL_MESSAGE_MAX * 8);
	struct sb message = { 0 };
	struct value *root, *words;
	int64_t until = clock_ticks() + CONTROL_PATIENCE_MS;
	unsigned char answer = CONTROL_BUSY;
	int fds[3] = { in, out, err };
	int folder = -1;
	enum rc rc = a == NULL ? RC_NO_MEMORY : address_of(&address, &folder, dir);

	if (rc != RC_OK) goto out;
	root = value_map(a);
	words = value_set_list(a, root, "argv");
	for (int i = 0; i < line->argc; i++)
		value_add_text(a, words, line->argv[i]);
	value_set_text(a, root, "lang", line->lang);
	value_set_text(a, root, "now", line->now);
	value_set_bool(a, root, "json", line->is_json);
	sb_init_arena(&message, a, CONTROL_MESSAGE_MAX);
	json_write(&message, root);
	rc = sb_result(&message);
	while (rc == RC_OK) {
		rc = ask_once(&address, &message, fds, &answer);
		if (rc != RC_OK || answer != CONTROL_BUSY) break;
		if (clock_ticks() >= until) rc = RC_TRY_LATER;
		(void)poll(NULL, 0, CONTROL_AGAIN_MS);
	}
	if (rc == RC_OK) *exit_code = answer;
out:
	close_all(&folder, 1);
	arena_free(a);
	return rc;
}
