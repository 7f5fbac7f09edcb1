import FoundationEssentials
import Glibc

/// Memory for arrays that grow with a layer, in files of a load's scratch folder: the system writes out what does not fit and the process stays small.
///
/// The files lose their names as soon as they are made, so that nothing is left of them whatever happens. Their space is asked for beforehand: a full
/// disk is an error here and not a signal later. Small arrays are ordinary memory.
final class WorkingMemory {
    private let folder: URL
    private var mappings: [UnsafeMutableRawBufferPointer] = []
    private var allocations: [UnsafeMutableRawPointer] = []

    /// Arrays of fewer bytes are ordinary memory.
    private static let smallest = 1 << 18

    init(in folder: URL) {
        self.folder = folder
    }

    deinit {
        for mapping in mappings { munmap(mapping.baseAddress!, mapping.count) }
        for allocation in allocations { free(allocation) }
    }

    /// An array of zeros that lives as long as this.
    func run<Element: BitwiseCopyable>(of type: Element.Type, count: Int) throws(LayerFileError) -> WorkingRun<Element> {
        let length = max(1, count) * MemoryLayout<Element>.stride
        if length < WorkingMemory.smallest {
            guard let start = calloc(length, 1) else { throw .system(call: "calloc", path: "", code: errno) }
            allocations.append(start)
            return WorkingRun(base: start.assumingMemoryBound(to: Element.self), count: count)
        }
        let path = folder.appending(path: "work-\(UUID().uuidString)").path
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw .system(call: "open", path: path, code: errno) }
        defer { close(descriptor) }
        if unlink(path) != 0 { throw .system(call: "unlink", path: path, code: errno) }
        let code = posix_fallocate(descriptor, 0, off_t(length))
        if code != 0 { throw .system(call: "posix_fallocate", path: path, code: code) }
        guard let start = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), start != MAP_FAILED else {
            throw .system(call: "mmap", path: path, code: errno)
        }
        mappings.append(UnsafeMutableRawBufferPointer(start: start, count: length))
        return WorkingRun(base: start.assumingMemoryBound(to: Element.self), count: count)
    }
}

/// An array in a `WorkingMemory`, which must outlive it. Every index is checked.
struct WorkingRun<Element: BitwiseCopyable> {
    private let base: UnsafeMutablePointer<Element>
    let count: Int

    fileprivate init(base: UnsafeMutablePointer<Element>, count: Int) {
        self.base = base
        self.count = count
    }

    @inline(__always)
    subscript(index: Int) -> Element {
        get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            return base[index]
        }
        nonmutating set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            base[index] = newValue
        }
        nonmutating _modify {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            yield &base[index]
        }
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count * MemoryLayout<Element>.stride) }
    var start: UnsafePointer<Element> { UnsafePointer(base) }
}
