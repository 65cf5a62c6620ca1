import Tensors

/// Arrays in the IDX format of MNIST (LeCun et al. 1998), plain or gzip.
public enum IDX {
  /// Reads an array of unsigned bytes, such as images and labels.
  ///
  /// - Parameter limit: largest size to unpack to, in bytes.
  /// - Returns: as stored, row-major; labels have one axis, images three: `[samples, rows, columns]`.
  public static func readBytes(_ path: String, limit: Int = 4 << 30) throws -> Tensor<Int32> {
    var file = try DataFile(path, format: "IDX", limit: limit)
    let (zero, type, rank) = (
      try file.integer(UInt16.self, big: true), try file.integer(UInt8.self, big: true),
      try file.integer(UInt8.self, big: true)
    )
    guard zero == 0 else { throw file.malformed("it does not start with two zero bytes", at: 0) }
    guard type == 8 else {
      throw file.malformed("its numbers have the type \(type), and not 8 for unsigned bytes", at: 2)
    }
    var shape: [Int] = []
    var count = 1
    for _ in 0..<rank {
      let extent = Int(try file.integer(UInt32.self, big: true))
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw file.malformed("its extents \(shape + [extent]) are absurd") }
      shape.append(extent)
      count = product
    }
    guard count == file.remaining
    else { throw file.malformed("its shape \(shape) needs \(count) bytes, it holds \(file.remaining)") }
    return try Tensor(try file.take(count).map { Int32($0) }, shape: shape)
  }

  /// Images as numbers from 0 to 1: shape `[samples, 1, rows, columns]`.
  public static func readImages(_ path: String) throws -> Tensor<Float> {
    let raw = try readBytes(path)
    guard raw.rank == 3 else {
      throw DataError.malformed(
        path: path, format: "IDX", place: 3, problem: "images have three axes, this has \(raw.rank)")
    }
    return try (raw.converted() * Float(1.0 / 255)).reshaped([raw.shape[0], 1, raw.shape[1], raw.shape[2]])
  }
}
