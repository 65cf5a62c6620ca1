import Datasets
import Foundation
import Testing

/// A web server on loopback that knows ranges and can break off, in a few lines of Python.
private final class TestServer {
  private let process = Process()
  private let input = Pipe()
  let port: Int

  init(_ folder: String) throws {
    let program = """
      import http.server, os, sys, threading
      class Handler(http.server.BaseHTTPRequestHandler):
          def log_message(self, *a): pass
          def do_GET(self):
              path = self.path.strip('/')
              if not os.path.exists(path): return self.send_error(404)
              data = open(path, 'rb').read()
              start = int(self.headers['Range'][6:-1]) if 'Range' in self.headers and not path.startswith('plain') else 0
              open('log', 'a').write(f'{path} {start}\\n')
              self.send_response(206 if start else 200)
              self.send_header('Content-Length', str(len(data) - start))
              self.end_headers()
              # The first answer for a file named broken ends in the middle.
              if path.startswith('broken') and not start: return self.wfile.write(data[:len(data) // 2])
              self.wfile.write(data[start:])
      # Ends with the test, however that ends.
      threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
      server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
      print(server.server_address[1], flush=True)
      server.serve_forever()
      """
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", program]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let output = Pipe()
    process.standardOutput = output
    process.standardInput = input
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  deinit { process.terminate() }
}

@Suite("Data catalogue") struct CatalogueTests {
  @Test("entries have unique names, sources and files")
  func entries() {
    #expect(Set(DataCatalogue.entries.map(\.name)).count == DataCatalogue.entries.count)
    for entry in DataCatalogue.entries {
      #expect(!entry.source.isEmpty && !entry.licence.isEmpty && !(entry.files + entry.copy).isEmpty, "\(entry.name)")
    }
  }

  @Test("a missing set says what to get, and where to put it")
  func missing() throws {
    try withFolder { folder in
      let error = try #require(throws: CatalogueError.self) { try DataCatalogue.locate("mnist", in: folder) }
      for part in ["kirchhoff data fetch mnist", "t10k-labels-idx1-ubyte.gz", "\(folder)/mnist", "KIRCHHOFF_DATA"] {
        #expect(error.description.contains(part))
      }
      #expect(throws: CatalogueError.self) { try DataCatalogue.locate("nonsense", in: folder) }
      // What its makers give out by registration only cannot be fetched.
      #expect(throws: CatalogueError.self) { try DataFetcher().fetch(DataCatalogue.entry("drive"), into: folder) }
    }
  }

  @Test("a file is fetched, checked, continued after a break, and refused when its contents are wrong")
  func fetches() throws {
    try withFolder { folder in
      let served = "\(folder)/served"
      try FileManager.default.createDirectory(atPath: served, withIntermediateDirectories: true)
      let data = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
      for name in ["whole", "broken", "plain-broken"] { try data.write(to: URL(fileURLWithPath: "\(served)/\(name)")) }
      let server = try TestServer(served)
      let sum = Checksum.sha256(data)
      func file(_ name: String, sha256: String? = nil) -> DataCatalogue.File {
        DataCatalogue.File(name, "http://127.0.0.1:\(server.port)/\(name)", sha256: sha256)
      }
      try DataFetcher().fetch(file("whole", sha256: sum), to: "\(folder)/out/whole")
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/out/whole")) == data)

      #expect(throws: CatalogueError.self) {
        try DataFetcher().fetch(file("broken", sha256: sum), to: "\(folder)/out/broken")
      }
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/out/broken"))
      try DataFetcher().fetch(file("broken", sha256: sum), to: "\(folder)/out/broken")
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/out/broken")) == data)
      let log = try String(contentsOfFile: "\(served)/log", encoding: .utf8)
      #expect(log.contains("broken 150000"), "the second attempt asks for the rest only")

      let wrong = String(repeating: "0", count: 64)
      #expect(throws: CatalogueError.damaged(path: "\(folder)/out/bad", found: sum, expected: wrong)) {
        try DataFetcher().fetch(file("whole", sha256: wrong), to: "\(folder)/out/bad")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/out").sorted() == ["broken", "whole"])
      #expect(throws: CatalogueError.self) { try DataFetcher().fetch(file("absent"), to: "\(folder)/out/absent") }
    }
  }

  /// Values of NIST FIPS 180-2, appendix B.
  @Test("checksums are those of the standard")
  func checksums() {
    #expect(Checksum.sha256(Data("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(Checksum.sha256(Data()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  }
}
