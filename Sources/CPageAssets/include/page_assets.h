// The files of the map page, inside the binary.
//
// `.embedInCode` of the package manager flattens folders and writes array literals over which the Swift compiler spends more than ten
// minutes for MapLibre alone; clang's #embed takes a fraction of a second and follows changes of the files.
#ifndef KASANE_PAGE_ASSETS_H
#define KASANE_PAGE_ASSETS_H

#include <stddef.h>

struct page_asset {
    const char *path;            // below Sources/WebPages/Assets
    const unsigned char *bytes;  // valid as long as the process
    size_t count;
};

size_t page_asset_count(void);
struct page_asset page_asset_at(size_t index);  // index below the count

#endif
