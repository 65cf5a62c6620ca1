import Networks
import Tensors

typealias Operation<S: TensorScalar> = ([Tensor<S>], [Tensor<Int32>]) throws -> Tensor<S>

private func complex<S: TensorScalar>(_ x: Tensor<S>) throws -> ComplexTensor<S> { try ComplexTensor(pairs: x) }

/// Our side of every case of the reference file, in any number type.
func operations<S: TensorScalar>(_ type: S.Type) -> [String: Operation<S>] {
  var t: [String: Operation<S>] = [:]
  unaryOperations(&t)
  binaryAndReductions(&t)
  shapesAndIndices(&t)
  products(&t)
  linearAlgebra(&t)
  fourier(&t)
  images(&t)
  lossesAndAttention(&t)
  return t
}

private func unaryOperations<S: TensorScalar>(_ t: inout [String: Operation<S>]) {
  t["negated"] = { x, _ in try x[0].negated() }
  t["magnitude"] = { x, _ in try x[0].magnitude() }
  t["squared"] = { x, _ in try x[0].squared() }
  t["squareRoot"] = { x, _ in try x[0].squareRoot() }
  t["reciprocalSquareRoot"] = { x, _ in try x[0].reciprocalSquareRoot() }
  t["reciprocal"] = { x, _ in try x[0].reciprocal() }
  t["exp"] = { x, _ in try exp(x[0]) }
  t["log"] = { x, _ in try log(x[0]) }
  t["log1p"] = { x, _ in try log1p(x[0]) }
  t["expm1"] = { x, _ in try expm1(x[0]) }
  t["sin"] = { x, _ in try sin(x[0]) }
  t["cos"] = { x, _ in try cos(x[0]) }
  t["tan"] = { x, _ in try tan(x[0]) }
  t["asin"] = { x, _ in try asin(x[0]) }
  t["acos"] = { x, _ in try acos(x[0]) }
  t["atan"] = { x, _ in try atan(x[0]) }
  t["sinh"] = { x, _ in try sinh(x[0]) }
  t["cosh"] = { x, _ in try cosh(x[0]) }
  t["tanh"] = { x, _ in try tanh(x[0]) }
  t["erf"] = { x, _ in try erf(x[0]) }
  t["sigmoid"] = { x, _ in try sigmoid(x[0]) }
  t["relu"] = { x, _ in try relu(x[0]) }
  t["softplus"] = { x, _ in try softplus(x[0]) }
  t["silu"] = { x, _ in try silu(x[0]) }
  t["gelu"] = { x, _ in try gelu(x[0]) }
  t["geluTanh"] = { x, _ in try geluTanh(x[0]) }
  t["mish"] = { x, _ in try mish(x[0]) }
  t["hardSigmoid"] = { x, _ in try hardSigmoid(x[0]) }
  t["hardSwish"] = { x, _ in try hardSwish(x[0]) }
  t["softsign"] = { x, _ in try softsign(x[0]) }
  t["selu"] = { x, _ in try selu(x[0]) }
  t["leakyRelu"] = { x, _ in try leakyRelu(x[0], slope: 0.2) }
  t["elu"] = { x, _ in try elu(x[0], scale: 0.7) }
  t["logSigmoid"] = { x, _ in try logSigmoid(x[0]) }
  t["hardTanh"] = { x, _ in try hardTanh(x[0]) }
  t["relu6"] = { x, _ in try relu6(x[0]) }
  t["celu"] = { x, _ in try celu(x[0], scale: 0.7) }
  t["prelu"] = { x, _ in try prelu(x[0], slope: x[1]) }
  t["gatedLinearUnit"] = { x, _ in try gatedLinearUnit(x[0]) }
  t["power"] = { x, _ in try x[0].power(2.5) }
  t["clamped"] = { x, _ in try x[0].clamped(to: -0.5...0.7) }
  t["rounded"] = { x, _ in try (x[0] * 3).rounded() }
  t["floored"] = { x, _ in try (x[0] * 3).floored() }
  t["ceiled"] = { x, _ in try (x[0] * 3).ceiled() }
  t["signs"] = { x, _ in try x[0].signs() }
}

