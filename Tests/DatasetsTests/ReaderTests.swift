import CZlib
import Datasets
import Foundation
import Tensors
import Testing

private func withFolder<R>(_ body: (String) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

private func big(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }

/// Small valid files of every format, made by hand from the formats' descriptions.
private enum Samples {
  static let idx: [UInt8] = [0, 0, 8, 3] + big(2) + big(2) + big(3) + (0..<12).map { UInt8($0 * 20) }

  static var nifti: [UInt8] {
    var header = [UInt8](repeating: 0, count: 352)
    func put(_ bytes: [UInt8], _ place: Int) { header.replaceSubrange(place..<place + bytes.count, with: bytes) }
    func little(_ value: Float) -> [UInt8] { big(value.bitPattern).reversed() }
    put([92, 1, 0, 0], 0)  // 348
    put([3, 0, 2, 0, 3, 0, 1, 0], 40)  // three axes: 2, 3, 1
    put([4, 0], 70)  // int16
    put(little(0.5) + little(0.5) + little(2), 80)
    put(little(352) + little(2) + little(1), 108)  // offset, slope, shift
    put(Array("n+1".utf8), 344)
    return header + [1, 0, 2, 0, 3, 0, 0xFF, 0xFF, 5, 0, 6, 0]
  }

  static let xyz = "# a comment\n0 0 0 0 0 1\n1.5,2 3 0 1 0\n"
  static let off = "OFF3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"
  static let obj = "v 0 0 0\nv 1 0 0\nv 0 1 0\nvn 0 0 1\nf 1//1 2//1 -1//1\n"

  static let all: [(name: String, bytes: [UInt8], read: @Sendable (String) throws -> Void)] = [
    ("idx", idx, { _ = try IDX.readBytes($0) }),
    ("nii", nifti, { _ = try NIfTI(contentsOf: $0) }),
    ("xyz", Array(xyz.utf8), { _ = try PointCloud(xyz: $0) }),
    ("off", Array(off.utf8), { _ = try PointCloud(off: $0) }),
    ("obj", Array(obj.utf8), { _ = try PointCloud(obj: $0) }),
    ("gz", gzip(idx), { _ = try IDX.readBytes($0) }),
  ]

  /// The bytes as a gzip file, by zlib.
  static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    var input = bytes
    var output = [UInt8](repeating: 0, count: bytes.count + 100)
    deflateInit2_(
      &stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    let used = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        deflate(&stream, Z_FINISH)
        return output.count - Int(stream.avail_out)
      }
    }
    deflateEnd(&stream)
    return Array(output[..<used])
  }
}

@Suite("Readers") struct ReaderTests {
  private func file(_ folder: String, _ name: String, _ bytes: [UInt8]) throws -> String {
    let path = "\(folder)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test("IDX arrays are read as stored, packed or not")
  func idx() throws {
    try withFolder { folder in
      let expected = try Tensor<Int32>((0..<12).map { Int32($0 * 20) }, shape: [2, 2, 3])
      #expect(try IDX.readBytes(file(folder, "a", Samples.idx)) == expected)
      #expect(try IDX.readBytes(file(folder, "a.gz", Samples.gzip(Samples.idx))) == expected)
      let images = try IDX.readImages("\(folder)/a")
      #expect(images.shape == [2, 1, 2, 3])
      #expect((images.elements[11] - 220.0 / 255).magnitude < 1e-6)
    }
  }

  @Test("NIfTI volumes have their axes, spacing and scaling")
  func nifti() throws {
    try withFolder { folder in
      let scan = try NIfTI(contentsOf: file(folder, "a.nii", Samples.nifti))
      #expect(scan.volume.shape == [1, 3, 2])
      #expect(scan.spacing == [0.5, 0.5, 2])
      // Stored 1, 2, 3, −1, 5, 6; times two, plus one.
      #expect(scan.volume.elements == [3, 5, 7, -1, 11, 13])
    }
  }

  @Test("point clouds and meshes are read with normals and faces")
  func points() throws {
    try withFolder { folder in
      let xyz = try PointCloud(xyz: file(folder, "a.xyz", Array(Samples.xyz.utf8)))
      #expect(xyz.points.elements == [0, 0, 0, 1.5, 2, 3])
      #expect(xyz.normals?.elements == [0, 0, 1, 0, 1, 0])
      for cloud in [
        try PointCloud(off: file(folder, "a.off", Array(Samples.off.utf8))),
        try PointCloud(obj: file(folder, "a.obj", Array(Samples.obj.utf8))),
      ] {
        #expect(cloud.points.elements == [0, 0, 0, 1, 0, 0, 0, 1, 0])
        #expect(cloud.faces == [[0, 1, 2]])
      }
    }
  }

  @Test("errors name the file, the place and the problem")
  func errors() throws {
    #expect(throws: DataError.unreadable(path: "/nowhere")) { try IDX.readBytes("/nowhere") }
    try withFolder { folder in
      let short = try file(folder, "short", Array(Samples.idx.dropLast()))
      #expect(
        throws: DataError.malformed(
          path: short, format: "IDX", place: 16, problem: "its shape [2, 2, 3] needs 12 bytes, it holds 11")
      ) {
        try IDX.readBytes(short)
      }
      let word = try file(folder, "word", Array("1 2 x\n".utf8))
      #expect(throws: DataError.malformed(path: word, format: "XYZ", place: 1, problem: "\"x\" is not a number")) {
        try PointCloud(xyz: word)
      }
      // A file that unpacks to more than the caller allows is given up on the way.
      let bomb = try file(folder, "bomb.gz", Samples.gzip([UInt8](repeating: 0, count: 10 << 20)))
      #expect(throws: DataError.tooLarge(path: bomb, limit: 1 << 20)) { try IDX.readBytes(bomb, limit: 1 << 20) }
    }
  }

  /// Bytes changed, removed, inserted or cut off at random, 10,000 files of each format.
  @Test("damaged files are errors, never crashes", arguments: 0..<6)
  func damaged(sample: Int) throws {
    let (name, good, read) = Samples.all[sample]
    try withFolder { folder in
      let path = try file(folder, "good.\(name)", good)
      try read(path)
      var random = RandomStream(seed: UInt64(sample))
      var refused = 0
      for _ in 0..<10_000 {
        var bytes = good
        for _ in 0...Int(random.next() % 3) {
          let at = Int(random.next() % UInt64(max(1, bytes.count)))
          switch random.next() % 4 {
          case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
          case 1: bytes.removeSubrange(at..<min(bytes.count, at + Int(random.next() % 9)))
          case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
          default: bytes = Array(bytes[..<max(1, at)])
          }
          if bytes.isEmpty { bytes = [0] }
        }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do { try read(path) } catch is DataError { refused += 1 } catch is TensorError { refused += 1 }
      }
      // Much of the damage shows; changed numbers cannot.
      #expect(refused > 1000)
    }
  }
}
