/*
** ca.c -- parses the list of certificate authorities once and lends it to every connection.
**
** Owns:   the parsed list, for the life of the process.
** Needs:  the host's bundle under /etc, or the embedded certs/ca-bundle.crt.
** Never:  changes the list after it was lent, except by ca_add() at start.
** Holds:  (1) a list that is lent has at least one certificate; (2) a failure is tried again at the next
**         call: a host may get its bundle later.
** Why:    handing curl a bundle costs 10 ms and 0.7 MB for every connection, a shared parsed list 3 ms and
**         63 kB.
*/
#include "link/ca.h"

#include "base/embed.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/x509_crt.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUNDLE_MAX (4 * 1024 * 1024) /* Mozilla's list has 0.22 MB; a company may add its own */

/* Where Debian/Ubuntu, Fedora, Alpine and SUSE keep it. */
static const char *const host_bundles[] = { "/etc/ssl/certs/ca-certificates.crt",
					    "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
					    "/etc/ssl/ca-bundle.pem", NULL };

static struct {
	pthread_mutex_t lock;
	bool is_begun;  /* list is initialised                      */
	bool is_loaded; /* the bundle is in it                      */
	mbedtls_x509_crt list;
} ca = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Certificates this build cannot read are skipped, as every browser does; one good one is enough. */
static bool add_pem(const char *pem, size_t len)
{
	int failed;

	if (!ca.is_begun) {
		mbedtls_x509_crt_init(&ca.list);
		ca.is_begun = true;
	}
	failed = mbedtls_x509_crt_parse(&ca.list, (const unsigned char *)pem, len + 1);
	return failed >= 0;
}

/* The whole file, NUL behind it; NULL if it is absent, empty or too large. mem_free it. */
static char *read_file(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *p = NULL;
	size_t have = 0;

	if (fd < 0) return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= BUNDLE_MAX)
		p = mem_alloc((size_t)st.st_size + 1);
	while (p != NULL && have < (size_t)st.st_size) {
		ssize_t n = read(fd, p + have, (size_t)st.st_size - have);

		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) break;
		have += (size_t)n;
	}
	close(fd);
	if (p != NULL) p[have] = '\0';
	*len = have;
	return p;
}

static bool load_host(void)
{
	for (size_t i = 0; host_bundles[i] != NULL; i++) {
		size_t len = 0;
		char *pem = read_file(host_bundles[i], &len);
		bool is_good = pem != NULL && add_pem(pem, len);

		mem_free(pem);
		if (is_good) return true;
	}
	return false;
}

static bool load_embedded(void)
{
	const struct embedded *file = embed_find("certs/ca-bundle.crt");

	return file != NULL && file->len > 0 && add_pem((const char *)file->data, file->len);
}

enum rc ca_chain(struct mbedtls_x509_crt **out)
{
	enum rc rc = RC_OK;

	pthread_mutex_lock(&ca.lock);
	if (!ca.is_loaded) ca.is_loaded = load_host() || load_embedded();
	/* Without any bundle, what ca_add() brought still counts. */
	if (!ca.is_loaded && !ca.is_begun) rc = RC_IO;
	if (rc == RC_OK && ca.list.raw.len == 0) rc = RC_IO;
	if (rc == RC_OK) *out = &ca.list;
	pthread_mutex_unlock(&ca.lock);
	if (rc != RC_OK)
		log_event(LOG_ERROR, "errors", "link.no_authorities", "remedy=install-ca-certificates");
	return rc;
}

enum rc ca_add(const char *pem, size_t len)
{
	bool is_good;

	pthread_mutex_lock(&ca.lock);
	is_good = add_pem(pem, len);
	pthread_mutex_unlock(&ca.lock);
	return is_good ? RC_OK : RC_BAD_INPUT;
}
