/*
** mem.c -- the only door to the heap.
**
** Owns:   the fault counters of test builds; no state otherwise.
** Needs:  nothing.
** Never:  ends the process; logs.
** Holds:  (1) NULL is the only sign of failure; (2) with RECADO_FAULTS exactly the
**         allocation asked for fails, whichever thread makes it.
*/
#include "base/mem.h"
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef RECADO_FAULTS
#include <pthread.h>
#include <stdatomic.h>

static struct {
	pthread_once_t once;
	atomic_long left;       /* allocations until the one that fails; 0 = none will */
	atomic_bool is_lasting; /* every one after it fails too                        */
	atomic_bool has_fired;
	atomic_long live;
} faults = { .once = PTHREAD_ONCE_INIT };

static void faults_from_environment(void)
{
	const char *wish = getenv("RECADO_FAIL_ALLOC");
	char *rest = NULL;
	long n;

	if (wish == NULL) return;
	n = strtol(wish, &rest, 10);
	if (n <= 0) return;
	atomic_store(&faults.is_lasting, *rest == '+');
	atomic_store(&faults.left, n);
}

void mem_fail(long n, bool is_lasting)
{
	pthread_once(&faults.once, faults_from_environment);
	atomic_store(&faults.is_lasting, is_lasting);
	atomic_store(&faults.has_fired, false);
	atomic_store(&faults.left, n > 0 ? n : 0);
}

bool mem_fail_fired(void)
{
	return atomic_load(&faults.has_fired);
}

long mem_live(void)
{
	return atomic_load(&faults.live);
}

static bool must_fail(void)
{
	long left;

	pthread_once(&faults.once, faults_from_environment);
	if (atomic_load(&faults.has_fired) && atomic_load(&faults.is_lasting)) return true;
	left = atomic_load(&faults.left);
	while (left > 0 && !atomic_compare_exchange_weak(&faults.left, &left, left - 1))
		;
	if (left != 1) return false;
	atomic_store(&faults.has_fired, true);
	return true;
}

static void count_live(long by)
{
	atomic_fetch_add(&faults.live, by);
}
#else
static inline bool must_fail(void)
{
	return false;
}

static inline void count_live(long by)
{
	(void)by;
}
#endif

void *mem_alloc(size_t size)
{
	void *p = must_fail() ? NULL : malloc(size == 0 ? 1 : size);

	if (p != NULL) count_live(1);
	return p;
}

void *mem_zeroed(size_t size)
{
	void *p = must_fail() ? NULL : calloc(1, size == 0 ? 1 : size);

	if (p != NULL) count_live(1);
	return p;
}

void *mem_realloc(void *p, size_t size)
{
	void *bigger = must_fail() ? NULL : realloc(p, size == 0 ? 1 : size);

	if (bigger != NULL && p == NULL) count_live(1);
	return bigger;
}

char *mem_text(const char *text)
{
	size_t len = text == NULL ? 0 : strlen(text);
	char *copy = mem_alloc(len + 1);

	if (copy == NULL) return NULL;
	if (len > 0) memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

void mem_free(void *p)
{
	if (p != NULL) count_live(-1);
	free(p);
}

/* Segments that nobody can write are the file's own bytes; the first object is the program. Neighbours come in
** with a page that is touched, so nearly all of it was in memory. */
static int forget(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr, to = from + p->p_memsz;

		if (p->p_type != PT_LOAD || (p->p_flags & PF_W) != 0) continue;
		from -= from % page;
		/* Else the kernel may map two megabytes for one instruction of them. */
		(void)madvise((void *)from, to - from, MADV_NOHUGEPAGE);
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 1;
}

void mem_settle(void)
{
	dl_iterate_phdr(forget, NULL);
}
