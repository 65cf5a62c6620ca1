/// What the ONNX standard says of an operator: since when it is there, how many values it takes and gives, and its attributes.
struct ONNXSchema: Sendable {
  struct Attribute: Sendable {
    /// By its number in the format (`AttributeProto.AttributeType`).
    let type: Int
    let versions: ClosedRange<Int>
  }

  let versions: ClosedRange<Int>
  let inputs: ClosedRange<Int>
  let outputs: ClosedRange<Int>
  let attributes: [String: Attribute]

  private static let types: [Character: Int] = [
    "f": 1, "i": 2, "s": 3, "t": 4, "g": 5, "F": 6, "I": 7, "S": 8, "T": 9, "G": 10, "p": 11, "y": 13,
  ]

  /// All operators, by domain and name.
  static let all: [String: [String: ONNXSchema]] = [
    "": parsed(standard), "ai.onnx.ml": parsed(learning), "com.microsoft": parsed(microsoft),
  ]

  private static func range(_ text: Substring) -> ClosedRange<Int> {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    return (ends.first.flatMap { $0 } ?? 0)...(ends.last.flatMap { $0 } ?? .max)
  }

  private static func parsed(_ table: String) -> [String: ONNXSchema] {
    var found: [String: ONNXSchema] = [:]
    for line in table.split(separator: "\n") {
      let parts = line.split(separator: "|", omittingEmptySubsequences: false)
      let versions = range(parts[1] + "-" + parts[2])
      var attributes: [String: Attribute] = [:]
      for word in parts[5].split(separator: " ") {
        let fields = word.split(separator: ":")
        attributes[String(fields[0])] = Attribute(
          type: fields[1].first.flatMap { types[$0] } ?? 0, versions: fields.count > 2 ? range(fields[2]) : versions)
      }
      found[String(parts[0])] = ONNXSchema(
        versions: versions, inputs: range(parts[3]), outputs: range(parts[4]), attributes: attributes)
    }
    return found
  }

  /// Checks that a node is one of its version of the operators, and that all that it says is acted upon.
  ///
  /// - Throws: `ONNXError.unsupportedOperator` where we do not have it, `ONNXError.invalidNode` where the standard does not.
  static func check(_ node: ONNXNode) throws {
    guard let schema = all[node.domain]?[node.kind], ONNXOperators.isKnown(node) else {
      throw ONNXError.unsupportedOperator(node.fullKind, node: node.name)
    }
    guard schema.versions.contains(node.version) else {
      throw node.invalid("version \(node.version) of its operators does not have it")
    }
    guard schema.inputs.contains(node.inputs.count) || node.inputs.count < schema.inputs.upperBound else {
      throw node.invalid("it has \(node.inputs.count) inputs, expected \(schema.inputs.upperBound) at most")
    }
    // Scan had its lengths first, which may be left out.
    let mayBeLeftOut = node.kind == "Scan" && node.version < 9
    for (i, name) in node.inputs.enumerated() where i < schema.inputs.lowerBound && name.isEmpty && !mayBeLeftOut {
      throw node.invalid("its input \(i) is left out")
    }
    guard node.inputs.count >= schema.inputs.lowerBound else {
      throw node.invalid("it has \(node.inputs.count) inputs, expected \(schema.inputs.lowerBound) at least")
    }
    guard node.outputs.count <= schema.outputs.upperBound else {
      throw node.invalid("it has \(node.outputs.count) outputs, expected \(schema.outputs.upperBound) at most")
    }
    for name in node.attributeNames {
      guard let attribute = schema.attributes[name], attribute.versions.contains(node.version) else {
        throw node.unsupported("the attribute \(name), which version \(node.version) of it does not have")
      }
      try node.checkType(of: name, attribute.type)
    }
  }

  /// Operators of quantised models that onnxruntime writes with `QuantFormat.QOperator`, and fused ones of its own.
  static let microsoft = """
    QLinearAdd|1||8-8|1-1|
    QLinearMul|1||8-8|1-1|
    QLinearSigmoid|1||4-5|1-1|
    QLinearLeakyRelu|1||4-5|1-1|alpha:f
    QLinearSoftmax|1||5-5|1-1|axis:i opset:i
    QLinearConcat|1||5-|1-1|axis:i
    QLinearAveragePool|1||4-5|1-1|auto_pad:s ceil_mode:i channels_last:i count_include_pad:i kernel_shape:I pads:I strides:I
    QLinearGlobalAveragePool|1||5-5|1-1|channels_last:i
    QLinearWhere|1||10-10|1-1|
    QGemm|1||6-9|1-1|alpha:f transA:i transB:i
    Gelu|1||1-1|1-1|
    FusedMatMul|1||2-2|1-1|alpha:f transA:i transB:i transBatchA:i transBatchB:i
    """
}
