import Networks
import Tensors
import Testing

/// Every operation refuses what does not fit with an error that names it; nothing traps.
@Suite("Errors") struct ErrorTests {
  private let matrix = try! Tensor<Float>.zeros([3, 4])
  private let image = try! Tensor<Float>.zeros([2, 3, 8, 8])

  @Test("shapes that do not broadcast")
  func broadcast() {
    let other = try! Tensor<Float>.zeros([2, 4])
    #expect(throws: TensorError.incompatibleShapes(operation: "+", left: [3, 4], right: [2, 4])) { try matrix + other }
    #expect(throws: TensorError.self) { try matrix - other }
    #expect(throws: TensorError.self) { try matrix * other }
    #expect(throws: TensorError.self) { try matrix / other }
    #expect(throws: TensorError.self) { try matrix .< other }
    #expect(throws: TensorError.self) { try Tensor.select(matrix, other, matrix) }
    #expect(throws: TensorError.self) { try Tensor.maximum(matrix, other) }
    #expect(throws: TensorError.self) { try matrix.broadcast(to: [4]) }
  }

  @Test("products of the wrong extents")
  func products() {
    #expect(throws: TensorError.incompatibleShapes(operation: "matmul", left: [3, 4], right: [3, 4])) {
      try matmul(matrix, matrix)
    }
    #expect(throws: TensorError.self) { try matmul(matrix, Tensor(1)) }
    #expect(throws: TensorError.self) { try linear(matrix, .zeros([5, 2])) }
    #expect(throws: TensorError.wrongShape(argument: "bias", found: [3], expected: "[2], one for each output")) {
      try linear(matrix, .zeros([4, 2]), bias: .zeros([3]))
    }
    #expect(throws: TensorError.self) { try einsum("ij,jk", matrix, matrix) }
    #expect(throws: TensorError.self) { try einsum("ij,jk->ik", matrix, matrix) }
    #expect(throws: TensorError.self) { try einsum("ii->i", matrix) }
    #expect(throws: TensorError.self) { try einsum("ij->iz", matrix) }
  }

  @Test("shapes and axes")
  func shapes() throws {
    #expect(throws: TensorError.wrongShape(argument: "shape", found: [2, 2], expected: "a product of 3")) {
      try Tensor<Float>([1, 2, 3], shape: [2, 2])
    }
    #expect(throws: TensorError.wrongShape(argument: "rows", found: [1], expected: "2 numbers in every row")) {
      try Tensor<Float>([[1, 2], [3]])
    }
    #expect(throws: TensorError.wrongShape(argument: "self", found: [3, 4], expected: "one element")) {
      try matrix.item()
    }
    #expect(throws: TensorError.self) { try matrix.reshaped([5, nil]) }
    #expect(throws: TensorError.self) { try matrix.reshaped([nil, nil]) }
    #expect(throws: TensorError.self) { try matrix.reshaped([-3, -4]) }
    // A product that wraps round to the right count.
    #expect(throws: TensorError.self) { try Tensor<Float>.zeros([0]).reshaped([1 << 32, 1 << 32]) }
    #expect(throws: TensorError.self) { try matrix.permuted([0, 0]) }
    #expect(throws: TensorError.invalidArgument("axis", found: "2", expected: "an axis of a tensor of rank 2")) {
      try matrix.softmax(axis: 2)
    }
    #expect(throws: TensorError.self) { try matrix.sum(axes: [0, 0]) }
    #expect(throws: TensorError.self) { try Tensor<Float>.zeros([0, 3]).max(axes: [0]) }
    #expect(throws: TensorError.indexOutOfRange(argument: "range", found: 4, valid: 0..<4)) { try matrix.slice(1..<4) }
    #expect(throws: TensorError.self) { try matrix.at(-1) }
    #expect(throws: TensorError.self) { try Tensor<Float>.concatenate([]) }
    #expect(throws: TensorError.self) { try Tensor.concatenate([matrix, .zeros([3, 5])], axis: 0) }
    #expect(throws: TensorError.self) { try Tensor.stack([matrix, .zeros([3, 5])]) }
    #expect(throws: TensorError.self) { try matrix.split(into: 5, axis: 1) }
    #expect(throws: TensorError.self) { try matrix.padded(axis: 1, before: 4, after: 0, mode: .reflect) }
    #expect(throws: TensorError.self) { try matrix.padded(axis: 1, before: -1, after: 0, mode: .zeros) }
    #expect(throws: TensorError.self) { try Tensor<Float>.linearSpace(0, 1, count: 1) }
    #expect(throws: TensorError.self) { try matrix.squeezed(axis: 0) }
  }

  @Test("indices outside")
  func indices() throws {
    let outside = try Tensor<Int32>([0, 3])
    #expect(throws: TensorError.indexOutOfRange(argument: "index", found: 3, valid: 0..<3)) {
      try matrix.selecting(outside)
    }
    #expect(throws: TensorError.self) { try matrix.gathered(Tensor<Int32>([-1, 0, 0, 0], shape: [1, 4]), axis: 0) }
    #expect(throws: TensorError.self) { try matrix.gathered(outside, axis: 0) }
    #expect(throws: TensorError.self) {
      try matrix.scatterAdded(Tensor<Int32>(repeating: 9, shape: [3, 4]), axis: 1, extent: 5)
    }
    #expect(throws: TensorError.self) { try matrix.addedRows(Tensor<Int32>([0, 1, 2]), extent: 2) }
    #expect(throws: TensorError.self) { try matrix.topK(5) }
    #expect(throws: TensorError.self) { try crossEntropy(matrix, Tensor<Int32>([0, 1, 4])) }
    #expect(throws: TensorError.self) { let _: Tensor<Float> = try outside.oneHot(2) }
    #expect(throws: TensorError.self) { let _: Tensor<Float> = try outside.oneHot(-1) }
  }

  @Test("matrices without inverse or factor")
  func linearAlgebra() throws {
    let singular = try Tensor<Double>([[1, 2], [2, 4]])
    let negative = try Tensor<Double>([[1, 0], [0, -1]])
    #expect(throws: TensorError.singularMatrix(operation: "solve", pivot: 1)) { try solve(singular, Tensor([1, 1])) }
    #expect(throws: TensorError.notPositiveDefinite(order: 2)) { try cholesky(negative) }
    #expect(throws: TensorError.self) { try cholesky(matrix) }
    #expect(throws: TensorError.self) { try solve(Tensor<Double>.identity(2), Tensor<Double>.zeros([3])) }
    #expect(throws: TensorError.self) { try triangularSolve(singular * 0, Tensor([1, 1])) }
    #expect(throws: TensorError.self) { try leastSquares(singular, Tensor<Double>.zeros([2, 1])) }
    #expect(try logDeterminant(singular).logarithm.item() == -.infinity)
    #expect(throws: TensorError.self) {
      try symmetricEigenvalues(Tensor<Double>(repeating: .nan, shape: [3, 3])).values.item()
    }
    #expect(throws: TensorError.singularMatrix(operation: "SparseFactors", pivot: 0)) {
      try SparseFactors(SparseMatrix(dense: singular))
    }
    // An empty column, and what is not a number.
    for values in [[1.0, 0, 1, 0], [.nan, 1, 1, 1]] {
      #expect(throws: TensorError.singularMatrix(operation: "SparseFactors", pivot: 0)) {
        try SparseFactors(SparseMatrix(dense: Tensor(values, shape: [2, 2])))
      }
    }
    #expect(throws: TensorError.self) {
      try SparseMatrix<Double>(rows: 2, columns: 2, rowIndices: [2], columnIndices: [0], values: [1])
    }
    #expect(throws: TensorError.self) {
      try SparseMatrix<Double>(rows: 2, columns: 2, rowIndices: [0, 1], columnIndices: [0], values: [1])
    }
  }

  @Test("images, windows and channels")
  func images() throws {
    #expect(throws: TensorError.incompatibleShapes(operation: "convolution", left: [2, 3, 8, 8], right: [4, 2, 3, 3])) {
      try convolution(image, .zeros([4, 2, 3, 3]))
    }
    #expect(throws: TensorError.self) { try convolution(image, .zeros([4, 3, 9, 9])) }
    #expect(throws: TensorError.self) { try convolution(image, .zeros([4, 3, 3, 3]), stride: 0) }
    #expect(throws: TensorError.self) { try convolution(image, .zeros([4, 3, 3, 3]), padding: [1, 1, 1]) }
    #expect(throws: TensorError.self) { try convolution(image, .zeros([4, 3, 3])) }
    #expect(throws: TensorError.self) { try convolution(image, .zeros([4, 3, 3, 3]), bias: .zeros([3])) }
    #expect(throws: TensorError.self) { try convolution(image, .zeros([4, 1, 3, 3]), groups: 3) }
    #expect(throws: TensorError.self) { try transposedConvolution(image, .zeros([4, 3, 2, 2])) }
    #expect(throws: TensorError.self) {
      try transposedConvolution(image, .zeros([3, 4, 2, 2]), stride: 2, outputPadding: 2)
    }
    #expect(throws: TensorError.self) { try image.maxPooled(9) }
    #expect(throws: TensorError.self) { try image.maxPooled(2, padding: 2) }
    #expect(throws: TensorError.self) { try matrix.maxPooled(2) }
    #expect(throws: TensorError.self) { try batchNormalisation(image, scale: .ones([2]), shift: .zeros([3])) }
    #expect(throws: TensorError.self) {
      try batchNormalisation(Tensor<Float>.zeros([1, 3]), scale: .ones([3]), shift: .zeros([3]))
    }
    #expect(throws: TensorError.self) { try image.groupNormalised(groups: 2) }
    #expect(throws: TensorError.self) { try gridSample(image, at: .zeros([2, 4, 4, 3])) }
    #expect(throws: TensorError.self) { try image.resized(height: 0, width: 3) }
    #expect(throws: TensorError.self) { try image.realFourierTransformed(axes: 5) }
    #expect(throws: TensorError.self) { try ComplexTensor(pairs: matrix) }
    #expect(throws: TensorError.self) { try image.spikes(steepness: 0) }
  }

  @Test("absurd sizes are refused before memory is touched")
  func absurdSizes() {
    #expect(throws: TensorError.tooLarge(shape: [1 << 40, 1 << 40])) { try Tensor<Float>.zeros([1 << 40, 1 << 40]) }
    #expect(throws: TensorError.wrongShape(argument: "shape", found: [-1], expected: "extents of 0 or more")) {
      try Tensor<Float>.zeros([-1])
    }
    // 16 TiB: more than any machine that runs tests has.
    #expect(throws: TensorError.outOfMemory(bytes: 1 << 44)) { try Tensor<Float>.zeros([1 << 42]) }
    var random = RandomStream(seed: 1)
    #expect(throws: TensorError.self) { let _: Tensor<Float> = try random.normal([1 << 42]) }
    let wide = try! Tensor<Float>.zeros([1 << 20, 1])
    // A product of two small tensors may be too large.
    #expect(throws: TensorError.self) { try wide.broadcast(to: [1 << 20, 1 << 22]) }
    #expect(throws: TensorError.self) { try matmul(wide, .zeros([1, 1 << 22])) }
  }

  @Test("gradients of what is not one number, and nested gradients")
  func gradients() throws {
    #expect(throws: TensorError.wrongShape(argument: "function", found: [3, 4], expected: "a result of one number")) {
      try valueAndGradient(at: matrix) { try $0 * 2 }
    }
    #expect(throws: TensorError.nestedGradient) {
      try valueAndGradient(at: matrix) { outer in
        try valueAndGradient(at: matrix) { inner in try (inner * outer).sum() }.gradient.sum()
      }
    }
    #expect(throws: TensorError.self) {
      try valueAndGradient(at: matrix) { x in
        try withCustomGradient(of: [x]) {
          $0[0]
        } gradient: { _, _ in
          []
        }.sum()
      }
    }
  }

  @Test("messages name the argument, what was found, what is accepted, and what to do")
  func messages() {
    let error = TensorError.wrongShape(argument: "bias", found: [3], expected: "[2], one for each output")
    #expect("\(error)" == "`bias` has shape [3], expected [2], one for each output: reshape it")
  }
}
