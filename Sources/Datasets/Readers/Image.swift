import CPNG
import CTurboJPEG
import Foundation
import Tensors

/// Pictures: PNG by libpng, JPEG by libjpeg-turbo.
public enum Image {
  /// Largest number of pixels that is unpacked unless the caller allows more.
  public static let pixelLimit = 1 << 28

  /// Reads a PNG or JPEG file, whichever it is.
  ///
  /// - Returns: shape `[channels, height, width]`, from 0 to 1; one channel for grey pictures, two with transparency, three
  ///   for colour, four with transparency.
  /// - Throws: `DataError`.
  public static func read(_ path: String, pixelLimit: Int = Image.pixelLimit) throws -> Tensor<Float> {
    let bytes = try DataFile(path, format: "picture").bytes
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return try readPNG(bytes, path, pixelLimit) }
    if bytes.starts(with: [0xFF, 0xD8]) { return try readJPEG(bytes, path, pixelLimit) }
    throw DataError.malformed(path: path, format: "picture", place: 0, problem: "it is neither PNG nor JPEG")
  }

  private static func readPNG(_ bytes: [UInt8], _ path: String, _ pixelLimit: Int) throws -> Tensor<Float> {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    func failure() -> DataError {
      let text = withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      return .malformed(path: path, format: "PNG", place: 0, problem: text.isEmpty ? "it is damaged" : text)
    }
    guard bytes.withUnsafeBytes({ png_image_begin_read_from_memory(&image, $0.baseAddress, $0.count) }) != 0 else {
      throw failure()
    }
    defer { png_image_free(&image) }
    let (width, height) = (Int(image.width), Int(image.height))
    guard width * height <= pixelLimit else { throw DataError.tooLarge(path: path, limit: pixelLimit) }
    // Eight bits for each channel, with the channels that the file has (flag 1 transparency, flag 2 colour).
    image.format &= 3
    let channels = 1 + (image.format & 1 != 0 ? 1 : 0) + (image.format & 2 != 0 ? 2 : 0)
    var pixels = [UInt8](repeating: 0, count: width * height * channels)
    guard pixels.withUnsafeMutableBytes({ png_image_finish_read(&image, nil, $0.baseAddress, 0, nil) }) != 0 else {
      throw failure()
    }
    return try tensor(pixels, channels, height, width)
  }

  private static func readJPEG(_ bytes: [UInt8], _ path: String, _ pixelLimit: Int) throws -> Tensor<Float> {
    func failure(_ text: String) -> DataError { .malformed(path: path, format: "JPEG", place: 0, problem: text) }
    guard let decoder = tjInitDecompress() else { throw failure("the decoder cannot be made") }
    defer { tjDestroy(decoder) }
    var (width, height, subsampling, space): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
    let count = UInt(bytes.count)
    guard tjDecompressHeader3(decoder, bytes, count, &width, &height, &subsampling, &space) == 0 else {
      throw failure(String(cString: tjGetErrorStr2(decoder)))
    }
    guard Int(width) * Int(height) <= pixelLimit else { throw DataError.tooLarge(path: path, limit: pixelLimit) }
    let isGrey = space == Int32(TJCS_GRAY.rawValue)
    let channels = isGrey ? 1 : 3
    var pixels = [UInt8](repeating: 0, count: Int(width) * Int(height) * channels)
    let format = Int32(isGrey ? TJPF_GRAY.rawValue : TJPF_RGB.rawValue)
    // A picture that breaks off is an error, not a half-grey picture.
    guard tjDecompress2(decoder, bytes, count, &pixels, width, 0, height, format, Int32(TJFLAG_STOPONWARNING)) == 0
    else {
      throw failure(String(cString: tjGetErrorStr2(decoder)))
    }
    return try tensor(pixels, channels, Int(height), Int(width))
  }

  private static func tensor(_ pixels: [UInt8], _ channels: Int, _ height: Int, _ width: Int) throws -> Tensor<Float> {
    let values = try Tensor(pixels.map { Float($0) / 255 }, shape: [height, width, channels])
    return try values.permuted([2, 0, 1])
  }

  /// A PNG file of a picture.
  ///
  /// - Parameter picture: shape `[height, width]` (grey) or `[channels, height, width]` with 1 to 4 channels; values are
  ///   clamped to 0...1.
  /// - Throws: `TensorError.wrongShape`.
  public static func png(_ picture: Tensor<Float>) throws -> Data {
    let channels = picture.rank == 3 ? picture.shape[0] : 1
    guard picture.rank == 2 || (picture.rank == 3 && (1...4).contains(channels)), picture.count > 0 else {
      throw TensorError.wrongShape(
        argument: "picture", found: picture.shape, expected: "[height, width] or [1…4, height, width]")
    }
    let (height, width) = (picture.shape[picture.rank - 2], picture.shape[picture.rank - 1])
    let planes = try picture.reshaped([channels, height, width]).permuted([1, 2, 0])
    // A value that is no number becomes black.
    let pixels = planes.elements.map { $0 > 0 ? UInt8(min(1, $0) * 255 + 0.5) : 0 }
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    (image.width, image.height) = (UInt32(width), UInt32(height))
    image.format = UInt32((channels % 2 == 0 ? 1 : 0) | (channels > 2 ? 2 : 0))
    var size = 0
    guard png_image_write_to_memory(&image, nil, &size, 0, pixels, 0, nil) != 0 else {
      throw TensorError.outOfMemory(bytes: pixels.count)
    }
    var data = Data(count: size)
    let written = data.withUnsafeMutableBytes {
      png_image_write_to_memory(&image, $0.baseAddress, &size, 0, pixels, 0, nil)
    }
    guard written != 0 else { throw TensorError.outOfMemory(bytes: size) }
    return data.prefix(size)
  }

  /// Pictures of one size side by side, row by row, with a thin white line between: frames of a video at one glance.
  ///
  /// - Parameters:
  ///   - pictures: one or more, all `[channels, height, width]` or all `[height, width]`.
  ///   - columns: pictures in a row, 1 or more.
  public static func contactSheet(_ pictures: [Tensor<Float>], columns: Int) throws -> Tensor<Float> {
    guard let first = pictures.first, columns >= 1, pictures.allSatisfy({ $0.shape == first.shape }) else {
      throw TensorError.invalidArgument(
        "pictures, columns", found: "\(pictures.map(\.shape)), \(columns)",
        expected: "pictures of one shape, and a column or more")
    }
    let planes = try pictures.map { try $0.rank == 2 ? $0.expanded(axis: 0) : $0 }
    let blank = try Tensor<Float>(repeating: 1, shape: planes[0].shape)
    let rows = try stride(from: 0, to: planes.count, by: columns).map { start in
      let row = (start..<start + columns).map { $0 < planes.count ? planes[$0] : blank }
      return try joined(row, axis: 2)
    }
    return try joined(rows, axis: 1)
  }

  /// A picture of which every pixel is a square of so many, so that a small one can be seen.
  ///
  /// - Parameters:
  ///   - picture: shape `[height, width]` or `[channels, height, width]`.
  ///   - factor: pixels along each side of the square, 1 or more.
  /// - Throws: `TensorError`.
  public static func enlarged(_ picture: Tensor<Float>, by factor: Int) throws -> Tensor<Float> {
    guard picture.rank == 2 || picture.rank == 3, factor >= 1 else {
      throw TensorError.invalidArgument(
        "picture, factor", found: "\(picture.shape), \(factor)",
        expected: "[height, width] or [channels, height, width], and a factor of 1 or more")
    }
    if factor == 1 { return picture }
    let front = Array(picture.shape.dropLast(2))
    let (height, width) = (picture.shape[picture.rank - 2], picture.shape[picture.rank - 1])
    return try picture.reshaped(front + [height, 1, width, 1])
      .broadcast(to: front + [height, factor, width, factor])
      .reshaped(front + [height * factor, width * factor])
  }

  private static func joined(_ parts: [Tensor<Float>], axis: Int) throws -> Tensor<Float> {
    var shape = parts[0].shape
    shape[axis] = 1
    let line = try Tensor<Float>(repeating: 1, shape: shape)
    return try Tensor.concatenate(Array(parts.flatMap { [line, $0] }.dropFirst()), axis: axis)
  }
}