private func binaryAndReductions<S: TensorScalar>(_ t: inout [String: Operation<S>]) {
  t["add"] = { x, _ in try x[0] + x[1] }
  t["subtract"] = { x, _ in try x[0] - x[1] }
  t["multiply"] = { x, _ in try x[0] * x[1] }
  t["divide"] = { x, _ in try x[0] / x[1] }
  t["maximum"] = { x, _ in try Tensor.maximum(x[0], x[1]) }
  t["minimum"] = { x, _ in try Tensor.minimum(x[0], x[1]) }
  t["atan2"] = { x, _ in try Tensor.atan2(x[0], x[1]) }
  t["powerOf"] = { x, _ in try Tensor.power(x[0], x[1]) }
  t["scalars"] = { x, _ in try 2 - (3 * x[0] + 1) / 4 + 1 / (x[0] * x[0] + 1) }
  t["select"] = { x, _ in try Tensor.select(x[0] .> 0.3, x[0], x[1]) }
  t["filled"] = { x, _ in try x[0].filled(with: -2, where: x[0] .> 0.5) }
  t["less"] = { x, _ in try x[0] .< x[1] }
  t["sumAll"] = { x, _ in try x[0].sum() }
  t["sumAxes"] = { x, _ in try x[0].sum(axes: [0, 2]) }
  t["meanKeep"] = { x, _ in try x[0].mean(axes: [1], keepingAxes: true) }
  t["variance"] = { x, _ in try x[0].variance(axes: [2], correction: 1) }
  t["product"] = { x, _ in try x[0].product(axes: [1]) }
  t["max"] = { x, _ in try x[0].max(axes: [2]) }
  t["min"] = { x, _ in try x[0].min(axes: [0, 1]) }
  t["norm"] = { x, _ in try x[0].norm() }
  t["logSumExp"] = { x, _ in try x[0].logSumExp(axis: 1) }
  t["indexOfMax"] = { x, _ in try x[0].indexOfMax(axis: 2).converted() }
  t["softmax"] = { x, _ in try x[0].softmax() }
  t["softmaxInner"] = { x, _ in try x[0].softmax(axis: 1) }
  t["logSoftmax"] = { x, _ in try x[0].logSoftmax(axis: 1) }
  t["cumulativeSum"] = { x, _ in try x[0].cumulativeSum(axis: 1) }
  t["cumulativeSumReversed"] = { x, _ in try x[0].cumulativeSum(axis: 2, reversed: true) }
  t["longSum"] = { x, _ in try x[0].sum(axes: [1]) }
}

private func shapesAndIndices<S: TensorScalar>(_ t: inout [String: Operation<S>]) {
  t["reshaped"] = { x, _ in try x[0].reshaped([4, nil]).squared() }
  t["permuted"] = { x, _ in try x[0].permuted([2, 0, 1]).squared() }
  t["permutedBig"] = { x, _ in try x[0].permuted([3, 1, 0, 2]).squared() }
  t["transposed"] = { x, _ in try x[0].transposed(0, 2).squared() }
  t["slice"] = { x, _ in try x[0].slice(1..<3, axis: 1).squared() }
  t["at"] = { x, _ in try x[0].at(2, axis: 2).squared() }
  t["concatenate"] = { x, _ in try Tensor.concatenate(x, axis: 1).squared() }
  t["stack"] = { x, _ in try Tensor.stack(x, axis: 1).squared() }
  t["padded"] = { x, _ in try x[0].padded(axis: 2, before: 1, after: 2, mode: .zeros).squared() }
  t["paddedReflect"] = { x, _ in try x[0].padded(axis: 2, before: 2, after: 1, mode: .reflect).squared() }
  t["paddedEdge"] = { x, _ in try x[0].padded(axis: 2, before: 2, after: 1, mode: .edge).squared() }
  t["paddedCircular"] = { x, _ in try x[0].padded(axis: 2, before: 2, after: 1, mode: .circular).squared() }
  t["broadcast"] = { x, _ in try x[0].broadcast(to: [2, 3, 4]).squared() }
  t["reversed"] = { x, _ in try x[0].reversed(axes: [1]).squared() }
  t["selecting"] = { x, i in try x[0].selecting(i[0], axis: 1).squared() }
  t["gathered"] = { x, i in try x[0].gathered(i[0], axis: 2).squared() }
  t["scatterAdded"] = { x, i in try x[0].scatterAdded(i[0], axis: 2, extent: 6).squared() }
  t["addedRows"] = { x, i in try x[0].addedRows(i[0], axis: 1, extent: 5).squared() }
  t["sorted"] = { x, _ in try x[0].sorted(axis: 2, descending: true).values * Tensor.range(4) }
  t["topK"] = { x, _ in try x[0].topK(2, axis: 1).values * Tensor.range(2, from: 1).reshaped([2, 1]) }
}

