/*
** sandbox.c -- gives up what the server never needs, once, before any thread.
**
** Three walls, each alone if the kernel has no more: no-new-privileges; Landlock (folders it may read or
** write, TCP ports it may bind or connect to, signals and abstract sockets of its own only); a list of system
** calls that are refused and logged. The service unit keeps the list of those that are allowed.
**
** Owns:   what sandbox_facts() tells; the handler of SIGSYS.
** Never:  fails a start: a kernel without one of them is logged and shown (degraded).
** Holds:  (1) Landlock rules are on folders, never on files: a file that is replaced (resolv.conf) would be
**         denied afterwards; (2) offline the ports are free, since the stand-ins' are chosen at their start;
**         (3) what a setting names at the start is allowed: its folder, its port.
*/
#include "ops/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* Of Linux 6.2, 6.7, 6.10 and 6.12: the headers we build with may be older than the kernel we run on. */
#define FS_TRUNCATE         (UINT64_C(1) << 14)
#define FS_IOCTL_DEV        (UINT64_C(1) << 15)
#define NET_BIND_TCP        (UINT64_C(1) << 0)
#define NET_CONNECT_TCP     (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT_UNIX (UINT64_C(1) << 0)
#define SCOPE_SIGNAL        (UINT64_C(1) << 1)
#define RULE_NET_PORT       2
/* before it (Linux < 5.19) no file could move to another folder, as uploads do */
#define ABI_WITH_REFER    2
#define ABI_WITH_TRUNCATE 3
#define ABI_WITH_PORTS    4
#define ABI_WITH_IOCTL    5
#define ABI_WITH_SCOPES   6

struct ruleset_attr {
	uint64_t fs, net, scoped;
};
struct net_port_attr {
	uint64_t access, port;
};

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                                                      \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |       \
	 LANDLOCK_ACCESS_FS_REFER)
#define OTHER_RIGHTS                                                                                \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* Where providers listen: web, mail submission, names over TCP. */
static const int usual_ports[] = { 443, 80, 25, 465, 587, 2525, 53, 853 };

static struct sandbox_facts facts;
static unsigned char open_ports[65536 / 8]; /* to connect to; meant only while facts.has_ports */

void sandbox_facts(struct sandbox_facts *out)
{
	*out = facts;
}

static void allow_folder(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights,
						   .parent_fd = open(path, O_PATH | O_CLOEXEC) };

	if (rule.parent_fd < 0) return; /* an empty chroot has no /usr: nothing to allow */
	(void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

static void allow_port(int ruleset, int64_t port, uint64_t access)
{
	struct net_port_attr rule = { access, (uint64_t)port };

	if (port < 0 || port > 65535) return;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) != 0) return;
	if (access == NET_CONNECT_TCP) open_ports[port / 8] |= (unsigned char)(1 << (port % 8));
}

/* The folder of a file that a setting names by its full path. */
static void allow_folder_of(int ruleset, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	if (path[0] != '/' || slash == path) return;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	allow_folder(ruleset, folder, READ_RIGHTS);
}

/* The folders of secrets that stand in files (file:PATH): they are read again with the settings. */
static void allow_secrets(int ruleset, const struct settings *s)
{
	const struct setting *row;
	char folder[PATH_MAX];

	for (size_t i = 0; (row = settings_row(s, i)) != NULL; i++) {
		const char *shown = settings_shown(s, row->name), *slash;

		if (!row->is_secret || strncmp(shown, "file:/", 6) != 0) continue;
		slash = strrchr(shown, '/');
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - shown - 5), shown + 5);
		if (folder[0] != '\0') allow_folder(ruleset, folder, READ_RIGHTS);
	}
}

/* "…host:8080/…" → 8080; without one the scheme's, 0 for what has none. */
static int64_t port_of(const char *address)
{
	const char *host = strstr(address, "://"), *colon;
	size_t len;

	host = host != NULL ? host + 3 : address;
	len = strcspn(host, "/?#");
	colon = memrchr(host, ':', len);
	if (colon != NULL && strcspn(colon + 1, "0123456789") == 0) return strtol(colon + 1, NULL, 10);
	return strncmp(address, "http://", 7) == 0 ? 80 : 443;
}

/* The port that a setting names: an address's, the mail server's. -1 = it names none. */
static int64_t port_named(const struct settings *s, const struct setting *row)
{
	const char *end = strrchr(row->name, '.');

	/* Others come to the panel by it; nobody here goes there. */
	if (strcmp(row->name, "web.public_url") == 0) return -1;
	if (row->type == SET_URL && setting_text(s, row->name)[0] != '\0')
		return port_of(setting_text(s, row->name));
	return row->type == SET_INT && end != NULL && strcmp(end, ".port") == 0 ? setting_int(s, row->name)
										: -1;
}

static void allow_ports(int ruleset, const struct settings *s)
{
	const struct setting *row;

	for (size_t i = 0; i < sizeof(usual_ports) / sizeof(usual_ports[0]); i++)
		allow_port(ruleset, usual_ports[i], NET_CONNECT_TCP);
	for (size_t i = 0; (row = settings_row(s, i)) != NULL; i++)
		allow_port(ruleset, port_named(s, row), NET_CONNECT_TCP);
	if (setting_text(s, "web.listen")[0] != '/')
		allow_port(ruleset, port_of(setting_text(s, "web.listen")), NET_BIND_TCP);
}

