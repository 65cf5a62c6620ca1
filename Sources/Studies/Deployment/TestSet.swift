import Datasets
import Foundation
import Networks
import Reports
import Runs
import Settings
import Tensors

/// Samples with their classes, as a deployed network is tried on.
struct TestSet {
  /// Data sets that are known by name.
  static let names = ["mnist", "fashion-mnist"]
  /// Enough for the range of a converter.
  private static let calibrationSamples = 200

  /// What people call it.
  let name: String
  private var inputs: Tensor<Float>
  private var labels: Tensor<Int32>
  /// Inputs that converters' ranges are set from.
  private var calibration: Tensor<Float>
  /// Where those come from.
  private(set) var calibrationSource: String
  /// Files that were read.
  let uses: [DataUse]

  init(_ c: Deployment.Configuration, in folder: String?) throws {
    self = try Self.names.contains(c.data) ? Self(known: c.data, in: folder ?? "") : Self(file: c.data)
    if c.samples > 0, c.samples < inputs.shape[0] {
      inputs = try inputs.slice(0..<c.samples)
      labels = try labels.slice(0..<c.samples)
    }
    inputs = try (inputs - c.mean) * (1 / c.deviation)
    calibration = try (calibration - c.mean) * (1 / c.deviation)
  }

  /// The test set of a data set of pictures in IDX files.
  private init(known name: String, in folder: String) throws {
    self.name = name
    let location = try DataCatalogue.locate(name, in: folder)
    let images = "\(location)/t10k-images-idx3-ubyte.gz"
    let classes = "\(location)/t10k-labels-idx1-ubyte.gz"
    inputs = try IDX.readImages(images)
    labels = try IDX.readBytes(classes)
    let training = "\(location)/train-images-idx3-ubyte.gz"
    let isThere = FileManager.default.fileExists(atPath: training)
    calibration = try (isThere ? IDX.readImages(training) : inputs).slice(0..<Self.calibrationSamples)
    calibrationSource = "the first \(Self.calibrationSamples) \(isThere ? "training" : "test") images of \(name)"
    uses = try [("\(name) images", images), ("\(name) labels", classes)].map {
      DataUse(name: $0.0, sha256: try Checksum.sha256(file: $0.1))
    }
  }

  /// Arrays `x`, `y` and, if there, `calibration` of an `.npz` file.
  private init(file path: String) throws {
    let name = URL(fileURLWithPath: path).lastPathComponent
    self.name = name
    let arrays = try NumPy.read(archive: path)
    let found = arrays.map { "\($0.key) \($0.value.shape)" }.sorted().joined(separator: ", ")
    func refused(_ expected: String, _ found: String) -> ConfigurationError {
      .invalidValue(key: "data", found: "\(name) with \(found)", expected: expected)
    }
    guard let x = arrays["x"], let y = arrays["y"], x.shape.count >= 2, x.shape[0] >= 1, y.shape == [x.shape[0]] else {
      throw refused("arrays x [samples, …] and y [samples] with classes from 0", found)
    }
    let inputs = try x.floats()
    self.inputs = inputs
    let classes = try y.floats().elements
    // Single precision holds every whole number up to 2²⁴.
    if let bad = classes.first(where: { !(0...0x1p24).contains($0) || $0 != $0.rounded() }) {
      throw refused("y of whole numbers from 0, the places of classes in the model's scores", "y = \(bad)")
    }
    labels = try Tensor(classes.map { Int32($0) }, shape: y.shape)
    if let own = arrays["calibration"] {
      guard own.shape.count == x.shape.count, own.shape[0] >= 1, own.shape.dropFirst() == x.shape.dropFirst() else {
        throw refused("calibration [samples, …] with samples of the shape of those of x, or none", found)
      }
      calibration = try own.floats()
      calibrationSource = "the \(own.shape[0]) inputs `calibration` of \(name)"
    } else {
      let count = min(inputs.shape[0], Self.calibrationSamples)
      calibration = try inputs.slice(0..<count)
      calibrationSource = "the first \(count) inputs of \(name), which holds no array `calibration`"
    }
    uses = [DataUse(name: name, sha256: try Checksum.sha256(file: path))]
  }

  /// The samples in portions, in the shape that a model wants.
  func batches(_ c: Deployment.Configuration, shape: [Int?]) throws -> [(inputs: Tensor<Float>, labels: Tensor<Int32>)]
  {
    // A model that was exported for one size of batch gets that size, and the rest is left out.
    let fixed = shape.first ?? nil
    let size = fixed ?? c.batch
    let count = inputs.shape[0]
    let rest = shape.dropFirst().map { $0 }
    let numbers = inputs.count / max(1, count)
    guard rest.contains(where: { $0 == nil }) || rest.reduce(1, { $0 * ($1 ?? 1) }) == numbers else {
      throw ConfigurationError.invalidValue(
        key: "data", found: "samples of shape \(Array(inputs.shape.dropFirst()))",
        expected:
          "\(rest.map { $0.map(String.init) ?? "any" }.joined(separator: " × ")) numbers, as the model's input has")
    }
    return try stride(from: 0, to: count, by: size).compactMap { start in
      let end = min(count, start + size)
      if fixed != nil, end - start < size { return nil }
      let part = try inputs.slice(start..<end)
      // Open extents are those of the data.
      let target = rest.contains { $0 == nil } ? part : try part.reshaped([end - start] + rest)
      return (target, try labels.slice(start..<end))
    }
  }

  /// What converters' ranges are set from, in the shape that a model wants.
  func calibrationInputs(shape: [Int?]) throws -> Tensor<Float> {
    let rest = shape.dropFirst().map { $0 }
    let count = min(calibration.shape[0], (shape.first ?? nil) ?? calibration.shape[0])
    let part = try calibration.slice(0..<count)
    return rest.contains { $0 == nil } ? part : try part.reshaped([count] + rest)
  }

  /// Some samples as pictures from 0 to 1, with one scale for all; nothing where samples are no pictures, `[height, width]` or
  /// that with one or three channels before it.
  func pictures(_ places: [Int]) throws -> [Tensor<Float>]? {
    let shape = Array(inputs.shape.dropFirst())
    guard shape.count == 2 || (shape.count == 3 && [1, 3].contains(shape[0])), shape.suffix(2).allSatisfy({ $0 >= 4 })
    else { return nil }
    let samples = try places.map { try inputs.at($0) }
    let numbers = samples.flatMap(\.elements).filter(\.isFinite)
    guard let low = numbers.min(), let high = numbers.max(), high > low else { return nil }
    return try samples.map { try ($0 - low) * (1 / (high - low)) }
  }
}
