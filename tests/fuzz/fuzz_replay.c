/*
 * fuzz_replay.c - a fuzz target without a fuzzer: the corpus, then seeded mutations of it.
 *
 *     target CORPUS_DIR [MUTATIONS]
 *
 * MILLRACE_SEED chooses other mutations. The input that a target dies of is in target.crash.
 */
#include "fuzz.h"

#include <base/alloc.h>

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

enum { INPUT_BYTES_MAX = 64 * 1024, FILES_MAX = 4096, MUTATIONS_DEFAULT = 5000 };

struct input {
    uint8_t *bytes;
    size_t len;
};

static struct input corpus[FILES_MAX];
static size_t corpus_count;
static struct input current;
static uint64_t seed;
static char crash_path[256];

static uint32_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32);
}

/* Async-signal-safe enough for a test that dies anyway. */
static void keep_input(int signal_no)
{
    FILE *file = fopen(crash_path, "wb");
    if (file) {
        (void)fwrite(current.bytes, 1, current.len, file);
        (void)fclose(file);
    }
    (void)signal(signal_no, SIG_DFL);
    (void)raise(signal_no);
}

static void run_input(const uint8_t *bytes, size_t len)
{
    /* An allocation of its own, so that a sanitizer sees its end. */
    current.bytes = mr_malloc(len + 1);
    current.len = len;
    if (len)
        memcpy(current.bytes, bytes, len);
    uint8_t *exact = mr_malloc(len ? len : 1);
    if (len)
        memcpy(exact, bytes, len);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    free(current.bytes);
}

static void read_file(const char *dir, const char *name)
{
    char path[1024];
    static uint8_t bytes[INPUT_BYTES_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    if (!file || corpus_count == FILES_MAX) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    size_t len = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    corpus[corpus_count++] = (struct input){mr_memdup(bytes, len ? len : 1), len};
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_corpus(const char *dir)
{
    struct dirent **names = NULL;
    int count = scandir(dir, &names, NULL, by_name); /* Sorted: a seed is a reproduction. */
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.')
            read_file(dir, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    if (corpus_count == 0) {
        (void)fprintf(stderr, "no corpus in %s\n", dir);
        exit(2);
    }
}

static size_t splice_input(uint8_t *out, size_t len)
{
    const struct input *other = &corpus[next_random() % corpus_count];
    size_t from = other->len ? next_random() % other->len : 0;
    size_t at = len ? next_random() % len : 0;
    size_t more = other->len - from;
    if (at + more > INPUT_BYTES_MAX)
        more = INPUT_BYTES_MAX - at;
    if (more)
        memcpy(out + at, other->bytes + from, more);
    return at + more;
}

/* One change: a byte replaced, some taken out, some doubled, cut off, or another input's tail. */
static size_t change_input(uint8_t *out, size_t len)
{
    static const uint8_t telling[] = "\0\1\2\x7f\x80\xff{}[]\",:\\%&=;.-0\n\r \xc3\xa9";
    if (len == 0)
        return splice_input(out, len);
    size_t at = next_random() % len;
    size_t some = next_random() % 32 % (len - at) + 1;
    switch (next_random() % 7) {
    case 0:
        out[at] = (uint8_t)next_random();
        return len;
    case 1:
        out[at] = telling[next_random() % (sizeof telling - 1)];
        return len;
    case 2:
        out[at] ^= (uint8_t)(1U << (next_random() % 8));
        return len;
    case 3:
        memmove(out + at, out + at + some, len - at - some);
        return len - some;
    case 4:
        if (len + some > INPUT_BYTES_MAX)
            return len;
        memmove(out + at + some, out + at, len - at);
        return len + some;
    case 5:
        return at;
    default:
        return splice_input(out, len);
    }
}

static void mutate_and_run(void)
{
    static uint8_t bytes[INPUT_BYTES_MAX];
    const struct input *from = &corpus[next_random() % corpus_count];
    size_t len = from->len;
    if (len)
        memcpy(bytes, from->bytes, len);
    for (uint32_t changes = next_random() % 6 + 1; changes > 0; changes--)
        len = change_input(bytes, len);
    run_input(bytes, len);
}

int main(int argc, char **argv)
{
    const char *given = getenv("MILLRACE_SEED");
    seed = given ? strtoull(given, NULL, 10) : 20260901;
    if (argc < 2) {
        (void)fprintf(stderr, "%s CORPUS_DIR [MUTATIONS]\n", argv[0]);
        return 2;
    }
    long mutations = argc > 2 ? strtol(argv[2], NULL, 10) : MUTATIONS_DEFAULT;
    (void)snprintf(crash_path, sizeof crash_path, "%s.crash", argv[0]);
    (void)signal(SIGABRT, keep_input);
    (void)signal(SIGSEGV, keep_input);
    read_corpus(argv[1]);
    for (size_t i = 0; i < corpus_count; i++)
        run_input(corpus[i].bytes, corpus[i].len);
    for (long i = 0; i < mutations; i++)
        mutate_and_run();
    (void)printf(
        "MILLRACE_SEED=%s %zu inputs, %ld mutations\n",
        given ? given : "20260901",
        corpus_count,
        mutations);
    for (size_t i = 0; i < corpus_count; i++)
        free(corpus[i].bytes);
    return 0;
}
