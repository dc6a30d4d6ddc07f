/* shop_paths.h - every path of the shop's origin, whichever of the two APIs answers it. */
#ifndef API_SHOP_PATHS_H
#define API_SHOP_PATHS_H

#include <http/server.h>

extern const struct http_path shop_paths[];
extern const size_t shop_paths_count;

#endif
