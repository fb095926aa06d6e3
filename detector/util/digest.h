/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256, HMAC-SHA256 and base64, for signatures and stable ids. */
#ifndef UTIL_DIGEST_H
#define UTIL_DIGEST_H

#include "util/buf.h"

#define SHA256_LEN 32

void sha256(const void *data, size_t len, unsigned char ret_digest[SHA256_LEN]);
/* RFC 2104 with SHA-256. */
void hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
		 unsigned char ret_mac[SHA256_LEN]);

/* RFC 4648 section 4, with padding. */
void base64_encode(const void *data, size_t len, struct buf *out);
/* Adds the bytes that the whole of text stands for; false, with nothing added, if it is no base64.
 */
bool base64_decode(const char *text, size_t len, struct buf *out);

#endif
