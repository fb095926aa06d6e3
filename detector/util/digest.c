/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE64_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/* libcrypto refuses SHA-256 only if it is broken or out of memory. */
static void or_abort(bool ok)
{
	if (!ok) {
		fputs("kernelsight: libcrypto cannot compute SHA-256\n", stderr);
		abort();
	}
}

void sha256(const void *data, size_t len, unsigned char ret_digest[SHA256_LEN])
{
	or_abort(EVP_Digest(data, len, ret_digest, NULL, EVP_sha256(), NULL) == 1);
}

void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
		 unsigned char ret_mac[SHA256_LEN])
{
	or_abort(key_len <= INT_MAX &&
		 HMAC(EVP_sha256(), key, (int)key_len, data, len, ret_mac, NULL) != NULL);
}

void base64_encode(const void *data, size_t len, struct buf *out)
{
	const unsigned char *p = data;
	unsigned char text[65];

	/* in steps of a multiple of three bytes, so that padding comes only at the end */
	for (size_t at = 0; at < len; at += 48) {
		size_t n = len - at < 48 ? len - at : 48;

		buf_add(out, (char *)text, (size_t)EVP_EncodeBlock(text, p + at, (int)n));
	}
}

bool base64_decode(const char *text, size_t len, struct buf *out)
{
	size_t padding = 0;
	unsigned char bytes[3];

	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	if (len % 4 != 0)
		return false;
	for (size_t i = 0; i < len - padding; i++) {
		if (text[i] == '\0' || !strchr(BASE64_ALPHABET, text[i]))
			return false;
	}
	for (size_t at = 0; at < len; at += 4) {
		size_t missing = at + 4 == len ? padding : 0;

		(void)EVP_DecodeBlock(bytes, (const unsigned char *)text + at, 4);
		buf_add(out, (char *)bytes, 3 - missing);
	}
	return true;
}
