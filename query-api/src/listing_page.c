/*
 * listing_page.c - finds a page of products without looking at many that do not belong to it.
 *
 * 1. Walk the index that has the order asked for, and drop what the filters do not want. Most pages
 *    are full after few entries.
 * 2. One that is not full after WALK_FIRST entries has a filter that few products pass. When a word
 *    of the search, the prices or the category asked for have at most COLLECT_MAX entries, all of
 *    those are judged and sorted in memory: that page is exact whatever else is asked.
 * 3. When nothing is so rare the walk goes on to WALK_MAX entries; then the page ends early and
 *    says so, and its cursor goes on from there.
 *
 * What is in stock has listings of its own, in every order: that filter costs nothing.
 *
 * Invariant: every way gives the same rows in the same order, for a row's key is that of the order
 * asked for, wherever the row was found. A cursor may therefore pass from one way to another.
 */
#include "listing_impl.h"

#include <assert.h>
#include <stdlib.h>

enum {
    WALK_FIRST = 200,
    WALK_MAX = 4000,
    COLLECT_MAX = 2000,
    COUNT_MAX = 10000,
    COLLECT_WORDS = 3,
    COLLECT_SOURCES = COLLECT_WORDS + 2
};

enum page_step { PAGE_ANSWERED = -1, PAGE_DONE, PAGE_OPEN };

struct page_finder {
    struct query_api *api;
    struct http_request *request;
    const struct listing *listing;
    struct listing_page *page;
};

/* An entry that was found, not judged yet. */
struct page_entry {
    struct mr_bytes key;
    struct mr_bytes card;
};

/* PAGE_DONE when the page is full and this row would be the first of the next one. */
static enum page_step page_take_row(struct page_finder *finder, struct listing_candidate *candidate)
{
    struct listing_page *page = finder->page;
    int belongs = listing_confirm_row(finder->api, finder->request, finder->listing, candidate);
    if (belongs <= 0)
        return belongs < 0 ? PAGE_ANSWERED : PAGE_OPEN;
    if (page->count == finder->listing->limit) {
        page->more = true;
        return PAGE_DONE;
    }
    page->rows[page->count++] = *candidate;
    page->end_key = candidate->key;
    return PAGE_OPEN;
}

static enum page_step page_walk_entry(
    struct page_finder *finder,
    const struct listing_source *source,
    struct mr_bytes key,
    struct mr_bytes card)
{
    struct listing_candidate candidate;
    int wanted = listing_judge_entry(
        finder->api, finder->request, finder->listing, source, key, card, &candidate);
    enum page_step step = wanted < 0 ? PAGE_ANSWERED : PAGE_OPEN;
    if (wanted > 0)
        step = page_take_row(finder, &candidate);
    if (step == PAGE_OPEN)
        finder->page->end_key = key;
    return step;
}

/* PAGE_OPEN: so many entries were looked at, and there are more. */
static enum page_step page_walk(
    struct page_finder *finder,
    const struct listing_source *source,
    struct topo_read_scan *scan,
    int entries_max)
{
    struct mr_error error;
    struct mr_bytes key;
    struct mr_bytes card;
    enum page_step step = PAGE_OPEN;
    for (int i = 0; i < entries_max && step == PAGE_OPEN; i++) {
        int rc = topo_read_scan_next(scan, &key, &card, &error);
        if (rc == 0)
            return PAGE_DONE;
        if (rc < 0) {
            query_send_failure(finder->request, &error);
            return PAGE_ANSWERED;
        }
        step = page_walk_entry(finder, source, key, card);
    }
    return step;
}

/* A listing of what is asked for in this order; by price, of the prices asked for only. */
static struct listing_source
page_listing_source(const struct page_finder *finder, enum view_sort sort)
{
    const struct listing *listing = finder->listing;
    struct mr_arena *arena = http_arena(finder->request);
    struct view_listing of = listing->of;
    of.sort = sort;
    struct listing_source source = {
        .store = finder->api->listings,
        .range = query_prefix_range(arena, view_listing_prefix(arena, &of))};
    if (sort == VIEW_BY_PRICE && listing->has_price_min)
        source.range.first = view_listing_from(arena, &of, listing->price_min);
    if (sort == VIEW_BY_PRICE && listing->has_price_max)
        source.range.end = view_listing_from(arena, &of, listing->price_max + 1);
    return source;
}

static struct listing_source page_word_source(const struct page_finder *finder, size_t word)
{
    const struct view_search *search = &finder->listing->search;
    struct mr_arena *arena = http_arena(finder->request);
    bool last = word == search->count - 1;
    struct mr_bytes prefix = view_word_prefix(arena, search->words[word], !last);
    return (struct listing_source){
        .store = finder->api->words,
        .range = query_prefix_range(arena, prefix),
        .is_words = true,
        .is_last = last};
}

