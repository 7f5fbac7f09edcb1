import CMalloc

/// Keeps the memory of one large answer for the next.
///
/// Left alone, malloc gives memory of several hundred kilobytes back to the system as soon as it is free, and has it back page by page, each of them cleared:
/// for a tile of 600 kB a tenth of the time that making it takes.
enum AnswerMemory {
    /// Bytes up to which a piece of memory is taken from what was kept.
    static let greatestPiece: Int32 = 8 << 20
    /// Bytes that each thread's part of the heap keeps at its end; beyond them all is given back.
    static let kept: Int32 = 16 << 20

    /// For the whole process, from now on.
    static func keep() {
        // They refuse only what is out of range, and these are in it.
        precondition(mallopt(M_MMAP_THRESHOLD, greatestPiece) == 1 && mallopt(M_TRIM_THRESHOLD, kept) == 1)
    }
}
