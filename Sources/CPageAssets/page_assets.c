#include "page_assets.h"

#if !__has_embed("../WebPages/Assets/vendor/maplibre-gl.js")
#error "MapLibre GL JS is not there yet: run Tools/install once, it fetches and checks it."
#endif

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char map_html[] = {
#embed "../WebPages/Assets/map.html"
};
static const unsigned char map_css[] = {
#embed "../WebPages/Assets/map.css"
};
static const unsigned char ja_json[] = {
#embed "../WebPages/Assets/strings/ja.json"
};
static const unsigned char en_json[] = {
#embed "../WebPages/Assets/strings/en.json"
};
static const unsigned char main_js[] = {
#embed "../WebPages/Assets/js/main.js"
};
static const unsigned char server_js[] = {
#embed "../WebPages/Assets/js/server.js"
};
static const unsigned char words_js[] = {
#embed "../WebPages/Assets/js/words.js"
};
static const unsigned char layers_js[] = {
#embed "../WebPages/Assets/js/layers.js"
};
static const unsigned char list_js[] = {
#embed "../WebPages/Assets/js/list.js"
};
static const unsigned char answer_js[] = {
#embed "../WebPages/Assets/js/answer.js"
};
static const unsigned char features_js[] = {
#embed "../WebPages/Assets/js/features.js"
};
static const unsigned char patterns_js[] = {
#embed "../WebPages/Assets/js/patterns.js"
};
static const unsigned char glyphs_js[] = {
#embed "../WebPages/Assets/js/glyphs.js"
};
static const unsigned char maplibre_js[] = {
#embed "../WebPages/Assets/vendor/maplibre-gl.js"
};
static const unsigned char maplibre_css[] = {
#embed "../WebPages/Assets/vendor/maplibre-gl.css"
};
static const unsigned char maplibre_licence[] = {
#embed "../WebPages/Assets/licences/maplibre-gl-js.txt"
};

static const struct page_asset assets[] = {
    {"map.html", map_html, sizeof map_html},
    {"map.css", map_css, sizeof map_css},
    {"strings/ja.json", ja_json, sizeof ja_json},
    {"strings/en.json", en_json, sizeof en_json},
    {"js/main.js", main_js, sizeof main_js},
    {"js/server.js", server_js, sizeof server_js},
    {"js/words.js", words_js, sizeof words_js},
    {"js/layers.js", layers_js, sizeof layers_js},
    {"js/list.js", list_js, sizeof list_js},
    {"js/answer.js", answer_js, sizeof answer_js},
    {"js/features.js", features_js, sizeof features_js},
    {"js/patterns.js", patterns_js, sizeof patterns_js},
    {"js/glyphs.js", glyphs_js, sizeof glyphs_js},
    {"vendor/maplibre-gl.js", maplibre_js, sizeof maplibre_js},
    {"vendor/maplibre-gl.css", maplibre_css, sizeof maplibre_css},
    {"licences/maplibre-gl-js.txt", maplibre_licence, sizeof maplibre_licence},
};

size_t page_asset_count(void) { return sizeof assets / sizeof assets[0]; }

struct page_asset page_asset_at(size_t index) { return assets[index]; }
