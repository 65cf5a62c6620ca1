import Dynamics
import Foundation
import Reports
import Settings
import Studies
import Tensors

/// Equations that records are made by.
public enum Flow: String, ConfigurationChoice {
  /// Viscous Burgers with random forcing of three waves, on a line of length 1.
  case burgers
  /// Kuramoto–Sivashinsky on a line of length 22.
  case kuramotoSivashinsky = "kuramoto-sivashinsky"
  /// Two-dimensional Navier–Stokes, vorticity on the unit square, forced along the diagonal.
  case navierStokes = "navier-stokes"

  var isSquare: Bool { self == .navierStokes }
  /// Side of the domain, in its units.
  var length: Double { self == .kuramotoSivashinsky ? 22 : 1 }
}

/// Which flow is recorded, how, and what of it is observed.
public struct FlowData: Codable, Sendable {
  public var flow = Flow.kuramotoSivashinsky
  /// Points of a record, along each axis.
  public var points = 64
  /// Points of the solver for each of a record, along each axis.
  public var refinement = 1
  /// Time step of the solver, in the equation's units of time.
  public var step = 0.025
  public var scheme = SpectralScheme.crankNicolsonAdamsBashforth
  /// Steps from one record to the next.
  public var stepsPerRecord = 40
  /// Records left out at the start.
  public var spinUpRecords = 200
  public var trainingRecords = 4000
  public var testRecords = 1000
  /// ν of Burgers and Navier–Stokes.
  public var viscosity = 1e-3
  /// σ_f of Burgers: √step·σ_f times normal numbers are added to the three longest waves after each step.
  public var randomForcing = 0.1
  /// Kuramoto–Sivashinsky: starts from the published field, which is not periodic and has a mean of 0.1415 that stays.
  public var publishedStart = false
  /// Every how many points of a record one is observed, along each axis.
  public var observedEvery = 8
  /// Standard deviation of the noise that is added to everything, in the field's units.
  public var noise = 0.1
  public init() {}

  /// Points of the solver, along each axis.
  var solverPoints: Int { points * refinement }
  /// Numbers of a record.
  var size: Int { flow.isSquare ? points * points : points }
  /// Extents of a record.
  var extents: [Int] { flow.isSquare ? [points, points] : [points] }

  /// Places of the observed points in a record.
  package var observed: [Int] {
    let row = Array(stride(from: 0, to: points, by: observedEvery))
    return flow.isSquare ? row.flatMap { i in row.map { i * points + $0 } } : row
  }

  /// Places of what is estimated. On a line these are the other points; on the square the whole field, as published.
  package var hidden: [Int] {
    flow.isSquare ? Array(0..<size) : (0..<size).filter { $0 % observedEvery != 0 }
  }
}

/// Steps the true model, for records and for ensembles.
final class TrueModel {
  private let data: FlowData
  private let line: PeriodicLine?
  private let square: PeriodicVorticity?
  /// cos and sin of the three longest waves times √step·σ_f, `[6, points]`.
  private let waves: Tensor<Double>?

  init(_ data: FlowData, scheme: SpectralScheme? = nil, step: Double? = nil) throws {
    self.data = data
    let (n, scheme, step) = (data.solverPoints, scheme ?? data.scheme, step ?? data.step)
    switch data.flow {
    case .burgers:
      line = try .burgers(points: n, viscosity: data.viscosity, step: step, scheme: scheme)
      square = nil
      let size = data.randomForcing * step.squareRoot()
      let rows = (1...3).flatMap { k in
        [cos as (Double) -> Double, sin].map { wave in
          (0..<n).map { size * wave(2 * .pi * Double(k * $0) / Double(n)) }
        }
      }
      waves = try Tensor(rows)
    case .kuramotoSivashinsky:
      line = try .kuramotoSivashinsky(points: n, length: data.flow.length, step: step, scheme: scheme)
      (square, waves) = (nil, nil)
    case .navierStokes:
      let forcing = try Tensor(
        (0..<n * n).map { i in
          let s = 2 * Double.pi * Double(i / n + i % n) / Double(n)
          return 0.1 * (sin(s) + cos(s))
        }, shape: [n, n])
      square = try PeriodicVorticity(
        points: n, viscosity: data.viscosity, step: step, scheme: scheme, forcing: forcing)
      (line, waves) = (nil, nil)
    }
  }

