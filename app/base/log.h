/*
** log.h -- one line per event: time zone-offset level subject event key=value…
** Written by a writer thread; a full queue drops and counts, never blocks.
** Never a secret, a message body or an unmasked address.
*/
#ifndef RECADO_BASE_LOG_H
#define RECADO_BASE_LOG_H

#include "base/clock.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Start (zone for the time stamps, NULL = UTC; dir NULL = stderr only, else files by subject, 10 MB × 5). */
enum rc log_start(const struct zone *zone, enum log_level least, const char *dir) MUST_CHECK;
void log_stop(void); /* writes what is queued */

/*
** subject: app jobs outbox calendars payments security access errors; "calendars+jobs" goes to the files of
** both, under the first one's name and level. What looks like a secret or an address is hidden (log_mask.h).
** fmt gives "key=value key=value". Control characters are replaced; text with blanks should be passed through
** log_quote. Works before log_start (stderr).
*/
void log_event(enum log_level level, const char *subject, const char *event, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
#define LOG_QUOTE_SIZE 200
const char *log_quote(char buf[LOG_QUOTE_SIZE], const char *text); /* "…" with escapes, cut if long */

/* While running */

#define LOG_SUBJECTS 8
const char *log_subject_at(size_t i);                          /* NULL past the end               */
bool log_level_parse(enum log_level *out, const char *text);   /* debug info warn error           */
void log_level_set(const char *subject, enum log_level least); /* subject NULL: all of them       */
/* Nothing below this is written, whatever the levels become: for a command whose caller reads its words. */
void log_quiet(enum log_level least);
void log_json_set(bool is_json); /* each line a JSON object          */
void log_reopen(void); /* files are closed and opened anew with the next line: whoever renamed them is done */

/*
** What every line of this thread carries at its end: "request=1f" or "job=7", "" = nothing more. Copied, cut
** at LOG_CONTEXT_SIZE. A line that says the same key itself keeps its own.
*/
#define LOG_CONTEXT_SIZE 48
void log_context(const char *fields);

#endif
