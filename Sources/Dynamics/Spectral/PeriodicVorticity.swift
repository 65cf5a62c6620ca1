import CKernels
import Foundation
import Tensors

/// Two-dimensional incompressible flow on a periodic square, ∂ω/∂t + v·∇ω = ν∇²ω + f with v = (ψ_y, −ψ_x), ∇²ψ = −ω, by a
/// pseudo-spectral method with the 2/3 rule in double precision.
///
/// The advection is the curl of the stress, (∂²ₓ − ∂²_y)(uv) + ∂ₓ∂_y(v² − u²) (Basdevant 1983): two transforms back and two
/// forth instead of five, the same in exact arithmetic, both as one complex transform. Waves that the rule cuts are dropped.
public final class PeriodicVorticity {
  /// Points along each axis.
  public let points: Int
  public let length: Double
  public let step: Double
  private let transform: PairTransform
  private let stepper: SpectralStepper
  private let spectrum: Aligned, work: Aligned, zero: Aligned
  /// The field and a second one that is not used, in turn.
  private let field: Aligned
  /// 1/N² for waves that are kept, 0 for others.
  private var kept: [Double]

  /// - Parameters:
  ///   - points: along each axis, an even number.
  ///   - length: of the square's side.
  ///   - viscosity: ν.
  ///   - forcing: f, shape `[points, points]` with x along the first axis; nil for none.
  public init(
    points: Int, length: Double = 1, viscosity: Double, step: Double,
    scheme: SpectralScheme = .exponentialRungeKutta4, forcing: Tensor<Double>? = nil
  ) throws {
    try Self.check(points, length, viscosity, forcing)
    (self.points, self.length, self.step) = (points, length, step)
    let transform = try PairTransform(points: points)
    self.transform = transform
    let count = transform.spectrumCount
    let factors = Factors(points: points, half: transform.half, unit: 2 * Double.pi / length, viscosity: viscosity)
    kept = factors.kept
    let (uWeights, vWeights) = (try Aligned(factors.toU), try Aligned(factors.toV))
    let (mixedWeights, differenceWeights) = (try Aligned(factors.mixed), try Aligned(factors.difference))
    let (a, b, pair) = (try Aligned(count), try Aligned(count), try Aligned(transform.pairCount))
    var drive: Aligned?
    if let forcing {
      for (i, value) in forcing.elements.enumerated() { pair.pointer[2 * i] = value }
      transform.forward(pair, a, b)
      let made = try Aligned(count)
      for i in 0..<count { made.pointer[i] = a.pointer[i] * kept[i] }
      drive = made
    }
    let push = drive
    stepper = try SpectralStepper(linear: factors.linear, step: step, scheme: scheme) { vorticity, result in
      kk_times_imaginary_f64(count, uWeights.pointer, vorticity, a.pointer)
      kk_times_imaginary_f64(count, vWeights.pointer, vorticity, b.pointer)
      transform.inverse(a, b, pair)
      kk_stress_f64(transform.pairCount / 2, pair.pointer)
      transform.forward(pair, a, b)
      kk_weigh2_f64(count, mixedWeights.pointer, a.pointer, differenceWeights.pointer, b.pointer, result)
      if let push { for i in 0..<count { result[i] += push.pointer[i] } }
    }
    (spectrum, work, zero) = (try Aligned(count), try Aligned(count), try Aligned(count))
    field = try Aligned(transform.pairCount)
  }

  private static func check(_ points: Int, _ length: Double, _ viscosity: Double, _ forcing: Tensor<Double>?)
    throws(TensorError)
  {
    guard points >= 8, points.isMultiple(of: 2) else {
      throw .invalidArgument("points", found: "\(points)", expected: "an even number, 8 or more")
    }
    guard length > 0, length.isFinite, viscosity >= 0, viscosity.isFinite else {
      throw .invalidArgument(
        "length, viscosity", found: "\(length), \(viscosity)", expected: "above 0, and 0 or more")
    }
    if let forcing, forcing.shape != [points, points] {
      throw .wrongShape(argument: "forcing", found: forcing.shape, expected: "[\(points), \(points)]")
    }
  }

  /// What waves are multiplied by: one number for each, or one for each of its two parts.
  private struct Factors {
    var linear: [Double], toU: [Double], toV: [Double]
    var mixed: [Double], difference: [Double], kept: [Double]

