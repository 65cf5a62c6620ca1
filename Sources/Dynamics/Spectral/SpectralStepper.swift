import CKernels
import Foundation
import Tensors

/// How the stiff linear part of dv/dt = L·v + N(v) is stepped.
public enum SpectralScheme: String, Sendable, Codable, CaseIterable {
  /// Exponential time differencing with fourth-order Runge–Kutta (Cox and Matthews 2002), coefficients by contour integrals
  /// (Kassam and Trefethen 2005).
  case exponentialRungeKutta4
  /// Integrating factor with classic fourth-order Runge–Kutta.
  case integratingFactorRungeKutta4
  /// Crank–Nicolson for L, Adams–Bashforth of second order for N; its first step is Euler's.
  case crankNicolsonAdamsBashforth
  /// Crank–Nicolson for L, explicit Euler for N.
  case crankNicolsonEuler
}

/// Steps of one equation in spectral space. Spectra hold real and imaginary parts in turn.
final class SpectralStepper {
  /// Writes N of a spectrum into another; the first may be overwritten.
  typealias Nonlinearity = (_ v: UnsafeMutablePointer<Double>, _ result: UnsafeMutablePointer<Double>) -> Void

  let scheme: SpectralScheme
  private let count: Int
  private let nonlinearity: Nonlinearity
  /// Weights of the scheme, one number for each of the spectrum.
  private let weights: [Aligned]
  private let stages: [Aligned]
  private let work: Aligned
  private var hasPrevious = false

  /// - Parameter linear: L for each complex number.
  init(linear: [Double], step h: Double, scheme: SpectralScheme, nonlinearity: @escaping Nonlinearity)
    throws(TensorError)
  {
    guard h > 0, h.isFinite else { throw .invalidArgument("step", found: "\(h)", expected: "above 0, finite") }
    self.scheme = scheme
    self.nonlinearity = nonlinearity
    count = 2 * linear.count
    func twice(_ f: (Double) -> Double) throws(TensorError) -> Aligned {
      let numbers = linear.map(f)
      return try Aligned(numbers.flatMap { [$0, $0] })
    }
    switch scheme {
    case .exponentialRungeKutta4:
      let half = SpectralStepper.contour(linear, h) { (exp($0 / 2) - 1) / $0 }
      let first = SpectralStepper.contour(linear, h) { (-4 - $0 + exp($0) * (4 - 3 * $0 + $0 * $0)) / ($0 * $0 * $0) }
      let middle = SpectralStepper.contour(linear, h) { (2 + $0 + exp($0) * (-2 + $0)) / ($0 * $0 * $0) }
      let last = SpectralStepper.contour(linear, h) { (-4 - 3 * $0 - $0 * $0 + exp($0) * (4 - $0)) / ($0 * $0 * $0) }
      func twiceEach(_ x: [Double]) throws(TensorError) -> Aligned { try Aligned(x.flatMap { [$0, $0] }) }
      weights = [
        try twice { Foundation.exp(h * $0) }, try twice { Foundation.exp(h / 2 * $0) }, try twiceEach(half),
        try twiceEach(first), try twiceEach(middle.map { 2 * $0 }), try twiceEach(last),
      ]
    case .integratingFactorRungeKutta4:
      // The same steps with other weights: half steps E₂(v + h/2·N), and E₂ before what is added later.
      weights = [
        try twice { Foundation.exp(h * $0) }, try twice { Foundation.exp(h / 2 * $0) },
        try twice { h / 2 * Foundation.exp(h / 2 * $0) }, try twice { h / 6 * Foundation.exp(h * $0) },
        try twice { h / 3 * Foundation.exp(h / 2 * $0) }, try twice { _ in h / 6 }, try twice { _ in h / 2 },
        try twice { h * Foundation.exp(h / 2 * $0) },
      ]
    case .crankNicolsonAdamsBashforth, .crankNicolsonEuler:
      weights = [
        try twice { (1 + h / 2 * $0) / (1 - h / 2 * $0) }, try twice { h / (1 - h / 2 * $0) },
        try twice { 1.5 * h / (1 - h / 2 * $0) }, try twice { -0.5 * h / (1 - h / 2 * $0) },
      ]
    }
    var stages: [Aligned] = []
    for _ in 0..<6 { stages.append(try Aligned(2 * linear.count)) }
    self.stages = stages
    work = try Aligned(2 * linear.count)
  }

