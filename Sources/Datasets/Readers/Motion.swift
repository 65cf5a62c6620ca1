import Tensors

/// A moving skeleton: BVH, or ASF with AMC.
public struct Motion: Sendable {
  /// One joint.
  public struct Joint: Sendable, Equatable {
    public var name: String
    /// Place of the parent in the list; −1 for the root.
    public var parent: Int
    /// From the parent, at rest, in the file's unit of length.
    public var offset: [Float]
    /// What is known of it in each frame, in the file's words: Xposition, Zrotation, rx …; degrees for rotations.
    public var channels: [String]
  }

  public var joints: [Joint]
  /// Every channel of every joint, in order: shape `[frames, channels]`.
  public var frames: Tensor<Float>
  /// Seconds from frame to frame; nothing where the file does not say (AMC).
  public var frameTime: Float?

  /// Reads a BVH file.
  ///
  /// - Throws: `DataError`.
  public init(bvh path: String, limit: Int = 1 << 30) throws {
    let file = try DataFile(path, format: "BVH", limit: limit)
    let lines = file.lines(comment: nil)
    var place = 0
    joints = try Self.skeleton(file, lines, &place)
    place += 1
    guard place + 1 < lines.count, lines[place].fields.first == "Frames:", lines[place].fields.count == 2,
      let count = Int(lines[place].fields[1]), lines[place + 1].fields.count == 3,
      let time = Float(lines[place + 1].fields[2])
    else { throw file.malformed("frames and frame time are missing", at: lines.last?.number ?? 1) }
    place += 2
    let width = joints.reduce(0) { $0 + $1.channels.count }
    guard lines.count - place == count else {
      throw file.malformed("it announces \(count) frames and holds \(lines.count - place)", at: lines.last?.number ?? 1)
    }
    var values: [Float] = []
    for (number, fields) in lines[place...] {
      guard fields.count == width else {
        throw file.malformed("a frame has \(fields.count) numbers, the skeleton \(width) channels", at: number)
      }
      for field in fields { values.append(try file.number(field, Float.self, line: number)) }
    }
    frames = try Tensor(values, shape: [count, width])
    frameTime = time
  }

  /// The joints; leaves `place` at the line that begins the motion.
  private static func skeleton(
    _ file: DataFile, _ lines: [(number: Int, fields: [Substring])], _ place: inout Int
  ) throws -> [Joint] {
    var joints: [Joint] = []
    var open: [Int] = []
    func line() throws -> (number: Int, fields: [Substring]) {
      guard place < lines.count else {
        throw file.malformed("it ends inside the skeleton", at: lines.last?.number ?? 1)
      }
      return lines[place]
    }
    guard try line().fields.first == "HIERARCHY" else {
      throw file.malformed("it does not begin with HIERARCHY", at: 1)
    }
    place += 1
    while try line().fields.first != "MOTION" {
      let (number, fields) = try line()
      switch fields[0] {
      case "ROOT", "JOINT", "End":
        let isEnd = fields[0] == "End"
        guard fields.count >= 2, (fields[0] == "ROOT") == open.isEmpty, open.count < 256 else {
          throw file.malformed("a joint stands where none can be", at: number)
        }
        let parent = open.last ?? -1
        let name = isEnd ? "\(joints[parent].name) end" : fields[1...].joined(separator: " ")
        joints.append(Joint(name: name, parent: parent, offset: [0, 0, 0], channels: []))
        open.append(joints.count - 1)
      case "{": break
      case "}":
        guard open.popLast() != nil else { throw file.malformed("a brace closes nothing", at: number) }
      case "OFFSET":
        guard let joint = open.last, fields.count == 4 else {
          throw file.malformed("an offset has three numbers", at: number)
        }
        joints[joint].offset = try fields[1...].map { try file.number($0, Float.self, line: number) }
      case "CHANNELS":
        guard let joint = open.last, fields.count >= 2, Int(fields[1]) == fields.count - 2, fields.count <= 8 else {
          throw file.malformed("the number of channels is not that of their names", at: number)
        }
        joints[joint].channels = fields[2...].map(String.init)
      default: throw file.malformed("\"\(fields[0].prefix(40))\" is unknown", at: number)
      }
      place += 1
    }
    guard open.isEmpty, !joints.isEmpty else {
      throw file.malformed("the skeleton is not closed", at: try line().number)
    }
    return joints
  }

