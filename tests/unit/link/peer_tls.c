/*
** peer_tls.c -- TLS for the scripted server: a self-signed certificate made at the first use.
**
** Owns:   key and certificate, for the life of the test program.
*/
#include "peer_tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "peer.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

static struct {
	int is_made;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context drbg;
	mbedtls_pk_context key;
	mbedtls_x509_crt crt;
	char pem[4096];
} own;

struct peer_tls {
	mbedtls_net_context net;
	mbedtls_ssl_config config;
	mbedtls_ssl_context ssl;
	mbedtls_ssl_ticket_context tickets; /* given behind the handshake, before any answer */
};

static void forget(struct peer_tls *t)
{
	mbedtls_ssl_free(&t->ssl);
	mbedtls_ssl_config_free(&t->config);
	mbedtls_ssl_ticket_free(&t->tickets);
	free(t);
}

static void write_certificate(void)
{
	mbedtls_x509write_cert w;
	mbedtls_x509_san_list host = { 0 }, ip = { 0 };
	static unsigned char loopback[4] = { 127, 0, 0, 1 };
	static char name[] = "localhost";
	unsigned char serial[] = { 1 };

	mbedtls_x509write_crt_init(&w);
	mbedtls_x509write_crt_set_version(&w, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&w, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&w, &own.key);
	mbedtls_x509write_crt_set_issuer_key(&w, &own.key);
	assert_int_equal(mbedtls_x509write_crt_set_subject_name(&w, "CN=peer"), 0);
	assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&w, "CN=peer"), 0);
	assert_int_equal(mbedtls_x509write_crt_set_serial_raw(&w, serial, sizeof(serial)), 0);
	assert_int_equal(mbedtls_x509write_crt_set_validity(&w, "20200101000000", "20991231235959"), 0);
	assert_int_equal(mbedtls_x509write_crt_set_basic_constraints(&w, 1, -1), 0);
	host.node.type = MBEDTLS_X509_SAN_DNS_NAME;
	host.node.san.unstructured_name.p = (unsigned char *)name;
	host.node.san.unstructured_name.len = strlen(name);
	host.next = &ip;
	ip.node.type = MBEDTLS_X509_SAN_IP_ADDRESS;
	ip.node.san.unstructured_name.p = loopback;
	ip.node.san.unstructured_name.len = sizeof(loopback);
	assert_int_equal(mbedtls_x509write_crt_set_subject_alternative_name(&w, &host), 0);
	assert_int_equal(mbedtls_x509write_crt_pem(&w, (unsigned char *)own.pem, sizeof(own.pem),
						   mbedtls_ctr_drbg_random, &own.drbg),
			 0);
	mbedtls_x509write_crt_free(&w);
}

void peer_tls_prepare(void)
{
	if (own.is_made) return;
	assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
	mbedtls_entropy_init(&own.entropy);
	mbedtls_ctr_drbg_init(&own.drbg);
	mbedtls_pk_init(&own.key);
	mbedtls_x509_crt_init(&own.crt);
	assert_int_equal(mbedtls_ctr_drbg_seed(&own.drbg, mbedtls_entropy_func, &own.entropy, NULL, 0), 0);
	assert_int_equal(mbedtls_pk_setup(&own.key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
	assert_int_equal(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(own.key),
					     mbedtls_ctr_drbg_random, &own.drbg),
			 0);
	write_certificate();
	assert_int_equal(mbedtls_x509_crt_parse(&own.crt, (unsigned char *)own.pem, strlen(own.pem) + 1), 0);
	own.is_made = 1;
}

const char *peer_certificate(void)
{
	peer_tls_prepare();
	return own.pem;
}

struct peer_tls *peer_tls_accept(int fd)
{
	struct peer_tls *t = calloc(1, sizeof(*t));
	int failed;

	t->net.fd = fd;
	mbedtls_ssl_config_init(&t->config);
	mbedtls_ssl_init(&t->ssl);
	mbedtls_ssl_config_defaults(&t->config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
				    MBEDTLS_SSL_PRESET_DEFAULT);
	mbedtls_ssl_conf_rng(&t->config, mbedtls_ctr_drbg_random, &own.drbg);
	mbedtls_ssl_conf_own_cert(&t->config, &own.crt, &own.key);
	mbedtls_ssl_ticket_init(&t->tickets);
	mbedtls_ssl_ticket_setup(&t->tickets, mbedtls_ctr_drbg_random, &own.drbg, MBEDTLS_CIPHER_AES_256_GCM,
				 3600);
	mbedtls_ssl_conf_session_tickets_cb(&t->config, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse,
					    &t->tickets);
	failed = mbedtls_ssl_setup(&t->ssl, &t->config);
	mbedtls_ssl_set_bio(&t->ssl, &t->net, mbedtls_net_send, mbedtls_net_recv, NULL);
	if (failed == 0) failed = mbedtls_ssl_handshake(&t->ssl);
	if (failed == 0) return t;
	forget(t);
	return NULL;
}

ssize_t peer_tls_read(struct peer_tls *t, char *to, size_t room)
{
	int n;

	do
		n = mbedtls_ssl_read(&t->ssl, (unsigned char *)to, room);
	while (n == MBEDTLS_ERR_SSL_WANT_READ || n == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
	return n > 0 ? n : -1;
}

ssize_t peer_tls_write(struct peer_tls *t, const char *p, size_t len)
{
	int n = mbedtls_ssl_write(&t->ssl, (const unsigned char *)p, len);

	return n > 0 ? n : -1;
}

void peer_tls_free(struct peer_tls *t)
{
	if (t == NULL) return;
	mbedtls_ssl_close_notify(&t->ssl);
	forget(t);
}
