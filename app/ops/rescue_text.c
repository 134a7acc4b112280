/*
** rescue_text.c -- what to do when something is lost, full or damaged.
**
** Owns:   the text; guide.c shows it.
** Holds:  each example is a command line that a test runs.
*/
#include "ops/guide.h"

static const struct guide_item password_items[] = {
	{ .text = N_("Make a link or a new password for the user; all sessions of that user end."),
	  .command = "recado user reset NAME",
	  .example = "user reset ana" },
	{ .text = N_("Names are listed here."), .command = "recado user list", .example = "user list" },
	{ .text = NULL },
};

static const struct guide_item phone_items[] = {
	{ .text = N_("Switch the second factor of that user off; it is set up anew at the next log-in."),
	  .command = "recado user reset NAME --second-factor-off",
	  .example = "user reset ana --second-factor-off" },
	{ .text = NULL },
};

static const struct guide_item disk_items[] = {
	{ .text = N_("See what is large."), .command = "recado tables", .example = "tables" },
	{ .text = N_(
		  "Remove what nobody needs: half-made files, old exports, leftovers of interrupted work."),
	  .command = "recado rescue disk",
	  .example = "rescue disk" },
	{ .text = N_("Keep fewer backups here; those that were copied to a storage stay there."),
	  .command = "recado config set backup.daily 3",
	  .example = "config set backup.daily 3" },
	{ .text = N_("Let the log of the machine take less."), .command = "journalctl --vacuum-size=100M" },
	{ .text = NULL },
};

static const struct guide_item clock_items[] = {
	{ .text = N_("Let the network keep it."), .command = "timedatectl set-ntp true" },
	{ .text = N_("See that the house agrees."), .command = "recado check", .example = "check" },
	{ .text = N_("See when each thing runs next."),
	  .command = "recado schedules",
	  .example = "schedules" },
	{ .text = NULL },
};

static const struct guide_item port_items[] = {
	{ .text = N_("See who has the port."), .command = "ss -tlnp" },
	{ .text = N_("Take another one, and tell the proxy."),
	  .command = "recado config set web.listen 127.0.0.1:8081",
	  .example = "config set web.listen 127.0.0.1:8081" },
	{ .text = N_("Try the ways out: names, ports, providers."),
	  .command = "recado check --online",
	  .example = "check --online" },
	{ .text = NULL },
};

static const struct guide_item file_items[] = {
	{ .text = N_("Stop, so that nothing writes."), .command = "systemctl stop recado" },
	{ .text = N_("See which backups are proved."),
	  .command = "recado backup list",
	  .example = "backup list" },
	{ .text = N_("Put the newest one back; the damaged state is kept beside it."),
	  .command = "recado restore FILE" },
	{ .text = N_(
		  "If the machine is gone: install on a new one, fetch the copy from the storage, restore it."),
	  .command = "recado storage fetch latest" },
	{ .text = N_(
		  "If recado.ini is what is damaged: the sentence at the start names line and key; this shows the same."),
	  .command = "recado config list",
	  .example = "config list" },
	{ .text = NULL },
};

const struct guide_section rescue_sections[] = {
	{ .id = "password",
	  .title = N_("A lost password"),
	  .intro = N_("The panel never shows one again; whoever is at the machine sets a new one."),
	  .items = password_items,
	  .is_numbered = true },
	{ .id = "phone",
	  .title = N_("A lost phone (second factor)"),
	  .intro = N_("One of the recovery codes opens the door as well."),
	  .items = phone_items,
	  .is_numbered = true },
	{ .id = "disk",
	  .title = N_("A full disk"),
	  .intro = N_("Nothing accepted is lost: writing stops, and goes on when there is room."),
	  .items = disk_items,
	  .is_numbered = true },
	{ .id = "clock",
	  .title = N_("A wrong clock"),
	  .intro = N_(
		  "While the clock is off a banner says so. Nothing is sent twice: a due time exists once, whatever the clock does."),
	  .items = clock_items,
	  .is_numbered = true },
	{ .id = "port",
	  .title = N_("A blocked port"),
	  .intro = N_(
		  "A port that is taken stops the start with its number; a closed way out shows as a channel that waits."),
	  .items = port_items,
	  .is_numbered = true },
	{ .id = "file",
	  .title = N_("A damaged file"),
	  .intro = N_("A damaged database is said at the start and by the check; it is never guessed at."),
	  .items = file_items,
	  .is_numbered = true },
	{ .id = NULL },
};
