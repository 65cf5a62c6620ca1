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

  private var inputs: Tensor<Float>
  private var labels: Tensor<Int32>
  /// Inputs that converters' ranges are set from.
  private(set) var calibration: Tensor<Float>
  /// Where those come from.
  let calibrationSource: String
  /// Files that were read.
  let uses: [DataUse]

  init(_ c: Deployment.Configuration, in folder: String?) throws {
    if TestSet.names.contains(c.data) {
      let location = try DataCatalogue.locate(c.data, in: folder ?? "")
      let images = "\(location)/t10k-images-idx3-ubyte.gz"
      let classes = "\(location)/t10k-labels-idx1-ubyte.gz"
      inputs = try IDX.readImages(images)
      labels = try IDX.readBytes(classes)
      let training = "\(location)/train-images-idx3-ubyte.gz"
      let isThere = FileManager.default.fileExists(atPath: training)
      calibration = try (isThere ? IDX.readImages(training) : inputs).slice(0..<Self.calibrationSamples)
      calibrationSource = "the first \(Self.calibrationSamples) \(isThere ? "training" : "test") images of \(c.data)"
      uses = try [("\(c.data) images", images), ("\(c.data) labels", classes)].map {
        DataUse(name: $0.0, sha256: try Checksum.sha256(file: $0.1))
      }
    } else {
      let arrays = try NumPy.read(archive: c.data)
      guard let x = arrays["x"], let y = arrays["y"], y.shape == [x.shape.first ?? -1] else {
        throw ConfigurationError.invalidValue(
          key: "data", found: arrays.map { "\($0.key) \($0.value.shape)" }.sorted().joined(separator: ", "),
          expected: "arrays x [samples, …] and y [samples] with classes from 0")
      }
      inputs = try x.floats()
      labels = try Tensor(y.floats().elements.map { Int32($0) }, shape: y.shape)
      calibration = try inputs.slice(0..<min(inputs.shape[0], Self.calibrationSamples))
      calibrationSource = "the first \(calibration.shape[0]) inputs of \(c.data), which holds no other data"
      uses = [DataUse(name: c.data, sha256: try Checksum.sha256(file: c.data))]
    }
    if c.samples > 0, c.samples < inputs.shape[0] {
      inputs = try inputs.slice(0..<c.samples)
      labels = try labels.slice(0..<c.samples)
    }
    inputs = try (inputs - c.mean) * (1 / c.deviation)
    calibration = try (calibration - c.mean) * (1 / c.deviation)
  }

  /// Enough for the range of a converter.
  private static let calibrationSamples = 200

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
}
