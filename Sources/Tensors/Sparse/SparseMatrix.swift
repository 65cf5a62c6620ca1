import CKernels

/// A matrix that stores only some of its elements, by compressed rows (CSR).
public struct SparseMatrix<Element: TensorScalar>: Sendable {
  /// Rows and columns.
  public let rows: Int, columns: Int
  /// Where each row starts among the stored elements; shape `[rows + 1]`.
  public let rowStarts: Tensor<Int32>
  /// The column of each stored element, rising within a row.
  public let columnIndices: Tensor<Int32>
  /// The stored elements. Gradients flow to them.
  public let values: Tensor<Element>

  /// From triplets; elements at the same place are added.
  ///
  /// - Throws: `TensorError` when the lists differ in length or an index lies outside.
  public init(
    rows: Int, columns: Int, rowIndices: [Int], columnIndices: [Int], values: [Element]
  ) throws(TensorError) {
    guard rows >= 0, columns >= 0, rows < Int(Int32.max), columns < Int(Int32.max)
    else { throw .invalidArgument("rows, columns", found: "\(rows), \(columns)", expected: "0..<\(Int32.max)") }
    guard rowIndices.count == columnIndices.count, rowIndices.count == values.count else {
      throw .incompatibleShapes(
        operation: "SparseMatrix", left: [rowIndices.count, columnIndices.count], right: [values.count])
    }
    if let bad = rowIndices.first(where: { $0 < 0 || $0 >= rows }) {
      throw .indexOutOfRange(argument: "rowIndices", found: bad, valid: 0..<rows)
    }
    if let bad = columnIndices.first(where: { $0 < 0 || $0 >= columns }) {
      throw .indexOutOfRange(argument: "columnIndices", found: bad, valid: 0..<columns)
    }
    let order = rowIndices.indices.sorted {
      (rowIndices[$0], columnIndices[$0], $0) < (rowIndices[$1], columnIndices[$1], $1)
    }
    var starts = [Int32](repeating: 0, count: rows + 1)
    var kept: [Int32] = []
    var sums: [Element] = []
    var last = (-1, -1)
    for i in order {
      let place = (rowIndices[i], columnIndices[i])
      if place == last {
        sums[sums.count - 1] += values[i]
      } else {
        kept.append(Int32(place.1))
        sums.append(values[i])
        starts[place.0 + 1] += 1
        last = place
      }
    }
    for r in 0..<rows { starts[r + 1] += starts[r] }
    (self.rows, self.columns) = (rows, columns)
    rowStarts = try Tensor(starts)
    self.columnIndices = try Tensor(kept)
    self.values = try Tensor(sums)
  }

  /// From compressed rows as SciPy and others hold them.
  ///
  /// - Parameters:
  ///   - rowStarts: where each row starts, and the end: `rows + 1` numbers, never falling.
  ///   - columnIndices: a column for each value.
  /// - Throws: `TensorError` when the lists do not fit together.
  public init(columns: Int, rowStarts: [Int], columnIndices: [Int], values: [Element]) throws(TensorError) {
    guard rowStarts.first == 0, rowStarts.last == values.count,
      zip(rowStarts, rowStarts.dropFirst()).allSatisfy({ $0 <= $1 })
    else {
      throw .invalidArgument(
        "rowStarts", found: "\(rowStarts.prefix(8))", expected: "numbers that rise from 0 to the \(values.count) values"
      )
    }
    let rows = rowStarts.count - 1
    let rowIndices = (0..<rows).flatMap { [Int](repeating: $0, count: rowStarts[$0 + 1] - rowStarts[$0]) }
    try self.init(rows: rows, columns: columns, rowIndices: rowIndices, columnIndices: columnIndices, values: values)
  }

  /// The elements of a matrix that are not zero.
  public init(dense: Tensor<Element>) throws(TensorError) {
    guard dense.rank == 2 else { throw .wrongShape(argument: "dense", found: dense.shape, expected: "a matrix") }
    let all = dense.elements
    let columns = dense.shape[1]
    let places = all.indices.filter { all[$0] != 0 }
    try self.init(
      rows: dense.shape[0], columns: columns, rowIndices: places.map { $0 / columns },
      columnIndices: places.map { $0 % columns }, values: places.map { all[$0] })
  }

  private init(
    rows: Int, columns: Int, rowStarts: Tensor<Int32>, columnIndices: Tensor<Int32>, values: Tensor<Element>
  ) {
    (self.rows, self.columns) = (rows, columns)
    (self.rowStarts, self.columnIndices, self.values) = (rowStarts, columnIndices, values)
  }