/* The index that has the order asked for. */
static struct listing_source page_sorted_source(const struct page_finder *finder)
{
    const struct listing *listing = finder->listing;
    struct listing_source source = listing->by_relevance
                                       ? page_word_source(finder, listing->search.count - 1)
                                       : page_listing_source(finder, listing->of.sort);
    source.is_sorted = true;
    return source;
}

/* The words of a search, the longest first: it is likely to be the rarest. */
static size_t
page_word_sources(const struct page_finder *finder, struct listing_source *ret_sources)
{
    const struct view_search *search = &finder->listing->search;
    uint32_t taken = 0;
    size_t count = 0;
    for (; count < COLLECT_WORDS && count < search->count; count++) {
        size_t best = search->count;
        for (size_t i = 0; i < search->count; i++)
            if (!(taken & UINT32_C(1) << i) &&
                (best == search->count || search->words[i].len > search->words[best].len))
                best = i;
        taken |= UINT32_C(1) << best;
        ret_sources[count] = page_word_source(finder, best);
    }
    return count;
}

/* The indexes that may have few entries, but for the one that was walked. */
static size_t page_small_sources(
    const struct page_finder *finder, struct listing_source ret_sources[COLLECT_SOURCES])
{
    const struct listing *listing = finder->listing;
    size_t count = page_word_sources(finder, ret_sources);
    bool has_price = listing->has_price_min || listing->has_price_max;
    if (has_price && (listing->by_relevance || listing->of.sort != VIEW_BY_PRICE))
        ret_sources[count++] = page_listing_source(finder, VIEW_BY_PRICE);
    if (listing->by_relevance && (listing->of.in_stock || listing->of.category.len > 0))
        ret_sources[count++] = page_listing_source(finder, VIEW_BY_NAME);
    assert(count <= COLLECT_SOURCES);
    return count;
}

/* The number of a source's entries, COLLECT_MAX + 1 for more; -1: answered. */
static int page_read_entries(
    const struct page_finder *finder,
    const struct listing_source *source,
    struct page_entry entries[COLLECT_MAX])
{
    struct topo_read_scan *scan = NULL;
    struct mr_error error;
    struct page_entry entry;
    int count = 0;
    int rc = 0;
    if (!query_range_open(
            finder->request, source->store, &source->range, mr_bytes_of(NULL, 0), false, &scan))
        return -1;
    while (count <= COLLECT_MAX &&
           (rc = topo_read_scan_next(scan, &entry.key, &entry.card, &error)) == 1) {
        if (count < COLLECT_MAX)
            entries[count] = entry;
        count++;
    }
    topo_read_scan_close(scan);
    if (rc < 0)
        query_send_failure(finder->request, &error);
    return rc < 0 ? -1 : count;
}

static bool page_is_behind(const struct listing *listing, struct mr_bytes key)
{
    if (!listing->cursor.key.ptr)
        return true;
    int order = mr_bytes_compare(key, listing->cursor.key);
    return listing->downwards ? order < 0 : order > 0;
}

static int page_compare_up(const void *a, const void *b)
{
    const struct listing_candidate *left = a;
    const struct listing_candidate *right = b;
    return mr_bytes_compare(left->key, right->key);
}

static int page_compare_down(const void *a, const void *b)
{
    return page_compare_up(b, a);
}

/* PAGE_DONE: the page is what these entries give. */
static enum page_step page_judge_entries(
    struct page_finder *finder,
    const struct listing_source *source,
    const struct page_entry *entries,
    int count)
{
    const struct listing *listing = finder->listing;
    struct listing_candidate *found =
        mr_arena_alloc(http_arena(finder->request), ((size_t)count + 1) * sizeof *found);
    size_t found_count = 0;
    for (int i = 0; i < count; i++) {
        int wanted = listing_judge_entry(
            finder->api,
            finder->request,
            listing,
            source,
            entries[i].key,
            entries[i].card,
            &found[found_count]);
        if (wanted < 0)
            return PAGE_ANSWERED;
        if (wanted > 0 && page_is_behind(listing, found[found_count].key))
            found_count++;
    }
    qsort(
        found,
        found_count,
        sizeof *found,
        listing->downwards ? page_compare_down : page_compare_up);
    finder->page->count = 0;
    enum page_step step = PAGE_OPEN;
    for (size_t i = 0; i < found_count && step == PAGE_OPEN; i++)
        step = page_take_row(finder, &found[i]);
    return step == PAGE_ANSWERED ? PAGE_ANSWERED : PAGE_DONE;
}

/* PAGE_OPEN: no source is small enough. */
static enum page_step page_collect(struct page_finder *finder)
{
    struct listing_source sources[COLLECT_SOURCES];
    size_t count = page_small_sources(finder, sources);
    struct page_entry *entries =
        mr_arena_alloc(http_arena(finder->request), COLLECT_MAX * sizeof *entries);
    for (size_t i = 0; i < count; i++) {
        int found = page_read_entries(finder, &sources[i], entries);
        if (found < 0)
            return PAGE_ANSWERED;
        if (found <= COLLECT_MAX)
            return page_judge_entries(finder, &sources[i], entries, found);
    }
    return PAGE_OPEN;
}