const char *sandbox_closed_setting(const struct env *env)
{
	const struct setting *row;

	if (!facts.has_ports) return NULL;
	for (size_t i = 0; (row = settings_row(env->settings, i)) != NULL; i++) {
		int64_t port = port_named(env->settings, row);

		if (port > 0 && port < 65536 && !(open_ports[port / 8] & (1 << (port % 8)))) return row->name;
	}
	return NULL;
}

static bool is_notified_by_name(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path != NULL && path[0] == '@';
}

static struct ruleset_attr handled(const struct env *env, long abi)
{
	struct ruleset_attr attr = { .fs = READ_RIGHTS | WRITE_RIGHTS | OTHER_RIGHTS };

	if (abi >= ABI_WITH_TRUNCATE) attr.fs |= FS_TRUNCATE;
	if (abi >= ABI_WITH_IOCTL) attr.fs |= FS_IOCTL_DEV;
	if (abi >= ABI_WITH_PORTS && !env->is_offline) attr.net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= ABI_WITH_SCOPES) {
		attr.scoped = SCOPE_SIGNAL;
		/* A service manager that is told through an abstract socket must still hear us. */
		if (!is_notified_by_name()) attr.scoped |= SCOPE_ABSTRACT_UNIX;
	}
	return attr;
}

static bool enter_landlock(const struct env *env)
{
	static const char *const readable[] = { "/etc", "/usr/share", "/run",
						"/dev", "/proc",      "/sys/fs/cgroup" };
	const char *backup_dir = setting_text(env->settings, "backup.folder");
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION), ruleset;
	struct ruleset_attr attr;
	uint64_t write;
	bool is_in;

	if (abi < ABI_WITH_REFER) return false;
	attr = handled(env, abi);
	write = READ_RIGHTS | WRITE_RIGHTS | (attr.fs & FS_TRUNCATE);
	ruleset = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0) return false;
	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		allow_folder((int)ruleset, readable[i], READ_RIGHTS);
	allow_folder((int)ruleset, env->dir, write);
	if (backup_dir[0] != '\0') allow_folder((int)ruleset, backup_dir, write);
	allow_secrets((int)ruleset, env->settings);
	allow_folder_of((int)ruleset, setting_text(env->settings, "smtp.ca_file"));
	if (attr.net != 0) allow_ports((int)ruleset, env->settings);
	is_in = syscall(SYS_landlock_restrict_self, (int)ruleset, 0) == 0;
	close((int)ruleset);
	if (is_in) {
		facts.landlock_abi = (int)abi;
		facts.has_ports = attr.net != 0;
		facts.has_scopes = attr.scoped != 0;
	}
	return is_in;
}

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef OUR_ARCH
#define DENY(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (SYS_##call), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)

/* A refused call traps here: it is logged and answered EPERM. Logging in a signal handler is safe because
** none of the calls in the list is made under a lock of ours or of libc's: the thread stands in its own code.
** */
static void refused(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)signal;
#if defined(__x86_64__)
	u->uc_mcontext.gregs[REG_RAX] = -EPERM;
#else
	u->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#endif
	log_event(LOG_WARN, "security", "sandbox.refused", "call=%d", info->si_syscall);
}

static bool enter_seccomp(void)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		DENY(execve),
		DENY(execveat),
		DENY(ptrace),
		DENY(process_vm_readv),
		DENY(process_vm_writev),
		DENY(mount),
		DENY(fsopen),
		DENY(move_mount),
		DENY(open_tree),
		DENY(open_by_handle_at),
		DENY(io_uring_setup),
		DENY(umount2),
		DENY(pivot_root),
		DENY(chroot),
		DENY(unshare),
		DENY(setns),
		DENY(bpf),
		DENY(perf_event_open),
		DENY(init_module),
		DENY(finit_module),
		DENY(delete_module),
		DENY(kexec_load),
		DENY(kexec_file_load),
		DENY(quotactl),
		DENY(acct),
		DENY(syslog),
		DENY(keyctl),
		DENY(add_key),
		DENY(request_key),
		DENY(userfaultfd),
		DENY(reboot),
		DENY(swapon),
		DENY(swapoff),
		DENY(settimeofday),
		DENY(clock_settime),
		DENY(sethostname),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sigaction trap = { .sa_sigaction = refused, .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sock_fprog program = { .len = (unsigned short)(sizeof(filter) / sizeof(filter[0])),
				      .filter = filter };

	if (sigaction(SIGSYS, &trap, NULL) != 0) return false;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
#else
static bool enter_seccomp(void)
{
	return false; /* system-call numbers of this machine are not in the table above */
}
#endif

void sandbox_enter(const struct env *env)
{
	bool has_landlock;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		log_event(LOG_WARN, "security", "sandbox.none", "errno=%d", errno);
		return;
	}
	facts.has_no_new_privs = true;
	has_landlock = enter_landlock(env);
	facts.has_seccomp = enter_seccomp();
	log_event(has_landlock && facts.has_seccomp ? LOG_INFO : LOG_WARN, "security", "sandbox.entered",
		  "landlock=%d ports=%d scopes=%d seccomp=%d", facts.landlock_abi, facts.has_ports,
		  facts.has_scopes, facts.has_seccomp);
}