  /// The mean over a circle around h·L, which avoids the cancellation near 0; times h.
  private static func contour(_ linear: [Double], _ h: Double, _ f: (Complex) -> Complex) -> [Double] {
    let points = 32
    return linear.map { l in
      let sum = (0..<points).reduce(0.0) { sum, j in
        let angle = Double.pi * (Double(j) + 0.5) / Double(points)
        return sum + f(Complex(h * l + cos(angle), sin(angle))).re
      }
      return h * sum / Double(points)
    }
  }

  /// N of v, which is kept.
  private func evaluate(_ v: UnsafeMutablePointer<Double>, _ result: Aligned) {
    work.pointer.update(from: v, count: count)
    nonlinearity(work.pointer, result.pointer)
  }

  /// One step of v in place.
  func step(_ v: UnsafeMutablePointer<Double>) {
    let w = weights.map(\.pointer)
    let s = stages.map(\.pointer)
    switch scheme {
    case .exponentialRungeKutta4:
      evaluate(v, stages[0])
      kk_weigh2_f64(count, w[1], v, w[2], s[0], s[4])
      evaluate(s[4], stages[1])
      kk_weigh2_f64(count, w[1], v, w[2], s[1], s[5])
      evaluate(s[5], stages[2])
      kk_weigh3_f64(count, w[1], s[4], w[2], s[2], s[0], s[5])
      evaluate(s[5], stages[3])
      kk_weigh5_f64(count, w[0], w[3], s[0], w[4], s[1], s[2], w[5], s[3], v)
    case .integratingFactorRungeKutta4:
      evaluate(v, stages[0])
      kk_weigh2_f64(count, w[1], v, w[2], s[0], s[4])
      evaluate(s[4], stages[1])
      kk_weigh2_f64(count, w[1], v, w[6], s[1], s[5])
      evaluate(s[5], stages[2])
      kk_weigh2_f64(count, w[0], v, w[7], s[2], s[5])
      evaluate(s[5], stages[3])
      kk_weigh5_f64(count, w[0], w[3], s[0], w[4], s[1], s[2], w[5], s[3], v)
    case .crankNicolsonEuler:
      evaluate(v, stages[0])
      kk_weigh2_f64(count, w[0], v, w[1], s[0], v)
    case .crankNicolsonAdamsBashforth:
      evaluate(v, stages[0])
      if hasPrevious {
        kk_weigh2_f64(count, w[2], s[0], w[3], s[1], s[4])
        kk_scale_plus_f64(count, w[0], s[4], v)
      } else {
        kk_weigh2_f64(count, w[0], v, w[1], s[0], v)
      }
      s[1].update(from: s[0], count: count)
      hasPrevious = true
    }
  }

  /// Forgets the previous step, for a new start.
  func restart() { hasPrevious = false }
}

/// What the contour integrals need of complex numbers.
struct Complex {
  var re: Double, im: Double
  init(_ re: Double, _ im: Double = 0) { (self.re, self.im) = (re, im) }
  static func + (a: Complex, b: Complex) -> Complex { Complex(a.re + b.re, a.im + b.im) }
  static func - (a: Complex, b: Complex) -> Complex { Complex(a.re - b.re, a.im - b.im) }
  static func * (a: Complex, b: Complex) -> Complex { Complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re) }
  static func / (a: Complex, b: Complex) -> Complex {
    let d = b.re * b.re + b.im * b.im
    return Complex((a.re * b.re + a.im * b.im) / d, (a.im * b.re - a.re * b.im) / d)
  }
}

extension Complex: ExpressibleByIntegerLiteral {
  init(integerLiteral value: Int) { self.init(Double(value)) }
}

private func exp(_ z: Complex) -> Complex {
  let size = Foundation.exp(z.re)
  return Complex(size * cos(z.im), size * sin(z.im))
}
