extension Geometry {
    /// Rounds every coordinate to 1e-9 degree (about 0.1 mm), the finest that a layer file keeps.
    ///
    /// This is the one place where coordinates are rounded: what is checked afterwards is what is stored, asked and sent.
    /// Coordinates must be finite and within ±180 and ±90. Vertices may fall together; the checks that follow see to them.
    public mutating func roundToStorage() {
        coordinates.withUnsafeMutableBufferPointer { numbers in
            // A division by a power of ten is correctly rounded, so the same decimal text always gives the same double.
            for i in numbers.indices { numbers[i] = (numbers[i] * 1e9).rounded() / 1e9 }
        }
    }
}
