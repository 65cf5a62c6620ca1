/// The accepted word that is nearest to a mistyped one, where one is near: at most a third of its letters wrong, or two.
///
/// Distance: insertions, deletions and substitutions (Levenshtein 1966).
public func nearest(to word: String, in accepted: [String]) -> String? {
  func distance(_ a: [Character], _ b: [Character]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let substituted = diagonal + (x == y ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
  let letters = Array(word.lowercased())
  let found = accepted.map { (word: $0, distance: distance(letters, Array($0.lowercased()))) }
    .min { ($0.distance, $0.word) < ($1.distance, $1.word) }
  guard let found, found.distance <= max(2, found.word.count / 3), found.distance < found.word.count else { return nil }
  return found.word
}

/// The list of what is accepted, and the nearest word: for messages.
public func accepted(_ words: [String], insteadOf word: String) -> String {
  let list = "one of \(words.joined(separator: ", "))"
  return nearest(to: word, in: words).map { "\(list) (did you mean `\($0)`?)" } ?? list
}
