/* store_fingerprint.h - the text in a database that says which topology made its state. */
#ifndef TOPOLOGY_STORE_FINGERPRINT_H
#define TOPOLOGY_STORE_FINGERPRINT_H

#include "store_rocksdb.h"

#include <base/buffer.h>

/* The caller's fingerprint, the format, and the stores in the order of their names, with what
 * changes their bytes. The caller frees it. */
char *store_fingerprint_make(const struct store_disk_options *options);

/* Whether both name the same maker, by their first word, and only the stores differ. */
bool store_fingerprint_same_maker(struct mr_bytes found, struct mr_bytes own);

/* Both texts as lists of words: `the directory has "a b", this program has "c"`. `found` may be
 * anything: what is quoted of it is bounded, and printable. */
void store_fingerprint_compare(struct mr_bytes found, struct mr_bytes own, struct mr_buffer *out);

#endif
