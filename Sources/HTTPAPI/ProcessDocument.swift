import Descriptions
import Foundation
import Geo
import Query

/// `/processes`, `/processes/overlay` and the state of jobs (OGC 18-062r2, 7.8 to 7.10 and 7.12).
struct ProcessDocument {
    var addresses: Addresses

    static let id = "overlay"

    private static let title = LocalizedText(ja: "レイヤーどうしの重ね合わせ集計", en: "Overlay of two layers")
    private static let text = LocalizedText(
        ja: "対象レイヤーの地物が重ねるレイヤーのどの地物と重なるか（含まれる・含む・距離以内・最も近い）を、属性ごとに数え、合計します。面積と長さはGRS80楕円体上の値です。",
        en:
            "Which features of the target layer meet features of the overlay layer (lie within, contain, are near to, are nearest to), counted and summed by attributes. Areas and lengths are on the GRS80 ellipsoid."
    )

    func list(_ form: Representation) -> JSONTree {
        [
            "processes": .list([.object(summary + [.init("links", .list([selfLink("self").json, executeLink.json]))])]),
            "links": .list(
                [Link(href: addresses.processes, rel: "self", type: form.mediaType, title: LocalizedText(ja: "処理の一覧", en: "Processes"))]
                    .map(
                        \.json)),
        ]
    }

    func description() -> JSONTree {
        .object(
            summary + [
                .init("inputs", inputs), .init("outputs", outputs),
                .init("links", .list([selfLink("self").json, executeLink.json])),
            ])
    }

    private var summary: [JSONTree.Member] {
        [
            .init("id", .text(ProcessDocument.id)), .init("title", .text(ProcessDocument.title.text("ja"))),
            .init("description", .text(ProcessDocument.text.text("ja"))), .init("version", "1.0.0"),
            .init("jobControlOptions", ["sync-execute", "async-execute", "dismiss"]), .init("outputTransmission", ["value"]),
            .init("kasane", ["titles": .localized(ProcessDocument.title), "descriptions": .localized(ProcessDocument.text)]),
        ]
    }

    private func selfLink(_ rel: String) -> Link {
        Link(href: addresses.process, rel: rel, type: "application/json", title: ProcessDocument.title)
    }

    private var executeLink: Link {
        Link(
            href: addresses.execution, rel: "http://www.opengis.net/def/rel/ogc/1.0/execute", type: "application/json",
            title: LocalizedText(ja: "実行", en: "Execute"))
    }

    private var inputs: JSONTree {
        func input(_ ja: String, _ en: String, _ schema: JSONTree, required: Bool = false) -> JSONTree {
            [
                "title": .text(ja), "description": .text(ja + " / " + en), "minOccurs": required ? 1 : 0, "maxOccurs": 1, "schema": schema,
            ]
        }
        let side: JSONTree = [
            "type": "object", "required": ["collection"],
            "properties": [
                "collection": ["type": "string"], "filter": ["description": "CQL2 (text or JSON), longitude and latitude in degrees"],
            ],
        ]
        let property: [JSONTree.Member] = [
            .init("side", ["type": "string", "enum": ["target", "overlay"], "default": "target"]), .init("property", ["type": "string"]),
        ]
        return [
            "target": input("対象のレイヤー", "The layer whose features are counted", side, required: true),
            "overlay": input("重ねるレイヤー", "The layer that is laid over it", side, required: true),
            "predicate": input(
                "関係", "How the two belong together",
                ["type": "string", "enum": ["intersects", "within", "contains", "distance", "nearest"], "default": "intersects"]),
            "distance": input(
                "距離（メートル）", "Metres, for distance and nearest",
                ["type": "number", "nullable": true, "minimum": 0, "maximum": .number(ProcessInputs.distanceLimit)]),
            "nearest": input(
                "最も近い何件か", "How many, for nearest",
                ["type": "integer", "nullable": true, "minimum": 1, "maximum": .count(ProcessInputs.nearestLimit), "default": 1]),
            "groupBy": input(
                "集計の単位とする属性", "Attributes to group by",
                [
                    "type": "array", "maxItems": .count(ProcessInputs.groupLimit),
                    "items": ["type": "object", "required": ["property"], "properties": .object(property)],
                ]),
            "aggregates": input(
                "集計の関数", "Figures of each group",
                [
                    "type": "array", "maxItems": .count(ProcessInputs.aggregateLimit),
                    "items": [
                        "type": "object", "required": ["function"],
                        "properties": .object(
                            [
                                .init(
                                    "function",
                                    ["type": "string", "enum": ["count", "distinct", "sum", "mean", "min", "max", "area", "length"]])
                            ] + property),
                    ],
                ]),
        ]
    }

    private var outputs: JSONTree {
        let row: JSONTree = ["type": "array", "items": .object([JSONTree.Member]())]
        return [
            "result": [
                "title": "集計表",
                "schema": [
                    "oneOf": [
                        [
                            "type": "object", "contentMediaType": "application/json", "required": ["columns", "rows"],
                            "properties": [
                                "columns": ["type": "array", "items": ["type": "object", "properties": ["name": ["type": "string"]]]],
                                "rows": ["type": "array", "items": row], "incomplete": ["type": "boolean"], "notes": ["type": "array"],
                            ],
                        ],
                        ["type": "object", "contentMediaType": "application/geo+json"],
                        ["type": "string", "contentMediaType": "text/csv"],
                    ]
                ],
            ]
        ]
    }

    // MARK: Jobs

    func jobs(_ jobs: [JobRegister.Job]) -> JSONTree {
        [
            "jobs": .list(jobs.map { status($0) }),
            "links": .list(
                [Link(href: addresses.jobs, rel: "self", type: "application/json", title: LocalizedText(ja: "ジョブの一覧", en: "Jobs"))].map(
                    \.json)),
        ]
    }

    func status(_ job: JobRegister.Job) -> JSONTree {
        func time(_ date: Date) -> JSONTree { .text(date.formatted(.iso8601)) }
        var links = [
            Link(href: addresses.job(job.id), rel: "self", type: "application/json", title: LocalizedText(ja: "このジョブ", en: "This job"))
        ]
        if job.status == .successful {
            links.append(
                Link(
                    href: addresses.results(job.id), rel: "http://www.opengis.net/def/rel/ogc/1.0/results", type: "application/json",
                    title: LocalizedText(ja: "結果", en: "Results")))
        }
        return .object([
            "processID": .text(ProcessDocument.id), "type": "process", "jobID": .text(job.id), "status": .text(job.status.rawValue),
            "message": job.problem.map { .text($0.detail.text("ja")) }, "created": time(job.created),
            "started": job.started.map(time), "finished": job.finished.map(time), "updated": time(job.updated),
            "progress": .count(job.progress), "links": .list(links.map(\.json)),
        ])
    }
}

extension Addresses {
    var processes: String { base + "/processes" }
    var process: String { processes + "/" + ProcessDocument.id }
    var execution: String { process + "/execution" }
    var jobs: String { base + "/jobs" }
    func job(_ id: String) -> String { jobs + "/" + PercentCoding.encode(id) }
    func results(_ id: String) -> String { job(id) + "/results" }
}
