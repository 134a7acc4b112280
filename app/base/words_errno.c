/*
** words_errno.c -- what the system answered, in the reader's language.
**
** Owns:   the table of the answers that files, folders and addresses meet.
** Holds:  a phrase fits behind a colon: "The file x cannot be read: it does not exist." What is not in the
**         table is seldom, and said in the system's own words.
*/
#include "base/words.h"

#include <errno.h>
#include <string.h>

static const struct {
	int error;
	const char *phrase;
} phrases[] = {
	{ ENOENT, N_("it does not exist") },
	{ EACCES, N_("no permission") },
	{ EPERM, N_("no permission") },
	{ EEXIST, N_("it exists already") },
	{ ENOSPC, N_("the disk is full") },
	{ EDQUOT, N_("the disk is full") },
	{ EROFS, N_("this disk can only be read") },
	{ EIO, N_("the disk reports an error") },
	{ EFBIG, N_("the file would be too large") },
	{ EISDIR, N_("it is a folder") },
	{ ENOTDIR, N_("a part of the path is not a folder") },
	{ ENOTEMPTY, N_("the folder is not empty") },
	{ ELOOP, N_("it is a link") },
	{ ENAMETOOLONG, N_("the name is too long") },
	{ EXDEV, N_("it lies on another disk") },
	{ EBUSY, N_("it is in use") },
	{ EMFILE, N_("too many files are open") },
	{ ENFILE, N_("too many files are open") },
	{ ENOMEM, N_("there is no memory left") },
	{ EADDRNOTAVAIL, N_("this machine does not have that address") },
};

const char *words_errno(enum lang lang, int error)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].error == error) return words_get(lang, phrases[i].phrase);
	return strerror(error);
}
