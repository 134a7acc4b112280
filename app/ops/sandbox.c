/*
** sandbox.c -- gives up what the server never needs, once, before any thread.
**
** Landlock rules are on folders, never on files: a file that is replaced (resolv.conf) would
** be denied afterwards. The system-call list inside is a short deny list; the service unit
** keeps the allow list. A kernel without either starts all the same, and says so in the log.
*/
#include "ops/ops.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                                                      \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |       \
	 LANDLOCK_ACCESS_FS_REFER)
#define OTHER_RIGHTS                                                                                \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

#define ABI_WITH_REFER 2 /* before it (Linux < 5.19) no file could move to another folder, as uploads do */

static void allow_folder(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights,
						   .parent_fd = open(path, O_PATH | O_CLOEXEC) };

	if (rule.parent_fd < 0) return; /* an empty chroot has no /usr: nothing to allow */
	(void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
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

static bool enter_landlock(const struct env *env)
{
	static const char *const readable[] = { "/etc", "/usr/share", "/run",
						"/dev", "/proc",      "/sys/fs/cgroup" };
	struct landlock_ruleset_attr attr = { .handled_access_fs =
						      READ_RIGHTS | WRITE_RIGHTS | OTHER_RIGHTS };
	const char *backup_dir = setting_text(env->settings, "backup.folder");
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION), ruleset;
	bool is_in;

	if (abi < ABI_WITH_REFER) return false;
	ruleset = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0) return false;
	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		allow_folder((int)ruleset, readable[i], READ_RIGHTS);
	allow_folder((int)ruleset, env->dir, READ_RIGHTS | WRITE_RIGHTS);
	if (backup_dir[0] != '\0') allow_folder((int)ruleset, backup_dir, READ_RIGHTS | WRITE_RIGHTS);
	allow_secrets((int)ruleset, env->settings);
	is_in = syscall(SYS_landlock_restrict_self, (int)ruleset, 0) == 0;
	close((int)ruleset);
	return is_in;
}

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef OUR_ARCH
#define DENY(call)                                               \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (SYS_##call), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA))

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
	struct sock_fprog program = { .len = (unsigned short)(sizeof(filter) / sizeof(filter[0])),
				      .filter = filter };

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
	bool has_landlock, has_seccomp;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		log_event(LOG_WARN, "security", "sandbox.none", "errno=%d", errno);
		return;
	}
	has_landlock = enter_landlock(env);
	has_seccomp = enter_seccomp();
	log_event(has_landlock && has_seccomp ? LOG_INFO : LOG_WARN, "security", "sandbox.entered",
		  "landlock=%d seccomp=%d", has_landlock, has_seccomp);
}
