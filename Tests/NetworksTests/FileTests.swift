import Foundation
import Networks
import Tensors
import Testing

/// Python with NumPy and safetensors: the interpreter named by KIRCHHOFF_PYTHON, or `.venv` in the project.
enum Python {
  static let path: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let candidates: [String?] = [
      ProcessInfo.processInfo.environment["KIRCHHOFF_PYTHON"], root.appendingPathComponent(".venv/bin/python").path,
    ]
    for case let candidate? in candidates where (try? run(candidate, "import numpy, safetensors.numpy")) != nil {
      return candidate
    }
    return nil
  }()

  struct Failed: Error { var output: String }

  @discardableResult
  static func run(_ python: String, _ script: String) throws -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = ["-c", script]
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    if process.terminationStatus != 0 { throw Failed(output: output) }
    return output
  }
}

/// A folder that is removed afterwards.
func withFolder<R>(_ body: (String) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

@Suite("Files") struct FileTests {
  private func samples() throws -> [String: StoredTensor] {
    var random = RandomStream(seed: 9)
    return [
      "weights": .float(try random.normal([3, 4, 5])), "states": .double(try random.normal([7])),
      "labels": .int32(try random.permutation(11)), "single": .float(try Tensor(2.5)),
      "none": .float(try .zeros([0, 3])),
    ]
  }

  @Test("what is written is read back bit for bit")
  func roundTrip() throws {
    try withFolder { folder in
      let tensors = try samples()
      try Safetensors.write(tensors, metadata: ["note": "µ \"x\""], to: "\(folder)/a.safetensors")
      let (read, metadata) = try Safetensors.read("\(folder)/a.safetensors")
      #expect(read == tensors)
      #expect(metadata == ["note": "µ \"x\""])
      try NumPy.write(tensors, toArchive: "\(folder)/a.npz")
      #expect(try NumPy.read(archive: "\(folder)/a.npz") == tensors)
      for (name, tensor) in tensors {
        try NumPy.write(tensor, to: "\(folder)/\(name).npy")
        #expect(try NumPy.read("\(folder)/\(name).npy") == tensor)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { !$0.hasSuffix(".part") })
    }
  }

  @Test(
    "Python's NumPy and safetensors read our files",
    .enabled(if: Python.path != nil, "needs Python with numpy and safetensors: run `make setup`"))
  func pythonReads() throws {
    let python = try #require(Python.path)
    try withFolder { folder in
      let x = try Tensor<Float>([[1, 2.5], [-3, 1e-30]])
      let y = try Tensor<Double>([1.0 / 3])
      let i = try Tensor<Int32>([-1, 7])
      let tensors: [String: StoredTensor] = ["x": .float(x), "y": .double(y), "i": .int32(i)]
      try Safetensors.write(tensors, metadata: ["k": "v"], to: "\(folder)/a.safetensors")
      try NumPy.write(tensors, toArchive: "\(folder)/a.npz")
      try NumPy.write(.float(x), to: "\(folder)/x.npy")
      try Python.run(
        python,
        """
        import numpy as np
        from safetensors import safe_open
        from safetensors.numpy import load_file
        x = np.array([[1, 2.5], [-3, 1e-30]], np.float32); y = np.array([1 / 3]); i = np.array([-1, 7], np.int32)
        for d in (load_file("\(folder)/a.safetensors"), np.load("\(folder)/a.npz")):
            assert sorted(d.keys()) == ["i", "x", "y"]
            for n, e in (("x", x), ("y", y), ("i", i)):
                assert d[n].dtype == e.dtype and d[n].shape == e.shape and (d[n] == e).all(), (n, d[n])
        assert safe_open("\(folder)/a.safetensors", "np").metadata() == {"k": "v"}
        assert (np.load("\(folder)/x.npy") == x).all()
        """)
    }
  }

  @Test(
    "we read the files of Python's NumPy and safetensors",
    .enabled(if: Python.path != nil, "needs Python with numpy and safetensors: run `make setup`"))
  func readsPython() throws {
    let python = try #require(Python.path)
    try withFolder { folder in
      try Python.run(
        python,
        """
        import numpy as np
        from safetensors.numpy import save_file
        f = "\(folder)/"
        a = np.arange(6, dtype=np.float32).reshape(2, 3)
        save_file({"a": a, "h": a.astype(np.float16), "l": np.array([5, -6]), "b": np.array([True, False])}, f + "a.safetensors", metadata={"who": "numpy"})
        np.savez(f + "a.npz", a=a, d=a.astype(np.float64))
        np.savez_compressed(f + "c.npz", a=a)
        np.save(f + "fortran.npy", np.asfortranarray(a))
        np.save(f + "big.npy", a.astype(">f8"))
        np.save(f + "u8.npy", np.array([0, 255], np.uint8))
        np.save(f + "half.npy", np.array([1.5, -65504, 6e-8, np.inf], np.float16))
        np.save(f + "too_large.npy", np.array([2**40]))
        np.save(f + "complex.npy", np.array([1j]))
        np.save(f + "object.npy", np.array([{}], dtype=object), allow_pickle=True)
        """)
      let a = try Tensor<Float>((0..<6).map { Float($0) }, shape: [2, 3])
      let (tensors, metadata) = try Safetensors.read("\(folder)/a.safetensors")
      #expect(tensors["a"] == .float(a))
      #expect(tensors["h"] == .float(a))
      #expect(tensors["l"] == .int32(try Tensor([5, -6])))
      #expect(tensors["b"] == .int32(try Tensor([1, 0])))
      #expect(metadata == ["who": "numpy"])
      #expect(try NumPy.read(archive: "\(folder)/a.npz") == ["a": .float(a), "d": .double(a.converted())])
      #expect(try NumPy.read(archive: "\(folder)/c.npz") == ["a": .float(a)])
      #expect(try NumPy.read("\(folder)/fortran.npy") == .float(a))
      #expect(try NumPy.read("\(folder)/big.npy") == .double(a.converted()))
      #expect(try NumPy.read("\(folder)/u8.npy") == .int32(Tensor([0, 255])))
      #expect(try NumPy.read("\(folder)/half.npy").floats().elements == [1.5, -65504, Float(0x1p-24), .infinity])
      for bad in ["too_large", "complex", "object"] {
        #expect(throws: NetworkError.self, "\(bad)") { try NumPy.read("\(folder)/\(bad).npy") }
      }
    }
  }

  @Test("missing and unwritable files are errors that name them")
  func paths() {
    #expect(throws: NetworkError.file(path: "/nowhere/x.npy", problem: "cannot be read")) {
      try NumPy.read("/nowhere/x.npy")
    }
    #expect(throws: NetworkError.self) { try NumPy.read(archive: "/nowhere/x.npz") }
    #expect(throws: NetworkError.self) { try Safetensors.read("/nowhere/x.safetensors") }
    #expect(throws: NetworkError.self) { try NumPy.write(.float(.ones([1])), to: "/nowhere/x.npy") }
    #expect(throws: NetworkError.self) { try NumPy.write(["a": .float(.ones([1]))], toArchive: "/nowhere/x.npz") }
  }

  @Test("a write that fails leaves the old file and nothing else")
  func fullDisk() throws {
    try withFolder { folder in
      let path = "\(folder)/x.npy"
      try NumPy.write(.float(.ones([2])), to: path)
      // A folder where the temporary file would go makes the write fail.
      let blocker = "\(path).\(ProcessInfo.processInfo.processIdentifier).part"
      try FileManager.default.createDirectory(atPath: blocker, withIntermediateDirectories: false)
      #expect(throws: NetworkError.self) { try NumPy.write(.float(.zeros([2])), to: path) }
      #expect(try NumPy.read(path) == .float(.ones([2])))
    }
  }

  /// Bytes changed, removed and repeated at random: every reader must return or throw.
  @Test("damaged files are errors, never crashes", arguments: ["safetensors", "npy", "npz"])
  func damaged(format: String) throws {
    try withFolder { folder in
      let path = "\(folder)/good"
      let broken = "\(folder)/broken"
      var tensors = try samples()
      tensors["none"] = nil
      switch format {
      case "safetensors": try Safetensors.write(tensors, to: path)
      case "npy": try NumPy.write(tensors["weights"] ?? .float(.ones([1])), to: path)
      default: try NumPy.write(tensors, toArchive: path)
      }
      let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      var random = RandomStream(seed: 77)
      var survived = 0
      for _ in 0..<3000 {
        var bytes = good
        for _ in 0...Int(random.next() % 4) {
          // Most damage goes to the header, where it matters.
          let reach = random.next() % 4 == 0 ? bytes.count : min(bytes.count, 200)
          let at = Int(random.next() % UInt64(max(1, reach)))
          switch random.next() % 4 {
          case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
          case 1: bytes.removeSubrange(at..<min(bytes.count, at + Int(random.next() % 9)))
          case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
          default: bytes = Array(bytes[..<max(1, at)])
          }
          if bytes.isEmpty { bytes = [0] }
        }
        try Data(bytes).write(to: URL(fileURLWithPath: broken))
        do {
          switch format {
          case "safetensors": _ = try Safetensors.read(broken)
          case "npy": _ = try NumPy.read(broken)
          default: _ = try NumPy.read(archive: broken)
          }
          survived += 1
        } catch is NetworkError {} catch is TensorError {}
      }
      // Damage to the numbers alone cannot be seen; damage to the header must be.
      #expect(survived < 2000)
    }
  }
}
