/*
** faults.h -- makes SQLite's n-th allocation, or its n-th write or sync, fail: once, or from then on.
*/
#ifndef RECADO_TESTS_DB_FAULTS_H
#define RECADO_TESTS_DB_FAULTS_H

#include <stdbool.h>

enum fault { FAULT_NONE, FAULT_MEMORY, FAULT_WRITE, FAULT_SYNC };

void faults_install(void); /* first thing in main, before any database opens */
void fault_at(enum fault what, long n, bool is_lasting);
bool fault_fired(void); /* did one happen since fault_at()? */

#endif
