/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/digest.h"

static void assert_hex(const unsigned char *bytes, const char *hex)
{
	char text[2 * SHA256_LEN + 1];

	for (int i = 0; i < SHA256_LEN; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(text, hex);
}

/* FIPS 180-4 examples */
static void sha256_of_known_texts(void **state)
{
	unsigned char digest[SHA256_LEN];

	(void)state;
	sha256("abc", 3, digest);
	assert_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256("", 0, digest);
	assert_hex(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231, cases 2 and 6: a short key, and one that is longer than a block */
static void hmac_of_known_keys(void **state)
{
	static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	unsigned char mac[SHA256_LEN];
	char key[131];

	(void)state;
	hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
	assert_hex(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hmac_sha256(key, sizeof(key), text, strlen(text), mac);
	assert_hex(mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* RFC 4648 section 10 */
static const char *const pairs[][2] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

static void base64_of_known_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		CLEANUP(buf_fini) struct buf text = { 0 };
		CLEANUP(buf_fini) struct buf bytes = { 0 };

		base64_encode(pairs[i][0], strlen(pairs[i][0]), &text);
		assert_string_equal(buf_str(&text), pairs[i][1]);
		assert_true(base64_decode(pairs[i][1], strlen(pairs[i][1]), &bytes));
		assert_int_equal(bytes.len, strlen(pairs[i][0]));
		assert_memory_equal(buf_str(&bytes), pairs[i][0], bytes.len);
	}
}

static void base64_of_any_length_comes_back(void **state)
{
	unsigned char data[200];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 37 + 255);
	for (size_t len = 0; len <= sizeof(data); len++) {
		CLEANUP(buf_fini) struct buf text = { 0 };
		CLEANUP(buf_fini) struct buf bytes = { 0 };

		base64_encode(data, len, &text);
		assert_int_equal(text.len, (len + 2) / 3 * 4);
		assert_true(base64_decode(buf_str(&text), text.len, &bytes));
		assert_int_equal(bytes.len, len);
		assert_memory_equal(buf_str(&bytes), data, len);
	}
}

static void what_is_no_base64_adds_nothing(void **state)
{
	static const char *const bad[] = { "Zg",       "Zg=",	"Zg===",    "Z===",
					   "====",     "Zm9 v", "Zm9v\n",   "Zm9-",
					   "Zg==Zg==", "=Zm9",	"Zm9vZg=a", "Zm\xc3\xa9" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(buf_fini) struct buf bytes = { 0 };

		assert_false(base64_decode(bad[i], strlen(bad[i]), &bytes));
		assert_int_equal(bytes.len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_of_known_texts),
		cmocka_unit_test(hmac_of_known_keys),
		cmocka_unit_test(base64_of_known_texts),
		cmocka_unit_test(base64_of_any_length_comes_back),
		cmocka_unit_test(what_is_no_base64_adds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
