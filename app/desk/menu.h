/*
** menu.h -- the menu of a page (menu.c) and the help behind it (help.c).
*/
#ifndef RECADO_DESK_MENU_H
#define RECADO_DESK_MENU_H

#include "web/web.h"

/* Give the menu that layout.c collected its order, headings and badges: unread, work given up. */
void menu_order(struct cx *cx, struct value *layout, int64_t unread);

/* "/help/clients": the help page for the screen at path; one that exists. */
const char *help_path_of(struct cx *cx, const char *path);
enum rc handle_help(struct cx *cx, struct call *call);
enum rc handle_help_topic(struct cx *cx, struct call *call);

#endif
