import Foundation
import Networks
import Substrates
import Tensors

/// Something that takes records to the next ones.
package protocol Forecaster {
  /// - Parameter u: normalised records, `[batch, size]`.
  mutating func next(_ u: Tensor<Float>) throws -> Tensor<Float>
}

/// Nothing changes.
package struct Persistence: Forecaster {
  package func next(_ u: Tensor<Float>) -> Tensor<Float> { u }
}

/// Encode, one latent step, decode; again for the step after ("advanced" in the authors' words).
package struct KoopmanForecaster: Forecaster {
  package let placed: PlacedKoopman
  package let records: FlowRecords
  var context: ForwardContext
  private let order: Tensor<Int32>

  package init(_ placed: PlacedKoopman, _ records: FlowRecords, context: ForwardContext) throws {
    (self.placed, self.records, self.context) = (placed, records, context)
    // Observed and hidden numbers one after the other, back to their places.
    let places = records.data.observed + records.data.hidden
    var order = [Int32](repeating: 0, count: records.data.size)
    if !records.data.flow.isSquare { for (i, place) in places.enumerated() { order[place] = Int32(i) } }
    self.order = try Tensor(order)
  }

  /// A record from its parts. Where the hidden part is the whole field it is all there is.
  private func joined(_ observed: Tensor<Float>, _ hidden: Tensor<Float>) throws -> Tensor<Float> {
    if records.data.flow.isSquare { return hidden }
    return try Tensor.concatenate([observed, hidden], axis: 1).selecting(order, axis: 1)
  }

  package mutating func next(_ u: Tensor<Float>) throws -> Tensor<Float> {
    let parts = try SplitRecords(u, records)
    let z = try placed.encode(parts.hidden, in: &context)
    let next = try placed.next(placed.features(parts.observed, in: &context), z, in: &context)
    return try joined(next.observed, placed.decode(next.code, in: &context))
  }

  /// Records after 1, 2, … steps in latent space alone, decoded only to be seen ("naive").
  package mutating func rollOut(_ u: Tensor<Float>, steps: Int) throws -> [Tensor<Float>] {
    let parts = try SplitRecords(u, records)
    var observed = parts.observed
    var z = try placed.encode(parts.hidden, in: &context)
    var path: [Tensor<Float>] = []
    for _ in 0..<steps {
      (observed, z) = try placed.next(placed.features(observed, in: &context), z, in: &context)
      path.append(try joined(observed, placed.decode(z, in: &context)))
    }
    return path
  }
}

/// A layer from records to records.
package struct LayerForecaster<Model: Layer>: Forecaster {
  var model: Model
  var context = ForwardContext()
  package mutating func next(_ u: Tensor<Float>) throws -> Tensor<Float> { try model.forward(u, in: &context) }
}

extension Sequential {
  /// The published one-step network for the square: 3 × 3, four times 5 × 5, 3 × 3, zero padding, SiLU.
  package static func convolutionForecaster(points n: Int, channels: Int, using random: inout RandomStream) throws
    -> Sequential
  {
    var layers: [any Layer] = [Function(operations: 0) { try $0.reshaped([nil, 1, n, n]) }]
    for (inputs, outputs, window) in [(1, channels, 3)] + Array(repeating: (channels, channels, 5), count: 4) {
      layers.append(
        try Convolution(inputs, outputs, window: [window, window], padding: Window([window / 2]), using: &random))
      layers.append(Function(operations: 2) { try silu($0) })
    }
    layers.append(try Convolution(channels, 1, window: [3, 3], padding: 1, using: &random))
    return Sequential(layers + [Function(operations: 0) { try $0.flattened(from: 1) }])
  }
}

/// Errors of forecasts against the clean truth, normalised, mean over all points.
package struct ForecastScores {
  /// Mean square error after each number of steps.
  package var errors: [Int: Double] = [:]

  /// - Parameter leads: numbers of steps; forecasts start from noisy test records.
  package init(_ forecaster: inout some Forecaster, _ records: FlowRecords, leads: [Int]) throws {
    try self.init(records, leads: leads) { u, steps in
      var u = u
      return try (0..<steps).map { _ in
        u = try forecaster.next(u)
        return u
      }
    }
  }

  package init(_ records: FlowRecords, leads: [Int], path: (Tensor<Float>, Int) throws -> [Tensor<Float>]) throws {
    let longest = leads.max() ?? 1
    let test = records.test
    let starts = Array(test.lowerBound..<test.upperBound - longest)
    var sums: [Int: Double] = [:]
    for first in stride(from: 0, to: starts.count, by: 500) {
      let part = starts[first..<min(starts.count, first + 500)]
      let found = try path(
        records.noisy.slice(part.startIndex + test.lowerBound..<part.endIndex + test.lowerBound), longest)
      for lead in leads {
        let truth = try records.clean.slice(
          part.startIndex + test.lowerBound + lead..<part.endIndex + test.lowerBound + lead)
        sums[lead, default: 0] += Double(try (found[lead - 1] - truth).squared().mean().item()) * Double(part.count)
      }
    }
    errors = sums.mapValues { $0 / Double(max(1, starts.count)) }
  }
}
