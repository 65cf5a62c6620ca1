import Tensors

/// Points, and faces where a file has them, from text files: `.xyz`, `.off`, `.obj`.
public struct PointCloud: Sendable {
  /// Shape `[points, 3]`.
  public var points: Tensor<Float>
  /// Shape `[points, 3]`, where the file gives a normal for every point.
  public var normals: Tensor<Float>?
  /// Corners of each face, as positions in `points`.
  public var faces: [[Int]] = []

  /// Lines of x y z, or x y z nx ny nz; further columns are not read.
  public init(xyz path: String) throws {
    let file = try DataFile(path, format: "XYZ")
    var points: [Float] = []
    var normals: [Float] = []
    var count = 0
    for (line, fields) in file.lines() {
      guard fields.count >= 3 else { throw file.malformed("a point needs three numbers", at: line) }
      for field in fields.prefix(3) { points.append(try file.number(field, Float.self, line: line)) }
      if fields.count >= 6 {
        for field in fields[3..<6] { normals.append(try file.number(field, Float.self, line: line)) }
      }
      count += 1
    }
    self.points = try Tensor(points, shape: [count, 3])
    self.normals = normals.count == points.count ? try Tensor(normals, shape: [count, 3]) : nil
  }

  /// The Object File Format of Geomview. Some files of ModelNet write the counts right after `OFF`; that is understood.
  public init(off path: String) throws {
    let file = try DataFile(path, format: "OFF")
    var lines = file.lines()[...]
    guard var first = lines.popFirst(), first.fields[0].hasPrefix("OFF") else {
      throw file.malformed("it does not start with OFF", at: 1)
    }
    if first.fields[0] == "OFF" { first.fields.removeFirst() } else { first.fields[0] = first.fields[0].dropFirst(3) }
    if first.fields.isEmpty {
      guard let next = lines.popFirst() else { throw file.malformed("it ends before its counts", at: first.number) }
      first = next
    }
    guard first.fields.count >= 2 else {
      throw file.malformed("it needs the counts of points and faces", at: first.number)
    }
    let count = try file.number(first.fields[0], Int.self, line: first.number)
    let faceCount = try file.number(first.fields[1], Int.self, line: first.number)
    guard count >= 0, faceCount >= 0, count <= lines.count, faceCount <= lines.count - count else {
      throw file.malformed(
        "it promises \(count) points and \(faceCount) faces in \(lines.count) lines", at: first.number)
    }
    var points: [Float] = []
    for (line, fields) in lines.prefix(count) {
      guard fields.count >= 3 else { throw file.malformed("a point needs three numbers", at: line) }
      for field in fields.prefix(3) { points.append(try file.number(field, Float.self, line: line)) }
    }
    for (line, fields) in lines.dropFirst(count).prefix(faceCount) {
      let corners = try file.number(fields[0], Int.self, line: line)
      guard corners >= 0, corners < fields.count else {
        throw file.malformed("a face promises \(corners) corners", at: line)
      }
      faces.append(try fields[1..<1 + corners].map { try PointCloud.corner(file, $0, line, count, from: 0) })
    }
    self.points = try Tensor(points, shape: [count, 3])
  }

  /// Vertices and faces of a Wavefront OBJ file; other lines are not read.
  public init(obj path: String) throws {
    let file = try DataFile(path, format: "OBJ")
    var points: [Float] = []
    var count = 0
    for (line, fields) in file.lines() {
      if fields[0] == "v" {
        guard fields.count >= 4 else { throw file.malformed("a vertex needs three numbers", at: line) }
        for field in fields[1..<4] { points.append(try file.number(field, Float.self, line: line)) }
        count += 1
      } else if fields[0] == "f" {
        // Corners read position/texture/normal; negative positions count back from the last vertex.
        faces.append(
          try fields.dropFirst().map { field in
            let position = field.split(separator: "/", omittingEmptySubsequences: false).first ?? ""
            return try PointCloud.corner(file, position, line, count, from: 1)
          })
      }
    }
    self.points = try Tensor(points, shape: [count, 3])
  }

  private static func corner(
    _ file: DataFile, _ field: Substring, _ line: Int, _ count: Int, from first: Int
  ) throws(DataError) -> Int {
    let number = try file.number(field, Int.self, line: line)
    let (position, overflow) =
      number < 0 && first == 1 ? (count + number, false) : number.subtractingReportingOverflow(first)
    guard !overflow, position >= 0, position < count else {
      throw file.malformed("a face names point \(number) of \(count)", at: line)
    }
    return position
  }
}
