import Glibc

/// The sign tells the order of the bytes up to the shorter end.
func memcmpOrder(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int32 {
    let length = min(a.count, b.count)
    guard length > 0, let first = a.baseAddress, let second = b.baseAddress else { return 0 }
    return memcmp(first, second, length)
}

func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    a.count == b.count && memcmpOrder(a, b) == 0
}
