/*
 * listing_row.c - whether an entry of an index belongs to a listing.
 *
 * The cheap questions come first: key and card of the entry, then the stock, then the product. Only
 * a product that is shown is read, unless a title is needed that the entry does not have.
 */
#include "listing_impl.h"

#include <assert.h>

static bool price_fits(const struct listing *listing, int64_t price)
{
    return (!listing->has_price_min || price >= listing->price_min) &&
           (!listing->has_price_max || price <= listing->price_max);
}

static bool has_category(const struct shop_product_view *product, struct mr_bytes category)
{
    for (size_t i = 0; i < product->category_ids_count; i++)
        if (mr_bytes_equal(product->category_ids[i], category))
            return true;
    return category.len == 0;
}

/* False when answered. An entry whose product was taken from the index meanwhile has no title. */
static bool complete_title(
    struct query_api *api,
    struct http_request *request,
    struct view_entry *entry,
    struct listing_candidate *candidate)
{
    const void *product = NULL;
    if (entry->title.ptr)
        return true;
    if (!query_read_state(request, api->products, SHOP_PRODUCT_VIEW, entry->product_id, &product))
        return false;
    candidate->product = product;
    if (product)
        entry->title = view_fold_title(http_arena(request), candidate->product->title);
    return true;
}

/* 1, 0 or -1; *ret_word, in the arena, is the word by which the entry is ranked. */
static int judge_words(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    const struct listing_source *source,
    struct mr_bytes posting_word,
    struct view_entry *entry,
    struct listing_candidate *candidate,
    struct mr_bytes *ret_word)
{
    char buffer[VIEW_WORD_BYTES_MAX];
    struct mr_bytes word = {0};
    if (!complete_title(api, request, entry, candidate))
        return -1;
    if (!entry->title.ptr || !view_search_matches(&listing->search, entry->title, buffer, &word))
        return 0;
    /* A title with several words that begin so has as many postings: the first one counts. */
    if (source->is_last && !mr_bytes_equal(word, posting_word))
        return 0;
    *ret_word = mr_arena_copy(http_arena(request), word);
    return 1;
}

static int
judge_stock(struct query_api *api, struct http_request *request, struct mr_bytes product_id)
{
    const void *state = NULL;
    if (!query_read_state(request, api->availability, SHOP_STOCK_VIEW, product_id, &state))
        return -1;
    return view_is_in_stock(state) ? 1 : 0;
}

/* 1 or -1: the key of the entry in the order asked for. */
static int make_key(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    struct mr_bytes word,
    struct view_entry *entry,
    struct listing_candidate *candidate)
{
    struct mr_arena *arena = http_arena(request);
    if (!complete_title(api, request, entry, candidate))
        return -1;
    candidate->key = listing->by_relevance ? view_word_key(arena, word, entry)
                                           : view_listing_key(arena, &listing->of, entry);
    return 1;
}

int listing_judge_entry(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    const struct listing_source *source,
    struct mr_bytes key,
    struct mr_bytes card,
    struct listing_candidate *ret_candidate)
{
    assert(api && request && listing && source && ret_candidate);
    struct view_entry entry = {0};
    struct mr_bytes posting_word = {0};
    struct mr_bytes word = {0};
    int verdict = 1;
    bool good = source->is_words ? view_word_key_read(key, &posting_word, &entry)
                                 : view_listing_key_read(key, &entry);
    if (!good || !view_card_read(card, &entry) || !price_fits(listing, entry.price))
        return 0;
    if (source->is_words && listing->of.category.len &&
        !view_card_may_have(card, listing->of.category))
        return 0;
    *ret_candidate = (struct listing_candidate){.key = key, .product_id = entry.product_id};
    if (listing->search.given)
        verdict =
            judge_words(api, request, listing, source, posting_word, &entry, ret_candidate, &word);
    if (verdict == 1 && source->is_words && listing->of.in_stock)
        verdict = judge_stock(api, request, entry.product_id);
    if (verdict == 1 && !source->is_sorted)
        verdict = make_key(api, request, listing, word, &entry, ret_candidate);
    return verdict;
}

int listing_confirm_row(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    struct listing_candidate *candidate)
{
    assert(api && request && listing && candidate);
    const void *product = candidate->product;
    if (!product && !query_read_state(
                        request, api->products, SHOP_PRODUCT_VIEW, candidate->product_id, &product))
        return -1;
    candidate->product = product;
    /* It may have changed since the scan began; and two categories can look alike on a card. */
    return view_product_is_listed(product) && has_category(product, listing->of.category) &&
           price_fits(listing, candidate->product->price->minor);
}
