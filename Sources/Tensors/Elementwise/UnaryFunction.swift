import CKernels

/// Functions of one number that the kernels know; the raw value is the kernel's number.
package enum UnaryFunction: Int32 {
  case negate, abs, square, sqrt, reciprocalSqrt, reciprocal, exp, log, log1p, expm1
  case sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, erf
  case sigmoid, relu, softplus, silu, gelu, geluTanh, mish, hardSigmoid, hardSwish, softsign
  case round, floor, ceil, sign, leakyRelu, elu, selu, power, step

  /// Whether the gradient needs the argument (else it is made from the result alone).
  var gradientReadsArgument: Bool {
    switch self {
    case .sqrt, .reciprocalSqrt, .reciprocal, .exp, .expm1, .tan, .tanh, .sigmoid, .relu, .negate: false
    default: true
    }
  }
}

/// Below this many elements one thread is faster than two: 30 µs of waking against the work.
package let elementwiseGrain = 32768

extension Tensor where Element: TensorScalar {
  package func map(_ function: UnaryFunction, parameter: Double = 0) throws(TensorError) -> Tensor {
    let y = try Tensor.uninitialized(shape, body.layout)
    applyUnary(function, parameter, body, y.body)
    guard let tape = body.tape else { return y }
    // Only what the gradient reads is kept.
    let x = function.gradientReadsArgument ? body : y.body
    let index = body.index
    // The result keeps its tape and the tape, through this, the result: `Tape.close` undoes that.
    let result = y.body
    tape.record(result) { gradient, gradients in
      let g = try gradient.in(result.layout)
      let d = try Body(g.type, g.shape, g.layout)
      applyUnaryGradient(function, parameter, g, x, result, d)
      gradients.add(d, to: index)
    }
    return y
  }
}

private func applyUnary(_ function: UnaryFunction, _ parameter: Double, _ x: Body, _ y: Body) {
  parallelFor(x.count, grain: elementwiseGrain) { part in
    let at = part.lowerBound
    if x.type == .float32 {
      kk_unary_f32(function.rawValue, part.count, Float(parameter), x.f32 + at, y.f32 + at)
    } else {
      kk_unary_f64(function.rawValue, part.count, parameter, x.f64 + at, y.f64 + at)
    }
  }
}

private func applyUnaryGradient(
  _ function: UnaryFunction, _ parameter: Double, _ g: Body, _ x: Body, _ y: Body, _ d: Body
) {
  parallelFor(g.count, grain: elementwiseGrain) { part in
    let at = part.lowerBound
    if g.type == .float32 {
      kk_unary_gradient_f32(
        function.rawValue, part.count, Float(parameter), g.f32 + at, x.f32 + at, y.f32 + at, d.f32 + at)
    } else {
      kk_unary_gradient_f64(function.rawValue, part.count, parameter, g.f64 + at, x.f64 + at, y.f64 + at, d.f64 + at)
    }
  }
}
