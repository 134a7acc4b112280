/*
** link_s3_xml.c -- any bytes as a storage's answer: read or refused, never more objects than allowed.
*/
#include "base_fuzz.h"
#include "link/s3.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct arena *a = fuzz_arena();
	struct s3_xml x;

	if (s3_xml_read(&x, a, (struct bytes){ (const char *)p, len }) == RC_OK) {
		must(x.objects->count <= S3_LIST_MAX);
		must(x.code != NULL && x.next != NULL && x.upload_id != NULL);
	}
	return 0;
}
