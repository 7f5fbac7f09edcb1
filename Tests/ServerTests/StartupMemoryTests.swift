import Testing

@testable import Server

@Suite struct StartupMemoryTests {
    @Test func `only what is still the file's is let go of`() {
        let smaps = """
            55d0c8a00000-55d0c8b00000 r--p 00000000 fe:00 1234                       /usr/bin/kasane
            Rss:                 512 kB
            Anonymous:             0 kB
            55d0c8b00000-55d0c8c00000 r-xp 00100000 fe:00 1234                       /usr/bin/kasane
            Rss:                 256 kB
            Anonymous:             0 kB
            55d0c8c00000-55d0c8d00000 r--p 00200000 fe:00 1234                       /usr/bin/kasane
            Rss:                 128 kB
            Anonymous:            64 kB
            55d0c8d00000-55d0c8e00000 rw-p 00300000 fe:00 1234                       /usr/bin/kasane
            Rss:                 128 kB
            Anonymous:             0 kB
            7f0000000000-7f0000100000 r--s 00000000 fe:00 99                         /data/a.layer
            Rss:                 128 kB
            Anonymous:             0 kB
            7ffd00000000-7ffd00020000 r-xp 00000000 00:00 0                          [vdso]
            Rss:                   4 kB
            Anonymous:             0 kB
            """
        let untouched = StartupMemory.mappings(smaps).filter(\.isUntouched)
        #expect(untouched.map(\.resident) == [512 << 10, 256 << 10])
        #expect(untouched.map(\.range.count) == [1 << 20, 1 << 20])
        #expect(StartupMemory.mappings("").isEmpty)
    }

    @Test func `the program goes on when its code was let go of`() async throws {
        #expect(StartupMemory.letGo() > 1 << 20)
        try await Site.run { site in
            let before = try await site.get("/collections?f=json").status
            let bytes = StartupMemory.letGo()
            let after = try await site.get("/collections/shelters/items?f=json").status
            #expect(before == 200 && bytes > 0 && after == 200)
        }
    }
}