  /// Where a run starts.
  func start(_ random: inout RandomStream) throws -> Tensor<Double> {
    let n = data.solverPoints
    switch data.flow {
    case .burgers: return try GaussianRandomField.line(1, points: n, using: &random).at(0)
    case .kuramotoSivashinsky:
      let unit = data.publishedStart ? 1.0 / 16 : 2 * .pi / data.flow.length
      return try Tensor(
        (0..<n).map { i in
          let x = data.flow.length * Double(i) / Double(n) * unit
          return 0.1 * cos(x) * (1 + 2 * sin(x))
        })
    case .navierStokes: return try GaussianRandomField.square(points: n, using: &random)
    }
  }

  /// - Parameter stride: every how many points a record keeps, along each axis.
  /// - Returns: shape `[records + 1, …]`.
  func trajectory(
    from start: Tensor<Double>, records: Int, steps: Int, stride: Int = 1, _ random: inout RandomStream,
    progress: ((_ record: Int) throws -> Void)? = nil
  ) throws -> Tensor<Double> {
    if let square {
      return try square.trajectory(
        from: start, records: records, stepsBetween: steps, stride: stride, progress: progress)
    }
    guard let line else { return start }
    var stream = random
    defer { random = stream }
    var draws: [Tensor<Double>] = []
    let kick: (() throws -> Tensor<Double>)? = waves.map { waves in
      {
        if draws.isEmpty {
          // A thousand steps at once: a product for each would cost more than the step.
          let numbers: Tensor<Double> = try stream.normal([1000, 6])
          let kicks = try matmul(numbers, waves)
          draws = try (0..<1000).map { try kicks.at($0) }
        }
        return draws.removeLast()
      }
    }
    let path = try line.trajectory(from: start, records: records, stepsBetween: steps, kick: kick, progress: progress)
    if stride == 1 { return path }
    let kept = try Tensor<Int32>(Swift.stride(from: 0, to: data.solverPoints, by: stride).map(Int32.init))
    return try path.selecting(kept, axis: 1)
  }
}

/// Records of a flow, normalised at each point by mean and deviation of the training records.
package struct FlowRecords {
  package let data: FlowData
  /// Shape `[records, size]`, training records first.
  package let clean: Tensor<Float>, noisy: Tensor<Float>
  package let normaliser: Normaliser
  /// Fields in the solver's units at the last training record, for ensembles: some states of the training part,
  /// `[states, size]`.
  package let states: Tensor<Double>
  package let observed: Tensor<Int32>, hidden: Tensor<Int32>

  /// - Parameter progress: told the part of the records that is made.
  package init(_ data: FlowData, random: RandomStream, progress: (Double) throws -> Void = { _ in }) throws {
    self.data = data
    var random = random
    let model = try TrueModel(data)
    let count = data.trainingRecords + data.testRecords
    let total = data.spinUpRecords + count
    let path = try withoutActuallyEscaping(progress) { progress in
      try model.trajectory(
        from: model.start(&random), records: total, steps: data.stepsPerRecord, stride: data.refinement, &random
      ) { try progress(Double($0) / Double(total)) }
    }
    let records = try path.slice(data.spinUpRecords + 1..<data.spinUpRecords + count + 1)
      .reshaped([count, data.size])
    let noise: Tensor<Double> = try random.normal(records.shape, standardDeviation: data.noise)
    let seen = try records + noise
    let training = try seen.slice(0..<data.trainingRecords)
    normaliser = try Normaliser(training)
    clean = try normaliser.normalised(records).converted()
    noisy = try normaliser.normalised(seen).converted()
    let chosen = (0..<min(200, data.trainingRecords)).map {
      Int32($0 * data.trainingRecords / min(200, data.trainingRecords))
    }
    states = try records.selecting(Tensor(chosen))
    observed = try Tensor(data.observed.map(Int32.init))
    hidden = try Tensor(data.hidden.map(Int32.init))
  }

  package var test: Range<Int> { data.trainingRecords..<data.trainingRecords + data.testRecords }

  /// Deviation of the noise in normalised units, as mean over points.
  func noiseVariance() throws -> Double {
    try normaliser.deviation.reciprocal().squared().mean().item() * data.noise * data.noise
  }
}
