/*
** standin_doppler.h -- inside the stand-in only: the parts of its Doppler Relay.
**
**   standin_doppler.c           doors, log-in             standin_doppler_send.c    sends, limits
**   standin_doppler_sent.c      what was accepted         standin_doppler_fault.c   what goes wrong on
**   purpose standin_doppler_list.c      deliveries, statistics    standin_doppler_template.c   templates
**   standin_doppler_report.c    reports and their files   standin_doppler_control.c    /_standin/doppler
**
** All functions want the stand-in's lock held.
*/
#ifndef RECADO_STANDIN_STANDIN_DOPPLER_H
#define RECADO_STANDIN_STANDIN_DOPPLER_H

#include "standin/inside.h"

#define DOPPLER_KEY_SIZE  200
#define DOPPLER_GUID_SIZE 37

/* Which call a fault is for. */
enum doppler_call {
	CALL_SEND,
	CALL_TEMPLATES, /* list, one, body, edits */
	CALL_LIMITS,
	CALL_ACCOUNT,
	CALL_REPORT, /* POST */
	CALL_POLL,
	CALL_FILE,
	CALL_DELIVERIES, /* and statistics */
	CALL__MAX
};

/* One call being answered. */
struct doppler_rq {
	struct standin *s;
	struct doppler_stand *d;
	struct request *rq;
	struct reply *rp;
	struct arena *arena; /* the request's; a large send has one of its own */
	const char *account; /* of the path, "" = none */
	const char *rest;    /* of the path behind it, with its slash */
	enum doppler_call call;
	bool is_post, is_get;
};

/* Faults */

enum doppler_act {
	ACT_ANSWER, /* status and body of the row                                       */
	ACT_HANG,   /* accepted, never answered                                         */
	ACT_RESET,  /* accepted, and the line cut without an answer                      */
	ACT_CLOSE,  /* the line cut, nothing done                                       */
	ACT_DRIP,   /* accepted, answered DRIP_MS later                                  */
	ACT_BYTES,  /* accepted, the answer's body byte by byte                           */
	ACT_UNREAD, /* the line cut before the mail is read; of a rule for sends only     */
	ACT_SHORT   /* accepted, the answer shorter than its Content-Length              */
};
#define DRIP_MS 3000
struct doppler_fault {
	const char *word; /* local part of a magic recipient, and "answer" of a rule */
	enum doppler_act act;
	int status;
	const char *body, *media_type; /* NULL: JSON */
	const char *header, *value;
	bool is_accepted; /* the mail is taken all the same                                */
	bool is_unclear;  /* the sender may not repeat it                                  */
	const char *help;
};
const struct doppler_fault *doppler_fault_at(size_t i); /* NULL past the end */
const struct doppler_fault *doppler_fault_of(const char *word, size_t len);

#define DOPPLER_RULES_MAX 64
struct doppler_rule {
	const struct doppler_fault *fault;
	enum doppler_call call;
	char to[256];      /* "" = anybody                                              */
	int64_t from_send; /* from that send on, counted since the reset; 0 = any       */
	int64_t left;      /* answers; -1 = for ever                                     */
};
/* What is to go wrong with this call now, used up by it; NULL: nothing. to: of a send. */
const struct doppler_fault *doppler_fault_now(struct doppler_stand *d, enum doppler_call call, const char *to,
					      int64_t send);
/* Is the next send not even read? One time of its rule is used up. */
bool doppler_hangs_up(struct doppler_stand *d, const char *path);
/* Answer with it. The caller accepted the mail before, if it is to be. */
void doppler_play(struct doppler_rq *q, const struct doppler_fault *f, const char *good_body);

/* What was accepted */

enum doppler_fate {
	WENT_SENT,
	WENT_INVALID,
	WENT_REJECTED,
	WENT_RETRYING,
	WENT_DROPPED,
	WENT_OPENED,
	WENT_CLICKED
};

/* A mail that all of a bulk send share: stored once. */
struct doppler_letter {
	char subject[256], from[128], from_name[128];
};
struct sent_view { /* one of them, as it stands now */
	const char *address;
	size_t address_len;
	const struct doppler_letter *letter;
	instant at;
	const char *status, *bounce; /* lower case; bounce "" */
	int opens, clicks;
	int64_t number;
};
struct sent_memory;
struct sent_memory *sent_memory_new(void);    /* NULL: no memory */
void sent_memory_free(struct sent_memory *m); /* NULL is fine */
void sent_memory_reset(struct sent_memory *m);
/* Without memory the oldest are forgotten, or this one. */
void sent_memory_add(struct sent_memory *m, const char *address, const struct doppler_letter *letter,
		     instant at);
