/*
** replay.c -- gives each file of a corpus to a fuzz entry once: findings stay found (test builds only).
**
** Usage:  PROGRAM FOLDER...   Missing folders are fine; the empty input is always tried first.
*/
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define INPUT_MAX (8u << 20) /* larger than any input a parser accepts */

static int feed(const char *path)
{
	uint8_t *buf = malloc(INPUT_MAX), *exact;
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL || buf == NULL) {
		if (f != NULL) fclose(f);
		free(buf);
		return 0;
	}
	n = fread(buf, 1, INPUT_MAX, f);
	fclose(f);
	/* A block of exactly n bytes, so that one byte too far is seen. */
	exact = malloc(n > 0 ? n : 1);
	if (exact == NULL) abort();
	for (size_t i = 0; i < n; i++)
		exact[i] = buf[i];
	free(buf);
	printf("%s\n", path);
	fflush(stdout);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 1;
}

int main(int argc, char **argv)
{
	static const uint8_t none[1];
	int count = 0;

	(void)LLVMFuzzerTestOneInput(none, 0);
	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		const struct dirent *e;
		char path[4096];

		if (d == NULL) continue;
		while ((e = readdir(d)) != NULL) {
			if (e->d_name[0] == '.') continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], e->d_name);
			count += feed(path);
		}
		closedir(d);
	}
	printf("[  PASSED  ] %d test(s) from files\n", count);
	return 0;
}