private func products<S: TensorScalar>(_ t: inout [String: Operation<S>]) {
  t["matmul"] = { x, _ in try matmul(x[0], x[1]) }
  t["matmulTransposed"] = { x, _ in try matmul(x[0], x[1], transposingA: true, transposingB: true) }
  t["matmulBatch"] = { x, _ in try matmul(x[0], x[1]) }
  t["matmulBatchTransposed"] = { x, _ in try matmul(x[0], x[1], transposingA: true, transposingB: true) }
  t["matmulFlat"] = { x, _ in try matmul(x[0], x[1]) }
  t["matmulVector"] = { x, _ in try matmul(x[0], x[1]) }
  t["linear"] = { x, _ in try linear(x[0], x[1], bias: x[2], activation: .tanh) }
  t["linearRelu"] = { x, _ in try linear(x[0], x[1], bias: x[2], activation: .relu) }
  t["einsumBatch"] = { x, _ in try einsum("bij,bjk->bik", x[0], x[1]) }
  t["einsumOuter"] = { x, _ in try einsum("i,j->ji", x[0], x[1]) }
  t["einsumSum"] = { x, _ in try einsum("ijk->kj", x[0]) }
  t["einsumThree"] = { x, _ in try einsum("ij,jk,ik->i", x[0], x[1], x[2]) }
  t["sparseProduct"] = { x, _ in try matmul(SparseMatrix(dense: x[0].detached()), x[1]) }
  t["sparseTransposed"] = { x, _ in try matmul(SparseMatrix(dense: x[0].detached()).transposed(), x[1]) }
}

private func linearAlgebra<S: TensorScalar>(_ t: inout [String: Operation<S>]) {
  func symmetric(_ x: Tensor<S>) throws -> Tensor<S> { try (x + x.transposed()) * 0.5 }
  t["solve"] = { x, _ in try solve(x[0], x[1]) }
  t["solveVector"] = { x, _ in try solve(x[0], x[1]) }
  t["inverse"] = { x, _ in try inverse(x[0]) }
  t["logDeterminant"] = { x, _ in try logDeterminant(x[0]).logarithm }
  t["cholesky"] = { x, _ in try cholesky(symmetric(x[0])) }
  t["triangularSolve"] = { x, _ in try triangularSolve(x[0], x[1]) }
  t["triangularSolveTransposed"] = { x, _ in try triangularSolve(x[0], x[1], transposing: true) }
  t["qrProduct"] = { x, _ in
    let (q, r) = try qr(x[0])
    return try matmul(q, r.squared())
  }
  t["singularValues"] = { x, _ in try singularValues(x[0]).s }
  t["symmetricEigenvalues"] = { x, _ in try symmetricEigenvalues(symmetric(x[0])).values }
  t["symmetricVectors"] = { x, _ in try symmetricEigenvalues(symmetric(x[0])).vectors.squared() }
  t["eigenvalueMagnitudes"] = { x, _ in try eigenvalues(x[0]).values.magnitude().sorted().values }
  t["leastSquares"] = { x, _ in try leastSquares(x[0], x[1]) }
  t["diagonal"] = { x, _ in try x[0].diagonal().squared() }
  t["diagonalMatrix"] = { x, _ in try x[0].diagonalMatrix().squared() }
  t["lowerTriangle"] = { x, _ in try x[0].lowerTriangle().squared() }
}