int64_t sent_memory_first(const struct sent_memory *m); /* numbers first … end - 1 are remembered */
int64_t sent_memory_end(const struct sent_memory *m);
void sent_memory_at(const struct doppler_stand *d, struct sent_view *out, int64_t number, instant now);

/* The whole */

#define DOPPLER_REPORTS_MAX 64
enum report_mode { REPORT_USUAL, REPORT_NO_FILE, REPORT_HTML, REPORT_DIRECT, REPORT_EMPTY };
struct doppler_report {
	int64_t id; /* 0 = free */
	instant from, until;
	int polls;
	int64_t ready_after; /* polls; -1 = never */
};

#define DOPPLER_TEMPLATES_MAX 100
#define DOPPLER_HTML_MAX      ((size_t)512 * 1024)
struct doppler_template_row {
	char id[DOPPLER_GUID_SIZE];
	char name[256], subject[256], from_name[256], from_email[256];
	char *html; /* ours */
	const char *kind;
	bool is_inline, is_body_broken;
	instant updated;
};

enum { LIMIT_HOURLY, LIMIT_DAILY, LIMIT_MONTHLY, LIMITS };

struct doppler_stand {
	struct sent_memory *sent;
	int64_t posts, accepted; /* sends asked for, mails taken, since the reset */
	char key[DOPPLER_KEY_SIZE], account[64];
	char scheme[12]; /* the only word it takes; "" = both */
	bool is_strict, ignores_subject, forgets_reset_date;
	int64_t skew_s; /* its clock is so far ahead, in the Date header of its answers */
	int64_t remaining[LIMITS], limit[LIMITS]; /* -1: none of that period               */
	bool needs_dkim;
	struct doppler_rule rules[DOPPLER_RULES_MAX];
	size_t rule_count;
	int sent_ms, open_ms, click_ms;
	/* Templates */
	struct doppler_template_row *templates;
	size_t template_count;
	int extra_templates;
	bool has_templates, is_bare_list;
	/* Reports */
	struct doppler_report reports[DOPPLER_REPORTS_MAX];
	int64_t report_count;
	enum report_mode report_mode;
	int64_t report_polls; /* -1 = never */
	int64_t report_lines; /* -1: what was sent */
	bool report_bom, report_cp1252, report_elsewhere;
	const char *report_id_in;
	struct doppler_letter letter; /* scratch of a send */
};

/* An answer. errors: JSON list or NULL. */
void doppler_say(struct doppler_rq *q, int status, const char *body);
void doppler_problem_say(struct doppler_rq *q, int status, int code, const char *slug, const char *title,
			 const char *errors);
/* A whole number of the query, otherwise; false: not a number within least…most, and 400.1 was answered. */
bool doppler_query_int(struct doppler_rq *q, const char *name, int64_t otherwise, int64_t least, int64_t most,
		       int64_t *out);

/* 400.1 about one member. */
void doppler_invalid(struct doppler_rq *q, const char *key, const char *detail);
/* False: 401 was answered. */
bool doppler_has_login(struct doppler_rq *q);
bool doppler_has_account(struct doppler_rq *q); /* false: 403 was answered */

/* standin_doppler_send.c. template NULL: a plain message. */
void doppler_send_handle(struct doppler_rq *q, const struct doppler_template_row *template);
bool doppler_by_template(struct doppler_rq *q); /* "/templates/ID/message"; false: no such door */
void doppler_limits_handle(struct doppler_rq *q);

bool doppler_templates_handle(struct doppler_rq *q); /* false: no such door */
/* The template of a send; NULL: none. */
const struct doppler_template_row *doppler_template_find(struct doppler_stand *d, instant now, const char *id,
							 size_t len);
void doppler_templates_reset(struct doppler_stand *d);
/* Those that are always there, for `recado standin --numbers`: id and name; NULL past the end. */
const char *doppler_template_line(size_t i);
const char *doppler_template_name(size_t i);
bool doppler_lists_handle(struct doppler_rq *q);
bool doppler_reports_handle(struct doppler_rq *q);
void doppler_file_handle(struct doppler_rq *q);

#endif