/* The walk's scan stays open meanwhile: where it stands is where it goes on. */
static enum page_step page_find(struct page_finder *finder)
{
    const struct listing *listing = finder->listing;
    struct listing_source source = page_sorted_source(finder);
    struct topo_read_scan *scan = NULL;
    if (!query_range_open(
            finder->request,
            source.store,
            &source.range,
            listing->cursor.key,
            listing->downwards,
            &scan))
        return PAGE_ANSWERED;
    enum page_step step = page_walk(finder, &source, scan, WALK_FIRST);
    if (step == PAGE_OPEN)
        step = page_collect(finder);
    if (step == PAGE_OPEN)
        step = page_walk(finder, &source, scan, WALK_MAX - WALK_FIRST);
    topo_read_scan_close(scan);
    return step;
}

bool listing_find_page(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    struct listing_page *ret_page)
{
    assert(api && request && listing && ret_page && listing->limit <= API_PAGE_MAX);
    struct page_finder finder = {
        .api = api, .request = request, .listing = listing, .page = ret_page};
    if (listing->search.given && listing->search.count == 0)
        return true;
    enum page_step step = page_find(&finder);
    if (step == PAGE_OPEN) {
        ret_page->more = true;
        ret_page->incomplete = ret_page->count < listing->limit;
    }
    return step != PAGE_ANSWERED;
}

/* PAGE_OPEN: counted so far, and there are more. Of postings the product has the last word: two
 * categories can look alike on a card. */
static enum page_step page_count_entries(
    struct page_finder *finder,
    const struct listing_source *source,
    struct topo_read_scan *scan,
    int64_t *total)
{
    struct listing_candidate candidate;
    struct mr_error error;
    struct mr_bytes key;
    struct mr_bytes card;
    for (int i = 0; i < COUNT_MAX; i++) {
        int rc = topo_read_scan_next(scan, &key, &card, &error);
        if (rc == 0)
            return PAGE_DONE;
        if (rc < 0) {
            query_send_failure(finder->request, &error);
            return PAGE_ANSWERED;
        }
        int wanted = listing_judge_entry(
            finder->api, finder->request, finder->listing, source, key, card, &candidate);
        if (wanted > 0 && source->is_words && finder->listing->of.category.len)
            wanted = listing_confirm_row(finder->api, finder->request, finder->listing, &candidate);
        if (wanted < 0)
            return PAGE_ANSWERED;
        *total += wanted;
    }
    return PAGE_OPEN;
}

/* The view itself counts all products, and those of each category. */
static bool page_read_count(const struct page_finder *finder, int64_t *ret_total)
{
    struct mr_error error;
    struct mr_bytes stored = {0};
    int rc = topo_read_get(
        finder->api->categories,
        view_count_key(finder->listing->of.category),
        http_arena(finder->request),
        &stored,
        &error);
    if (rc != 0) {
        query_send_failure(finder->request, &error);
        return false;
    }
    *ret_total = stored.len == 8 ? (int64_t)mr_get_be64(stored.ptr) : 0;
    return true;
}

/* The keys of this source have all titles, and as few others as can be known. */
static struct listing_source page_count_source(const struct page_finder *finder)
{
    const struct listing *listing = finder->listing;
    struct listing_source sources[COLLECT_WORDS];
    if (listing->search.given) {
        (void)page_word_sources(finder, sources);
        sources[0].is_sorted = true; /* The order does not matter. */
        return sources[0];
    }
    sources[0] = page_listing_source(finder, VIEW_BY_PRICE);
    sources[0].is_sorted = true;
    return sources[0];
}

bool listing_count_all(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    int64_t *ret_total,
    bool *ret_is_exact)
{
    assert(api && request && listing && ret_total && ret_is_exact);
    struct page_finder finder = {.api = api, .request = request, .listing = listing};
    struct topo_read_scan *scan = NULL;
    bool filtered = listing->search.given || listing->of.in_stock || listing->has_price_min ||
                    listing->has_price_max;
    *ret_total = 0;
    *ret_is_exact = true;
    if (!filtered)
        return page_read_count(&finder, ret_total);
    if (listing->search.given && listing->search.count == 0)
        return true;
    struct listing_source source = page_count_source(&finder);
    if (!query_range_open(request, source.store, &source.range, mr_bytes_of(NULL, 0), false, &scan))
        return false;
    enum page_step step = page_count_entries(&finder, &source, scan, ret_total);
    topo_read_scan_close(scan);
    *ret_is_exact = step == PAGE_DONE;
    return step != PAGE_ANSWERED;
}
