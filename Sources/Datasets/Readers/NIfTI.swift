import Tensors

/// A volume in the NIfTI-1 format of medical imaging, plain or gzip (`.nii`, `.nii.gz`).
public struct NIfTI: Sendable {
  /// Values after the scaling that the file asks for; shape `[z, y, x]`, with time in front where there is any.
  public var volume: Tensor<Float>
  /// Distance between voxels along x, y and z, in the file's unit, mostly millimetres.
  public var spacing: [Float]

  private enum Kind: Int16 {
    case uint8 = 2
    case int16 = 4
    case int32 = 8
    case float = 16
    case double = 64
    case int8 = 256
    case uint16 = 512
    case uint32 = 768
  }

  /// - Parameter limit: largest size to unpack to, in bytes.
  public init(contentsOf path: String, limit: Int = 4 << 30) throws {
    var file = try DataFile(path, format: "NIfTI-1", limit: limit)
    let big: Bool
    switch try file.integer(UInt32.self, big: false) {
    case 348: big = false
    case UInt32(348).byteSwapped: big = true
    case let size: throw file.malformed("its header says it has \(size) bytes, and not 348", at: 0)
    }
    try file.seek(344)
    guard try Array(file.take(3)) == Array("n+1".utf8) else {
      throw file.malformed("its magic word is not \"n+1\"", at: 344)
    }
    try file.seek(40)
    let rank = Int(try file.integer(Int16.self, big: big))
    guard (1...7).contains(rank) else { throw file.malformed("it has \(rank) axes", at: 40) }
    var extents: [Int] = []
    var count = 1
    for axis in 0..<rank {
      let extent = Int(try file.integer(Int16.self, big: big))
      guard extent > 0 else { throw file.malformed("axis \(axis + 1) has the extent \(extent)", at: 42 + 2 * axis) }
      extents.append(extent)
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw file.malformed("its extents are absurd", at: 42) }
      count = product
    }
    try file.seek(70)
    let code = try file.integer(Int16.self, big: big)
    guard let kind = Kind(rawValue: code) else {
      throw file.malformed("its numbers have the unknown type \(code)", at: 70)
    }
    try file.seek(80)
    spacing = []
    for _ in 0..<min(3, rank) { spacing.append(try file.float(big: big)) }
    try file.seek(108)
    let offset = try file.float(big: big)
    let slope = try file.float(big: big)
    let shift = try file.float(big: big)
    guard offset >= 348, offset <= Float(file.bytes.count) else {
      throw file.malformed("its numbers start at byte \(offset)", at: 108)
    }
    try file.seek(Int(offset))
    let values = try NIfTI.values(&file, kind, count, big)
    // A slope of 0 means that there is no scaling.
    let scaled = slope == 0 || !slope.isFinite || !shift.isFinite ? values : values.map { $0 * slope + shift }
    volume = try Tensor(scaled, shape: extents.reversed())
  }

  private static func values(_ file: inout DataFile, _ kind: Kind, _ count: Int, _ big: Bool) throws(DataError)
    -> [Float]
  {
    let size =
      switch kind {
      case .uint8, .int8: 1
      case .int16, .uint16: 2
      case .int32, .uint32, .float: 4
      case .double: 8
      }
    guard count <= file.remaining / size else { throw file.malformed("it holds fewer than its \(count) numbers") }
    var result: [Float] = []
    result.reserveCapacity(count)
    for _ in 0..<count {
      switch kind {
      case .uint8: result.append(Float(try file.integer(UInt8.self, big: big)))
      case .int8: result.append(Float(try file.integer(Int8.self, big: big)))
      case .int16: result.append(Float(try file.integer(Int16.self, big: big)))
      case .uint16: result.append(Float(try file.integer(UInt16.self, big: big)))
      case .int32: result.append(Float(try file.integer(Int32.self, big: big)))
      case .uint32: result.append(Float(try file.integer(UInt32.self, big: big)))
      case .float: result.append(try file.float(big: big))
      case .double: result.append(Float(Double(bitPattern: try file.integer(UInt64.self, big: big))))
      }
    }
    return result
  }
}
