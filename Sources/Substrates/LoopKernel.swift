import CKernels
import Tensors

/// A loop's weights, and what its layers are given at each evaluation, in the order of the compiled loops.
package struct LoopKernel: @unchecked Sendable {
  /// Of each layer, `[outputs, inputs]`.
  private let weights: [Tensor<Float>]
  private let biases: [[Float]]
  private let activations: [FeedbackLoop.Activation]
  private let injected: [Int?]
  private let states: Int, drives: Int

  /// - Parameters:
  ///   - loop: what is computed.
  ///   - weights: what is stored of its weights and biases, where that differs: `[inputs, outputs]` and `[outputs]`.
  package init(_ loop: FeedbackLoop, stored: [(weights: Tensor<Float>, bias: Tensor<Float>)]? = nil) throws(TensorError)
  {
    let own = stored ?? loop.layers.map { ($0.weights, $0.bias) }
    weights = try own.map { layer throws(TensorError) in try layer.weights.transposed().copied() }
    biases = own.map(\.bias.elements)
    activations = loop.layers.map(\.activation)
    injected = loop.layers.map(\.injected)
    (states, drives) = (loop.states, loop.drives)
  }

  /// Signals of consecutive evaluations.
  package struct Signals: @unchecked Sendable {
    fileprivate var biases: [[Float]]
    fileprivate var drives: [Float] = []
    fileprivate var isDrivenSingly = false
    fileprivate let samples: Int
  }

  /// Room for the signals of a run with so many samples.
  package func signals(samples: Int) -> Signals {
    Signals(biases: zip(biases, injected).map { $1 == nil ? $0 : [] }, samples: samples)
  }

  /// Adds the signals of one more evaluation.
  ///
  /// - Parameters:
  ///   - injected: of each kind, see `LoopSignals.injected(into:at:)`.
  ///   - drive: see `LoopSignals.driven`.
  /// - Throws: `TensorError.wrongShape` where samples have drives of their own at some times alone.
  package func append(injected e: [[Float]], drive: [Float], to signals: inout Signals) throws(TensorError) {
    for (l, kind) in injected.enumerated() {
      if let kind { signals.biases[l] += zip(biases[l], e[kind]).map { $0 + $1 } }
    }
    guard drives > 0 else { return }
    let isSingle = drive.count != drives
    guard signals.drives.isEmpty || signals.isDrivenSingly == isSingle else {
      throw .wrongShape(
        argument: "signals.drive", found: [drive.count], expected: "as many numbers as at the times before")
    }
    signals.isDrivenSingly = isSingle
    if !isSingle {
      signals.drives += drive
    } else {
      // Samples in the lanes.
      for d in 0..<drives { for s in 0..<signals.samples { signals.drives.append(drive[s * drives + d]) } }
    }
  }

  /// The kernels' view for samples from the `first` on, valid while the closure runs.
  package func with<R>(_ signals: Signals, from first: Int = 0, _ body: (kk_feedback) -> R) -> R {
    func open(_ l: Int, _ layers: [kk_feedback_layer]) -> R {
      if l < weights.count {
        return signals.biases[l].withUnsafeBufferPointer { bias in
          let (outputs, inputs) = (weights[l].shape[0], weights[l].shape[1])
          let (code, ceiling) = activations[l].code
          let layer = kk_feedback_layer(
            inputs: inputs, outputs: outputs, weight: weights[l].body.f32, bias: bias.baseAddress,
            biasStep: injected[l] == nil ? 0 : outputs, activation: code, ceiling: ceiling)
          return open(l + 1, layers + [layer])
        }
      }
      return layers.withUnsafeBufferPointer { layers in
        signals.drives.withUnsafeBufferPointer { drive in
          body(
            kk_feedback(
              states: states, drives: drives, layers: layers.count, layer: layers.baseAddress,
              drive: drive.baseAddress.map { $0 + (signals.isDrivenSingly ? first : 0) },
              driveStride: signals.isDrivenSingly ? signals.samples : 0))
        }
      }
    }
    return withExtendedLifetime(self) { open(0, []) }
  }

  /// Cuts samples into parts that threads share.
  ///
  /// - Parameters:
  ///   - memory: floats that the kernel needs.
  ///   - body: gets the part's number, its first sample, their number, and the memory.
  package static func forEachPart(
    _ samples: Int, memory: Int, _ body: (Int, Int, Int, UnsafeMutablePointer<Float>?) -> Void
  ) {
    nonisolated(unsafe) let body = body
    parallelFor(parts(samples)) { range in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: memory) { room in
        for p in range {
          let first = p * part
          body(p, first, min(part, samples - first), room.baseAddress)
        }
      }
    }
  }

  /// Samples of one part: whole vectors, small enough for many parts.
  private static let part = 256
  package static func parts(_ samples: Int) -> Int { (samples + part - 1) / part }
  /// Samples in a vector.
  package static let lanes = 16
}

extension FeedbackLoop.Activation {
  /// The kernels' number for it, and the largest output.
  package var code: (number: Int32, ceiling: Float) {
    switch self {
    case .identity: (Int32(KK_NEURON_LINEAR), 3e38)
    case .tanh: (Int32(KK_NEURON_TANH), 1)
    case .sigmoid: (Int32(KK_NEURON_SIGMOID), 1)
    case .rectifier(let ceiling): (Int32(KK_NEURON_RECTIFIER), min(ceiling, 3e38))
    }
  }
}
