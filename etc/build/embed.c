/*
** embed.c -- build tool: turns files into one assembler file with a sorted index (app/base/embed.h reads it).
**
** Usage:  embed OUT.S (file NAME PATH | tree NAME FOLDER)...
**         NAME is what embed_find() takes; a tree adds each file below FOLDER as NAME/relative/path.
** Why:    .incbin costs the compiler nothing, arrays of numbers do; gcc 12 has no #embed.
** Holds:  (1) the index is sorted by strcmp and has no name twice; (2) equal bytes are stored once (zone
**         aliases); (3) one NUL follows each entry's bytes; (4) same input, same output.
** Never:  runs in the product; it may exit where it stands.
*/
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct item {
	char *name;
	char *path;
	size_t size;
	uint64_t hash;
	size_t same; /* index of the first item with these bytes */
};

static struct item *items;
static size_t item_count, item_room;

static void die(const char *what, const char *which)
{
	fprintf(stderr, "embed: %s: %s\n", what, which);
	exit(1);
}

static char *join(const char *a, const char *b)
{
	size_t n = strlen(a) + strlen(b) + 2;
	char *s = malloc(n);

	if (s == NULL) die("out of memory", a);
	snprintf(s, n, "%s%s%s", a, *a != '\0' && *b != '\0' ? "/" : "", b);
	return s;
}

/* FNV-1a over the file's bytes; equal hashes are compared byte by byte before they count as equal. */
static uint64_t hash_file(const char *path)
{
	uint64_t h = 14695981039346656037u;
	FILE *f = fopen(path, "rb");
	int c;

	if (f == NULL) die(strerror(errno), path);
	while ((c = getc(f)) != EOF)
		h = (h ^ (uint64_t)(unsigned char)c) * 1099511628211u;
	if (ferror(f)) die("cannot be read", path);
	fclose(f);
	return h;
}

static bool same_bytes(const char *a, const char *b)
{
	FILE *fa = fopen(a, "rb"), *fb = fopen(b, "rb");
	int ca = 0, cb = 0;

	if (fa == NULL || fb == NULL) die(strerror(errno), fa == NULL ? a : b);
	while (ca == cb && ca != EOF) {
		ca = getc(fa);
		cb = getc(fb);
	}
	fclose(fa);
	fclose(fb);
	return ca == cb;
}

static void add_file(const char *name, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) die(strerror(errno), path);
	if (strpbrk(path, "\"\\\n") != NULL || strpbrk(name, "\"\\\n") != NULL) die("odd file name", path);
	if (item_count == item_room) {
		item_room = item_room * 2 + 64;
		items = realloc(items, item_room * sizeof(*items));
		if (items == NULL) die("out of memory", path);
	}
	items[item_count++] = (struct item){ .name = join(name, ""),
					     .path = join(path, ""),
					     .size = (size_t)st.st_size,
					     .hash = hash_file(path) };
}

/* Editors leave name~ and .name.swp about; they are not ours. */
static bool is_ours(const char *base)
{
	return base[0] != '.' && base[strlen(base) - 1] != '~';
}

static void add_tree(const char *name, const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *e;

	if (d == NULL) die(strerror(errno), folder);
	while ((e = readdir(d)) != NULL) {
		struct stat st;
		char *n, *p;

		if (!is_ours(e->d_name)) continue;
		n = join(name, e->d_name);
		p = join(folder, e->d_name);
		if (stat(p, &st) != 0) die(strerror(errno), p);
		if (S_ISDIR(st.st_mode)) {
			add_tree(n, p);
		} else {
			add_file(n, p);
		}
		free(n);
		free(p);
	}
	closedir(d);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

static void find_same(void)
{
	for (size_t i = 0; i < item_count; i++) {
		items[i].same = i;
		for (size_t j = 0; j < i; j++) {
			if (items[j].same == j && items[j].hash == items[i].hash &&
			    items[j].size == items[i].size && same_bytes(items[j].path, items[i].path)) {
				items[i].same = j;
				break;
			}
		}
	}
}

static void write_out(FILE *f)
{
	fputs("/* made by etc/build/embed.c */\n\t.section .rodata\n", f);
	for (size_t i = 0; i < item_count; i++) {
		fprintf(f, ".Ln%zu:\t.asciz \"%s\"\n", i, items[i].name);
		if (items[i].same != i) continue;
		fprintf(f, "\t.balign 16\n.Ld%zu:\t.incbin \"%s\"\n.Le%zu:\t.byte 0\n", i, items[i].path, i);
	}
	fputs("\t.section .data.rel.ro,\"aw\"\n\t.balign 16\n\t.globl embed_index\n"
	      "\t.type embed_index, %object\nembed_index:\n",
	      f);
	for (size_t i = 0; i < item_count; i++) {
		size_t s = items[i].same;

		fprintf(f, "\t.quad .Ln%zu, .Ld%zu, .Le%zu - .Ld%zu\n", i, s, s, s);
	}
	fputs("\t.size embed_index, . - embed_index\n\t.section .rodata\n\t.balign 8\n\t.globl embed_total\n"
	      "\t.type embed_total, %object\nembed_total:\n",
	      f);
	fprintf(f, "\t.quad %zu\n\t.size embed_total, 8\n\t.section .note.GNU-stack,\"\",%%progbits\n",
		item_count);
}

int main(int argc, char **argv)
{
	FILE *f;

	if (argc < 2 || (argc - 2) % 3 != 0)
		die("usage", "embed OUT.S (file NAME PATH | tree NAME FOLDER)...");
	for (int i = 2; i < argc; i += 3) {
		if (strcmp(argv[i], "file") == 0) {
			add_file(argv[i + 1], argv[i + 2]);
		} else if (strcmp(argv[i], "tree") == 0) {
			add_tree(argv[i + 1], argv[i + 2]);
		} else {
			die("expected file or tree", argv[i]);
		}
	}
	qsort(items, item_count, sizeof(*items), by_name);
	for (size_t i = 1; i < item_count; i++)
		if (strcmp(items[i - 1].name, items[i].name) == 0)
			die("two files of one name", items[i].name);
	find_same();
	f = fopen(argv[1], "w");
	if (f == NULL) die(strerror(errno), argv[1]);
	write_out(f);
	if (fclose(f) != 0) die(strerror(errno), argv[1]);
	return 0;
}
