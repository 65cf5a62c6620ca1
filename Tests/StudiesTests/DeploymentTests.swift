import Chips
import Foundation
import Networks
import Reports
import Runs
import Settings
import Studies
import Tensors
import Testing

private let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().appendingPathComponent("Examples").path

/// The digit network of Examples.
private func deploy(_ data: String = "\(examples)/digits.npz", samples: Int = 0, on substrate: SubstrateChoice) throws
  -> Report
{
  var c = Deployment.Configuration()
  (c.model, c.data, c.samples) = ("\(examples)/digits.onnx", data, samples)
  return try Deployment.run(c, in: RunContext(substrate: substrate))
}

private func figure(_ name: String, _ report: Report) throws -> Double {
  try #require(report.figures.first { $0.name == name }).value
}

/// Percent, for each layer with stored weights.
private func errors(_ report: Report) throws -> [Double] {
  try #require(report.charts[0].panels.first { $0.title == "Error of each layer" }?.series.first).y
}

/// A file with the given arrays in place of those of Examples.
private func withData<R>(_ arrays: [String: StoredTensor?], _ body: (String) throws -> R) throws -> R {
  var all = try NumPy.read(archive: "\(examples)/digits.npz")
  for (name, array) in arrays { all[name] = array }
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-\(UUID().uuidString).npz").path
  try NumPy.write(all, toArchive: path)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

@Suite("Deployment of a trained network") struct DeploymentTests {
  @Test("gets as many of the digits in Examples right as onnxruntime")
  func exact() throws {
    let report = try deploy(on: SubstrateChoice())
    #expect(try figure("samples", report) == 500)
    // 496 of 500 by onnxruntime 1.32.0 with the same files (Examples/README.md); none of them is near a tie.
    #expect(try figure("exact accuracy", report) == 0.992)
  }

  @Test("ideal parts have no error in any layer, and the more noise the more error")
  func errorOfLayers() throws {
    let analog = SubstrateChoice(.analog)
    let ideal = try errors(deploy(samples: 40, on: analog.withoutFaults))
    // Three layers; sums of at most 784 products in another order differ by some 2⁻²³ of their terms, here in percent.
    #expect(ideal.count == 3 && ideal.allSatisfy { $0 < 1e-3 })
    let little = try errors(deploy(samples: 40, on: analog.withoutFaults.setting("device.writeResidue=0.005")))
    let much = try errors(deploy(samples: 40, on: analog.withoutFaults.setting("device.writeResidue=0.05")))
    for (a, b) in zip(little, much) { #expect(a > 0.1 && b > 3 * a) }
  }

  @Test("costs of layers add up to those of an inference, in the table and in the bars")
  func sums() throws {
    let report = try deploy(samples: 40, on: SubstrateChoice(.analog))
    for (title, name) in [("Energy of each layer", "energy"), ("Latency of each layer", "latency")] {
      let panel = try #require(report.charts[0].panels.first { $0.title == title })
      let factor = try #require(["(nJ)": 1e-9, "(µs)": 1e-6].first { panel.y.label.hasSuffix($0.key) }).value
      let (arrays, logic) = (panel.series[0].y, panel.series[1].y)
      #expect(panel.names.count == 4 && panel.names.last == "other")
      // Sums of double precision in another order.
      let all = try figure("\(name) of one inference", report)
      #expect(abs(arrays.reduce(0, +) * factor / all - 1) < 1e-9)
      let digital = try figure("digital \(name) of one inference, 8-bit integers", report)
      #expect(abs(logic.reduce(0, +) * factor / digital - 1) < 1e-9)
    }
  }

  @Test("samples whose answers differ come first, and wrong ones are marked")
  func pictures() throws {
    let report = try deploy(on: SubstrateChoice(.analog).setting("device.writeResidue=0.2"))
    let exhibits = try #require(report.charts[0].panels.first { !$0.exhibits.isEmpty }).exhibits
    #expect(exhibits.count == 15 && exhibits.allSatisfy { $0.width == 28 && $0.height == 28 })
    let answers = try exhibits.map { exhibit in
      let numbers = exhibit.caption.split { ":/ ".contains($0) }.compactMap { Int($0) }
      try #require(numbers.count == 3)
      #expect(exhibit.isMarked == (numbers[0] != numbers[2]))
      return numbers
    }
    let differ = answers.map { $0[1] != $0[2] }
    #expect(differ == differ.sorted { $0 && !$1 } && differ[0])
  }

  @Test("the ranges of converters come from `calibration`")
  func calibration() throws {
    let analog = try SubstrateChoice(.analog).setting("draws=1")
    let own = try deploy(samples: 100, on: analog)
    #expect(own.notes.contains { $0.contains("the 100 inputs `calibration` of digits.npz") })
    // Blank pictures say nothing of how large sums get: their products are zero, and ranges too narrow.
    let blank = try withData(["calibration": .float(.zeros([20, 1, 28, 28]))]) {
      try deploy($0, samples: 100, on: analog)
    }
    #expect(try figure("clipped conversions", blank) > 10 * figure("clipped conversions", own))
    let none = try withData(["calibration": nil]) { try deploy($0, samples: 100, on: analog) }
    #expect(none.notes.contains { $0.contains("the first 200 inputs") && $0.contains("no array `calibration`") })
  }

  @Test("files that do not fit are errors that say what is expected")
  func wrongFiles() throws {
    func refused(_ arrays: [String: StoredTensor?], _ words: String) throws {
      try withData(arrays) { path in
        do {
          _ = try deploy(path, on: SubstrateChoice())
          Issue.record("accepted: \(words)")
        } catch let error as ConfigurationError {
          #expect(error.description.contains(words), "\(error)")
        }
      }
    }
    try refused(["y": nil], "arrays x [samples, …] and y [samples]")
    try refused(["y": .float(.zeros([499]))], "arrays x [samples, …] and y [samples]")
    try refused(["x": .float(.zeros([0, 1, 28, 28])), "y": .float(.zeros([0]))], "arrays x [samples, …]")
    for bad: Float in [-1, 0.5, .nan, .infinity, 3e9] {
      try refused(["y": .float(Tensor(repeating: bad, shape: [500]))], "whole numbers from 0")
    }
    try refused(["calibration": .float(.zeros([100, 1, 28, 27]))], "samples of the shape of those of x")
    try refused(["calibration": .float(.zeros([0, 1, 28, 28]))], "samples of the shape of those of x")
    try refused(["x": .float(.zeros([500, 27])), "calibration": nil], "1 × 28 × 28 numbers")
    #expect(throws: NetworkError.self) { try deploy("\(examples)/digits.onnx", on: SubstrateChoice()) }
  }

  @Test("the error of a layer by hand")
  func byHand() throws {
    let exact = NodeResult("n", [try Tensor<Float>([3, 4])])
    #expect(exact.error(of: [try Tensor([3, 4])]) == 0)
    // √((1² + 2²)/(3² + 4²))
    #expect(abs(exact.error(of: [try Tensor([4, 2])]) - 0.2.squareRoot()) < 1e-12)
    // Nothing to be relative to.
    let zero = NodeResult("n", [try Tensor<Float>([0, 0])])
    #expect(zero.error(of: [try Tensor([0, 0])]) == 0)
    #expect(zero.error(of: [try Tensor([1, 0])]) == .infinity)
  }
}
