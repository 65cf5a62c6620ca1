import Networks
import Tensors
import Testing

@Suite("Operations against PyTorch and finite differences") struct OperationTests {
  @Test("the table and the reference file name the same cases")
  func tableIsComplete() {
    let ours = Set(operations(Double.self).keys).union(floatOperations().keys)
    #expect(ours == Set(ReferenceCase.all.keys))
  }

  /// Result and gradients of one case.
  private func check<S: TensorScalar>(_ name: String, _ operation: Operation<S>, tolerance: Double) throws {
    let reference = try #require(ReferenceCase.all[name])
    let inputs = try reference.inputs.map { try $0.cast(S.self) }
    let value = try operation(inputs, reference.integers)
    #expect(distance(value, reference.result) <= tolerance, "\(name): result \(value) against \(reference.result)")
    if reference.gradients.isEmpty { return }
    let upstream = try reference.upstream.cast(S.self)
    let gradients = try valueAndGradient(at: inputs) { try (operation($0, reference.integers) * upstream).sum() }
      .gradients
    for (i, expected) in reference.gradients {
      #expect(
        distance(gradients[i], expected) <= tolerance, "\(name): gradient \(i) \(gradients[i]) against \(expected)")
    }
  }

  // PyTorch computes in double precision too; the two differ by rounding, amplified in the linear algebra.
  @Test("agree with PyTorch in Double", arguments: operations(Double.self).keys.sorted())
  func agreesInDouble(name: String) throws {
    try check(name, try #require(operations(Double.self)[name]), tolerance: 1e-11)
  }

  // Single precision: 24 bits, a few operations deep, the solvers with condition numbers of about ten.
  @Test("agree with PyTorch in Float", arguments: operations(Float.self).keys.sorted())
  func agreesInFloat(name: String) throws {
    try check(name, try #require(operations(Float.self)[name]), tolerance: 5e-5)
  }

  // Sums of up to 54 products in single precision.
  @Test("convolutions agree with PyTorch", arguments: floatOperations().keys.sorted())
  func convolutionsAgree(name: String) throws {
    try check(name, try #require(floatOperations()[name]), tolerance: 2e-5)
  }

  /// Central differences with step h are off by h²/6 times a third derivative, and by rounding/h: about 1e-8 for h = 1e-5
  /// here; the third derivatives of these functions stay below a few hundred.
  @Test("gradients agree with finite differences", arguments: operations(Double.self).keys.sorted())
  func gradientsAgreeWithDifferences(name: String) throws {
    let operation = try #require(operations(Double.self)[name])
    let reference = try #require(ReferenceCase.all[name])
    let inputs = reference.inputs
    let step = 1e-5
    func objective(_ x: [Tensor<Double>]) throws -> Tensor<Double> {
      try (operation(x, reference.integers) * reference.upstream).sum()
    }
    let gradients = try valueAndGradient(at: inputs) { try objective($0) }.gradients
    for i in reference.gradients.keys {
      // A few elements of each input suffice: errors in formulas are not confined to one place.
      for k in stride(from: 0, to: inputs[i].count, by: max(1, inputs[i].count / 5)) {
        func shifted(_ h: Double) throws -> Double {
          var x = inputs
          try x[i].updateElements { $0[k] += h }
          return try objective(x).item()
        }
        let slope = try (shifted(step) - shifted(-step)) / (2 * step)
        let found = gradients[i].elements[k]
        #expect(
          (found - slope).magnitude <= 1e-6 * max(1, slope.magnitude),
          "\(name), input \(i), element \(k): \(found) against \(slope)")
      }
    }
  }
}
