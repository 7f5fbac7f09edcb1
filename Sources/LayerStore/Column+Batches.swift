/// Values of whole runs of rows where they lie, for loops over thousands of rows. `touch` the rows first; a null row's value is any.
extension Column {
    /// How a column's values lie in the file.
    public enum Layout: Sendable {
        /// `Int64`.
        case integers
        case reals
        /// `UInt8`, 0 or 1.
        case booleans
        /// `Int32`, days since 1970-01-01.
        case days
        /// `Int64`, microseconds since 1970-01-01T00:00:00Z.
        case instants
        case texts
        case json
        /// A code for each row: `UInt8`, or `UInt16` where there are more than 256 entries.
        case codes(wide: Bool)
    }

    public var layout: Layout {
        switch record.pointee.form {
        case .integers: .integers
        case .reals: .reals
        case .booleans: .booleans
        case .dates: .days
        case .times: .instants
        case .texts: .texts
        case .json: .json
        case .dictionary: .codes(wide: record.pointee.width == 2)
        }
    }

    /// The first row's value. The type must be that of the layout.
    @inlinable
    public func values<T: BitwiseCopyable>(as type: T.Type) -> UnsafePointer<T> {
        precondition(MemoryLayout<T>.stride == record.pointee.width, "a column of another width")
        return record.pointee.values.pointer(type)
    }

    /// One bit a row from the lowest of the first byte, set where the value is null; nil when none is.
    @inlinable
    public var nullBits: UnsafePointer<UInt8>? { record.pointee.nulls?.pointer(UInt8.self) }

    /// The bytes of a row of a column of plain texts or of JSON.
    @inlinable @inline(__always)
    public func plainBytes(_ row: Int) -> UnsafeRawBufferPointer { bytes(row) }
}
