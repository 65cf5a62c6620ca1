import Tensors

extension CitationNetwork {
  /// Reads the files of Planetoid (Yang et al. 2016): `ind.NAME.x`, `.y`, `.tx`, `.ty`, `.allx`, `.ally`, `.graph` and
  /// `.test.index`, which are Python pickles. Nothing in them is run.
  ///
  /// Test papers are put where the index says; papers that are missing there (Citeseer) have no words and the class 0. The
  /// split is the public one: `train` has the papers of `y`, `val` the 500 after them, `test` those of the index.
  /// - Throws: `DataError`.
  public init(planetoid folder: String, name: String) throws {
    func path(_ part: String) -> String { "\(folder)/ind.\(name).\(part)" }
    let list = try DataFile(path("test.index"), format: "test index")
    var order: [Int] = []
    for (line, fields) in list.lines() {
      let paper = try list.number(fields[0], Int.self, line: line)
      guard (0..<1 << 24).contains(paper) else { throw list.malformed("there is no paper \(paper)", at: line) }
      order.append(paper)
    }
    let known = try Rows(path("allx")), test = try Rows(path("tx"))
    let classes = try CitationNetwork.classes(path("ally")), testClasses = try CitationNetwork.classes(path("ty"))
    let trained = try CitationNetwork.classes(path("y")).count
    guard let last = order.max(), last >= known.rows.count, order.count == test.rows.count,
      classes.count == known.rows.count, testClasses.count == order.count, trained <= known.rows.count,
      order.allSatisfy({ $0 >= known.rows.count })
    else { throw list.malformed("its \(order.count) papers do not fit the other files", at: 1) }
    let count = last + 1
    var rows = known.rows + Array(repeating: [], count: count - known.rows.count)
    var labels = classes + Array(repeating: 0, count: count - classes.count)
    for (i, paper) in order.enumerated() { (rows[paper], labels[paper]) = (test.rows[i], testClasses[i]) }
    let columns = max(known.columns, test.columns)
    let features = try SparseMatrix<Float>(
      rows: count, columns: columns, rowIndices: rows.enumerated().flatMap { row, words in words.map { _ in row } },
      columnIndices: rows.flatMap { $0.map(\.word) }, values: rows.flatMap { $0.map(\.value) })

    let malformed = DataError.malformed(
      path: path("graph"), format: "Planetoid", place: 0, problem: "it is no dictionary of lists of papers")
    guard let entries = try Pickle.read(path("graph")).entries else { throw malformed }
    var pairs = Set<SIMD2<Int>>()
    for (key, value) in entries {
      guard let from = key.integer, case .list(let targets) = value, (0..<count).contains(from) else { throw malformed }
      for target in targets.items {
        guard let to = target.integer, (0..<count).contains(to) else { throw malformed }
        // Each pair in both directions, once, and no paper that cites itself.
        if from != to { pairs.formUnion([SIMD2(from, to), SIMD2(to, from)]) }
      }
    }
    let edges = pairs.map { (from: $0.x, to: $0.y) }.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
    graph = Graph(edges: edges, nodeCount: count, nodeLabels: labels)
    self.features = features
    split = [
      "train": Array(0..<trained), "val": Array(trained..<min(known.rows.count, trained + 500)), "test": order.sorted(),
    ]
  }

  /// Classes from rows with a one at the class.
  private static func classes(_ path: String) throws -> [Int] {
    guard let array = try Pickle.read(path).array, array.shape.count == 2, array.shape[1] > 0 else {
      throw DataError.malformed(path: path, format: "Planetoid", place: 0, problem: "it is no matrix")
    }
    let width = array.shape[1]
    return (0..<array.shape[0]).map { row in
      array.values[row * width..<(row + 1) * width].enumerated().max { $0.element < $1.element }?.offset ?? 0
    }
  }

  /// The words of papers from a matrix of SciPy in compressed rows.
  private struct Rows {
    var rows: [[(word: Int, value: Float)]] = []
    var columns = 0

    init(_ path: String) throws {
      let malformed = DataError.malformed(
        path: path, format: "Planetoid", place: 0, problem: "it is no matrix of SciPy in compressed rows")
      guard let entries = try Pickle.read(path).entries else { throw malformed }
      func entry(_ name: String) throws -> Pickle.Value {
        guard let found = entries.first(where: { $0.key.text == name }) else { throw malformed }
        return found.value
      }
      guard case .tuple(let shape) = try entry("_shape"), shape.count == 2, let count = shape[0].integer,
        let width = shape[1].integer, let starts = try entry("indptr").array?.values,
        let words = try entry("indices").array?.values, let values = try entry("data").array?.values,
        count >= 0, starts.count == count + 1, words.count == values.count, (1..<1 << 24).contains(width),
        words.allSatisfy({ $0 >= 0 && $0 < Double(width) }),
        starts.allSatisfy({ $0 >= 0 && $0 <= Double(words.count) }),
        zip(starts, starts.dropFirst()).allSatisfy({ $0 <= $1 })
      else { throw malformed }
      columns = width
      rows = (0..<count).map { row in
        (Int(starts[row])..<Int(starts[row + 1])).map { (Int(words[$0]), Float(values[$0])) }
      }
    }
  }
}
