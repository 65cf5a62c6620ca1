import Foundation
import Tensors

extension Chart {
  /// A small picture with a line below it.
  public struct Exhibit: Codable, Sendable, Equatable {
    public private(set) var width: Int
    public private(set) var height: Int
    /// Red, green and blue of each pixel from 0 to 255, row by row from above.
    public private(set) var pixels: Data
    public var caption: String
    /// Whether the caption has the colour of what is wrong.
    public var isMarked: Bool

    /// Pixels along the longer side beyond which a picture is made smaller: more cannot be seen in a row of pictures.
    private static let limit = 96

    /// - Parameters:
    ///   - picture: `[height, width]`, `[1, height, width]` or `[3, height, width]`, from 0 to 1; what is beyond is clamped.
    ///   - isMarked: whether the caption has the colour of what is wrong.
    /// - Throws: `TensorError.wrongShape` where it is no such picture.
    public init(_ picture: Tensor<Float>, caption: String, isMarked: Bool = false) throws {
      let channels = picture.rank == 3 ? picture.shape[0] : 1
      guard picture.rank == 2 || (picture.rank == 3 && (channels == 1 || channels == 3)), picture.count > 0 else {
        throw TensorError.wrongShape(
          argument: "picture", found: picture.shape,
          expected: "[height, width], [1, height, width] or [3, height, width]")
      }
      var planes = picture.rank == 3 ? picture : try picture.expanded(axis: 0)
      // The mean of squares of pixels; what is left at the edge is cut off.
      let factor = (max(planes.shape[1], planes.shape[2]) + Exhibit.limit - 1) / Exhibit.limit
      if factor > 1, min(planes.shape[1], planes.shape[2]) >= factor {
        let (rows, columns) = (planes.shape[1] / factor, planes.shape[2] / factor)
        planes = try planes.slice(0..<rows * factor, axis: 1).slice(0..<columns * factor, axis: 2)
          .reshaped([channels, rows, factor, columns, factor]).mean(axes: [2, 4])
      }
      (height, width) = (planes.shape[1], planes.shape[2])
      let colours = try planes.broadcast(to: [3, height, width]).permuted([1, 2, 0])
      // A value that is no number becomes black.
      pixels = Data(colours.elements.map { $0 > 0 ? UInt8(min(1, $0) * 255 + 0.5) : 0 })
      self.caption = caption
      self.isMarked = isMarked
    }
  }
}

extension Chart.Panel {
  /// Small pictures in rows, each with a line below it.
  ///
  /// - Parameter note: what the lines mean; it stands below all pictures.
  public init(_ title: String = "", exhibits: [Chart.Exhibit], note: String = "") {
    self.init(title, x: Chart.Axis(note), y: Chart.Axis(""))
    self.exhibits = exhibits
    hasOwnRanges = true
  }
}

extension ChartLayout {
  /// Where the pictures of a panel are, as large as all of them fit, and the middle of the lines below them.
  static func places(_ exhibits: [Chart.Exhibit], in plot: Rectangle) -> [(picture: Rectangle, caption: Double)] {
    // One box for all: as high against its width as the highest picture.
    let ratio = exhibits.map { Double($0.height) / Double($0.width) }.max() ?? 1
    let captions = exhibits.map(\.caption).filter { !$0.isEmpty }
    let (gap, below) = (8.0, captions.isEmpty ? 0 : line)
    func box(_ columns: Int) -> (width: Double, rows: Int) {
      let rows = (exhibits.count + columns - 1) / columns
      let height = (plot.height - gap * Double(rows - 1)) / Double(rows) - below
      return (min((plot.width - gap * Double(columns - 1)) / Double(columns), height / ratio), rows)
    }
    guard let columns = (1...max(1, exhibits.count)).max(by: { box($0).width < box($1).width }) else { return [] }
    let (width, rows) = box(columns)
    let height = width * ratio
    let left = plot.middle - (width * Double(columns) + gap * Double(columns - 1)) / 2
    let top = plot.y + (plot.height - (height + below) * Double(rows) - gap * Double(rows - 1)) / 2
    return exhibits.enumerated().map { i, exhibit in
      let scale = min(width / Double(exhibit.width), height / Double(exhibit.height))
      let size = (width: Double(exhibit.width) * scale, height: Double(exhibit.height) * scale)
      let x = left + (width + gap) * Double(i % columns) + (width - size.width) / 2
      let y = top + (height + below + gap) * Double(i / columns) + height - size.height
      return (Rectangle(x: x, y: y, width: size.width, height: size.height), y + size.height + below / 2)
    }
  }
}

extension Gnuplot {
  /// Pixels of each picture: column, row from above, red, green, blue.
  static func data(exhibits: [Chart.Exhibit], place p: Int) -> [String] {
    exhibits.enumerated().map { i, exhibit in
      let bytes = [UInt8](exhibit.pixels)
      return block(
        "e\(p)_\(i)",
        (0..<exhibit.width * exhibit.height).map { at in
          [Double(at % exhibit.width), Double(at / exhibit.width)] + (0..<3).map { Double(bytes[3 * at + $0]) }
        })
    }
  }

  /// The panel's pixels as coordinates, counted from its upper left corner, without axes; and the lines below the pictures.
  static func frameless(_ panel: Chart.Panel, _ cell: ChartLayout.Cell, _ canvas: Canvas) -> [String] {
    let places = ChartLayout.places(panel.exhibits, in: cell.plot)
    return [
      "set size noratio\nunset border\nunset grid\nunset tics\nunset colorbox\nunset logscale",
      "set xrange [0:\(cell.plot.width)]\nset yrange [\(cell.plot.height):0]",
    ]
      + zip(panel.exhibits, places).map { exhibit, place in
        canvas.text(
          exhibit.caption, place.picture.middle, place.caption, colour: exhibit.isMarked ? colours[1] : "#333333")
      }
  }

  /// What draws the pictures of a panel.
  static func commands(exhibits: [Chart.Exhibit], _ cell: ChartLayout.Cell, place p: Int) -> [String] {
    zip(exhibits, ChartLayout.places(exhibits, in: cell.plot)).enumerated().map { i, item in
      let (exhibit, place) = item
      let size = place.picture.width / Double(exhibit.width)
      // gnuplot wants the middles of pixels.
      let (x, y) = (place.picture.x - cell.plot.x + size / 2, place.picture.y - cell.plot.y + size / 2)
      return "$e\(p)_\(i) using (\(x)+$1*\(size)):(\(y)+$2*\(size)):3:4:5 with rgbimage notitle"
    }
  }
}
