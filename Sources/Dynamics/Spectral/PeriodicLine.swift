import CKernels
import Foundation
import Tensors

/// A scalar field on a periodic line that obeys ∂u/∂t = −u·∂u/∂x + L·u, by a pseudo-spectral method in double precision.
///
///     var line = try PeriodicLine.kuramotoSivashinsky(points: 128, length: 22, step: 0.025)
///     let records = try line.trajectory(from: start, records: 1000, stepsBetween: 40)
public final class PeriodicLine {
  public let points: Int
  public let length: Double
  public let step: Double
  private let transform: SpectralTransform
  private let stepper: SpectralStepper
  private let spectrum: Aligned, field: Aligned

  /// - Parameters:
  ///   - linear: L for a wavenumber 2π·k/length.
  ///   - dealiased: whether the upper third of the wavenumbers is cut from products (2/3 rule).
  init(
    points: Int, length: Double, step: Double, scheme: SpectralScheme, dealiased: Bool, linear: (Double) -> Double
  ) throws(TensorError) {
    guard points >= 8, points.isMultiple(of: 2) else {
      throw .invalidArgument("points", found: "\(points)", expected: "an even number, 8 or more")
    }
    guard length > 0, length.isFinite else {
      throw .invalidArgument("length", found: "\(length)", expected: "above 0, finite")
    }
    (self.points, self.length, self.step) = (points, length, step)
    let transform = try SpectralTransform(points: points)
    self.transform = transform
    let waves = (0...points / 2).map { 2 * Double.pi * Double($0) / length }
    // −½·∂(u²)/∂x: −½·i·k, the scale of both transforms, and the cut. The highest wave has no derivative.
    let scale = 1 / Double(points * points)
    let weights = waves.indices.map { k in
      let isCut = k == points / 2 || (dealiased && 3 * k >= points)
      return isCut ? 0 : -0.5 * waves[k] * scale * Double(points)
    }
    let factors = try Aligned(weights)
    let field = try Aligned(points)
    let product = try Aligned(transform.spectrumCount)
    stepper = try SpectralStepper(linear: waves.map(linear), step: step, scheme: scheme) { v, result in
      transform.inverse(v, field.pointer)
      kk_square_f64(transform.fieldCount, field.pointer, field.pointer)
      transform.forward(field.pointer, product.pointer)
      kk_times_imaginary_f64(transform.spectrumCount, factors.pointer, product.pointer, result)
    }
    spectrum = try Aligned(transform.spectrumCount)
    self.field = try Aligned(points)
  }

  /// u_t = −u·u_x − u_xx − u_xxxx (Kuramoto 1976, Sivashinsky 1977).
  public static func kuramotoSivashinsky(
    points: Int, length: Double, step: Double, scheme: SpectralScheme = .crankNicolsonAdamsBashforth,
    dealiased: Bool = false
  ) throws(TensorError) -> PeriodicLine {
    try PeriodicLine(points: points, length: length, step: step, scheme: scheme, dealiased: dealiased) {
      $0 * $0 - $0 * $0 * $0 * $0
    }
  }

  /// u_t = −u·u_x + ν·u_xx (Burgers 1948).
  public static func burgers(
    points: Int, length: Double = 1, viscosity: Double, step: Double,
    scheme: SpectralScheme = .integratingFactorRungeKutta4, dealiased: Bool = true
  ) throws(TensorError) -> PeriodicLine {
    guard viscosity >= 0, viscosity.isFinite else {
      throw .invalidArgument("viscosity", found: "\(viscosity)", expected: "0 or more")
    }
    return try PeriodicLine(points: points, length: length, step: step, scheme: scheme, dealiased: dealiased) {
      -viscosity * $0 * $0
    }
  }

  /// Follows a field.
  ///
  /// - Parameters:
  ///   - start: shape `[points]`.
  ///   - records: how many to keep after the start.
  ///   - stepsBetween: steps from one record to the next.
  ///   - kick: what is added to the field after each step, if anything; of the field's shape.
  ///   - progress: told the number of each record before it is made, from 0; what it throws ends the run.
  /// - Returns: shape `[records + 1, points]`, the start first.
  /// - Throws: `TensorError.notConverged` when the field becomes infinite: take smaller steps.
  public func trajectory(
    from start: Tensor<Double>, records: Int, stepsBetween: Int,
    kick: (() throws -> Tensor<Double>)? = nil, progress: ((_ record: Int) throws -> Void)? = nil
  ) throws -> Tensor<Double> {
    guard start.shape == [points] else {
      throw TensorError.wrongShape(argument: "start", found: start.shape, expected: "[\(points)]")
    }
    guard records >= 0, stepsBetween >= 1 else {
      throw TensorError.invalidArgument(
        "records, stepsBetween", found: "\(records), \(stepsBetween)", expected: "0 or more, 1 or more")
    }
    var all = start.elements
    all.reserveCapacity((records + 1) * points)
    for (i, value) in all.enumerated() { field.pointer[i] = value }
    stepper.restart()
    load()
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
      guard field.pointer[0].isFinite else { throw TensorError.notConverged(operation: "PeriodicLine.trajectory") }
      all.append(contentsOf: UnsafeBufferPointer(start: field.pointer, count: points))
    }
    return try Tensor(all, shape: [records + 1, points])
  }

  private func add(_ kick: Tensor<Double>) throws {
    guard kick.shape == [points] else {
      throw TensorError.wrongShape(argument: "kick", found: kick.shape, expected: "\([points])")
    }
    for (i, value) in kick.elements.enumerated() { field.pointer[i] += value }
  }

  /// Field to spectrum, scaled so that the inverse is unscaled.
  private func load() {
    transform.forward(field.pointer, spectrum.pointer)
    let scale = 1 / Double(points)
    for i in 0..<spectrum.count { spectrum.pointer[i] *= scale }
  }

  private func unload() {
    transform.inverse(spectrum.pointer, field.pointer)
  }
}
