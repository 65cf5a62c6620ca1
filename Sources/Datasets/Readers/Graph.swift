import Foundation
import Tensors

/// A graph with features and labels of its nodes.
public struct Graph: Sendable {
  /// Pairs (from, to); an undirected edge stands twice.
  public var edges: [(from: Int, to: Int)]
  public var nodeCount: Int
  /// A class for each node, where there is one.
  public var nodeLabels: [Int]
  /// A class of the whole graph, where there is one.
  public var label: Int?

  /// The adjacency matrix, 1 at every edge.
  public func adjacency() throws(TensorError) -> SparseMatrix<Float> {
    try SparseMatrix(
      rows: nodeCount, columns: nodeCount, rowIndices: edges.map(\.from), columnIndices: edges.map(\.to),
      values: [Float](repeating: 1, count: edges.count))
  }

  /// Many small graphs in the text format of TU Dortmund (Morris et al. 2020): `NAME_A.txt`, `NAME_graph_indicator.txt`,
  /// `NAME_graph_labels.txt` and, where present, `NAME_node_labels.txt`.
  ///
  /// - Parameter folder: holds the files; `name` is what their names start with, such as `MUTAG`.
  public static func readMany(folder: String, name: String) throws -> [Graph] {
    func integers(_ part: String, columns: Int) throws(DataError) -> [[Int]] {
      let file = try DataFile("\(folder)/\(name)_\(part).txt", format: "TU graph")
      var rows: [[Int]] = []
      for (line, fields) in file.lines(comment: nil) {
        guard fields.count >= columns else { throw file.malformed("it needs \(columns) numbers", at: line) }
        var row: [Int] = []
        for field in fields.prefix(columns) { row.append(try file.number(field, Int.self, line: line)) }
        rows.append(row)
      }
      return rows
    }
    func malformed(_ part: String, _ line: Int, _ problem: String) -> DataError {
      .malformed(path: "\(folder)/\(name)_\(part).txt", format: "TU graph", place: line, problem: problem)
    }
    let labels = try integers("graph_labels", columns: 1).map { $0[0] }
    let owner = try integers("graph_indicator", columns: 1).map { $0[0] - 1 }
    var graphs = labels.map { Graph(edges: [], nodeCount: 0, nodeLabels: [], label: $0) }
    // Position of each node within its graph.
    var position: [Int] = []
    for (i, graph) in owner.enumerated() {
      guard graphs.indices.contains(graph) else {
        throw malformed("graph_indicator", i + 1, "there is no graph \(graph + 1)")
      }
      position.append(graphs[graph].nodeCount)
      graphs[graph].nodeCount += 1
    }
    for (i, edge) in try integers("A", columns: 2).enumerated() {
      let (a, b) = (edge[0] - 1, edge[1] - 1)
      guard owner.indices.contains(a), owner.indices.contains(b), owner[a] == owner[b]
      else { throw malformed("A", i + 1, "it joins nodes \(edge[0]) and \(edge[1]), which are not in one graph") }
      graphs[owner[a]].edges.append((position[a], position[b]))
    }
    if FileManager.default.fileExists(atPath: "\(folder)/\(name)_node_labels.txt") {
      let nodeLabels = try integers("node_labels", columns: 1).map { $0[0] }
      guard nodeLabels.count == owner.count
      else {
        throw malformed("node_labels", nodeLabels.count, "it has \(nodeLabels.count) labels for \(owner.count) nodes")
      }
      for (graph, label) in zip(owner, nodeLabels) { graphs[graph].nodeLabels.append(label) }
    }
    return graphs
  }
}

/// A citation network with the split of Planetoid (Yang et al. 2016), from two text files.
public struct CitationNetwork: Sendable {
  /// Papers and citations, each citation in both directions.
  public var graph: Graph
  /// Which words a paper contains: papers × words.
  public var features: SparseMatrix<Float>
  /// Papers by the part of the public split they belong to, such as `train`.
  public var split: [String: [Int]]

  /// - Parameters:
  ///   - nodes: lines of paper, class, part of the split, and the words that occur.
  ///   - edges: lines of two papers, each pair once.
  public init(nodes: String, edges: String) throws {
    let file = try DataFile(nodes, format: "node list")
    var labels: [Int] = []
    var rows: [Int] = []
    var words: [Int] = []
    split = [:]
    for (line, fields) in file.lines() {
      guard fields.count >= 3 else {
        throw file.malformed("a paper needs a number, a class and a part of the split", at: line)
      }
      let node = try file.number(fields[0], Int.self, line: line)
      guard node == labels.count else {
        throw file.malformed("paper \(node) stands where \(labels.count) should", at: line)
      }
      labels.append(try file.number(fields[1], Int.self, line: line))
      split[String(fields[2]), default: []].append(node)
      for field in fields.dropFirst(3) {
        let word = try file.number(field, Int.self, line: line)
        guard (0..<1 << 24).contains(word) else { throw file.malformed("there is no word \(word)", at: line) }
        rows.append(node)
        words.append(word)
      }
    }
    features = try SparseMatrix(
      rows: labels.count, columns: (words.max() ?? -1) + 1, rowIndices: rows, columnIndices: words,
      values: [Float](repeating: 1, count: words.count))
    let list = try DataFile(edges, format: "edge list")
    var pairs: [(from: Int, to: Int)] = []
    for (line, fields) in list.lines() {
      guard fields.count >= 2 else { throw list.malformed("a citation needs two papers", at: line) }
      let a = try list.number(fields[0], Int.self, line: line)
      let b = try list.number(fields[1], Int.self, line: line)
      guard labels.indices.contains(a), labels.indices.contains(b) else {
        throw list.malformed("there is no paper \(max(a, b))", at: line)
      }
      pairs += [(a, b), (b, a)]
    }
    graph = Graph(edges: pairs, nodeCount: labels.count, nodeLabels: labels)
  }
}
