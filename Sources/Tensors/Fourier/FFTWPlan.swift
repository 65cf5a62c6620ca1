import CFFTW

/// A Fourier transform that FFTW has planned. Nothing outside this file knows FFTW, which is under the GPL: a build without it
/// takes `KissFFTPlan.swift` in its place.
///
/// Plans are estimated and not measured: which algorithm is fastest today must not decide over the last bits of a result.
package final class FourierPlan: @unchecked Sendable {
  private let kind: FourierProblem.Kind
  private let isDouble: Bool
  private let plan: OpaquePointer

  /// FFTW's planner is not reentrant; running a plan is.
  private static let planner = Locked<Void>(())

  /// For arrays like these, which are left alone: of this alignment where the problem says so, and the same array or two. Nil
  /// where FFTW has no plan or no memory.
  package init?(_ problem: FourierProblem, input: UnsafeMutableRawPointer, output: UnsafeMutableRawPointer) {
    let made = FourierPlan.planner.withLock { _ in
      problem.isDouble ? problem.doublePlan(input, output) : problem.singlePlan(input, output)
    }
    guard let made else { return nil }
    (kind, isDouble, plan) = (problem.kind, problem.isDouble, made)
  }

  deinit {
    FourierPlan.planner.withLock { _ in isDouble ? fftw_destroy_plan(plan) : fftwf_destroy_plan(plan) }
  }

  package func run(_ input: UnsafeMutableRawPointer, _ output: UnsafeMutableRawPointer) {
    switch (kind, isDouble) {
    case (.forward, true), (.backward, true): fftw_execute_dft(plan, complex(input), complex(output))
    case (.forward, false), (.backward, false): fftwf_execute_dft(plan, complexSingle(input), complexSingle(output))
    case (.realToComplex, true): fftw_execute_dft_r2c(plan, real(input), complex(output))
    case (.realToComplex, false): fftwf_execute_dft_r2c(plan, realSingle(input), complexSingle(output))
    case (.complexToReal, true): fftw_execute_dft_c2r(plan, complex(input), real(output))
    case (.complexToReal, false): fftwf_execute_dft_c2r(plan, complexSingle(input), realSingle(output))
    }
  }
}

extension FourierProblem {
  // Macros that Swift does not see.
  private var flags: UInt32 {
    let (destroyInput, unaligned, preserveInput, estimate) = (
      UInt32(1 << 0), UInt32(1 << 1), UInt32(1 << 4), UInt32(1 << 6)
    )
    return estimate | (isAligned ? 0 : unaligned) | (keepsInput ? preserveInput : destroyInput)
  }

  private var sizes: (rank: Int32, extents: [Int32], batch: Int32, stride: Int32, signal: Int32, spectrum: Int32) {
    (
      Int32(extents.count), extents.map(Int32.init), Int32(batch), Int32(stride), Int32(distance ?? signalCount),
      Int32(distance ?? spectrumCount)
    )
  }

  fileprivate func doublePlan(_ x: UnsafeMutableRawPointer, _ y: UnsafeMutableRawPointer) -> OpaquePointer? {
    let (rank, n, batch, step, all, half) = sizes
    return switch kind {
    case .forward, .backward:
      fftw_plan_many_dft(
        rank, n, batch, complex(x), nil, step, all, complex(y), nil, step, all,
        kind == .forward ? FFTW_FORWARD : FFTW_BACKWARD, flags)
    case .realToComplex:
      fftw_plan_many_dft_r2c(rank, n, batch, real(x), nil, step, all, complex(y), nil, step, half, flags)
    case .complexToReal:
      fftw_plan_many_dft_c2r(rank, n, batch, complex(x), nil, step, half, real(y), nil, step, all, flags)
    }
  }

  fileprivate func singlePlan(_ x: UnsafeMutableRawPointer, _ y: UnsafeMutableRawPointer) -> OpaquePointer? {
    let (rank, n, batch, step, all, half) = sizes
    return switch kind {
    case .forward, .backward:
      fftwf_plan_many_dft(
        rank, n, batch, complexSingle(x), nil, step, all, complexSingle(y), nil, step, all,
        kind == .forward ? FFTW_FORWARD : FFTW_BACKWARD, flags)
    case .realToComplex:
      fftwf_plan_many_dft_r2c(rank, n, batch, realSingle(x), nil, step, all, complexSingle(y), nil, step, half, flags)
    case .complexToReal:
      fftwf_plan_many_dft_c2r(rank, n, batch, complexSingle(x), nil, step, half, realSingle(y), nil, step, all, flags)
    }
  }
}

private func real(_ x: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Double> {
  x.assumingMemoryBound(to: Double.self)
}
private func realSingle(_ x: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Float> {
  x.assumingMemoryBound(to: Float.self)
}
private func complex(_ x: UnsafeMutableRawPointer) -> UnsafeMutablePointer<fftw_complex> {
  x.assumingMemoryBound(to: fftw_complex.self)
}
private func complexSingle(_ x: UnsafeMutableRawPointer) -> UnsafeMutablePointer<fftwf_complex> {
  x.assumingMemoryBound(to: fftwf_complex.self)
}
