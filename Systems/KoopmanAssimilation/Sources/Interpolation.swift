import Dynamics
import Foundation
import Reports
import Tensors

/// What estimates the hidden part from one record alone.
enum Interpolation {
  /// Interpolated fields, normalised, of observed records `[records, d₁]`: at all points.
  static func fields(_ u: Tensor<Float>, _ records: FlowRecords) throws -> Tensor<Float> {
    // Interpolation belongs to the fields as they are, not to normalised ones.
    let normaliser = records.normaliser
    let (mean, deviation) = (
      try normaliser.mean.selecting(records.observed), try normaliser.deviation.selecting(records.observed)
    )
    let seen: Tensor<Double> = try u.converted() * deviation + mean
    return try normaliser.normalised(
      matmul(
        seen,
        records.data.flow.isSquare
          ? PeriodicInterpolation.bilinear(points: records.data.points, every: records.data.observedEvery)
          : PeriodicInterpolation.cubicSpline(points: records.data.points, every: records.data.observedEvery),
        transposingB: true)
    ).converted()
  }

  /// Least squares from the observed to the hidden part, on training records.
  static func regression(_ records: FlowRecords) throws -> (Tensor<Float>) throws -> Tensor<Float> {
    let training = try SplitRecords(records.noisy.slice(0..<records.data.trainingRecords), records)
    func design(_ u: Tensor<Float>) throws -> Tensor<Float> {
      try Tensor.concatenate([u, .ones([u.shape[0], 1])], axis: 1)
    }
    let x = try design(training.observed)
    // Normal equations: thousands of records, tens of unknowns.
    let weights = try solve(
      matmul(x, x, transposingA: true).converted() as Tensor<Double>,
      matmul(x, training.hidden, transposingA: true).converted() as Tensor<Double>)
    let matrix: Tensor<Float> = try weights.converted()
    return { try matmul(design($0), matrix) }
  }
}

/// An ensemble filter with the true model.
public struct EnsembleBaseline: Codable, Sendable {
  /// Members; 0 for no such comparison.
  public var members = 100
  /// Half-width of the taper, in points of a record; 0 for none.
  public var halfWidth_points = 4.0
  public var inflation = 1.0
  /// Test records that it follows.
  public var records = 300
  public init() {}

  /// Analysis means of test records 0, 1, …, normalised, `[records, size]`.
  func means(_ flow: FlowRecords, random: RandomStream, progress: (Double) throws -> Void) throws -> Tensor<Float> {
    let data = flow.data
    var random = random
    // Members live on the records' grid: the solver resolves the flow there too.
    var coarse = data
    coarse.refinement = 1
    let model = try TrueModel(coarse)
    let words = random.words(members)
    let chosen = try Tensor<Int32>(words.map { Int32($0 % UInt32(flow.states.shape[0])) })
    var x = try flow.states.selecting(chosen).transposed().rowMajor()
    let n = data.points
    let isSquare = data.flow.isSquare
    let onSquare: @Sendable (Int, Int) -> Double = { a, b in
      let (dx, dy) = (abs(a / n - b / n), abs(a % n - b % n))
      return hypot(Double(min(dx, n - dx)), Double(min(dy, n - dy)))
    }
    let filter = try EnsembleFilter(
      variables: data.size, members: members, observed: data.observed, variance: data.noise * data.noise,
      kind: .perturbedObservations(halfWidth: halfWidth_points > 0 ? halfWidth_points : nil), inflation: inflation,
      distance: isSquare ? onSquare : nil)
    let start = flow.test.lowerBound
    let count = min(records, data.testRecords)
    let seen = try flow.normaliser.restored(
      flow.noisy.slice(start..<start + count).converted()
    ).selecting(flow.observed, axis: 1)
    var means: [Double] = []
    for k in 0..<count {
      if k > 0 {
        let members = try x.transposed().rowMajor()
        var moved: [Tensor<Double>] = []
        for m in 0..<self.members {
          let path = try model.trajectory(
            from: members.at(m).reshaped(data.extents), records: 1, steps: data.stepsPerRecord, &random)
          moved.append(try path.at(1).reshaped([data.size]))
        }
        x = try Tensor.stack(moved, axis: 1).rowMajor()
      }
      means += try filter.analyse(&x, seen.at(k).elements, random: &random)
      try progress(Double(k + 1) / Double(count))
    }
    return try flow.normaliser.normalised(Tensor(means, shape: [count, data.size])).converted()
  }
}
