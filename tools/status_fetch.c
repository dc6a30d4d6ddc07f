/* status_fetch.c - the one place of tools/ that knows libcurl. */
#include "status_fetch.h"

#include <curl/curl.h>

static size_t fetch_add_bytes(char *bytes, size_t size, size_t count, void *user)
{
    struct mr_buffer *out = user;
    size_t len = size * count;
    if (len > STATUS_FETCH_BYTES_MAX - out->len)
        return 0; /* Ends the transfer with CURLE_WRITE_ERROR. */
    mr_buffer_add(out, (struct mr_bytes){bytes, len});
    return len;
}

static int fetch_perform(CURL *curl, const char *address, struct mr_error *error)
{
    long status = 0;
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_WRITE_ERROR)
        return mr_fail(error, MR_MALFORMED, "%s answers with more than 16 MiB", address);
    if (code != CURLE_OK)
        return mr_fail(error, MR_UNAVAILABLE, "%s: %s", address, curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 503)
        return mr_fail(error, MR_MALFORMED, "%s/readyz answers with status %ld", address, status);
    return 0;
}

int status_fetch(const char *address, struct mr_buffer *out, struct mr_error *error)
{
    CURL *curl = curl_easy_init();
    if (!curl)
        return mr_fail(error, MR_UNAVAILABLE, "libcurl does not start");
    struct mr_buffer url = {0};
    mr_buffer_printf(&url, "http://%s/readyz", address);
    curl_easy_setopt(curl, CURLOPT_URL, url.ptr);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* These are the cluster's own addresses. */
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)STATUS_FETCH_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, fetch_add_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    int rc = fetch_perform(curl, address, error);
    curl_easy_cleanup(curl);
    mr_buffer_clean_up(&url);
    return rc;
}
