import Crypto
import Foundation
import Geo

/// The frame of every page that shows a resource of the API: one file, no script, readable without the style.
///
/// Pages are in Japanese with the English beside it, so that one address has one page and caches need not know languages.
enum PageLayout {
    /// A step of the path at the top of a page: its address, and its name.
    struct Crumb {
        var href: String
        var name: Markup
    }

    /// A whole page.
    /// - Parameters:
    ///   - title: plain, for the window.
    ///   - heading: the only `h1`.
    ///   - alternates: other forms of the same resource.
    static func page(title: String, heading: Markup, crumbs: [Crumb], alternates: [Link] = [], body: Markup) -> Markup {
        let head = alternates.map { link -> Markup in
            "<link rel=\"\(link.rel)\" type=\"\(link.type ?? "")\" href=\"\(link.href)\">\n"
        }
        let path = crumbs.map { crumb -> Markup in "<li><a href=\"\(crumb.href)\">\(crumb.name)</a></li>" }
        let others = alternates.filter { $0.rel == "alternate" || $0.rel == "service-desc" }.map { link -> Markup in
            "<li><a href=\"\(link.href)\" type=\"\(link.type ?? "")\">\(link.title?.text("ja") ?? link.type ?? link.href)</a></li>"
        }
        let forms: Markup =
            others.isEmpty
            ? ""
            : "<footer><nav aria-label=\"他の形式 / other formats\"><p>\(both("他の形式", "Other formats"))</p><ul>\(others)</ul></nav></footer>"
        return """
            <!DOCTYPE html>
            <html lang="ja">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(title)</title>
            \(head)<style>\(Markup(trusted: styleSheet))</style>
            </head>
            <body>
            <a class="skip" href="#main">\(both("本文へ", "Skip to content"))</a>
            <header><nav aria-label="現在位置 / breadcrumb"><ol>\(path)</ol></nav></header>
            <main id="main" tabindex="-1">
            <h1>\(heading)</h1>
            \(body)
            </main>
            \(forms)
            </body>
            </html>

            """
    }

    /// A problem as a page, for people who followed a link.
    static func problem(_ problem: Problem, home: String) -> Markup {
        let title = problem.code.title
        return page(
            title: title.text("ja") + " / " + title.text("en"), heading: both(title),
            crumbs: [Crumb(href: home, name: both("トップ", "Home"))],
            body: """
                <p>\(problem.detail.text("ja"))</p>
                <p lang="en">\(problem.detail.text("en"))</p>
                <p class="note">\(problem.code.status.code) <code>\(problem.code.rawValue)</code></p>
                """)
    }

    /// Japanese, and the English after it in smaller type where there is any.
    static func both(_ ja: String, _ en: String) -> Markup {
        ja == en ? "\(ja)" : "\(ja) <span lang=\"en\">\(en)</span>"
    }

    static func both(_ text: LocalizedText) -> Markup {
        both(text.text("ja"), text.texts["en"] ?? text.text("ja"))
    }

    /// Rows of two columns: what, and its value.
    static func facts(_ rows: [(name: Markup, value: Markup)]) -> Markup {
        "<table class=\"facts\"><tbody>\(rows.map { row -> Markup in "<tr><th scope=\"row\">\(row.name)</th><td>\(row.value)</td></tr>\n" })</tbody></table>"
    }

    /// Nothing but the page itself, its own style and its pictures (limits-and-threats: content security).
    static let contentSecurityPolicy: String = {
        let hash = Data(SHA256.hash(data: Array(styleSheet.utf8))).base64EncodedString()
        return "default-src 'none'; style-src 'sha256-\(hash)'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    }()

    private static let styleSheet = """
        :root{color-scheme:light dark}
        body{font-family:system-ui,"Hiragino Sans","Noto Sans CJK JP","Noto Sans JP",sans-serif;line-height:1.7;max-width:72rem;margin:0 auto;padding:0 1rem 3rem}
        .skip{position:absolute;left:-100rem}.skip:focus{position:static}
        header ol,footer ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1rem}
        header li+li::before{content:"›";padding-right:1rem}
        h1{font-size:1.6rem;line-height:1.3}h2{font-size:1.25rem;margin-top:2rem}
        [lang=en]{font-size:.88em}
        table{border-collapse:collapse;display:block;overflow-x:auto}
        th,td{border:1px solid #8888;padding:.3rem .6rem;text-align:left;vertical-align:top}
        thead th{background:#8882}
        a{text-underline-offset:.2em}a:focus-visible{outline:3px solid #d60;outline-offset:2px}
        .note{opacity:.85}.pages{display:flex;gap:1.5rem;flex-wrap:wrap}
        code{overflow-wrap:anywhere}
        """
}

extension Markup {
    /// Text that is HTML already and has no word from outside in it.
    init(trusted text: String) {
        self.init(stringLiteral: text)
    }
}
