import CZlib
import Datasets
import Foundation
import Tensors
import Testing

@discardableResult func withFolder<R>(_ body: (String) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// Foundation waits for the disk after each file, which is most of the time of a hundred thousand of them.
func writeQuickly(_ bytes: [UInt8], _ path: String) throws {
  let file = try #require(fopen(path, "w"))
  fwrite(bytes, 1, bytes.count, file)
  fclose(file)
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

  static let bvh = """
    HIERARCHY
    ROOT Hips
    {
      OFFSET 0 1 0
      CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
      JOINT Knee
      {
        OFFSET 0 -0.5 0
        CHANNELS 1 Xrotation
        End Site
        {
          OFFSET 0 -0.5 0
        }
      }
    }
    MOTION
    Frames: 2
    Frame Time: 0.01
    1 2 3 4 5 6 7
    2 3 4 5 6 7 8
    """
  static let asf = """
    :version 1.10
    :root
      order TX TY TZ RX RY RZ
      position 0 0 0
    :bonedata
      begin
        id 1
        name thigh
        direction 0 -1 0
        length 2
        axis 0 0 0 XYZ
        dof rx rz
        limits (-160 20)
      end
      begin
        name shin
        direction 0 -1 0
        length 1.5
      end
    :hierarchy
      begin
        root thigh
        thigh shin
      end
    """
  static let amc = ":FULLY-SPECIFIED\n:DEGREES\n1\nroot 1 2 3 4 5 6\nthigh 7 8\n2\nroot 2 3 4 5 6 7\nthigh 8 9\n"
  /// Two events: (3, 4) on at 66,051 µs, (5, 6) off at 1 µs.
  static let aer: [UInt8] = [3, 4, 0x81, 2, 3, 5, 6, 0, 0, 1]
  static let aedat: [UInt8] =
    Array("#!AER-DAT3.1\r\n#Format: RAW\r\n#!END-HEADER\r\n".utf8)
    + [1, 0, 0, 0] + little(8) + little(4) + little(0) + little(2) + little(2) + little(1)
    // x 9, y 5, on, valid; then one that does not count.
    + little(9 << 17 | 5 << 2 | 2 | 1) + little(77) + little(0) + little(78)
  static func little(_ value: UInt32) -> [UInt8] { big(value).reversed() }

  /// A file that another program made: see `Tests/References/make_samples.py`.
  static func made(_ name: String) -> [UInt8] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return (try? Data(contentsOf: folder.appendingPathComponent("References/Samples/\(name)"))).map(Array.init) ?? []
  }

  static let all: [(name: String, bytes: [UInt8], read: @Sendable (String) throws -> Void)] = [
    ("idx", idx, { _ = try IDX.readBytes($0) }),
    ("nii", nifti, { _ = try NIfTI(contentsOf: $0) }),
    ("xyz", Array(xyz.utf8), { _ = try PointCloud(xyz: $0) }),
    ("off", Array(off.utf8), { _ = try PointCloud(off: $0) }),
    ("obj", Array(obj.utf8), { _ = try PointCloud(obj: $0) }),
    ("gz", gzip(idx), { _ = try IDX.readBytes($0) }),
    ("bvh", Array(bvh.utf8), { _ = try Motion(bvh: $0) }),
    ("bin", aer, { _ = try EventStream(bin: $0) }),
    ("aedat", aedat, { _ = try EventStream(aedat: $0) }),
    ("wav", made("stereo.wav"), { _ = try Sound(wav: $0) }),
    ("png", made("colour.png"), { _ = try Image.read($0) }),
    ("jpg", made("colour.jpg"), { _ = try Image.read($0) }),
    (
      "h5", made("spikes.h5"),
      {
        _ = try HDF5File($0, limit: 1 << 20).lists("spikes/times")
      }
    ),
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
    try writeQuickly(bytes, path)
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

  @Test("sound, pictures and HDF5 files of other programs are read as these have them")
  func otherPrograms() throws {
    try withFolder { folder in
      let sound = try Sound(wav: file(folder, "a.wav", Samples.made("stereo.wav")))
      #expect(sound.sampleRate == 8000)
      #expect(sound.samples.shape == [2, 3])
      let expected: [Float] = [0, -1, 1 / 32768, 32767 / 32768, 0.5, -1 / 32768]
      #expect(sound.samples.elements == expected)
      let colour = try Image.read(file(folder, "a.png", Samples.made("colour.png")))
      #expect(colour.shape == [3, 8, 12])
      for (c, y, x) in [(0, 3, 5), (1, 7, 11), (2, 4, 2)] {
        let expected = Float([x * 20, y * 30, (x + y) * 12][c]) / 255
        #expect(try colour.at(c).at(y).at(x).item() == expected)
      }
      #expect(try Image.read(file(folder, "b.png", Samples.made("alpha.png"))).shape == [4, 8, 12])
      #expect(try Image.read(file(folder, "c.png", Samples.made("grey.png"))).shape == [1, 8, 12])
      // JPEG at quality 95 without subsampling keeps smooth ramps within some levels of 255.
      let jpeg = try Image.read(file(folder, "a.jpg", Samples.made("colour.jpg")))
      #expect(try (jpeg - colour).magnitude().max().item() < 12.0 / 255)
      let spikes = try HDF5File(file(folder, "a.h5", Samples.made("spikes.h5")))
      #expect(try spikes.names() == ["image", "labels", "name", "spikes"])
      #expect(try spikes.numbers("labels").elements == [7, 0, 19])
      let ramp = (0..<12).map { Double($0) / 8 }
      #expect(try spikes.numbers("image").elements == ramp)
      #expect(try spikes.lists("spikes/times") == [[0], [0, 0.25], [0, 0.25, 0.5]])
      #expect(throws: DataError.self) { try spikes.numbers("name") }
      #expect(throws: DataError.self) { try spikes.numbers("absent") }
    }
  }

  @Test("a picture that is written is read back, and Python reads it")
  func pictures() throws {
    try withFolder { folder in
      let random = RandomStream(seed: 3)
      for shape in [[5, 7], [1, 5, 7], [2, 5, 7], [3, 5, 7], [4, 5, 7]] {
        var stream = random
        let picture: Tensor<Float> = try (stream.uniform(shape, in: 0...255)).rounded() * Float(1.0 / 255)
        let path = try file(folder, "p.png", Array(Image.png(picture)))
        let back = try Image.read(path)
        // Half a level of 255 is lost at most, and float32 rounding.
        #expect(try (back.reshaped(shape.map { $0 }) - picture).magnitude().max().item() < 0.51 / 255)
      }
      let sheet = try Image.contactSheet(Array(repeating: .zeros([3, 4, 5]), count: 5), columns: 3)
      #expect(sheet.shape == [3, 9, 17])
    }
  }

  @Test("pixels are enlarged to squares; pictures that follow each other are one file that begins with the first")
  func animation() throws {
    try withFolder { folder in
      let small = try Tensor<Float>([0, 1, 1, 0], shape: [2, 2])
      let large = try Image.enlarged(small, by: 3)
      #expect(large.shape == [6, 6] && large.elements[..<6].elementsEqual([0, 0, 0, 1, 1, 1]))
      #expect(try Image.enlarged(small.reshaped([1, 2, 2]), by: 3).elements == large.elements)
      #expect(throws: TensorError.self) { try Image.enlarged(small, by: 0) }
      let pictures = try [large, (large * -1) + 1].map { try Image.png($0) }
      let film = try Image.animated(pictures, secondsPerFrame: 0.04)
      #expect(film.ranges(of: Data("fcTL".utf8)).count == 2 && film.ranges(of: Data("fdAT".utf8)).count == 1)
      // libpng checks every checksum, and shows the first picture as it knows nothing of what follows.
      #expect(try Image.read(file(folder, "film.png", Array(film))).elements == large.elements)
      let other = try Image.png(small)
      #expect(throws: DataError.self) { try Image.animated([pictures[0], other], secondsPerFrame: 1) }
      #expect(throws: DataError.self) { try Image.animated([Data([1, 2])], secondsPerFrame: 1) }
      #expect(throws: DataError.self) { try Image.animated([], secondsPerFrame: 1) }
    }
  }

  private static let planetoidParts = ["x", "y", "tx", "ty", "allx", "ally", "graph", "test.index"]

  @Test("the pickles of Planetoid are read as Python wrote them")
  func planetoid() throws {
    try withFolder { folder in
      for part in Self.planetoidParts { _ = try file(folder, "ind.tiny.\(part)", Samples.made("ind.tiny.\(part)")) }
      let network = try CitationNetwork(planetoid: folder, name: "tiny")
      let words: [Float] = [1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 0, 1]
      #expect(try network.features.dense().elements == words)
      #expect(network.graph.nodeLabels == [0, 1, 2, 0, 1, 2])
      let edges = network.graph.edges.map { [$0.from, $0.to] }
      #expect(edges == [[0, 1], [0, 2], [1, 0], [2, 0], [2, 3], [3, 2], [3, 4], [4, 3]])
      #expect(network.split == ["train": [0, 1], "val": [2, 3], "test": [4, 5]])
    }
  }

  @Test("damaged pickles are errors, never crashes")
  func damagedPlanetoid() throws {
    try withFolder { folder in
      var random = RandomStream(seed: 12)
      for part in Self.planetoidParts { _ = try file(folder, "ind.tiny.\(part)", Samples.made("ind.tiny.\(part)")) }
      for i in 0..<10_000 {
        let part = Self.planetoidParts[i % Self.planetoidParts.count]
        let good = Samples.made("ind.tiny.\(part)")
        var bytes = good
        let at = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 3 {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.removeSubrange(at..<min(bytes.count, at + 1 + Int(random.next() % 8)))
        default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
        }
        let path = try file(folder, "ind.tiny.\(part)", bytes)
        do { _ = try CitationNetwork(planetoid: folder, name: "tiny") } catch is DataError {} catch is TensorError {}
        try writeQuickly(good, path)
      }
    }
  }

  @Test("skeletons and their motion, and events, are read as written")
  func motion() throws {
    try withFolder { folder in
      let bvh = try Motion(bvh: file(folder, "a.bvh", Array(Samples.bvh.utf8)))
      #expect(bvh.joints.map(\.name) == ["Hips", "Knee", "Knee end"])
      #expect(bvh.joints.map(\.parent) == [-1, 0, 1])
      #expect(bvh.joints[1].offset == [0, -0.5, 0])
      #expect(bvh.frames.elements == [1, 2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6, 7, 8])
      #expect(bvh.frameTime == 0.01)
      let cmu = try Motion(
        asf: file(folder, "a.asf", Array(Samples.asf.utf8)), amc: file(folder, "a.amc", Array(Samples.amc.utf8)))
      #expect(cmu.joints.map(\.name) == ["root", "thigh", "shin"])
      #expect(cmu.joints[1].offset == [0, -2, 0] && cmu.joints[2].parent == 1)
      #expect(cmu.frames.elements == [1, 2, 3, 4, 5, 6, 7, 8, 2, 3, 4, 5, 6, 7, 8, 9])
      typealias Event = EventStream.Event
      #expect(
        try EventStream(bin: file(folder, "a.bin", Samples.aer)).events == [
          Event(x: 3, y: 4, isOn: true, time: 0x10203), Event(x: 5, y: 6, isOn: false, time: 1),
        ])
      #expect(
        try EventStream(aedat: file(folder, "a.aedat", Samples.aedat)).events == [
          Event(x: 9, y: 5, isOn: true, time: 77)
        ])
    }
  }

  /// A skeleton and a motion, either of them damaged.
  @Test("damaged ASF and AMC files are errors, never crashes")
  func damagedMotion() throws {
    try withFolder { folder in
      var random = RandomStream(seed: 99)
      for i in 0..<10_000 {
        var texts = [Array(Samples.asf.utf8), Array(Samples.amc.utf8)]
        let at = Int(random.next() % UInt64(texts[i % 2].count))
        switch random.next() % 3 {
        case 0: texts[i % 2][at] = UInt8(truncatingIfNeeded: random.next())
        case 1: texts[i % 2].removeSubrange(at..<min(texts[i % 2].count, at + Int(random.next() % 20)))
        default: texts[i % 2] = Array(texts[i % 2][..<at])
        }
        let paths = [try file(folder, "a.asf", texts[0]), try file(folder, "a.amc", texts[1])]
        do { _ = try Motion(asf: paths[0], amc: paths[1]) } catch is DataError {} catch is TensorError {}
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

  @Test("damaged files are errors, never crashes", arguments: 0..<13)
  func damaged(sample: Int) throws { try damage(sample, files: 1000) }

  /// Bytes changed, removed, inserted or cut off at random.
  func damage(_ sample: Int, files: Int) throws {
    let (name, good, read) = Samples.all[sample]
    try withFolder { folder in
      let path = try file(folder, "good.\(name)", good)
      try read(path)
      var random = RandomStream(seed: UInt64(sample))
      var refused = 0
      for _ in 0..<files {
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
        try writeQuickly(bytes, path)
        do { try read(path) } catch is DataError { refused += 1 } catch is TensorError { refused += 1 }
      }
      // Much of the damage shows; changed numbers cannot.
      #expect(refused > files / 20)
    }
  }
}

/// Each HDF5 file is read by a process of its own, so that this takes minutes.
@Suite("Readers, many damaged files") struct ReaderStudies {
  @Test("damaged files are errors, never crashes", arguments: 0..<13)
  func damaged(sample: Int) throws { try ReaderTests().damage(sample, files: 10_000) }
}
