import Tensors

extension LoopSignals {
  /// Length of the run, 0 or more.
  package var span: Double { abs(end - start) }

  /// The time after so many of `steps` equal steps.
  package func time(after passed: Double, of steps: Int) -> Double {
    start + (end < start ? -1 : 1) * (span / Double(steps)) * passed
  }

  /// The nearest of `steps` equal steps to each time, 0 for the start.
  ///
  /// - Throws: `TensorError.invalidArgument` for times outside the run or not in its order.
  package func nearestSteps(to times: [Double], of steps: Int) throws(TensorError) -> [Int] {
    guard start.isFinite, end.isFinite else {
      throw .invalidArgument("signals", found: "a run from \(start) to \(end)", expected: "finite times")
    }
    guard !times.isEmpty else { throw .invalidArgument("readAt", found: "no time", expected: "one or more") }
    var last = 0.0
    var found: [Int] = []
    for time in times {
      let passed = end < start ? start - time : time - start
      // What the rounding of a sum of time steps may add.
      guard passed >= -1e-9 * span, passed <= span * (1 + 1e-9) else {
        throw .invalidArgument("readAt", found: "\(time)", expected: "a time within the run from \(start) to \(end)")
      }
      guard passed >= last else {
        throw .invalidArgument(
          "readAt", found: "\(times)", expected: "times in the order of the run, \(start) to \(end)")
      }
      last = max(0, passed)
      found.append(span > 0 ? min(steps, Int((passed / span * Double(steps)).rounded())) : steps)
    }
    return found
  }

  /// The signals of each kind at a time; nothing for kinds that no layer takes.
  ///
  /// - Throws: `TensorError.wrongShape` where there are more or fewer numbers than outputs of the layers that take them.
  package func injected(into loop: FeedbackLoop, at time: Double) throws(TensorError) -> [[Float]] {
    guard injected.count == loop.injections else {
      throw .invalidArgument(
        "signals.injected", found: "\(injected.count) kinds of signals",
        expected: "\(loop.injections), as the loop has it")
    }
    let found = injected.map { $0(time) }
    for layer in loop.layers {
      guard let kind = layer.injected, found[kind].count != layer.bias.count else { continue }
      throw .wrongShape(argument: "signals.injected", found: [found[kind].count], expected: "[\(layer.bias.count)]")
    }
    return found
  }

  /// u at a time.
  ///
  /// - Returns: `[drives]`, or `[samples, drives]` where every sample has its own.
  /// - Throws: `TensorError.wrongShape`.
  package func driven(_ drives: Int, samples: Int, at time: Double) throws(TensorError) -> [Float] {
    let u = drive?(time) ?? []
    guard u.count == drives || u.count == samples * drives else {
      throw .wrongShape(argument: "signals.drive", found: [u.count], expected: "[\(drives)] or [\(samples), \(drives)]")
    }
    return u
  }
}

extension FeedbackLoop {
  /// - Throws: `TensorError.wrongShape` for anything but states of samples.
  package func checkStates(_ x: Tensor<Float>) throws(TensorError) {
    guard x.rank == 2, x.shape[1] == states else {
      throw .wrongShape(argument: "x", found: x.shape, expected: "[samples, \(states)]")
    }
  }

  /// Products of one evaluation: weights of all layers.
  package var products: Int { layers.reduce(0) { $0 + $1.weights.count } }
}