    init(points: Int, half: Int, unit: Double, viscosity: Double) {
      let none = [Double](repeating: 0, count: points * half)
      (linear, toU, toV) = (none, none, none)
      (mixed, difference, kept) = (none + none, none + none, none + none)
      let scale = 1 / Double(points * points)
      for i in 0..<points {
        for y in 0..<half {
          let at = i * half + y
          let x = i <= points / 2 ? i : i - points
          let (kx, ky) = (unit * Double(x), unit * Double(y))
          let square = kx * kx + ky * ky
          linear[at] = -viscosity * square
          // Waves that the 2/3 rule cuts stay 0.
          if 3 * abs(x) >= points || 3 * y >= points { continue }
          // û = i·ky·ψ̂, v̂ = −i·kx·ψ̂, ψ̂ = ω̂/k².
          if square > 0 { (toU[at], toV[at]) = (ky / square, -kx / square) }
          for part in 2 * at...2 * at + 1 {
            // N̂ = (kx² − ky²)·F(uv) + kx·ky·F(v² − u²).
            mixed[part] = (kx * kx - ky * ky) * scale
            difference[part] = kx * ky * scale
            kept[part] = scale
          }
        }
      }
    }
  }

  /// Follows a vorticity field.
  ///
  /// - Parameters:
  ///   - start: shape `[points, points]`, x along the first axis.
  ///   - records: how many to keep after the start.
  ///   - stepsBetween: steps from one record to the next.
  ///   - stride: every how many points a record keeps, along each axis.
  ///   - kick: what is added to the field after each step, if anything; of the field's shape.
  ///   - progress: told the number of each record before it is made, from 0; what it throws ends the run.
  /// - Returns: shape `[records + 1, points / stride, points / stride]`, the start first.
  /// - Throws: `TensorError.notConverged` when the field becomes infinite: take smaller steps.
  public func trajectory(
    from start: Tensor<Double>, records: Int, stepsBetween: Int, stride: Int = 1,
    kick: (() throws -> Tensor<Double>)? = nil, progress: ((_ record: Int) throws -> Void)? = nil
  ) throws -> Tensor<Double> {
    guard start.shape == [points, points] else {
      throw TensorError.wrongShape(argument: "start", found: start.shape, expected: "[\(points), \(points)]")
    }
    guard records >= 0, stepsBetween >= 1, stride >= 1, points % stride == 0 else {
      throw TensorError.invalidArgument(
        "records, stepsBetween, stride", found: "\(records), \(stepsBetween), \(stride)",
        expected: "0 or more, 1 or more, a divisor of \(points)")
    }
    set(start)
    stepper.restart()
    load()
    let kept = points / stride
    var all: [Double] = []
    all.reserveCapacity((records + 1) * kept * kept)
    func record() {
      for i in Swift.stride(from: 0, to: points, by: stride) {
        for j in Swift.stride(from: 0, to: points, by: stride) { all.append(field.pointer[2 * (i * points + j)]) }
      }
    }
    record()
    for number in 0..<records {
      try progress?(number)
      for _ in 0..<stepsBetween {
        stepper.step(spectrum.pointer)
        if let kick {
          unload()
          try add(kick())
          load()
        }
      }
      unload()
      guard field.pointer[0].isFinite else { throw TensorError.notConverged(operation: "PeriodicVorticity.trajectory") }
      record()
    }
    return try Tensor(all, shape: [records + 1, kept, kept])
  }

  private func add(_ kick: Tensor<Double>) throws {
    guard kick.shape == [points, points] else {
      throw TensorError.wrongShape(argument: "kick", found: kick.shape, expected: "\([points, points])")
    }
    for (i, value) in kick.elements.enumerated() { field.pointer[2 * i] += value }
  }

  private func set(_ x: Tensor<Double>) {
    for (i, value) in x.elements.enumerated() { (field.pointer[2 * i], field.pointer[2 * i + 1]) = (value, 0) }
  }

  private func load() {
    transform.forward(field, work, zero)
    for i in 0..<spectrum.count { spectrum.pointer[i] = work.pointer[i] * kept[i] }
  }

  private func unload() {
    work.pointer.update(from: spectrum.pointer, count: spectrum.count)
    zero.pointer.update(repeating: 0, count: zero.count)
    transform.inverse(work, zero, field)
  }
}
