import Foundation
import Tensors

// Texts.
extension ONNXOperators {
  static let strings: [String: Evaluate] = [
    "StringConcat": one { a in
      let (x, y) = (try a.tensor(0), try a.tensor(1))
      let (all, shape) = try combined(x.strings(), x.shape, y.strings(), y.shape, a.node) { $0 + $1 }
      return try ONNXTensor(strings: all, shape: shape)
    },
    "StringSplit": evaluateStringSplit,
    "StringNormalizer": one(evaluateStringNormalizer),
    "RegexFullMatch": one { a in
      let x = try a.tensor(0)
      let pattern = a.node.text("pattern", "")
      guard let expression = try? NSRegularExpression(pattern: "^(?:\(pattern))$", options: []) else {
        throw a.node.unsupported("the regular expression \(pattern)")
      }
      let truths = try x.strings().map { text in
        let all = NSRange(text.startIndex..., in: text)
        return expression.firstMatch(in: text, range: all)?.range == all
      }
      return try ONNXTensor(truths: truths, shape: x.shape)
    },
    "TfIdfVectorizer": one(evaluateTfIdf),
  ]

  private static let evaluateStringSplit: Evaluate = { a in
    let x = try a.tensor(0)
    let delimiter = a.node.text("delimiter", "")
    let limit = a.node.has("maxsplit") ? a.node.integer("maxsplit", 0) : Int.max
    let parts = try x.strings().map { text -> [String] in
      if !delimiter.isEmpty { return text.isEmpty ? [""] : split(text, at: delimiter, limit: limit) }
      // White space of any length; none at the ends.
      var words: [String] = []
      var rest = Substring(text).drop { $0.isWhitespace }
      while !rest.isEmpty {
        if words.count == limit {
          words.append(String(rest.reversed().drop { $0.isWhitespace }.reversed()))
          break
        }
        words.append(String(rest.prefix { !$0.isWhitespace }))
        rest = rest.drop { !$0.isWhitespace }.drop { $0.isWhitespace }
      }
      return words
    }
    let widest = parts.map(\.count).max() ?? 0
    let filled = parts.flatMap { $0 + Array(repeating: "", count: widest - $0.count) }
    return [
      .tensor(try ONNXTensor(strings: filled, shape: x.shape + [widest])),
      .tensor(try ONNXTensor(wholes: parts.map(\.count), shape: x.shape)),
    ]
  }

  private static func split(_ text: String, at delimiter: String, limit: Int) -> [String] {
    var (parts, rest): ([String], Substring) = ([], text[...])
    while parts.count < limit, let range = rest.range(of: delimiter) {
      parts.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return parts + [String(rest)]
  }

  private static func evaluateStringNormalizer(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.tensor(0)
    guard x.rank == 1 || (x.rank == 2 && x.shape[0] == 1) else {
      throw a.node.invalid("its input has the shape \(x.shape)")
    }
    let change = try a.node.word("case_change_action", ["NONE", "LOWER", "UPPER"])
    let isSensitive = a.node.flag("is_case_sensitive")
    let stops = a.node.texts("stopwords") ?? []
    let locale = a.node.has("locale") ? Locale(identifier: a.node.text("locale", "en_US")) : nil
    func lower(_ text: String) -> String { locale.map { text.lowercased(with: $0) } ?? text.lowercased() }
    let hidden = Set(isSensitive ? stops : stops.map(lower))
    var kept = try x.strings().filter { !hidden.contains(isSensitive ? $0 : lower($0)) }
    switch change {
    case "LOWER": kept = kept.map(lower)
    case "UPPER": kept = kept.map { text in locale.map { text.uppercased(with: $0) } ?? text.uppercased() }
    default: break
    }
    // Nothing left is one empty text.
    if kept.isEmpty { kept = [""] }
    return try ONNXTensor(strings: kept, shape: x.rank == 1 ? [kept.count] : [1, kept.count])
  }

  /// Counts of runs of words, or their weights.
  private static func evaluateTfIdf(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.tensor(0)
    let node = a.node
    let mode = try node.word("mode", ["TF", "IDF", "TFIDF"])
    let words: [String] = try x.type == .string ? x.strings() : x.wholes().elements.map { "\($0)" }
    let pool = node.texts("pool_strings") ?? (node.integers("pool_int64s") ?? []).map { "\($0)" }
    let counts = node.integers("ngram_counts") ?? []
    let indexes = node.integers("ngram_indexes") ?? []
    let weights = node.floats("weights").map { $0.map { Double($0) } }
    let (shortest, longest) = (node.integer("min_gram_length", 1), node.integer("max_gram_length", 1))
    let skips = node.integer("max_skip_count", 0)
    guard (1...2).contains(x.rank) || x.rank == 0, shortest >= 1, longest >= shortest, counts.count >= longest,
      skips >= 0,
      counts.first == 0, zip(counts, counts.dropFirst()).allSatisfy({ $0 <= $1 }),
      counts.allSatisfy({ $0 <= pool.count }),
      indexes.allSatisfy({ (0..<1 << 29).contains($0) }), weights.map({ $0.count == indexes.count }) ?? true
    else { throw node.invalid("its lengths, counts or indexes do not fit") }
    // The number of every run of words.
    var numbers: [[String]: Int] = [:]
    var next = 0
    for length in 1...counts.count {
      let end = length < counts.count ? counts[length] : pool.count
      guard (end - counts[length - 1]) % length == 0 else { throw node.invalid("ngram_counts is \(counts)") }
      for start in stride(from: counts[length - 1], to: end, by: length) {
        if length >= shortest && length <= longest { numbers[Array(pool[start..<start + length])] = next }
        next += 1
      }
    }
    guard next == indexes.count else { throw node.invalid("\(indexes.count) indexes for \(next) runs of words") }
    let width = (indexes.max() ?? -1) + 1
    let rows = x.rank == 2 ? x.shape[0] : 1
    let perRow = rows == 0 ? 0 : words.count / rows
    try node.checkedCount([rows, width])
    try node.checkWork([rows, perRow, skips + 1, longest, longest])
    var results = Array(repeating: 0.0, count: rows * width)
    for row in 0..<rows {
      var found = Array(repeating: 0.0, count: next)
      for length in shortest...longest {
        // Words one by one need no skips.
        for step in 1...(length == 1 ? 1 : skips + 1) {
          guard perRow > (length - 1) * step else { break }
          for start in 0..<perRow - (length - 1) * step {
            let run = (0..<length).map { words[row * perRow + start + $0 * step] }
            if let number = numbers[run] { found[number] += 1 }
          }
        }
      }
      for (number, column) in indexes.enumerated() {
        let weight = weights?[number] ?? 1
        let value =
          mode == "TF" ? found[number] : mode == "IDF" ? (found[number] > 0 ? weight : 0) : found[number] * weight
        results[row * width + column] += value
      }
    }
    return try ONNXTensor(Tensor(results, shape: x.rank == 2 ? [rows, width] : [width]), as: .float)
  }
}
