/*
** mem.h -- the only door to the heap: malloc with a hook that lets tests make it fail.
**
** Requests and jobs take memory from an arena; arenas, buffers and whatever lives
** as long as the process take it here. Without RECADO_FAULTS these are malloc,
** realloc and free and nothing else.
*/
#ifndef RECADO_BASE_MEM_H
#define RECADO_BASE_MEM_H

#include "base/rc.h"

/* size bytes, not zeroed; NULL when there is none. A size of 0 counts as 1. */
void *mem_alloc(size_t size) MUST_CHECK;
/* size zeroed bytes. */
void *mem_zeroed(size_t size) MUST_CHECK;
/* Like realloc: on failure NULL, and p stays as it was. p NULL allocates. */
void *mem_realloc(void *p, size_t size) MUST_CHECK;
/* A copy of text that ends in NUL; NULL when there is no memory. NULL text counts as "". */
char *mem_text(const char *text) MUST_CHECK;
void mem_free(void *p); /* NULL is fine */
/* The start is over: what only it needed of the program's own code and texts leaves memory. A page that is wanted
** again comes back from the file. */
void mem_settle(void);

#if defined(RECADO_TEST) && !defined(RECADO_FAULTS)
#define RECADO_FAULTS 1 /* the debug, sanitizer and fuzz builds all have it; the release never */
#endif

#ifdef RECADO_FAULTS
/* Test builds: the n-th allocation from now fails (1 = the next; 0 = none), and, if lasting, every one after
** it. The first allocation of the process reads the same from RECADO_FAIL_ALLOC ("120", or "120+" for
** lasting). */
void mem_fail(long n, bool is_lasting);
bool mem_fail_fired(void); /* did an allocation fail since mem_fail()?        */
long mem_live(void);       /* allocations not yet freed: 0 at the end of a test */
#endif

#endif
