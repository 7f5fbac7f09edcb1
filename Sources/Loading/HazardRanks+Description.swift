import Descriptions
import LayerStore

extension HazardRanks {
    /// Which class of a hazard is graver: the one whose `gravity` is greater.
    ///
    /// A layer whose description names no class, or one that is not for everybody and that borders on the map should say nothing of, has one class. Classes
    /// without a scheme are all alike; a value that its scheme does not know is taken for graver than all.
    init(_ hazard: HazardDescription, _ plan: ColumnPlan) {
        let column = hazard.classAttribute.flatMap { name in plan.attributes.firstIndex { $0.name == name && $0.visibility == .public } }
        guard let column, let scheme = hazard.classScheme else {
            self.init(column: nil) { _ in 1 }
            return
        }
        // Gravity runs from 0 to 100.
        self.init(column: column) { value in scheme.classify(value).map { UInt8(clamping: $0.gravity + 1) } }
    }
}
