/* view_words_test.c - how titles fall into words, and what a search matches. */
#include <processors/views.h>

#include <tests/cmocka.h>

#include <stdio.h>

static int set_up(void **state)
{
    static struct mr_arena arena;
    mr_arena_init(&arena);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    mr_arena_clean_up(*state);
    return 0;
}

/* The words joined by '|'. */
static const char *title_words(struct mr_arena *arena, const char *title)
{
    struct mr_bytes words[VIEW_TITLE_WORDS_MAX];
    size_t count = view_title_words(arena, view_fold_title(arena, mr_cstr(title)), words);
    struct mr_bytes text = mr_bytes_of("", 0);
    for (size_t i = 0; i < count; i++)
        text = mr_arena_printf(arena, "%.*s%s%.*s", MR_ARG(text), i ? "|" : "", MR_ARG(words[i]));
    return mr_arena_cstr(arena, text);
}

static void words_are_letters_and_digits_in_a_row(void **state)
{
    static const char *const rows[][2] = {
        {"WHITE HANGING HEART T-LIGHT HOLDER", "white|hanging|heart|t|light|holder"},
        {"  Red,red; RED! ", "red"},
        {"DOLLY'S 12\" x 3.5cm", "dollys|12|x|3|5cm"},
        {"men\u2019s 'best' o' ''", "mens|best|o"},
        {"CR\u00c8ME Br\u00fbl\u00e9e \u00d7 2", "creme|brulee|2"},
        {"\u041c\u0410\u0442\u0420\u0401\u0428\u041a\u0410 \u6771\u4eac",
         "\u043c\u0430\u0442\u0440\u0435\u0448\u043a\u0430|\u6771\u4eac"},
        {"!? -- /", ""},
        {"", ""},
        {"a\xff"
         "b \xc3",
         "a|b"}, /* Not UTF-8. */
        {"0123456789012345678901234567890123456789", "01234567890123456789012345678901"},
        {"0123456789012345678901234567890\u4e1c x", "0123456789012345678901234567890|x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(title_words(*state, rows[i][0]), rows[i][1]);
}

static void a_title_has_so_many_words_at_most(void **state)
{
    struct mr_arena *arena = *state;
    struct mr_bytes words[VIEW_TITLE_WORDS_MAX];
    struct mr_bytes title = mr_bytes_of("", 0);
    for (int i = 0; i < 50; i++)
        title = mr_arena_printf(arena, "%.*s w%d", MR_ARG(title), i);
    assert_int_equal(view_title_words(arena, title, words), VIEW_TITLE_WORDS_MAX);
    assert_true(mr_bytes_equal(words[VIEW_TITLE_WORDS_MAX - 1], mr_cstr("w31")));
}

static void all_words_must_be_there_and_the_last_one_may_have_begun(void **state)
{
    struct mr_arena *arena = *state;
    static const struct {
        const char *text;
        const char *title;
        const char *word; /* NULL: no match. */
    } rows[] = {
        {"robot", "Red Robot", "robot"},
        {"rob", "Robots and ROBOT", "robot"}, /* The first by the alphabet. */
        {"red rob", "robot RED", "robot"},
        {"re robot", "Red robot", NULL}, /* Only the last one may have begun. */
        {"robot re", "Red robot", "red"},
        {"red red", "Red robot", "red"},
        {"robot robots", "Robots", NULL},
        {"blue r", "Red robot", NULL},
        {"cr\u00e8me BR\u00dbL", "Creme bru\u0302l\u00e9e", "brulee"},
        {"dollys", "Dolly's house", "dollys"},
        {"dolly's", "DOLLY\u2019S house", "dollys"},
        {"t-light", "T-Light holder", "light"},
        {"x", "", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct view_search search;
        char buffer[VIEW_WORD_BYTES_MAX];
        struct mr_bytes word = {0};
        struct mr_bytes title = view_fold_title(arena, mr_cstr(rows[i].title));
        view_search_read(arena, mr_cstr(rows[i].text), &search);
        bool matches = view_search_matches(&search, title, buffer, &word);
        if (matches != (rows[i].word != NULL) ||
            (matches && !mr_bytes_equal(word, mr_cstr(rows[i].word))))
            fail_msg("\"%s\" in \"%s\": %.*s", rows[i].text, rows[i].title, MR_ARG(word));
    }
}

static void a_search_may_have_no_words_or_too_many(void **state)
{
    struct mr_arena *arena = *state;
    struct view_search search;
    struct mr_bytes text = mr_bytes_of("", 0);
    view_search_read(arena, text, &search);
    assert_false(search.given);
    view_search_read(arena, mr_cstr(" \t "), &search);
    assert_false(search.given);
    view_search_read(arena, mr_cstr("-!"), &search);
    assert_true(search.given);
    assert_int_equal(search.count, 0);
    for (int i = 0; i < VIEW_TITLE_WORDS_MAX; i++)
        text = mr_arena_printf(arena, "%.*s w%d w%d", MR_ARG(text), i, i);
    view_search_read(arena, text, &search);
    assert_int_equal(search.count, VIEW_TITLE_WORDS_MAX);
    view_search_read(arena, mr_arena_printf(arena, "%.*s more", MR_ARG(text)), &search);
    assert_true(search.given);
    assert_int_equal(search.count, 0);
}

static void the_word_itself_sorts_before_what_it_begins(void **state)
{
    struct mr_arena *arena = *state;
    const struct view_entry late = {.product_id = mr_cstr("p9"), .title = mr_cstr("zebra")};
    const struct view_entry early = {.product_id = mr_cstr("p1"), .title = mr_cstr("ant")};
    struct view_entry entry = {0};
    struct mr_bytes word;
    struct mr_bytes key = view_word_key(arena, mr_cstr("robot"), &late);
    struct mr_bytes begun = view_word_key(arena, mr_cstr("robots"), &early);
    assert_true(mr_bytes_compare(key, begun) < 0);
    assert_true(mr_bytes_compare(view_word_key(arena, mr_cstr("robot"), &early), key) < 0);
    assert_true(mr_bytes_starts_with(begun, view_word_prefix(arena, mr_cstr("robot"), false)));
    assert_false(mr_bytes_starts_with(begun, view_word_prefix(arena, mr_cstr("robot"), true)));
    assert_true(view_word_key_read(key, &word, &entry));
    assert_true(mr_bytes_equal(word, mr_cstr("robot")));
    assert_true(mr_bytes_equal(entry.title, late.title));
    assert_true(mr_bytes_equal(entry.product_id, late.product_id));
    assert_false(view_word_key_read(mr_cstr("robot"), &word, &entry));
    assert_false(view_word_key_read(mr_bytes_of("robot\0ant", 9), &word, &entry));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(words_are_letters_and_digits_in_a_row),
        TEST(a_title_has_so_many_words_at_most),
        TEST(all_words_must_be_there_and_the_last_one_may_have_begun),
        TEST(a_search_may_have_no_words_or_too_many),
        TEST(the_word_itself_sorts_before_what_it_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