private func fourier<S: TensorScalar>(_ t: inout [String: Operation<S>]) {
  t["fft"] = { x, _ in try complex(x[0]).fourierTransformed().interleaved }
  t["fftUnitary2"] = { x, _ in try complex(x[0]).fourierTransformed(axes: 2, scaling: .unitary).interleaved }
  t["ifft3"] = { x, _ in try complex(x[0]).inverseFourierTransformed(axes: 3).interleaved }
  for n in [8, 7] {
    t["rfft\(n)"] = { x, _ in try x[0].realFourierTransformed().interleaved }
    t["rfft2d\(n)"] = { x, _ in try x[0].realFourierTransformed(axes: 2).interleaved }
    t["irfft\(n)"] = { x, _ in try complex(x[0]).inverseRealFourierTransformed(last: n) }
    t["irfft2d\(n)"] = { x, _ in try complex(x[0]).inverseRealFourierTransformed(last: n, axes: 2) }
  }
  t["complexMultiply"] = { x, _ in try (complex(x[0]) * complex(x[1])).interleaved }
  t["complexDivide"] = { x, _ in try (complex(x[0]) / complex(x[1])).interleaved }
  t["complexMatmul"] = { x, _ in try matmul(complex(x[0]), complex(x[1])).interleaved }
  t["complexSolve"] = { x, _ in try solve(complex(x[0]), complex(x[1])).interleaved }
  t["complexAdjoint"] = { x, _ in try complex(x[0]).adjoint().interleaved }
  t["complexMagnitude"] = { x, _ in try complex(x[0]).magnitude() }
  t["complexPhase"] = { x, _ in try complex(x[0]).phase() }
}

private func images<S: TensorScalar>(_ t: inout [String: Operation<S>]) {
  for corners in [true, false] {
    t["gridsample-zeros-\(corners)"] = { x, _ in try gridSample(x[0], at: x[1], alignCorners: corners) }
    t["gridsample-border-\(corners)"] = { x, _ in
      try gridSample(x[0], at: x[1], outside: .nearestEdge, alignCorners: corners)
    }
  }
  t["resizedNearest"] = { x, _ in try x[0].resized(height: 10, width: 3) }
  t["resizedBilinear"] = { x, _ in try x[0].resized(height: 9, width: 7, by: .bilinear) }
  t["resizedBilinearCorners"] = { x, _ in try x[0].resized(height: 3, width: 8, by: .bilinear, alignCorners: true) }
  t["resizedBilinearDown"] = { x, _ in try x[0].resized(height: 2, width: 2, by: .bilinear) }
  t["adaptiveAveragePooled"] = { x, _ in try x[0].averagePooled(toHeight: 3, width: 2) }
  t["maxPooled1"] = { x, _ in try x[0].maxPooled(3, stride: 2, padding: 1) }
  t["maxPooled2"] = { x, _ in try x[0].maxPooled(2) }
  t["maxPooled2Padded"] = { x, _ in try x[0].maxPooled([3, 2], stride: [2, 1], padding: [1, 1]) }
  t["maxPooled3"] = { x, _ in try x[0].maxPooled(2, stride: 2) }
  t["averagePooled1"] = { x, _ in try x[0].averagePooled(3, stride: 2, padding: 1) }
  t["averagePooled2"] = { x, _ in try x[0].averagePooled(3, stride: 2, padding: 1) }
  t["averagePooled2Inner"] = { x, _ in try x[0].averagePooled(3, stride: 2, padding: 1, countingPadding: false) }
  t["averagePooled3"] = { x, _ in try x[0].averagePooled(2, stride: 2) }
  t["globalAveragePooled"] = { x, _ in try x[0].globalAveragePooled() }
  t["batchNorm"] = { x, _ in try batchNormalisation(x[0], scale: x[1], shift: x[2]).result }
  t["batchNormReluResidual"] = { x, _ in
    try batchNormalisation(x[0], scale: x[1], shift: x[2], adding: x[3], activation: .relu).result
  }
  t["batchNormColumns"] = { x, _ in try batchNormalisation(x[0], scale: x[1], shift: x[2]).result }
  t["batchNormFixed"] = { x, _ in
    let statistics = BatchStatistics(mean: x[3].detached(), variance: x[4].detached())
    return try batchNormalisation(x[0], scale: x[1], shift: x[2], statistics: statistics, activation: .relu)
  }
  t["rowNormalised"] = { x, _ in try x[0].rowNormalised() }
  t["rowNormalised2"] = { x, _ in try x[0].rowNormalised(axes: 2) }
  t["groupNormalised"] = { x, _ in try x[0].groupNormalised(groups: 3) }
  t["instanceNormalised"] = { x, _ in try x[0].groupNormalised(groups: 3) }
}

