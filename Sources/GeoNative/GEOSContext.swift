internal import CGEOS

/// What GEOS could not do, in its own words.
public struct GEOSError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The operation that was asked for: `intersects`, `make valid`, …
    public var operation: String
    /// The message of GEOS; holds coordinates at most, never attributes.
    public var message: String

    public init(operation: String, message: String) {
        self.operation = operation
        self.message = message
    }

    public var description: String { "GEOS: \(operation): \(message)" }
}

/// GEOS for one thread: its reentrant handle, its last message and what is worth keeping between calls.
///
/// Not `Sendable`: make one per thread. Geometries made with a context hold it and are used on the same thread.
///
/// GEOS answers 2 (predicates), 0 (measures) or nothing (geometries) when it threw, so every call goes through one of three shapes which look
/// for that first: `predicate`, `measure` and `make` (in `NativeGeometry`).
public final class GEOSContext {
    let handle: OpaquePointer
    private let messages: MessageBox
    private var repair: OpaquePointer?

    public init() {
        guard let handle = GEOS_init_r() else { preconditionFailure("GEOS has no memory for a context") }
        self.handle = handle
        messages = MessageBox()
        // The box outlives the handle: deinit ends the handle first.
        GEOSContext_setErrorMessageHandler_r(
            handle, { text, box in MessageBox.note(text, box) }, Unmanaged.passUnretained(messages).toOpaque())
    }

    deinit {
        if let repair { GEOSMakeValidParams_destroy_r(handle, repair) }
        GEOS_finish_r(handle)
    }

    /// The version of the library: `3.11.1-CAPI-1.17.1`.
    public static var version: String { String(cString: GEOSversion()) }

    func failure(_ operation: StaticString) -> GEOSError {
        let message = messages.last ?? "no message"
        messages.last = nil
        return GEOSError(operation: operation.description, message: message)
    }

    @inline(__always)
    func predicate(_ operation: StaticString, _ answer: CChar) throws(GEOSError) -> Bool {
        switch answer {
        case 0: return false
        case 1: return true
        default: throw failure(operation)
        }
    }

    func measure(_ operation: StaticString, _ call: (inout Double) -> Int32) throws(GEOSError) -> Double {
        var result = 0.0
        guard call(&result) == 1 else { throw failure(operation) }
        return result
    }

    /// The repair that keeps shells and holes what they are, and lets what collapses go. Made once.
    func repairParameters() throws(GEOSError) -> OpaquePointer {
        if let repair { return repair }
        guard let made = GEOSMakeValidParams_create_r(handle) else { throw failure("make valid") }
        guard GEOSMakeValidParams_setMethod_r(handle, made, GEOS_MAKE_VALID_STRUCTURE) == 1,
            GEOSMakeValidParams_setKeepCollapsed_r(handle, made, 0) == 1
        else {
            GEOSMakeValidParams_destroy_r(handle, made)
            throw failure("make valid")
        }
        repair = made
        return made
    }
}

/// Where GEOS leaves what it has to say.
private final class MessageBox {
    var last: String?

    static func note(_ text: UnsafePointer<CChar>?, _ box: UnsafeMutableRawPointer?) {
        guard let text, let box else { return }
        Unmanaged<MessageBox>.fromOpaque(box).takeUnretainedValue().last = String(cString: text)
    }
}