  /// Reads a skeleton in ASF and its motion in AMC, as the CMU database has them.
  ///
  /// Offsets are direction times length. Joints that do not move have no channels.
  /// - Throws: `DataError`.
  public init(asf skeleton: String, amc motion: String, limit: Int = 1 << 30) throws {
    joints = try Motion.skeleton(skeleton, limit)
    let file = try DataFile(motion, format: "AMC", limit: limit)
    let places = Dictionary(joints.enumerated().map { ($1.name, $0) }) { first, _ in first }
    let starts = joints.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.channels.count) }
    let width = starts.last ?? 0
    var values: [Float] = []
    var current = [Float](repeating: 0, count: width)
    var count = 0
    for (number, fields) in file.lines() where !fields[0].hasPrefix(":") {
      if fields.count == 1, Int(fields[0]) != nil {
        if count > 0 { values += current }
        count += 1
        continue
      }
      guard count > 0, let joint = places[String(fields[0])], fields.count - 1 == joints[joint].channels.count else {
        throw file.malformed(
          "\"\(fields[0].prefix(40))\" with \(fields.count - 1) numbers does not fit the skeleton", at: number)
      }
      for (i, field) in fields[1...].enumerated() {
        current[starts[joint] + i] = try file.number(field, Float.self, line: number)
      }
    }
    guard count > 0 else { throw file.malformed("it holds no frame", at: 1) }
    values += current
    frames = try Tensor(values, shape: [count, width])
    frameTime = nil
  }

  private static func skeleton(_ path: String, _ limit: Int) throws -> [Joint] {
    let file = try DataFile(path, format: "ASF", limit: limit)
    var joints = [Joint(name: "root", parent: -1, offset: [0, 0, 0], channels: ["TX", "TY", "TZ", "RX", "RY", "RZ"])]
    var section = ""
    var bone: (name: String, direction: [Float], length: Float, channels: [String])?
    for (number, fields) in file.lines() {
      if fields[0].hasPrefix(":") {
        section = String(fields[0])
        continue
      }
      func numbers() throws -> [Float] { try fields[1...].map { try file.number($0, Float.self, line: number) } }
      switch (section, fields[0]) {
      case (":root", "order"): joints[0].channels = fields[1...].map(String.init)
      case (":root", "position"):
        let offset = try numbers()
        guard offset.count == 3 else { throw file.malformed("a position has three numbers", at: number) }
        joints[0].offset = offset
      case (":bonedata", "begin"): bone = ("", [0, 0, 0], 0, [])
      case (":bonedata", "name"): bone?.name = fields.count > 1 ? String(fields[1]) : ""
      case (":bonedata", "direction"):
        let direction = try numbers()
        guard direction.count == 3 else { throw file.malformed("a direction has three numbers", at: number) }
        bone?.direction = direction
      case (":bonedata", "length"): bone?.length = try numbers().first ?? 0
      case (":bonedata", "dof"): bone?.channels = fields[1...].map(String.init)
      case (":bonedata", "end"):
        guard let finished = bone, !finished.name.isEmpty else {
          throw file.malformed("a bone has no name", at: number)
        }
        joints.append(
          Joint(
            name: finished.name, parent: 0, offset: finished.direction.map { $0 * finished.length },
            channels: finished.channels))
        bone = nil
      case (":hierarchy", "begin"), (":hierarchy", "end"): break
      case (":hierarchy", let parent):
        guard let place = joints.firstIndex(where: { $0.name == parent }) else {
          throw file.malformed("there is no bone \"\(parent.prefix(40))\"", at: number)
        }
        for child in fields[1...] {
          guard let index = joints.firstIndex(where: { $0.name == child }), index != 0 else {
            throw file.malformed("there is no bone \"\(child.prefix(40))\"", at: number)
          }
          joints[index].parent = place
        }
      default: break
      }
    }
    guard joints.count > 1 else { throw file.malformed("it holds no bones", at: 1) }
    return joints
  }
}
