/* SPDX-License-Identifier: BSD-2-Clause */
/* Signatures as Standard Webhooks 1.0.0 has them (github.com/standard-webhooks/standard-webhooks).
 */
#include "hook/format.h"

#include <string.h>

#include "util/digest.h"

#define KEY_MIN 24
#define KEY_MAX 64

bool webhook_key(const char *secret, struct buf *ret_key)
{
	size_t prefix = strlen(WEBHOOK_KEY_PREFIX);

	if (strncmp(secret, WEBHOOK_KEY_PREFIX, prefix) ||
	    !base64_decode(secret + prefix, strlen(secret) - prefix, ret_key))
		return false;
	return ret_key->len >= KEY_MIN && ret_key->len <= KEY_MAX;
}

void webhook_sign(const struct buf *key, const char *id, uint64_t time_s, const struct buf *body,
		  struct buf *out)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	unsigned char mac[SHA256_LEN];

	buf_addf(&text, "%s.%llu.", id, (unsigned long long)time_s);
	buf_add(&text, buf_str(body), body->len);
	hmac_sha256(key->data, key->len, text.data, text.len, mac);
	buf_adds(out, "v1,");
	base64_encode(mac, sizeof(mac), out);
}
