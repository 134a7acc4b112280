/*
** bulk.h -- what bulk.c and bulk_page.c share.
*/
#ifndef RECADO_DESK_BULK_H
#define RECADO_DESK_BULK_H

#include "desk/inner.h"

#define BULK_KIND "desk.bulk"

#endif