  /// Elements stored.
  public var storedCount: Int { values.count }

  /// The same places with other elements, such as parameters to be trained.
  public func with(values: Tensor<Element>) throws(TensorError) -> SparseMatrix {
    guard values.shape == self.values.shape
    else { throw .wrongShape(argument: "values", found: values.shape, expected: "\(self.values.shape)") }
    return SparseMatrix(
      rows: rows, columns: columns, rowStarts: rowStarts, columnIndices: columnIndices, values: values)
  }

  /// With all elements stored.
  public func dense() throws(TensorError) -> Tensor<Element> {
    var places: [Int32] = []
    for r in 0..<rows {
      for k in Int(rowStarts.pointer[r])..<Int(rowStarts.pointer[r + 1]) {
        places.append(Int32(r * columns) + columnIndices.pointer[k])
      }
    }
    return try values.addedRows(Tensor(places), extent: rows * columns).reshaped([rows, columns])
  }

  /// Rows and columns exchanged; gradients flow through.
  public func transposed() throws(TensorError) -> SparseMatrix {
    var starts = [Int32](repeating: 0, count: columns + 1)
    for k in 0..<storedCount { starts[Int(columnIndices.pointer[k]) + 1] += 1 }
    for c in 0..<columns { starts[c + 1] += starts[c] }
    var next = starts
    var from = [Int32](repeating: 0, count: storedCount)
    var rowOf = from
    for r in 0..<rows {
      for k in Int(rowStarts.pointer[r])..<Int(rowStarts.pointer[r + 1]) {
        let c = Int(columnIndices.pointer[k])
        let place = Int(next[c])
        from[place] = Int32(k)
        rowOf[place] = Int32(r)
        next[c] += 1
      }
    }
    return SparseMatrix(
      rows: columns, columns: rows, rowStarts: try Tensor(starts), columnIndices: try Tensor(rowOf),
      values: try values.selecting(Tensor(from)))
  }
}

/// Sparse times dense.
///
/// - Parameters:
///   - a: rows × columns.
///   - x: shape `[columns, k]` or `[columns]`.
/// - Returns: shape `[rows, k]` or `[rows]`. Gradients flow to the stored elements and to x.
public func matmul<E: TensorScalar>(_ a: SparseMatrix<E>, _ x: Tensor<E>) throws(TensorError) -> Tensor<E> {
  guard x.rank == 1 || x.rank == 2, x.shape[0] == a.columns
  else { throw .incompatibleShapes(operation: "matmul", left: [a.rows, a.columns], right: x.shape) }
  let width = x.rank == 1 ? 1 : x.shape[1]
  let y = try Tensor<E>.uninitialized(x.rank == 1 ? [a.rows] : [a.rows, width])
  let dense = try x.detached().rowMajor()
  let values = a.values.detached()
  sparseProduct(a, values, dense, width, into: y)
  return try y.recorded(from: [a.values, x]) { g, needed in
    let g = try g.rowMajor()
    let dValues = needed[0] ? try Tensor<E>.uninitialized(values.shape) : nil
    if let d = dValues {
      parallelFor(a.rows, grain: 256) { part in
        let starts = a.rowStarts.pointer
        let columns = a.columnIndices.pointer
        if g.body.type == .float32 {
          kk_csr_value_gradient_f32(
            part.lowerBound, part.upperBound, width, starts, columns, g.body.f32, dense.body.f32, d.body.f32)
        } else {
          kk_csr_value_gradient_f64(
            part.lowerBound, part.upperBound, width, starts, columns, g.body.f64, dense.body.f64, d.body.f64)
        }
      }
    }
    guard needed[1] else { return [dValues, nil] }
    let back = try a.with(values: values).transposed()
    let d = try Tensor<E>.uninitialized(dense.shape)
    sparseProduct(back, back.values, g, width, into: d)
    return [dValues, d]
  }
}

private func sparseProduct<E: TensorScalar>(
  _ a: SparseMatrix<E>, _ values: Tensor<E>, _ x: Tensor<E>, _ width: Int, into y: Tensor<E>
) {
  parallelFor(a.rows, grain: max(1, 16384 / max(1, width))) { part in
    let starts = a.rowStarts.pointer
    let columns = a.columnIndices.pointer
    if y.body.type == .float32 {
      kk_csr_product_f32(
        part.lowerBound, part.upperBound, width, starts, columns, values.body.f32, x.body.f32, y.body.f32)
    } else {
      kk_csr_product_f64(
        part.lowerBound, part.upperBound, width, starts, columns, values.body.f64, x.body.f64, y.body.f64)
    }
  }
}