private func lossesAndAttention<S: TensorScalar>(_ t: inout [String: Operation<S>]) {
  t["meanSquaredError"] = { x, _ in try meanSquaredError(x[0], x[1]) }
  t["meanAbsoluteError"] = { x, _ in try meanAbsoluteError(x[0], x[1]) }
  t["huberLoss"] = { x, _ in try huberLoss(x[0], x[1], delta: 0.7) }
  t["crossEntropy"] = { x, i in try crossEntropy(x[0], i[0]) }
  t["crossEntropySmoothed"] = { x, i in try crossEntropy(x[0], i[0], smoothing: 0.1) }
  t["negativeLogLikelihood"] = { x, i in try negativeLogLikelihood(x[0], i[0]) }
  t["binaryCrossEntropy"] = { x, _ in try binaryCrossEntropy(logits: x[0], x[1]) }
  t["binaryCrossEntropyOfProbabilities"] = { x, _ in try binaryCrossEntropy(probabilities: x[0], x[1]) }
  t["klDivergence"] = { x, _ in try klDivergence(logarithmOf: x[0], from: x[1]) }
  t["hingeLoss"] = { x, _ in try hingeLoss(x[0], x[1]) }
  t["attention"] = { x, _ in try attention(x[0], x[1], x[2]) }
  t["attentionMasked"] = { x, _ in
    try attention(x[0], x[1], x[2], mask: Tensor.ones([4, 4]).lowerTriangle())
  }
}

/// Operations that oneDNN offers in `Float` only; their names carry the sizes.
func floatOperations() -> [String: Operation<Float>] {
  var t: [String: Operation<Float>] = [:]
  t["float/convolution-6x4x3-2x4x11"] = { x, _ in try convolution(x[0], x[1], bias: x[2], stride: 2, padding: 1) }
  t["float/convolution-5x3x3x3-2x3x9x8"] = { x, _ in try convolution(x[0], x[1], bias: x[2], padding: 1) }
  t["float/convolution-6x2x3x2-2x4x9x8"] = { x, _ in
    try convolution(x[0], x[1], bias: x[2], stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2)
  }
  t["float/convolution-4x1x3x3-2x4x7x7"] = { x, _ in try convolution(x[0], x[1], bias: x[2], padding: 1, groups: 4) }
  t["float/convolution-32x16x1x1-3x16x8x8"] = { x, _ in try convolution(x[0], x[1], bias: x[2], stride: 2) }
  t["float/convolution-3x2x3x2x2-1x2x5x6x4"] = { x, _ in try convolution(x[0], x[1], bias: x[2], padding: 1) }
  t["float/convolutionRelu"] = { x, _ in try convolution(x[0], x[1], bias: x[2], padding: 1, activation: .relu) }
  t["float/transposedConvolution-4x3x3-1"] = { x, _ in
    try transposedConvolution(x[0], x[1], bias: x[2], stride: 2, padding: 1, outputPadding: 1)
  }
  t["float/transposedConvolution-4x3x2x2-1"] = { x, _ in try transposedConvolution(x[0], x[1], bias: x[2], stride: 2) }
  t["float/transposedConvolution-4x3x3x3-2"] = { x, _ in
    try transposedConvolution(x[0], x[1], bias: x[2], stride: 2, padding: 1, outputPadding: 1, groups: 2)
  }
  t["float/transposedConvolution-2x3x2x2x2-1"] = { x, _ in try transposedConvolution(x[0], x[1], bias: x[2], stride: 2)
  }
  return t
}
