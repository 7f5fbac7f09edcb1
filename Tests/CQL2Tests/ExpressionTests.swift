import CQL2
import Geo
import Testing

@Test func `expressions are equal when their trees are`() {
    let left = Expression.comparison(.equal, .property("usage"), .text("住宅"))
    #expect(left == .comparison(.equal, .property("usage"), .text("住宅")))
    #expect(left != .comparison(.equal, .property("usage"), .text("店舗")))
}
