/*
** faults.c -- a heap and a disk for SQLite that fail on demand.
**
** Owns:   SQLite's allocator and default VFS in the test process.
** Holds:  without an order everything is passed on unchanged.
*/
#include "db/faults.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int kind = FAULT_NONE;
static _Atomic long left;
static _Atomic bool lasts, fired;

void fault_at(enum fault what, long n, bool is_lasting)
{
	atomic_store(&kind, FAULT_NONE);
	atomic_store(&left, n);
	atomic_store(&lasts, is_lasting);
	atomic_store(&fired, false);
	atomic_store(&kind, (int)what);
}

bool fault_fired(void)
{
	return atomic_load(&fired);
}

static bool is_time(enum fault what)
{
	long n;

	if (atomic_load(&kind) != (int)what) return false;
	n = atomic_fetch_sub(&left, 1);
	if (n != 1 && !(n < 1 && atomic_load(&lasts))) return false;
	atomic_store(&fired, true);
	return true;
}

/* Heap */

static sqlite3_mem_methods heap;

static void *heap_malloc(int size)
{
	return is_time(FAULT_MEMORY) ? NULL : heap.xMalloc(size);
}

static void *heap_realloc(void *p, int size)
{
	return is_time(FAULT_MEMORY) ? NULL : heap.xRealloc(p, size);
}

/* Disk */

struct file {
	sqlite3_file base;
	sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct file *)(void *)f)->real;
}

#define PASS(name, params, args)                           \
	static int file_##name params                      \
	{                                                  \
		return real_of(f)->pMethods->x##name args; \
	}
PASS(Read, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), (real_of(f), p, n, at))
PASS(Truncate, (sqlite3_file * f, sqlite3_int64 size), (real_of(f), size))
PASS(FileSize, (sqlite3_file * f, sqlite3_int64 *size), (real_of(f), size))
PASS(Lock, (sqlite3_file * f, int level), (real_of(f), level))
PASS(Unlock, (sqlite3_file * f, int level), (real_of(f), level))
PASS(CheckReservedLock, (sqlite3_file * f, int *out), (real_of(f), out))
PASS(FileControl, (sqlite3_file * f, int op, void *arg), (real_of(f), op, arg))
PASS(SectorSize, (sqlite3_file * f), (real_of(f)))
PASS(DeviceCharacteristics, (sqlite3_file * f), (real_of(f)))
PASS(ShmMap, (sqlite3_file * f, int page, int size, int grow, void volatile **out),
     (real_of(f), page, size, grow, out))
PASS(ShmLock, (sqlite3_file * f, int offset, int n, int flags), (real_of(f), offset, n, flags))
PASS(ShmUnmap, (sqlite3_file * f, int remove), (real_of(f), remove))

static int file_Close(sqlite3_file *f)
{
	sqlite3_file *real = real_of(f);
	int code = real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;

	free(real);
	return code;
}

/* A short write, as a full disk leaves it: half of the bytes are there. */
static int file_Write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	if (!is_time(FAULT_WRITE)) return real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
	if (n > 1) (void)real_of(f)->pMethods->xWrite(real_of(f), p, n / 2, at);
	return SQLITE_FULL;
}

static int file_Sync(sqlite3_file *f, int flags)
{
	return is_time(FAULT_SYNC) ? SQLITE_IOERR_FSYNC : real_of(f)->pMethods->xSync(real_of(f), flags);
}

static void file_ShmBarrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_Close,
	.xRead = file_Read,
	.xWrite = file_Write,
	.xTruncate = file_Truncate,
	.xSync = file_Sync,
	.xFileSize = file_FileSize,
	.xLock = file_Lock,
	.xUnlock = file_Unlock,
	.xCheckReservedLock = file_CheckReservedLock,
	.xFileControl = file_FileControl,
	.xSectorSize = file_SectorSize,
	.xDeviceCharacteristics = file_DeviceCharacteristics,
	.xShmMap = file_ShmMap,
	.xShmLock = file_ShmLock,
	.xShmBarrier = file_ShmBarrier,
	.xShmUnmap = file_ShmUnmap,
};

static sqlite3_vfs *disk, shim;

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	struct file *file = (struct file *)(void *)f;
	int code;

	(void)vfs;
	file->base.pMethods = NULL;
	file->real = calloc(1, (size_t)disk->szOsFile);
	if (!file->real) return SQLITE_NOMEM;
	code = disk->xOpen(disk, name, file->real, flags, out_flags);
	if (code == SQLITE_OK) {
		file->base.pMethods = &methods;
	} else {
		free(file->real);
		file->real = NULL;
	}
	return code;
}

void faults_install(void)
{
	sqlite3_mem_methods failing;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &heap);
	failing = heap;
	failing.xMalloc = heap_malloc;
	failing.xRealloc = heap_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
	disk = sqlite3_vfs_find(NULL);
	shim = *disk;
	shim.zName = "faults";
	shim.szOsFile = (int)sizeof(struct file);
	shim.pNext = NULL;
	shim.xOpen = disk_open;
	sqlite3_vfs_register(&shim, 1);
}
