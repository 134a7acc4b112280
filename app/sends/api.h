/*
** api.h -- what api.c and api_list.c share.
*/
#ifndef RECADO_SENDS_API_H
#define RECADO_SENDS_API_H

#include "sends/bulk_inner.h"

#define API_ROWS_MAX 200 /* spec §18 */

enum rc handle_bulk_api_list(struct cx *cx, struct call *call);
enum rc handle_bulk_api_senders(struct cx *cx, struct call *call);
enum rc handle_bulk_api_jobs(struct cx *cx, struct call *call);
enum rc handle_bulk_api_show(struct cx *cx, struct call *call);
enum rc handle_bulk_recipients(struct cx *cx, struct call *call);
enum rc handle_bulk_csv_preview(struct cx *cx, struct call *call);
enum rc handle_bulk_evidence(struct cx *cx, struct call *call);
extern const struct fact bulk_list_takes[], bulk_jobs_takes[], bulk_rows_takes[];

/* {"ok": true} beside the object. */
void bulk_answer_object(struct cx *cx, struct call *call, int status, struct value *object);

#endif
