/*
** dotenv.h -- reads the .env files of old installations. Total, no I/O, no globals.
**
** What python-dotenv and django-environ wrote: NAME=VALUE, `export` in front, comments, single quotes
** (literal), double quotes (\n \t \r \" \\ \$, may hold line feeds), bare values up to a blank and #. Nothing
** is expanded: ${NAME} stays as it is.
*/
#ifndef RECADO_BASE_DOTENV_H
#define RECADO_BASE_DOTENV_H

#include "base/arena.h"

#define DOTENV_FILE_MAX  (256 * 1024) /* the largest seen had 4 kB                                       */
#define DOTENV_NAME_MAX  100          /* of environment variables in use                               */
#define DOTENV_VALUE_MAX (64 * 1024)  /* a service account's JSON or a PEM key fits                    */

struct dotenv_pair {
	const char *name, *value; /* UTF-8, arena */
	int line;                 /* 1-based, where it begins */
};

/*
** The next pair of *in, which moves behind it; *line counts along (start with 1). RC_NOT_FOUND: no more.
** RC_BAD_INPUT: the line *at is none of the above (no name, no =, an open quote, not UTF-8, too long); *in is
** behind it, so the caller may go on.
*/
enum rc dotenv_next(struct dotenv_pair *out, struct bytes *in, int *line, int *at,
		    struct arena *a) MUST_CHECK;

#endif
