/*
** backup_ini.h -- the settings file on its way into a backup and back.
*/
#ifndef RECADO_OPS_BACKUP_INI_H
#define RECADO_OPS_BACKUP_INI_H

#include "base/settings.h"
#include "base/value.h"

/* The text without the values of secrets (file:PATH and env:NAME stay: they are none) and without what this
** version does not know; in their lines stands a mark. left_out gets the full names. All in the arena. */
const char *ini_without_secrets(struct arena *a, const struct settings *s, const char *text, size_t len,
				struct value *left_out);
/* What belongs to a machine and not to its business; ended by NULL. */
extern const char *const ini_of_machine[];
/* What came of a settings file that is put back: [name] and [{name, here, there}]; the lists are the
** caller's. */
struct ini_back {
	struct value *to_enter; /* secrets that neither the backup nor this machine has          */
	struct value *kept;     /* of ini_of_machine, and not as in the backup: they stay as they are here */
};
/* The text of a backup, with each mark replaced by the value that `now` (the file on the machine, may be "")
** has, and the machine's own values in place of another's. What this version does not know becomes a
** comment. */
const char *ini_put_back(struct arena *a, const struct settings *s, const char *text, const char *now,
			 const struct ini_back *out);

#endif
