/* listing_impl.h - what the files of the product listing share: what was asked, and a page of it.
 */
#ifndef QUERY_API_LISTING_IMPL_H
#define QUERY_API_LISTING_IMPL_H

#include "query_api.h"

struct listing {
    struct view_listing of;
    struct view_search search;
    bool by_relevance; /* By the word found, then title; instead of `of.sort`. */
    bool reverse;
    bool downwards; /* The way of the walk: `reverse`, or the other one for a page before. */
    bool has_price_min;
    bool has_price_max;
    int64_t price_min;
    int64_t price_max;
    int limit;
    unsigned fields; /* The fields of each product. */
    uint64_t filter;
    struct query_cursor cursor; /* Its key is one in the order asked for. */
};

/* Entries of an index, in its order. */
struct listing_source {
    struct topo_reader *store;
    struct query_range range;
    bool is_words;  /* Postings, else a listing of the category and the stock asked for. */
    bool is_last;   /* Those of all words that the search's last one begins. */
    bool is_sorted; /* In the order asked for: then its keys are the candidates' keys. */
};

/* A product that may belong on the page. */
struct listing_candidate {
    struct mr_bytes key; /* In the order asked for. */
    struct mr_bytes product_id;
    const struct shop_product_view *product; /* NULL: not read yet. */
};

struct listing_page {
    struct listing_candidate rows[API_PAGE_MAX]; /* In the order of the walk. */
    int count;
    bool more;
    bool incomplete;         /* It ended before it was full. */
    struct mr_bytes end_key; /* The walk goes on behind it. */
};

/* -- listing_row.c: 1 yes, 0 no, -1 answered ----------------------------------------------- */

/* Whether an entry may belong to the listing, by the indexes and the stock. */
int listing_judge_entry(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    const struct listing_source *source,
    struct mr_bytes key,
    struct mr_bytes card,
    struct listing_candidate *ret_candidate);

/* Whether the product itself does: reads it. */
int listing_confirm_row(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    struct listing_candidate *candidate);

/* -- listing_page.c ------------------------------------------------------------------------- */

/* False when answered. */
bool listing_find_page(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    struct listing_page *ret_page);

/* How many products the listing has, or at least has. False when answered. */
bool listing_count_all(
    struct query_api *api,
    struct http_request *request,
    const struct listing *listing,
    int64_t *ret_total,
    bool *ret_is_exact);

#endif
